/* A sweep with the caller's rows in host memory: in, walk, out. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"
#include "opencl/plan/rows.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/strategy.h"

static oclstm_status write_lengths(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t bytes = plan->base.desc.rows * sizeof *sweep->lengths;
  plan->lengths = sweep->lengths != NULL ? plan->given_lengths : plan->no_lengths;
  plan->order = sweep->lengths != NULL ? plan->given_order : plan->no_order;
  if (sweep->lengths != NULL) {
    oclstm__order_rows(sweep->lengths, plan->base.desc.rows, plan->sorted);
    TRY(oclstm__cl_write(cl, plan->order, CL_FALSE, 0, bytes, plan->sorted, error));
    TRY(oclstm__cl_order(cl, error));
    TRY(oclstm__cl_write(cl, plan->lengths, CL_FALSE, 0, bytes, sweep->lengths, error));
    TRY(oclstm__cl_order(cl, error));
  }
done:
  return status;
}

/* What comes in and goes out, in floats or ids a row, and whether it is laid out as inside. */
typedef struct end {
  size_t width;
  bool ids, as_it_is;
} end;

static end input_of(const oclstm__cl_plan *plan, const oclstm__sweep *sweep) {
  const oclstm_model *model = plan->base.model;
  const oclstm_layer *layers = model->layers;
  bool ids = model->embedding_size != 0 && sweep->first_layer == 0 && sweep->n_layers > 0;
  size_t width = ids ? 1
                 : sweep->n_layers > 0
                     ? layers[sweep->first_layer].input_size
                     : oclstm_layer_output_size(&layers[sweep->first_layer - 1]); /* head alone */
  return (end){width, ids, !ids && oclstm__as_inside(plan, sweep->layout)};
}

static size_t bytes_of(const oclstm__cl_plan *plan, const oclstm__sweep *sweep, size_t width) {
  return sweep->steps * plan->base.desc.rows * width * sizeof(float);
}

/* Floats in a row of the sweep's output and of its cells. */
static size_t output_width(const oclstm_model *model, const oclstm__sweep *sweep) {
  const oclstm_layer *last = &model->layers[sweep->first_layer + sweep->n_layers - 1];
  if (sweep->head) {
    return model->head_size;
  }
  return sweep->part == OCLSTM__REVERSE_HALF ? oclstm_layer_state_size(last) : oclstm_layer_output_size(last);
}

static size_t cells_width(const oclstm_model *model, const oclstm__sweep *sweep) {
  const oclstm_layer *last = &model->layers[sweep->first_layer + sweep->n_layers - 1];
  bool half = sweep->part != OCLSTM__WHOLE && sweep->n_layers == 1;
  return (half ? 1 : oclstm_layer_directions(last)) * last->hidden_size;
}

static bool overlap(const void *a, const void *b, size_t a_bytes, size_t b_bytes) {
  const uintptr_t x = (uintptr_t)a;
  const uintptr_t y = (uintptr_t)b;
  return a != NULL && b != NULL && x < y + b_bytes && y < x + a_bytes;
}

/* Rows that are already as we want them are used where they lie, or go straight to their place; what is behind a row's length
 * is multiplied at most, and the product never read. Ids are as wide as floats. */
static oclstm_status write_input(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm__ends *ends,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const end in = input_of(plan, sweep);
  const size_t bytes = bytes_of(plan, sweep, in.width);
  const bool shared = overlap(sweep->input, sweep->output, bytes,
                              bytes_of(plan, sweep, output_width(plan->base.model, sweep)));
  cl_mem from = shared ? NULL : oclstm__borrow(plan, &plan->borrowed_x, sweep->input, bytes);
  if (from != NULL && in.as_it_is && !plan->gemm->pads) {
    ends->in = from;
    return OCLSTM_OK;
  }
  if (from == NULL) {
    from = in.as_it_is ? plan->activations[0] : plan->caller;
    TRY(oclstm__cl_write(cl, from, CL_FALSE, 0, bytes, sweep->input, error));
    TRY(oclstm__cl_order(cl, error));
  }
  if (in.ids) {
    TRY(oclstm__cl_gather(plan, from, 0, sweep->layout, sweep->steps, plan->activations[0], error));
  } else if (from != plan->activations[0]) {
    TRY(oclstm__cl_pack(plan, from, 0, sweep->layout, sweep->steps, in.width,
                        (oclstm__columns){plan->activations[0], in.width, 0, OCLSTM_CONCAT}, error));
  }
done:
  return status;
}

/* Where the last layer can write the caller's rows itself. */
static cl_mem place_output(oclstm__cl_plan *plan, const oclstm__sweep *sweep) {
  if (!oclstm__as_inside(plan, sweep->layout) || sweep->head || sweep->n_layers == 0) {
    return NULL;
  }
  return oclstm__borrow(plan, &plan->borrowed_y, sweep->output,
                        bytes_of(plan, sweep, output_width(plan->base.model, sweep)));
}

/* *waited: nothing is under way any more. to NULL: the rows are not wanted. */
static oclstm_status read_rows(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm__rows from,
                               size_t width, oclstm__borrowed *slot, float *to, bool *waited,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t bytes = bytes_of(plan, sweep, width);
  const bool floats = !from.stored || plan->base.desc.precision == OCLSTM_PRECISION_F32;
  cl_mem there = NULL;
  if (to == NULL) {
    return OCLSTM_OK;
  }
  if (sweep->layout == OCLSTM_BATCH_MAJOR || !floats) {
    there = oclstm__borrow(plan, slot, to, bytes);
    cl_mem laid_out = there != NULL ? there : plan->caller;
    TRY(oclstm__cl_unpack(plan, from, laid_out, 0, sweep->layout, sweep->steps, width, error));
    from.mem = laid_out;
  }
  if (there == NULL) {
    TRY(oclstm__cl_read(oclstm__plan_cl(plan), from.mem, bytes, to, error));
  }
  *waited = there == NULL;
done:
  return status;
}

/* Blocks until output and cells are there, and x is the caller's again. */
static oclstm_status finish(oclstm__cl_plan *plan, const oclstm__sweep *sweep, const oclstm__ends *ends,
                            oclstm__rows result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  bool waited = false;
  if (ends->out == NULL) {
    TRY(read_rows(plan, sweep, result, output_width(model, sweep), &plan->borrowed_y, sweep->output, &waited,
                  error));
  }
  TRY(read_rows(plan, sweep, (oclstm__rows){plan->cells, false}, cells_width(model, sweep),
                &plan->borrowed_cells, sweep->cells, &waited, error));
  TRY(oclstm__check_meetings(plan, &waited, error));
  if (!waited) {
    TRY(oclstm__cl_settle(oclstm__plan_cl(plan), error));
  }
done:
  return status;
}

oclstm_status oclstm__cl_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  oclstm__rows result = {NULL, false};
  oclstm__ends ends = {NULL, place_output(p, sweep)};
  TRY(write_lengths(p, sweep, error));
  TRY(write_input(p, sweep, &ends, error));
  TRY(oclstm__cl_walk(p, oclstm__cl_state_of(state), sweep, &ends, &result, error));
  TRY(finish(p, sweep, &ends, result, error));
done:
  if (status != OCLSTM_OK) {
    oclstm__lanes_settle(oclstm__plan_cl(p), p->n_lanes); /* x and y are the caller's again */
  }
  return status;
}

/* ---- the engine ---- */

static const char *build_log(const oclstm_context *context) {
  const oclstm__cl *cl = oclstm__cl_of(context);
  return cl->build_log != NULL ? cl->build_log : "";
}

const oclstm__engine oclstm__opencl_engine = {
    .context_destroy = oclstm__cl_context_destroy,
    .build_log = build_log,
    .counters = oclstm__cl_counters,
    .counters_reset = oclstm__cl_counters_reset,
    .peak_flops = oclstm__cl_peak_flops,
    .peak_read = oclstm__cl_peak_read,
    .supports = oclstm__cl_supports,
    .plan_create = oclstm__cl_plan_create,
    .plan_destroy = oclstm__cl_plan_destroy,
    .plan_layer = oclstm__cl_plan_layer,
    .plan_candidate = oclstm__cl_plan_candidate,
    .plan_memory = oclstm__cl_plan_memory,
    .state_create = oclstm__cl_state_create,
    .state_destroy = oclstm__cl_state_destroy,
    .state_set = oclstm__cl_state_set,
    .state_get = oclstm__cl_state_get,
    .sweep = oclstm__cl_sweep,
};
