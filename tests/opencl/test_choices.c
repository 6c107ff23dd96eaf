/* Strategy auto decides for each direction of each layer, and says why.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/tuning/tuning.h"
#include "support.h"

static size_t runs;

/* Everything takes as long as everything else. */
static double equal(void *user, const oclstm__candidate *way, size_t steps, double measured) {
  (void)user;
  (void)way;
  (void)measured;
  ++runs;
  return 1e-3 * (double)steps;
}

/* Whether work-groups run at the same time is asked of the machine as it is now, and a loaded one may say no: here they do. */
static void take_for_resident(oclstm_context *context) {
  atomic_store(&oclstm__cl_of(context)->coresident_groups, context->device.compute_units);
}

static oclstm_layer lstm(size_t I, size_t H) {
  return (oclstm_layer){.kind = OCLSTM_LSTM, .input_size = I, .hidden_size = H, .bias = OCLSTM_BIAS_ONE};
}

static oclstm_plan *plan_of(const oclstm_model *model, oclstm_strategy strategy, oclstm_tuning tuning,
                            uint64_t memory) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  take_for_resident(device);
  desc.rows = 4;
  desc.steps = 6;
  desc.strategy = strategy;
  desc.tuning = tuning;
  desc.memory_bytes = memory;
  desc.cells = tuning == OCLSTM_TUNING_NONE; /* with them, the last layer's kernels are others */
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  return plan;
}

static const oclstm_plan_candidate *find(const oclstm_plan *plan, size_t layer, const char *strategy) {
  const oclstm_plan_candidate *c = NULL;
  size_t k = 0;
  while ((c = oclstm_plan_get_candidate(plan, layer, 0, k)) != NULL && strcmp(c->strategy, strategy) != 0) {
    ++k;
  }
  assert_non_null(c);
  return c;
}

/* A layer norm, a projection and a plain cell in one network: what one layer refuses is open to the others. */
static void each_layer_has_its_own(void **unused) {
  (void)unused;
  oclstm_layer layers[] = {lstm(3, 8), lstm(8, 8), lstm(8, 200)};
  layers[0].layer_norm = OCLSTM_NORM_TFLITE;
  layers[1].projection_size = 5;
  layers[2].input_size = 5;
  oclstm_model *model = make_layers(layers, 3, 2, 0, options.seed);
  oclstm_plan *automatic = plan_of(model, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_NONE, 0);
  oclstm_plan *stepwise = plan_of(model, OCLSTM_STRATEGY_STEPWISE, OCLSTM_TUNING_NONE, 0);
  static const char *const EXPECTED[] = {"stepwise", "rows", "grid"};
  static const size_t LAUNCHES[] = {2 * 6 + 1, 1, 2}; /* rows and grid project their input themselves */
  for (size_t l = 0; l < 3; ++l) {
    const oclstm_plan_layer *layer = oclstm_plan_get_layer(automatic, l, 0);
    assert_string_equal(layer->strategy, EXPECTED[l]);
    assert_int_equal(layer->launches, LAUNCHES[l]);
    assert_true((layer->tile_rows > 0) == (l > 0));
    assert_null(oclstm_plan_get_layer(automatic, l, 1));
  }
  assert_null(oclstm_plan_get_layer(automatic, 3, 0));
  assert_string_equal(oclstm_plan_get_info(automatic)->strategy, "rows+grid+stepwise");
  assert_int_equal(find(automatic, 0, "rows")->verdict, OCLSTM_VERDICT_REFUSED);
  assert_non_null(strstr(find(automatic, 0, "rows")->why, "layer_norm"));
  assert_int_equal(find(automatic, 1, "stepwise")->verdict, OCLSTM_VERDICT_NOT_TRIED);
  test_job job = make_job(model, 6, 4, options.seed);
  test_result a = run_plan(automatic, &job, 0);
  test_result b = run_plan(stepwise, &job, 0);
  assert_results_close(&job, &b, &a, FLOAT32);
  free_result(&a);
  free_result(&b);
  free_job(&job);
  oclstm_plan_destroy(&automatic);
  oclstm_plan_destroy(&stepwise);
  oclstm_model_destroy(&model);
}

/* Layers and directions of one kind and shape share an answer, even when all is measured anew. */
static void equal_layers_are_measured_once(void **unused) {
  (void)unused;
  oclstm_layer layers[] = {lstm(12, 6), lstm(12, 6)};
  layers[0].direction = layers[1].direction = OCLSTM_BIDIRECTIONAL;
  oclstm_model *model = make_layers(layers, 2, 0, 0, options.seed);
  oclstm__cl_of(device)->timer.seconds = equal;
  oclstm_plan *first = plan_of(model, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_AGAIN, 0);
  size_t before = runs;
  oclstm_plan *second = plan_of(model, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_AGAIN, 0);
  const size_t measured = oclstm_plan_get_info(first)->measured;
  assert_true(measured >= 2 && measured <= OCLSTM__MOST_MEASURED);
  assert_int_equal(oclstm_plan_get_info(second)->measured, measured);
  assert_true(before > 0 && runs == 2 * before);
  for (size_t l = 0; l < 2; ++l) {
    for (size_t d = 0; d < 2; ++d) {
      assert_string_equal(oclstm_plan_get_layer(second, l, d)->reason, "measured now");
    }
  }
  oclstm__cl_of(device)->timer.seconds = NULL;
  oclstm_plan_destroy(&first);
  oclstm_plan_destroy(&second);
  oclstm_model_destroy(&model);
}

/* What the compiler sees of a cell is part of the question. */
static void other_cells_are_other_questions(void **unused) {
  (void)unused;
  oclstm_layer layers[] = {lstm(6, 6), lstm(6, 6)};
  oclstm_model *alike = make_layers(layers, 2, 0, 0, options.seed);
  layers[1].peephole = OCLSTM_PEEPHOLE_DIAGONAL;
  oclstm_model *different = make_layers(layers, 2, 0, 0, options.seed);
  oclstm__cl_of(device)->timer.seconds = equal;
  oclstm_plan *one = plan_of(alike, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_AGAIN, 0);
  oclstm_plan *two = plan_of(different, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_AGAIN, 0);
  assert_int_equal(oclstm_plan_get_info(two)->measured, 2 * oclstm_plan_get_info(one)->measured);
  oclstm__cl_of(device)->timer.seconds = NULL;
  oclstm_plan_destroy(&one);
  oclstm_plan_destroy(&two);
  oclstm_model_destroy(&alike);
  oclstm_model_destroy(&different);
}

typedef struct made {
  oclstm_model *model;
  oclstm_plan *plan;
} made;

static made plan_on(oclstm_device_type type, size_t rows, size_t H, oclstm_tuning tuning, oclstm_gemm gemm) {
  oclstm_layer layer = lstm(2, H);
  made m = {make_layers(&layer, 1, 0, 0, options.seed), NULL};
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_device_type real = device->device.type;
  take_for_resident(device);
  desc.rows = rows;
  desc.steps = 2;
  desc.tuning = tuning;
  desc.gemm = gemm;
  device->device.type = type;
  OK(oclstm_plan_create(device, m.model, &desc, &m.plan, &last_error));
  device->device.type = real;
  return m;
}

static void drop(made *m) {
  oclstm_plan_destroy(&m->plan);
  oclstm_model_destroy(&m->model);
}

static void the_rule_of_thumb(void **unused) {
  (void)unused;
  static const struct {
    oclstm_device_type type;
    size_t rows, H;
    const char *strategy;
  } CASES[] = {
      {OCLSTM_DEVICE_CPU, 1, 64, "rows"},      {OCLSTM_DEVICE_CPU, 3, 65, "grid"},
      {OCLSTM_DEVICE_CPU, 40, 128, "grid"},    {OCLSTM_DEVICE_GPU, 16, 20, "fused-step"},
      {OCLSTM_DEVICE_GPU, 17, 20, "stepwise"},
  };
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    made m = plan_on(CASES[k].type, CASES[k].rows, CASES[k].H, OCLSTM_TUNING_NONE, OCLSTM_GEMM_PLAIN);
    print_message("case %zu: %s\n", k, oclstm_plan_get_info(m.plan)->reason);
    assert_string_equal(oclstm_plan_get_layer(m.plan, 0, 0)->strategy, CASES[k].strategy);
    drop(&m);
  }
}

/* CLBlast's results differ from our own product's in the last bits: no clock may choose between them, but on a GPU, where
 * its product is what the others have to beat. */
static void clblast_is_drawn_on_gpus_alone(void **unused) {
  (void)unused;
  oclstm__cl_of(device)->timer.seconds = equal;
  made cpu = plan_on(OCLSTM_DEVICE_CPU, 1, 20, OCLSTM_TUNING_AGAIN, OCLSTM_GEMM_CLBLAST);
  made other = plan_on(OCLSTM_DEVICE_OTHER, 17, 20, OCLSTM_TUNING_AGAIN, OCLSTM_GEMM_CLBLAST);
  made gpu = plan_on(OCLSTM_DEVICE_GPU, 3, 20, OCLSTM_TUNING_AGAIN, OCLSTM_GEMM_CLBLAST);
  oclstm__cl_of(device)->timer.seconds = NULL;
  assert_string_equal(oclstm_plan_get_info(gpu.plan)->gemm, oclstm_plan_get_info(cpu.plan)->gemm);
  assert_int_equal(find(cpu.plan, 0, "stepwise")->verdict, OCLSTM_VERDICT_NOT_TRIED);
  assert_non_null(strstr(find(cpu.plan, 0, "stepwise")->why, "CLBlast"));
  assert_int_equal(find(other.plan, 0, "stepwise")->verdict, OCLSTM_VERDICT_CHOSEN);
  assert_int_equal(oclstm_plan_get_info(other.plan)->measured, 0);
  assert_int_equal(find(gpu.plan, 0, "stepwise")->verdict, OCLSTM_VERDICT_SLOWER);
  drop(&cpu);
  drop(&other);
  drop(&gpu);
}

/* Two sets of weights at once are more than was allowed. */
static void a_budget_holds_while_measuring(void **unused) {
  (void)unused;
  oclstm_layer layer = lstm(2, 192);
  oclstm_model *model = make_layers(&layer, 1, 0, 0, options.seed);
  oclstm_plan *plain = plan_of(model, OCLSTM_STRATEGY_ROWS, OCLSTM_TUNING_NONE, 0);
  /* rows has let go of gx, 256 rows of 4 * 192 floats; and what is estimated is more. */
  uint64_t tight = oclstm_plan_get_info(plain)->device_bytes + 256 * 4 * 192 * sizeof(float) + (1 << 18);
  oclstm_plan *plan = plan_of(model, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_DEFAULT, tight);
  const oclstm_plan_candidate *other = find(plan, 0, "fused-step");
  assert_int_equal(other->verdict, OCLSTM_VERDICT_NOT_TRIED);
  assert_non_null(strstr(other->why, "memory_bytes"));
  assert_int_equal(oclstm_plan_get_info(plan)->measured, 0);
  oclstm_plan_destroy(&plain);
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

/* ---- memory that runs out while ways are made ---- */

static size_t refusals; /* allocations to refuse from now on */

static void *refuse_some(void *user, size_t bytes) {
  (void)user;
  if (refusals > 0) {
    --refusals;
    return NULL;
  }
  return malloc(bytes);
}

static void give_back(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

/* The first runs are those of the way to beat, before others are made: two to warm up, one to scale, three alone, one without
 * steps for the launches behind it, and those. Each of the two others asks for memory first. */
enum { RUNS_ALONE = 8 };
static double refuse_two(void *user, const oclstm__candidate *way, size_t steps, double measured) {
  (void)user;
  (void)way;
  (void)measured;
  refusals = ++runs == RUNS_ALONE ? 2 : 0;
  return 1e-3 * (double)steps;
}

/* What cannot be made is no candidate, and no failure of the plan. */
static void ways_that_fail_are_left_out(void **unused) {
  (void)unused;
  oclstm_layer layer = lstm(2, 20);
  oclstm_model *model = make_layers(&layer, 1, 0, 0, options.seed);
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  desc.device = options.device;
  desc.allocator = (oclstm_allocator){refuse_some, give_back, NULL};
  limits.steps = 4;
  limits.rows = 2;
  OK(oclstm_context_create(&desc, &context, &last_error));
  take_for_resident(context);
  oclstm__cl_of(context)->timer.seconds = refuse_two;
  runs = 0;
  OK(oclstm_plan_create(context, model, &limits, &plan, &last_error));
  assert_int_equal(runs, RUNS_ALONE);
  assert_int_equal(find(plan, 0, "rows")->verdict, OCLSTM_VERDICT_CHOSEN);
  assert_int_equal(find(plan, 0, "fused-step")->verdict, OCLSTM_VERDICT_FAILED);
  assert_int_equal(find(plan, 0, "grid")->verdict, OCLSTM_VERDICT_FAILED);
  assert_non_null(strstr(find(plan, 0, "fused-step")->why, "padded"));
  assert_int_equal(oclstm_plan_get_info(plan)->measured, 0);
  oclstm_plan_destroy(&plan);
  OK(oclstm_plan_create(context, model, &limits, &plan, &last_error)); /* asks again: nothing was learnt */
  assert_int_equal(oclstm_plan_get_info(plan)->measured, 3);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

/* With the clock that there is: a choice is made, and every way has a figure or a reason. */
static void the_clock_decides(void **unused) {
  (void)unused;
  oclstm_layer layer = lstm(2, 70);
  oclstm_model *model = make_layers(&layer, 1, 0, 0, options.seed);
  oclstm_plan *plan = plan_of(model, OCLSTM_STRATEGY_AUTO, OCLSTM_TUNING_AGAIN, 0);
  const oclstm_plan_layer *chosen = oclstm_plan_get_layer(plan, 0, 0);
  const size_t measured = oclstm_plan_get_info(plan)->measured;
  assert_true(measured >= 2 && measured <= OCLSTM__MOST_MEASURED);
  for (size_t k = 0; k < chosen->n_candidates; ++k) {
    const oclstm_plan_candidate *c = oclstm_plan_get_candidate(plan, 0, 0, k);
    assert_true(c->why[0] != '\0');
    /* The choice was faster in its own match; between matches a machine may change by more than that. */
    assert_true(c->microseconds == 0.0 || c->microseconds > 0.2 * chosen->microseconds);
  }
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_layer_has_its_own),          cmocka_unit_test(equal_layers_are_measured_once),
      cmocka_unit_test(other_cells_are_other_questions), cmocka_unit_test(the_rule_of_thumb),
      cmocka_unit_test(clblast_is_drawn_on_gpus_alone),  cmocka_unit_test(a_budget_holds_while_measuring),
      cmocka_unit_test(ways_that_fail_are_left_out),     cmocka_unit_test(the_clock_decides),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.choices", tests, sizeof tests / sizeof tests[0]);
}
