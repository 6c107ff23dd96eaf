/* Devices that end loops by themselves: how many turns a kernel has, and sequences that need more of them in strategy rows.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/plan.h"
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

/* The plan and the model end here. */
static void check_plan(oclstm_plan *plan, oclstm_model *model, size_t T, size_t B, tolerance limit) {
  assert_plan_close(plan, model, T, B, limit);
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
  check_plan(plan, model, T, B, FLOAT32);
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
  check_plan(plan, model, 3, 2, FLOAT32);
}

static void refuse_or_run(size_t I, size_t H, oclstm_direction direction, size_t head, bool refused) {
  const oclstm_layer layer = {.kind = OCLSTM_RNN, .input_size = I, .hidden_size = H, .direction = direction};
  const tolerance of_long_sums = {.rel_l2 = 1e-5, .max_abs = 1e-5}; /* a turn less of 16,383 is 1e-2 */
  oclstm_model *model = make_layers(&layer, 1, head, 0, options.seed);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  desc.rows = 2;
  desc.steps = 1;
  desc.strategy = OCLSTM_STRATEGY_FUSED_STEP;
  desc.gemm = OCLSTM_GEMM_PLAIN;
  if (refused) {
    FAILS(OCLSTM_E_UNSUPPORTED, "turns of its loops",
          oclstm_plan_create(device, model, &desc, &plan, &last_error));
    oclstm_model_destroy(&model);
  } else {
    OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
    check_plan(plan, model, 1, 2, of_long_sums);
  }
}

/* One sum is never cut short: where it would be, the network is refused. The second part pretends that loops end sooner. */
static void sums_that_are_too_long(void **unused) {
  (void)unused;
  oclstm__cl *cl = oclstm__cl_of(device);
  const size_t most = cl->most_turns;
  refuse_or_run(16383, 4, OCLSTM_FORWARD, 0, false);
  refuse_or_run(16384, 4, OCLSTM_FORWARD, 0, most != 0);
  refuse_or_run(65536, 4, OCLSTM_FORWARD, 0, most != 0);
  cl->most_turns = 400;
  refuse_or_run(3, 100, OCLSTM_FORWARD, 1, false);
  refuse_or_run(3, 101, OCLSTM_FORWARD, 0, true);
  refuse_or_run(101, 3, OCLSTM_FORWARD, 0, true);
  refuse_or_run(3, 51, OCLSTM_BIDIRECTIONAL, 0, false);
  refuse_or_run(3, 51, OCLSTM_BIDIRECTIONAL, 1, true);
  cl->most_turns = most;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(turns_are_counted), cmocka_unit_test(long_sequences),
                                     cmocka_unit_test(steps_that_are_too_long),
                                     cmocka_unit_test(sums_that_are_too_long)};
  read_options(argc, argv);
  return run_device_tests("opencl.turns", tests, sizeof tests / sizeof tests[0]);
}
