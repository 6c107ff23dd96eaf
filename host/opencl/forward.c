/* Running a plan: rows in, layer after layer, rows out. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

enum { ITEMS_LOCAL = 64 }; /* fixed, because some drivers compile a kernel anew for each local size */

static size_t items_local(const oclstm__cl *cl) {
  return oclstm__min(ITEMS_LOCAL, cl->base.device.max_work_group);
}

/* A kernel over single floats, rows.cl's kind. */
static oclstm_status run_items(const oclstm__cl_plan *plan, cl_kernel kernel, const oclstm__arg *args,
                               size_t n_args, size_t items, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  TRY(oclstm__set_args(kernel, 0, args, n_args, error));
  TRY(oclstm__enqueue_items(cl, kernel, items, items_local(cl), error));
done:
  return status;
}

/* ---- rows in and out ---- */

oclstm_status oclstm__cl_pack(oclstm__cl_plan *plan, cl_mem from, size_t first, oclstm_layout layout,
                              size_t steps, size_t width, oclstm__columns to, oclstm_error *error) {
  const cl_ulong from_first = first;
  const cl_int place[] = {(cl_int)to.ld, (cl_int)to.column};
  const cl_int shape[] = {layout == OCLSTM_BATCH_MAJOR, (cl_int)steps, (cl_int)plan->base.desc.rows,
                          (cl_int)width};
  const oclstm__arg args[] = {
      {sizeof from, &from},        {sizeof from_first, &from_first}, {sizeof to.mem, &to.mem},
      {sizeof(cl_int), &place[0]}, {sizeof(cl_int), &place[1]},      {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_int), &shape[0]}, {sizeof(cl_int), &shape[1]},      {sizeof(cl_int), &shape[2]},
      {sizeof(cl_int), &shape[3]},
  };
  return run_items(plan, plan->pack_rows, args, sizeof args / sizeof args[0],
                   steps * plan->base.desc.rows * width, error);
}

oclstm_status oclstm__cl_unpack(oclstm__cl_plan *plan, cl_mem from, cl_mem to, size_t first,
                                oclstm_layout layout, size_t steps, size_t width, oclstm_error *error) {
  const cl_ulong to_first = first;
  const cl_int shape[] = {layout == OCLSTM_BATCH_MAJOR, (cl_int)steps, (cl_int)plan->base.desc.rows,
                          (cl_int)width};
  const oclstm__arg args[] = {
      {sizeof from, &from},         {sizeof to, &to},
      {sizeof to_first, &to_first}, {sizeof(cl_int), &shape[0]},
      {sizeof(cl_int), &shape[1]},  {sizeof(cl_int), &shape[2]},
      {sizeof(cl_int), &shape[3]},
  };
  return run_items(plan, plan->unpack_rows, args, sizeof args / sizeof args[0],
                   steps * plan->base.desc.rows * width, error);
}

/* ---- layers ---- */

/* One layer from `in` to `out`; y of a half sweep is alone in its rows, except that FORWARD_HALF leaves room for the
 * other half when something follows or is read. */
static oclstm_status walk_layer(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                                size_t l, cl_mem in, cl_mem out, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_layer *layer = &plan->base.model->layers[l];
  size_t H = layer->hidden_size;
  bool first = l == sweep->first_layer;
  bool reverse_alone = first && sweep->part == OCLSTM__REVERSE_HALF;
  bool forward_alone = first && sweep->part == OCLSTM__FORWARD_HALF;
  for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
    if ((reverse_alone && d == 0) || (forward_alone && d == 1)) {
      continue;
    }
    oclstm__runner *r = &plan->runners[2 * l + d];
    size_t halves = oclstm_layer_directions(layer);
    bool cells_alone = reverse_alone || forward_alone;
    const oclstm__steps steps = {
        .n = sweep->steps,
        .reverse = layer->direction == OCLSTM_REVERSE || d == 1,
        .state = &state->cells[2 * l + d],
        .y = out,
        .y_ld = reverse_alone ? H : halves * H,
        .y_column = reverse_alone ? 0 : d * H,
        .cells_ld = cells_alone ? H : halves * H,
        .cells_column = cells_alone ? 0 : d * H,
    };
    TRY(oclstm__gemm_enqueue(r->input, in, sweep->steps * plan->base.desc.rows, plan->gx, error));
    TRY(plan->strategy->run(plan, r, &steps, error));
  }
done:
  return status;
}

static oclstm_status walk_head(oclstm__cl_plan *plan, size_t n, cl_mem in, cl_mem out, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const cl_int shape[] = {(cl_int)n, (cl_int)plan->base.desc.rows, (cl_int)plan->base.model->head_size};
  const oclstm__arg args[] = {
      {sizeof out, &out},          {sizeof(cl_mem), &plan->head_b}, {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_int), &shape[0]}, {sizeof(cl_int), &shape[1]},     {sizeof(cl_int), &shape[2]},
  };
  TRY(oclstm__gemm_enqueue(plan->head, in, n * plan->base.desc.rows, out, error));
  TRY(run_items(plan, plan->head_bias, args, sizeof args / sizeof args[0],
                n * plan->base.desc.rows * plan->base.model->head_size, error));
done:
  return status;
}

/* y of the other direction into its columns of `out`. The host array is borrowed until the sweep's end. */
static oclstm_status write_other_half(oclstm__cl_plan *plan, const oclstm__sweep *sweep, cl_mem out,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t R = oclstm_layer_state_size(&plan->base.model->layers[sweep->first_layer]);
  size_t bytes = sweep->steps * plan->base.desc.rows * R * sizeof(float);
  CL(clEnqueueWriteBuffer(cl->queue, plan->caller, CL_FALSE, 0, bytes, sweep->other, 0, NULL, NULL));
  TRY(oclstm__cl_order(cl, error));
  TRY(oclstm__cl_pack(plan, plan->caller, 0, sweep->layout, sweep->steps, R, (oclstm__columns){out, 2 * R, R},
                      error));
done:
  return status;
}

oclstm_status oclstm__cl_walk(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                              cl_mem *result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_mem in = plan->activations[0];
  cl_mem out = plan->activations[1];
  for (size_t l = sweep->first_layer; l < sweep->first_layer + sweep->n_layers; ++l) {
    TRY(walk_layer(plan, state, sweep, l, in, out, error));
    if (l == sweep->first_layer && sweep->part == OCLSTM__FORWARD_HALF) {
      TRY(write_other_half(plan, sweep, out, error));
    }
    cl_mem swap = in;
    in = out;
    out = swap;
  }
  if (sweep->head) {
    TRY(walk_head(plan, sweep->steps, in, out, error));
    in = out;
  }
  *result = in;
done:
  return status;
}

/* ---- a sweep with the caller's rows in host memory ---- */

static oclstm_status write_lengths(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t bytes = plan->base.desc.rows * sizeof *sweep->lengths;
  plan->lengths = sweep->lengths != NULL ? plan->given_lengths : plan->no_lengths;
  if (sweep->lengths != NULL) {
    CL(clEnqueueWriteBuffer(cl->queue, plan->lengths, CL_FALSE, 0, bytes, sweep->lengths, 0, NULL, NULL));
    TRY(oclstm__cl_order(cl, error));
  }
done:
  return status;
}

/* Rows that are already as we want them go straight to their place. */
static oclstm_status write_input(oclstm__cl_plan *plan, const oclstm__sweep *sweep, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_layer *layers = plan->base.model->layers;
  size_t width = sweep->n_layers > 0
                     ? layers[sweep->first_layer].input_size
                     : oclstm_layer_output_size(&layers[sweep->first_layer - 1]); /* head alone */
  size_t bytes = sweep->steps * plan->base.desc.rows * width * sizeof(float);
  bool as_it_is = sweep->layout == OCLSTM_TIME_MAJOR && sweep->lengths == NULL;
  cl_mem to = as_it_is ? plan->activations[0] : plan->caller;
  CL(clEnqueueWriteBuffer(cl->queue, to, CL_FALSE, 0, bytes, sweep->input, 0, NULL, NULL));
  TRY(oclstm__cl_order(cl, error));
  if (!as_it_is) {
    TRY(oclstm__cl_pack(plan, plan->caller, 0, sweep->layout, sweep->steps, width,
                        (oclstm__columns){plan->activations[0], width, 0}, error));
  }
done:
  return status;
}

/* Blocks until the rows are there. to NULL: they are not wanted. */
static oclstm_status read_output(oclstm__cl_plan *plan, const oclstm__sweep *sweep, cl_mem from, size_t width,
                                 float *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t bytes = sweep->steps * plan->base.desc.rows * width * sizeof(float);
  if (to == NULL) {
    return OCLSTM_OK;
  }
  if (sweep->layout == OCLSTM_BATCH_MAJOR) {
    TRY(oclstm__cl_unpack(plan, from, plan->caller, 0, sweep->layout, sweep->steps, width, error));
    from = plan->caller;
  }
  CL(clEnqueueReadBuffer(cl->queue, from, CL_TRUE, 0, bytes, to, 0, NULL, NULL));
done:
  return status;
}

/* Waits for what has been enqueued, without a clFinish on a queue that may be the caller's. */
static oclstm_status settle(const oclstm__cl *cl, oclstm_error *error) {
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
  return sweep->part == OCLSTM__REVERSE_HALF ? last->hidden_size : oclstm_layer_output_size(last);
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
  cl_mem result = NULL;
  TRY(write_lengths(p, sweep, error));
  TRY(write_input(p, sweep, error));
  TRY(oclstm__cl_walk(p, oclstm__cl_state_of(state), sweep, &result, error));
  TRY(read_output(p, sweep, result, output_width(model, sweep), sweep->output, error));
  TRY(read_output(p, sweep, p->cells, cells_width(model, sweep), sweep->cells, error));
  if (sweep->output == NULL && sweep->cells == NULL) {
    TRY(settle(oclstm__plan_cl(p), error));
  }
done:
  if (status != OCLSTM_OK) {
    (void)settle(oclstm__plan_cl(p), NULL); /* x is the caller's again */
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
    .supports = oclstm__cl_supports,
    .plan_create = oclstm__cl_plan_create,
    .plan_destroy = oclstm__cl_plan_destroy,
    .state_create = oclstm__cl_state_create,
    .state_destroy = oclstm__cl_state_destroy,
    .state_set = oclstm__cl_state_set,
    .state_get = oclstm__cl_state_get,
    .sweep = oclstm__cl_sweep,
};
