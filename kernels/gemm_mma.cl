/* C = A W^T by the matrix instructions of NVIDIA GPUs, for elements that are stored in 16 bits; sums in float32.
 *
 *   A [M, lda] 16 bits  rows of K elements
 *   W packed   16 bits  [ceil(N / COLUMNS) * WARPS_N][ceil(K / DEPTH)][TILES_N][32 lanes][8], zero behind row N and column K
 *   C [M, ldc] f32      out: columns 0 .. N - 1; may not alias A
 *
 * A group has WARPS_M by WARPS_N warps of TILES_M by TILES_N tiles of 16 rows and 8 columns: ROWS_OF by COLUMNS elements of
 * C. A step takes DEPTH = 32 elements of K: rows of A lie in local memory, twice, so that the next step's are
 * written while this step's are read; W goes from memory to the registers where the instruction wants it, 16 bytes a lane
 * (host/opencl/gemm/gemm_mma.c packs it so), a step ahead. The sum over k runs in one order for every row.
 *
 * mma.cl has the instruction and its plain twin.
 *
 * Launch: global = [ITEMS * ceil(M / ROWS_OF), ceil(N / COLUMNS)], local = [ITEMS, 1].
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"
#include "mma.cl"

#ifndef WARPS_M
#define WARPS_M 2
#define WARPS_N 4
#define TILES_M 4
#define TILES_N 4
#endif
#ifndef ALIGNED
#define ALIGNED 0 /* rows of A begin at multiples of 16 bytes */
#endif
#define ITEMS (32 * WARPS_M * WARPS_N)
#define ROWS_OF (16 * WARPS_M * TILES_M)
#define COLUMNS (8 * WARPS_N * TILES_N)
#define DEPTH 32
/* Pieces of 16 bytes of A's rows in a step: of the group, and of an item, rounded up. */
#define PIECES (ROWS_OF * DEPTH / 8)
#define OWN_PIECES ((PIECES + ITEMS - 1) / ITEMS)

/* ---- A, on its way through local memory ---- */

/* Where a piece of 8 elements of a row lies, in pieces. Eight rows that are read at once fall into eight different
 * sets of banks: two rows fill all banks, and the pieces of four pairs of rows are turned against each other. */
INLINE uint place(uint row, uint piece) {
  return row * 4 + (piece ^ ((row >> 1) & 3u));
}

/* Elements k .. k + 7 of a row, 0 from K on. Where rows are aligned, lda is a multiple of 8, and so a piece that begins
 * within a row ends within it. */
INLINE uint4 load_piece(__global const ushort *row, int k, int K) {
  if (k >= K) {
    return (uint4)(0u);
  }
#if ALIGNED
  return first_of(*(__global const uint4 *)(row + k), K - k);
#else
  uint words[4];
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    int at = k + 2 * w;
    uint lower = at < K ? row[at] : 0u;
    uint upper = at + 1 < K ? row[at + 1] : 0u;
    words[w] = lower | upper << 16;
  }
  return (uint4)(words[0], words[1], words[2], words[3]);
#endif
}

/* This item's pieces of a step. Behind the last row the tile has that one again. */
INLINE void load_A(uint4 own[OWN_PIECES], __global const ushort *A, int lda, int first_row, int M, int k, int K) {
#pragma unroll
  for (int p = 0; p < OWN_PIECES; ++p) {
    uint piece = (uint)get_local_id(0) + p * ITEMS;
    if (piece < PIECES) {
      int row = min(first_row + (int)(piece / 4), M - 1);
      own[p] = load_piece(A + (size_t)row * lda, k + (int)(piece % 4) * 8, K);
    }
  }
}

INLINE void store_A(__local uint4 *tile, const uint4 own[OWN_PIECES]) {
#pragma unroll
  for (int p = 0; p < OWN_PIECES; ++p) {
    uint piece = (uint)get_local_id(0) + p * ITEMS;
    if (piece < PIECES) {
      tile[place(piece / 4, piece % 4)] = own[p];
    }
  }
}

/* The fragment of rows `row` .. `row` + 15, elements 16 half .. 16 half + 15 of the step. */
INLINE void fragment_A(uint a[4], __local const uint4 *tile, uint row, uint half_of_step) {
  uint lane = (uint)get_local_id(0) % 32;
#if PTX
  __local const uint4 *from = tile + place(row + lane % 16, 2 * half_of_step + lane / 16);
  __asm__ volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
                   : "r"((uint)(size_t)from)
                   : "memory");
#else
  uint g = lane / 4, t = lane % 4;
  for (uint r = 0; r < 4; ++r) {
    a[r] = ((__local const uint *)(tile + place(row + g + 8 * (r % 2), 2 * half_of_step + r / 2)))[t];
  }
#endif
}

/* ---- W ---- */

INLINE void load_W(uint4 b[TILES_N], __global const uint4 *W, int step) {
#pragma unroll
  for (int n = 0; n < TILES_N; ++n) {
    b[n] = W[(size_t)step * (TILES_N * 32) + n * 32];
  }
}

/* ---- a step ---- */

INLINE void multiply_step(float acc[TILES_M][TILES_N][4], __local const uint4 *tile, uint first_row,
                                 const uint4 b[TILES_N], __local uint *exchange) {
  UNROLL_MMA
  for (uint half_of_step = 0; half_of_step < 2; ++half_of_step) {
    UNROLL_MMA
    for (int m = 0; m < TILES_M; ++m) {
      uint a[4];
      fragment_A(a, tile, first_row + 16 * m, half_of_step);
      const uint4 fragment = (uint4)(a[0], a[1], a[2], a[3]);
      UNROLL_MMA
      for (int n = 0; n < TILES_N; ++n) {
        mma(acc[m][n], fragment, half_of_step ? b[n].z : b[n].x, half_of_step ? b[n].w : b[n].y, exchange);
      }
    }
  }
}

INLINE void store_C(const float acc[TILES_M][TILES_N][4], __global float *C, int ldc, int row, int column, int M,
                           int N) {
#pragma unroll
  for (int m = 0; m < TILES_M; ++m) {
#pragma unroll
    for (int n = 0; n < TILES_N; ++n) {
#pragma unroll
      for (int d = 0; d < 4; ++d) {
        int at_row = row + 16 * m + 8 * (d / 2), at_column = column + 8 * n + d % 2;
        if (at_row < M && at_column < N) {
          C[(size_t)at_row * ldc + at_column] = acc[m][n][d];
        }
      }
    }
  }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_mma(__global const ushort *restrict A, int lda,
                                                                          __global const uint4 *restrict W,
                                                                          __global float *restrict C, int ldc, int M,
                                                                          int N, int K, int first) {
  __local uint4 tile[2][PIECES];
#if PTX
  __local uint *exchange = 0;
#else
  __local uint exchange[ITEMS * EXCHANGE_WORDS];
#endif
  int depths = (K + DEPTH - 1) / DEPTH;
  int first_row = (int)get_group_id(0) * ROWS_OF, first_column = (int)get_group_id(1) * COLUMNS;
  uint lane = (uint)get_local_id(0) % 32, warp = (uint)get_local_id(0) / 32;
  uint warp_row = warp / WARPS_N * TILES_M * 16;
  int column = first_column + (int)(warp % WARPS_N * TILES_N * 8);
  float acc[TILES_M][TILES_N][4];
  uint4 own[OWN_PIECES], b[TILES_N], next_b[TILES_N];
#pragma unroll
  for (int m = 0; m < TILES_M; ++m) {
#pragma unroll
    for (int n = 0; n < TILES_N; ++n) {
      acc[m][n][0] = acc[m][n][1] = acc[m][n][2] = acc[m][n][3] = 0.0f;
    }
  }
  A += (size_t)first * lda;
  C += (size_t)first * ldc;
  W += (size_t)(column / 8) * depths * 32 + lane; /* TILES_N tiles a step */
  load_A(own, A, lda, first_row, M, 0, K);
  load_W(b, W, 0);
  store_A(tile[0], own);
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int step = 0; step < depths; ++step) {
    int next = min(step + 1, depths - 1);
    load_A(own, A, lda, first_row, M, next * DEPTH, K);
    load_W(next_b, W, next);
    multiply_step(acc, tile[step % 2], warp_row, b, exchange);
    store_A(tile[(step + 1) % 2], own);
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int n = 0; n < TILES_N; ++n) {
      b[n] = next_b[n];
    }
  }
  store_C(acc, C, ldc, first_row + (int)(warp_row + lane / 4), column + (int)(lane % 4 * 2), M, N);
}
