/* What a group of resident.cl multiplies: h of a chunk of batch rows with its rows of W_hh, which are in registers.
 *
 *   UNITS    of a group; HIDDEN: of the layer
 *   DEPTH    elements of K of a warp
 *   CHUNKS   of batch rows, in a slice
 *   FILLED   rows of a chunk that there are in any: CHUNK, or fewer where a slice has fewer
 *
 *   MMA 1  bfloat16 and float16, by matrix instructions (mma.cl); DEPTH is a multiple of 32
 *          W [members][WARPS][TILES][DEPTH / 32][2][32 lanes][8] stored: fragments of A, in which column 2 t + e of a half
 *          is element 8 t + 4 half + e, and column 8 + 2 t + e the one 2 further on: then 16 bytes of a row of h are a
 *          lane's part of both halves
 *   MMA 0  any storage, by FMA; DEPTH is a multiple of 4; h of a chunk lies in local memory
 *          W [members][WARPS][LANE_ROWS][DEPTH / 4][32 lanes][4] stored: lane l has rows l, l + 32, ..
 *
 * W is 0 in rows and columns that are none.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"
#include "mma.cl"
#include "stage.cl"

#if VW == 1
#ifndef MMA
#define MMA 0
#endif
#ifndef UNITS
#define UNITS 8
#define DEPTH 32
#define HIDDEN 256
#define CHUNKS 2
#define FILLED 8
#endif
#define WARPS ((LANES + 31) / 32)
#define ITEMS (32 * WARPS)
#define ROWS_OF_W (GATES * UNITS)
#if MMA
#define CHUNK 16
#define TILES ((ROWS_OF_W + 15) / 16)
#define STEPS_OF_K (DEPTH / 32)
#define LINE (16 * TILES + 4) /* of sums, from batch row to batch row: neither writes nor reads meet in a bank */
#else
#ifndef CHUNK
#define CHUNK 8
#endif
#define AT_ONCE 4 /* batch rows: as many chains of sums that do not wait for each other */
#define LANE_ROWS ((ROWS_OF_W + 31) / 32)
#define LINE (32 * LANE_ROWS)
#define TILE_LINE (WARPS * DEPTH)
#endif
/* Loops that number registers. */
#if MMA
#define UNROLL UNROLL_MMA
#else
#define UNROLL _Pragma("unroll")
#endif

/* A chunk of batch rows, and its longest row: behind its end nothing is multiplied. */
typedef struct chunk_rows {
  slice rows;
  int number;
  volatile __local const int *longest;
} chunk_rows;

/* Whether some row of the chunk has step p->t. Asked again behind every barrier, and not kept: from a condition that holds on
 * both sides of a barrier compilers make two copies of what is between, and PoCL 3.1 takes such a barrier for conditional and
 * lets all items go the first one's way up to the next. */
INLINE bool is_wanted(const stage *p, const chunk_rows *c) {
  return p->t < *c->longest;
}

/* ---- h, which other groups have written since the launch ---- */

#if PTX
INLINE uint4 load_16_bytes(__global const void *p) {
  uint4 v;
  __asm__ volatile("ld.relaxed.gpu.global.v4.u32 {%0,%1,%2,%3}, [%4];"
                   : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                   : "l"(p)
                   : "memory");
  return v;
}
INLINE uint2 load_8_bytes(__global const void *p) {
  uint2 v;
  __asm__ volatile("ld.relaxed.gpu.global.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p) : "memory");
  return v;
}
#else
INLINE uint4 load_16_bytes(__global const void *p) {
  return *(volatile __global const uint4 *)p;
}
INLINE uint2 load_8_bytes(__global const void *p) {
  return *(volatile __global const uint2 *)p;
}
#endif

/* ---- the product of a chunk: sums[warp][batch row][row of W] ---- */

typedef struct parts {
  __local float *sums;
#if MMA
  __local uint *exchange;
#else
  __local float4 *tile; /* [CHUNK][TILE_LINE] of h */
#endif
} parts;

#if MMA
typedef struct weights {
  uint4 of[TILES][STEPS_OF_K][2];
} weights;

INLINE void load_weights(weights *w, __global const stored *W, int member) {
  uint item = (uint)get_local_id(0);
  size_t warp = (size_t)member * WARPS + item / 32;
  __global const uint4 *from = (__global const uint4 *)W + warp * (TILES * STEPS_OF_K * 64) + item % 32;
#pragma unroll
  for (int f = 0; f < TILES * STEPS_OF_K * 2; ++f) {
    w->of[f / (STEPS_OF_K * 2)][f / 2 % STEPS_OF_K][f % 2] = from[f * 32];
  }
}

/* This lane's 8 elements of a row of h from element k on, 0 from HIDDEN on. */
INLINE uint4 load_h(__global const stored *row, int k) {
  if (k >= HIDDEN) {
    return (uint4)(0u);
  }
  uint4 words = load_16_bytes(row + k);
  return HIDDEN % 8 == 0 ? words : first_of(words, HIDDEN - k);
}

INLINE void multiply(const weights *w, const stage *p, const chunk_rows *c, const parts *to) {
  uint lane = (uint)get_local_id(0) % 32, warp = (uint)get_local_id(0) / 32;
  UNROLL
  for (int n = PTX && !is_wanted(p, c) ? 2 : 0; n < 2; ++n) {
    __global const stored *h = p->h_in + (size_t)batch_row(p, c->rows, c->number * CHUNK + n * 8 + (int)(lane / 4)) * p->s.lda;
    uint4 b[STEPS_OF_K];
    float acc[TILES][4];
    UNROLL
    for (int k = 0; k < STEPS_OF_K; ++k) {
      b[k] = load_h(h, (int)(warp * DEPTH + k * 32 + lane % 4 * 8));
    }
    UNROLL
    for (int m = 0; m < TILES; ++m) {
      acc[m][0] = acc[m][1] = acc[m][2] = acc[m][3] = 0.0f;
      UNROLL
      for (int k = 0; k < STEPS_OF_K; ++k) {
        mma(acc[m], w->of[m][k][0], b[k].x, b[k].y, to->exchange);
        mma(acc[m], w->of[m][k][1], b[k].z, b[k].w, to->exchange);
      }
      __local float *sums = to->sums + (warp * CHUNK + n * 8 + lane % 4 * 2) * LINE + m * 16 + lane / 4;
      sums[0] = acc[m][0];
      sums[LINE] = acc[m][1];
      sums[8] = acc[m][2];
      sums[LINE + 8] = acc[m][3];
    }
  }
}
#else
typedef struct weights {
  float of[LANE_ROWS][DEPTH];
} weights;

INLINE void load_weights(weights *w, __global const stored *W, int member) {
  uint item = (uint)get_local_id(0);
  __global const stored *from = W + ((size_t)member * WARPS + item / 32) * (LANE_ROWS * DEPTH * 32) + item % 32 * 4;
#pragma unroll
  for (int f = 0; f < LANE_ROWS * DEPTH; ++f) {
    w->of[f / DEPTH][f % DEPTH] = LOAD_ONE(from + f / 4 * 128 + f % 4);
  }
}

/* Elements k .. k + 3 of a row of h, 0 from HIDDEN on. */
INLINE float4 load_h(__global const stored *row, int k) {
  if (k >= HIDDEN) {
    return (float4)(0.0f);
  }
#if STORAGE == 0
  float4 v = as_float4(load_16_bytes(row + k));
#else
  uint2 words = load_8_bytes(row + k);
  float4 v = (float4)(widen(words.x & 0xffffu), widen(words.x >> 16), widen(words.y & 0xffffu), widen(words.y >> 16));
#endif
#if HIDDEN % 4 != 0
  v.y = k + 1 < HIDDEN ? v.y : 0.0f;
  v.z = k + 2 < HIDDEN ? v.z : 0.0f;
  v.w = k + 3 < HIDDEN ? v.w : 0.0f;
#endif
  return v;
}

INLINE void multiply(const weights *w, const stage *p, const chunk_rows *c, const parts *to) {
  uint item = (uint)get_local_id(0), lane = item % 32, warp = item / 32;
  for (uint q = is_wanted(p, c) ? item : CHUNK * TILE_LINE / 4; q < CHUNK * TILE_LINE / 4; q += ITEMS) {
    int row = batch_row(p, c->rows, c->number * CHUNK + (int)(q / (TILE_LINE / 4)));
    to->tile[q] = load_h(p->h_in + (size_t)row * p->s.lda, (int)(q % (TILE_LINE / 4)) * 4);
  }
  MEET_IN_GROUP(CLK_LOCAL_MEM_FENCE);
#pragma nounroll
  for (int n = is_wanted(p, c) ? 0 : CHUNK; n < CHUNK; n += AT_ONCE) {
    __local const float4 *h = to->tile + (n * TILE_LINE + (int)warp * DEPTH) / 4;
    float acc[AT_ONCE][LANE_ROWS];
#pragma unroll
    for (int k = 0; k < AT_ONCE * LANE_ROWS; ++k) {
      acc[k / LANE_ROWS][k % LANE_ROWS] = 0.0f;
    }
#pragma unroll
    for (int k = 0; k < DEPTH; k += 4) {
#pragma unroll
      for (int b = 0; b < AT_ONCE; ++b) {
        float4 v = h[(b * TILE_LINE + k) / 4];
#pragma unroll
        for (int r = 0; r < LANE_ROWS; ++r) {
          float sum = FMA(v.x, w->of[r][k], acc[b][r]);
          sum = FMA(v.y, w->of[r][k + 1], sum);
          sum = FMA(v.z, w->of[r][k + 2], sum);
          acc[b][r] = FMA(v.w, w->of[r][k + 3], sum);
        }
      }
    }
#pragma unroll
    for (int k = 0; k < AT_ONCE * LANE_ROWS; ++k) {
      to->sums[(warp * CHUNK + n + k / LANE_ROWS) * LINE + k % LANE_ROWS * 32 + lane] = acc[k / LANE_ROWS][k % LANE_ROWS];
    }
  }
}
#endif
#endif
