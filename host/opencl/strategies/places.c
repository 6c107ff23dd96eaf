/* Where the members of a slice meet: kernels/sync.cl.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/plan.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/strategy.h"

/* Calls without meetings behind one that failed. */
enum { FEWEST_ALONE = 4, MOST_ALONE = 4096 };

size_t oclstm__places_bytes(const oclstm__cl_plan *plan) {
  return plan->n_lanes * plan->n_places * OCLSTM__SYNC_WORDS * sizeof(cl_int);
}

oclstm__meeting oclstm__meeting_of(const oclstm__cl_plan *plan, const oclstm__steps *steps, size_t slices,
                                   size_t members) {
  return (oclstm__meeting){.place = (cl_int)(steps->turn.lane * plan->n_places),
                           .seats = (cl_int)(plan->n_lanes * plan->n_places),
                           .slices = (cl_int)slices,
                           .members = (cl_int)members,
                           .first = (cl_int)steps->first,
                           .last = (cl_int)steps->last};
}

oclstm_status oclstm__places_create(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  plan->n_places =
      oclstm__max(cl->base.device.compute_units, oclstm__max(atomic_load(&cl->coresident_groups), 1));
  const size_t words = plan->n_lanes * plan->n_places * OCLSTM__SYNC_WORDS;
  plan->seen = oclstm__alloc(&cl->base.allocator, words, sizeof *plan->seen);
  REQUIRE(plan->seen != NULL, OCLSTM_E_MEMORY, "%zu words of meeting places", words);
  TRY(oclstm__buffer_create(cl, words * sizeof(cl_int), OCLSTM__PLACES, &plan->places, &plan->device_bytes,
                            error));
  oclstm__account(plan, OCLSTM__PLACES);
done:
  return status;
}

/* Behind trials, which may have met, and waited in vain, for strategies that were not taken. */
oclstm_status oclstm__places_settle(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool used = false;
  plan->meets = false;
  for (size_t k = 0; k < 2 * plan->base.model->n_layers; ++k) {
    used |= plan->runners[k].members > 0;
    plan->meets |= plan->runners[k].members > 1;
  }
  if (plan->places != NULL && used) {
    TRY(oclstm__buffer_clear(oclstm__plan_cl(plan), plan->places, oclstm__places_bytes(plan), error));
  } else if (plan->places != NULL) {
    oclstm__buffer_release(&plan->places);
    oclstm__discharge(plan, OCLSTM__PLACES);
  }
done:
  return status;
}

/* What a launch had left undone is done by now; only time was lost. Something else had the processors: the next sweeps do without
 * meetings, each time twice as many. */
oclstm_status oclstm__check_meetings(oclstm__cl_plan *plan, bool *waited, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  cl_int stalls = 0;
  if (!plan->meets || plan->alone > 0) {
    plan->alone -= plan->alone > 0;
    return OCLSTM_OK;
  }
  TRY(oclstm__cl_read(cl, plan->places, oclstm__places_bytes(plan), plan->seen, error));
  *waited = true;
  for (size_t k = 0; k < plan->n_lanes * plan->n_places; ++k) {
    stalls += plan->seen[k * OCLSTM__SYNC_WORDS + OCLSTM__SYNC_STALLS];
  }
  if (stalls > plan->stalls) {
    plan->stalls = stalls;
    plan->penalty = oclstm__min(oclstm__max(2 * plan->penalty, FEWEST_ALONE), MOST_ALONE);
    plan->alone = plan->penalty;
    oclstm__log(
        &cl->base.log, OCLSTM_LOG_WARNING,
        "strategy grid: work-groups waited in vain; the next %zu calls have one for each slice of rows",
        plan->alone);
  }
done:
  return status;
}
