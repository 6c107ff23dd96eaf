/* Strategy grid where its barrier fails: what comes out is, bit for bit, what it gives where the barrier holds, whichever step
 * was reached, and the plan does without meetings from then on.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/plan.h"
#include "support.h"

enum { T = 23, B = 10 }; /* rows: a tile of six and one of four */

static const test_network WIDE = {.layers = 2, .I = 6, .H = 128, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
static const test_network BOTH = {
    .layers = 1, .I = 9, .H = 80, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_ONE, .scale = 1.0};

static test_job ragged_job(const oclstm_model *model) {
  static const int32_t LENGTHS[] = {T, 7, 0, T - 1, 12, 3, T, 9, 1, 15};
  test_job job = make_job(model, T, B, options.seed);
  set_lengths(&job, LENGTHS, B);
  return job;
}

/* Runs the job by a plan whose members wait `spins` looks long; whether one of them waited in vain. */
static bool runs_the_same(oclstm_plan *plan, const test_job *job, const test_result *expected, cl_int spins) {
  oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  p->spins = spins;
  p->alone = 0;
  test_result got = run_plan(plan, job, 0);
  assert_results_same_bits(job, expected, &got);
  free_result(&got);
  return p->alone > 0;
}

static void check_network(const test_network *network) {
  oclstm_model *model = make_network(network, options.seed);
  test_job job = ragged_job(model);
  oclstm_plan *plan = make_plan(device, model, B, T, true);
  assert_true(oclstm__cl_plan_of(plan)->runners[0].members > 1);
  test_result expected = run_plan(plan, &job, 0);
  assert_int_equal(oclstm__cl_plan_of(plan)->alone, 0);
  size_t stalled = 0;
  for (cl_int spins = 0; spins < 1 << 14; spins = spins * 2 + 1) {
    stalled += runs_the_same(plan, &job, &expected, spins);
  }
  assert_true(stalled > 0);
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void waits_in_vain(void **unused) {
  (void)unused;
  check_network(&WIDE);
  check_network(&BOTH);
}

/* More groups than the device runs at once: the first ones wait for others that begin when they are gone. */
static void more_groups_than_run(void **unused) {
  (void)unused;
  oclstm__cl *cl = oclstm__cl_of(device);
  const unsigned resident = atomic_load(&cl->coresident_groups);
  oclstm_model *model = make_network(&WIDE, options.seed);
  test_job job = ragged_job(model);
  test_result expected = run_job(device, &job, 0, 0);
  atomic_store(&cl->coresident_groups, 4 * cl->base.device.compute_units);
  oclstm_plan *plan = make_plan(device, model, B, T, true);
  atomic_store(&cl->coresident_groups, resident);
  assert_true(oclstm__cl_plan_of(plan)->runners[0].members > cl->base.device.compute_units);
  assert_true(runs_the_same(plan, &job, &expected, 1 << 12));
  test_result alone = run_plan(plan, &job, 0); /* without meetings */
  assert_results_same_bits(&job, &expected, &alone);
  free_result(&alone);
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* The device is asked once, and what it answers is at most its compute units. */
static void coresidency_is_asked(void **unused) {
  size_t groups = 0;
  oclstm__cl *cl = oclstm__cl_of(device);
  (void)unused;
  OK(oclstm__coresident_groups(cl, &groups, &last_error));
  assert_true(groups > 1 && groups <= cl->base.device.compute_units);
  assert_int_equal(atomic_load(&cl->coresident_groups), groups);
}

typedef struct asker {
  pthread_t thread;
  oclstm__cl *cl;
  size_t groups;
  oclstm_status status;
} asker;

static void *ask(void *user) {
  asker *a = user;
  a->status = oclstm__coresident_groups(a->cl, &a->groups, NULL);
  return NULL;
}

/* One of them asks, in three launches at most, and all have its answer. */
static void threads_ask_at_once(void **unused) {
  enum { THREADS = 8, TRIES = 3 };
  asker askers[THREADS];
  oclstm_context *context = NULL;
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  (void)unused;
  desc.device = options.device;
  OK(oclstm_context_create(&desc, &context, &last_error));
  for (int k = 0; k < THREADS; ++k) {
    askers[k] = (asker){.cl = oclstm__cl_of(context)};
    assert_int_equal(pthread_create(&askers[k].thread, NULL, ask, &askers[k]), 0);
  }
  for (int k = 0; k < THREADS; ++k) {
    assert_int_equal(pthread_join(askers[k].thread, NULL), 0);
  }
  OK(oclstm_context_counters(context, &counters, &last_error));
  for (int k = 0; k < THREADS; ++k) {
    assert_int_equal(askers[k].status, OCLSTM_OK);
    assert_int_equal(askers[k].groups, askers[0].groups);
  }
  assert_true(counters.launches > 0 && counters.launches <= TRIES);
  oclstm_context_destroy(&context);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(coresidency_is_asked), cmocka_unit_test(waits_in_vain),
                                     cmocka_unit_test(more_groups_than_run),
                                     cmocka_unit_test(threads_ask_at_once)};
  read_options(argc, argv);
  return run_device_tests("opencl.meetings", tests, sizeof tests / sizeof tests[0]);
}
