/* The eleven activations, numbered as oclstm_activation_kind in oclstm.h.
 *
 * A role's kind is a constant of the program, so that one branch of the switch is left. NaN stays NaN: every comparison
 * is written so that a NaN takes the branch that keeps it.
 * Source: ONNX operators LSTM-22, "Equations (Default: f=Sigmoid, g=Tanh, h=Tanh)" and the activation list above it.
 *
 * SPDX-License-Identifier: MIT
 */
#define ACT_SIGMOID 1
#define ACT_TANH 2
#define ACT_RELU 3
#define ACT_AFFINE 4
#define ACT_LEAKY_RELU 5
#define ACT_THRESHOLDED_RELU 6
#define ACT_SCALED_TANH 7
#define ACT_HARD_SIGMOID 8
#define ACT_ELU 9
#define ACT_SOFTSIGN 10
#define ACT_SOFTPLUS 11

static inline floatv between(floatv v, float least, float most) {
  v = v > (floatv)(most) ? (floatv)(most) : v;
  return v < (floatv)(least) ? (floatv)(least) : v;
}
static inline floatv clipped(floatv v, float bound) {
  return between(v, -bound, bound);
}

/* exp overflows to infinity for x below -88, and 1 / infinity is the 0 that is wanted. */
static inline floatv sigmoid(floatv x) {
  return 1.0f / (1.0f + exp(-x));
}

static inline floatv activated(int kind, float alpha, float beta, floatv x) {
  const floatv zero = (floatv)(0.0f);
  switch (kind) {
    case ACT_SIGMOID: return sigmoid(x);
    case ACT_TANH: return tanh(x);
    case ACT_RELU: return x < zero ? zero : x;
    case ACT_AFFINE: return FMA((floatv)(alpha), x, (floatv)(beta));
    case ACT_LEAKY_RELU: return x < zero ? alpha * x : x;
    case ACT_THRESHOLDED_RELU: return x <= (floatv)(alpha) ? zero : x; /* as onnxruntime; the text has x < alpha */
    case ACT_SCALED_TANH: return alpha * tanh(beta * x);
    case ACT_HARD_SIGMOID: return between(FMA((floatv)(alpha), x, (floatv)(beta)), 0.0f, 1.0f);
    case ACT_ELU: return x < zero ? alpha * expm1(x) : x;
    case ACT_SOFTSIGN: return x / (1.0f + fabs(x));
    default: return (x < zero ? zero : x) + log1p(exp(-fabs(x))); /* softplus */
  }
}
