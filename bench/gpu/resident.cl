/* A design to be measured: an LSTM's recurrence in one launch, with W_hh in registers. It has only been assembled (tests/gpu,
 * docs/gpu.md); nothing here has run yet.
 *
 * A group of 8 warps owns UNITS = 4 * MT hidden units, all four gates of them: MT * 16 rows of W_hh, of which each warp
 * keeps the part for an eighth of K = 256 * KS as fragments, 8 * MT * KS registers a lane, from the first step to the last.
 * In a step a warp multiplies them by its part of h for 8 batch rows after the other; partial sums meet in local memory.
 * h travels between groups in fragment order, so that a lane loads 16 bytes and multiplies them, past the first cache.
 *
 *   W      [groups][8 warps][MT][KS][2][32 lanes][8] bf16, fragments of A of mma.m16n8k16; row gate * UNITS + unit of a group
 *   gx     [steps][groups][NT / 2][4 gates][UNITS * 16] f32, projection and bias
 *   h      [2][NT][8 * KS][32 lanes][8] bf16, fragments of B: batch row 8 n + lane / 4; h of step -1 in half 0
 *   flags  [groups] u32, zero before;  given_up u32, zero before: groups whose looks ran out
 *   y      [steps][groups][NT / 2][UNITS * 16] bf16
 *
 * Launch: global = 256 * groups, local = 256, all groups at the same time; K = UNITS * groups.
 *
 * SPDX-License-Identifier: MIT */
#ifndef MT
#define MT 2 /* H 1024 on 128 groups */
#define KS 4
#define NT 4 /* 32 batch rows */
#endif
#define UNITS (4 * MT)
#define PAIRS (UNITS * 16) /* units by 16 batch rows, of a chunk of two tiles of them */
#define CHUNKS (NT / 2)
#define OWN ((PAIRS + 255) / 256)

static inline void mma(float d[4], uint4 a, uint b0, uint b1) {
  __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                   : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}

/* Past the first cache: another group has written it since. */
static inline uint4 load_h(__global const uint4 *p) {
  uint4 v;
  __asm__ volatile("ld.relaxed.gpu.global.v4.u32 {%0,%1,%2,%3}, [%4];"
                   : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                   : "l"(p)
                   : "memory");
  return v;
}

static inline uint acquire(__global const uint *p) {
  uint v;
  __asm__ volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
  return v;
}

static inline float tanh_of(float x) {
  float y;
  __asm__ volatile("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

static inline float sigmoid_of(float x) {
  return fma(tanh_of(0.5f * x), 0.5f, 0.5f);
}

static inline ushort bfloat_of(float v) {
  uint bits = as_uint(v);
  return (ushort)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Where unit k of batch row b of h lies: fragment order. */
static inline uint place_of_h(uint b, uint k) {
  return (((b / 8 * (8 * KS) + k / 32) * 32) + b % 8 * 4 + k % 8 / 2) * 8 + k % 32 / 8 * 2 + k % 2;
}

/* Sums of this warp's part of K for two tiles of batch rows, to its place in local memory. */
static inline void multiply(const uint4 w[MT][KS][2], __global const uint4 *h, int chunk, __local float *sums) {
  uint lane = (uint)get_local_id(0) % 32, warp = (uint)get_local_id(0) / 32;
#pragma unroll
  for (int n = 0; n < 2; ++n) {
    uint4 b[KS];
    float acc[MT][4];
#pragma unroll
    for (int k = 0; k < KS; ++k) {
      b[k] = load_h(h + ((chunk * 2 + n) * (8 * KS) + warp * KS + k) * 32 + lane);
    }
#pragma unroll
    for (int m = 0; m < MT; ++m) {
      acc[m][0] = acc[m][1] = acc[m][2] = acc[m][3] = 0.0f;
#pragma unroll
      for (int k = 0; k < KS; ++k) {
        mma(acc[m], w[m][k][0], b[k].x, b[k].y);
        mma(acc[m], w[m][k][1], b[k].z, b[k].w);
      }
      __local float *to = sums + (warp * MT * 16 + m * 16 + lane / 4) * 16 + n * 8 + lane % 4 * 2;
      to[0] = acc[m][0];
      to[1] = acc[m][1];
      to[8 * 16] = acc[m][2];
      to[8 * 16 + 1] = acc[m][3];
    }
  }
}

/* The gates of a pair of unit and batch row from its eight partial sums each, and c; h. */
static inline float cell(const __local float *sums, uint pair, const float gx[4], float *c) {
  float p[4];
#pragma unroll
  for (int gate = 0; gate < 4; ++gate) {
    p[gate] = gx[gate];
#pragma unroll
    for (int warp = 0; warp < 8; ++warp) {
      p[gate] += sums[(warp * MT * 16 + gate * UNITS) * 16 + pair];
    }
  }
  *c = fma(sigmoid_of(p[1]), *c, sigmoid_of(p[0]) * tanh_of(p[2]));
  return sigmoid_of(p[3]) * tanh_of(*c);
}

static inline void load_gx(float gx[CHUNKS][OWN][4], __global const float *from) {
#pragma unroll
  for (int chunk = 0; chunk < CHUNKS; ++chunk) {
#pragma unroll
    for (int own = 0; own < OWN; ++own) {
      uint pair = (uint)get_local_id(0) + own * 256;
#pragma unroll
      for (int gate = 0; gate < 4; ++gate) {
        gx[chunk][own][gate] = pair < PAIRS ? from[(chunk * 4 + gate) * PAIRS + pair] : 0.0f;
      }
    }
  }
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void resident(__global const uint4 *restrict W,
                                                                        __global const float *restrict gx_all,
                                                                        __global ushort *h, __global ushort *restrict y,
                                                                        __global uint *flags, __global uint *given_up,
                                                                        int steps, uint polls) {
  __local float sums[8 * MT * 16 * 16];
  __local uint failed;
  const uint groups = (uint)get_num_groups(0), group = (uint)get_group_id(0), item = (uint)get_local_id(0);
  uint4 w[MT][KS][2];
  float gx[CHUNKS][OWN][4], c[CHUNKS][OWN];
#pragma unroll
  for (int f = 0; f < MT * KS * 2; ++f) {
    w[f / (KS * 2)][f / 2 % KS][f % 2] = W[((group * 8 + item / 32) * (MT * KS * 2) + f) * 32 + item % 32];
  }
#pragma unroll
  for (int k = 0; k < CHUNKS * OWN; ++k) {
    c[k / OWN][k % OWN] = 0.0f;
  }
  if (item == 0) {
    failed = 0;
  }
  load_gx(gx, gx_all + (size_t)group * CHUNKS * 4 * PAIRS);
  for (int t = 0; t < steps; ++t) {
    __global const uint4 *h_in = (__global const uint4 *)h + (t & 1) * (NT * 8 * KS * 32);
    __global ushort *h_out = h + (1 - (t & 1)) * (NT * 8 * KS * 32 * 8);
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; ++chunk) {
      multiply(w, h_in, chunk, sums);
      barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
      for (int own = 0; own < OWN; ++own) {
        uint pair = item + own * 256;
        if (pair < PAIRS) {
          ushort value = bfloat_of(cell(sums, pair, gx[chunk][own], &c[chunk][own]));
          h_out[place_of_h(chunk * 16 + pair % 16, group * UNITS + pair / 16)] = value;
          y[(((size_t)t * groups + group) * CHUNKS + chunk) * PAIRS + pair] = value;
        }
      }
      barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    }
    if (item == 0) {
      __asm__ volatile("st.release.gpu.global.u32 [%0], %1;" : : "l"(flags + group), "r"(t + 1) : "memory");
    }
    if (t + 1 < steps) { /* on its way while the others arrive */
      load_gx(gx, gx_all + ((size_t)(t + 1) * groups + group) * CHUNKS * 4 * PAIRS);
    }
    for (uint g = item; g < groups; g += 256) {
      uint left = polls;
      while (left > 0 && acquire(flags + g) < (uint)(t + 1)) {
        --left;
      }
      if (left == 0) {
        failed = 1;
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (failed) {
      break;
    }
  }
  if (item == 0 && failed) {
    atomic_inc(given_up);
  }
}
