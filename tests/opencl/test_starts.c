/* What a start makes on the device: each stage once, whatever kept answers say of layers that might run side by side.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/tuning/tuning.h"
#include "support.h"

/* ---- OpenCL's objects, counted: the linker leads the library's calls here ---- */

static size_t buffers, kernels, programs;

cl_mem __real_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code);
cl_kernel __real_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_int __real_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options_,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user);
cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code);
cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options_,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user);

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code) {
  ++buffers;
  return __real_clCreateBuffer(context, flags, size, host, code);
}

cl_kernel __wrap_clCreateKernel(cl_program program, const char *name, cl_int *code) {
  ++kernels;
  return __real_clCreateKernel(program, name, code);
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint n, const cl_device_id *devices, const char *options_,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
  ++programs;
  return __real_clBuildProgram(program, n, devices, options_, notify, user);
}

/* ---- whether groups run at the same time ---- */

static bool apart; /* they do not any more */
static size_t asked;

oclstm_status __real_oclstm__coresident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error);
oclstm_status __wrap_oclstm__coresident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error);
oclstm_status __wrap_oclstm__coresident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error) {
  ++asked;
  if (!apart) {
    return __real_oclstm__coresident_groups(cl, groups, error);
  }
  atomic_store(&cl->coresident_groups, 1U);
  *groups = 1;
  return OCLSTM_OK;
}

/* ---- starts with answers that are kept ---- */

enum { B = 2, T = 600 };

static oclstm_context *open_context(void) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.cache_dir = cache_folder;
  OK(oclstm_context_create(&desc, &context, &last_error));
  return context;
}

static oclstm_plan *plan_of(oclstm_context *context, const oclstm_model *model) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  desc.rows = B;
  desc.steps = T;
  desc.cells = 1;
  OK(oclstm_plan_create(context, model, &desc, &plan, &last_error));
  return plan;
}

/* Microseconds a step of rows, of grid and of fused-step; the least is the choice. */
typedef struct times {
  double of[3];
} times;

static void keep(const oclstm_plan *plan, size_t runner, const times *t) {
  static const char *const NAMES[] = {"rows", "grid", "fused-step"};
  const oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  const oclstm__ways *ways = &p->runners[runner].ways;
  oclstm__answer answer = {.n = 3};
  oclstm__answer_key(p, &p->runners[runner], answer.key);
  for (size_t k = 0; k < 3; ++k) {
    size_t way = 0;
    while (strcmp(ways->shown[way].strategy, NAMES[k]) != 0) {
      assert_true(++way < ways->n);
    }
    answer.timings[k].groups = ways->way[way].groups;
    answer.timings[k].microseconds = t->of[k];
    strcpy(answer.timings[k].strategy, NAMES[k]);
    answer.best = t->of[k] < answer.timings[answer.best].microseconds ? k : answer.best;
  }
  oclstm__answer_keep(oclstm__plan_cl(p), &answer);
}

typedef struct made {
  size_t buffers, kernels, programs;
  uint64_t bytes;
} made;

/* A context of its own keeps the answers. */
static void keep_both(const oclstm_model *model, size_t second, const times *a, const times *b) {
  oclstm_context *before = open_context();
  oclstm_plan *earlier = plan_of(before, model);
  keep(earlier, 0, a);
  keep(earlier, second, b);
  oclstm_plan_destroy(&earlier);
  earlier = plan_of(before, model); /* programs that it wants are in the folder from now on */
  oclstm_plan_destroy(&earlier);
  oclstm_context_destroy(&before);
}

/* What a plan makes whose answers are kept. Nobody is asked who runs at the same time where that does not matter. */
static made start(const oclstm_model *model, size_t second, const times *a, const times *b,
                  const char *expected) {
  keep_both(model, second, a, b);
  asked = 0;
  oclstm_context *context = open_context();
  const made none = {buffers, kernels, programs, 0};
  oclstm_plan *plan = plan_of(context, model);
  const made all = {buffers - none.buffers, kernels - none.kernels, programs - none.programs,
                    oclstm_plan_get_info(plan)->device_bytes};
  assert_int_equal(oclstm_plan_get_info(plan)->measured, 0);
  assert_true((asked > 0) == (strcmp(expected, "grid") == 0));
  assert_string_equal(oclstm_plan_get_layer(plan, 0, 0)->strategy, expected);
  assert_string_equal(oclstm_plan_get_layer(plan, second / 2, second % 2)->strategy, expected);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return all;
}

/* Both take what both would have taken if their answers had agreed; and nothing is made for what they do not take. */
static void check(oclstm_model *model, size_t second) {
  static const times ROWS = {{1.0, 2.0, 9.0}}, GRID = {{2.0, 1.0, 9.0}}, STEP = {{2.0, 9.0, 1.5}};
  static const times MORE_ROWS = {{1.0, 9.0, 9.0}}, MORE_GRID = {{9.0, 1.0, 9.0}};
  const struct {
    const times *a, *b;
    const char *expected;
  } CASES[][2] = {{{&MORE_ROWS, &MORE_ROWS, "rows"}, {&MORE_ROWS, &GRID, "rows"}},
                  {{&MORE_ROWS, &MORE_ROWS, "rows"}, {&ROWS, &STEP, "rows"}},
                  {{&MORE_GRID, &MORE_GRID, "grid"}, {&ROWS, &MORE_GRID, "grid"}}};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    made of[2];
    for (size_t n = 0; n < 2; ++n) {
      of[n] = start(model, second, CASES[k][n].a, CASES[k][n].b, CASES[k][n].expected);
      print_message("case %zu, %s: %zu buffers, %zu kernels, %zu programs, %llu bytes\n", k,
                    n == 0 ? "agreed" : "did not agree", of[n].buffers, of[n].kernels, of[n].programs,
                    (unsigned long long)of[n].bytes);
    }
    assert_int_equal(of[0].buffers, of[1].buffers);
    assert_int_equal(of[0].kernels, of[1].kernels);
    assert_int_equal(of[0].programs, of[1].programs);
    assert_int_equal(of[0].bytes, of[1].bytes);
  }
  oclstm_model_destroy(&model);
}

static void layers_that_did_not_agree(void **unused) {
  const oclstm_layer layers[] = {
      {.kind = OCLSTM_LSTM, .input_size = 7, .hidden_size = 40, .bias = OCLSTM_BIAS_ONE},
      {.kind = OCLSTM_LSTM, .input_size = 40, .hidden_size = 40, .bias = OCLSTM_BIAS_ONE}};
  (void)unused;
  check(make_layers(layers, 2, 0, 0, options.seed), 2);
}

/* Directions have one key unless something tells them apart. */
static void directions_that_did_not_agree(void **unused) {
  oclstm_layer layer = {.kind = OCLSTM_LSTM,
                        .input_size = 7,
                        .hidden_size = 40,
                        .direction = OCLSTM_BIDIRECTIONAL,
                        .bias = OCLSTM_BIAS_ONE};
  layer.activation[1][0].kind = OCLSTM_ACT_HARD_SIGMOID;
  (void)unused;
  check(make_layers(&layer, 1, 0, 0, options.seed), 1);
}

/* Answers for grid hold where groups run at the same time, and are no answers elsewhere. */
static void groups_that_no_longer_meet(void **unused) {
  static const times GRID = {{2.0, 1.0, 9.0}};
  const oclstm_layer layers[] = {
      {.kind = OCLSTM_LSTM, .input_size = 7, .hidden_size = 40, .bias = OCLSTM_BIAS_ONE},
      {.kind = OCLSTM_LSTM, .input_size = 40, .hidden_size = 40, .bias = OCLSTM_BIAS_ONE}};
  (void)unused;
  oclstm_model *model = make_layers(layers, 2, 0, 0, options.seed);
  keep_both(model, 2, &GRID, &GRID);
  oclstm_context *context = open_context();
  apart = true;
  oclstm_plan *plan = plan_of(context, model);
  apart = false;
  for (size_t l = 0; l < 2; ++l) {
    assert_string_not_equal(oclstm_plan_get_layer(plan, l, 0)->strategy, "grid");
  }
  assert_true(oclstm_plan_get_info(plan)->measured > 0);
  assert_plan_close(plan, model, T, B, FLOAT32);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layers_that_did_not_agree),
                                     cmocka_unit_test(directions_that_did_not_agree),
                                     cmocka_unit_test(groups_that_no_longer_meet)};
  read_options(argc, argv);
  return cmocka_run_group_tests(tests, open_devices_and_cache, close_devices_and_cache);
}
