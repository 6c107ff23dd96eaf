/* What is said of the project's figures, from runs that are made up.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"

const char *cli_precision_name(int precision) {
  static const char *const NAMES[] = {"f32", "f16", "bf16"};
  return NAMES[precision];
}

const char *cli_gemm_name(int gemm) {
  return gemm == OCLSTM_GEMM_AMX ? "amx" : "another";
}

cli_size cli_bytes(uint64_t bytes) {
  cli_size size;
  (void)snprintf(size.text, sizeof size.text, "%llu", (unsigned long long)bytes);
  return size;
}

const bench_record *bench_results_find(const bench_results *results, const bench_shape *shape) {
  for (size_t k = 0; k < results->n; ++k) {
    if (bench_shape_same(&results->records[k].shape, shape)) {
      return &results->records[k];
    }
  }
  return NULL;
}

enum { OURS, ONEDNN, HALVES, N_COLUMNS };
static bench_column columns[N_COLUMNS + 1];
static bench_results results;

/* Every shape of the targets; a valid step takes us 1 s, oneDNN 2 s, halves 0.5 s. */
static int begin(void **unused) {
  bench_shapes shapes = {0, 0, NULL};
  (void)unused;
  memset(columns, 0, sizeof columns);
  columns[OURS] = (bench_column){.name = "oclstm auto f32", .ours = true};
  columns[ONEDNN] = (bench_column){.name = "onednn f32"};
  columns[HALVES] =
      (bench_column){.name = "oclstm auto f16", .precision = OCLSTM_PRECISION_F16, .ours = true};
  assert_true(bench_targets_push(&shapes));
  results = (bench_results){.columns = {N_COLUMNS, N_COLUMNS, columns}, .n = shapes.n};
  results.records = calloc(shapes.n, sizeof *results.records);
  assert_non_null(results.records);
  for (size_t k = 0; k < shapes.n; ++k) {
    static const double STEP[] = {1.0, 2.0, 0.5, 0.8};
    results.records[k].shape = shapes.items[k];
    results.records[k].outcomes = calloc(N_COLUMNS + 1, sizeof(bench_outcome));
    assert_non_null(results.records[k].outcomes);
    for (size_t c = 0; c <= N_COLUMNS; ++c) {
      bench_outcome *o = &results.records[k].outcomes[c];
      *o = (bench_outcome){.state = BENCH_DONE, .n = 1};
      o->seconds.median = STEP[c] * (double)bench_valid_steps(&shapes.items[k]);
    }
  }
  bench_shapes_free(&shapes);
  return 0;
}

static int end(void **unused) {
  (void)unused;
  for (size_t k = 0; k < results.n; ++k) {
    free(results.records[k].outcomes);
  }
  free(results.records);
  return 0;
}

static bench_outcome *outcome_of(uint64_t T, size_t B, size_t H, bench_rows rows, size_t column) {
  bench_shape shape = {
      .T = T, .B = B, .I = H, .H = H, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM, .rows = rows};
  for (size_t k = 0; k < results.n; ++k) {
    if (bench_shape_same(&results.records[k].shape, &shape)) {
      return &results.records[k].outcomes[column];
    }
  }
  fail_msg("no target has T %llu B %zu H %zu", (unsigned long long)T, B, H);
  return NULL;
}

static bench_target_result target(const char *beginning) {
  for (size_t k = 0; k < bench_target_count(); ++k) {
    bench_target_result result = bench_target_evaluate(&results, k);
    if (strncmp(result.text, beginning, strlen(beginning)) == 0) {
      return result;
    }
  }
  fail_msg("there is no target \"%s...\"", beginning);
  return (bench_target_result){.text = NULL};
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs(b))

static void the_worst_shape_decides(void **unused) {
  (void)unused;
  bench_target_result t = target("T 100: B 64");
  assert_int_equal(t.reach, BENCH_REACHED);
  NEAR(t.measured, 0.5);
  outcome_of(100, 128, 256, BENCH_WHOLE, OURS)->seconds.median *= 2.2;
  t = target("T 100: B 64");
  assert_int_equal(t.reach, BENCH_NOT_REACHED);
  NEAR(t.measured, 1.1);
  assert_string_equal(t.why, "T 100 B 128 I 256 H 256 lstm");
}

static void precisions_have_their_own_column(void **unused) {
  (void)unused;
  NEAR(target("B 1, T 1000: H 512 and 1024, f16").measured, 0.25);
}

static void what_is_missing_is_named(void **unused) {
  (void)unused;
  bench_target_result t = target("deepbench-inference, geometric mean; PyTorch");
  assert_int_equal(t.reach, BENCH_NOT_MEASURED);
  assert_string_equal(t.why, "there is no column pytorch f32");
  assert_true(isnan(t.measured));
  outcome_of(1000, 1, 128, BENCH_WHOLE, ONEDNN)->state = BENCH_REFUSED;
  t = target("B 1, T 1000: H 64, 128");
  assert_int_equal(t.reach, BENCH_NOT_MEASURED);
  assert_string_equal(t.why, "no figure of onednn f32 for T 1000 B 1 I 128 H 128 lstm");
}

static void lists_have_a_geometric_mean(void **unused) {
  (void)unused;
  NEAR(target("deepbench-inference, geometric mean; oneDNN").measured, 0.5);
  outcome_of(25, 1, 512, BENCH_WHOLE, OURS)->seconds.median *=
      32768.0; /* of 15 shapes, one is 2^15 times as slow */
  NEAR(target("deepbench-inference, geometric mean; oneDNN").measured, 1.0);
}

static void rows_of_several_lengths_are_compared_a_valid_step(void **unused) {
  (void)unused;
  NEAR(target("ragged").measured, 1.0);
  outcome_of(200, 32, 512, BENCH_RAGGED, OURS)->seconds.median *= 1.2;
  assert_int_equal(target("ragged").reach, BENCH_NOT_REACHED);
}

static void memory_has_to_be_flat(void **unused) {
  (void)unused;
  NEAR(target("a step at T 1000000").measured, 1.0);
  bench_outcome *o = outcome_of(1000000, 4, 64, BENCH_WHOLE, OURS);
  o->resident_before = 1 << 20;
  o->resident_after = 6 << 20;
  bench_target_result t = target("a step at T 1000000");
  assert_int_equal(t.reach, BENCH_NOT_REACHED);
  assert_string_equal(t.why, "memory grew from 1048576 to 6291456");
}

/* float32 by AMX is never what is chosen by itself: it takes a column that asks for it. */
static void float32_by_amx_is_a_column_of_its_own(void **unused) {
  static const char NAME[] = "AMX, T 100: B 32 and 64, H 512 and 1024, f32";
  (void)unused;
  assert_string_equal(target(NAME).why, "this processor has no AMX");
  results.machine.amx = true;
  assert_string_equal(target(NAME).why, "there is no column ours f32 --gemm amx");
  columns[N_COLUMNS] = (bench_column){.name = "oclstm auto f32 amx", .gemm = OCLSTM_GEMM_AMX, .ours = true};
  results.columns.n = N_COLUMNS + 1;
  NEAR(target(NAME).measured, 0.4);
  NEAR(target("T 100: B 64").measured, 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_worst_shape_decides, begin, end),
      cmocka_unit_test_setup_teardown(precisions_have_their_own_column, begin, end),
      cmocka_unit_test_setup_teardown(what_is_missing_is_named, begin, end),
      cmocka_unit_test_setup_teardown(lists_have_a_geometric_mean, begin, end),
      cmocka_unit_test_setup_teardown(rows_of_several_lengths_are_compared_a_valid_step, begin, end),
      cmocka_unit_test_setup_teardown(memory_has_to_be_flat, begin, end),
      cmocka_unit_test_setup_teardown(float32_by_amx_is_a_column_of_its_own, begin, end),
  };
  return cmocka_run_group_tests_name("bench.targets", tests, NULL, NULL);
}
