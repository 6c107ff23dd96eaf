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
#include "cell.cl"
#include "common.cl"
#include "fused.cl"
#include "stage.cl"
#include "tile.cl"
#include "tile_amx.cl"

/* Launch: global = [B * UP / VW rounded up], one dimension. */
__kernel void step_cell(__global const float *gx, __global const float *product, __global const float *params,
                        __global const int *lengths, __global const int *order, __global const stored *h_in,
                        __global stored *h_out,
                        __global const float *c_in, __global float *c_out, __global stored *middle,
                        __global float *extra, __global stored *y, __global float *cells, const step_shape s, int t) {
  size_t at = get_global_id(0) * VW;
  if (at >= (size_t)s.B * s.UP) {
    return;
  }
  int b = (int)(at / s.UP);
  int j = (int)(at - (size_t)b * s.UP);
  stage p = {s, t, gx, params, lengths, order, h_in, h_out, c_in, c_out, middle, extra, y, cells};
  floatv a[VECTORS];
#pragma unroll
  for (int v = 0; v < VECTORS; ++v) {
    a[v] = LOADV(product + ((size_t)b * VECTORS + v) * s.UP + j);
  }
  run_stage(&p, STAGE, a, b, b, j);
}

DEFINE_STAGE(run_tile, STAGE, ROWS, VECTORS, PANELS)

/* Launch: global = [LANES * ceil(B / ROWS), ceil(UP / BLOCK / PANELS)], local = [LANES, 1]. */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void step_fused(
    __global const float *restrict gx, __global const stored *restrict W, __global const float *restrict params,
    __global const int *restrict lengths, __global const int *restrict order, __global const stored *restrict h_in,
    __global stored *restrict h_out,
    __global const float *restrict c_in, __global float *restrict c_out, __global stored *restrict middle,
    __global float *restrict extra, __global stored *restrict y, __global float *restrict cells, const step_shape s, int t) {
  BEGIN_TILES();
  int first = (int)get_group_id(0) * ROWS;
  int first_block = (int)get_group_id(1) * PANELS;
  stage p = {s, t, gx, params, lengths, order, h_in, h_out, c_in, c_out, middle, extra, y, cells};
  run_tile(&p, W, (slice){0, 1, s.B}, first, first_block, s.UP / BLOCK);
  END_TILES();
}
