/* The caller's own context, queue, buffers and events: the same bits as through host memory, in order, and no waiting.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "oclstm/oclstm_opencl.h"
#include "support.h"

enum { B = 3, FIRST = 5 }; /* FIRST: floats in front of every array of the caller's */

static size_t T = 9; /* less with --small */
static size_t layers = 2;

/* The caller's side: objects of their own on the device under test, and a network on them. */
typedef struct caller {
  cl_context context;
  cl_command_queue queue;
  oclstm_context *wrapped;
  oclstm_model *model;
  oclstm_plan *plan;
  oclstm_state *state;
  test_job job;
  test_result expected; /* through host memory, on the context under test */
  cl_mem x, y, cells, lengths;
  size_t y_floats, cells_floats;
} caller;

static cl_mem make_buffer(const caller *c, const void *values, size_t floats) {
  cl_int code = CL_SUCCESS;
  cl_mem mem = clCreateBuffer(c->context, CL_MEM_READ_WRITE, (FIRST + floats) * sizeof(float), NULL, &code);
  assert_int_equal(code, CL_SUCCESS);
  if (values != NULL) {
    assert_int_equal(clEnqueueWriteBuffer(c->queue, mem, CL_TRUE, FIRST * sizeof(float),
                                          floats * sizeof(float), values, 0, NULL, NULL),
                     CL_SUCCESS);
  }
  return mem;
}

static void open_queue(caller *c, cl_command_queue_properties properties) {
  cl_device_id id = NULL;
  cl_int code = CL_SUCCESS;
  cl_command_queue_properties offered = 0; /* some devices have no out-of-order queues */
  OK(oclstm_context_get_opencl(device, NULL, &id, NULL, &last_error));
  assert_int_equal(clGetDeviceInfo(id, CL_DEVICE_QUEUE_PROPERTIES, sizeof offered, &offered, NULL),
                   CL_SUCCESS);
  c->context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
  assert_int_equal(code, CL_SUCCESS);
  c->queue = clCreateCommandQueue(c->context, id, properties & offered, &code);
  assert_int_equal(code, CL_SUCCESS);
  oclstm_opencl_desc desc = OCLSTM_OPENCL_DESC_INIT;
  desc.context = c->context;
  desc.device = id;
  desc.queue = c->queue;
  OK(oclstm_context_create_opencl(&desc, &c->wrapped, &last_error));
}

static caller open_caller(cl_command_queue_properties properties, oclstm_layout layout,
                          const int32_t *lengths) {
  const test_network NETWORK = {.layers = layers,
                                .I = 5,
                                .H = 18,
                                .direction = OCLSTM_BIDIRECTIONAL,
                                .bias = OCLSTM_BIAS_TWO,
                                .head = 3,
                                .scale = 2.0};
  caller c = {.model = make_network(&NETWORK, options.seed)};
  c.job = make_job(c.model, T, B, options.seed);
  c.job.layout = layout;
  if (lengths != NULL) {
    set_lengths(&c.job, lengths, B);
  }
  c.expected = run_job(device, &c.job, 0, 0);
  open_queue(&c, properties);
  c.plan = make_plan(c.wrapped, c.model, B, T, true);
  OK(oclstm_state_create(c.plan, &c.state, &last_error));
  OK(oclstm_state_set(c.state, c.job.h0, c.job.c0, &last_error));
  c.y_floats = T * B * oclstm_model_output_size(c.model);
  c.cells_floats = T * B * 2 * NETWORK.H;
  c.x = make_buffer(&c, c.job.x, T * B * NETWORK.I);
  c.y = make_buffer(&c, NULL, c.y_floats);
  c.cells = make_buffer(&c, NULL, c.cells_floats);
  c.lengths = lengths != NULL ? make_buffer(&c, c.job.lengths, B) : NULL;
  return c;
}

static void close_caller(caller *c) {
  cl_mem buffers[] = {c->x, c->y, c->cells, c->lengths};
  for (size_t k = 0; k < sizeof buffers / sizeof buffers[0]; ++k) {
    if (buffers[k] != NULL) {
      clReleaseMemObject(buffers[k]);
    }
  }
  oclstm_state_destroy(&c->state);
  oclstm_plan_destroy(&c->plan);
  oclstm_context_destroy(&c->wrapped);
  clReleaseCommandQueue(c->queue);
  clReleaseContext(c->context);
  free_result(&c->expected);
  free_job(&c->job);
  oclstm_model_destroy(&c->model);
}

static oclstm_opencl_io io_of(const caller *c) {
  const size_t offset = FIRST * sizeof(float);
  oclstm_opencl_io io = OCLSTM_OPENCL_IO_INIT;
  io.steps = T;
  io.layout = c->job.layout;
  io.x = (oclstm_buffer){c->x, offset};
  io.y = (oclstm_buffer){c->y, offset};
  io.cells = (oclstm_buffer){c->cells, offset};
  io.lengths = (oclstm_buffer){c->lengths, c->lengths != NULL ? offset : 0};
  return io;
}

static void assert_buffer_is(const caller *c, cl_mem mem, const float *expected, size_t floats,
                             cl_event after) {
  float *got = malloc(floats * sizeof *got);
  assert_non_null(got);
  assert_int_equal(clEnqueueReadBuffer(c->queue, mem, CL_TRUE, FIRST * sizeof(float), floats * sizeof(float),
                                       got, 1, &after, NULL),
                   CL_SUCCESS);
  assert_memory_equal(got, expected, floats * sizeof *got);
  free(got);
}

static void same_bits(cl_command_queue_properties properties, oclstm_layout layout, const int32_t *lengths) {
  caller c = open_caller(properties, layout, lengths);
  oclstm_opencl_io io = io_of(&c);
  cl_event done = NULL;
  io.event = &done;
  OK(oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  assert_buffer_is(&c, c.y, c.expected.y, c.y_floats, done);
  assert_buffer_is(&c, c.cells, c.expected.cells, c.cells_floats, done);
  float *hn = calloc(B * oclstm_model_h_size(c.model), sizeof *hn);
  assert_non_null(hn);
  OK(oclstm_state_get(c.state, hn, NULL, &last_error));
  assert_memory_equal(hn, c.expected.hn, B * oclstm_model_h_size(c.model) * sizeof *hn);
  free(hn);
  clReleaseEvent(done);
  close_caller(&c);
}

static const int32_t RAGGED[B] = {2, 0, 3};

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

/* forward returns while the event it is to wait for is still open, and nothing runs before that event is set. */
static void waits_for_the_callers_event(void **unused) {
  (void)unused;
  caller c = open_caller(0, OCLSTM_TIME_MAJOR, NULL);
  oclstm_opencl_io io = io_of(&c);
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
  close_caller(&c);
}

/* Two calls without waiting between them: the second goes on from the state of the first. */
static void calls_follow_one_another(void **unused) {
  (void)unused;
  static const test_network NETWORK = {.layers = 1, .I = 4, .H = 16, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  enum { STEPS = 8 };
  caller c = {.model = make_network(&NETWORK, options.seed)};
  c.job = make_job(c.model, STEPS, B, options.seed);
  c.expected = run_job(device, &c.job, 0, 0);
  open_queue(&c, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
  c.plan = make_plan(c.wrapped, c.model, B, STEPS, false);
  OK(oclstm_state_create(c.plan, &c.state, &last_error));
  OK(oclstm_state_set(c.state, c.job.h0, c.job.c0, &last_error));
  c.y_floats = STEPS * B * 16;
  c.x = make_buffer(&c, c.job.x, STEPS * B * 4);
  c.y = make_buffer(&c, NULL, c.y_floats);
  cl_event done = NULL;
  static const size_t PIECES[] = {3, 0, 5};
  for (size_t k = 0, t = 0; k < 3; t += PIECES[k++]) {
    oclstm_opencl_io io = OCLSTM_OPENCL_IO_INIT;
    io.steps = PIECES[k];
    io.x = (oclstm_buffer){c.x, (FIRST + t * B * 4) * sizeof(float)};
    io.y = (oclstm_buffer){c.y, (FIRST + t * B * 16) * sizeof(float)};
    io.event = k == 2 ? &done : NULL;
    OK(oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  }
  assert_buffer_is(&c, c.y, c.expected.y, c.y_floats, done);
  clReleaseEvent(done);
  close_caller(&c);
}

static void bad_arguments(void **unused) {
  (void)unused;
  caller c = open_caller(0, OCLSTM_TIME_MAJOR, NULL);
  const oclstm_opencl_io good = io_of(&c);
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
  io.steps = T + 1;
  FAILS(OCLSTM_E_ARGUMENT, "steps, the plan takes", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.n_wait = 2;
  FAILS(OCLSTM_E_ARGUMENT, "wait list", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  io = good;
  io.struct_size = 3;
  FAILS(OCLSTM_E_ARGUMENT, "version", oclstm_forward_opencl(c.plan, c.state, &io, &last_error));
  close_caller(&c);
}

static void objects_that_do_not_belong_together(void **unused) {
  (void)unused;
  caller a = {0}, b = {0};
  oclstm_context *context = NULL;
  oclstm_opencl_desc desc = OCLSTM_OPENCL_DESC_INIT;
  open_queue(&a, 0);
  open_queue(&b, 0);
  OK(oclstm_context_get_opencl(a.wrapped, &desc.context, &desc.device, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_create_opencl(&desc, &context, &last_error));
  desc.queue = b.queue;
  FAILS(OCLSTM_E_ARGUMENT, "queue", oclstm_context_create_opencl(&desc, &context, &last_error));
  assert_null(context);
  FAILS(OCLSTM_E_ARGUMENT, "reference",
        oclstm_context_get_opencl(reference, &desc.context, NULL, NULL, &last_error));
  close_caller(&a);
  close_caller(&b);
}

int main(int argc, char **argv) {
  const struct CMUnitTest all[] = {
      cmocka_unit_test(in_order_queue),
      cmocka_unit_test(out_of_order_queue),
      cmocka_unit_test(calls_follow_one_another),
      cmocka_unit_test(waits_for_the_callers_event),
      cmocka_unit_test(bad_arguments),
      cmocka_unit_test(objects_that_do_not_belong_together),
  };
  read_options(argc, argv);
  if (options.small) {
    T = 3;
    layers = 1;
  }
  return run_device_tests("opencl.interop", all, sizeof all / sizeof all[0]);
}
