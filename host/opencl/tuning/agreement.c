/* Layers and directions that might run side by side have to agree: each was measured as if the others left it room.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

/* The fastest measured way of rows and grid that leaves room, or that does not; the number of ways where there is none. */
static size_t fastest(const oclstm__cl_plan *plan, const oclstm__runner *r, bool room) {
  const oclstm__ways *ways = &r->ways;
  size_t best = ways->n;
  for (size_t k = 0; k < ways->n; ++k) {
    bool chunk =
        ways->way[k].strategy == &oclstm__rows_strategy || ways->way[k].strategy == &oclstm__grid_strategy;
    if (chunk && ways->shown[k].microseconds > 0.0 && oclstm__leaves_room(plan, r, &ways->way[k]) == room &&
        (best == ways->n || ways->shown[k].microseconds < ways->shown[best].microseconds)) {
      best = k;
    }
  }
  return best;
}

static double microseconds(const oclstm__runner *r, size_t way) {
  return way < r->ways.n ? r->ways.shown[way].microseconds : (double)INFINITY;
}

static void change(oclstm__cl_plan *plan, oclstm__runner *r, size_t way) {
  oclstm__judge_losers(r, way);
  for (size_t k = 0; k < r->ways.n; ++k) {
    if (microseconds(r, k) > 0.0 && microseconds(r, k) < microseconds(r, way)) {
      oclstm__judge(r, k, OCLSTM_VERDICT_SLOWER, "%.2f of the choice's time, but not with those beside it",
                    microseconds(r, k) / microseconds(r, way));
    }
  }
  oclstm__runner_take(plan, r, way, "what is beside it decides");
}

/* Runners first, first + step, ...: n of them. */
static void agree(oclstm__cl_plan *plan, size_t first, size_t step, size_t n) {
  double beside = 0.0;
  double alone = 0.0;
  size_t with_room = 0;
  for (size_t k = 0; k < n; ++k) {
    const oclstm__runner *r = &plan->runners[first + k * step];
    with_room += oclstm__leaves_room(plan, r, &r->choice);
    beside += microseconds(r, fastest(plan, r, true));
    alone += microseconds(r, fastest(plan, r, false));
  }
  bool known = fmin(beside, alone) < (double)INFINITY;
  for (size_t k = 0; known && with_room > 0 && with_room < n && k < n; ++k) {
    oclstm__runner *r = &plan->runners[first + k * step];
    if (oclstm__leaves_room(plan, r, &r->choice) != (beside <= alone)) {
      change(plan, r, fastest(plan, r, beside <= alone));
    }
  }
}

void oclstm__agree(oclstm__cl_plan *plan) {
  const oclstm_model *model = plan->base.model;
  size_t n = 1;
  for (size_t l = 0; l < model->n_layers; l += n) {
    n = 1;
    if (model->layers[l].direction == OCLSTM_BIDIRECTIONAL && plan->runners[2 * l].beside > 1) {
      agree(plan, 2 * l, 1, 2);
      continue;
    }
    while (plan->runners[2 * l].beside > 1 && oclstm__follows(model, l + n)) {
      ++n;
    }
    agree(plan, 2 * l, 2, n);
  }
}
