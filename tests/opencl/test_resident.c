/* Strategy grid where a work-item is a lane, W_hh in registers: what is divided how, meetings that fail, launches one behind
 * another, and devices that do not run its groups at the same time. With --lanes; what it computes, tests/forward sees.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"
#include "support.h"

enum { T = 23, B = 10 };

/* Of one width, which one group cannot hold: programs take a second to compile, and are the same for all. */
static const test_network WIDE = {.layers = 1, .I = 6, .H = 96, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
static const test_network BOTH = {
    .layers = 1, .I = 9, .H = 96, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_ONE, .scale = 1.0};
static const test_network SMALL = {.layers = 1, .I = 3, .H = 20, .bias = OCLSTM_BIAS_ONE, .scale = 1.0};

static oclstm__cl_plan *inside(const oclstm_plan *plan) {
  return oclstm__cl_plan_of(plan);
}

static test_job ragged_job(const oclstm_model *model, size_t n) {
  const int32_t lengths[] = {(int32_t)n, 7, 0, (int32_t)n - 1, 12, 3, (int32_t)n, 9, 1, 15};
  test_job job = make_job(model, n, B, options.seed);
  set_lengths(&job, lengths, B);
  return job;
}

/* ---- what is computed, whatever becomes of meetings ---- */

/* Steps that chunk.cl has gone on with add in another order: results are close, not the same bits. */
static bool runs_close(oclstm_plan *plan, const test_job *job, const test_result *expected, cl_int spins) {
  inside(plan)->spins = spins;
  inside(plan)->alone = 0;
  test_result got = run_plan(plan, job, 0);
  assert_results_close(job, expected, &got, FLOAT32);
  free_result(&got);
  return inside(plan)->alone > 0;
}

/* Returns how many of the runs were called off. */
static size_t check_network(const test_network *network, size_t n, cl_int most_spins) {
  oclstm_model *model = make_network(network, options.seed);
  test_job job = ragged_job(model, n);
  test_result expected = run_job(reference, &job, 0, 0);
  oclstm_plan *plan = make_plan(device, model, B, n, true);
  assert_non_null(inside(plan)->runners[0].resident.kernel);
  assert_true(inside(plan)->runners[0].members > 1);
  assert_false(runs_close(plan, &job, &expected, OCLSTM__SPINS));
  size_t stalled = 0;
  for (cl_int spins = 0; spins < most_spins; spins = spins * 4 + 1) {
    stalled += runs_close(plan, &job, &expected, spins);
    inside(plan)->alone = 1;
    test_result alone = run_plan(plan, &job, 0);
    assert_results_close(&job, &expected, &alone, FLOAT32);
    free_result(&alone);
  }
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
  return stalled;
}

static void waits_in_vain(void **unused) {
  (void)unused;
  assert_true(check_network(&BOTH, T, 1 << 12) > 0);
}

/* Three launches: what the first has not met for, the others leave to chunk.cl. */
static void launches_follow_each_other(void **unused) {
  (void)unused;
  assert_true(check_network(&WIDE, 1030, 1 << 8) > 0);
  assert_int_equal(oclstm__resident_launches(512), 1);
  assert_int_equal(oclstm__resident_launches(1030), 3);
}

/* More groups than the device runs at once: the rehearsal says so, and chunk.cl runs the layer. */
static void groups_that_take_turns(void **unused) {
  (void)unused;
  oclstm__cl *cl = oclstm__cl_of(device);
  size_t groups = 0;
  OK(oclstm__coresident_groups(cl, &groups, &last_error));
  oclstm_model *model = make_network(&WIDE, options.seed);
  test_job job = ragged_job(model, T);
  test_result expected = run_job(reference, &job, 0, 0);
  atomic_store(&cl->coresident_groups, 4 * cl->base.device.compute_units);
  oclstm_plan *plan = make_plan(device, model, B, T, true);
  atomic_store(&cl->coresident_groups, (unsigned)groups);
  assert_null(inside(plan)->runners[0].resident.kernel);
  assert_null(inside(plan)->runners[0].resident.W);
  (void)runs_close(plan, &job, &expected, 1 << 12);
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* ---- one group ---- */

/* A layer that one group holds meets nobody: one launch, whatever the device runs at the same time. */
static void one_group_meets_nobody(void **unused) {
  (void)unused;
  oclstm__cl *cl = oclstm__cl_of(device);
  const unsigned known = atomic_load(&cl->coresident_groups);
  oclstm_model *model = make_network(&SMALL, options.seed);
  test_job job = ragged_job(model, options.small ? 3 : T);
  test_result expected = run_job(reference, &job, 0, 0);
  atomic_store(&cl->coresident_groups, 1);
  oclstm_plan *plan = make_plan(device, model, B, job.T, true);
  const oclstm_plan_layer *said = oclstm_plan_get_layer(plan, 0, 0);
  assert_int_equal(inside(plan)->runners[0].members, 1);
  assert_non_null(inside(plan)->runners[0].resident.kernel);
  assert_null(inside(plan)->runners[0].stages[0].W);
  assert_int_equal(said->launches, 2); /* with the input projection */
  assert_int_equal(said->groups, 1);
  assert_non_null(strstr(said->reason, "W_hh in registers: 32 units a group, 1 slice of rows"));
  test_result got = run_plan(plan, &job, 0);
  assert_results_close(&job, &expected, &got, FLOAT32);
  atomic_store(&cl->coresident_groups, known);
  free_result(&got);
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* ---- 16 bits ---- */

static void check_storage(oclstm_precision precision, oclstm_gemm gemm, double rel_l2) {
  oclstm_model *model = make_network(&SMALL, options.seed);
  test_job job = ragged_job(model, 16);
  test_result expected = run_job(reference, &job, 0, 0);
  oclstm_plan_desc desc = plan_desc(device, model, B, 16, true);
  oclstm_plan *plan = NULL;
  desc.precision = precision;
  desc.gemm = gemm;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  assert_non_null(inside(plan)->runners[0].resident.kernel);
  assert_int_equal(inside(plan)->runners[0].resident.mma, gemm == OCLSTM_GEMM_MMA);
  test_result got = run_plan(plan, &job, 0);
  assert_results_close(&job, &expected, &got, (tolerance){rel_l2, 4.0 * rel_l2});
  free_result(&got);
  free_result(&expected);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* Off by some roundings of weights, x and h. */
static void sixteen_bits(void **unused) {
  (void)unused;
  check_storage(OCLSTM_PRECISION_F16, OCLSTM_GEMM_MMA, 1e-3);
  check_storage(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_MMA, 8e-3);
  check_storage(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_PLAIN, 8e-3);
}

/* ---- how layers are divided: an H200 has 132 units ---- */

typedef struct division {
  bool mma;
  size_t H, rows, members; /* wanted */
  bool fits, ahead;
  size_t units, of, slices, chunks, warps, depth;
} division;

static void layers_are_divided(void **unused) {
  (void)unused;
  static const division DIVISIONS[] = {
      {true, 256, 16, 132, true, true, 4, 64, 1, 1, 8, 32},
      {true, 512, 64, 33, true, true, 16, 32, 4, 1, 8, 64},
      {true, 1024, 32, 132, true, true, 8, 128, 1, 2, 8, 128},
      {true, 1024, 64, 66, true, true, 16, 64, 2, 2, 8, 128},
      {true, 1536, 32, 132, true, false, 12, 128, 1, 2, 8, 192},
      {.mma = true, .H = 2048, .rows = 32, .members = 132},
      {true, 64, 64, 1, true, false, 64, 1, 4, 1, 2, 32},
      {true, 16, 1, 1, true, true, 16, 1, 1, 1, 1, 32},
      {false, 1024, 32, 132, true, false, 8, 128, 1, 4, 8, 128},
      {false, 512, 8, 132, true, true, 4, 128, 1, 1, 8, 64},
      {false, 64, 8, 1, true, true, 64, 1, 2, 1, 8, 8},
      {.mma = false, .H = 1536, .rows = 8, .members = 132},
  };
  for (size_t k = 0; k < sizeof DIVISIONS / sizeof DIVISIONS[0]; ++k) {
    const division *d = &DIVISIONS[k];
    const oclstm_layer layer = {.kind = OCLSTM_LSTM, .input_size = 8, .hidden_size = d->H};
    oclstm__resident s;
    bool fits = oclstm__resident_shape(oclstm__cl_of(device), &layer, d->mma, d->rows, 132, d->members, &s);
    const size_t got[] = {fits, s.ahead && fits, s.units, s.members, s.slices, s.chunks, s.warps, s.depth};
    const size_t expected[] = {d->fits, d->ahead, d->units, d->of, d->slices, d->chunks, d->warps, d->depth};
    for (size_t n = 0; n < (d->fits ? sizeof got / sizeof got[0] : 1); ++n) {
      if (got[n] != expected[n]) {
        fail_msg("H %zu, %zu rows, %s: number %zu is %zu, not %zu", d->H, d->rows, d->mma ? "mma" : "fma", n,
                 got[n], expected[n]);
      }
    }
  }
}

static void other_cells_are_left_to_chunk(void **unused) {
  (void)unused;
  oclstm__resident s;
  oclstm_layer layer = {.kind = OCLSTM_LSTM, .input_size = 8, .hidden_size = 32, .projection_size = 16};
  assert_false(oclstm__resident_shape(oclstm__cl_of(device), &layer, false, 8, 132, 1, &s));
  layer = (oclstm_layer){.kind = OCLSTM_GRU, .input_size = 8, .hidden_size = 32};
  assert_false(oclstm__resident_shape(oclstm__cl_of(device), &layer, false, 8, 132, 1, &s));
  layer.linear_before_reset = 1;
  assert_true(oclstm__resident_shape(oclstm__cl_of(device), &layer, false, 8, 132, 1, &s));
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(waits_in_vain),
                                     cmocka_unit_test(launches_follow_each_other),
                                     cmocka_unit_test(groups_that_take_turns),
                                     cmocka_unit_test(one_group_meets_nobody),
                                     cmocka_unit_test(sixteen_bits),
                                     cmocka_unit_test(layers_are_divided),
                                     cmocka_unit_test(other_cells_are_left_to_chunk)};
  read_options(argc, argv);
  return run_device_tests("opencl.resident", tests, sizeof tests / sizeof tests[0]);
}
