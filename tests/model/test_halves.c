/* float16 and bfloat16: all bit patterns there and back, and rounding to nearest even by another way.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "support.h"

enum { N_PATTERNS = 65536 };

/* A 16-bit format: sign, exponent bits, fraction bits. */
typedef struct format {
  const char *name;
  int exponent_bits, fraction_bits;
  float (*widen)(uint16_t bits);
  uint16_t (*narrow)(float value);
} format;

static const format FORMATS[] = {{"float16", 5, 10, oclstm__half_float, oclstm__half_bits},
                                 {"bfloat16", 8, 7, oclstm__bfloat_float, oclstm__bfloat_bits}};

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* ---- the definition, in double ---- */

static bool is_nan_pattern(const format *f, uint16_t bits) {
  const unsigned magnitude = bits & 0x7fffU;
  return magnitude > ((1U << f->exponent_bits) - 1U) << f->fraction_bits;
}

/* IEEE 754: (-1)^s 2^(e - bias) (1 + m 2^-n), without the 1 and with e = 1 where e is 0; all ones are infinite. */
static double value_of(const format *f, uint16_t bits) {
  const int bias = (1 << (f->exponent_bits - 1)) - 1;
  const int exponent = (bits & 0x7fff) >> f->fraction_bits;
  const int fraction = bits & ((1 << f->fraction_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << f->exponent_bits) - 1) {
    return sign * (double)INFINITY;
  }
  const double significand = ldexp((double)fraction, -f->fraction_bits) + (exponent != 0 ? 1.0 : 0.0);
  return sign * ldexp(significand, (exponent != 0 ? exponent : 1) - bias);
}

/* What the first pattern beyond the finite ones would be worth: rounding goes by it. */
static double magnitude_for_rounding(const format *f, uint16_t magnitude) {
  const int largest_exponent = (1 << f->exponent_bits) - 1;
  const int bias = (1 << (f->exponent_bits - 1)) - 1;
  return magnitude == (uint16_t)(largest_exponent << f->fraction_bits) ? ldexp(1.0, largest_exponent - bias)
                                                                       : value_of(f, magnitude);
}

/* The nearest pattern by bisection over the magnitudes, which grow with their bits; ties to the even one. */
static uint16_t nearest(const format *f, float value) {
  const double magnitude = fabs((double)value);
  uint16_t low = 0, high = (uint16_t)(((1 << f->exponent_bits) - 1) << f->fraction_bits);
  const uint16_t sign = signbit(value) ? 0x8000 : 0;
  if (isinf(value) || magnitude >= magnitude_for_rounding(f, high)) {
    return sign | high;
  }
  while (high - low > 1) {
    const uint16_t middle = (uint16_t)((low + high) / 2);
    if (value_of(f, middle) <= magnitude) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const double below = magnitude - value_of(f, low), above = magnitude_for_rounding(f, high) - magnitude;
  const bool up = above < below || (above == below && low % 2 == 1);
  return sign | (up ? high : low);
}

static void check_narrow(const format *f, float value) {
  const uint16_t got = f->narrow(value);
  if (isnan(value)) {
    if (!is_nan_pattern(f, got) || (got & 0x8000) != (signbit(value) ? 0x8000 : 0)) {
      fail_msg("%s of NaN %08x is %04x", f->name, (unsigned)bits_of(value), got);
    }
    return;
  }
  if (got != nearest(f, value)) {
    fail_msg("%s of %a is %04x, the nearest is %04x", f->name, (double)value, got, nearest(f, value));
  }
}

/* ---- tests ---- */

static void every_pattern_widens_exactly(void **unused) {
  (void)unused;
  for (size_t k = 0; k < 2; ++k) {
    const format *f = &FORMATS[k];
    for (uint32_t bits = 0; bits < N_PATTERNS; ++bits) {
      const float got = f->widen((uint16_t)bits);
      if (is_nan_pattern(f, (uint16_t)bits)) {
        assert_true(isnan(got));
      } else if ((double)got != value_of(f, (uint16_t)bits) || !signbit(got) != !(bits & 0x8000)) {
        fail_msg("%s %04x is %a, expected %a", f->name, (unsigned)bits, (double)got,
                 value_of(f, (uint16_t)bits));
      }
    }
  }
}

static void every_pattern_comes_back(void **unused) {
  (void)unused;
  for (size_t k = 0; k < 2; ++k) {
    const format *f = &FORMATS[k];
    for (uint32_t bits = 0; bits < N_PATTERNS; ++bits) {
      const uint16_t back = f->narrow(f->widen((uint16_t)bits));
      if (is_nan_pattern(f, (uint16_t)bits)) {
        assert_true(is_nan_pattern(f, back));
      } else if (back != bits) {
        fail_msg("%s %04x comes back as %04x", f->name, (unsigned)bits, back);
      }
    }
  }
}

/* Around every value of a format and every middle between two of them: the places where rounding turns. */
static void turning_points(void **unused) {
  (void)unused;
  for (size_t k = 0; k < 2; ++k) {
    const format *f = &FORMATS[k];
    for (uint32_t bits = 0; bits < N_PATTERNS; ++bits) {
      const uint16_t magnitude = bits & 0x7fff;
      if (is_nan_pattern(f, (uint16_t)bits) || isinf(value_of(f, magnitude))) {
        continue;
      }
      const double next = magnitude_for_rounding(f, (uint16_t)(magnitude + 1));
      const double middle = (value_of(f, magnitude) + next) / 2.0;
      const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
      const float points[] = {(float)value_of(f, magnitude), (float)middle};
      for (size_t p = 0; p < 2; ++p) {
        check_narrow(f, sign * points[p]);
        check_narrow(f, sign * nextafterf(points[p], INFINITY));
        check_narrow(f, sign * nextafterf(points[p], -INFINITY));
      }
    }
  }
}

/* Random patterns of float32 reach subnormals, infinities and NaN of every payload. */
static void random_floats(void **unused) {
  (void)unused;
  uint64_t seed = 1;
  const float fixed[] = {0.0F,
                         -0.0F,
                         INFINITY,
                         -INFINITY,
                         NAN,
                         FLT_MAX,
                         -FLT_MAX,
                         FLT_MIN,
                         65504.0F,
                         65519.0F,
                         65520.0F,
                         -65520.0F,
                         65536.0F,
                         float_of(1),
                         0x1p-24F,
                         0x1p-25F,
                         0x1.000002p-25F,
                         float_of(0x7f800001),
                         float_of(0xff800001)};
  for (size_t k = 0; k < 2; ++k) {
    for (size_t n = 0; n < sizeof fixed / sizeof fixed[0]; ++n) {
      check_narrow(&FORMATS[k], fixed[n]);
    }
    for (size_t n = 0; n < 1000000; ++n) {
      check_narrow(&FORMATS[k], float_of((uint32_t)next_random(&seed)));
    }
    for (size_t n = 0; n < 1000000; ++n) { /* of the sizes that weights have */
      check_narrow(&FORMATS[k],
                   (float)(ldexp(2.0 * random_unit(&seed) - 1.0, (int)(next_random(&seed) % 40) - 24)));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pattern_widens_exactly),
      cmocka_unit_test(every_pattern_comes_back),
      cmocka_unit_test(turning_points),
      cmocka_unit_test(random_floats),
  };
  return cmocka_run_group_tests_name("model.halves", tests, NULL, NULL);
}
