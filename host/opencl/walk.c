/* Running a plan on the device: layer after layer, from rows to rows. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#include "opencl/cl.h"
#include "opencl/gemm.h"
#include "opencl/plan.h"
#include "opencl/rows.h"
#include "opencl/stage.h"
#include "opencl/strategy.h"

/* ---- layers ---- */

/* HASTE: a row of gx is normalised over all its gates before any step reads it. */
static oclstm_status normalise_input(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t rows,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const cl_int H = (cl_int)r->layer->hidden_size;
  const cl_int HP = (cl_int)r->HP;
  const oclstm__arg args[] = {
      {sizeof(cl_mem), &plan->gx}, {sizeof(cl_mem), &r->params}, {sizeof H, &H}, {sizeof HP, &HP}};
  size_t lanes = r->stages[0].lanes;
  TRY(oclstm__set_args(r->norm_input, 0, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_items(oclstm__plan_cl(plan), r->norm_input, rows * lanes, lanes, error));
done:
  return status;
}

static oclstm_status walk_direction(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                                    cl_mem in, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t rows = steps->n * plan->base.desc.rows;
  if (r->input != NULL) {
    TRY(oclstm__gemm_enqueue(r->input, in, rows, plan->gx, error));
  }
  if (r->norm_input != NULL) {
    TRY(normalise_input(plan, r, rows, error));
  }
  TRY(r->choice.strategy->run(plan, r, steps, error));
done:
  return status;
}

/* Where direction d of a layer puts its y. Halves of a concatenation have columns of their own; otherwise the second
 * direction is merged with what the first has left. y of a REVERSE_HALF is alone in its rows. */
static void place_output(const oclstm_layer *layer, size_t d, bool reverse_alone, oclstm__steps *steps) {
  size_t R = oclstm_layer_state_size(layer);
  bool concat = layer->merge == OCLSTM_CONCAT;
  steps->y_ld = reverse_alone ? R : oclstm_layer_output_size(layer);
  steps->y_column = concat && !reverse_alone ? d * R : 0;
  steps->merge = d == 1 && !reverse_alone ? layer->merge : OCLSTM_CONCAT;
}

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
    bool cells_alone = reverse_alone || forward_alone;
    oclstm__steps steps = {
        .n = sweep->steps,
        .reverse = layer->direction == OCLSTM_REVERSE || d == 1,
        .state = &state->cells[2 * l + d],
        .y = out,
        .x = in,
        .cells_ld = cells_alone ? H : oclstm_layer_directions(layer) * H,
        .cells_column = cells_alone ? 0 : d * H,
    };
    place_output(layer, d, reverse_alone, &steps);
    TRY(walk_direction(plan, &plan->runners[2 * l + d], &steps, in, error));
  }
done:
  return status;
}

/* y of the other direction joins what the forward one has left in `out`. The host array is borrowed until the sweep's
 * end. */
static oclstm_status join_other_half(oclstm__cl_plan *plan, const oclstm__sweep *sweep, cl_mem out,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_layer *layer = &plan->base.model->layers[sweep->first_layer];
  size_t R = oclstm_layer_state_size(layer);
  size_t bytes = sweep->steps * plan->base.desc.rows * R * sizeof(float);
  oclstm__steps place = {.n = 0};
  place_output(layer, 1, false, &place);
  TRY(oclstm__cl_write(cl, plan->caller, CL_FALSE, 0, bytes, sweep->other, error));
  TRY(oclstm__cl_order(cl, error));
  TRY(oclstm__cl_pack(plan, plan->caller, 0, sweep->layout, sweep->steps, R,
                      (oclstm__columns){out, place.y_ld, place.y_column, place.merge}, error));
done:
  return status;
}

/* ---- behind the last layer ---- */

/* y of the head is float32, in the place of gx. */
static oclstm_status walk_head(oclstm__cl_plan *plan, size_t n, cl_mem in, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const cl_int shape[] = {(cl_int)n, (cl_int)plan->base.desc.rows, (cl_int)plan->base.model->head_size};
  const oclstm__arg args[] = {
      {sizeof(cl_mem), &plan->gx}, {sizeof(cl_mem), &plan->head_b}, {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_int), &shape[0]}, {sizeof(cl_int), &shape[1]},     {sizeof(cl_int), &shape[2]},
  };
  TRY(oclstm__gemm_enqueue(plan->head, in, n * plan->base.desc.rows, plan->gx, error));
  TRY(oclstm__cl_items(plan, plan->head_bias, args, sizeof args / sizeof args[0], n * plan->base.desc.rows,
                       plan->base.model->head_size, error));
done:
  return status;
}

oclstm_status oclstm__cl_walk(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                              const oclstm__ends *ends, oclstm__rows *result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_mem in = ends->in != NULL ? ends->in : plan->activations[0];
  for (size_t k = 0; k < sweep->n_layers; ++k) {
    bool last = k + 1 == sweep->n_layers;
    cl_mem out = last && ends->out != NULL ? ends->out : plan->activations[(k + 1) % 2];
    TRY(walk_layer(plan, state, sweep, sweep->first_layer + k, in, out, error));
    if (k == 0 && sweep->part == OCLSTM__FORWARD_HALF) {
      TRY(join_other_half(plan, sweep, out, error));
    }
    in = out;
  }
  *result = (oclstm__rows){in, true};
  if (sweep->head) {
    TRY(walk_head(plan, sweep->steps, in, error));
    *result = (oclstm__rows){plan->gx, false};
  }
done:
  return status;
}
