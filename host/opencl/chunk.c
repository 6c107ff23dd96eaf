/* Strategies rows and grid: one launch a chunk, kernels/chunk.cl.
 *
 * rows   each work-group owns some batch rows for all steps
 * grid   the work-groups of a slice of rows share the hidden units and meet behind every stage of a step
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/cl.h"
#include "opencl/layout.h"
#include "opencl/plan.h"
#include "opencl/stage.h"
#include "opencl/strategy.h"
#include "opencl/tuning.h"

/* Calls without meetings behind one that failed. */
enum { FEWEST_ALONE = 4, MOST_ALONE = 4096 };

enum { FEW_ROWS = 4 }; /* of a unit */

/* Of so many compute units, those that are one runner's where others run beside it. A chain of layers takes time to fill,
 * which is worth it where the rows of a unit would leave most of a tile empty. */
static size_t units_of_one(const oclstm__runner *r, size_t units, size_t B) {
  bool chain = r->layer->direction != OCLSTM_BIDIRECTIONAL;
  return chain && B > FEW_ROWS * units ? units : oclstm__max(units / r->beside, 1);
}

/* Slices of rows and members of a slice: as many groups as the device has compute units, in all. */
static void share_rows(const oclstm__cl *cl, oclstm__runner *r, size_t B) {
  size_t units = oclstm__max(cl->base.device.compute_units, 1);
  r->members = 1;
  r->slices = oclstm__min(units_of_one(r, units, B), B);
}

/* Units are shared first: what one member reads of the weights is what its cache has to hold. */
static oclstm_status share_units(oclstm__cl *cl, oclstm__runner *r, size_t B, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t units = 0;
  TRY(oclstm__resident_groups(cl, &units, error));
  r->members = oclstm__min(units, r->choice.groups);
  r->slices = oclstm__min(oclstm__max(units_of_one(r, units, B) / r->members, 1), B);
done:
  return status;
}

/* As many members of a slice as there are units to run them and blocks to share, then half as many, and so on. */
static size_t grid_candidates(const oclstm__cl_plan *plan, const oclstm__runner *r,
                              oclstm__candidate list[OCLSTM__MAX_OF_STRATEGY]) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t resident = oclstm__resident_candidates(plan, r, list);
  if (resident > 0) {
    return resident;
  }
  size_t members = oclstm__min(oclstm__likely_groups(cl),
                               oclstm__unit_blocks(cl, oclstm__padded_units(r->stages[0].spec.U)));
  size_t n = 0;
  do {
    list[n++] = (oclstm__candidate){.strategy = &oclstm__grid_strategy, .groups = members};
    members = (members + 1) / 2;
  } while (n < OCLSTM__MAX_OF_STRATEGY && members > 1);
  return n;
}

static size_t launches(const oclstm__runner *r, size_t steps) {
  if (steps > 0 && r->resident.kernel != NULL) {
    return oclstm__resident_launches(steps) + (r->members > 1);
  }
  return steps > 0 ? r->members > 1 ? 2 : 1 : 0;
}

/* Most rows of a slice. */
static size_t slice_rows(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  return (plan->base.desc.rows + r->slices - 1) / r->slices;
}

/* The layer's gates as if they were a stage: the same blocks of units, the same members. */
static oclstm_status prepare_input(oclstm__cl_plan *plan, oclstm__runner *r, const float *W_ih,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__stage *in = &r->own_input;
  in->spec = (oclstm__stage_spec){.vectors = r->gates, .U = r->layer->hidden_size, .K = r->layer->input_size};
  in->UP = r->HP;
  TRY(oclstm__upload_stage(plan, in, W_ih, error));
  oclstm__tile_shape(oclstm__plan_cl(plan), in, SIZE_MAX);
done:
  return status;
}

/* Room for what the members project ahead. */
static oclstm_status create_own_gx(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t block = r->own_input.lanes * cl->vector_width;
  size_t blocks = (r->HP / block + r->members - 1) / r->members;
  size_t rows = slice_rows(plan, r);
  r->ahead = (OCLSTM__PROJECTED_ROWS + rows - 1) / rows;
  size_t floats = r->slices * r->members * r->ahead * rows * blocks * r->gates * block;
  return oclstm__buffer_create(cl, floats * sizeof(float), "input projection", &r->own_gx,
                               &plan->device_bytes, error);
}

size_t oclstm__places_bytes(const oclstm__cl_plan *plan) {
  return plan->n_lanes * plan->n_places * OCLSTM__SYNC_WORDS * sizeof(cl_int);
}

oclstm__meeting oclstm__meeting_of(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                   const oclstm__steps *steps, size_t members) {
  return (oclstm__meeting){.place = (cl_int)(steps->turn.lane * plan->n_places),
                           .seats = (cl_int)(plan->n_lanes * plan->n_places),
                           .slices = (cl_int)r->slices,
                           .members = (cl_int)members,
                           .first = (cl_int)steps->first,
                           .last = (cl_int)steps->last};
}

oclstm_status oclstm__places_create(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  plan->n_places =
      oclstm__max(cl->base.device.compute_units, oclstm__max(atomic_load(&cl->resident_groups), 1));
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

/* Two kernels, because their arguments stay: the launch, unless resident.cl has it, and what goes on where a meeting was called
 * off. */
static oclstm_status create_kernels(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__stage *stage = &r->stages[0];
  if (r->own_input.W != NULL) {
    TRY(create_own_gx(plan, r, error));
  }
  for (size_t k = r->resident.kernel != NULL; k < (r->members > 1 ? 2 : 1); ++k) {
    TRY(oclstm__stage_kernel(plan, r, stage, "chunk", "chunk", &stage->kernel[k], error));
  }
done:
  return status;
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage, const float *W,
                             bool grid, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t B = plan->base.desc.rows;
  bool first = stage == &r->stages[0];
  TRY(oclstm__upload_stage(plan, stage, W, error));
  if (first && r->resident.kernel != NULL) {
    r->members = r->resident.members;
    r->slices = r->resident.slices;
  } else if (first && grid) {
    TRY(share_units(cl, r, B, error));
  } else if (first) {
    share_rows(cl, r, B);
  }
  oclstm__tile_shape(cl, stage, slice_rows(plan, r));
  if (!first) {
    stage->rows = r->stages[0].rows;
    stage->low_rows = r->stages[0].low_rows;
  }
  if (stage == &r->stages[r->n_stages - 1]) {
    TRY(create_kernels(plan, r, error));
  }
done:
  return status;
}

static oclstm_status prepare_rows(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage,
                                  const float *W, oclstm_error *error) {
  return prepare(plan, r, stage, W, false, error);
}

/* Where one group holds all units nothing is called off, and chunk.cl is not wanted. */
static oclstm_status prepare_grid(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage,
                                  const float *W, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(stage == &r->stages[0] ? oclstm__resident_create(plan, r, W, error) : OCLSTM_OK);
  if (r->resident.kernel != NULL && r->resident.members == 1) {
    r->members = 1;
    r->slices = r->resident.slices;
    return OCLSTM_OK;
  }
  TRY(prepare(plan, r, stage, W, true, error));
done:
  return status;
}

static oclstm_status launch(oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__steps *steps,
                            oclstm__turn turn, cl_kernel kernel, size_t members, size_t resume,
                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__stage *stage = &r->stages[0];
  const oclstm__stage *second = &r->stages[r->n_stages - 1];
  const oclstm__step_shape shape = oclstm__shape_of(plan, r, second, steps);
  unsigned current = steps->state->current;
  const cl_int sorted = plan->order != plan->no_order;
  const cl_mem *W_in = r->own_input.W != NULL ? &r->own_input.W : &second->W; /* unused there */
  const cl_int reverse = steps->reverse;
  const oclstm__meeting where = oclstm__meeting_of(plan, r, steps, members);
  const cl_int numbers[] = {sorted, (cl_int)resume, (cl_int)r->layer->input_size, (cl_int)r->ahead};
  const oclstm__arg args[] = {
      {sizeof(cl_int), &reverse},      {sizeof(cl_mem), &second->W},     {sizeof shape, &shape},
      {sizeof(cl_mem), &plan->places}, {sizeof(cl_int), &where.place},   {sizeof(cl_int), &where.seats},
      {sizeof(cl_int), &where.slices}, {sizeof(cl_int), &where.members}, {sizeof(cl_int), &where.first},
      {sizeof(cl_int), &where.last},   {sizeof(cl_int), &plan->spins},   {sizeof(cl_int), &numbers[0]},
      {sizeof(cl_int), &numbers[1]},   {sizeof(cl_mem), &steps->x},      {sizeof(cl_mem), W_in},
      {sizeof(cl_int), &numbers[2]},   {sizeof(cl_int), &numbers[3]},
  };
  TRY(oclstm__stage_args(plan, r, stage, kernel, stage->W, current, 1 - current, steps, error));
  TRY(oclstm__set_args(kernel, OCLSTM__STEP_ARG, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_in_turn(oclstm__plan_cl(plan), turn, kernel, r->slices * members * stage->lanes,
                              stage->lanes, error));
done:
  return status;
}

/* The state is h[current] before the steps, and after them unless their number is odd. */
static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool meet = r->members > 1 && plan->alone == 0;
  const cl_kernel *kernels = r->stages[0].kernel;
  const oclstm__turn begin = oclstm__part_of_turn(steps->turn, true, !meet);
  if (r->resident.kernel != NULL && (meet || r->members == 1)) {
    TRY(oclstm__resident_run(plan, r, steps, begin, error));
  } else {
    TRY(launch(plan, r, steps, begin, kernels[kernels[0] == NULL], meet ? r->members : 1, 0, error));
  }
  if (meet) {
    TRY(launch(plan, r, steps, oclstm__part_of_turn(steps->turn, false, true), kernels[1], 1, r->members,
               error));
  }
  steps->state->current = (unsigned)((steps->state->current + steps->last - steps->first) % 2);
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

const oclstm__strategy oclstm__rows_strategy = {OCLSTM_STRATEGY_ROWS, "rows",       NULL, launches,
                                                prepare_input,        prepare_rows, run};
const oclstm__strategy oclstm__grid_strategy = {
    OCLSTM_STRATEGY_GRID, "grid", grid_candidates, launches, prepare_input, prepare_grid, run};
