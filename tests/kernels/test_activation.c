/* The activations that have arithmetic of their own, on a device, over some floats of each binade, at every vector width.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "activations.h"
#include "reference/reference.h"

enum { BINADES = 256, MOST_EACH = 1024 };

/* n floats of either sign: the first three and the last two of each binade, and others between; the last binade is Inf
 * and NaN. */
static size_t make_some(float *x, size_t each) {
  uint64_t seed = options.seed;
  size_t n = 0;
  for (uint32_t binade = 0; binade < BINADES; ++binade) {
    for (uint32_t k = 0; k < each; ++k) {
      uint32_t fraction = k < 3 ? k : k < 5 ? 0x7fffffU - (k - 3) : (uint32_t)(next_random(&seed) >> 41);
      x[n++] = float_of((binade << 23) | fraction);
      x[n++] = float_of((binade << 23) | fraction | 0x80000000U);
    }
  }
  return n;
}

static void assert_some(oclstm_activation f, const float *x, const float *y, size_t n, double bound) {
  double most = 0.0;
  for (size_t k = 0; k < n; ++k) {
    const double expected = oclstm__activate(f, (double)x[k]);
    const double error = fabs((double)y[k] - expected);
    const bool finite = isfinite(expected);
    const bool same = finite            ? error <= bound * fmax(1.0, fabs(expected))
                      : isnan(expected) ? isnan(y[k])
                                        : (double)y[k] == expected;
    if (!same) {
      fail_msg("activation %d at %.9g (%a) is %.9g, expected %.9g", (int)f.kind, (double)x[k], (double)x[k],
               (double)y[k], expected);
    }
    if (finite) {
      most = fmax(most, error / fmax(1.0, fabs(expected)));
    }
  }
  print_message("activation %d: error at most %.3g\n", (int)f.kind, most);
}

static void assert_same(oclstm_activation f, const float *x, const float *expected, const float *got,
                        size_t n, unsigned VW) {
  for (size_t k = 0; k < n; ++k) {
    if (bits_of(expected[k]) != bits_of(got[k]) && !(isnan(expected[k]) && isnan(got[k]))) {
      fail_msg("activation %d at %a is %a, and %a in vectors of %u", (int)f.kind, (double)x[k],
               (double)expected[k], (double)got[k], VW);
    }
  }
}

static void some_of_each_binade(void **unused) {
  static const struct {
    oclstm_activation f;
    double bound; /* relative to values beyond 1 */
  } TABLE[] = {
      {{OCLSTM_ACT_TANH, 0, 0}, ACTIVATION_BOUND},
      {{OCLSTM_ACT_SIGMOID, 0, 0}, ACTIVATION_BOUND},
      {{OCLSTM_ACT_ELU, 1.0F, 0}, ACTIVATION_BOUND},
      {{OCLSTM_ACT_SCALED_TANH, 2.0F, 0.5F}, ACTIVATION_BOUND},
      {{OCLSTM_ACT_SOFTSIGN, 0, 0}, ACTIVATION_BOUND},
      {{OCLSTM_ACT_SOFTPLUS, 0, 0}, ACTIVATION_BOUND},
  };
  enum { KINDS = sizeof TABLE / sizeof TABLE[0], MOST = BINADES * MOST_EACH * 2 };
  static float x[MOST], y[MOST], scalar[KINDS][MOST];
  (void)unused;
  const size_t n = make_some(x, options.small ? 8 : MOST_EACH);
  for (unsigned VW = 1; VW <= 16; VW *= VW == 1 ? 4 : 2) {
    activations a = open_activations(VW, n, "");
    give(&a, x, n);
    for (size_t k = 0; k < KINDS; ++k) {
      take(&a, TABLE[k].f, VW == 1 ? scalar[k] : y, n);
      if (VW == 1) {
        assert_some(TABLE[k].f, x, scalar[k], n, TABLE[k].bound);
      } else {
        assert_same(TABLE[k].f, x, scalar[k], y, n, VW);
      }
    }
    close_activations(&a);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(some_of_each_binade)};
  read_options(argc, argv);
  return run_device_tests("kernels.activation", tests, 1);
}
