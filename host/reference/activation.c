/* The activations that a description can name.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "reference/reference.h"

/* Definitions: ONNX, operators LSTM, GRU and RNN, attribute activations. Conditions are written so that NaN stays NaN. */
double oclstm__activate(oclstm_activation activation, double v) {
  const double alpha = (double)activation.alpha;
  const double beta = (double)activation.beta;
  switch (activation.kind) {
    case OCLSTM_ACT_DEFAULT: break; /* resolved when the cell was made */
    case OCLSTM_ACT_SIGMOID: return 1.0 / (1.0 + exp(-v));
    case OCLSTM_ACT_TANH: return tanh(v);
    case OCLSTM_ACT_RELU: return v < 0.0 ? 0.0 : v;
    case OCLSTM_ACT_AFFINE: return alpha * v + beta;
    case OCLSTM_ACT_LEAKY_RELU: return v < 0.0 ? alpha * v : v;
    case OCLSTM_ACT_THRESHOLDED_RELU:
      return v <= alpha ? 0.0 : v; /* as onnxruntime; the text has v < alpha */
    case OCLSTM_ACT_SCALED_TANH: return alpha * tanh(beta * v);
    case OCLSTM_ACT_HARD_SIGMOID: {
      double line = alpha * v + beta;
      return line < 0.0 ? 0.0 : line > 1.0 ? 1.0 : line;
    }
    case OCLSTM_ACT_ELU: return v < 0.0 ? alpha * expm1(v) : v;
    case OCLSTM_ACT_SOFTSIGN: return v / (1.0 + fabs(v));
    case OCLSTM_ACT_SOFTPLUS: return (v < 0.0 ? 0.0 : v) + log1p(exp(-fabs(v))); /* log(1 + exp v) */
  }
  return NAN;
}
