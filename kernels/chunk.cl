/* All steps of a chunk in one launch.
 *
 *   chunk_rows  strategy rows: a work-group owns ROWS batch rows for all steps; groups have nothing to tell each other
 *
 * What it reads and writes is named in stage.cl; W is packed as for step_fused. h alternates between h_even and h_odd: step
 * number k of the chunk reads the one of its parity and writes the other.
 *
 * Launch: global = [LANES * ceil(B / ROWS)], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */

/* Whether any row of the tile has a step p->t. Where none has, its product is not needed. */
static inline bool is_any_active(const stage *p, int first_row) {
  bool any = false;
  for (int r = first_row; r < min(first_row + ROWS, p->s.B); ++r) {
    any |= is_active(p, r);
  }
  return any;
}

/* One step of the tile's rows, one block of units after another. */
static inline void run_tile(const stage *p, __global const stored *restrict W, const size_t row[ROWS], int first_row,
                            bool any) {
  for (int block = 0; block < p->s.UP / BLOCK; ++block) {
    floatv a[ROWS][VECTORS];
    tile_clear(a);
    if (any) {
      tile_multiply(a, p->h_in, row, W + (size_t)block * p->s.K * VECTORS * BLOCK, p->s.K);
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      if (first_row + r < p->s.B) {
        run_stage(p, a[r], first_row + r, block * BLOCK + (int)get_local_id(0) * VW);
      }
    }
  }
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void chunk_rows(
    __global const float *gx, __global const stored *W, __global const float *params, __global const int *lengths,
    __global stored *h_even, __global stored *h_odd, __global float *c, __global stored *middle, __global float *extra,
    __global stored *y, __global float *cells, const step_shape s, int reverse) {
  int first_row = (int)get_group_id(0) * ROWS;
  size_t row[ROWS];
  tile_rows(row, first_row, s.B, s.lda);
  for (int k = 0; k < s.n; ++k) {
    __global stored *h_in = (k & 1) != 0 ? h_odd : h_even;
    __global stored *h_out = (k & 1) != 0 ? h_even : h_odd;
    stage p = {s, reverse ? s.n - 1 - k : k, gx, params, lengths, h_in, h_out, middle, y, c, extra, cells};
    run_tile(&p, W, row, first_row, is_any_active(&p, first_row));
    barrier(CLK_GLOBAL_MEM_FENCE); /* h_out is read by all items of the group */
  }
}
