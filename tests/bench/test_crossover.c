/* The search for the rows from which one device beats another, on two devices that are formulas.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/report.h"

/* A run of B rows takes the first `start` and B times `row`, the second B. */
static double start, row;
static size_t fails_at, stops_after, runs;

oclstm_status bench_data_open(bench_data *data, const bench_shape *shape, uint64_t seed,
                              oclstm_error *error) {
  (void)seed;
  (void)error;
  *data = (bench_data){.shape = shape};
  return OCLSTM_OK;
}

void bench_data_close(bench_data *data) {
  data->shape = NULL;
}

bool bench_rounds(const bench_columns *columns, bench_data *data, const bench_limits *limits,
                  bench_outcome *outcomes) {
  const double B = (double)data->shape->B;
  (void)limits;
  assert_int_equal(columns->n, 2);
  for (size_t k = 0; k < 2; ++k) {
    outcomes[k] = (bench_outcome){.state = BENCH_DONE, .n = 1};
  }
  outcomes[0].seconds.median = start + row * B;
  outcomes[1].seconds.median = B;
  if (data->shape->B == fails_at) {
    (void)bench_fail(&outcomes[0], BENCH_REFUSED, "no memory for it");
  }
  return ++runs != stops_after;
}

int cli_fail(oclstm_status status, const char *format, ...) {
  (void)format;
  return (int)status;
}

void *cli_calloc(size_t count, size_t size) {
  return calloc(count, size);
}

const char *bench_state_name(bench_state state) {
  return state == BENCH_REFUSED ? "refused" : "other";
}

/* The crossings of two devices, of which the first is the shortest T and H. */
static int search(bench_results *results) {
  bench_column columns[2] = {{.name = "first"}, {.name = "second"}};
  const bench_limits limits = {.least_rounds = 1};
  *results = (bench_results){.columns = {2, 2, columns}};
  runs = 0;
  int code = bench_find_crossings(results, &limits);
  results->columns = (bench_columns){0, 0, NULL};
  return code;
}

static bench_crossing first_of(double start_, double row_, size_t fails_at_) {
  bench_results results;
  start = start_;
  row = row_;
  fails_at = fails_at_;
  stops_after = 0;
  assert_int_equal(search(&results), 0);
  assert_int_equal(results.n_crossings, 9);
  const bench_crossing crossing = results.crossings[0];
  free(results.crossings);
  assert_true(crossing.T == 10 && crossing.H == 64 && crossing.most_rows == 256);
  return crossing;
}

static void the_least_rows_are_found(void **unused) {
  (void)unused;
  bench_crossing c = first_of(4.25, 0.5, 0); /* 4.25 + B / 2 < B from 9 on */
  assert_int_equal(c.rows, 9);
  assert_true(fabs(c.ratio_one - 4.75) < 1e-12 && fabs(c.ratio_most - 132.25 / 256.0) < 1e-12);
  assert_string_equal(c.why, "");
  c = first_of(49.9, 0.5, 0); /* from 100 on; to a sixteenth */
  assert_true(c.rows >= 100 && c.rows <= 106);
  assert_true(runs < 9 * 12);
}

static void one_row_may_do_and_none_may(void **unused) {
  (void)unused;
  assert_int_equal(first_of(0.0, 0.5, 0).rows, 1);
  const bench_crossing c = first_of(1.0, 1.0, 0);
  assert_int_equal(c.rows, 0);
  assert_true(c.ratio_most > 1.0);
  assert_string_equal(c.why, "");
}

static void what_is_not_measured_says_why(void **unused) {
  (void)unused;
  bench_crossing c = first_of(4.25, 0.5, 256);
  assert_int_equal(c.rows, 0);
  assert_string_equal(c.why, "B 256: first refused: no memory for it");
  c = first_of(4.25, 0.5, 1);
  assert_int_equal(c.rows, 0);
  assert_true(isnan(c.ratio_one));
  c = first_of(4.25, 0.5, 16); /* between them */
  assert_int_equal(c.rows, 0);
  assert_string_equal(c.why, "B 16: first refused: no memory for it");
}

static void an_interrupt_leaves_what_is_found(void **unused) {
  bench_results results;
  (void)unused;
  start = 0.0;
  row = 0.5; /* two runs a search */
  fails_at = 0;
  stops_after = 6;
  assert_int_equal(search(&results), CLI_INTERRUPTED);
  assert_int_equal(results.n_crossings, 2);
  free(results.crossings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_least_rows_are_found),
      cmocka_unit_test(one_row_may_do_and_none_may),
      cmocka_unit_test(what_is_not_measured_says_why),
      cmocka_unit_test(an_interrupt_leaves_what_is_found),
  };
  return cmocka_run_group_tests_name("bench.crossover", tests, NULL, NULL);
}
