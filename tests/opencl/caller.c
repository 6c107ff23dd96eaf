/* The caller's own context, queue and buffers. SPDX-License-Identifier: MIT */
#include "caller.h"

#include <stdlib.h>

size_t caller_steps = 9;
size_t caller_first = 5;

static void write_values(const caller *c, cl_mem mem, const void *values, size_t floats) {
  assert_int_equal(clEnqueueWriteBuffer(c->queue, mem, CL_TRUE, caller_first * sizeof(float),
                                        floats * sizeof(float), values, 0, NULL, NULL),
                   CL_SUCCESS);
}

cl_mem caller_buffer(const caller *c, const void *values, size_t floats) {
  cl_int code = CL_SUCCESS;
  cl_mem mem =
      clCreateBuffer(c->context, CL_MEM_READ_WRITE, (caller_first + floats) * sizeof(float), NULL, &code);
  assert_int_equal(code, CL_SUCCESS);
  if (values != NULL) {
    write_values(c, mem, values, floats);
  }
  return mem;
}

void caller_open_queue(caller *c, cl_command_queue_properties properties) {
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

static size_t x_floats(const caller *c) {
  return caller_steps * CALLER_ROWS * oclstm_model_input_size(c->model);
}

void caller_write_x(const caller *c) {
  write_values(c, c->x, c->job.ids != NULL ? (const void *)c->job.ids : c->job.x, x_floats(c));
}

caller caller_open(oclstm_model *model, cl_command_queue_properties properties, oclstm_layout layout,
                   const int32_t *lengths) {
  caller c = {.model = model};
  c.job = make_job(c.model, caller_steps, CALLER_ROWS, options.seed);
  c.job.layout = layout;
  if (lengths != NULL) {
    set_lengths(&c.job, lengths, CALLER_ROWS);
  }
  c.expected = run_job(device, &c.job, 0, 0);
  caller_open_queue(&c, properties);
  c.plan = make_plan(c.wrapped, c.model, CALLER_ROWS, caller_steps, true);
  OK(oclstm_state_create(c.plan, &c.state, &last_error));
  OK(oclstm_state_set(c.state, c.job.h0, c.job.c0, &last_error));
  c.y_floats = caller_steps * CALLER_ROWS * oclstm_model_output_size(c.model);
  c.cells_floats = caller_steps * CALLER_ROWS * cells_of(&c.job).W;
  c.x = caller_buffer(&c, NULL, x_floats(&c));
  caller_write_x(&c);
  c.y = caller_buffer(&c, NULL, c.y_floats);
  c.cells = caller_buffer(&c, NULL, c.cells_floats);
  c.lengths = lengths != NULL ? caller_buffer(&c, c.job.lengths, CALLER_ROWS) : NULL;
  return c;
}

void caller_close(caller *c) {
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

oclstm_opencl_io caller_io(const caller *c) {
  const size_t offset = caller_first * sizeof(float);
  oclstm_opencl_io io = OCLSTM_OPENCL_IO_INIT;
  io.steps = caller_steps;
  io.layout = c->job.layout;
  io.x = (oclstm_buffer){c->x, offset};
  io.y = (oclstm_buffer){c->y, offset};
  io.cells = (oclstm_buffer){c->cells, offset};
  io.lengths = (oclstm_buffer){c->lengths, c->lengths != NULL ? offset : 0};
  return io;
}

void assert_buffer_is(const caller *c, cl_mem mem, const float *expected, size_t floats, cl_event after) {
  float *got = malloc(floats * sizeof *got);
  assert_non_null(got);
  assert_int_equal(clEnqueueReadBuffer(c->queue, mem, CL_TRUE, caller_first * sizeof(float),
                                       floats * sizeof(float), got, 1, &after, NULL),
                   CL_SUCCESS);
  assert_memory_equal(got, expected, floats * sizeof *got);
  free(got);
}
