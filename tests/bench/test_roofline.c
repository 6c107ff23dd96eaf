/* The roofline, on a machine whose peaks are round numbers.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "bench/bench.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs(b))

/* An operation takes 1 s; of bytes, the first 1,000 take 1 s each, the next 3,000 take 2 s, all others 10 s. */
static const bench_peaks PEAKS = {
    .known = true,
    .flops = 1.0,
    .levels = {{"L2", 1000, 750, 1.0}, {"L3", 3000, 2250, 0.5}, {"memory", UINT64_MAX, 32000, 0.1}}};
/* W_hh has 16 H^2 bytes, W_ih 16 H I. */
static const bench_shape SHAPE = {
    .T = 10, .B = 1, .I = 1, .H = 7, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM};

/* Operations cost nothing. */
static bench_peaks of_memory(void) {
  bench_peaks peaks = PEAKS;
  peaks.flops = 1e30;
  return peaks;
}

static void operations_bound_large_batches(void **unused) {
  (void)unused;
  bench_shape s = SHAPE;
  s.B = 1000;
  NEAR(bench_roofline(&PEAKS, &s, OCLSTM_PRECISION_F32), bench_flops(&s));
}

static void each_level_keeps_its_part(void **unused) {
  (void)unused;
  const bench_peaks peaks = of_memory();
  bench_shape s = SHAPE;
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 10 * 784.0 + 112);
  s.H = 10; /* 1,600 bytes: 600 of them are not in the L2 */
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 10 * (1000.0 + 2 * 600) + 160);
  s.H = 20; /* 6,400 bytes: 2,400 of them are in memory */
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 10 * (1000.0 + 2 * 3000 + 10 * 2400) + 320);
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_BF16), 10 * (1000.0 + 2 * 2200) + 160);
}

/* Two networks that go one after the other find the caches as one does. */
static void layers_and_directions_do_not_share_a_cache(void **unused) {
  (void)unused;
  const bench_peaks peaks = of_memory();
  bench_shape s = SHAPE;
  s.I = 7;
  const double one = bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32);
  s.layers = 3;
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 3 * one);
  s.layers = 1;
  s.directions = 2;
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 2 * one);
}

static void a_level_that_is_not_there_keeps_nothing(void **unused) {
  (void)unused;
  bench_peaks peaks = of_memory();
  bench_shape s = SHAPE;
  s.H = 10;
  peaks.levels[1].per_second = 0.0;
  NEAR(bench_roofline(&peaks, &s, OCLSTM_PRECISION_F32), 10 * (1000.0 + 10 * 600) + 160);
}

static void nothing_is_known_without_peaks(void **unused) {
  (void)unused;
  const bench_peaks none = {.known = false};
  assert_true(isnan(bench_roofline(&none, &SHAPE, OCLSTM_PRECISION_F32)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operations_bound_large_batches),
      cmocka_unit_test(each_level_keeps_its_part),
      cmocka_unit_test(layers_and_directions_do_not_share_a_cache),
      cmocka_unit_test(a_level_that_is_not_there_keeps_nothing),
      cmocka_unit_test(nothing_is_known_without_peaks),
  };
  return cmocka_run_group_tests_name("bench.roofline", tests, NULL, NULL);
}
