/* The forward call: what it refuses and what it leaves alone.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { T = 6, B = 3 };

/* A plan of T steps and B rows with a state that is not zero, and one call's arguments. */
typedef struct fixture {
  oclstm_model *model;
  test_job job;
  oclstm_plan *plan; /* with cells */
  oclstm_state *state;
  float *y, *cells;
  oclstm_io io;
} fixture;

static float *floats(size_t count) {
  float *array = calloc(count, sizeof *array);
  assert_non_null(array);
  for (size_t k = 0; k < count; ++k) {
    array[k] = 99.0F;
  }
  return array;
}

static fixture open_fixture(void) {
  fixture f = {.model = make_network(&FORWARD[0], options.seed), .io = OCLSTM_IO_INIT};
  f.job = make_job(f.model, T, B, options.seed);
  f.plan = make_plan(device, f.model, B, T, true);
  OK(oclstm_state_create(f.plan, &f.state, &last_error));
  OK(oclstm_state_set(f.state, f.job.h0, f.job.c0, &last_error));
  f.y = floats(T * B * oclstm_model_output_size(f.model));
  f.cells = floats(T * B * FORWARD[0].H);
  f.io.steps = T;
  f.io.x = f.job.x;
  f.io.y = f.y;
  f.io.cells = f.cells;
  return f;
}

static void close_fixture(fixture *f) {
  free(f->y);
  free(f->cells);
  oclstm_state_destroy(&f->state);
  oclstm_plan_destroy(&f->plan);
  free_job(&f->job);
  oclstm_model_destroy(&f->model);
}

static void assert_state_is(const fixture *f, const float *h, const float *c) {
  const test_tensor hn = hn_of(&f->job), cn = cn_of(&f->job);
  float *h_now = floats(hn.n * hn.B * hn.W), *c_now = floats(cn.n * cn.B * cn.W);
  OK(oclstm_state_get(f->state, h_now, c_now, &last_error));
  assert_same_bits(&hn, h, h_now);
  assert_same_bits(&cn, c, c_now);
  free(h_now);
  free(c_now);
}

/* State and outputs as the fixture made them. */
static void assert_untouched(const fixture *f) {
  assert_state_is(f, f->job.h0, f->job.c0);
  for (size_t k = 0; k < T * B * FORWARD[0].H; ++k) {
    assert_true(f->y[k] == 99.0F && f->cells[k] == 99.0F);
  }
}

/* ---- refusals ---- */

static void bad_lengths(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  const int32_t negative[B] = {0, -1, 2}, over[B] = {1, 2, T + 1};
  f.io.lengths = negative;
  FAILS(OCLSTM_E_LENGTHS, "row 1 is -1", oclstm_forward(f.plan, f.state, &f.io, &last_error));
  f.io.lengths = over;
  FAILS(OCLSTM_E_LENGTHS, "row 2 is 7", oclstm_forward(f.plan, f.state, &f.io, &last_error));
  assert_untouched(&f);
  close_fixture(&f);
}

static void bad_arguments(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  oclstm_io io = f.io;
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_forward(NULL, f.state, &io, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_forward(f.plan, NULL, &io, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_forward(f.plan, f.state, NULL, &last_error));
  io.struct_size -= 1;
  FAILS(OCLSTM_E_ARGUMENT, "bytes", oclstm_forward(f.plan, f.state, &io, &last_error));
  io = f.io;
  io.steps = T + 1;
  FAILS(OCLSTM_E_ARGUMENT, "7 steps, the plan takes 6", oclstm_forward(f.plan, f.state, &io, &last_error));
  io = f.io;
  io.x = NULL;
  FAILS(OCLSTM_E_ARGUMENT, "x is NULL", oclstm_forward(f.plan, f.state, &io, &last_error));
  io = f.io;
  io.layout = (oclstm_layout)2;
  FAILS(OCLSTM_E_ARGUMENT, "layout is 2", oclstm_forward(f.plan, f.state, &io, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_state_set(NULL, NULL, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_state_get(NULL, NULL, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_state_create(f.plan, NULL, &last_error));
  assert_untouched(&f);
  close_fixture(&f);
}

static void cells_from_a_plan_without(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  oclstm_plan *without = make_plan(device, f.model, B, T, false);
  FAILS(OCLSTM_E_ARGUMENT, "cells", oclstm_forward(without, f.state, &f.io, &last_error));
  assert_untouched(&f);
  oclstm_plan_destroy(&without);
  close_fixture(&f);
}

static void check_foreign(const fixture *f, oclstm_plan *plan) {
  oclstm_state *state = NULL;
  OK(oclstm_state_create(plan, &state, &last_error));
  FAILS(OCLSTM_E_STATE, "state of", oclstm_forward(f->plan, state, &f->io, &last_error));
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
}

static void state_of_something_else(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  oclstm_model *twin = make_network(&FORWARD[0], options.seed);
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *other = NULL;
  desc.device = "reference";
  OK(oclstm_context_create(&desc, &other, &last_error));
  check_foreign(&f, make_plan(device, f.model, B + 1, T, true));
  check_foreign(&f, make_plan(device, twin, B, T, true));
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *elsewhere = NULL;
  limits.rows = B;
  limits.tuning = OCLSTM_TUNING_NONE;
  OK(oclstm_plan_create(other, f.model, &limits, &elsewhere, &last_error));
  check_foreign(&f, elsewhere);
  assert_untouched(&f);
  oclstm_context_destroy(&other);
  oclstm_model_destroy(&twin);
  close_fixture(&f);
}

static void bad_plans(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = f.plan;
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_plan_create(device, NULL, &desc, &plan, &last_error));
  assert_null(plan);
  desc.strategy = (oclstm_strategy)17;
  FAILS(OCLSTM_E_ARGUMENT, "17", oclstm_plan_create(device, f.model, &desc, &plan, &last_error));
  desc = (oclstm_plan_desc)OCLSTM_PLAN_DESC_INIT;
  desc.tuning = (oclstm_tuning)17;
  FAILS(OCLSTM_E_ARGUMENT, "tuning is 17", oclstm_plan_create(device, f.model, &desc, &plan, &last_error));
  desc = (oclstm_plan_desc)OCLSTM_PLAN_DESC_INIT;
  desc.memory_bytes = 1; /* does not hold one step */
  FAILS(OCLSTM_E_DEVICE_MEMORY, "memory_bytes is 1",
        oclstm_plan_create(device, f.model, &desc, &plan, &last_error));
  assert_null(plan);
  close_fixture(&f);
}

/* ---- what a call leaves out ---- */

static void no_steps(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  f.io.steps = 0;
  OK(oclstm_forward(f.plan, f.state, &f.io, &last_error));
  f.io.x = NULL;
  OK(oclstm_forward(f.plan, f.state, &f.io, &last_error));
  assert_untouched(&f);
  close_fixture(&f);
}

static void no_outputs(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  test_result expected = run_job(device, &f.job, 0, 0);
  const test_tensor y = y_of(&f.job), cells = cells_of(&f.job);
  oclstm_plan *without = make_plan(device, f.model, B, T, false);
  oclstm_io io = f.io;
  io.y = NULL;
  io.cells = NULL;
  OK(oclstm_forward(f.plan, f.state, &io, &last_error));
  assert_state_is(&f, expected.hn, expected.cn);

  OK(oclstm_state_set(f.state, f.job.h0, f.job.c0, &last_error));
  io.cells = f.cells; /* cells alone */
  OK(oclstm_forward(f.plan, f.state, &io, &last_error));
  assert_same_bits(&cells, expected.cells, f.cells);
  assert_state_is(&f, expected.hn, expected.cn);

  OK(oclstm_state_set(f.state, f.job.h0, f.job.c0, &last_error));
  io.y = f.y; /* y alone, from a plan without cells */
  io.cells = NULL;
  OK(oclstm_forward(without, f.state, &io, &last_error));
  assert_same_bits(&y, expected.y, f.y);
  assert_state_is(&f, expected.hn, expected.cn);
  oclstm_plan_destroy(&without);
  free_result(&expected);
  close_fixture(&f);
}

static void new_state_is_zero(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  memset(f.job.h0, 0, B * oclstm_model_h_size(f.model) * sizeof *f.job.h0);
  memset(f.job.c0, 0, B * oclstm_model_c_size(f.model) * sizeof *f.job.c0);
  oclstm_state_destroy(&f.state);
  OK(oclstm_state_create(f.plan, &f.state, &last_error));
  assert_state_is(&f, f.job.h0, f.job.c0);
  close_fixture(&f);
}

/* A state serves every plan of its context, model and B, and outlives the plan that made it. */
static void state_outlives_its_plan(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  test_result expected = run_job(device, &f.job, 0, 0);
  const test_tensor y = y_of(&f.job);
  oclstm_plan_destroy(&f.plan);
  f.plan = make_plan(device, f.model, B, T + 10, true);
  OK(oclstm_forward(f.plan, f.state, &f.io, &last_error));
  assert_same_bits(&y, expected.y, f.y);
  assert_state_is(&f, expected.hn, expected.cn);
  free_result(&expected);
  close_fixture(&f);
}

static void plan_info_says_what_was_decided(void **unused) {
  (void)unused;
  fixture f = open_fixture();
  const oclstm_plan_info *info = oclstm_plan_get_info(f.plan);
  assert_int_equal(info->rows, B);
  assert_int_equal(info->steps, T);
  assert_true(info->host_bytes > 0);
  assert_true(info->strategy[0] != '\0' && info->gemm[0] != '\0' && info->reason[0] != '\0');
  if (options.strategy == OCLSTM_STRATEGY_STEPWISE) {
    assert_string_equal(info->strategy, "stepwise");
  }
  if (options.strategy == OCLSTM_STRATEGY_FUSED_STEP) {
    assert_string_equal(info->strategy, "fused-step");
  }
  if (options.gemm == OCLSTM_GEMM_PLAIN) {
    assert_string_equal(info->gemm, "plain");
  }
  close_fixture(&f);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_lengths),
      cmocka_unit_test(bad_arguments),
      cmocka_unit_test(cells_from_a_plan_without),
      cmocka_unit_test(state_of_something_else),
      cmocka_unit_test(bad_plans),
      cmocka_unit_test(no_steps),
      cmocka_unit_test(no_outputs),
      cmocka_unit_test(new_state_is_zero),
      cmocka_unit_test(state_outlives_its_plan),
      cmocka_unit_test(plan_info_says_what_was_decided),
  };
  read_options(argc, argv);
  return run_device_tests("forward.calls", tests, sizeof tests / sizeof tests[0]);
}
