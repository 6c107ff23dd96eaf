/* Strategy auto: what it measures, what it takes, and what it measures no second time. Timings are made up, by the hook of
 * opencl/device/cl.h, so that no clock decides.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/tuning/tuning.h"
#include "support.h"

/* ---- a clock that says what a test wants ---- */

typedef struct fake {
  char fastest[32]; /* strategy; "" for none */
  size_t groups;    /* that share its units */
  double others;    /* milliseconds a step of all others; the fastest takes 1 */
  size_t runs;
} fake;

static double fake_seconds(void *user, const oclstm__candidate *way, size_t steps, double measured) {
  fake *f = user;
  bool fastest = strcmp(way->strategy->name, f->fastest) == 0 && f->groups == way->groups;
  assert_true(measured > 0.0);
  ++f->runs;
  return steps == 0 ? 1e-9 : 1e-3 * (double)steps * (fastest ? 1.0 : f->others);
}

/* Compiled programs of all tests, and what they measure. */

static oclstm_context *open_faked(fake *f) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.cache_dir = cache_folder;
  OK(oclstm_context_create(&desc, &context, &last_error));
  oclstm__cl_of(context)->timer = (oclstm__timer){fake_seconds, f};
  return context;
}

enum { B = 8, T = 24 };

static oclstm_plan_desc auto_desc(oclstm_tuning tuning) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.rows = B;
  desc.steps = T;
  desc.tuning = tuning;
  desc.cells = 1;
  return desc;
}

static oclstm_plan *plan_of(oclstm_context *context, const oclstm_model *model,
                            const oclstm_plan_desc *desc) {
  oclstm_plan *plan = NULL;
  OK(oclstm_plan_create(context, model, desc, &plan, &last_error));
  return plan;
}

static oclstm_plan *auto_plan(oclstm_context *context, const oclstm_model *model, oclstm_tuning tuning) {
  const oclstm_plan_desc desc = auto_desc(tuning);
  return plan_of(context, model, &desc);
}

static const test_network NETWORK = {.layers = 1, .I = 3, .H = 20, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};

static const oclstm_plan_layer *layer_of(const oclstm_plan *plan) {
  const oclstm_plan_layer *layer = oclstm_plan_get_layer(plan, 0, 0);
  assert_non_null(layer);
  return layer;
}

static size_t count_verdicts(const oclstm_plan *plan, oclstm_verdict verdict) {
  size_t n = 0;
  for (size_t k = 0; k < layer_of(plan)->n_candidates; ++k) {
    const oclstm_plan_candidate *c = oclstm_plan_get_candidate(plan, 0, 0, k);
    n += c->verdict == verdict;
    assert_true((c->microseconds > 0.0) ==
                (c->verdict == OCLSTM_VERDICT_SLOWER ||
                 (c->verdict == OCLSTM_VERDICT_CHOSEN && oclstm_plan_get_info(plan)->measured > 0)));
    assert_true(c->why[0] != '\0');
  }
  assert_null(oclstm_plan_get_candidate(plan, 0, 0, layer_of(plan)->n_candidates));
  return n;
}

static void assert_memory_is_accounted_for(const oclstm_plan *plan) {
  uint64_t sum = 0;
  const oclstm_plan_memory *m = NULL;
  for (size_t k = 0; (m = oclstm_plan_get_memory(plan, k)) != NULL; ++k) {
    assert_true(m->bytes > 0 && m->purpose[0] != '\0');
    sum += m->bytes;
  }
  assert_true(sum > 0 && sum == oclstm_plan_get_info(plan)->device_bytes);
}

/* ---- tests ---- */

/* Each of those that are measured wins when the clock says so, and none of them changes a bit of the result. */
static void the_fastest_is_taken(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"", 0, 1.5, 0};
  oclstm_context *context = open_faked(&f);
  oclstm_plan *thumb = auto_plan(context, model, OCLSTM_TUNING_NONE);
  test_job job = make_job(model, T, B, options.seed);
  test_result first = run_plan(thumb, &job, 0);
  size_t tried = 0;
  for (size_t k = 0; k < layer_of(thumb)->n_candidates; ++k) {
    const oclstm_plan_candidate *c = oclstm_plan_get_candidate(thumb, 0, 0, k);
    strcpy(f.fastest, c->strategy);
    f.groups = c->groups;
    oclstm_plan *plan = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
    const oclstm_plan_layer *layer = layer_of(plan);
    bool measured = oclstm_plan_get_candidate(plan, 0, 0, k)->microseconds > 0.0;
    tried += measured;
    if (measured) {
      assert_string_equal(layer->strategy, c->strategy);
      assert_int_equal(layer->groups, c->groups);
      assert_true((layer->tile_rows > 0) == (strcmp(c->strategy, "stepwise") != 0));
      assert_true(layer->microseconds > 999.0 && layer->microseconds < 1001.0);
    }
    assert_int_equal(count_verdicts(plan, OCLSTM_VERDICT_CHOSEN), 1);
    assert_int_equal(count_verdicts(plan, OCLSTM_VERDICT_SLOWER), oclstm_plan_get_info(plan)->measured - 1);
    assert_string_equal(oclstm_plan_get_info(plan)->strategy, layer->strategy);
    assert_memory_is_accounted_for(plan);
    test_result again = run_plan(plan, &job, 0);
    assert_results_same_bits(&job, &first, &again);
    free_result(&again);
    oclstm_plan_destroy(&plan);
  }
  assert_true(tried >= 2 && tried <= OCLSTM__MOST_MEASURED);
  free_result(&first);
  free_job(&job);
  oclstm_plan_destroy(&thumb);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* What a plan takes on the device does not depend on what was tried beside it. */
static void losers_leave_nothing(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"fused-step", 0, 1.5, 0};
  oclstm_context *context = open_faked(&f);
  oclstm_plan *measured = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
  oclstm_plan *known = auto_plan(context, model, OCLSTM_TUNING_DEFAULT);
  oclstm_plan_desc desc = auto_desc(OCLSTM_TUNING_DEFAULT);
  desc.strategy = OCLSTM_STRATEGY_FUSED_STEP;
  oclstm_plan *named = plan_of(context, model, &desc);
  uint64_t bytes = oclstm_plan_get_info(named)->device_bytes;
  assert_int_equal(oclstm_plan_get_info(measured)->device_bytes, bytes);
  assert_int_equal(oclstm_plan_get_info(known)->device_bytes, bytes);
  oclstm_plan_destroy(&measured);
  oclstm_plan_destroy(&known);
  oclstm_plan_destroy(&named);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

static void what_is_known_is_not_measured(void **unused) {
  (void)unused;
  test_network other = NETWORK;
  other.I = 5;
  oclstm_model *model = make_network(&other, options.seed);
  fake f = {"fused-step", 0, 1.5, 0};
  oclstm_cache_info before_all, info;
  OK(oclstm_cache_examine(cache_folder, &before_all, &last_error));
  for (int k = 0; k < 3; ++k) { /* measured, known to the context, known to the folder */
    oclstm_context *context = open_faked(&f);
    size_t before = f.runs;
    oclstm_plan *plan = auto_plan(context, model, OCLSTM_TUNING_DEFAULT);
    assert_true((oclstm_plan_get_info(plan)->measured > 0) == (k == 0));
    assert_true((f.runs > before) == (k == 0));
    before = f.runs;
    oclstm_plan *second = auto_plan(context, model, OCLSTM_TUNING_DEFAULT);
    assert_string_equal(layer_of(second)->strategy, "fused-step");
    assert_string_equal(layer_of(second)->reason, "measured before");
    assert_true(layer_of(second)->microseconds > 999.0 && layer_of(second)->microseconds < 1001.0);
    assert_int_equal(f.runs, before);
    oclstm_plan_destroy(&plan);
    oclstm_plan_destroy(&second);
    oclstm_context_destroy(&context);
    strcpy(f.fastest, "rows"); /* nobody asks the clock again */
  }
  OK(oclstm_cache_examine(cache_folder, &info, &last_error));
  assert_int_equal(info.tuning_files, 1);
  assert_int_equal(info.answers, before_all.answers + 1);
  assert_true(info.programs > 0 && info.bytes > before_all.bytes);
  oclstm_model_destroy(&model);
}

/* Another number of rows, of steps or another precision is another question. */
static void other_plans_are_other_questions(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"rows", 0, 1.5, 0};
  oclstm_context *context = open_faked(&f);
  oclstm_plan_desc desc[] = {auto_desc(OCLSTM_TUNING_DEFAULT), auto_desc(OCLSTM_TUNING_DEFAULT),
                             auto_desc(OCLSTM_TUNING_DEFAULT), auto_desc(OCLSTM_TUNING_DEFAULT)};
  desc[1].rows = B - 1;
  desc[2].steps = 1;
  desc[3].precision = OCLSTM_PRECISION_F16;
  for (int round = 0; round < 2; ++round) {
    for (size_t k = 0; k < sizeof desc / sizeof desc[0]; ++k) {
      oclstm_plan *plan = plan_of(context, model, &desc[k]);
      assert_true(oclstm_plan_get_info(plan)->measured == 0 || round == 0);
      assert_true(oclstm_plan_get_info(plan)->measured > 0 || round == 1 || k == 0);
      oclstm_plan_destroy(&plan);
    }
  }
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* Pinned: by NONE, by a name, or by there being one way only. */
static void what_is_pinned_is_not_measured(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"fused-step", 0, 1.5, 0};
  oclstm_context *context = open_faked(&f);
  oclstm_plan *measured = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
  size_t before = f.runs;
  oclstm_plan *none = auto_plan(context, model, OCLSTM_TUNING_NONE);
  assert_string_equal(layer_of(measured)->strategy, "fused-step");
  assert_string_not_equal(layer_of(none)->strategy, "fused-step");
  assert_int_equal(count_verdicts(none, OCLSTM_VERDICT_SLOWER), 0);
  oclstm_plan_desc desc = auto_desc(OCLSTM_TUNING_AGAIN);
  desc.strategy = OCLSTM_STRATEGY_ROWS;
  oclstm_plan *named = plan_of(context, model, &desc);
  assert_string_equal(layer_of(named)->strategy, "rows");
  assert_int_equal(f.runs, before);
  oclstm_plan *again = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
  assert_true(f.runs > before && oclstm_plan_get_info(again)->measured > 0);
  oclstm_plan_destroy(&measured);
  oclstm_plan_destroy(&none);
  oclstm_plan_destroy(&named);
  oclstm_plan_destroy(&again);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* The rule of thumb's choice stays unless another one is clearly faster. */
static void small_differences_change_nothing(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"fused-step", 0, 1.02, 0};
  oclstm_context *context = open_faked(&f);
  oclstm_plan *none = auto_plan(context, model, OCLSTM_TUNING_NONE);
  oclstm_plan *near = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
  assert_string_not_equal(layer_of(none)->strategy, f.fastest);
  assert_string_equal(layer_of(near)->strategy, layer_of(none)->strategy);
  oclstm_plan_destroy(&none);
  oclstm_plan_destroy(&near);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* A strategy whose launches alone take longer than the steps of another one is not tried, and that is an answer too. */
static void launches_can_be_too_slow(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&NETWORK, options.seed);
  fake f = {"", 0, 1e-7, 0}; /* a tenth of a nanosecond a step */
  oclstm_context *context = open_faked(&f);
  oclstm_plan *plan = auto_plan(context, model, OCLSTM_TUNING_AGAIN);
  size_t found = 0;
  for (size_t k = 0; k < layer_of(plan)->n_candidates; ++k) {
    const oclstm_plan_candidate *c = oclstm_plan_get_candidate(plan, 0, 0, k);
    if (strcmp(c->strategy, "fused-step") == 0) {
      assert_int_equal(c->verdict, OCLSTM_VERDICT_NOT_TRIED);
      assert_non_null(strstr(c->why, "launches of a step alone"));
      ++found;
    }
  }
  assert_int_equal(found, 1);
  assert_true(oclstm_plan_get_info(plan)->measured > 0);
  oclstm_plan_destroy(&plan);
  size_t before = f.runs;
  plan = auto_plan(context, model, OCLSTM_TUNING_DEFAULT);
  assert_int_equal(f.runs, before);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* Of a device with more units there are more ways to share a layer: listed, likeliest first, and not tried here. */
static void grid_is_listed_by_groups(void **unused) {
  (void)unused;
  test_network wide = NETWORK;
  wide.H = 64;
  oclstm_model *model = make_network(&wide, options.seed);
  fake f = {"", 0, 1.0, 0};
  oclstm_context *context = open_faked(&f);
  context->device.compute_units = 8;
  atomic_store(&oclstm__cl_of(context)->coresident_groups, 8);
  oclstm_plan *none = auto_plan(context, model, OCLSTM_TUNING_NONE);
  size_t blocks = oclstm__unit_blocks(oclstm__cl_of(context), 64);
  size_t expected = blocks < 8 ? blocks : 8, n = 0;
  for (size_t k = 0; k < layer_of(none)->n_candidates; ++k) {
    const oclstm_plan_candidate *c = oclstm_plan_get_candidate(none, 0, 0, k);
    if (strcmp(c->strategy, "grid") == 0) {
      assert_int_equal(c->groups, expected);
      expected = (expected + 1) / 2;
      ++n;
    }
  }
  assert_true(n >= 1 && n <= OCLSTM__MAX_OF_STRATEGY);
  assert_true(blocks < 4 || n > 1);
  assert_int_equal(f.runs, 0);
  oclstm_plan_destroy(&none);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_fastest_is_taken),           cmocka_unit_test(losers_leave_nothing),
      cmocka_unit_test(what_is_known_is_not_measured),  cmocka_unit_test(other_plans_are_other_questions),
      cmocka_unit_test(what_is_pinned_is_not_measured), cmocka_unit_test(small_differences_change_nothing),
      cmocka_unit_test(grid_is_listed_by_groups),       cmocka_unit_test(launches_can_be_too_slow),
  };
  read_options(argc, argv);
  return cmocka_run_group_tests(tests, open_devices_and_cache, close_devices_and_cache);
}
