/* Quantiles, means, and the formulas of work.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "bench/bench.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs(b))

static void quartiles_lie_between_samples(void **unused) {
  (void)unused;
  const double samples[] = {5.0, 1.0, 4.0, 2.0};
  const bench_summary s = bench_summarise(samples, 4);
  NEAR(s.min, 1.0);
  NEAR(s.lower, 1.75);
  NEAR(s.median, 3.0);
  NEAR(s.upper, 4.25);
  assert_true(samples[0] == 5.0); /* left as they were */
}

static void odd_numbers_have_a_middle(void **unused) {
  (void)unused;
  const double samples[] = {30.0, 10.0, 20.0, 50.0, 40.0};
  const bench_summary s = bench_summarise(samples, 5);
  NEAR(s.lower, 20.0);
  NEAR(s.median, 30.0);
  NEAR(s.upper, 40.0);
}

static void one_sample_is_all_of_it_and_none_is_nothing(void **unused) {
  (void)unused;
  const double sample = 7.0;
  const bench_summary one = bench_summarise(&sample, 1);
  assert_true(one.min == 7.0 && one.lower == 7.0 && one.median == 7.0 && one.upper == 7.0);
  assert_true(isnan(bench_summarise(&sample, 0).median));
}

static void means_are_geometric(void **unused) {
  (void)unused;
  const double values[] = {0.5, 2.0, 8.0}, bad[] = {1.0, 0.0}, unknown[] = {1.0, NAN};
  NEAR(bench_geometric_mean(values, 3), 2.0);
  assert_true(isnan(bench_geometric_mean(bad, 2)));
  assert_true(isnan(bench_geometric_mean(unknown, 2)));
  assert_true(isnan(bench_geometric_mean(values, 0)));
}

static const bench_shape PLAIN = {
    .T = 10, .B = 3, .I = 5, .H = 7, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM};

static void operations_are_those_of_both_products(void **unused) {
  (void)unused;
  bench_shape s = PLAIN;
  NEAR(bench_flops(&s), 2.0 * 4 * 7 * (5 + 7) * 30);
  s.cell = OCLSTM_GRU;
  NEAR(bench_flops(&s), 2.0 * 3 * 7 * (5 + 7) * 30);
  s.layers = 2;
  s.directions = 2;
  NEAR(bench_flops(&s), 2.0 * 2 * 3 * 7 * ((5 + 7) + (14 + 7)) * 30);
}

static void traffic_is_of_weights(void **unused) {
  (void)unused;
  bench_shape s = PLAIN;
  NEAR(bench_recurrent_bytes(&s, OCLSTM_PRECISION_F32), 4.0 * 4 * 7 * 7);
  NEAR(bench_weight_traffic(&s, OCLSTM_PRECISION_F32), 4.0 * (10 * 4 * 7 * 7 + 4 * 7 * 5));
  NEAR(bench_weight_traffic(&s, OCLSTM_PRECISION_BF16), 2.0 * (10 * 4 * 7 * 7 + 4 * 7 * 5));
}

static void ragged_lengths_fall_to_a_tenth(void **unused) {
  (void)unused;
  bench_shape s = PLAIN;
  s.T = 200;
  s.B = 10;
  s.rows = BENCH_RAGGED;
  assert_int_equal(bench_length(&s, 0), 200);
  assert_int_equal(bench_length(&s, 9), 20);
  for (size_t b = 1; b < s.B; ++b) {
    assert_true(bench_length(&s, b) < bench_length(&s, b - 1));
  }
  assert_int_equal(bench_valid_steps(&s), 1100);
  assert_int_equal(bench_equal_steps(&s), 110);
  s.rows = BENCH_PADDED;
  assert_int_equal(bench_valid_steps(&s), 1100);
  s.rows = BENCH_WHOLE;
  assert_int_equal(bench_valid_steps(&s), 2000);
  s.rows = BENCH_RAGGED;
  s.T = 3; /* a tenth would be none */
  assert_int_equal(bench_length(&s, 9), 1);
  s.B = 1;
  assert_int_equal(bench_length(&s, 0), 3);
}

static void lists_of_processors_are_counted(void **unused) {
  (void)unused;
  assert_int_equal(bench_count_processors("0"), 1);
  assert_int_equal(bench_count_processors("0-3,8"), 5);
  assert_int_equal(bench_count_processors("64-127"), 64);
  const char *const none[] = {"", "a", "3-1", "0-", "0,", "-1", "0 1"};
  for (size_t k = 0; k < sizeof none / sizeof none[0]; ++k) {
    assert_int_equal(bench_count_processors(none[k]), 0);
  }
}

static void caches_are_as_many_as_their_processors(void **unused) {
  (void)unused;
  const bench_machine m = {.processors = 12, .cache_bytes = {32, 512, 4096}, .cache_shared = {1, 2, 8}};
  assert_int_equal(bench_all_caches(&m, 0), 12 * 32);
  assert_int_equal(bench_all_caches(&m, 1), 6 * 512);
  assert_int_equal(bench_all_caches(&m, 2), 2 * 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quartiles_lie_between_samples),
      cmocka_unit_test(odd_numbers_have_a_middle),
      cmocka_unit_test(one_sample_is_all_of_it_and_none_is_nothing),
      cmocka_unit_test(means_are_geometric),
      cmocka_unit_test(operations_are_those_of_both_products),
      cmocka_unit_test(traffic_is_of_weights),
      cmocka_unit_test(ragged_lengths_fall_to_a_tenth),
      cmocka_unit_test(lists_of_processors_are_counted),
      cmocka_unit_test(caches_are_as_many_as_their_processors),
  };
  return cmocka_run_group_tests_name("bench.statistics", tests, NULL, NULL);
}
