/* What runs side by side where a layer does not fill the device.
 *
 * The two directions of a layer know nothing of each other. Layers behind each other need each other's steps in order: they
 * run as a chain, in blocks of steps, each a block behind the one before. The bits of the results are the same: what a runner
 * computes does not depend on when.
 * SPDX-License-Identifier: MIT */
#include "opencl/strategies/beside.h"

#include <math.h>

#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/device/lanes.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/strategies/strategy.h"

/* What a launch that waits for one in another lane takes, on PoCL 3.1. */
static const double LAUNCH_SECONDS = 12e-6;
enum { MOST_BLOCKS = 64 };
/* More groups have to save as much by their tiles, behind the first step: for that one each of them reads all weights from far
 * away, and calls of one step were as often slower as faster by it. */
static const double WORTH_SECONDS = 100e-6;

/* ---- what may ---- */

bool oclstm__follows(const oclstm_model *model, size_t l) {
  if (l == 0 || l >= model->n_layers) {
    return false;
  }
  const oclstm_layer *a = &model->layers[l - 1];
  const oclstm_layer *b = &model->layers[l];
  return a->direction == b->direction && a->direction != OCLSTM_BIDIRECTIONAL && !a->go_backwards &&
         !b->go_backwards && a->layer_norm == OCLSTM_NORM_NONE && b->layer_norm == OCLSTM_NORM_NONE;
}

size_t oclstm__beside(const oclstm__cl_plan *plan, size_t l) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_model *model = plan->base.model;
  const oclstm_layer *layer = &model->layers[l];
  size_t n = 1;
  if (!oclstm__may_chunk(&plan->base.desc) || cl->base.device.compute_units < 2 || cl->most_turns != 0 ||
      layer->layer_norm != OCLSTM_NORM_NONE) {
    return 1;
  }
  if (layer->direction == OCLSTM_BIDIRECTIONAL) {
    return layer->merge == OCLSTM_CONCAT ? 2 : 1;
  }
  for (size_t k = l; oclstm__follows(model, k); --k) {
    ++n;
  }
  for (size_t k = l + 1; oclstm__follows(model, k); ++k) {
    ++n;
  }
  return oclstm__min(n, OCLSTM__MOST_LANES);
}

oclstm_status oclstm__decide_lanes(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  plan->n_lanes = 1;
  plan->n_activations = 2;
  for (size_t l = 0; l < plan->base.model->n_layers; ++l) {
    const size_t n = oclstm__beside(plan, l);
    const bool chain = plan->base.model->layers[l].direction != OCLSTM_BIDIRECTIONAL;
    plan->n_lanes = oclstm__max(plan->n_lanes, n);
    plan->n_activations = oclstm__max(plan->n_activations, chain ? n + 1 : 2);
  }
  plan->n_gx = oclstm__plan_cl(plan)->vector_width == 1 ? plan->n_lanes : 1;
  TRY(oclstm__lanes_open(oclstm__plan_cl(plan), plan->n_lanes, error));
done:
  return status;
}

/* ---- what does ---- */

size_t oclstm__groups_of(const oclstm__runner *r) {
  return r->slices * oclstm__max(r->members, 1);
}

/* Where groups meet, all have to be there. */
static size_t lanes_of(const oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__strategy *strategy,
                       oclstm__division division) {
  const bool own = oclstm__owns_input(plan, strategy);
  if (division.slices == 0 || (!own && plan->n_gx == 1)) {
    return 1;
  }
  const size_t groups = division.slices * oclstm__max(division.members, 1);
  return oclstm__max(oclstm__min(oclstm__likely_groups(oclstm__plan_cl(plan)) / groups, r->beside), 1);
}

size_t oclstm__lanes_of(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  return lanes_of(plan, r, r->choice.strategy, (oclstm__division){r->slices, r->members, r->all_slices});
}

bool oclstm__leaves_room(const oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__candidate *way) {
  return lanes_of(plan, r, way->strategy, oclstm__divide(plan, r, way)) > 1;
}

bool oclstm__directions_beside(const oclstm__cl_plan *plan, size_t l) {
  const oclstm__runner *r = &plan->runners[2 * l];
  return plan->base.model->layers[l].direction == OCLSTM_BIDIRECTIONAL && oclstm__lanes_of(plan, r) > 1 &&
         oclstm__lanes_of(plan, r + 1) > 1;
}

size_t oclstm__chain(const oclstm__cl_plan *plan, size_t l, size_t most) {
  const oclstm_model *model = plan->base.model;
  const oclstm__runner *r = &plan->runners[2 * l];
  size_t n = 1;
  bool room = model->layers[l].direction != OCLSTM_BIDIRECTIONAL && oclstm__lanes_of(plan, r) > 1;
  most = oclstm__min(most, OCLSTM__MOST_LANES);
  while (room && n < most && oclstm__follows(model, l + n) && oclstm__lanes_of(plan, r + 2 * n) > 1) {
    ++n;
  }
  return n;
}

/* Launches without meetings may be in more lanes than the device runs at once: whichever can go on does. */
size_t oclstm__chain_lanes(const oclstm__cl_plan *plan, size_t l, size_t length) {
  size_t lanes = length;
  for (size_t k = 0; k < length; ++k) {
    const oclstm__runner *r = &plan->runners[2 * (l + k)];
    lanes = r->members > 1 ? oclstm__min(lanes, oclstm__lanes_of(plan, r)) : lanes;
  }
  return lanes;
}

double oclstm__seconds_of_step(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  const double flops = 60e9;
  const double K = (double)(r->layer->input_size + oclstm_layer_state_size(r->layer));
  const double rows = (double)plan->base.desc.rows / (double)r->slices;
  const double measured = 1e-6 * r->ways.layer.microseconds * (double)oclstm__lanes_of(plan, r);
  return measured > 0.0 ? measured : 2.0 * (double)(r->gates * r->HP) * K * rows / flops;
}

/* Rows that the tiles of the longest of so many slices have room for; kernels/chunk.cl puts them into the fewest. */
static size_t covered_rows(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t slices) {
  const size_t rows = (plan->base.desc.rows + slices - 1) / slices;
  const size_t high = r->stages[0].rows;
  const size_t low = r->stages[0].low_rows > 0 ? r->stages[0].low_rows : high;
  size_t least = oclstm__round_up(rows, high);
  for (size_t n = 0; n < rows; n += high) {
    least = oclstm__min(least, n + oclstm__round_up(rows - n, low));
  }
  return least;
}

/* Tiles are made for the rows of a part: where more slices do not have fewer of them, each takes as long as before. */
bool oclstm__takes_all(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t n) {
  if (n < 2 || r->all_slices <= r->slices) {
    return false;
  }
  const double left = (double)covered_rows(plan, r, r->all_slices) / (double)covered_rows(plan, r, r->slices);
  return (double)(n - 1) * oclstm__seconds_of_step(plan, r) * (1.0 - left) > WORTH_SECONDS;
}

/* n steps of t seconds in k blocks, L layers: the last layer is through behind k + L - 1 blocks of n t / k seconds and a launch
 * each. That is least for k = sqrt((L - 1) n t / launch). */
static size_t best_blocks(size_t L, size_t n, double step) {
  const double blocks = sqrt((double)(L - 1) * (double)n * step / LAUNCH_SECONDS);
  return blocks < MOST_BLOCKS ? oclstm__max((size_t)blocks, 1) : MOST_BLOCKS;
}

double oclstm__beside_price(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t lanes, double step) {
  const double n = (double)plan->base.desc.steps;
  const double L = (double)r->beside;
  if (lanes == 1 || step <= 0.0 || r->layer->direction == OCLSTM_BIDIRECTIONAL) {
    return 1.0;
  }
  const double k = (double)best_blocks(r->beside, plan->base.desc.steps, step);
  return (1.0 + (double)lanes * (L - 1.0) / (L * k)) * (1.0 + k * LAUNCH_SECONDS / (n * step));
}

size_t oclstm__chain_block(const oclstm__cl_plan *plan, size_t l, size_t length, size_t n) {
  double step = 0.0;
  if (plan->block != 0 || length == 1) {
    return plan->block != 0 ? oclstm__min(plan->block, n) : n;
  }
  for (size_t k = 0; k < length; ++k) {
    step = fmax(step, oclstm__seconds_of_step(plan, &plan->runners[2 * (l + k)]));
  }
  const size_t blocks = best_blocks(length, n, step);
  return (n + blocks - 1) / blocks;
}
