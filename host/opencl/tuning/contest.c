/* The ways to run a layer against each other: the best so far and a challenger, until none is left.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "opencl/cell.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

/* ---- one way against the best so far ---- */

typedef struct contest {
  oclstm__cl_plan *plan;
  oclstm__runner *runner; /* has the stages of the best */
  oclstm__trial trial;
  size_t best, measured;
  double launch;  /* seconds; 0: not known */
  bool ruled_out; /* something is not worth measuring, for a reason that was measured */
} contest;

/* Everything that depends on the choice; the provider's product with W_ih is shared. */
static void copy_choice(oclstm__runner *to, const oclstm__runner *from) {
  to->choice = from->choice;
  to->stage_bytes = from->stage_bytes;
  to->slices = from->slices;
  to->members = from->members;
  to->all_slices = from->all_slices;
  to->at_once = from->at_once;
  to->resident = from->resident;
  to->own_input = from->own_input;
  to->own_gx = from->own_gx;
  for (size_t k = 0; k < OCLSTM__MAX_STAGES; ++k) {
    to->stages[k] = from->stages[k];
  }
}

static oclstm__runner challenger_of(const contest *c, size_t way) {
  oclstm__runner other = *c->runner;
  oclstm__runner blank = {.choice = other.ways.way[way]};
  for (size_t k = 0; k < OCLSTM__MAX_STAGES; ++k) {
    blank.stages[k].spec = other.stages[k].spec;
  }
  copy_choice(&other, &blank);
  return other;
}

static void swap_choices(oclstm__runner *a, oclstm__runner *b) {
  oclstm__runner kept = {.layer = NULL};
  copy_choice(&kept, a);
  copy_choice(a, b);
  copy_choice(b, &kept);
}

/* The provider's product, for the first way that wants it. */
static oclstm_status ensure_input(contest *c, const oclstm__strategy *strategy, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t before = c->plan->device_bytes;
  if (c->runner->input == NULL && !oclstm__owns_input(c->plan, strategy)) {
    TRY(oclstm__input_create(c->plan, c->runner, error));
  }
done:
  c->plan->device_bytes = status == OCLSTM_OK ? c->plan->device_bytes : before;
  return status;
}

static void drop_unused_input(contest *c) {
  if (c->runner->input != NULL && oclstm__owns_input(c->plan, c->runner->choice.strategy)) {
    oclstm__gemm_destroy(&c->runner->input);
    c->plan->device_bytes -= c->runner->input_bytes;
  }
}

static void note_time(oclstm__runner *r, size_t way, double seconds) {
  oclstm_plan_candidate *shown = &r->ways.shown[way];
  double microseconds = 1e6 * seconds;
  if (shown->microseconds == 0.0 || microseconds < shown->microseconds) {
    shown->microseconds = microseconds;
  }
}

/* The stages of the way are made, timed against the best's, and the slower of the two released. A way that cannot be made
 * or run is no failure of the plan. */
static oclstm_status challenge(contest *c, size_t way, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_error trouble = {OCLSTM_OK, 0, 0, ""};
  oclstm__runner other = challenger_of(c, way);
  oclstm__runner *pair[2] = {c->runner, &other};
  double seconds[2] = {0.0, 0.0};
  TRY(ensure_input(c, other.choice.strategy, &trouble));
  other.input = c->runner->input;
  TRY(oclstm__stages_create(c->plan, &other, &trouble));
  TRY(oclstm__trial_warm(&c->trial, &other, &trouble));
  TRY(oclstm__trial_run(&c->trial, pair, seconds, &trouble));
  ++c->measured;
  note_time(c->runner, c->best, seconds[0]);
  note_time(c->runner, way, seconds[1]);
  /* The least of all trials: the best may have had a quieter one before. */
  const oclstm_plan_candidate *shown = c->runner->ways.shown;
  if (shown[way].microseconds < OCLSTM__BETTER * shown[c->best].microseconds) {
    swap_choices(c->runner, &other);
    c->best = way;
  }
done:
  oclstm__stages_release(&other);
  c->plan->device_bytes -= other.stage_bytes;
  if (status != OCLSTM_OK && status != OCLSTM_E_DEVICE_LOST) {
    oclstm__judge(c->runner, way, OCLSTM_VERDICT_FAILED, "%.150s", trouble.text);
    status = OCLSTM_OK;
  } else if (status != OCLSTM_OK && error != NULL) {
    *error = trouble;
  }
  return status;
}

/* How many times slower than the best the best other way of the same strategy was; 0 when none has been measured. */
static double slower_before(const contest *c, size_t way) {
  const oclstm__ways *ways = &c->runner->ways;
  double least = 0.0;
  for (size_t k = 0; k < way; ++k) {
    double taken = ways->shown[k].microseconds;
    if (ways->way[k].strategy == ways->way[way].strategy && taken > 0.0 && (least == 0.0 || taken < least)) {
      least = taken;
    }
  }
  return ways->shown[c->best].microseconds > 0.0 ? least / ways->shown[c->best].microseconds : 0.0;
}

static size_t launches_of_step(const oclstm__runner *r, const oclstm__strategy *strategy) {
  return strategy->launches(r, 2) - strategy->launches(r, 1);
}

/* What a step of the first way takes, and a launch: a way with launches in every step is not compiled where they alone take
 * longer. */
static oclstm_status measure_launch(contest *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double step = 0.0;
  if (launches_of_step(c->runner, c->runner->choice.strategy) == 0) {
    TRY(oclstm__trial_alone(&c->trial, c->runner, &step, error));
    note_time(c->runner, c->best, step);
    TRY(oclstm__trial_launch(&c->trial, c->runner, &c->launch, error));
  }
done:
  return status;
}

static double microseconds_of_launches(const contest *c, size_t way) {
  return 1e6 * c->launch * (double)launches_of_step(c->runner, c->runner->ways.way[way].strategy);
}

static bool has_room(const contest *c) {
  uint64_t most = c->plan->base.desc.memory_bytes;
  return most == 0 || c->plan->device_bytes + c->runner->stage_bytes <= most;
}

static oclstm_status try_way(contest *c, size_t way, oclstm_error *error) {
  oclstm__runner *r = c->runner;
  double slower = slower_before(c, way);
  double launches = microseconds_of_launches(c, way);
  if (c->measured >= OCLSTM__MOST_MEASURED) {
    oclstm__judge(r, way, OCLSTM_VERDICT_NOT_TRIED, "%d likelier ways are measured",
                  (int)OCLSTM__MOST_MEASURED);
  } else if (launches > r->ways.shown[c->best].microseconds) {
    oclstm__judge(r, way, OCLSTM_VERDICT_NOT_TRIED, "the launches of a step alone take %.2f us", launches);
    c->ruled_out = true;
  } else if (slower > OCLSTM__HOPELESS) {
    oclstm__judge(r, way, OCLSTM_VERDICT_NOT_TRIED, "%s took %.1f times as long as the choice in another way",
                  r->ways.shown[way].strategy, slower);
  } else if (!has_room(c)) {
    oclstm__judge(r, way, OCLSTM_VERDICT_NOT_TRIED, "no room for two sets of weights in memory_bytes");
  } else {
    return challenge(c, way, error);
  }
  return OCLSTM_OK;
}

static void keep_answer(const contest *c) {
  const oclstm__ways *ways = &c->runner->ways;
  oclstm__answer answer = {.serial = c->plan->serial};
  oclstm__answer_key(c->plan, c->runner, answer.key);
  for (size_t k = 0; k < ways->n && answer.n < OCLSTM__MOST_MEASURED; ++k) {
    if (ways->shown[k].microseconds > 0.0) {
      oclstm__timing *t = &answer.timings[answer.n];
      *t = (oclstm__timing){.groups = ways->way[k].groups, .microseconds = ways->shown[k].microseconds};
      (void)snprintf(t->strategy, sizeof t->strategy, "%s", ways->way[k].strategy->name);
      answer.best = k == c->best ? answer.n : answer.best;
      ++answer.n;
    }
  }
  oclstm__answer_keep(oclstm__plan_cl(c->plan), &answer);
}

oclstm_status oclstm__contest(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  contest c = {.plan = plan, .runner = r, .measured = 1};
  r->choice = r->ways.way[0];
  TRY(ensure_input(&c, r->choice.strategy, error));
  TRY(oclstm__stages_create(plan, r, error));
  TRY(oclstm__trial_open(&c.trial, plan, r, error));
  TRY(oclstm__trial_warm(&c.trial, r, error));
  TRY(oclstm__trial_scale(&c.trial, r, error));
  TRY(measure_launch(&c, error));
  for (size_t k = 1; k < r->ways.n; ++k) {
    if (oclstm__is_open(r, k)) {
      TRY(try_way(&c, k, error));
    }
  }
  drop_unused_input(&c);
  oclstm__judge_losers(r, c.best);
  oclstm__judge(r, c.best, OCLSTM_VERDICT_CHOSEN, "measured now");
  if (c.measured > 1 || c.ruled_out) { /* what could not be measured may be another time */
    plan->base.info.measured += c.measured;
    keep_answer(&c);
  }
  oclstm__log(&plan->base.context->log, OCLSTM_LOG_INFO, "layer %zu, direction %zu: %s, measured %zu ways",
              (size_t)(r->layer - plan->base.model->layers), r->direction, r->choice.strategy->name,
              c.measured);
done:
  oclstm__trial_close(&c.trial);
  return status;
}
