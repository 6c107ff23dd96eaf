/* One stage of a time step of a recurrent layer in one direction, two ways.
 *
 *   step_cell   stepwise: the stage's product is already in `product`; this is the cell alone
 *   step_fused  fused-step: product and cell in one kernel
 *
 *   product [B, VECTORS*UP] f32 of this stage (step_cell)
 *   W       packed stored       panels [UP / BLOCK][K][VECTORS][BLOCK], see tile.cl (step_fused)
 *
 * and what stage.cl names. step_cell may have h_in and h_out in one buffer; step_fused has two, because every work-group
 * reads all of h_{t-1}.
 *
 * SPDX-License-Identifier: MIT
 */
/* Launch: global = [B * UP / VW rounded up], one dimension. */
__kernel void step_cell(__global const float *gx, __global const float *product, __global const float *params,
                        __global const int *lengths, __global const stored *h_in, __global stored *h_out,
                        __global float *c, __global stored *middle, __global float *extra, __global stored *y,
                        __global float *cells, const step_shape s, int t) {
  size_t at = get_global_id(0) * VW;
  if (at >= (size_t)s.B * s.UP) {
    return;
  }
  int b = (int)(at / s.UP);
  int j = (int)(at - (size_t)b * s.UP);
  stage p = {s, t, gx, params, lengths, h_in, h_out, middle, y, c, extra, cells};
  floatv a[VECTORS];
#pragma unroll
  for (int v = 0; v < VECTORS; ++v) {
    a[v] = LOADV(product + ((size_t)b * VECTORS + v) * s.UP + j);
  }
  run_stage(&p, a, b, j);
}

/* Launch: global = [LANES * ceil(B / ROWS), UP / BLOCK], local = [LANES, 1]. */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void step_fused(
    __global const float *restrict gx, __global const stored *restrict W, __global const float *restrict params,
    __global const int *restrict lengths, __global const stored *restrict h_in, __global stored *restrict h_out,
    __global float *restrict c, __global stored *restrict middle, __global float *restrict extra,
    __global stored *restrict y, __global float *restrict cells, const step_shape s, int t) {
  int first_row = (int)get_group_id(0) * ROWS;
  int block = (int)get_group_id(1);
  int j = block * BLOCK + (int)get_local_id(0) * VW;
  stage p = {s, t, gx, params, lengths, h_in, h_out, middle, y, c, extra, cells};
  size_t row[ROWS];
  floatv a[ROWS][VECTORS];
  tile_rows(row, first_row, s.B, s.lda);
  tile_clear(a);
  tile_multiply(a, MULTIPLIES_H ? h_in : (__global const stored *)middle, row,
                W + (size_t)block * s.K * VECTORS * BLOCK, s.K);
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    if (first_row + r < s.B) {
      run_stage(&p, a[r], first_row + r, j);
    }
  }
}
