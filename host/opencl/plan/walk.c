/* Running a plan on the device: layer after layer, from rows to rows. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"
#include "opencl/plan/rows.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"

/* ---- layers ---- */

/* HASTE: a row of gx is normalised over all its gates before any step reads it. */
static oclstm_status normalise_input(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t rows,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_mem gx = oclstm__gx_of(plan, r);
  const cl_int H = (cl_int)r->layer->hidden_size;
  const cl_int HP = (cl_int)r->HP;
  const oclstm__arg args[] = {
      {sizeof(cl_mem), &gx}, {sizeof(cl_mem), &r->params}, {sizeof H, &H}, {sizeof HP, &HP}};
  size_t lanes = r->stages[0].lanes;
  TRY(oclstm__set_args(r->norm_input, 0, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_items(oclstm__plan_cl(plan), r->norm_input, rows * lanes, lanes, error));
done:
  return status;
}

/* The rows of x and gx that hold the steps. */
static oclstm__gemm_rows rows_of(const oclstm__cl_plan *plan, const oclstm__steps *steps) {
  const size_t B = plan->base.desc.rows;
  const size_t first = steps->reverse ? steps->n - steps->last : steps->first;
  return (oclstm__gemm_rows){first * B, (steps->last - steps->first) * B};
}

/* What a provider multiplies; in the lane of the steps, behind what they are behind. */
static oclstm_status project(const oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__steps *steps,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__gemm_rows rows = rows_of(plan, steps);
  if (r->input != NULL) {
    TRY(oclstm__lane_await(oclstm__plan_cl(plan), steps->turn.lane, steps->turn.behind, error));
    TRY(oclstm__gemm_enqueue_rows(r->input, steps->turn.lane, rows, steps->x, oclstm__gx_of(plan, r), error));
  }
  if (r->norm_input != NULL) {
    TRY(normalise_input(plan, r, rows.n, error));
  }
done:
  return status;
}

static oclstm_status walk_direction(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(project(plan, r, steps, error));
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

/* Direction d of layer l over a whole chunk, in lane 0. */
static oclstm__steps steps_of(const oclstm__cl_plan *plan, oclstm__cl_state *state,
                              const oclstm__sweep *sweep, size_t l, size_t d, cl_mem in, cl_mem out) {
  const oclstm_layer *layer = &plan->base.model->layers[l];
  const size_t H = layer->hidden_size;
  const bool half = l == sweep->first_layer && sweep->part != OCLSTM__WHOLE;
  oclstm__steps steps = {
      .n = sweep->steps,
      .last = sweep->steps,
      .reverse = layer->direction == OCLSTM_REVERSE || d == 1,
      .state = &state->cells[2 * l + d],
      .y = out,
      .x = in,
      .cells_ld = half ? H : oclstm_layer_directions(layer) * H,
      .cells_column = half ? 0 : d * H,
  };
  place_output(layer, d, half && sweep->part == OCLSTM__REVERSE_HALF, &steps);
  return steps;
}

/* Each direction in a lane of its own. */
static oclstm_status walk_both(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                               size_t l, cl_mem in, cl_mem out, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  cl_event begun = NULL;
  cl_event ended = NULL;
  oclstm__runner *r = &plan->runners[2 * l];
  oclstm__steps steps[2];
  for (size_t d = 0; d < 2; ++d) {
    steps[d] = steps_of(plan, state, sweep, l, d, in, out);
    TRY(project(plan, &r[d], &steps[d], error));
  }
  TRY(oclstm__lane_mark(cl, 0, &begun, error));
  steps[0].turn = (oclstm__turn){1, begun, &ended};
  steps[0].beside = oclstm__groups_of(&r[1]);
  steps[1].beside = oclstm__groups_of(&r[0]);
  for (size_t d = 0; d < 2; ++d) {
    TRY(r[d].choice.strategy->run(plan, &r[d], &steps[d], error));
  }
  TRY(oclstm__lane_join(cl, 1, ended, error));
done:
  oclstm__event_release(&begun);
  oclstm__event_release(&ended);
  return status;
}

static oclstm_status walk_layer(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                                size_t l, cl_mem in, cl_mem out, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const bool half = l == sweep->first_layer && sweep->part != OCLSTM__WHOLE;
  if (!half && oclstm__directions_beside(plan, l)) {
    return walk_both(plan, state, sweep, l, in, out, error);
  }
  for (size_t d = 0; d < oclstm_layer_directions(&plan->base.model->layers[l]); ++d) {
    if (!half || d == (sweep->part == OCLSTM__REVERSE_HALF)) {
      oclstm__runner *r = &plan->runners[2 * l + d];
      oclstm__steps steps = steps_of(plan, state, sweep, l, d, in, out);
      steps.alone = oclstm__takes_all(plan, r, sweep->steps);
      TRY(walk_direction(plan, r, &steps, error));
    }
  }
done:
  return status;
}

/* ---- layers side by side ---- */

/* Layers from `layer` on, each a block of steps behind the one before, in lanes of their own. */
typedef struct chain {
  size_t length, block, blocks;
  size_t layer;
  oclstm__steps steps[OCLSTM__MOST_LANES];
  cl_event done[OCLSTM__MOST_LANES]; /* the last block of a layer that was enqueued */
} chain;

/* Block k of the chain's layer number l. Of the layer in front of it, that block was the last one to be enqueued. */
static oclstm_status walk_block(oclstm__cl_plan *plan, chain *c, size_t l, size_t k, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__steps *steps = &c->steps[l];
  const bool last = l + 1 == c->length && k + 1 == c->blocks;
  cl_event done = NULL;
  steps->turn.behind = l > 0 ? c->done[l - 1] : NULL;
  steps->turn.done = l + 1 < c->length || last ? &done : NULL;
  steps->first = k * c->block;
  steps->last = oclstm__min(steps->first + c->block, steps->n);
  TRY(walk_direction(plan, &plan->runners[2 * (c->layer + l)], steps, error));
  TRY(oclstm__lane_flush(oclstm__plan_cl(plan), steps->turn.lane, error));
done:
  oclstm__event_release(&c->done[l]);
  c->done[l] = done;
  return status;
}

/* In waves: a layer's block behind the block that it waits for, before that layer's next one. */
static oclstm_status walk_waves(oclstm__cl_plan *plan, chain *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t wave = 0; wave < c->blocks + c->length - 1; ++wave) {
    for (size_t l = c->length; l-- > 0;) {
      if (l <= wave && wave - l < c->blocks) {
        TRY(walk_block(plan, c, l, wave - l, error));
      }
    }
  }
done:
  return status;
}

/* Layer k of the walk finds its rows in buffer k of those, and leaves them in the next. */
static cl_mem rows_in_front(const oclstm__cl_plan *plan, const oclstm__sweep *sweep, const oclstm__ends *ends,
                            size_t k) {
  if (k == 0 && ends->in != NULL) {
    return ends->in;
  }
  return k == sweep->n_layers && k > 0 && ends->out != NULL ? ends->out
                                                            : plan->activations[k % plan->n_activations];
}

static oclstm_status walk_chain(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                                const oclstm__ends *ends, size_t k, size_t length, size_t block,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  chain c = {.length = length,
             .block = block,
             .blocks = (sweep->steps + block - 1) / block,
             .layer = sweep->first_layer + k};
  const size_t lanes = oclstm__chain_lanes(plan, c.layer, length);
  for (size_t l = 0; l < length; ++l) {
    c.steps[l] = steps_of(plan, state, sweep, c.layer + l, 0, rows_in_front(plan, sweep, ends, k + l),
                          rows_in_front(plan, sweep, ends, k + l + 1));
    c.steps[l].turn.lane = l % lanes;
  }
  TRY(walk_waves(plan, &c, error));
  TRY(oclstm__lane_join(cl, c.steps[length - 1].turn.lane, c.done[length - 1], error));
done:
  for (size_t l = 0; l < length; ++l) {
    oclstm__event_release(&c.done[l]);
  }
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
      {sizeof(cl_mem), &plan->gx[0]}, {sizeof(cl_mem), &plan->head_b}, {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_int), &shape[0]},    {sizeof(cl_int), &shape[1]},     {sizeof(cl_int), &shape[2]},
  };
  TRY(oclstm__gemm_enqueue(plan->head, in, n * plan->base.desc.rows, plan->gx[0], error));
  TRY(oclstm__cl_items(plan, plan->head_bias, args, sizeof args / sizeof args[0], n * plan->base.desc.rows,
                       plan->base.model->head_size, error));
done:
  return status;
}

/* Layers from number k of the walk on that run side by side, or one; *walked: how many. */
static oclstm_status walk_some(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                               const oclstm__ends *ends, size_t k, size_t *walked, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t l = sweep->first_layer + k;
  const size_t length = oclstm__chain(plan, l, sweep->n_layers - k);
  const size_t block = oclstm__chain_block(plan, l, length, sweep->steps);
  *walked = length > 1 && block < sweep->steps ? length : 1;
  if (*walked > 1) {
    TRY(walk_chain(plan, state, sweep, ends, k, length, block, error));
  } else {
    TRY(walk_layer(plan, state, sweep, l, rows_in_front(plan, sweep, ends, k),
                   rows_in_front(plan, sweep, ends, k + 1), error));
  }
done:
  return status;
}

oclstm_status oclstm__cl_walk(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                              const oclstm__ends *ends, oclstm__rows *result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t walked = 0;
  for (size_t k = 0; k < sweep->n_layers; k += walked) {
    TRY(walk_some(plan, state, sweep, ends, k, &walked, error));
    if (k == 0 && sweep->part == OCLSTM__FORWARD_HALF) {
      TRY(join_other_half(plan, sweep, rows_in_front(plan, sweep, ends, 1), error));
    }
  }
  cl_mem rows = rows_in_front(plan, sweep, ends, sweep->n_layers);
  *result = (oclstm__rows){rows, true};
  if (sweep->head) {
    TRY(walk_head(plan, sweep->steps, rows, error));
    *result = (oclstm__rows){plan->gx[0], false};
  }
done:
  return status;
}
