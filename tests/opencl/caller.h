/* The caller's side of oclstm_opencl.h: objects of their own on the device under test, and a network on them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_CALLER_H
#define OCLSTM_TESTS_CALLER_H

#include "support.h"

#include "oclstm/oclstm_opencl.h"

enum { CALLER_ROWS = 3 };
extern size_t caller_steps;
extern size_t caller_first; /* floats in front of every array */

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

/* A context of ours around a context and a queue of the caller's. */
void caller_open_queue(caller *c, cl_command_queue_properties properties);
/* The same with a plan, which takes the model over, and its arrays in buffers. */
caller caller_open(oclstm_model *model, cl_command_queue_properties properties, oclstm_layout layout,
                   const int32_t *lengths);
void caller_close(caller *c);
/* Values behind caller_first floats; NULL: none yet. */
cl_mem caller_buffer(const caller *c, const void *values, size_t floats);
/* x again, where caller_first is now. */
void caller_write_x(const caller *c);
oclstm_opencl_io caller_io(const caller *c);
void assert_buffer_is(const caller *c, cl_mem mem, const float *expected, size_t floats, cl_event after);

#endif
