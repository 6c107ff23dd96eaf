/* A register tile of a matrix product: ROWS rows by VECTORS vectors of columns.
 *
 *   acc[r][v] += sum over k of A[row r][k] * W[k][v]
 *
 * W is packed in panels (host/opencl/layout.c): [panel][K][VECTORS][LANES * VW], so that a work-group of LANES work-items
 * reads a panel from beginning to end. The sum over k runs in one order for every row and every ROWS: a row's
 * result does not depend on the rows it shares a tile with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROWS
#define ROWS 1 /* rows of a tile; ROWS * VECTORS accumulators: 24 of 32 registers with 16-wide vectors */
#endif
#ifndef VECTORS
#define VECTORS 4
#endif
#define BLOCK (LANES * VW)

/* Where the rows of a tile begin in a matrix of n rows, ld apart. Behind the last row the tile has that one again. */
static inline void tile_rows(size_t row[ROWS], int first_row, int n, int ld) {
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    row[r] = (size_t)min(first_row + r, n - 1) * ld;
  }
}

static inline void tile_clear(floatv acc[ROWS][VECTORS]) {
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
#pragma unroll
    for (int v = 0; v < VECTORS; ++v) {
      acc[r][v] = (floatv)(0.0f);
    }
  }
}

/* A: the matrix; row[r]: where row r begins. W: the panel, K: its length. */
static inline void tile_multiply(floatv acc[ROWS][VECTORS], __global const stored *A, const size_t row[ROWS],
                                 __global const stored *W, int K) {
  W += get_local_id(0) * VW;
  for (int k = 0; k < K; ++k) {
    floatv w[VECTORS];
#pragma unroll
    for (int v = 0; v < VECTORS; ++v) {
      w[v] = LOAD_STORED(W + v * BLOCK);
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      floatv a = (floatv)(LOAD_ONE(A + row[r] + k));
#pragma unroll
      for (int v = 0; v < VECTORS; ++v) {
        acc[r][v] = FMA(a, w[v], acc[r][v]);
      }
    }
    W += VECTORS * BLOCK;
  }
}
