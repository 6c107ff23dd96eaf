/* One time step of an LSTM layer in one direction, two ways.
 *
 *   lstm_gates       stepwise: the recurrent product is already in gh; this is the cell alone
 *   lstm_fused_step  fused-step: recurrent product and cell in one kernel
 *
 * A batch row b is active at step t while t < lengths[b]. An inactive row keeps its h and c, and its y and cells are 0;
 * the input projection of its padding is not read.
 *
 *   gx      [n*B, 4*HP] f32   x_t W_ih^T of every step of the chunk, gates i, f, g, o one after another
 *   gh      [B, 4*HP]   f32   h_{t-1} W_hh^T (lstm_gates)
 *   W_hh    packed      f32   panels [HP / BLOCK][H][4][BLOCK], see tile.cl (lstm_fused_step)
 *   bias    [4*HP]      f32   b_ih + b_hh
 *   lengths [B]         i32
 *   h       [B, HP]     f32   lstm_gates: in and out. lstm_fused_step: h_in and h_out, two buffers, because every
 *                             work-group reads all of h_{t-1}
 *   c       [B, HP]     f32   in and out
 *   y       [n*B, y_ld] f32   out: columns y_column .. y_column + H - 1 of step t's rows
 *   cells   [n*B, cells_ld] f32   the same for c, with -DCELLS=1
 *
 * HP is H padded to 16 units. Units behind H have zero weights and are stored in h and c, never in y.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CELLS
#define CELLS 0
#endif

typedef struct step_shape {
  int B, H, HP;
  int y_ld, y_column;
  int cells_ld, cells_column;
} step_shape;

/* Writes one row's results of VW units from unit j on. active: this row has a step t. */
static inline void store_step(floatv h, floatv c, bool active, const step_shape s, int t, int b, int j,
                              __global float *y, __global float *cells) {
  int units = s.H - j;
  if (units <= 0) {
    return;
  }
  size_t row = (size_t)t * s.B + b;
  store_partial(active ? h : (floatv)(0.0f), units, y + row * s.y_ld + s.y_column + j);
#if CELLS
  store_partial(active ? c : (floatv)(0.0f), units, cells + row * s.cells_ld + s.cells_column + j);
#endif
}

/* p[gate] += x_t W_ih^T + bias */
static inline void add_input(floatv p[4], __global const float *gx, __global const float *bias, const step_shape s,
                             int t, int b, int j) {
  __global const float *x = gx + ((size_t)t * s.B + b) * 4 * s.HP + j;
#pragma unroll
  for (int gate = 0; gate < 4; ++gate) {
    p[gate] += LOADV(x + gate * s.HP) + LOADV(bias + gate * s.HP + j);
  }
}

/* Launch: global = [B * HP / VW rounded up], one dimension. */
__kernel void lstm_gates(__global const float *gx, __global const float *gh, __global const float *bias,
                         __global const int *lengths, __global float *h, __global float *c, __global float *y,
                         __global float *cells, const step_shape s, int t) {
  size_t at = get_global_id(0) * VW;
  if (at >= (size_t)s.B * s.HP) {
    return;
  }
  int b = (int)(at / s.HP);
  int j = (int)(at - (size_t)b * s.HP);
  bool active = t < lengths[b];
  floatv c_t = LOADV(c + at);
  floatv h_t = LOADV(h + at);
  if (active) {
    floatv p[4];
    for (int gate = 0; gate < 4; ++gate) {
      p[gate] = LOADV(gh + (size_t)b * 4 * s.HP + gate * s.HP + j);
    }
    add_input(p, gx, bias, s, t, b, j);
    h_t = lstm_cell(p, &c_t);
    STOREV(c_t, c + at);
    STOREV(h_t, h + at);
  }
  store_step(h_t, c_t, active, s, t, b, j, y, cells);
}

/* Launch: global = [LANES * ceil(B / ROWS), HP / BLOCK], local = [LANES, 1]. */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void lstm_fused_step(
    __global const float *restrict gx, __global const float *restrict W_hh, __global const float *restrict bias,
    __global const int *restrict lengths, __global const float *restrict h_in, __global float *restrict h_out,
    __global float *restrict c, __global float *restrict y, __global float *restrict cells, const step_shape s, int t) {
  int first_row = (int)get_group_id(0) * ROWS;
  int block = (int)get_group_id(1);
  int j = block * BLOCK + (int)get_local_id(0) * VW;
  size_t row[ROWS];
  floatv p[ROWS][4];
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    row[r] = (size_t)min(first_row + r, s.B - 1) * s.HP;
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) {
      p[r][gate] = (floatv)(0.0f);
    }
  }
  tile_multiply(p, h_in, row, W_hh + (size_t)block * s.H * 4 * BLOCK, s.H);
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    int b = first_row + r;
    if (b < s.B) {
      bool active = t < lengths[b];
      floatv c_t = LOADV(c + row[r] + j);
      floatv h_t = LOADV(h_in + row[r] + j);
      if (active) {
        add_input(p[r], gx, bias, s, t, b, j);
        h_t = lstm_cell(p[r], &c_t);
        STOREV(c_t, c + row[r] + j);
      }
      STOREV(h_t, h_out + row[r] + j);
      store_step(h_t, c_t, active, s, t, b, j, y, cells);
    }
  }
}
