/* The ways to run a layer, in the order of a rule of thumb.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

/* One kernel a step beats two wherever the step is bound by launches or by reading W_hh; a GPU with many rows has enough
 * arithmetic in a step for CLBlast's product to win. */
enum { ROWS_BOUND_BY_LAUNCHES = 16 };

/* On a CPU device a step of less than this takes less than a meeting of its cores. Bytes of W_hh, whose reading is most of
 * a step; docs/tuning.md has what was measured. */
enum { SHORT_STEP = 64 << 10 };

/* Where others run beside a layer and every core has one, cores that share gain by reading less each: of more than this. */
enum { OWN_STEP = 512 << 10 };

static bool is_shared(const oclstm_layer *layer, bool cores_taken) {
  size_t bytes =
      oclstm__gates(layer->kind) * layer->hidden_size * oclstm_layer_state_size(layer) * sizeof(float);
  return oclstm__padded_units(layer->hidden_size) > OCLSTM__UNIT_PADDING &&
         bytes > (cores_taken ? OWN_STEP : SHORT_STEP);
}

/* The ways of one strategy that serves the layer. */
typedef struct listed {
  size_t n;
  oclstm__candidate list[OCLSTM__MAX_OF_STRATEGY];
} listed;

/* Whether any of those is listed. */
static bool serves(const listed *all, const oclstm__strategy *wanted) {
  size_t k = 0;
  while (oclstm__strategy_at(k) != wanted) {
    ++k;
  }
  return all[k].n > 0;
}

static oclstm_strategy thumb(const oclstm__cl_plan *plan, const oclstm__runner *r, const listed *all,
                             const char **why) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_layer *layer = r->layer;
  const bool grid = serves(all, &oclstm__grid_strategy);
  const bool cores_taken = r->beside >= oclstm__max(cl->base.device.compute_units, 2);
  oclstm__candidate resident[OCLSTM__MAX_OF_STRATEGY];
  if (layer->layer_norm != OCLSTM_NORM_NONE) {
    *why = "layer_norm needs whole rows between product and gates";
    return OCLSTM_STRATEGY_STEPWISE;
  }
  if (cl->base.device.type == OCLSTM_DEVICE_CPU && !serves(all, &oclstm__rows_strategy)) {
    *why = "a CPU device whose driver ends the loops of a whole chunk";
    return OCLSTM_STRATEGY_FUSED_STEP;
  }
  if (cl->base.device.type == OCLSTM_DEVICE_CPU) {
    if (grid && is_shared(layer, cores_taken)) {
      *why = "a CPU device, whose cores share the units of a step";
      return OCLSTM_STRATEGY_GRID;
    }
    *why = cores_taken ? "a CPU device, each core with a layer or direction of its own"
                       : "a CPU device: one launch a chunk";
    return OCLSTM_STRATEGY_ROWS;
  }
  if (grid && oclstm__resident_candidates(plan, r, resident) > 0) {
    *why = "W_hh fits the registers, one launch a chunk";
    return OCLSTM_STRATEGY_GRID;
  }
  if (plan->base.desc.rows <= ROWS_BOUND_BY_LAUNCHES) {
    *why = "few rows, a step is bound by its launches";
    return OCLSTM_STRATEGY_FUSED_STEP;
  }
  *why = "many rows, a step is bound by its product";
  return OCLSTM_STRATEGY_STEPWISE;
}

/* What is open to measuring has no reason against it. */
static size_t add(oclstm__runner *r, oclstm__candidate way, oclstm_verdict verdict, const char *why) {
  size_t k = r->ways.n;
  assert(k < OCLSTM__MAX_WAYS && "a few of each strategy");
  assert(way.strategy != NULL && "the rule takes, and strategies list, what serves");
  oclstm_plan_candidate *shown = &r->ways.shown[k];
  r->ways.way[k] = way;
  shown->groups = way.groups;
  (void)snprintf(shown->strategy, sizeof shown->strategy, "%s", way.strategy->name);
  oclstm__judge(r, k, verdict, "%s", why);
  return r->ways.n++;
}

/* Why a way takes no part in measuring; "" where it does. Results must not depend on what a clock said, and CLBlast adds in
 * an order of its own: its product is drawn on GPUs alone, where it is what the others have to beat. On a CPU device what is
 * left of stepwise is fused-step's product with two launches: not worth the compiling. */
static const char *why_not_drawn(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                 oclstm__candidate way) {
  oclstm_device_type type = plan->base.context->device.type;
  bool lanes = oclstm__plan_cl(plan)->vector_width == 1; /* one group may hold a layer in its registers */
  if (way.strategy == &oclstm__grid_strategy && way.groups < 2 && !lanes) {
    return "one block of units, which cannot be shared";
  }
  if (way.strategy != &oclstm__stepwise) {
    return "";
  }
  if (plan->gemm == &oclstm__gemm_clblast && type != OCLSTM_DEVICE_GPU) {
    return "another product, CLBlast's, adds in another order";
  }
  return type == OCLSTM_DEVICE_CPU && r->layer->layer_norm == OCLSTM_NORM_NONE
             ? "more launches for the same product as fused-step's"
             : "";
}

static void add_way(const oclstm__cl_plan *plan, oclstm__runner *r, oclstm__candidate way) {
  add(r, way, OCLSTM_VERDICT_NOT_TRIED, why_not_drawn(plan, r, way));
}

/* First the rule's choice, then every strategy's likeliest way, then the others. */
static void add_in_order(const oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__strategy *first,
                         const listed *all) {
  for (size_t k = 0; oclstm__strategy_at(k) != NULL; ++k) {
    if (oclstm__strategy_at(k) == first) {
      add_way(plan, r, all[k].list[0]);
    }
  }
  for (size_t round = 0; round < OCLSTM__MAX_OF_STRATEGY; ++round) {
    for (size_t k = 0; oclstm__strategy_at(k) != NULL; ++k) {
      bool is_there = round == 0 && oclstm__strategy_at(k) == first;
      if (round < all[k].n && !is_there) {
        add_way(plan, r, all[k].list[round]);
      }
    }
  }
}

const char *oclstm__list_ways(const oclstm__cl_plan *plan, oclstm__runner *r, bool probe) {
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_plan_desc *desc = &plan->base.desc;
  const oclstm__strategy *strategy = NULL;
  const char *why = "as asked";
  listed all[OCLSTM__MAX_WAYS / OCLSTM__MAX_OF_STRATEGY] = {{0}};
  oclstm_error refusals[OCLSTM__MAX_WAYS / OCLSTM__MAX_OF_STRATEGY] = {{0}};
  bool automatic = desc->strategy == OCLSTM_STRATEGY_AUTO;
  for (size_t k = 0; (strategy = oclstm__strategy_at(k)) != NULL; ++k) {
    assert(k < sizeof all / sizeof all[0] && "there is room for the table");
    if (oclstm__strategy_serves(cl, strategy->id, r->layer, desc->rows, probe, &refusals[k]) == OCLSTM_OK) {
      all[k].list[0].strategy = strategy;
      all[k].n = strategy->candidates != NULL ? strategy->candidates(plan, r, all[k].list) : 1;
    }
  }
  oclstm_strategy first = automatic ? thumb(plan, r, all, &why) : desc->strategy;
  r->ways.n = 0;
  add_in_order(plan, r, oclstm__strategy_by_id(first), all);
  for (size_t k = 0; (strategy = oclstm__strategy_at(k)) != NULL; ++k) {
    if (all[k].n == 0) {
      add(r, (oclstm__candidate){.strategy = strategy}, OCLSTM_VERDICT_REFUSED, refusals[k].text);
    }
  }
  return why;
}
