/* C = A W^T by the matrix instructions of NVIDIA GPUs, for elements that are stored in 16 bits; sums in float32.
 *
 *   A [M, lda] 16 bits  rows of K elements
 *   W packed   16 bits  [ceil(N / COLUMNS) * WARPS_N][ceil(K / DEPTH)][TILES_N][32 lanes][8], zero behind row N and column K
 *   C [M, ldc] f32      out: columns 0 .. N - 1; may not alias A
 *
 * A group has WARPS_M by WARPS_N warps of TILES_M by TILES_N tiles of 16 rows and 8 columns: ROWS_OF by COLUMNS elements of
 * C. A step takes DEPTH = 32 elements of K: rows of A lie in local memory, twice, so that the next step's are
 * written while this step's are read; W goes from memory to the registers where the instruction wants it, 16 bytes a lane
 * (host/opencl/gemm_mma.c packs it so), a step ahead. The sum over k runs in one order for every row.
 *
 * PTX 1 uses the instructions (compute capability 8.0). PTX 0 is their plain twin: lanes exchange their registers through
 * local memory and do the same sums, so that all else in this file can be tried on any device.
 *
 * Launch: global = [ITEMS * ceil(M / ROWS_OF), ceil(N / COLUMNS)], local = [ITEMS, 1].
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PTX
#define PTX 0
#endif
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
/* Loops around a product: the twin has barriers in it, and compilers for CPUs double a kernel at each. */
#if PTX
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("nounroll")
#endif
/* Pieces of 16 bytes of A's rows in a step: of the group, and of an item, rounded up. */
#define PIECES (ROWS_OF * DEPTH / 8)
#define OWN_PIECES ((PIECES + ITEMS - 1) / ITEMS)

/* ---- a fragment product: 16 by 16 times 16 by 8 ---- */

/* Lane 4 g + t holds rows g and g + 8 of A, columns 2 t, 2 t + 1 and those 8 further on, as a[0] (g), a[1] (g + 8), a[2]
 * (g, further), a[3] (g + 8, further); of W row g, the same columns, as b[0] and b[1]; of the sums rows g (d[0], d[1])
 * and g + 8 (d[2], d[3]), columns 2 t and 2 t + 1. PTX ISA, "Matrix Fragments for mma.m16n8k16". */
#if PTX
static inline void mma(float d[4], const uint a[4], uint b0, uint b1, __local uint *exchange) {
#if STORAGE == 1
  __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#else
  __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#endif
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#else
static inline float widen(uint bits) {
#if STORAGE == 1
  ushort one = (ushort)(bits & 0xffffu);
  return vload_half(0, (const __private half *)&one);
#else
  return as_float(bits << 16);
#endif
}

/* d + the two products of a word of A and a word of W, the lower first. */
static inline float add_pair(float d, uint a, uint w) {
  return FMA(widen(a >> 16), widen(w >> 16), FMA(widen(a & 0xffffu), widen(w & 0xffffu), d));
}

static inline void mma(float d[4], const uint a[4], uint b0, uint b1, __local uint *exchange) {
  uint item = (uint)get_local_id(0), lane = item % 32, warp = item - lane, g = lane / 4, t = lane % 4;
  for (int r = 0; r < 4; ++r) {
    exchange[item * 6 + r] = a[r];
  }
  exchange[item * 6 + 4] = b0;
  exchange[item * 6 + 5] = b1;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int further = 0; further < 2; ++further) {
    for (uint s = 0; s < 4; ++s) {
      __local const uint *from_A = exchange + (warp + g * 4 + s) * 6 + 2 * further;
      uint w0 = exchange[(warp + (2 * t) * 4 + s) * 6 + 4 + further];
      uint w1 = exchange[(warp + (2 * t + 1) * 4 + s) * 6 + 4 + further];
      d[0] = add_pair(d[0], from_A[0], w0);
      d[1] = add_pair(d[1], from_A[0], w1);
      d[2] = add_pair(d[2], from_A[1], w0);
      d[3] = add_pair(d[3], from_A[1], w1);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}
#endif

/* ---- A, on its way through local memory ---- */

/* Where a piece of 8 elements of a row lies, in pieces. Eight rows that are read at once fall into eight different
 * sets of banks: two rows fill all banks, and the pieces of four pairs of rows are turned against each other. */
static inline uint place(uint row, uint piece) {
  return row * 4 + (piece ^ ((row >> 1) & 3u));
}

/* The lower n of 8 elements, the others 0. */
static inline uint4 first_of(uint4 words, int n) {
  uint4 from = (uint4)(0, 2, 4, 6);
  uint4 kept = (uint4)((uint)max(n, 0));
  uint4 lower = kept > from ? (uint4)(0xffffu) : (uint4)(0u);
  uint4 upper = kept > from + 1u ? (uint4)(0xffff0000u) : (uint4)(0u);
  return words & (lower | upper);
}

/* Elements k .. k + 7 of a row, 0 from K on. Where rows are aligned, lda is a multiple of 8, and so a piece that begins
 * within a row ends within it. */
static inline uint4 load_piece(__global const ushort *row, int k, int K) {
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
static inline void load_A(uint4 own[OWN_PIECES], __global const ushort *A, int lda, int first_row, int M, int k, int K) {
#pragma unroll
  for (int p = 0; p < OWN_PIECES; ++p) {
    uint piece = (uint)get_local_id(0) + p * ITEMS;
    if (piece < PIECES) {
      int row = min(first_row + (int)(piece / 4), M - 1);
      own[p] = load_piece(A + (size_t)row * lda, k + (int)(piece % 4) * 8, K);
    }
  }
}

static inline void store_A(__local uint4 *tile, const uint4 own[OWN_PIECES]) {
#pragma unroll
  for (int p = 0; p < OWN_PIECES; ++p) {
    uint piece = (uint)get_local_id(0) + p * ITEMS;
    if (piece < PIECES) {
      tile[place(piece / 4, piece % 4)] = own[p];
    }
  }
}

/* The fragment of rows `row` .. `row` + 15, elements 16 half .. 16 half + 15 of the step. */
static inline void fragment_A(uint a[4], __local const uint4 *tile, uint row, uint half_of_step) {
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

static inline void load_W(uint4 b[TILES_N], __global const uint4 *W, int step) {
#pragma unroll
  for (int n = 0; n < TILES_N; ++n) {
    b[n] = W[(size_t)step * (TILES_N * 32) + n * 32];
  }
}

/* ---- a step ---- */

static inline void multiply_step(float acc[TILES_M][TILES_N][4], __local const uint4 *tile, uint first_row,
                                 const uint4 b[TILES_N], __local uint *exchange) {
  UNROLL
  for (uint half_of_step = 0; half_of_step < 2; ++half_of_step) {
    UNROLL
    for (int m = 0; m < TILES_M; ++m) {
      uint a[4];
      fragment_A(a, tile, first_row + 16 * m, half_of_step);
      UNROLL
      for (int n = 0; n < TILES_N; ++n) {
        mma(acc[m][n], a, half_of_step ? b[n].z : b[n].x, half_of_step ? b[n].w : b[n].y, exchange);
      }
    }
  }
}

static inline void store_C(const float acc[TILES_M][TILES_N][4], __global float *C, int ldc, int row, int column, int M,
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
                                                                          int N, int K) {
  __local uint4 tile[2][PIECES];
#if PTX
  __local uint *exchange = 0;
#else
  __local uint exchange[ITEMS * 6];
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
