/* tanh and sigmoid of every float on a device, against double precision.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "activations.h"

enum { CHUNK = 1 << 17 };

/* Between the shared text and the activations. */
static const char TWO_ROUNDINGS[] = "#undef FMA\n#define FMA(a, b, c) ((a) * (b) + (c))\n";

static const oclstm_activation TANH = {OCLSTM_ACT_TANH, 0, 0}, SIGMOID = {OCLSTM_ACT_SIGMOID, 0, 0};
/* Floats x >= 0 by their bits. Below 2^-12 tanh(x) is x; from 32 on the limits are reached; behind infinity is NaN. */
#define SMALL 0x39800000U
#define LARGE 0x42000000U
#define INFINITE 0x7f800000U
#define MINUS 0x80000000U

/* A chunk of such x, tanh and sigmoid of it and of -x, and what they are in double precision. */
static struct {
  float x[CHUNK], minus_x[CHUNK];
  float tanh_x[CHUNK], tanh_minus[CHUNK], sigmoid_x[CHUNK], sigmoid_minus[CHUNK];
  double exact_tanh[CHUNK], exact_sigmoid[CHUNK];
} all;

typedef struct errors {
  double of_tanh, relative, of_sigmoid;
} errors;

/* Whether a chunk's values are known only by computing them. */
static bool is_between(uint32_t first) {
  return first >= SMALL && first < LARGE;
}

static void make_chunk(uint32_t first) {
  for (uint32_t k = 0; k < CHUNK; ++k) {
    all.x[k] = float_of(first + k);
    all.minus_x[k] = float_of((first + k) ^ MINUS);
  }
  for (size_t k = 0; is_between(first) && k < CHUNK; ++k) {
    all.exact_tanh[k] = tanh((double)all.x[k]);
    all.exact_sigmoid[k] = 1.0 / (1.0 + exp(-(double)all.x[k]));
  }
}

static void run_chunk(const activations *a) {
  give(a, all.minus_x, CHUNK);
  take(a, TANH, all.tanh_minus, CHUNK);
  take(a, SIGMOID, all.sigmoid_minus, CHUNK);
  give(a, all.x, CHUNK);
  take(a, TANH, all.tanh_x, CHUNK);
  take(a, SIGMOID, all.sigmoid_x, CHUNK);
}

/* How many of n values are not the one. */
static uint32_t others(const float *y, size_t n, float value) {
  uint32_t wrong = 0;
  for (size_t k = 0; k < n; ++k) {
    wrong += bits_of(y[k]) != bits_of(value);
  }
  return wrong;
}

static uint32_t wrong_limits(size_t n) {
  return others(all.tanh_x, n, 1.0F) + others(all.tanh_minus, n, -1.0F) + others(all.sigmoid_x, n, 1.0F) +
         others(all.sigmoid_minus, n, 0.0F);
}

static uint32_t numbers(const float *y) {
  uint32_t wrong = 0;
  for (size_t k = 0; k < CHUNK; ++k) {
    wrong += (bits_of(y[k]) & ~MINUS) <= INFINITE;
  }
  return wrong;
}

static uint32_t wrong_nans(void) {
  return numbers(all.tanh_x) + numbers(all.tanh_minus) + numbers(all.sigmoid_x) + numbers(all.sigmoid_minus);
}

/* Two units in the last place for tanh, 2e-7 for sigmoid. */
static uint32_t wrong_smalls(void) {
  uint32_t wrong = 0;
  for (size_t k = 0; k < CHUNK; ++k) {
    const float of_x = fabsf(all.sigmoid_x[k] - 0.5F - 0.25F * all.x[k]);
    const float of_minus = fabsf(all.sigmoid_minus[k] - 0.5F + 0.25F * all.x[k]);
    wrong += (bits_of(all.tanh_x[k]) + 2U - bits_of(all.x[k]) > 4U) | !(of_x <= 2e-7F) | !(of_minus <= 2e-7F);
  }
  return wrong;
}

/* tanh is odd, and nothing leaves its interval. */
static uint32_t wrong_signs(void) {
  uint32_t wrong = 0;
  for (size_t k = 0; k < CHUNK; ++k) {
    const uint32_t inside = (bits_of(all.tanh_x[k]) <= bits_of(1.0F)) &
                            (bits_of(all.sigmoid_x[k]) <= bits_of(1.0F)) &
                            (bits_of(all.sigmoid_minus[k]) <= bits_of(0.5F));
    wrong += !inside | (bits_of(all.tanh_x[k]) != (bits_of(all.tanh_minus[k]) ^ MINUS));
  }
  return wrong;
}

static double larger(double a, double b) {
  return a <= b ? b : a; /* a where it is NaN */
}

static void compare(errors *e) {
  for (size_t k = 0; k < CHUNK; ++k) {
    const double t = all.exact_tanh[k], s = all.exact_sigmoid[k];
    const double of_tanh = fabs((double)all.tanh_x[k] - t);
    e->of_tanh = larger(of_tanh, e->of_tanh);
    e->relative = larger(of_tanh / t, e->relative);
    e->of_sigmoid = larger(fabs((double)all.sigmoid_x[k] - s), e->of_sigmoid);
    e->of_sigmoid = larger(fabs((double)all.sigmoid_minus[k] - (1.0 - s)), e->of_sigmoid);
  }
}

static uint32_t check_chunk(uint32_t first, errors *e) {
  if (first == INFINITE) {
    const uint32_t wrong = wrong_limits(1);
    all.tanh_x[0] = all.tanh_minus[0] = all.sigmoid_x[0] = all.sigmoid_minus[0] = NAN;
    return wrong + wrong_nans();
  }
  if (first > INFINITE) {
    return wrong_nans();
  }
  if (first >= LARGE) {
    return wrong_limits(CHUNK);
  }
  if (is_between(first)) {
    compare(e);
    return wrong_signs();
  }
  return wrong_smalls() + wrong_signs();
}

/* Where the device fuses, the same once more as devices round that do not. */
static void every_float(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  activations fused = open_activations(cl->vector_width, CHUNK, "");
  activations rounded = open_activations(cl->vector_width, CHUNK, TWO_ROUNDINGS);
  const activations *programs[] = {&fused, &rounded};
  errors e[2] = {{0, 0, 0}, {0, 0, 0}};
  uint32_t wrong = 0;
  (void)unused;
  for (uint32_t first = 0; first <= INT32_MAX && wrong == 0; first += CHUNK) {
    const size_t ways = is_between(first) ? 2 : 1;
    make_chunk(first);
    for (size_t k = 0; k < ways && wrong == 0; ++k) {
      run_chunk(programs[k]);
      wrong = check_chunk(first, &e[k]);
    }
    if (wrong != 0) {
      print_error("%u wrong values from %a on\n", (unsigned)wrong, (double)all.x[0]);
    }
  }
  close_activations(&fused);
  close_activations(&rounded);
  for (size_t k = 0; k < 2; ++k) {
    print_message("%s: tanh %.3g, relative %.3g; sigmoid %.3g\n",
                  k == 0 ? "as the device adds" : "two roundings", e[k].of_tanh, e[k].relative,
                  e[k].of_sigmoid);
    assert_true(e[k].of_tanh <= ACTIVATION_BOUND && e[k].relative <= ACTIVATION_BOUND &&
                e[k].of_sigmoid <= ACTIVATION_BOUND);
  }
  assert_int_equal(wrong, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_float)};
  read_options(argc, argv);
  return run_device_tests("kernels.activation_all", tests, 1);
}
