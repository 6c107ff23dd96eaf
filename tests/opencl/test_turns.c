/* Devices that end loops by themselves: how many turns a kernel has, and sequences that need more of them in strategy rows.
 * SPDX-License-Identifier: MIT */
#include "opencl/cl.h"
#include "opencl/plan.h"
#include "opencl/strategy.h"
#include "support.h"

static const char KERNEL[] =
    "__kernel void turns(volatile __global int *out, int outer, int inner) {\n"
    "  int n = 0;\n"
    "  for (int i = 0; i < outer; ++i) {\n"
    "    for (int k = 0; k < inner; ++k) {\n"
    "      out[1] = k;\n"
    "      ++n;\n"
    "    }\n"
    "  }\n"
    "  out[0] = n;\n"
    "}\n";

static cl_int count_turns(const oclstm__cl *cl, cl_int outer, cl_int inner) {
  static const size_t one = 1;
  const char *text = KERNEL;
  cl_int out[2] = {0, 0};
  cl_int code = CL_SUCCESS;
  cl_program program = clCreateProgramWithSource(cl->context, 1, &text, NULL, &code);
  assert_int_equal(clBuildProgram(program, 1, &cl->device, "", NULL, NULL), CL_SUCCESS);
  cl_kernel kernel = clCreateKernel(program, "turns", &code);
  cl_mem mem = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, sizeof out, NULL, &code);
  assert_int_equal(clSetKernelArg(kernel, 0, sizeof mem, &mem), CL_SUCCESS);
  assert_int_equal(clSetKernelArg(kernel, 1, sizeof outer, &outer), CL_SUCCESS);
  assert_int_equal(clSetKernelArg(kernel, 2, sizeof inner, &inner), CL_SUCCESS);
  assert_int_equal(clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL), CL_SUCCESS);
  assert_int_equal(clEnqueueReadBuffer(cl->queue, mem, CL_TRUE, 0, sizeof out, out, 0, NULL, NULL),
                   CL_SUCCESS);
  (void)clReleaseMemObject(mem);
  (void)clReleaseKernel(kernel);
  (void)clReleaseProgram(program);
  return out[0];
}

/* What is believed of the device is true: it does all turns, or all that it is said to and no more. */
static void turns_are_counted(void **unused) {
  (void)unused;
  const oclstm__cl *cl = oclstm__cl_of(device);
  const cl_int most = cl->most_turns != 0 ? (cl_int)cl->most_turns : 100000;
  assert_int_equal(count_turns(cl, 1, 60000), 60000);
  assert_int_equal(count_turns(cl, 1, 100000), most);
  assert_true((count_turns(cl, 300, 300) == 300 * 300) == (cl->most_turns == 0));
}

/* The plan gives what the reference does. The plan and the model end here. */
static void check_plan(oclstm_plan *plan, oclstm_model *model, size_t T, size_t B) {
  test_job job = make_job(model, T, B, options.seed);
  test_result got = run_plan(plan, &job, 0);
  test_result expected = run_job(reference, &job, 0, 0);
  assert_results_close(&job, &expected, &got, FLOAT32);
  free_result(&got);
  free_result(&expected);
  free_job(&job);
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

/* Long enough that one launch of all steps would end early, wherever loops end early. */
static void check_long(const oclstm_layer *layer, size_t T, size_t B) {
  oclstm_model *model = make_layers(layer, 1, 0, 0, options.seed);
  oclstm_plan *plan = make_plan(device, model, B, T, true);
  const oclstm__cl *cl = oclstm__cl_of(device);
  const size_t at_once = oclstm__cl_plan_of(plan)->runners[0].at_once;
  if (options.strategy == OCLSTM_STRATEGY_ROWS) {
    assert_int_equal(at_once < T, cl->most_turns != 0);
    assert_int_equal(oclstm_plan_get_layer(plan, 0, 0)->launches, (T + at_once - 1) / at_once);
  }
  check_plan(plan, model, T, B);
}

static void long_sequences(void **unused) {
  (void)unused;
  const oclstm_layer narrow = {
      .kind = OCLSTM_LSTM, .input_size = 1, .hidden_size = 16, .bias = OCLSTM_BIAS_TWO};
  const oclstm_layer wide = {
      .kind = OCLSTM_LSTM, .input_size = 24, .hidden_size = 90, .bias = OCLSTM_BIAS_TWO};
  const oclstm_layer reset = {
      .kind = OCLSTM_GRU, .input_size = 200, .hidden_size = 33, .bias = OCLSTM_BIAS_TWO};
  check_long(&narrow, 1500, 1);
  check_long(&narrow, 300, 13);
  check_long(&wide, 200, 3);
  check_long(&reset, 150, 5);
}

/* Where one step is too long rows is refused, and auto takes what is right. */
static void steps_that_are_too_long(void **unused) {
  (void)unused;
  const oclstm__cl *cl = oclstm__cl_of(device);
  const oclstm_layer layer = {
      .kind = OCLSTM_LSTM, .input_size = 512, .hidden_size = 512, .bias = OCLSTM_BIAS_TWO};
  oclstm_model *model = make_layers(&layer, 1, 0, 0, options.seed);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  desc.rows = 2;
  desc.steps = 3;
  desc.strategy = OCLSTM_STRATEGY_ROWS;
  if (cl->most_turns != 0) {
    FAILS(OCLSTM_E_UNSUPPORTED, "turns of its loops",
          oclstm_plan_create(device, model, &desc, &plan, &last_error));
  }
  desc.strategy = OCLSTM_STRATEGY_AUTO;
  desc.tuning = OCLSTM_TUNING_NONE;
  desc.cells = 1;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  check_plan(plan, model, 3, 2);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(turns_are_counted), cmocka_unit_test(long_sequences),
                                     cmocka_unit_test(steps_that_are_too_long)};
  read_options(argc, argv);
  return run_device_tests("opencl.turns", tests, 3);
}
