/* The equations of every cell once more, unit by unit and row by row.
 * SPDX-License-Identifier: MIT */
#include "cell_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_H = 64, MAX_T = 16 };

/* One direction of one layer. */
typedef struct one_way {
  const oclstm_layer *layer;
  oclstm_weights w;
  size_t direction;
  double h[MAX_H], c[MAX_H];
} one_way;

/* The values of one row over its valid steps. */
typedef struct sequence {
  size_t T, width;
  double at[MAX_T][2 * MAX_H];
} sequence;

static double at(oclstm_array array, size_t k) {
  return array.data != NULL ? (double)((const float *)array.data)[k] : 0.0;
}

/* ---- one unit ---- */

static double clip(double v, float bound) {
  return bound > 0.0F ? fmax(-(double)bound, fmin((double)bound, v)) : v;
}

static double activate(const one_way *way, size_t role, double v) {
  const oclstm_activation a = way->layer->activation[way->direction][role];
  const double alpha = (double)a.alpha, beta = (double)a.beta;
  v = role == OCLSTM_ROLE_OUTPUT ? v : clip(v, way->layer->clip_preactivation);
  switch (a.kind) {
    case OCLSTM_ACT_DEFAULT: return role == OCLSTM_ROLE_GATE ? 0.5 + 0.5 * tanh(v / 2.0) : tanh(v);
    case OCLSTM_ACT_SIGMOID: return 0.5 + 0.5 * tanh(v / 2.0);
    case OCLSTM_ACT_TANH: return tanh(v);
    case OCLSTM_ACT_RELU: return fmax(0.0, v);
    case OCLSTM_ACT_AFFINE: return alpha * v + beta;
    case OCLSTM_ACT_LEAKY_RELU: return v >= 0.0 ? v : alpha * v;
    case OCLSTM_ACT_THRESHOLDED_RELU: return v > alpha ? v : 0.0;
    case OCLSTM_ACT_SCALED_TANH: return alpha * tanh(beta * v);
    case OCLSTM_ACT_HARD_SIGMOID: return fmax(0.0, fmin(1.0, alpha * v + beta));
    case OCLSTM_ACT_ELU: return v >= 0.0 ? v : alpha * (exp(v) - 1.0);
    case OCLSTM_ACT_SOFTSIGN: return v / (1.0 + fabs(v));
    case OCLSTM_ACT_SOFTPLUS: return log(1.0 + exp(v));
  }
  fail_msg("activation %d", (int)a.kind);
  return 0.0;
}

static double dot(oclstm_array W, size_t row, size_t columns, const double *v) {
  double sum = 0.0;
  for (size_t k = 0; k < columns; ++k) {
    sum += at(W, row * columns + k) * v[k];
  }
  return sum;
}

/* (v[k] - mean) / sqrt(var + eps), by the moments. */
static double normalised(const double *v, size_t n, size_t k, double eps) {
  double sum = 0.0, squares = 0.0;
  for (size_t j = 0; j < n; ++j) {
    sum += v[j];
    squares += v[j] * v[j];
  }
  const double mean = sum / (double)n;
  return (v[k] - mean) / sqrt(squares / (double)n - mean * mean + eps);
}

/* ---- one step: x and h of before in, h and c of behind out ---- */

/* Pre-activation of unit j of gate 0 to 3, for an LSTM; c is what the gate's peephole sees. */
static double lstm_p(const one_way *way, size_t gate, size_t j, const double *x, const double *c) {
  const size_t H = way->layer->hidden_size, R = oclstm_layer_state_size(way->layer),
               I = way->layer->input_size;
  static const int PEEPHOLE[4] = {0, 1, -1, 2};
  double xw[4 * MAX_H], hw[4 * MAX_H], v[4 * MAX_H];
  for (size_t r = 0; r < 4 * H; ++r) {
    const int block = PEEPHOLE[r / H];
    const double seen = block >= 0 ? at(way->w.peephole, (size_t)block * H + r % H) * c[r % H] : 0.0;
    xw[r] = dot(way->w.W_ih, r, I, x);
    hw[r] = dot(way->w.W_hh, r, R, way->h);
    v[r] = xw[r] + hw[r] + seen;
  }
  const size_t r = gate * H + j;
  const double bias = at(way->w.b_ih, r) + at(way->w.b_hh, r);
  switch (way->layer->layer_norm) {
    case OCLSTM_NORM_NONE: return v[r] + bias;
    case OCLSTM_NORM_TFLITE: return at(way->w.norm_gates, r) * normalised(v + gate * H, H, j, 1e-8) + bias;
    case OCLSTM_NORM_HASTE:
      return at(way->w.norm_ih, r) * normalised(xw, 4 * H, r, 1e-5) +
             at(way->w.norm_hh, r) * normalised(hw, 4 * H, r, 1e-5) + bias + (v[r] - xw[r] - hw[r]);
  }
  return NAN;
}

static void lstm_step(one_way *way, const double *x) {
  const oclstm_layer *l = way->layer;
  const size_t H = l->hidden_size, P = l->projection_size;
  double c[MAX_H], m[MAX_H], h[MAX_H];
  for (size_t j = 0; j < H; ++j) {
    double i = activate(way, OCLSTM_ROLE_GATE, lstm_p(way, 0, j, x, way->c));
    double f = activate(way, OCLSTM_ROLE_GATE, lstm_p(way, 1, j, x, way->c));
    double g = activate(way, OCLSTM_ROLE_CANDIDATE, lstm_p(way, 2, j, x, way->c));
    f = l->coupling == OCLSTM_COUPLING_FORGET_FROM_INPUT ? 1.0 - i : f;
    i = l->coupling == OCLSTM_COUPLING_INPUT_FROM_FORGET ? 1.0 - f : i;
    c[j] = clip(f * way->c[j] + i * g, l->clip_cell);
  }
  for (size_t j = 0; j < H; ++j) {
    const double seen = l->layer_norm == OCLSTM_NORM_HASTE
                            ? at(way->w.norm_c, j) * normalised(c, H, j, 1e-5) + at(way->w.norm_c_bias, j)
                            : c[j];
    m[j] = activate(way, OCLSTM_ROLE_GATE, lstm_p(way, 3, j, x, c)) * activate(way, OCLSTM_ROLE_OUTPUT, seen);
  }
  for (size_t r = 0; r < oclstm_layer_state_size(l); ++r) {
    h[r] = P != 0 ? clip(dot(way->w.W_hr, r, H, m), l->clip_projection) : m[r];
    way->h[r] = (double)l->zoneout_h * way->h[r] + (1.0 - (double)l->zoneout_h) * h[r];
  }
  for (size_t j = 0; j < H; ++j) {
    way->c[j] = (double)l->zoneout_c * way->c[j] + (1.0 - (double)l->zoneout_c) * c[j];
  }
}

/* Row r of x W_ih^T + b_ih, and of h W_hh^T + b_hh. */
static double from_x(const one_way *way, size_t r, const double *x) {
  return dot(way->w.W_ih, r, way->layer->input_size, x) + at(way->w.b_ih, r);
}
static double from_h(const one_way *way, size_t r, const double *h) {
  return dot(way->w.W_hh, r, way->layer->hidden_size, h) + at(way->w.b_hh, r);
}

static void gru_step(one_way *way, const double *x) {
  const size_t H = way->layer->hidden_size;
  double r[MAX_H], rh[MAX_H], h[MAX_H];
  for (size_t j = 0; j < H; ++j) {
    r[j] = activate(way, OCLSTM_ROLE_GATE, from_x(way, j, x) + from_h(way, j, way->h));
    rh[j] = r[j] * way->h[j];
  }
  for (size_t j = 0; j < H; ++j) {
    const size_t row = 2 * H + j;
    const double z = activate(way, OCLSTM_ROLE_GATE, from_x(way, H + j, x) + from_h(way, H + j, way->h));
    const double recurrent =
        way->layer->linear_before_reset ? r[j] * from_h(way, row, way->h) : from_h(way, row, rh);
    const double n = activate(way, OCLSTM_ROLE_CANDIDATE, from_x(way, row, x) + recurrent);
    h[j] = n + z * (way->h[j] - n);
  }
  for (size_t j = 0; j < H; ++j) {
    way->h[j] += (1.0 - (double)way->layer->zoneout_h) * (h[j] - way->h[j]);
  }
}

static void rnn_step(one_way *way, const double *x) {
  double h[MAX_H];
  for (size_t j = 0; j < way->layer->hidden_size; ++j) {
    h[j] = activate(way, OCLSTM_ROLE_CANDIDATE, from_x(way, j, x) + from_h(way, j, way->h));
  }
  for (size_t j = 0; j < way->layer->hidden_size; ++j) {
    way->h[j] += (1.0 - (double)way->layer->zoneout_h) * (h[j] - way->h[j]);
  }
}

/* ---- one row through the network ---- */

/* h and c of every step at the place where y has them. */
static void walk_direction(one_way *way, const sequence *x, sequence *h, sequence *c) {
  const bool reverse = way->layer->direction == OCLSTM_REVERSE || way->direction == 1;
  h->T = c->T = x->T;
  for (size_t k = 0; k < x->T; ++k) {
    const size_t t = reverse ? x->T - 1 - k : k;
    const size_t to = way->layer->go_backwards ? k : t;
    switch (way->layer->kind) {
      case OCLSTM_LSTM: lstm_step(way, x->at[t]); break;
      case OCLSTM_GRU: gru_step(way, x->at[t]); break;
      case OCLSTM_RNN: rnn_step(way, x->at[t]); break;
    }
    memcpy(h->at[to], way->h, sizeof way->h);
    memcpy(c->at[to], way->c, sizeof way->c);
  }
}

static void merge(const oclstm_layer *layer, const sequence h[2], sequence *y) {
  const size_t R = oclstm_layer_state_size(layer);
  y->T = h[0].T;
  y->width = oclstm_layer_output_size(layer);
  for (size_t t = 0; t < y->T; ++t) {
    for (size_t k = 0; k < y->width; ++k) {
      const double forward = h[0].at[t][k % R], reverse = h[1].at[t][k % R];
      switch (layer->merge) {
        case OCLSTM_CONCAT: y->at[t][k] = k < R ? forward : reverse; break;
        case OCLSTM_SUM: y->at[t][k] = forward + reverse; break;
        case OCLSTM_MUL: y->at[t][k] = forward * reverse; break;
        case OCLSTM_AVERAGE: y->at[t][k] = 0.5 * (forward + reverse); break;
      }
    }
  }
}

static void narrow(const double *from, size_t n, float *to) {
  for (size_t k = 0; k < n; ++k) {
    to[k] = (float)from[k];
  }
}

/* Layer l of row b: from and back into s; h_at and c_at count the state's floats before this layer. */
static void walk_layer(const test_job *job, size_t l, size_t b, sequence *s, size_t *h_at, size_t *c_at,
                       test_result *result) {
  static sequence h[2], c[2];
  const oclstm_layer *layer = oclstm_model_layer(job->model, l);
  const size_t R = oclstm_layer_state_size(layer), H = layer->kind == OCLSTM_LSTM ? layer->hidden_size : 0;
  const size_t D = oclstm_layer_directions(layer);
  assert_true(layer->hidden_size <= MAX_H && layer->input_size <= 2 * MAX_H && s->T <= MAX_T);
  for (size_t d = 0; d < D; ++d, *h_at += job->B * R, *c_at += job->B * H) {
    one_way way = {.layer = layer, .w = oclstm_model_weights(job->model, l, d), .direction = d};
    for (size_t k = 0; k < R; ++k) {
      way.h[k] = job->h0 != NULL ? (double)job->h0[*h_at + b * R + k] : at(way.w.initial_h, k);
    }
    for (size_t k = 0; k < H; ++k) {
      way.c[k] = job->c0 != NULL ? (double)job->c0[*c_at + b * H + k] : at(way.w.initial_c, k);
    }
    walk_direction(&way, s, &h[d], &c[d]);
    narrow(way.h, R, result->hn + *h_at + b * R);
    narrow(way.c, H, result->cn + *c_at + b * H);
    for (size_t t = 0; t < s->T && l + 1 == oclstm_model_n_layers(job->model); ++t) {
      narrow(c[d].at[t], H, result->cells + ((t * job->B + b) * D + d) * H);
    }
  }
  merge(layer, h, s);
}

static void read_input(const test_job *job, size_t b, sequence *s) {
  const oclstm_array embedding = oclstm_model_embedding(job->model);
  s->width = oclstm_model_layer(job->model, 0)->input_size;
  s->T = job->lengths != NULL ? (size_t)job->lengths[b] : job->T;
  for (size_t t = 0; t < s->T; ++t) {
    for (size_t k = 0; k < s->width; ++k) {
      s->at[t][k] = job->ids != NULL ? at(embedding, (size_t)job->ids[t * job->B + b] * s->width + k)
                                     : (double)x_row(job, t, b)[k];
    }
  }
}

static void write_output(const test_job *job, size_t b, const sequence *s, float *y) {
  const size_t O = oclstm_model_output_size(job->model);
  oclstm_array W, bias;
  oclstm_model_head(job->model, &W, &bias);
  for (size_t t = 0; t < s->T; ++t) {
    for (size_t o = 0; o < O; ++o) {
      const double value = W.data != NULL ? dot(W, o, s->width, s->at[t]) + at(bias, o) : s->at[t][o];
      y[(t * job->B + b) * O + o] = (float)value;
    }
  }
}

static float *zeros(const test_tensor *s) {
  float *array = calloc(s->n * s->B * s->W + 1, sizeof *array);
  assert_non_null(array);
  return array;
}

test_result oracle_job(const test_job *job) {
  static sequence s;
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  test_result result = {zeros(&y), zeros(&hn), zeros(&cn), zeros(&cells)};
  for (size_t b = 0; b < job->B; ++b) {
    size_t h_at = 0, c_at = 0;
    read_input(job, b, &s);
    for (size_t l = 0; l < oclstm_model_n_layers(job->model); ++l) {
      walk_layer(job, l, b, &s, &h_at, &c_at, &result);
    }
    write_output(job, b, &s, result.y);
  }
  return result;
}
