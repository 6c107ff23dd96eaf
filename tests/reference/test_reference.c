/* The reference engine: double precision throughout, memory taken at plan time only, every failed allocation survived.
 * SPDX-License-Identifier: MIT */
#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* ---- double precision ---- */

/* A cell that only forgets: i = 0, o = 1, f = sigmoid(forget). Biases in the given type. */
static oclstm_model *make_keeper(oclstm_dtype dtype, double forget) {
  const double zeros[4] = {0.0};
  const double bias[4] = {-800.0, forget, 0.0, 800.0};
  const float bias_f32[4] = {-800.0F, (float)forget, 0.0F, 800.0F};
  const oclstm_layer layer = {.input_size = 1, .hidden_size = 1, .bias = OCLSTM_BIAS_ONE};
  const oclstm_weights weights[2] = {{
      .W_ih = {zeros, OCLSTM_F64},
      .W_hh = {zeros, OCLSTM_F64},
      .b_ih = {dtype == OCLSTM_F64 ? (const void *)bias : (const void *)bias_f32, dtype},
  }};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  desc.n_layers = 1;
  desc.layers = &layer;
  desc.weights = weights;
  OK(oclstm_model_create(&desc, &model, &last_error));
  return model;
}

/* c after T steps from c = 1, in calls of `piece` steps. */
static double keep(const oclstm_model *model, size_t T, size_t piece) {
  const float x[16] = {0.0F};
  const float c0 = 1.0F;
  oclstm_plan *plan = make_plan(reference, model, 1, piece, false);
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  assert_true(piece <= 16 && T % piece == 0);
  OK(oclstm_state_create(plan, &state, &last_error));
  OK(oclstm_state_set(state, NULL, &c0, &last_error));
  io.steps = piece;
  io.x = x;
  for (size_t t = 0; t < T; t += piece) {
    OK(oclstm_forward(plan, state, &io, &last_error));
  }
  double c = ((const oclstm__reference_state *)state)->c[0];
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  return c;
}

/* With f = sigmoid(20) = 1 - 2.1e-9, float32 would keep c = 1 for ever; in double it is f^T, call after call. */
static void state_is_double_between_calls(void **unused) {
  (void)unused;
  oclstm_model *model = make_keeper(OCLSTM_F32, 20.0);
  const double f = 1.0 / (1.0 + exp(-20.0));
  assert_true(fabs(keep(model, 1600, 1) - pow(f, 1600.0)) < 1e-13);
  assert_true(keep(model, 1600, 16) == keep(model, 1600, 1));
  oclstm_model_destroy(&model);
}

/* 1 + 2^-40 is 1 in float32. */
static void double_weights_stay_double(void **unused) {
  (void)unused;
  const double forget = 1.0 + 0x1p-40;
  oclstm_model *model = make_keeper(OCLSTM_F64, forget);
  const double expected = 1.0 / (1.0 + exp(-forget)), rounded = 1.0 / (1.0 + exp(-1.0));
  const double c = keep(model, 1, 1);
  assert_true(fabs(c - expected) < 1e-15);
  assert_true(fabs(c - rounded) > 1e-13);
  oclstm_model_destroy(&model);
}

/* ---- what it says of itself ---- */

static void device_is_described(void **unused) {
  (void)unused;
  const oclstm_device_info *info = oclstm_context_device(reference);
  assert_string_equal(info->id, "reference");
  assert_int_equal(info->type, OCLSTM_DEVICE_REFERENCE);
  assert_true(info->usable);
  assert_string_equal(info->why_not, "");
  assert_string_equal(oclstm_context_build_log(reference), "");
}

static void ways_of_devices_are_refused(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], 1);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.strategy = OCLSTM_STRATEGY_STEPWISE;
  FAILS(OCLSTM_E_UNSUPPORTED, "strategy", oclstm_supports(reference, model, &desc, &last_error));
  desc.strategy = OCLSTM_STRATEGY_AUTO;
  desc.gemm = OCLSTM_GEMM_CLBLAST;
  FAILS(OCLSTM_E_UNSUPPORTED, "gemm", oclstm_supports(reference, model, &desc, &last_error));
  desc.gemm = OCLSTM_GEMM_AUTO;
  OK(oclstm_supports(reference, model, &desc, &last_error));
  oclstm_model_destroy(&model);
}

static size_t planned_steps(const oclstm_model *model, size_t rows, size_t steps, uint64_t memory_bytes) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  desc.rows = rows;
  desc.steps = steps;
  desc.memory_bytes = memory_bytes;
  OK(oclstm_plan_create(reference, model, &desc, &plan, &last_error));
  const oclstm_plan_info *info = oclstm_plan_get_info(plan);
  assert_string_equal(info->strategy, "reference");
  assert_string_equal(info->gemm, "reference");
  assert_int_equal(info->device_bytes, 0);
  size_t decided = info->steps;
  oclstm_plan_destroy(&plan);
  return decided;
}

/* Two sequences of 7 doubles lie between the layers of this network: 112 bytes a step and row. */
static void steps_fit_the_memory(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], 1);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  assert_int_equal(planned_steps(model, 1, 0, 0), 4096);
  assert_int_equal(planned_steps(model, 1, 9, 0), 9);
  assert_int_equal(planned_steps(model, 3, 0, 10 * 3 * 112), 10);
  assert_int_equal(planned_steps(model, 3, 0, 11 * 3 * 112 - 1), 10);
  assert_int_equal(planned_steps(model, 3, 10, 10 * 3 * 112), 10);
  desc.rows = 3;
  desc.steps = 11;
  desc.memory_bytes = 10 * 3 * 112;
  FAILS(OCLSTM_E_DEVICE_MEMORY, "11 steps", oclstm_plan_create(reference, model, &desc, &plan, &last_error));
  desc = (oclstm_plan_desc)OCLSTM_PLAN_DESC_INIT;
  desc.rows = SIZE_MAX / 8;
  FAILS(OCLSTM_E_LIMIT, "rows", oclstm_plan_create(reference, model, &desc, &plan, &last_error));
  desc.rows = 1;
  desc.steps = SIZE_MAX / 8;
  FAILS(OCLSTM_E_LIMIT, "steps", oclstm_plan_create(reference, model, &desc, &plan, &last_error));
  oclstm_model_destroy(&model);
}

/* ---- memory ---- */

/* Counts, and refuses allocation number `refuse` (from 1; 0: none). */
typedef struct counter {
  size_t allocations, living, refuse;
} counter;

static void *count_alloc(void *user, size_t bytes) {
  counter *c = user;
  ++c->allocations;
  if (c->allocations == c->refuse) {
    return NULL;
  }
  ++c->living;
  return malloc(bytes);
}

static void count_free(void *user, void *pointer) {
  --((counter *)user)->living;
  free(pointer);
}

/* Context, plan, state and one run under the counter. Returns the first status that is not OK. */
static oclstm_status walk_through(counter *c, const test_job *job, size_t *during_run) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  desc.device = "reference";
  desc.allocator = (oclstm_allocator){count_alloc, count_free, c};
  limits.rows = job->B;
  limits.steps = job->T;
  io.steps = job->T;
  io.x = job->x;
  oclstm_status status = oclstm_context_create(&desc, &context, &last_error);
  if (status == OCLSTM_OK) {
    status = oclstm_plan_create(context, job->model, &limits, &plan, &last_error);
  }
  if (status == OCLSTM_OK) {
    status = oclstm_state_create(plan, &state, &last_error);
  }
  if (status == OCLSTM_OK) {
    size_t before = c->allocations;
    status = oclstm_forward(plan, state, &io, &last_error);
    *during_run = c->allocations - before;
  }
  assert_true(status == OCLSTM_OK || state == NULL);
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return status;
}

static void check_allocations(oclstm_model *model) {
  test_job job = make_job(model, 3, 2, 1);
  counter all = {0, 0, 0};
  size_t during_run = 0;
  OK(walk_through(&all, &job, &during_run));
  assert_int_equal(all.living, 0);
  assert_int_equal(during_run, 0); /* a run allocates nothing */
  assert_true(all.allocations >= 10);
  for (size_t k = 1; k <= all.allocations; ++k) {
    counter c = {0, 0, k};
    FAILS(OCLSTM_E_MEMORY, "", walk_through(&c, &job, &during_run));
    assert_int_equal(c.living, 0);
  }
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void every_allocation_may_fail(void **unused) {
  (void)unused;
  const oclstm_layer full = {.kind = OCLSTM_LSTM,
                             .input_size = 3,
                             .hidden_size = 4,
                             .projection_size = 2,
                             .bias = OCLSTM_BIAS_TWO,
                             .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
                             .layer_norm = OCLSTM_NORM_HASTE};
  const oclstm_layer gru = {.kind = OCLSTM_GRU, .input_size = 3, .hidden_size = 4};
  check_allocations(make_network(&BIDIRECTIONAL[0], 1));
  check_allocations(make_layers(&full, 1, 2, 0, 1));
  check_allocations(make_layers(&gru, 1, 0, 0, 1));
}

static void half_an_allocator_is_refused(void **unused) {
  (void)unused;
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = "reference";
  desc.allocator.alloc = count_alloc;
  FAILS(OCLSTM_E_ARGUMENT, "allocator", oclstm_context_create(&desc, &context, &last_error));
  assert_null(context);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(state_is_double_between_calls), cmocka_unit_test(double_weights_stay_double),
      cmocka_unit_test(device_is_described),           cmocka_unit_test(ways_of_devices_are_refused),
      cmocka_unit_test(steps_fit_the_memory),          cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(half_an_allocator_is_refused),

  };
  read_options(argc, argv);
  return run_device_tests("reference.reference", tests, sizeof tests / sizeof tests[0]);
}
