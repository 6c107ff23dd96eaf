/* What the engine offers: contexts, plans, states, and calls run through them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_CALLS_H
#define OCLSTM_OPENCL_CALLS_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"

extern const oclstm__engine oclstm__opencl_engine;

/* ---- context.c, plan.c, state.c ---- */

void oclstm__cl_context_destroy(oclstm_context *context);
oclstm_status oclstm__cl_plan_create(oclstm_context *context, const oclstm_model *model,
                                     const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error);
void oclstm__cl_plan_destroy(oclstm_plan *plan);
oclstm_status oclstm__cl_state_create(const oclstm_plan *plan, oclstm_state **state, oclstm_error *error);
void oclstm__cl_state_destroy(oclstm_state *state);
oclstm_status oclstm__cl_state_set(oclstm_state *state, const float *h, const float *c, oclstm_error *error);
oclstm_status oclstm__cl_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);

/* A context around objects that are already there; they are retained. */
oclstm_status oclstm__cl_wrap(cl_context context, cl_device_id device, cl_command_queue queue,
                              const char *cache_dir, const oclstm_allocator *allocator, const oclstm_log *log,
                              const oclstm_device_info *info, oclstm_context **out, oclstm_error *error);

/* ---- borrow.c: the caller's arrays as buffers ---- */

/* What oclstm__cl.sharing says. */
enum { OCLSTM__SHARING_UNKNOWN, OCLSTM__COPIES, OCLSTM__SHARES };

/* Asks the device, once a context, whether that works. Before the first oclstm__borrow. */
void oclstm__ask_sharing(oclstm__cl *cl);
/* A buffer over an array, kept in the slot until another array comes. NULL where its rows have to be copied. */
cl_mem oclstm__borrow(const oclstm__cl_plan *plan, oclstm__borrowed *slot, const void *array, size_t bytes);

/* ---- walk.c, forward.c ---- */

/* Where a sweep finds its rows, as the layers want them, and where its last layer leaves them; NULL: in the plan's own
 * activations, on the input side in the first. */
typedef struct oclstm__ends {
  cl_mem in, out;
} oclstm__ends;
/* The layers and the head of a sweep, to *result. */
oclstm_status oclstm__cl_walk(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                              const oclstm__ends *ends, oclstm__rows *result, oclstm_error *error);
oclstm_status oclstm__cl_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                               oclstm_error *error);

#endif
