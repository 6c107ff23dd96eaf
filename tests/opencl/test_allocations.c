/* A run allocates nothing: the caller's hooks see not one call in a thousand runs.
 * (tests/layers/quiet_runs.c counts OpenCL's objects; tests/style holds that all memory comes through the hooks.)
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "support.h"

enum { RUNS = 1000, T = 2, B = 3 };

static size_t calls, living;

static void *counted_alloc(void *user, size_t bytes) {
  (void)user;
  ++calls;
  ++living;
  return malloc(bytes);
}

static void counted_free(void *user, void *pointer) {
  (void)user;
  ++calls;
  --living;
  free(pointer);
}

static oclstm_context *open_counted(void) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.allocator = (oclstm_allocator){counted_alloc, counted_free, NULL};
  OK(oclstm_context_create(&desc, &context, &last_error));
  return context;
}

static void a_thousand_runs_allocate_nothing(void **unused) {
  static const int32_t LENGTHS[B] = {1, 0, T};
  (void)unused;
  oclstm_model *model = make_network(&BIDIRECTIONAL[0], options.seed);
  test_job job = make_job(model, T, B, options.seed);
  float *y = calloc(T * B * oclstm_model_output_size(model), sizeof *y);
  assert_non_null(y);
  oclstm_context *context = open_counted();
  oclstm_plan *plan = make_plan(context, model, B, T, false);
  oclstm_state *state = NULL;
  OK(oclstm_state_create(plan, &state, &last_error));
  assert_true(calls > 0 && living > 0); /* the hooks are in use */
  size_t before = calls;
  for (int run = 0; run < RUNS; ++run) {
    oclstm_io io = OCLSTM_IO_INIT;
    io.steps = T;
    io.layout = run % 2 == 0 ? OCLSTM_TIME_MAJOR : OCLSTM_BATCH_MAJOR;
    io.lengths = run % 3 == 0 ? LENGTHS : NULL;
    io.x = job.x;
    io.y = y;
    OK(oclstm_forward(plan, state, &io, &last_error));
  }
  assert_int_equal(calls, before);
  OK(oclstm_state_set(state, job.h0, job.c0, &last_error));
  OK(oclstm_state_get(state, job.h0, job.c0, &last_error));
  assert_int_equal(calls, before);
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  assert_int_equal(living, 0);
  free(y);
  free_job(&job);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_thousand_runs_allocate_nothing)};
  read_options(argc, argv);
  return run_device_tests("opencl.allocations", tests, 1);
}
