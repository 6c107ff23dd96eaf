/* A sweep with the caller's rows in host memory: in, walk, out. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#include "opencl/cl.h"
#include "opencl/plan.h"
#include "opencl/rows.h"
#include "opencl/strategy.h"
#include "opencl/tuning.h"

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

/* Rows that are already as we want them go straight to their place; what is behind a row's length is multiplied at most,
 * and the product never read. Ids are as wide as floats. */
static oclstm_status write_input(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_model *model = plan->base.model;
  const oclstm_layer *layers = model->layers;
  bool ids = model->embedding_size != 0 && sweep->first_layer == 0 && sweep->n_layers > 0;
  size_t width = ids ? 1
                 : sweep->n_layers > 0
                     ? layers[sweep->first_layer].input_size
                     : oclstm_layer_output_size(&layers[sweep->first_layer - 1]); /* head alone */
  size_t bytes = sweep->steps * plan->base.desc.rows * width * sizeof(float);
  bool as_it_is =
      !ids && sweep->layout == OCLSTM_TIME_MAJOR && plan->base.desc.precision == OCLSTM_PRECISION_F32;
  cl_mem to = as_it_is ? plan->activations[0] : plan->caller;
  TRY(oclstm__cl_write(cl, to, CL_FALSE, 0, bytes, sweep->input, error));
  TRY(oclstm__cl_order(cl, error));
  if (ids) {
    TRY(oclstm__cl_gather(plan, plan->caller, 0, sweep->layout, sweep->steps, plan->activations[0], error));
  } else if (!as_it_is) {
    TRY(oclstm__cl_pack(plan, plan->caller, 0, sweep->layout, sweep->steps, width,
                        (oclstm__columns){plan->activations[0], width, 0, OCLSTM_CONCAT}, error));
  }
done:
  return status;
}

/* Blocks until the rows are there. to NULL: they are not wanted. */
static oclstm_status read_output(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm__rows from,
                                 size_t width, float *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t bytes = sweep->steps * plan->base.desc.rows * width * sizeof(float);
  if (to == NULL) {
    return OCLSTM_OK;
  }
  bool floats = !from.stored || plan->base.desc.precision == OCLSTM_PRECISION_F32;
  if (sweep->layout == OCLSTM_BATCH_MAJOR || !floats) {
    TRY(oclstm__cl_unpack(plan, from, plan->caller, 0, sweep->layout, sweep->steps, width, error));
    from.mem = plan->caller;
  }
  TRY(oclstm__cl_read(cl, from.mem, bytes, to, error));
done:
  return status;
}

oclstm_status oclstm__cl_settle(const oclstm__cl *cl, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_event all = NULL;
  CL(clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, &all));
  CL(clWaitForEvents(1, &all));
done:
  if (all != NULL) {
    (void)clReleaseEvent(all);
  }
  return status;
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

oclstm_status oclstm__cl_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  const oclstm_model *model = plan->model;
  oclstm__rows result = {NULL, false};
  TRY(write_lengths(p, sweep, error));
  TRY(write_input(p, sweep, error));
  TRY(oclstm__cl_walk(p, oclstm__cl_state_of(state), sweep, &result, error));
  TRY(read_output(p, sweep, result, output_width(model, sweep), sweep->output, error));
  TRY(read_output(p, sweep, (oclstm__rows){p->cells, false}, cells_width(model, sweep), sweep->cells, error));
  if (sweep->output == NULL && sweep->cells == NULL) {
    TRY(oclstm__cl_settle(oclstm__plan_cl(p), error));
  }
  TRY(oclstm__check_meetings(p, error));
done:
  if (status != OCLSTM_OK) {
    (void)oclstm__cl_settle(oclstm__plan_cl(p), NULL); /* x is the caller's again */
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
