/* Which part of a device's work-groups a runner takes, when it takes all of them, and which wait for each other.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/plan.h"
#include "opencl/plan/calls.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/stage.h"
#include "support.h"

/* ---- launches of chunk.cl, watched: the linker leads the library's calls here ---- */

enum { COMPANY_ARG = OCLSTM__STEP_ARG + 6 };
static size_t most_groups;  /* of a launch */
static cl_int most_company; /* that a launch was to wait for */

static bool is_chunk(cl_kernel kernel) {
  char name[64];
  assert_int_equal(clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL), CL_SUCCESS);
  return strcmp(name, "chunk") == 0;
}

cl_int __real_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value);
cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value);
cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value) {
  if (index == COMPANY_ARG && is_chunk(kernel)) {
    assert_int_equal(bytes, sizeof most_company);
    most_company = *(const cl_int *)value > most_company ? *(const cl_int *)value : most_company;
  }
  return __real_clSetKernelArg(kernel, index, bytes, value);
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global, const size_t *local,
                                     cl_uint n, const cl_event *wait, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global, const size_t *local,
                                     cl_uint n, const cl_event *wait, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                     const size_t *offset, const size_t *global, const size_t *local,
                                     cl_uint n, const cl_event *wait, cl_event *event) {
  if (is_chunk(kernel)) {
    most_groups = oclstm__max(most_groups, global[0] / local[0]);
  }
  return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, n, wait, event);
}

/* ---- the rule ---- */

static oclstm_layer layer_of(size_t I, size_t H, oclstm_direction direction) {
  return (oclstm_layer){.kind = OCLSTM_LSTM,
                        .input_size = I,
                        .hidden_size = H,
                        .direction = direction,
                        .bias = OCLSTM_BIAS_TWO};
}

/* What one runner may take: an equal part, but all of it in a chain whose rows fill tiles anyway. */
static void parts_of_a_device(void **unused) {
  static const struct {
    size_t groups, beside, rows, forward, both; /* both: of a layer with two directions */
  } CASES[] = {
      {2, 2, 8, 1, 1}, {2, 2, 9, 2, 1}, {2, 5, 1, 1, 1}, {132, 4, 528, 33, 33}, {132, 4, 529, 132, 33}};
  (void)unused;
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    const oclstm_layer layers[] = {layer_of(1, 1, OCLSTM_REVERSE), layer_of(1, 1, OCLSTM_BIDIRECTIONAL)};
    const oclstm__cl_plan plan = {.base = {.desc = {.rows = CASES[k].rows}}};
    const oclstm__runner chain = {.layer = &layers[0], .beside = CASES[k].beside};
    const oclstm__runner both = {.layer = &layers[1], .beside = CASES[k].beside};
    assert_int_equal(oclstm__part_of_groups(&plan, &chain, CASES[k].groups), CASES[k].forward);
    assert_int_equal(oclstm__part_of_groups(&plan, &both, CASES[k].groups), CASES[k].both);
  }
}

/* ---- what is launched ---- */

enum { T = 64, B = 8 }; /* rows: of two groups four each, which is one tile, of one group two */

/* What n steps give, on how many groups they were launched, and how many those were told to wait for. */
typedef struct outcome {
  float *y, *h;
  size_t groups;
  cl_int company;
} outcome;

/* The first layers, or one direction of the first. */
static outcome sweep_steps(oclstm_plan *plan, const test_job *job, size_t n, size_t n_layers, bool half) {
  const oclstm_model *model = job->model;
  oclstm_state *state = NULL;
  outcome got = {calloc(n * B * oclstm_model_output_size(model), sizeof(float)),
                 calloc(B * oclstm_model_h_size(model), sizeof(float)), 0, 0};
  assert_true(got.y != NULL && got.h != NULL);
  const oclstm__sweep sweep = {.steps = n,
                               .n_layers = n_layers,
                               .part = half ? OCLSTM__REVERSE_HALF : OCLSTM__WHOLE,
                               .input = job->x,
                               .output = got.y};
  OK(oclstm_state_create(plan, &state, &last_error));
  most_groups = 0;
  most_company = 0;
  OK(oclstm__cl_sweep(plan, state, &sweep, &last_error));
  got.groups = most_groups;
  got.company = most_company;
  OK(oclstm_state_get(state, got.h, NULL, &last_error));
  oclstm_state_destroy(&state);
  return got;
}

/* n steps with and without the groups of those that might run beside: the same bits. */
static void check_groups(const oclstm_model *model, size_t n, size_t n_layers, bool half, size_t groups,
                         cl_int company) {
  test_job job = make_job(model, T, B, options.seed);
  oclstm_plan *plan = make_plan(device, model, B, T, false);
  oclstm_plan *narrow = make_plan(device, model, B, T, false);
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__cl_plan_of(narrow)->runners[k].all_slices = oclstm__cl_plan_of(narrow)->runners[k].slices;
  }
  outcome a = sweep_steps(plan, &job, n, n_layers, half);
  outcome b = sweep_steps(narrow, &job, n, n_layers, half);
  assert_int_equal(a.groups, groups);
  assert_int_equal(a.company, company);
  assert_int_equal(b.groups, 1);
  assert_memory_equal(a.y, b.y, n * B * oclstm_model_output_size(model) * sizeof *a.y);
  assert_memory_equal(a.h, b.h, B * oclstm_model_h_size(model) * sizeof *a.h);
  free(a.y);
  free(a.h);
  free(b.y);
  free(b.h);
  oclstm_plan_destroy(&plan);
  oclstm_plan_destroy(&narrow);
  free_job(&job);
}

/* Of two units, each of two runners has one, and both where it runs by itself for long enough: a half of a job's directions, one
 * layer of a chain. Groups that begin together wait for each other. */
static void all_groups_for_one(void **unused) {
  const unsigned units = device->device.compute_units;
  const oclstm_layer both = layer_of(9, 96, OCLSTM_BIDIRECTIONAL);
  const oclstm_layer stack[] = {layer_of(9, 96, OCLSTM_FORWARD), layer_of(96, 96, OCLSTM_FORWARD)};
  (void)unused;
  if (units < 2) {
    return;
  }
  device->device.compute_units = 2;
  oclstm_model *model = make_layers(&both, 1, 0, 0, options.seed);
  check_groups(model, T, 1, false, 1, 2);
  check_groups(model, T, 1, true, 2, 2);
  check_groups(model, 4, 1, true, 1, 0); /* too short, for both */
  oclstm_model_destroy(&model);
  model = make_layers(stack, 2, 0, 0, options.seed);
  check_groups(model, T, 2, false, 1, 0); /* one layer begins behind the other */
  check_groups(model, T, 1, false, 2, 2);
  oclstm_model_destroy(&model);
  device->device.compute_units = units;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(parts_of_a_device),
                                     cmocka_unit_test(all_groups_for_one)};
  read_options(argc, argv);
  return run_device_tests("opencl.division", tests, sizeof tests / sizeof tests[0]);
}
