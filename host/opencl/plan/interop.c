/* The caller's own OpenCL objects: oclstm_opencl.h.
 * SPDX-License-Identifier: MIT */
#include "oclstm/oclstm_opencl.h"

#include <stdio.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"
#include "opencl/plan/rows.h"
#include "opencl/plan/sizes.h"

/* ---- context ---- */

static oclstm_status check_objects(const oclstm_opencl_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_context of_queue = NULL;
  cl_device_id device = NULL;
  REQUIRE(desc->context != NULL && desc->device != NULL && desc->queue != NULL, OCLSTM_E_ARGUMENT,
          "context, device or queue is NULL");
  CL(clGetCommandQueueInfo(desc->queue, CL_QUEUE_CONTEXT, sizeof of_queue, &of_queue, NULL));
  CL(clGetCommandQueueInfo(desc->queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL));
  REQUIRE(of_queue == desc->context && device == desc->device, OCLSTM_E_ARGUMENT,
          "the queue is of another context or device");
done:
  return status;
}

oclstm_status oclstm_context_create_opencl(const oclstm_opencl_desc *desc, oclstm_context **context,
                                           oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_platform_id platform = NULL;
  oclstm_device_info info;
  REQUIRE(context != NULL, OCLSTM_E_ARGUMENT, "context is NULL");
  *context = NULL;
  REQUIRE(desc != NULL && desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT,
          "desc is NULL or of another version");
  REQUIRE(oclstm__allocator_valid(desc->allocator), OCLSTM_E_ARGUMENT,
          "allocator has one of its two functions");
  TRY(check_objects(desc, error));
  CL(clGetDeviceInfo(desc->device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL));
  TRY(oclstm__cl_describe(platform, desc->device, &info, error));
  (void)snprintf(info.id, sizeof info.id, "opencl");
  REQUIRE(info.usable, OCLSTM_E_DEVICE, "%s cannot be used: %s", info.name, info.why_not);
  TRY(oclstm__cl_wrap(desc->context, desc->device, desc->queue, desc->cache_dir, &desc->allocator, &desc->log,
                      &info, context, error));
done:
  return status;
}

oclstm_status oclstm_context_get_opencl(const oclstm_context *context, cl_context *cl_ctx,
                                        cl_device_id *device, cl_command_queue *queue, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL && context->engine == &oclstm__opencl_engine, OCLSTM_E_ARGUMENT,
          "context is NULL or the reference");
  const oclstm__cl *cl = oclstm__cl_of(context);
  if (cl_ctx != NULL) {
    *cl_ctx = cl->context;
  }
  if (device != NULL) {
    *device = cl->device;
  }
  if (queue != NULL) {
    *queue = cl->queue;
  }
done:
  return status;
}

/* ---- forward ---- */

static oclstm_status check_buffer(const oclstm_buffer *buffer, size_t floats, const char *name,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t bytes = 0;
  if (buffer->mem == NULL) {
    return OCLSTM_OK;
  }
  CL(clGetMemObjectInfo(buffer->mem, CL_MEM_SIZE, sizeof bytes, &bytes, NULL));
  REQUIRE(buffer->offset % sizeof(float) == 0, OCLSTM_E_ARGUMENT, "offset of %s is %zu, no multiple of 4",
          name, buffer->offset);
  REQUIRE(buffer->offset <= bytes && floats <= (bytes - buffer->offset) / sizeof(float), OCLSTM_E_ARGUMENT,
          "%s: %zu floats behind offset %zu do not fit the buffer of %zu bytes", name, floats, buffer->offset,
          bytes);
done:
  return status;
}

static oclstm_status check_io(const oclstm__cl_plan *plan, const oclstm_opencl_io *io, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  size_t B = plan->base.desc.rows;
  size_t rows = io->steps * B; /* steps is at most the plan's: no overflow */
  const oclstm__widths w = oclstm__plan_widths(model, true);
  REQUIRE((io->n_wait == 0) == (io->wait == NULL), OCLSTM_E_ARGUMENT, "%u events in a wait list that is %s",
          (unsigned)io->n_wait, io->wait == NULL ? "NULL" : "given");
  TRY(check_buffer(&io->x, rows * oclstm_model_input_size(model), "x", error));
  TRY(check_buffer(&io->lengths, B, "lengths", error));
  TRY(check_buffer(&io->y, rows * oclstm_model_output_size(model), "y", error));
  TRY(check_buffer(&io->cells, rows * w.cells, "cells", error));
done:
  return status;
}

static oclstm_status enqueue_lengths(oclstm__cl_plan *plan, const oclstm_opencl_io *io, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t bytes = plan->base.desc.rows * sizeof(cl_int);
  plan->lengths = io->lengths.mem != NULL ? plan->given_lengths : plan->no_lengths;
  plan->order = plan->no_order;
  if (io->lengths.mem != NULL) {
    CL(clEnqueueCopyBuffer(cl->queue, io->lengths.mem, plan->lengths, io->lengths.offset, 0, bytes, 0, NULL,
                           NULL));
    TRY(oclstm__cl_order(cl, error));
  }
done:
  return status;
}

/* The caller's buffers where layers can read and write their rows as they lie. A merge reads y again, which the caller may have
 * made for writing alone. */
static oclstm__ends ends_of(const oclstm__cl_plan *plan, const oclstm_opencl_io *io) {
  const oclstm_model *model = plan->base.model;
  const oclstm_layer *last = &model->layers[model->n_layers - 1];
  const bool as_inside = oclstm__as_inside(plan, io->layout);
  const bool merged = last->direction == OCLSTM_BIDIRECTIONAL && last->merge != OCLSTM_CONCAT;
  const bool in = as_inside && io->x.offset == 0 && model->embedding_size == 0 && !plan->gemm->pads;
  const bool out = as_inside && io->y.offset == 0 && model->head_size == 0 && !merged;
  return (oclstm__ends){in ? io->x.mem : NULL, out ? io->y.mem : NULL};
}

static oclstm_status enqueue_network(oclstm__cl_plan *plan, oclstm__cl_state *state,
                                     const oclstm_opencl_io *io, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const oclstm__widths w = oclstm__plan_widths(model, plan->base.desc.cells != 0);
  size_t I = oclstm_model_input_size(model);
  oclstm__rows result = {NULL, false};
  const oclstm__ends ends = ends_of(plan, io);
  const oclstm__sweep whole = {.steps = io->steps,
                               .layout = io->layout,
                               .n_layers = model->n_layers,
                               .head = model->head_size != 0,
                               .part = OCLSTM__WHOLE};
  TRY(enqueue_lengths(plan, io, error));
  if (model->embedding_size != 0) {
    TRY(oclstm__cl_gather(plan, io->x.mem, io->x.offset / sizeof(cl_int), io->layout, io->steps,
                          plan->activations[0], error));
  } else if (ends.in == NULL) {
    TRY(oclstm__cl_pack(plan, io->x.mem, io->x.offset / sizeof(float), io->layout, io->steps, I,
                        (oclstm__columns){plan->activations[0], I, 0, OCLSTM_CONCAT}, error));
  }
  TRY(oclstm__cl_walk(plan, state, &whole, &ends, &result, error));
  if (io->y.mem != NULL && ends.out == NULL) {
    TRY(oclstm__cl_unpack(plan, result, io->y.mem, io->y.offset / sizeof(float), io->layout, io->steps,
                          oclstm_model_output_size(model), error));
  }
  if (io->cells.mem != NULL) {
    TRY(oclstm__cl_unpack(plan, (oclstm__rows){plan->cells, false}, io->cells.mem,
                          io->cells.offset / sizeof(float), io->layout, io->steps, w.cells, error));
  }
done:
  return status;
}

oclstm_status oclstm_forward_opencl(oclstm_plan *plan, oclstm_state *state, const oclstm_opencl_io *io,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(plan != NULL && state != NULL && io != NULL && io->struct_size == sizeof *io, OCLSTM_E_ARGUMENT,
          "plan, state or io is NULL, or io is of another version");
  REQUIRE(plan->context->engine == &oclstm__opencl_engine, OCLSTM_E_ARGUMENT, "the plan is of the reference");
  const oclstm__call call = {io->steps, io->layout, io->x.mem != NULL, io->cells.mem != NULL};
  TRY(oclstm__check_call(plan, state, &call, error));
  oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  const oclstm__cl *cl = oclstm__plan_cl(p);
  TRY(check_io(p, io, error));
  CL(clEnqueueBarrierWithWaitList(cl->queue, io->n_wait, io->wait, NULL));
  TRY(oclstm__cl_order(cl, error));
  if (io->steps > 0) {
    TRY(enqueue_network(p, oclstm__cl_state_of(state), io, error));
  }
  if (io->event != NULL) {
    CL(clEnqueueBarrierWithWaitList(cl->queue, 0, NULL, io->event));
  }
  CL(clFlush(cl->queue));
done:
  return status;
}
