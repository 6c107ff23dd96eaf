/* Strategies rows and grid: one launch a chunk, kernels/chunk.cl.
 *
 * rows   each work-group owns some batch rows for all steps
 * grid   the work-groups of a slice of rows share the hidden units and meet behind every stage of a step
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

/* Of a launch that is worth waiting for its neighbours, which takes half of it at most: COMPANY_TICKS of kernels/sync.cl. */
static const double COMPANY_SECONDS = 80e-6;

/* Where members meet, the device has to have been asked who runs at the same time. */
static oclstm_status divide(oclstm__cl_plan *plan, oclstm__runner *r, bool grid, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t groups = 0;
  TRY(grid ? oclstm__coresident_groups(oclstm__plan_cl(plan), &groups, error) : OCLSTM_OK);
  const oclstm__division division = oclstm__divide_chunk(plan, r, &r->choice);
  r->slices = division.slices;
  r->members = division.members;
  r->all_slices = division.all_slices;
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

/* Most rows of a slice, of so many. */
static size_t slice_rows(const oclstm__cl_plan *plan, size_t slices) {
  return (plan->base.desc.rows + slices - 1) / slices;
}

/* Steps that are projected at once. */
static size_t steps_ahead(size_t rows) {
  return (OCLSTM__PROJECTED_ROWS + rows - 1) / rows;
}

static size_t launches(const oclstm__runner *r, size_t steps) {
  if (steps > 0 && r->resident.kernel != NULL) {
    return oclstm__resident_launches(steps) + (r->members > 1);
  }
  const size_t at_once = r->at_once > 0 ? r->at_once : steps; /* not decided before stages are made */
  return steps > 0 ? (steps + at_once - 1) / at_once * (r->members > 1 ? 2 : 1) : 0;
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
  size_t projected = 0; /* rows, in all slices */
  for (size_t k = 0; k < 2; ++k) {
    const size_t slices = k == 0 ? r->slices : r->all_slices;
    const size_t rows = slice_rows(plan, slices);
    projected = oclstm__max(projected, slices * steps_ahead(rows) * rows);
  }
  size_t floats = projected * r->members * blocks * r->gates * block;
  return oclstm__buffer_create(cl, floats * sizeof(float), "input projection", &r->own_gx,
                               &plan->device_bytes, error);
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
  bool first = stage == &r->stages[0];
  TRY(oclstm__upload_stage(plan, stage, W, error));
  if (first && r->resident.kernel != NULL) {
    r->members = r->resident.members;
    r->slices = r->all_slices = r->resident.slices;
  } else if (first) {
    TRY(divide(plan, r, grid, error));
  }
  const size_t rows = slice_rows(plan, r->slices);
  r->at_once = oclstm__min(oclstm__steps_of_launch(cl, r->layer, rows), plan->base.desc.steps);
  oclstm__tile_shape(cl, stage, rows);
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
    r->slices = r->all_slices = r->resident.slices;
    r->at_once = plan->base.desc.steps;
    return OCLSTM_OK;
  }
  TRY(prepare(plan, r, stage, W, true, error));
done:
  return status;
}

/* Groups that begin together: where they never meet, none would notice that two of them have one processor. Launches that are
 * hardly longer than the wait do without. */
static cl_int company_of(const oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__steps *steps,
                         size_t slices, size_t members) {
  const size_t groups = slices + steps->beside;
  const double seconds = oclstm__seconds_of_step(plan, r) * (double)(steps->last - steps->first);
  const bool fits = groups > 1 && groups <= oclstm__plan_cl(plan)->base.device.compute_units;
  return members == 1 && plan->alone == 0 && fits && seconds > COMPANY_SECONDS ? (cl_int)groups : 0;
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
  const size_t slices = steps->alone ? r->all_slices : r->slices;
  const oclstm__meeting where = oclstm__meeting_of(plan, steps, slices, members);
  const cl_int company = resume == 0 ? company_of(plan, r, steps, slices, members) : 0;
  const cl_int numbers[] = {sorted, (cl_int)resume, (cl_int)r->layer->input_size,
                            (cl_int)steps_ahead(slice_rows(plan, slices))};
  const oclstm__arg args[] = {
      {sizeof(cl_int), &reverse},      {sizeof(cl_mem), &second->W},    {sizeof shape, &shape},
      {sizeof(cl_mem), &plan->places}, {sizeof(cl_int), &where.place},  {sizeof(cl_int), &where.seats},
      {sizeof(cl_int), &company},      {sizeof(cl_int), &where.slices}, {sizeof(cl_int), &where.members},
      {sizeof(cl_int), &where.first},  {sizeof(cl_int), &where.last},   {sizeof(cl_int), &plan->spins},
      {sizeof(cl_int), &numbers[0]},   {sizeof(cl_int), &numbers[1]},   {sizeof(cl_mem), &steps->x},
      {sizeof(cl_mem), W_in},          {sizeof(cl_int), &numbers[2]},   {sizeof(cl_int), &numbers[3]},
  };
  TRY(oclstm__stage_args(plan, r, stage, kernel, stage->W, current, 1 - current, steps, error));
  TRY(oclstm__set_args(kernel, OCLSTM__STEP_ARG, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_in_turn(oclstm__plan_cl(plan), turn, kernel, slices * members * stage->lanes,
                              stage->lanes, error));
done:
  return status;
}

/* The state is h[current] before the steps, and after them unless their number is odd. */
static oclstm_status run_at_once(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
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

static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__steps part = *steps;
  do {
    part.last = oclstm__min(part.first + r->at_once, steps->last);
    part.turn = oclstm__part_of_turn(steps->turn, part.first == steps->first, part.last == steps->last);
    TRY(run_at_once(plan, r, &part, error));
    part.first = part.last;
  } while (part.first < steps->last);
done:
  return status;
}

const oclstm__strategy oclstm__rows_strategy = {OCLSTM_STRATEGY_ROWS, "rows",       NULL, launches,
                                                prepare_input,        prepare_rows, run};
const oclstm__strategy oclstm__grid_strategy = {
    OCLSTM_STRATEGY_GRID, "grid", grid_candidates, launches, prepare_input, prepare_grid, run};
