/* A register tile of a matrix product: ROWS rows by 4 vectors of columns.
 *
 *   acc[r][v] += sum over k of A[row r][k] * W[k][v]
 *
 * W is packed in panels (host/opencl/layout.c): [panel][K][4][LANES * VW], so that a work-group of LANES work-items
 * reads a panel from beginning to end. The sum over k runs in one order for every row and every ROWS: a row's
 * result does not depend on the rows it shares a tile with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROWS
#define ROWS 1 /* rows of a tile: 1 to 6 with 16-wide vectors (24 accumulators of 32 registers), up to 8 with VW 1 */
#endif
#ifndef LANES
#define LANES 1 /* work-items of a group, each with its own VW columns: 1 on CPUs; 16, 32, 64 on GPUs */
#endif
#define BLOCK (LANES * VW)

/* A: the matrix; row[r]: where row r begins. W: the panel, K: its length. */
static inline void tile_multiply(floatv acc[ROWS][4], __global const float *A, const size_t row[ROWS],
                                 __global const float *W, int K) {
  W += get_local_id(0) * VW;
  for (int k = 0; k < K; ++k) {
    floatv w[4];
#pragma unroll
    for (int v = 0; v < 4; ++v) {
      w[v] = LOADV(W + v * BLOCK);
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      floatv a = (floatv)(A[row[r] + k]);
#pragma unroll
      for (int v = 0; v < 4; ++v) {
        acc[r][v] = FMA(a, w[v], acc[r][v]);
      }
    }
    W += 4 * BLOCK;
  }
}
