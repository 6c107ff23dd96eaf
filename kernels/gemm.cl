/* C = A W^T with packed weights: our own matrix product, for devices that CLBlast refuses or serves badly, and for weights
 * that are stored in 16 bits.
 *
 *   A [M, lda] stored  rows of K elements
 *   W packed   stored  panels of 4 * BLOCK columns: [ceil(N / (4 * BLOCK))][K][4][BLOCK], zero behind column N
 *   C [M, ldc] f32     out: columns 0 .. N - 1; may not alias A
 *
 * A and C begin `first` rows before those that are multiplied.
 *
 * Launch: global = [LANES * ceil(M / ROWS), panels], local = [LANES, 1]. Row tiles are the fast dimension, so that a
 * panel stays in the cache of a core while all rows pass it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"
#include "tile.cl"
#include "tile_amx.cl"

DEFINE_TILE(product, ROWS, VECTORS, 1)

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void gemm(__global const stored *restrict A, int lda,
                                                                      __global const stored *restrict W,
                                                                      __global float *restrict C, int ldc, int M, int N,
                                                                      int K, int first) {
  A += (size_t)first * lda;
  C += (size_t)first * ldc;
  int first_row = (int)get_group_id(0) * ROWS;
  int panel = (int)get_group_id(1);
  size_t row[ROWS];
  floatv acc[ROWS][VECTORS];
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    row[r] = (size_t)min(first_row + r, M - 1) * lda;
  }
  BEGIN_TILES();
  product(acc, A, row, W, K, panel, panel + 1);
  END_TILES();
  int first_column = panel * VECTORS * BLOCK + (int)get_local_id(0) * VW;
#if VW > 1
  /* At the edges of C one copy of what stores a part of a vector serves the whole tile: compiling takes a third. */
  if (first_row + ROWS > M || (panel + 1) * VECTORS * BLOCK > N) {
    floatv edge[ROWS * VECTORS];
#pragma unroll
    for (int n = 0; n < ROWS * VECTORS; ++n) {
      edge[n] = acc[n / VECTORS][n % VECTORS];
    }
#pragma nounroll
    for (int n = 0; n < ROWS * VECTORS; ++n) {
      int r = first_row + n / VECTORS;
      int column = first_column + n % VECTORS * BLOCK;
      if (r < M && column < N) {
        store_partial(edge[n], N - column, C + (size_t)r * ldc + column);
      }
    }
    return;
  }
#endif
#pragma unroll
  for (int n = 0; n < ROWS * VECTORS; ++n) {
    int r = first_row + n / VECTORS;
    int column = first_column + n % VECTORS * BLOCK;
    if (VW > 1 || (r < M && column < N)) {
      STOREV(acc[n / VECTORS][n % VECTORS], C + (size_t)r * ldc + column);
    }
  }
}
