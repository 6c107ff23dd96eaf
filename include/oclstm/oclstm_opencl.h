/* oclstm with the caller's own OpenCL objects: context, queue, buffers and events.
 *
 * SPDX-License-Identifier: MIT
 *
 * OpenCL objects given here are retained on success and released by the matching destroy; getters do not retain.
 * The queue may be in order or out of order. Nothing here ever calls clFinish on it. Commands of one plan run in
 * the order of the calls; the caller's commands that touch the same buffers are ordered by the wait list and the
 * event (or by an in-order queue).
 */
#ifndef OCLSTM_OPENCL_H
#define OCLSTM_OPENCL_H

#include <CL/cl.h>

#include "oclstm/oclstm.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oclstm_opencl_desc {
  size_t struct_size;
  cl_context context;
  cl_device_id device;    /* one of the context's */
  cl_command_queue queue; /* of that context and device */
  const char *cache_dir;  /* as in oclstm_context_desc */
  oclstm_allocator allocator;
  oclstm_log log;
} oclstm_opencl_desc;
#define OCLSTM_OPENCL_DESC_INIT                                               \
  {                                                                           \
    sizeof(oclstm_opencl_desc), NULL, NULL, NULL, NULL, {NULL, NULL, NULL}, { \
      NULL, NULL                                                              \
    }                                                                         \
  }

/* Opens the caller's device. Returns OK; E_ARGUMENT (a NULL, or objects that do not belong together); E_DEVICE
 * (no compiler, or not available); E_OPENCL; E_DEVICE_LOST; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_context_create_opencl(const oclstm_opencl_desc *desc,
                                                      oclstm_context **context, oclstm_error *error);

/* The OpenCL objects behind a context, not retained; any pointer may be NULL.
 * Returns OK; E_ARGUMENT (context is the reference). */
OCLSTM_API oclstm_status oclstm_context_get_opencl(const oclstm_context *context, cl_context *cl_ctx,
                                                   cl_device_id *device, cl_command_queue *queue,
                                                   oclstm_error *error);

/* Part of a buffer: from `offset` bytes (a multiple of 4) on. mem NULL: absent. */
typedef struct oclstm_buffer {
  cl_mem mem;
  size_t offset;
} oclstm_buffer;

typedef struct oclstm_opencl_io {
  size_t struct_size;
  size_t steps;
  oclstm_layout layout;
  /* x or, with an embedding, ids, and the others as in oclstm_io, on the device; none may overlap another. Ids are not
   * checked here: one that is outside of the embedding makes its row NaN from there on. */
  oclstm_buffer x;
  /* int32 [B]; values over `steps` count as `steps`, negative ones as 0. They stay on the device: reading them would
   * wait for the caller's queue. So rows are taken as they come, where oclstm_forward takes longer ones first and skips
   * the work of rows that have ended together. A caller who knows the lengths has the same by putting longer rows
   * first in the batch; results of a row do not depend on its place. */
  oclstm_buffer lengths;
  oclstm_buffer y;
  oclstm_buffer cells;
  cl_uint
      n_wait; /* events of the same context that must be complete before x, lengths, y or cells are touched */
  const cl_event *wait;
  cl_event *event; /* NULL, or receives the event of the last command: the caller's to release */
} oclstm_opencl_io;
#define OCLSTM_OPENCL_IO_INIT                                                                            \
  {                                                                                                      \
    sizeof(oclstm_opencl_io), 0, OCLSTM_TIME_MAJOR, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, NULL, \
        NULL                                                                                             \
  }

/* oclstm_forward on device buffers, asynchronous: returns when the work is enqueued. Buffers are borrowed until the
 * event is complete. With steps = 0 the event is still given.
 * Returns OK; E_ARGUMENT (a buffer too small, an offset not a multiple of 4, a plan of the reference); E_STATE;
 * E_OPENCL; E_DEVICE_LOST; E_MEMORY and E_DEVICE_MEMORY (the driver's). */
OCLSTM_API oclstm_status oclstm_forward_opencl(oclstm_plan *plan, oclstm_state *state,
                                               const oclstm_opencl_io *io, oclstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
