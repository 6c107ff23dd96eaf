/* The caller's own context, queue, buffers and events: the same bits as through host memory, in order, and no waiting.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "oclstm/oclstm_opencl.h"
#include "support.h"

static size_t layers = 2;

static caller open_caller(cl_command_queue_properties properties, oclstm_layout layout,
                          const int32_t *lengths) {
  const test_network network = {.layers = layers,
                                .I = 5,
                                .H = 18,
                                .direction = OCLSTM_BIDIRECTIONAL,
                                .bias = OCLSTM_BIAS_TWO,
                                .head = 3,
                                .scale = 2.0};
  return caller_open(make_network(&network, options.seed), properties, layout, lengths);
}

static void assert_caller_bits(const caller *c) {
  oclstm_opencl_io io = caller_io(c);
  cl_event done = NULL;
  io.event = &done;
  OK(oclstm_forward_opencl(c->plan, c->state, &io, &last_error));
  assert_buffer_is(c, c->y, c->expected.y, c->y_floats, done);
  assert_buffer_is(c, c->cells, c->expected.cells, c->cells_floats, done);
  float *hn = calloc(CALLER_ROWS * oclstm_model_h_size(c->model), sizeof *hn);
  assert_non_null(hn);
  OK(oclstm_state_get(c->state, hn, NULL, &last_error));
  assert_memory_equal(hn, c->expected.hn, CALLER_ROWS * oclstm_model_h_size(c->model) * sizeof *hn);
  free(hn);
  clReleaseEvent(done);
}

static void same_bits(cl_command_queue_properties properties, oclstm_layout layout, const int32_t *lengths) {
  caller c = open_caller(properties, layout, lengths);
  assert_caller_bits(&c);
  caller_close(&c);
}

static const int32_t RAGGED[CALLER_ROWS] = {2, 0, 3};

static void in_order_queue(void **unused) {
  (void)unused;
  same_bits(0, OCLSTM_TIME_MAJOR, NULL);
  same_bits(0, OCLSTM_BATCH_MAJOR, RAGGED);
}

static void out_of_order_queue(void **unused) {
  (void)unused;
  same_bits(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, OCLSTM_TIME_MAJOR, RAGGED);
  same_bits(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, OCLSTM_BATCH_MAJOR, NULL);
}

static uint64_t count_launches(const caller *c) {
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  OK(oclstm_state_set(c->state, c->job.h0, c->job.c0, &last_error));
  OK(oclstm_context_reset_counters(c->wrapped, &last_error));
  assert_caller_bits(c);
  OK(oclstm_context_counters(c->wrapped, &counters, &last_error));
  return counters.launches;
}

/* A network once with its arrays somewhere in the caller's buffers and once at their beginnings, where layers read and write them
 * as they lie: the same bits, with so many kernels less. */
static void check_beginnings(const oclstm_layer *layer, size_t head, size_t V, oclstm_layout layout,
                             uint64_t fewer) {
  const size_t somewhere = caller_first;
  caller c = caller_open(make_layers(layer, 1, head, V, options.seed), 0, layout, NULL);
  const uint64_t launches = count_launches(&c);
  caller_first = 0;
  caller_write_x(&c);
  assert_int_equal(launches - count_launches(&c), fewer);
  caller_close(&c);
  caller_first = somewhere;
}

/* CLBlast reads rows behind the last one, which are not there; a head's y is made somewhere else, a merged one read again. */
static void buffers_as_they_lie(void **unused) {
  oclstm_layer layer = {.kind = OCLSTM_LSTM, .input_size = 5, .hidden_size = 18, .bias = OCLSTM_BIAS_TWO};
  const uint64_t x = options.gemm != OCLSTM_GEMM_CLBLAST;
  (void)unused;
  check_beginnings(&layer, 0, 0, OCLSTM_TIME_MAJOR, x + 1);
  if (options.small) {
    return;
  }
  check_beginnings(&layer, 0, 0, OCLSTM_BATCH_MAJOR, 0);
  check_beginnings(&layer, 3, 0, OCLSTM_TIME_MAJOR, x);
  check_beginnings(&layer, 0, 7, OCLSTM_TIME_MAJOR, 1); /* ids */
  layer.direction = OCLSTM_BIDIRECTIONAL;
  check_beginnings(&layer, 0, 0, OCLSTM_TIME_MAJOR, x + 1);
  layer.merge = OCLSTM_SUM;
  if (options.strategy != OCLSTM_STRATEGY_GRID) { /* which refuses it */
    check_beginnings(&layer, 0, 0, OCLSTM_TIME_MAJOR, x);
  }
}

/* forward returns while the event it is to wait for is still open, and nothing runs before that event is set. */
static void waits_for_the_callers_event(void **unused) {
  (void)unused;
  caller c = open_caller(0, OCLSTM_TIME_MAJOR, NULL);
  oclstm_opencl_io io = caller_io(&c);
  cl_int code = CL_SUCCESS, execution = CL_COMPLETE;
  cl_event done = NULL, gate = clCreateUserEvent(c.context, &code);
  assert_int_equal(code, CL_SUCCESS);
  io.n_wait = 1;
  io.wait = &gate;
  io.event = &done;
  OK(oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  assert_int_equal(
      clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof execution, &execution, NULL),
      CL_SUCCESS);
  assert_int_not_equal(execution, CL_COMPLETE);
  assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
  assert_buffer_is(&c, c.y, c.expected.y, c.y_floats, done);
  clReleaseEvent(gate);
  clReleaseEvent(done);
  caller_close(&c);
}

/* Two calls without waiting between them: the second goes on from the state of the caller_first. */
static void calls_follow_one_another(void **unused) {
  (void)unused;
  static const test_network NETWORK = {.layers = 1, .I = 4, .H = 16, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  enum { STEPS = 8 };
  caller c = {.model = make_network(&NETWORK, options.seed)};
  c.job = make_job(c.model, STEPS, CALLER_ROWS, options.seed);
  c.expected = run_job(device, &c.job, 0, 0);
  caller_open_queue(&c, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
  c.plan = make_plan(c.wrapped, c.model, CALLER_ROWS, STEPS, false);
  OK(oclstm_state_create(c.plan, &c.state, &last_error));
  OK(oclstm_state_set(c.state, c.job.h0, c.job.c0, &last_error));
  c.y_floats = STEPS * CALLER_ROWS * 16;
  c.x = caller_buffer(&c, c.job.x, STEPS * CALLER_ROWS * 4);
  c.y = caller_buffer(&c, NULL, c.y_floats);
  cl_event done = NULL;
  static const size_t PIECES[] = {3, 0, 5};
  for (size_t k = 0, t = 0; k < 3; t += PIECES[k++]) {
    oclstm_opencl_io io = OCLSTM_OPENCL_IO_INIT;
    io.steps = PIECES[k];
    io.x = (oclstm_buffer){c.x, (caller_first + t * CALLER_ROWS * 4) * sizeof(float)};
    io.y = (oclstm_buffer){c.y, (caller_first + t * CALLER_ROWS * 16) * sizeof(float)};
    io.event = k == 2 ? &done : NULL;
    OK(oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  }
  assert_buffer_is(&c, c.y, c.expected.y, c.y_floats, done);
  clReleaseEvent(done);
  caller_close(&c);
}

static void bad_arguments(void **unused) {
  (void)unused;
  caller c = open_caller(0, OCLSTM_TIME_MAJOR, NULL);
  const oclstm_opencl_io good = caller_io(&c);
  oclstm_opencl_io io = good;
  io.x.offset += 1;
  FAILS(OCLSTM_E_ARGUMENT, "multiple of 4", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.y.offset += 4;
  FAILS(OCLSTM_E_ARGUMENT, "y: ", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.x.mem = NULL;
  FAILS(OCLSTM_E_ARGUMENT, "x is NULL", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.steps = caller_steps + 1;
  FAILS(OCLSTM_E_ARGUMENT, "steps, the plan takes", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.n_wait = 2;
  FAILS(OCLSTM_E_ARGUMENT, "wait list", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.struct_size = 3;
  FAILS(OCLSTM_E_ARGUMENT, "version", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  caller_close(&c);
}

static void objects_that_do_not_belong_together(void **unused) {
  (void)unused;
  caller a = {0}, b = {0};
  oclstm_context *context = NULL;
  oclstm_opencl_desc desc = OCLSTM_OPENCL_DESC_INIT;
  caller_open_queue(&a, 0);
  caller_open_queue(&b, 0);
  OK(oclstm_context_get_opencl(a.wrapped, &desc.context, &desc.device, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_create_opencl(&desc, &context, &last_error));
  desc.queue = b.queue;
  FAILS(OCLSTM_E_ARGUMENT, "queue", oclstm_context_create_opencl(&desc, &context, &last_error));
  assert_null(context);
  FAILS(OCLSTM_E_ARGUMENT, "reference",
        oclstm_context_get_opencl(reference, &desc.context, NULL, NULL, &last_error));
  caller_close(&a);
  caller_close(&b);
}

int main(int argc, char **argv) {
  const struct CMUnitTest all[] = {
      cmocka_unit_test(in_order_queue),
      cmocka_unit_test(out_of_order_queue),
      cmocka_unit_test(buffers_as_they_lie),
      cmocka_unit_test(calls_follow_one_another),
      cmocka_unit_test(waits_for_the_callers_event),
      cmocka_unit_test(bad_arguments),
      cmocka_unit_test(objects_that_do_not_belong_together),
  };
  read_options(argc, argv);
  if (options.small) {
    caller_steps = 3;
    layers = 1;
  }
  return run_device_tests("opencl.interop", all, sizeof all / sizeof all[0]);
}
