/* The ONNX operators LSTM, GRU and RNN from their own equations: the second opinion of the check after an import. It knows
 * ONNX's order of gates and nothing of ours.
 *
 *   LSTM  i = f(Xt Wi^T + Ht-1 Ri^T + Pi . Ct-1 + Wbi + Rbi)      gates i, o, f, c; peepholes i, o, f
 *         f = f(Xt Wf^T + Ht-1 Rf^T + Pf . Ct-1 + Wbf + Rbf)      or 1 - i with input_forget
 *         c = g(Xt Wc^T + Ht-1 Rc^T + Wbc + Rbc)
 *         Ct = f . Ct-1 + i . c
 *         o = f(Xt Wo^T + Ht-1 Ro^T + Po . Ct + Wbo + Rbo)        Ht = o . h(Ct)
 *   GRU   z = f(Xt Wz^T + Ht-1 Rz^T + Wbz + Rbz)                  gates z, r, h; r likewise
 *         h = g(Xt Wh^T + (r . Ht-1) Rh^T + Rbh + Wbh)            or, with linear_before_reset,
 *         h = g(Xt Wh^T + r . (Ht-1 Rh^T + Rbh) + Wbh)            Ht = (1 - z) . h + z . Ht-1
 *   RNN   Ht = f(Xt Wi^T + Ht-1 Ri^T + Wbi + Rbi)
 * clip bounds what f and g are given; h is given Ct as it is, as in onnxruntime.
 * Source: the operators' pages of the ONNX specification, LSTM-22, GRU-22, RNN-22.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/evaluate.h"

#include <math.h>

enum { T = OCLSTM__CHECK_STEPS, B = OCLSTM__CHECK_ROWS };

/* ---- activations ---- */

static double apply(oclstm_activation activation, oclstm_activation_kind fallback, double v) {
  double alpha = (double)activation.alpha;
  double beta = (double)activation.beta;
  switch (activation.kind == OCLSTM_ACT_DEFAULT ? fallback : activation.kind) {
    case OCLSTM_ACT_DEFAULT: return v;
    case OCLSTM_ACT_SIGMOID: return 1.0 / (1.0 + exp(-v));
    case OCLSTM_ACT_TANH: return tanh(v);
    case OCLSTM_ACT_RELU: return v > 0.0 ? v : 0.0;
    case OCLSTM_ACT_AFFINE: return alpha * v + beta;
    case OCLSTM_ACT_LEAKY_RELU: return v >= 0.0 ? v : alpha * v;
    case OCLSTM_ACT_THRESHOLDED_RELU: return v > alpha ? v : 0.0;
    case OCLSTM_ACT_SCALED_TANH: return alpha * tanh(beta * v);
    case OCLSTM_ACT_HARD_SIGMOID: return fmin(fmax(alpha * v + beta, 0.0), 1.0);
    case OCLSTM_ACT_ELU: return v >= 0.0 ? v : alpha * (exp(v) - 1.0);
    case OCLSTM_ACT_SOFTSIGN: return v / (1.0 + fabs(v));
    case OCLSTM_ACT_SOFTPLUS: return v > 0.0 ? v + log1p(exp(-v)) : log1p(exp(v));
  }
  return v;
}

static double clip(const oclstm__recurrent *node, double v) {
  double bound = (double)node->clip;
  return bound > 0.0 ? fmin(fmax(v, -bound), bound) : v;
}

static double gate(const oclstm__recurrent *node, size_t d, double v) {
  return apply(node->activation[d][OCLSTM_ROLE_GATE], OCLSTM_ACT_SIGMOID, clip(node, v));
}

static double candidate(const oclstm__recurrent *node, size_t d, double v) {
  return apply(node->activation[d][OCLSTM_ROLE_CANDIDATE], OCLSTM_ACT_TANH, clip(node, v));
}

static double output(const oclstm__recurrent *node, size_t d, double v) {
  return apply(node->activation[d][OCLSTM_ROLE_OUTPUT], OCLSTM_ACT_TANH, v);
}

/* ---- products ---- */

static size_t gates_of(const oclstm__recurrent *node) {
  return node->W->dims[1] / node->H;
}

/* out[n][row] = sum over k of tensor[d][row][k] in[n][k], for all rows of the tensor. */
static void product(const oclstm__constant *tensor, size_t d, const double *in, size_t n, double *out) {
  size_t rows = tensor->dims[1];
  size_t columns = tensor->dims[2];
  for (size_t row = 0; row < rows; ++row) {
    for (size_t v = 0; v < n; ++v) {
      out[v * rows + row] = 0.0;
    }
    for (size_t k = 0; k < columns; ++k) {
      double weight = oclstm__constant_at(tensor, (d * rows + row) * columns + k);
      for (size_t v = 0; v < n; ++v) {
        out[v * rows + row] += weight * in[v * columns + k];
      }
    }
  }
}

/* Element j of gate g's bias: Wb in the first half of a row of the tensor, Rb in the second. */
static double bias(const oclstm__recurrent *node, size_t d, size_t g, size_t j, bool recurrent) {
  size_t half = gates_of(node) * node->H;
  return node->B == NULL
             ? 0.0
             : oclstm__constant_at(node->B, (2 * d + (recurrent ? 1 : 0)) * half + g * node->H + j);
}

static double peephole(const oclstm__recurrent *node, size_t d, size_t g, size_t j) {
  return node->P == NULL ? 0.0 : oclstm__constant_at(node->P, (3 * d + g) * node->H + j);
}

/* ---- one step of one row; xw and hr hold Xt W^T and Ht-1 R^T of all gates ---- */

static void lstm_step(const oclstm__recurrent *node, size_t d, const double *xw, const double *hr, double *h,
                      double *c) {
  enum { I, O, F, C };
  enum { PI, PO, PF };
  size_t H = node->H;
  for (size_t j = 0; j < H; ++j) {
    double a[4];
    for (size_t g = 0; g < 4; ++g) {
      a[g] = xw[g * H + j] + hr[g * H + j] + bias(node, d, g, j, false) + bias(node, d, g, j, true);
    }
    double i = gate(node, d, a[I] + peephole(node, d, PI, j) * c[j]);
    double f = node->input_forget ? 1.0 - i : gate(node, d, a[F] + peephole(node, d, PF, j) * c[j]);
    c[j] = f * c[j] + i * candidate(node, d, a[C]);
    h[j] = gate(node, d, a[O] + peephole(node, d, PO, j) * c[j]) * output(node, d, c[j]);
  }
}

/* reset[j] = r . Ht-1, and hr becomes its product with Rh^T, where the reset comes first. */
static void gru_reset_first(const oclstm__recurrent *node, size_t d, const double *xw, double *hr,
                            const double *h, double *reset, double *again) {
  enum { Z, R, N };
  size_t H = node->H;
  for (size_t j = 0; j < H; ++j) {
    double a = xw[R * H + j] + hr[R * H + j] + bias(node, d, R, j, false) + bias(node, d, R, j, true);
    reset[j] = gate(node, d, a) * h[j];
  }
  product(node->R, d, reset, 1, again);
  for (size_t j = 0; j < H; ++j) {
    hr[N * H + j] = again[N * H + j];
  }
}

static void gru_step(const oclstm__recurrent *node, size_t d, const double *xw, double *hr, double *h,
                     double *work) {
  enum { Z, R, N };
  size_t H = node->H;
  if (!node->linear_before_reset) {
    gru_reset_first(node, d, xw, hr, h, work, work + H);
  }
  for (size_t j = 0; j < H; ++j) {
    double z =
        gate(node, d, xw[Z * H + j] + hr[Z * H + j] + bias(node, d, Z, j, false) + bias(node, d, Z, j, true));
    double r =
        gate(node, d, xw[R * H + j] + hr[R * H + j] + bias(node, d, R, j, false) + bias(node, d, R, j, true));
    double through = hr[N * H + j] + bias(node, d, N, j, true);
    through = node->linear_before_reset ? r * through : through;
    double n = candidate(node, d, xw[N * H + j] + through + bias(node, d, N, j, false));
    h[j] = (1.0 - z) * n + z * h[j];
  }
}

static void rnn_step(const oclstm__recurrent *node, size_t d, const double *xw, const double *hr, double *h) {
  for (size_t j = 0; j < node->H; ++j) {
    h[j] = candidate(node, d, xw[j] + hr[j] + bias(node, d, 0, j, false) + bias(node, d, 0, j, true));
  }
}

size_t oclstm__evaluate_work(const oclstm__recurrent *node) {
  size_t GH = gates_of(node) * node->H;
  return (T * B + B) * GH + node->H + GH;
}

void oclstm__evaluate(const oclstm__recurrent *node, size_t direction, const double *x, double *h, double *c,
                      double *y, double *work) {
  size_t H = node->H;
  size_t GH = gates_of(node) * H;
  double *xw = work;
  double *hr = xw + T * B * GH;
  double *rest = hr + B * GH;
  product(node->W, direction, x, T * B, xw);
  for (size_t t = 0; t < T; ++t) {
    product(node->R, direction, h, B, hr);
    for (size_t b = 0; b < B; ++b) {
      const double *row = xw + (t * B + b) * GH;
      switch (node->kind) {
        case OCLSTM_LSTM: lstm_step(node, direction, row, hr + b * GH, h + b * H, c + b * H); break;
        case OCLSTM_GRU: gru_step(node, direction, row, hr + b * GH, h + b * H, rest); break;
        case OCLSTM_RNN: rnn_step(node, direction, row, hr + b * GH, h + b * H); break;
      }
      for (size_t j = 0; j < H; ++j) {
        y[(t * B + b) * H + j] = h[b * H + j];
      }
    }
  }
}
