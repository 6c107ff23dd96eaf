/* The cells' equations, once, for every strategy. Sources and meanings: oclstm_layer in oclstm_layer.h, docs/cells.md.
 *
 * A step of a cell is one or two stages. A stage is a product of a row vector with a matrix, then what this file says
 * about one batch row, VW units at a time:
 *
 *   STAGE_CELL       all kinds         product h W_hh^T, all gates. LSTM, GRU with linear_before_reset, RNN: gives h,
 *                                      or with -DPROJECTION=1 the m that is projected
 *   STAGE_PROJECT    LSTM              product m W_hr^T
 *   STAGE_RESET      GRU               product h W_hh^T of r and z; gives r h
 *   STAGE_CANDIDATE  GRU               product (r h) W_hh^T of n; gives h
 *
 * a[VECTORS] is the stage's product. What is left of a pre-activation stands in two arrays whose rows are HP apart:
 * x, this step's row of x W_ih^T, and params, the vectors that belong to units (host/opencl/cell.c fills them).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "activation.cl"
#include "common.cl"

#define LSTM 0
#define GRU 1
#define RNN 2
#define STAGE_CELL 0
#define STAGE_PROJECT 1
#define STAGE_RESET 2
#define STAGE_CANDIDATE 3
#define NORM_HASTE 1 /* as oclstm_layer_norm */
#define NORM_TFLITE 2
#define FORGET_FROM_INPUT 1 /* as oclstm_coupling */
#define INPUT_FROM_FORGET 2

#ifndef KIND
#define KIND LSTM
#endif
#ifndef STAGE
#define STAGE STAGE_CELL
#endif
#ifndef NORM
#define NORM 0
#endif
#ifndef PEEPHOLE
#define PEEPHOLE 0
#endif
#ifndef COUPLING
#define COUPLING 0
#endif
#ifndef PROJECTION
#define PROJECTION 0
#endif
#ifndef GATE_KIND
#define GATE_KIND ACT_SIGMOID
#define GATE_ALPHA 0.0f
#define GATE_BETA 0.0f
#define CANDIDATE_KIND ACT_TANH
#define CANDIDATE_ALPHA 0.0f
#define CANDIDATE_BETA 0.0f
#define OUTPUT_KIND ACT_TANH
#define OUTPUT_ALPHA 0.0f
#define OUTPUT_BETA 0.0f
#endif

/* Rows of params. Biases are b_ih + b_hh, except that RECURRENT_BIAS holds b_hh of n where r comes between. */
#define BIAS(gate) (gate)
#define RECURRENT_BIAS 3 /* GRU */
#define PEEPHOLE_ROW(k) (4 + (k)) /* LSTM: i, f, o */
#define NORM_IH(gate) (7 + (gate))
#define NORM_HH(gate) (11 + (gate))
#define NORM_GATES(gate) (7 + (gate))
#define NORM_C 15
#define NORM_C_BIAS 16

/* Where x of a step is: with -DX_AHEAD=1 the item has loaded it before. */
#ifndef X_AHEAD
#define X_AHEAD 0
#endif
#if X_AHEAD
#define X_SPACE __private
#else
#define X_SPACE __global
#endif

/* Units j .. j + VW - 1 of one batch row: x and params already point at j; from gate to gate x is x_gate apart. */
typedef struct unit_input {
  X_SPACE const float *x;
  __global const float *params;
  int x_gate, HP;
} unit_input;

INLINE floatv x_of(const unit_input in, int gate) {
  return LOADV(in.x + gate * in.x_gate);
}
INLINE floatv param(const unit_input in, int row) {
  return LOADV(in.params + row * in.HP);
}

INLINE floatv clipped_preactivation(floatv p) {
#ifdef CLIP_PREACTIVATION
  return clipped(p, CLIP_PREACTIVATION);
#else
  return p;
#endif
}
INLINE floatv gate_activation(floatv p) {
  return activated(GATE_KIND, GATE_ALPHA, GATE_BETA, clipped_preactivation(p));
}
INLINE floatv candidate_activation(floatv p) {
  return activated(CANDIDATE_KIND, CANDIDATE_ALPHA, CANDIDATE_BETA, clipped_preactivation(p));
}
INLINE floatv output_activation(floatv c) {
  return activated(OUTPUT_KIND, OUTPUT_ALPHA, OUTPUT_BETA, c);
}

/* The expectation of zoneout: share of what was, the rest of what is new. */
INLINE floatv zoned(float share, floatv before, floatv after) {
  return FMA((floatv)(share), before, (1.0f - share) * after);
}

/* ---- LSTM ---- */

#if KIND == LSTM
#define GATE_I 0
#define GATE_F 1
#define GATE_G 2
#define GATE_O 3

/* The sum of a gate less its bias; c is what the gate's peephole sees: c of the step before for i and f, c_new for o. */
INLINE floatv with_peephole(floatv sum, const unit_input in, int gate, floatv c) {
#if PEEPHOLE
  if (gate != GATE_G) {
    return FMA(param(in, PEEPHOLE_ROW(gate == GATE_O ? 2 : gate)), c, sum);
  }
#endif
  return sum;
}

/* c_new from the pre-activations of i, f and g, biases included. */
INLINE floatv lstm_c(floatv p_i, floatv p_f, floatv p_g, floatv c) {
#if COUPLING == FORGET_FROM_INPUT
  floatv i = gate_activation(p_i);
  floatv f = 1.0f - i;
#elif COUPLING == INPUT_FROM_FORGET
  floatv f = gate_activation(p_f);
  floatv i = 1.0f - f;
#else
  floatv i = gate_activation(p_i);
  floatv f = gate_activation(p_f);
#endif
  floatv c_new = FMA(f, c, i * candidate_activation(p_g));
#ifdef CLIP_CELL
  c_new = clipped(c_new, CLIP_CELL);
#endif
  return c_new;
}

/* m from the pre-activation of o and from what output() is to see: c_new, or its norm. */
INLINE floatv lstm_m(floatv p_o, floatv c_seen) {
  return gate_activation(p_o) * output_activation(c_seen);
}

/* c of the next step. */
INLINE floatv lstm_kept_c(floatv c, floatv c_new) {
#ifdef ZONEOUT_C
  return zoned(ZONEOUT_C, c, c_new);
#else
  return c_new;
#endif
}

INLINE floatv lstm_preactivation(floatv product, const unit_input in, int gate, floatv c) {
  return with_peephole(product + (x_of(in, gate) + param(in, BIAS(gate))), in, gate, c);
}

/* A whole step. *c: in c of the step before, out c of this one. Returns m. */
INLINE floatv lstm_cell(const floatv *a, const unit_input in, floatv *c) {
  floatv c_new = lstm_c(lstm_preactivation(a[GATE_I], in, GATE_I, *c), lstm_preactivation(a[GATE_F], in, GATE_F, *c),
                        lstm_preactivation(a[GATE_G], in, GATE_G, *c), *c);
  floatv m = lstm_m(lstm_preactivation(a[GATE_O], in, GATE_O, c_new), c_new);
  *c = lstm_kept_c(*c, c_new);
  return m;
}
#endif

/* ---- GRU ---- */

#if KIND == GRU
#define GATE_R 0
#define GATE_Z 1
#define GATE_N 2

INLINE floatv gru_gate(floatv product, const unit_input in, int gate) {
  return gate_activation(product + (x_of(in, gate) + param(in, BIAS(gate))));
}

/* (1 - z) n + z h */
INLINE floatv gru_h(floatv n, floatv z, floatv h) {
  return FMA(z, h - n, n);
}

/* linear_before_reset: the reset gate comes behind the product. */
INLINE floatv gru_cell(const floatv *a, const unit_input in, floatv h) {
  floatv r = gru_gate(a[GATE_R], in, GATE_R);
  floatv z = gru_gate(a[GATE_Z], in, GATE_Z);
  floatv recurrent = a[GATE_N] + param(in, RECURRENT_BIAS);
  floatv n = candidate_activation(FMA(r, recurrent, x_of(in, GATE_N) + param(in, BIAS(GATE_N))));
  return gru_h(n, z, h);
}

/* Otherwise it comes before: r h is what n's product is of. */
INLINE floatv gru_reset(const floatv *a, const unit_input in, floatv h, floatv *z) {
  *z = gru_gate(a[GATE_Z], in, GATE_Z);
  return gru_gate(a[GATE_R], in, GATE_R) * h;
}
INLINE floatv gru_candidate(floatv product, const unit_input in, floatv z, floatv h) {
  floatv n = candidate_activation(product + (x_of(in, GATE_N) + param(in, BIAS(GATE_N))));
  return gru_h(n, z, h);
}
#endif

/* ---- RNN ---- */

INLINE floatv rnn_cell(floatv product, const unit_input in) {
  return candidate_activation(product + (x_of(in, 0) + param(in, BIAS(0))));
}

/* ---- h ---- */

/* h of the next step from that of the step before and from m, the projected m, or the cell's h. */
INLINE floatv kept_h(floatv h, floatv h_new) {
#if PROJECTION && defined(CLIP_PROJECTION)
  h_new = clipped(h_new, CLIP_PROJECTION);
#endif
#ifdef ZONEOUT_H
  return zoned(ZONEOUT_H, h, h_new);
#else
  return h_new;
#endif
}
