/* The eleven activations, numbered as oclstm_activation_kind in oclstm_layer.h.
 *
 * A role's kind is a constant of the program, so that one branch of the switch is left. NaN stays NaN: every comparison
 * is written so that a NaN takes the branch that keeps it.
 * Source: ONNX operators LSTM-22, "Equations (Default: f=Sigmoid, g=Tanh, h=Tanh)" and the activation list above it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"

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

INLINE floatv between(floatv v, float least, float most) {
  v = v > (floatv)(most) ? (floatv)(most) : v;
  return v < (floatv)(least) ? (floatv)(least) : v;
}
INLINE floatv clipped(floatv v, float bound) {
  return between(v, -bound, bound);
}

/* ---- tanh, and what is made of it ----
 *
 *   tanh(s x) = x top(z, s) / bottom(z, s),  z = min(x^2, TANH_END^2 / s^2)
 *
 * a quotient of polynomials of degree 4 in z, of least relative error (9e-9) on 0 .. TANH_END with tanh(x) = x for tiny
 * x; tests/kernels/tanh_coefficients.py computes it. Beyond TANH_END z stays and x grows, so that the quotient passes 1,
 * which is where it is cut: the limits are exact. s is a literal power of two: the compiler folds it into the
 * coefficients without rounding.
 *
 * Error over all floats, against double precision (tests/kernels/test_activation_all.c, which holds both to 4e-7):
 * tanh 3.2e-7, sigmoid 1.8e-7 where FMA is one operation; 3.5e-7 and 2.0e-7 where it is two.
 * tanh is odd to the bit, and relative to tanh(x) its error is the same. A vector's elements do not depend on each other. */
#define TANH_END 8.23f
#define TANH_P1 0.13432686f
#define TANH_P2 0.00355729763f
#define TANH_P3 2.16447843e-5f
#define TANH_P4 1.48454138e-8f
#define TANH_Q1 0.467660099f
#define TANH_Q2 0.0261107795f
#define TANH_Q3 0.000338733342f
#define TANH_Q4 8.3738189e-7f

/* atanh(w) = w (1 + w^2 (..)) on 0 .. 1/3, relative error 4e-9; from the same script. */
#define ATANH_1 0.33333208146856f
#define ATANH_2 0.20010763444892f
#define ATANH_3 0.14000904657148f
#define ATANH_4 0.14005986637135f

INLINE floatv tanh_square(floatv x, float s) {
  floatv z = x * x;
  float end = TANH_END * TANH_END / (s * s);
  return z > (floatv)(end) ? (floatv)(end) : z;
}

INLINE floatv tanh_top(floatv x, floatv z, float s) {
  float r = s * s;
  floatv v = FMA(z, (floatv)(TANH_P4 * r * r * r * r * s), (floatv)(TANH_P3 * r * r * r * s));
  v = FMA(v, z, (floatv)(TANH_P2 * r * r * s));
  v = FMA(v, z, (floatv)(TANH_P1 * r * s));
  return x * FMA(v, z, (floatv)(s));
}

INLINE floatv tanh_bottom(floatv z, float s) {
  float r = s * s;
  floatv v = FMA(z, (floatv)(TANH_Q4 * r * r * r * r), (floatv)(TANH_Q3 * r * r * r));
  v = FMA(v, z, (floatv)(TANH_Q2 * r * r));
  v = FMA(v, z, (floatv)(TANH_Q1 * r));
  return FMA(v, z, (floatv)(1.0f));
}

INLINE floatv tanh_of(floatv x) {
  floatv z = tanh_square(x, 1.0f);
  return clipped(tanh_top(x, z, 1.0f) / tanh_bottom(z, 1.0f), 1.0f);
}

/* 1 / (1 + e^-x) = 1/2 + tanh(x / 2) / 2 */
INLINE floatv sigmoid(floatv x) {
  floatv z = tanh_square(x, 0.5f);
  return 0.5f + clipped(0.5f * tanh_top(x, z, 0.5f) / tanh_bottom(z, 0.5f), 0.5f);
}

/* e^x - 1 = 2 t / (1 - t) with t = tanh(x / 2), for x <= 0; what it gives for other x has no meaning. */
INLINE floatv expm1_below_zero(floatv x) {
  floatv z = tanh_square(x, 0.5f);
  floatv top = tanh_top(x, z, 0.5f);
  floatv bottom = tanh_bottom(z, 0.5f);
  top = top < -bottom ? -bottom : top;
  return 2.0f * top / (bottom - top);
}

/* log(1 + e^-|x|) = 2 atanh(w) with w = e^-|x| / (2 + e^-|x|) = (1 - t) / (3 + t), t = tanh(|x| / 2). */
INLINE floatv softplus_tail(floatv x) {
  floatv z = tanh_square(x, 0.5f);
  floatv top = tanh_top(fabs(x), z, 0.5f);
  floatv bottom = tanh_bottom(z, 0.5f);
  top = top > bottom ? bottom : top;
  floatv w = (bottom - top) / FMA((floatv)(3.0f), bottom, top);
  z = w * w;
  floatv v = FMA(z, (floatv)(ATANH_4), (floatv)(ATANH_3));
  v = FMA(v, z, (floatv)(ATANH_2));
  v = FMA(v, z, (floatv)(ATANH_1));
  return 2.0f * w * FMA(v, z, (floatv)(1.0f));
}

INLINE floatv activated(int kind, float alpha, float beta, floatv x) {
  const floatv zero = (floatv)(0.0f);
  switch (kind) {
    case ACT_SIGMOID: return sigmoid(x);
    case ACT_TANH: return tanh_of(x);
    case ACT_RELU: return x < zero ? zero : x;
    case ACT_AFFINE: return FMA((floatv)(alpha), x, (floatv)(beta));
    case ACT_LEAKY_RELU: return x < zero ? alpha * x : x;
    case ACT_THRESHOLDED_RELU:
      return x <= (floatv)(alpha) ? zero : x; /* as onnxruntime; the text has x < alpha */
    case ACT_SCALED_TANH: return alpha * tanh_of(beta * x);
    case ACT_HARD_SIGMOID: return between(FMA((floatv)(alpha), x, (floatv)(beta)), 0.0f, 1.0f);
    case ACT_ELU: return x < zero ? alpha * expm1_below_zero(x) : x;
    case ACT_SOFTSIGN: return x / (1.0f + fabs(x));
    default: return (x < zero ? zero : x) + softplus_tail(x);
  }
}
