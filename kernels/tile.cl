/* A register tile of a matrix product: ROWS rows by VECTORS vectors of each of PANELS panels of columns.
 *
 *   acc[r][p * VECTORS + v] = sum over k of A[row[r] + k] * W[panel first + p][k][v]
 *
 * W is packed in panels (host/opencl/layout.c): [panel][K][VECTORS][BLOCK], so that a work-group reads a panel from beginning to
 * end. The sum over k runs in one order whatever the tile is: a row's result depends neither on the rows that it shares a
 * tile with nor on the kind of tile.
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
#define BLOCK (LANES * VW) /* columns of a vector, over the work-items of a group */

#ifndef PAIRED
#define PAIRED 0
#endif
#if PAIRED == 1 || PAIRED == 2
#define PAIR 2
typedef uintv factors; /* each element two bfloat16, the lower half the earlier k */
typedef uint uint_at __attribute__((aligned(2)));
typedef uintv uintv_at __attribute__((aligned(2)));
#define LOAD_FACTORS(p) (*(__global const uintv_at *)(p))
#define LOAD_FACTOR(p) ((uintv)(*(__global const uint_at *)(p)))
#define LAST_FACTOR(p) ((uintv)(*(p)))
/* VDPBF16PS of AVX512_BF16; the host asks the processor for it. */
INLINE floatv add_products(uintv a, uintv b, floatv acc) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
  return acc;
}
#else
#define PAIR 1
typedef floatv factors;
#define LOAD_FACTORS(p) LOAD_STORED(p)
#define LOAD_FACTOR(p) ((floatv)(LOAD_ONE(p)))
#define LAST_FACTOR(p) LOAD_FACTOR(p) /* never: no K is odd among ones */
#define add_products(a, b, acc) FMA((a), (b), (acc))
#endif

/* One k, or one pair: LOAD loads the factor of a row at A + row[r] + at. */
#define TILE_STEP(ROWS, VECTORS, PANELS, LOAD, at)                                                                    \
  do {                                                                                                                \
    factors b[(VECTORS) * (PANELS)];                                                                                  \
    _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                                \
      b[c] = LOAD_FACTORS(w[c / (VECTORS)] + (c % (VECTORS)) * BLOCK * PAIR);                                         \
    }                                                                                                                 \
    _Pragma("unroll") for (int p = 0; p < (PANELS); ++p) {                                                            \
      w[p] += (VECTORS) * BLOCK * PAIR;                                                                               \
    }                                                                                                                 \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      factors a = LOAD(A + row[r] + (at));                                                                            \
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
    PASTE(TWICE_, ROWS) for (int k = 0; k < K / PAIR; ++k) {                                                          \
      TILE_STEP(ROWS, VECTORS, PANELS, LOAD_FACTOR, k * PAIR);                                                        \
    }                                                                                                                 \
    if (K % PAIR != 0) {                                                                                              \
      TILE_STEP(ROWS, VECTORS, PANELS, LAST_FACTOR, K - 1);                                                           \
    }                                                                                                                 \
  }
