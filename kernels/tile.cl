/* A register tile of a matrix product: ROWS rows by VECTORS vectors of each of PANELS panels of columns.
 *
 *   acc[r][p * VECTORS + v] = sum over k of A[row[r] + k] * W[panel first + p][k][v]
 *
 * W is packed in panels (host/opencl/device/layout.c): [panel][K][VECTORS][BLOCK], so that a work-group reads a panel
 * from beginning to end. The sum over k runs in one order whatever the tile is: a row's result depends neither on the
 * rows that it shares a tile with nor on the kind of tile.
 *
 * With -DPAIRED=1, for bfloat16 on processors that add two products at once, panels hold two k side by side:
 * [panel][K / 2 rounded up][VECTORS][BLOCK][2], the last one 0 behind an odd K. -DPAIRED=2 and 3 are the business of
 * tile_amx.cl.
 *
 * DEFINE_TILE(name, ROWS, VECTORS, PANELS) defines that product as a function. A macro, because compilers keep accumulators in
 * registers only where every loop round them is unrolled before anything else happens to it, which needs literal numbers.
 *
 *   row    where each row begins in A
 *   first  the first panel; behind panel end - 1 the tile has that one again, and the caller leaves it out
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"
#include "tile_amx.cl"

#ifndef ROWS
#define ROWS 1
#endif
#ifndef VECTORS
#define VECTORS 4
#endif
#ifndef PANELS
#define PANELS 1
#endif
#ifndef PAIRED
#define PAIRED 0
#endif
#if PAIRED == 1 || PAIRED == 2
#define PAIR 2
typedef uintv factors; /* each element two bfloat16, the lower half the earlier k */
typedef uint uint_at __attribute__((aligned(2)));
typedef uintv uintv_at __attribute__((aligned(2)));
#define LOAD_FACTORS(p) (*(__global const uintv_at *)(p))
#define FACTOR_OF(r, at) ((uintv)(*(__global const uint_at *)(A + row[r] + (at))))
#define LAST_FACTOR(r, at) ((uintv)(A[row[r] + (at)]))
/* VDPBF16PS of AVX512_BF16; the host asks the processor for it. */
INLINE floatv add_products(uintv a, uintv b, floatv acc) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
  return acc;
}
#else
#define PAIR 1
typedef floatv factors;
#define LOAD_FACTORS(p) LOAD_STORED(p)
#define FACTOR_OF(r, at) ((floatv)(LOAD_ONE(A + row[r] + (at))))
#define LAST_FACTOR(r, at) FACTOR_OF(r, at) /* never: no K is odd among ones */
#define add_products(a, b, acc) FMA((a), (b), (acc))
#endif

/* The processor converts as many halves a cycle as it makes two products of: those of rows are converted NEAR at once, and wait
 * in the nearest cache. */
#if STORAGE == 1 && VW == 16
#define NEAR 16
#define BY_NEAR(ROWS, VECTORS, PANELS, k)                                                                             \
  for (; (k) + NEAR <= K; (k) += NEAR) {                                                                              \
    float near[ROWS][NEAR];                                                                                           \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      PASTE(vstore, VW)(LOAD_STORED(A + row[r] + (k)), 0, near[r]);                                                   \
    }                                                                                                                 \
    PASTE(TWICE_, ROWS) for (int n = 0; n < NEAR; ++n) {                                                              \
      TILE_STEP(ROWS, VECTORS, PANELS, NEAR_FACTOR, n);                                                               \
    }                                                                                                                 \
  }
#define NEAR_FACTOR(r, at) ((floatv)(near[r][at]))
#else
#define BY_NEAR(ROWS, VECTORS, PANELS, k)
#endif

/* One k, or one pair: FACTOR(r, at) is that of row r at k, or at one of those that are near. */
#define TILE_STEP(ROWS, VECTORS, PANELS, FACTOR, at)                                                                  \
  do {                                                                                                                \
    factors b[(VECTORS) * (PANELS)];                                                                                  \
    _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                                \
      b[c] = LOAD_FACTORS(w[c / (VECTORS)] + (c % (VECTORS)) * BLOCK * PAIR);                                         \
    }                                                                                                                 \
    _Pragma("unroll") for (int p = 0; p < (PANELS); ++p) {                                                            \
      w[p] += (VECTORS) * BLOCK * PAIR;                                                                               \
    }                                                                                                                 \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      factors a = FACTOR(r, at);                                                                                      \
      _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                              \
        acc[r][c] = add_products(a, b[c], acc[r][c]);                                                                 \
      }                                                                                                               \
    }                                                                                                                 \
  } while (0)

/* Two k in a turn of the loop, for tiles that have few products to a k. Higher ones are no faster by it, and compile longer. */
#define TWICE_1 _Pragma("unroll 2")
#define TWICE_2 _Pragma("unroll 2")
#define TWICE_3 _Pragma("unroll 2")
#define TWICE_4 _Pragma("nounroll")
#define TWICE_5 _Pragma("nounroll")
#define TWICE_6 _Pragma("nounroll")
#define TWICE_7 _Pragma("nounroll")
#define TWICE_8 _Pragma("nounroll")

#define DEFINE_TILE(name, ROWS, VECTORS, PANELS)                                                                      \
  INLINE void name(floatv acc[ROWS][(VECTORS) * (PANELS)], __global const stored *A, const size_t row[ROWS],          \
                   __global const stored *W, int K, int first, int end) {                                             \
    const int steps = PANEL_STEPS(K);                                                                                 \
    __global const stored *w[PANELS];                                                                                 \
    _Pragma("unroll") for (int p = 0; p < (PANELS); ++p) {                                                            \
      size_t panel = (size_t)min(first + p, end - 1) * steps * (VECTORS) * BLOCK * PAIR;                              \
      w[p] = W + panel + get_local_id(0) * VW * PAIR;                                                                 \
    }                                                                                                                 \
    BY_AMX(ROWS, VECTORS, PANELS)                                                                                     \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                              \
        acc[r][c] = (floatv)(0.0f);                                                                                   \
      }                                                                                                               \
    }                                                                                                                 \
    int k = 0;                                                                                                        \
    BY_NEAR(ROWS, VECTORS, PANELS, k)                                                                                 \
    PASTE(TWICE_, ROWS) for (; k < K / PAIR; ++k) {                                                                   \
      TILE_STEP(ROWS, VECTORS, PANELS, FACTOR_OF, k * PAIR);                                                          \
    }                                                                                                                 \
    if (K % PAIR != 0) {                                                                                              \
      TILE_STEP(ROWS, VECTORS, PANELS, LAST_FACTOR, K - 1);                                                           \
    }                                                                                                                 \
  }
