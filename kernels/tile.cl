/* A register tile of a matrix product: ROWS rows by VECTORS vectors of each of PANELS panels of columns.
 *
 *   acc[r][p * VECTORS + v] = sum over k of A[row[r] + k] * W[panel first + p][k][v]
 *
 * W is packed in panels (host/opencl/layout.c): [panel][K][VECTORS][BLOCK], so that a work-group reads a panel from beginning to
 * end. The sum over k runs in one order whatever the tile is: a row's result depends neither on the rows that it shares a
 * tile with nor on the kind of tile.
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

#define DEFINE_TILE(name, ROWS, VECTORS, PANELS)                                                                      \
  INLINE void name(floatv acc[ROWS][(VECTORS) * (PANELS)], __global const stored *A, const size_t row[ROWS],          \
                   __global const stored *W, int K, int first, int end) {                                             \
    __global const stored *w[PANELS];                                                                                 \
    _Pragma("unroll") for (int p = 0; p < (PANELS); ++p) {                                                            \
      w[p] = W + (size_t)min(first + p, end - 1) * K * (VECTORS) * BLOCK + get_local_id(0) * VW;                      \
    }                                                                                                                 \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                              \
        acc[r][c] = (floatv)(0.0f);                                                                                   \
      }                                                                                                               \
    }                                                                                                                 \
    _Pragma("unroll 2") for (int k = 0; k < K; ++k) {                                                                 \
      floatv b[(VECTORS) * (PANELS)];                                                                                 \
      _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                              \
        b[c] = LOAD_STORED(w[c / (VECTORS)] + (c % (VECTORS)) * BLOCK);                                               \
      }                                                                                                               \
      _Pragma("unroll") for (int p = 0; p < (PANELS); ++p) {                                                          \
        w[p] += (VECTORS) * BLOCK;                                                                                    \
      }                                                                                                               \
      _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                            \
        floatv a = (floatv)(LOAD_ONE(A + row[r] + k));                                                                \
        _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                                            \
          acc[r][c] = FMA(a, b[c], acc[r][c]);                                                                        \
        }                                                                                                             \
      }                                                                                                               \
    }                                                                                                                 \
  }
