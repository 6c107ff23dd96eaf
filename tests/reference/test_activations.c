/* The activations at the places where they are easily wrong: far out, at their corners, and at NaN.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "reference/reference.h"
#include "support.h"

static double at(oclstm_activation_kind kind, float alpha, float beta, double v) {
  return oclstm__activate((oclstm_activation){kind, alpha, beta}, v);
}

static void check(oclstm_activation_kind kind, float alpha, float beta, double v, double expected) {
  const double got = at(kind, alpha, beta, v);
  if (!(fabs(got - expected) <= 1e-15 * fabs(expected))) {
    fail_msg("activation %d, alpha %g, beta %g, at %g is %.17g, expected %.17g", (int)kind, (double)alpha,
             (double)beta, v, got, expected);
  }
}

/* alpha and beta are halves and quarters: exact in float32. */
static void values(void **unused) {
  (void)unused;
  check(OCLSTM_ACT_SIGMOID, 0, 0, 0.0, 0.5);
  check(OCLSTM_ACT_TANH, 0, 0, 0.5, tanh(0.5));
  check(OCLSTM_ACT_RELU, 0, 0, -0.5, 0.0);
  check(OCLSTM_ACT_RELU, 0, 0, 0.5, 0.5);
  check(OCLSTM_ACT_AFFINE, 0.5F, 0.25F, -3.0, -1.25);
  check(OCLSTM_ACT_LEAKY_RELU, 0.25F, 0, -2.0, -0.5);
  check(OCLSTM_ACT_LEAKY_RELU, 0.25F, 0, 2.0, 2.0);
  check(OCLSTM_ACT_THRESHOLDED_RELU, 0.5F, 0, 0.5, 0.0); /* onnxruntime 1.31 at the threshold */
  check(OCLSTM_ACT_THRESHOLDED_RELU, 0.5F, 0, 0.625, 0.625);
  check(OCLSTM_ACT_SCALED_TANH, 2.0F, 0.5F, 3.0, 2.0 * tanh(1.5));
  check(OCLSTM_ACT_HARD_SIGMOID, 0.25F, 0.5F, 1.0, 0.75);
  check(OCLSTM_ACT_HARD_SIGMOID, 0.25F, 0.5F, 3.0, 1.0);
  check(OCLSTM_ACT_HARD_SIGMOID, 0.25F, 0.5F, -3.0, 0.0);
  check(OCLSTM_ACT_ELU, 0.5F, 0, -1.0, 0.5 * expm1(-1.0));
  check(OCLSTM_ACT_ELU, 0.5F, 0, 1.0, 1.0);
  check(OCLSTM_ACT_SOFTSIGN, 0, 0, -3.0, -0.75);
  check(OCLSTM_ACT_SOFTPLUS, 0, 0, 0.0, log(2.0));
}

static void far_out(void **unused) {
  (void)unused;
  check(OCLSTM_ACT_SIGMOID, 0, 0, 1e4, 1.0);
  check(OCLSTM_ACT_SIGMOID, 0, 0, -1e4, 0.0);
  check(OCLSTM_ACT_SOFTPLUS, 0, 0, 1e4, 1e4);
  check(OCLSTM_ACT_SOFTPLUS, 0, 0, -1e4, 0.0);
  check(OCLSTM_ACT_SOFTPLUS, 0, 0, -40.0, exp(-40.0));
  check(OCLSTM_ACT_ELU, 0.5F, 0, -1e4, -0.5);
  check(OCLSTM_ACT_ELU, 0.5F, 0, -1e-20, -0.5e-20);
  check(OCLSTM_ACT_SOFTSIGN, 0, 0, 1e300, 1.0);
  check(OCLSTM_ACT_HARD_SIGMOID, 0.25F, 0.5F, -1e300, 0.0);
}

/* A comparison that is false for NaN must not turn it into a number. */
static void nan_stays(void **unused) {
  (void)unused;
  for (int kind = OCLSTM_ACT_SIGMOID; kind <= OCLSTM_ACT_SOFTPLUS; ++kind) {
    if (!isnan(at((oclstm_activation_kind)kind, 0.5F, 0.5F, NAN))) {
      fail_msg("activation %d of NaN is %g", kind, at((oclstm_activation_kind)kind, 0.5F, 0.5F, NAN));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values),
      cmocka_unit_test(far_out),
      cmocka_unit_test(nan_stays),
  };
  return cmocka_run_group_tests_name("reference.activations", tests, NULL, NULL);
}
