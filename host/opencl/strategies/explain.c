/* What a plan says of itself: choices, reasons, memory.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/strategy.h"

/* ---- memory ---- */

static oclstm_plan_memory *purpose_of(oclstm__memory *memory, const char *purpose) {
  for (size_t k = 0; k < memory->n; ++k) {
    if (strcmp(memory->of[k].purpose, purpose) == 0) {
      return &memory->of[k];
    }
  }
  assert(memory->n < OCLSTM__MAX_PURPOSES && "a dozen of purposes");
  oclstm_plan_memory *entry = &memory->of[memory->n++];
  entry->bytes = 0;
  (void)snprintf(entry->purpose, sizeof entry->purpose, "%s", purpose);
  return entry;
}

void oclstm__account(oclstm__cl_plan *plan, const char *purpose) {
  oclstm__memory *memory = &plan->memory;
  if (plan->device_bytes > memory->accounted) {
    purpose_of(memory, purpose)->bytes += plan->device_bytes - memory->accounted;
    memory->accounted = plan->device_bytes;
  }
}

void oclstm__credit(oclstm__cl_plan *plan, const char *purpose, uint64_t bytes) {
  purpose_of(&plan->memory, purpose)->bytes -= bytes;
  plan->device_bytes -= bytes;
  plan->memory.accounted -= bytes;
}

void oclstm__discharge(oclstm__cl_plan *plan, const char *purpose) {
  oclstm_plan_memory *entry = purpose_of(&plan->memory, purpose);
  oclstm__credit(plan, purpose, entry->bytes);
  *entry = plan->memory.of[--plan->memory.n];
}

const oclstm_plan_memory *oclstm__cl_plan_memory(const oclstm_plan *plan, size_t index) {
  const oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  return index < p->memory.n ? &p->memory.of[index] : NULL;
}

/* ---- choices ---- */

void oclstm__judge(oclstm__runner *r, size_t way, oclstm_verdict verdict, const char *format, ...) {
  oclstm_plan_candidate *shown = &r->ways.shown[way];
  va_list arguments;
  shown->verdict = verdict;
  va_start(arguments, format);
  (void)vsnprintf(shown->why, sizeof shown->why, format, arguments);
  va_end(arguments);
}

bool oclstm__is_open(const oclstm__runner *r, size_t k) {
  return r->ways.shown[k].verdict == OCLSTM_VERDICT_NOT_TRIED && r->ways.shown[k].why[0] == '\0';
}

void oclstm__judge_losers(oclstm__runner *r, size_t best) {
  double least = r->ways.shown[best].microseconds;
  for (size_t k = 0; k < r->ways.n; ++k) {
    double taken = r->ways.shown[k].microseconds;
    if (k != best && taken > 0.0) {
      oclstm__judge(r, k, OCLSTM_VERDICT_SLOWER,
                    taken < least / OCLSTM__BETTER ? "%.2f of the choice's time, which is no difference"
                                                   : "%.2f of the choice's time",
                    taken / least);
    }
  }
}

/* Where strategy grid has W_hh on a GPU. */
static void describe_residence(const oclstm__runner *r, oclstm_plan_layer *said, const char *reason) {
  const oclstm__resident *s = &r->resident;
  if (s->kernel == NULL) {
    (void)snprintf(said->reason, sizeof said->reason, "%s", reason);
  } else {
    (void)snprintf(said->reason, sizeof said->reason,
                   "%.80s; W_hh in registers: %zu units a group, %zu slice%s of rows", reason, s->units,
                   s->slices, s->slices == 1 ? "" : "s");
  }
}

static size_t chosen_way(const oclstm__runner *r) {
  size_t way = 0;
  while (r->ways.shown[way].verdict != OCLSTM_VERDICT_CHOSEN) {
    ++way;
    assert(way < r->ways.n && "one way is chosen before anybody asks");
  }
  return way;
}

void oclstm__explain_choice(const oclstm__cl_plan *plan, oclstm__runner *r) {
  const oclstm_plan_candidate *shown = &r->ways.shown[chosen_way(r)];
  size_t norm = r->layer->layer_norm == OCLSTM_NORM_HASTE;
  oclstm_plan_layer *said = &r->ways.layer;
  *said = (oclstm_plan_layer){
      .layer = (size_t)(r->layer - plan->base.model->layers),
      .direction = r->direction,
      .tile_rows = r->resident.kernel != NULL ? r->resident.chunk : r->stages[0].rows,
      .groups = shown->groups,
      .beside = 1,
      .launches = r->choice.strategy->launches(r, plan->base.desc.steps) +
                  !oclstm__owns_input(plan, r->choice.strategy) + norm,
      .microseconds = shown->microseconds,
      .n_candidates = r->ways.n,
  };
  (void)snprintf(said->strategy, sizeof said->strategy, "%s", shown->strategy);
  describe_residence(r, said, shown->why);
}

const oclstm_plan_layer *oclstm__cl_plan_layer(const oclstm_plan *plan, size_t layer, size_t direction) {
  return &oclstm__cl_plan_of(plan)->runners[2 * layer + direction].ways.layer;
}

const oclstm_plan_candidate *oclstm__cl_plan_candidate(const oclstm_plan *plan, size_t layer,
                                                       size_t direction, size_t index) {
  const oclstm__ways *ways = &oclstm__cl_plan_of(plan)->runners[2 * layer + direction].ways;
  return index < ways->n ? &ways->shown[index] : NULL;
}

/* ---- the plan ---- */

/* Names of the strategies that any runner has, joined by '+'; how many. */
static size_t name_strategies(const oclstm__cl_plan *plan, char *text, size_t bytes) {
  const oclstm__strategy *strategy = NULL;
  size_t n = 0;
  size_t used = 0;
  for (size_t k = 0; (strategy = oclstm__strategy_at(k)) != NULL; ++k) {
    bool taken = false;
    for (size_t r = 0; r < 2 * plan->base.model->n_layers; ++r) {
      taken |= plan->runners[r].choice.strategy == strategy;
    }
    if (taken && used < bytes) {
      used += (size_t)snprintf(text + used, bytes - used, "%s%s", n > 0 ? "+" : "", strategy->name);
      ++n;
    }
  }
  return n;
}

/* What runs side by side with what, now that all choices are made. */
static void explain_beside(oclstm__cl_plan *plan) {
  const size_t L = plan->base.model->n_layers;
  const size_t n = plan->base.desc.steps;
  size_t chain = 1;
  for (size_t l = 0; l < L; l += chain) {
    chain = oclstm__chain(plan, l, L - l);
    const size_t block = oclstm__chain_block(plan, l, chain, n);
    for (size_t k = l; k < l + chain; ++k) {
      plan->runners[2 * k].ways.layer.beside = block < n ? chain : 1;
      plan->runners[2 * k].ways.layer.launches *= (n + block - 1) / block;
    }
    if (oclstm__directions_beside(plan, l)) {
      plan->runners[2 * l].ways.layer.beside = plan->runners[2 * l + 1].ways.layer.beside = 2;
    }
  }
}

void oclstm__explain_plan(oclstm__cl_plan *plan, const char *why_gemm) {
  oclstm_plan_info *info = &plan->base.info;
  explain_beside(plan);
  info->rows = plan->base.desc.rows;
  info->steps = plan->base.desc.steps;
  info->device_bytes = plan->device_bytes;
  info->host_bytes = sizeof *plan + 2 * plan->base.model->n_layers * sizeof *plan->runners;
  size_t n = name_strategies(plan, info->strategy, sizeof info->strategy);
  const oclstm__runner *first = &plan->runners[0];
  (void)snprintf(info->gemm, sizeof info->gemm, "%s", plan->gemm->name);
  (void)snprintf(info->reason, sizeof info->reason, "%s; products by %s%s%s%s",
                 n > 1 ? "chosen for each layer" : first->ways.layer.reason, plan->gemm->name,
                 oclstm__pairing_text(oclstm__plan_cl(plan), plan->gemm, plan->base.desc.precision),
                 why_gemm[0] != '\0' ? ": " : "", why_gemm);
}
