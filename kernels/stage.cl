/* What a stage of a step does with its product.
 *
 * A batch row b is active at step t while t < lengths[b]. An inactive row keeps its h and c, and its y and cells are 0; the
 * input projection of its padding is not read.
 *
 *   gx      [n*B, G*HP] f32     x_t W_ih^T of every step of the chunk, gates one after another; or, with -DINPUT=1,
 *           [rows of the slice, own blocks, G, BLOCK] f32 of this step and of units first_unit ..: see chunk.cl
 *   params  [rows, HP]  f32     biases, peepholes, gains: see cell.cl
 *   lengths [B]         i32
 *   order   [B]         i32     all batch rows, longer ones first, so that the rows of a tile end together
 *   h_in    [B, RP]     stored  h_{t-1}; h_out: h_t
 *   c_in    [B, HP]     f32     c_{t-1}; c_out: c_t; LSTM
 *   middle  [B, HP]     stored  what the next stage multiplies: m or r h
 *   extra   [B, HP]     f32     what the next stage needs besides: z of a GRU; c_new in norm.cl
 *   y       [n*B, y_ld] stored  out: columns y_column .. y_column + U - 1 of the step's rows
 *   cells   [n*B, cells_ld] f32 the same for c, with -DCELLS=1
 *
 * U units of this stage: H, or R where it gives h; UP, HP, RP: padded to 16. Units behind U have zero weights; what
 * comes of them is stored in h and c, never in y.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "cell.cl"
#include "common.cl"

#ifndef CELLS
#define CELLS 0
#endif
#ifndef INPUT
#define INPUT 0
#endif
#if KIND == LSTM
#define GATES 4
#elif KIND == GRU
#define GATES 3
#else
#define GATES 1
#endif
/* What a stage multiplies: h_{t-1}, or what the stage before has left. */
#define MULTIPLIED(p, kind) ((kind) == STAGE_CELL || (kind) == STAGE_RESET ? (p)->h_in : (__global const stored *)(p)->middle)

typedef struct step_shape {
  int n, B;
  int U, UP; /* of this stage */
  int K, lda; /* the row vector it multiplies: elements, and floats from row to row */
  int H, HP, gates;
  int y_ld, y_column;
  int cells_ld, cells_column;
  int merge;     /* of oclstm_merge: y is merged with what is there */
  int backwards; /* y and cells of a row in the order of processing */
} step_shape;

/* Everything a stage reads and writes at step t. */
typedef struct stage {
  step_shape s;
  int t;
  __global const float *gx, *params;
  __global const int *lengths, *order;
  __global const stored *h_in;
  __global stored *h_out;
  __global const float *c_in;
  __global float *c_out;
  __global stored *middle;
  __global float *extra;
  __global stored *y;
  __global float *cells;
#if INPUT
  int first_unit, own_units; /* of gx */
#endif
} stage;

INLINE bool is_active(const stage *p, int b) {
  return p->t < p->lengths[b];
}

/* Every of-th row of the batch in the stage's order, from the one at `first` on; n of them. */
typedef struct slice {
  int first, of, n;
} slice;

/* The batch row that is number i of the slice; behind the last one, the last again. */
INLINE int batch_row(const stage *p, slice rows, int i) {
  return p->order[min(i, rows.n - 1) * rows.of + rows.first];
}

#if !X_AHEAD
/* i: number of the row in its slice; b: of the row in the batch. No function: the copy of a structure that one returns
 * carries marks that oclgrind does not know. */
#if INPUT
#define INPUT_OF(stage_, i_, b_, j_)                                                                                  \
  ((unit_input){(stage_)->gx + (size_t)(i_) * (stage_)->own_units * GATES +                                           \
                    ((j_) - (stage_)->first_unit) / BLOCK * GATES * BLOCK + (int)get_local_id(0) * VW,                \
                (stage_)->params + (j_), BLOCK, (stage_)->s.HP})
#else
#define INPUT_OF(stage_, i_, b_, j_)                                                                                     \
  ((unit_input){(stage_)->gx + ((size_t)(stage_)->t * (stage_)->s.B + (b_)) * (stage_)->s.gates * (stage_)->s.HP + (j_), \
                (stage_)->params + (j_), (stage_)->s.HP, (stage_)->s.HP})
#endif
#endif

/* Row of y and cells that holds step t of row b. */
INLINE size_t output_row(const stage *p, int b, bool active) {
  int t = p->s.backwards && active ? min(p->lengths[b], p->s.n) - 1 - p->t : p->t;
  return (size_t)t * p->s.B + b;
}

INLINE void store_cells(const stage *p, floatv c, bool active, int b, int j) {
#if CELLS
  if (p->s.H > j) {
    __global float *cells = p->cells + output_row(p, b, active) * p->s.cells_ld + p->s.cells_column + j;
    store_partial(active ? c : (floatv)(0.0f), p->s.H - j, cells);
  }
#endif
}

/* h as it was stored, so that what is merged does not depend on whether it went through a buffer. */
INLINE void store_y(const stage *p, floatv h, bool active, int b, int j) {
  int units = p->s.U - j;
  if (units <= 0) {
    return;
  }
  __global stored *y = p->y + output_row(p, b, active) * p->s.y_ld + p->s.y_column + j;
  floatv value = active ? h : (floatv)(0.0f);
  if (p->s.merge != MERGE_CONCAT && active) {
    value = MERGED(p->s.merge, load_partial_stored(units, y), value);
  }
  store_partial_stored(value, units, y);
}

/* The end of a step: h is that of the step before, h_new is the cell's. Returns h of this one. */
INLINE floatv next_h(const stage *p, floatv h, floatv h_new, bool active, int b, int j) {
  size_t at = (size_t)b * p->s.UP + j;
  if (active) {
    h = kept_h(h, h_new);
  }
  STORE_STORED(h, p->h_out + at);
#if STORAGE != 0
  h = LOAD_STORED(p->h_out + at);
#endif
  store_y(p, h, active, b, j);
  return h;
}

INLINE void store_h(const stage *p, floatv h_new, bool active, int b, int j) {
  next_h(p, LOAD_STORED(p->h_in + (size_t)b * p->s.UP + j), h_new, active, b, j);
}

#if KIND == LSTM
INLINE void store_c(const stage *p, floatv c, bool active, int b, int j) {
  STOREV(c, p->c_out + (size_t)b * p->s.HP + j);
  store_cells(p, c, active, b, j);
}

/* c' and, where nothing is projected, h'. c of an inactive row is the one it had. */
INLINE void store_lstm(const stage *p, floatv m, floatv c, bool active, int b, int j) {
  store_c(p, c, active, b, j);
#if PROJECTION
  STORE_STORED(m, p->middle + (size_t)b * p->s.HP + j);
#else
  store_h(p, m, active, b, j);
#endif
}
#endif

#if !X_AHEAD
/* Stage `kind` of one batch row, units j .. j + VW - 1, from its product. i and b: as in INPUT_OF. */
INLINE void run_stage(const stage *p, const int kind, const floatv *a, int i, int b, int j) {
  bool active = is_active(p, b);
#if KIND == LSTM
  if (kind == STAGE_PROJECT) {
    store_h(p, a[0], active, b, j);
    return;
  }
  floatv c = LOADV(p->c_in + (size_t)b * p->s.HP + j);
  floatv m = (floatv)(0.0f);
  if (active) {
    m = lstm_cell(a, INPUT_OF(p, i, b, j), &c);
  }
  store_lstm(p, m, c, active, b, j);
#else
  floatv h_new = (floatv)(0.0f);
#if KIND == GRU
  size_t at = (size_t)b * p->s.UP + j;
  floatv h = LOAD_STORED(p->h_in + at);
  if (kind == STAGE_RESET) {
    floatv z = (floatv)(0.0f);
    STORE_STORED(active ? gru_reset(a, INPUT_OF(p, i, b, j), h, &z) : h_new, p->middle + at);
    STOREV(z, p->extra + at);
    return;
  }
  if (active) {
    h_new = kind == STAGE_CANDIDATE ? gru_candidate(a[0], INPUT_OF(p, i, b, j), LOADV(p->extra + at), h)
                                    : gru_cell(a, INPUT_OF(p, i, b, j), h);
  }
#else
  if (active) {
    h_new = rnn_cell(a[0], INPUT_OF(p, i, b, j));
  }
#endif
  store_h(p, h_new, active, b, j);
#endif
}
#endif

/* h and c alternate between two buffers, each step reading what the one before it has written. Step number `first` of a chunk
 * reads buffer 0. */
typedef struct in_turn {
  __global stored *h[2];
  __global float *c[2];
} in_turn;

INLINE void take_turn(stage *p, const in_turn *buffers, int first, int k, int reverse) {
  bool odd = ((k - first) & 1) != 0;
  p->t = reverse ? p->s.n - 1 - k : k;
  p->h_in = odd ? buffers->h[1] : buffers->h[0];
  p->h_out = odd ? buffers->h[0] : buffers->h[1];
  p->c_in = odd ? buffers->c[1] : buffers->c[0];
  p->c_out = odd ? buffers->c[0] : buffers->c[1];
}
