/* The cells, once: the equations of one step of one batch row. docs/cells.md has them with their sources.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "reference/reference.h"

/* Blocks of H rows among the G*H gate rows. */
enum { LSTM_I, LSTM_F, LSTM_G, LSTM_O };
enum { GRU_R, GRU_Z, GRU_N };
/* Blocks of H elements of the peephole. */
enum { PEEPHOLE_I, PEEPHOLE_F, PEEPHOLE_O };

static const double HASTE_EPS = 1e-5;
static const double TFLITE_EPS = 1e-8;

/* ---- parts ---- */

/* Into -bound .. bound; 0 is no bound. NaN stays NaN. */
static double clip(double v, float bound) {
  const double b = (double)bound;
  if (b == 0.0) {
    return v;
  }
  return v > b ? b : v < -b ? -b : v;
}

/* to[r] = sum over k of W[k][r] v[k], k ascending, for `rows` of the `stride` rows that W is stored with. */
static void multiply(const double *W, size_t stride, size_t rows, size_t columns, const double *v,
                     double *to) {
  for (size_t r = 0; r < rows; ++r) {
    to[r] = 0.0;
  }
  for (size_t k = 0; k < columns; ++k) {
    const double *W_k = W + k * stride;
    for (size_t r = 0; r < rows; ++r) {
      to[r] += W_k[r] * v[k];
    }
  }
}

/* v = gain N(v),  N(v) = (v - mean v) / sqrt(var v + eps); the variance is that of n values, not of n - 1. */
static void normalise(double *v, const double *gain, size_t n, double eps) {
  double mean = 0.0;
  double variance = 0.0;
  for (size_t k = 0; k < n; ++k) {
    mean += v[k] / (double)n;
  }
  for (size_t k = 0; k < n; ++k) {
    variance += (v[k] - mean) * (v[k] - mean) / (double)n;
  }
  for (size_t k = 0; k < n; ++k) {
    v[k] = gain[k] * (v[k] - mean) / sqrt(variance + eps);
  }
}

/* gates = role(clip(p)), for one block of H rows. */
static void activate(const oclstm__cell *cell, size_t gate, size_t role) {
  const oclstm__step *s = &cell->step;
  for (size_t r = gate * cell->H; r < (gate + 1) * cell->H; ++r) {
    s->p[r] = clip(s->p[r], cell->layer->clip_preactivation);
    s->gates[r] = oclstm__activate(cell->activation[role], s->p[r]);
  }
}

/* state = z state + (1 - z) next. */
static void zoneout(float z, const double *next, size_t n, double *state) {
  for (size_t k = 0; k < n; ++k) {
    state[k] = z == 0.0F ? next[k] : (double)z * state[k] + (1.0 - (double)z) * next[k];
  }
}

/* ---- LSTM ---- */

/* p of one gate, without and with the TFLite norm:
 *   p = x W_ih^T + h W_hh^T + P c + b        p = norm_gates N(x W_ih^T + h W_hh^T + P c) + b
 * peephole: the block of P, or -1 for the candidate, which has none; c: what it sees. */
static void lstm_preactivation(const oclstm__cell *cell, size_t gate, int peephole, const double *c) {
  const oclstm__step *s = &cell->step;
  const size_t H = cell->H;
  const size_t first = gate * H;
  const double *P = cell->peephole != NULL && peephole >= 0 ? cell->peephole + (size_t)peephole * H : NULL;
  double *p = s->p + first;
  for (size_t j = 0; j < H; ++j) {
    p[j] = s->xw[first + j] + s->hw[first + j] + (P != NULL ? P[j] * c[j] : 0.0);
  }
  if (cell->layer->layer_norm == OCLSTM_NORM_TFLITE) {
    normalise(p, cell->norm_gates + first, H, TFLITE_EPS);
  }
  for (size_t j = 0; j < H; ++j) {
    p[j] += cell->b_ih[first + j] + cell->b_hh[first + j];
  }
}

/* i, f and g, which see c of the step before; a coupled gate is what the other one leaves. */
static void lstm_gates(const oclstm__cell *cell, const double *c) {
  const size_t H = cell->H;
  double *i = cell->step.gates + LSTM_I * H;
  double *f = cell->step.gates + LSTM_F * H;
  lstm_preactivation(cell, LSTM_I, PEEPHOLE_I, c);
  lstm_preactivation(cell, LSTM_F, PEEPHOLE_F, c);
  lstm_preactivation(cell, LSTM_G, -1, c);
  activate(cell, LSTM_I, OCLSTM_ROLE_GATE);
  activate(cell, LSTM_F, OCLSTM_ROLE_GATE);
  activate(cell, LSTM_G, OCLSTM_ROLE_CANDIDATE);
  for (size_t j = 0; j < H; ++j) {
    switch (cell->layer->coupling) {
      case OCLSTM_COUPLING_NONE: break;
      case OCLSTM_COUPLING_FORGET_FROM_INPUT: f[j] = 1.0 - i[j]; break;
      case OCLSTM_COUPLING_INPUT_FROM_FORGET: i[j] = 1.0 - f[j]; break;
    }
  }
}

/* c_new = clip(f c + i g) */
static void lstm_cell(const oclstm__cell *cell, const double *c) {
  const oclstm__step *s = &cell->step;
  const size_t H = cell->H;
  const double *i = s->gates + LSTM_I * H, *f = s->gates + LSTM_F * H, *g = s->gates + LSTM_G * H;
  for (size_t j = 0; j < H; ++j) {
    s->c_new[j] = clip(f[j] * c[j] + i[j] * g[j], cell->layer->clip_cell);
  }
}

/* o sees c_new;  m = o output(c_new), or in the Haste form  m = o output(norm_c N(c_new) + norm_c_bias) */
static void lstm_output(const oclstm__cell *cell) {
  const oclstm__step *s = &cell->step;
  const size_t H = cell->H;
  const double *o = s->gates + LSTM_O * H;
  lstm_preactivation(cell, LSTM_O, PEEPHOLE_O, s->c_new);
  activate(cell, LSTM_O, OCLSTM_ROLE_GATE);
  for (size_t j = 0; j < H; ++j) {
    s->seen[j] = s->c_new[j];
  }
  if (cell->layer->layer_norm == OCLSTM_NORM_HASTE) {
    normalise(s->seen, cell->norm_c, H, HASTE_EPS);
    for (size_t j = 0; j < H; ++j) {
      s->seen[j] += cell->norm_c_bias[j];
    }
  }
  for (size_t j = 0; j < H; ++j) {
    s->m[j] = o[j] * oclstm__activate(cell->activation[OCLSTM_ROLE_OUTPUT], s->seen[j]);
  }
}

/* h_new = m, or clip(m W_hr^T) */
static void lstm_project(const oclstm__cell *cell) {
  const oclstm__step *s = &cell->step;
  if (cell->W_hr != NULL) {
    multiply(cell->W_hr, cell->R, cell->R, cell->H, s->m, s->h_new);
  }
  for (size_t r = 0; r < cell->R; ++r) {
    s->h_new[r] = cell->W_hr != NULL ? clip(s->h_new[r], cell->layer->clip_projection) : s->m[r];
  }
}

/* The Haste norm is over all 4H rows of each product, before anything else is added. */
static void lstm_step(const oclstm__cell *cell, double *c) {
  const oclstm__step *s = &cell->step;
  if (cell->layer->layer_norm == OCLSTM_NORM_HASTE) {
    normalise(s->xw, cell->norm_ih, cell->GH, HASTE_EPS);
    normalise(s->hw, cell->norm_hh, cell->GH, HASTE_EPS);
  }
  lstm_gates(cell, c);
  lstm_cell(cell, c);
  lstm_output(cell);
  lstm_project(cell);
  zoneout(cell->layer->zoneout_c, s->c_new, cell->H, c);
}

/* ---- GRU and RNN ---- */

/* p = x W_ih^T + b_ih + h W_hh^T + b_hh of one gate. */
static void plain_preactivation(const oclstm__cell *cell, size_t gate) {
  const oclstm__step *s = &cell->step;
  for (size_t r = gate * cell->H; r < (gate + 1) * cell->H; ++r) {
    s->p[r] = s->xw[r] + cell->b_ih[r] + s->hw[r] + cell->b_hh[r];
  }
}

/* p = x W_ih^T + b_ih + r (h W_hh^T + b_hh): the reset gate acts behind the product. */
static void gru_candidate_reset_after(const oclstm__cell *cell) {
  const oclstm__step *s = &cell->step;
  const double *r = s->gates + GRU_R * cell->H;
  const size_t first = GRU_N * cell->H;
  for (size_t j = 0; j < cell->H; ++j) {
    s->p[first + j] =
        s->xw[first + j] + cell->b_ih[first + j] + r[j] * (s->hw[first + j] + cell->b_hh[first + j]);
  }
}

/* p = x W_ih^T + b_ih + (r h) W_hh^T + b_hh: the reset gate acts on h. */
static void gru_candidate_reset_before(const oclstm__cell *cell, const double *h) {
  const oclstm__step *s = &cell->step;
  const double *r = s->gates + GRU_R * cell->H;
  const size_t first = GRU_N * cell->H;
  for (size_t j = 0; j < cell->H; ++j) {
    s->m[j] = r[j] * h[j];
  }
  multiply(cell->W_hh + first, cell->GH, cell->H, cell->H, s->m, s->hw + first);
  plain_preactivation(cell, GRU_N);
}

/* h_new = (1 - z) n + z h */
static void gru_step(const oclstm__cell *cell, const double *h) {
  const oclstm__step *s = &cell->step;
  const double *z = s->gates + GRU_Z * cell->H, *n = s->gates + GRU_N * cell->H;
  plain_preactivation(cell, GRU_R);
  plain_preactivation(cell, GRU_Z);
  activate(cell, GRU_R, OCLSTM_ROLE_GATE);
  activate(cell, GRU_Z, OCLSTM_ROLE_GATE);
  if (cell->layer->linear_before_reset) {
    gru_candidate_reset_after(cell);
  } else {
    gru_candidate_reset_before(cell, h);
  }
  activate(cell, GRU_N, OCLSTM_ROLE_CANDIDATE);
  for (size_t j = 0; j < cell->H; ++j) {
    s->h_new[j] = (1.0 - z[j]) * n[j] + z[j] * h[j];
  }
}

/* h_new = candidate(p) */
static void rnn_step(const oclstm__cell *cell) {
  const oclstm__step *s = &cell->step;
  plain_preactivation(cell, 0);
  activate(cell, 0, OCLSTM_ROLE_CANDIDATE);
  for (size_t j = 0; j < cell->H; ++j) {
    s->h_new[j] = s->gates[j];
  }
}

/* ---- any cell ---- */

void oclstm__cell_step(const oclstm__cell *cell, const double *x, double *h, double *c) {
  const oclstm__step *s = &cell->step;
  multiply(cell->W_ih, cell->GH, cell->GH, cell->I, x, s->xw);
  multiply(cell->W_hh, cell->GH, cell->GH, cell->R, h, s->hw);
  switch (cell->layer->kind) {
    case OCLSTM_LSTM: lstm_step(cell, c); break;
    case OCLSTM_GRU: gru_step(cell, h); break;
    case OCLSTM_RNN: rnn_step(cell); break;
  }
  zoneout(cell->layer->zoneout_h, s->h_new, cell->R, h);
}
