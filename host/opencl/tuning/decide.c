/* Deciding which way the steps of a layer are run.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

/* ---- answers ---- */

/* The way that a timing is of, or the number of ways: an answer counts only for what there is to choose from now. */
static size_t find_way(const oclstm__ways *ways, const oclstm__timing *t) {
  size_t k = 0;
  while (k < ways->n &&
         (ways->shown[k].verdict == OCLSTM_VERDICT_REFUSED ||
          strcmp(ways->shown[k].strategy, t->strategy) != 0 || ways->way[k].groups != t->groups)) {
    ++k;
  }
  return k;
}

/* The answer that is kept, or NULL where one has to be measured. */
static const oclstm__answer *known_answer(const oclstm__cl_plan *plan, oclstm__runner *r) {
  char key[OCLSTM__ANSWER_KEY];
  oclstm__answer_key(plan, r, key);
  const oclstm__answer *answer = oclstm__answer_find(oclstm__plan_cl(plan), key);
  if (answer == NULL || (plan->base.desc.tuning == OCLSTM_TUNING_AGAIN && answer->serial != plan->serial)) {
    return NULL;
  }
  return find_way(&r->ways, &answer->timings[answer->best]) < r->ways.n ? answer : NULL;
}

/* ---- deciding ---- */

static void close_all(oclstm__runner *r, const char *why) {
  for (size_t k = 0; k < r->ways.n; ++k) {
    if (oclstm__is_open(r, k)) {
      oclstm__judge(r, k, OCLSTM_VERDICT_NOT_TRIED, "%s", why);
    }
  }
}

static void take_answer(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__answer *answer) {
  size_t best = find_way(&r->ways, &answer->timings[answer->best]);
  for (size_t k = 0; k < answer->n; ++k) {
    size_t way = find_way(&r->ways, &answer->timings[k]);
    if (way < r->ways.n) {
      r->ways.shown[way].microseconds = answer->timings[k].microseconds;
    }
  }
  oclstm__judge_losers(r, best);
  close_all(r, "not worth measuring when the others were measured");
  oclstm__runner_take(plan, r, best, answer->serial == plan->serial ? "measured now" : "measured before");
}

/* Whether there is anything to measure. */
static bool is_drawn(const oclstm__runner *r) {
  size_t n = 0;
  for (size_t k = 0; k < r->ways.n; ++k) {
    n += oclstm__is_open(r, k);
  }
  return n > 1 && oclstm__is_open(r, 0);
}

static oclstm_status ask(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  (void)pthread_mutex_lock(&cl->tuning);
  const oclstm__answer *answer = known_answer(plan, r);
  if (answer != NULL) {
    take_answer(plan, r, answer);
    goto done;
  }
  const char *thumb = oclstm__list_ways(plan, r, true);
  if (is_drawn(r)) {
    TRY(oclstm__contest(plan, r, error));
    oclstm__account(plan, OCLSTM__LAYER_WEIGHTS);
  } else {
    oclstm__runner_take(plan, r, 0, thumb);
  }
done:
  (void)pthread_mutex_unlock(&cl->tuning);
  return status;
}

static oclstm_status decide(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  bool by_rule =
      plan->base.desc.strategy == OCLSTM_STRATEGY_AUTO && plan->base.desc.tuning == OCLSTM_TUNING_NONE;
  const char *thumb = oclstm__list_ways(plan, r, by_rule);
  if (plan->base.desc.strategy != OCLSTM_STRATEGY_AUTO) {
    close_all(r, "another one was asked for");
  } else if (by_rule) {
    close_all(r, "tuning none: nothing is measured");
  } else if (is_drawn(r)) {
    return ask(plan, r, error);
  }
  oclstm__runner_take(plan, r, 0, thumb);
  return OCLSTM_OK;
}

/* An answer is of a device that ran groups at the same time. Whether it does now is asked when all is decided and only where it
 * matters: the asking costs time at every start. */
static bool still_serves(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  return r->choice.strategy != &oclstm__grid_strategy ||
         oclstm__strategy_serves(oclstm__plan_cl(plan), OCLSTM_STRATEGY_GRID, r->layer, plan->base.desc.rows,
                                 true, NULL) == OCLSTM_OK;
}

oclstm_status oclstm__decide(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t n = 2 * plan->base.model->n_layers; /* of which those with a layer are there */
  bool again = false;
  for (size_t k = 0; k < n; ++k) {
    TRY(plan->runners[k].layer != NULL ? decide(plan, &plan->runners[k], error) : OCLSTM_OK);
  }
  oclstm__agree(plan);
  for (size_t k = 0; k < n; ++k) {
    if (!still_serves(plan, &plan->runners[k])) {
      TRY(decide(plan, &plan->runners[k], error));
      again = true;
    }
  }
  if (again) {
    oclstm__agree(plan);
  }
done:
  return status;
}
