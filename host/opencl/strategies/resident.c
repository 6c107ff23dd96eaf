/* Strategy grid where a work-item is a lane: W_hh stays in registers, kernels/resident.cl.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/device/program.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

enum {
  LAUNCH_STEPS = 512, /* some milliseconds: a display that shares the GPU waits for a launch */
  REHEARSALS = 64,    /* meetings: groups that take turns do not come through one */
  TRIES = 3,
  MOST_LOOKS = 1 << 20, /* a second or so on NVIDIA's GPUs, where a look goes to the second cache */
};

/* ---- weights ---- */

/* W [gates*UP, K], rounded to what is stored. */
static oclstm_status upload(oclstm__cl_plan *plan, oclstm__runner *r, const float *W, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  oclstm__resident *s = &r->resident;
  const size_t UP = r->stages[0].UP;
  const size_t K = r->stages[0].spec.K;
  const size_t rows = oclstm__resident_lines(s, r->gates) * (s->mma ? 16 : OCLSTM__WARP);
  const size_t count = s->members * rows * s->warps * s->depth;
  float *packed = oclstm__alloc(&cl->base.allocator, count, sizeof *packed);
  REQUIRE(packed != NULL, OCLSTM_E_MEMORY, "weights [%zu,%zu], packed", r->gates * UP, K);
  for (size_t n = 0; n < r->gates * UP * K; ++n) {
    size_t unit = n / K % UP;
    size_t row = n / K / UP * s->units + unit % s->units;
    packed[oclstm__resident_place(s, r->gates, unit / s->units, row, n % K)] = W[n];
  }
  TRY(oclstm__buffer_stored(cl, plan->base.desc.precision, packed, count, "weights", &s->W,
                            &plan->device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, packed);
  return status;
}

/* ---- the kernel ---- */

static oclstm_status make_kernel(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__resident *s = &r->resident;
  char options[OCLSTM__CELL_OPTIONS + 160];
  oclstm__cell_options(r->layer, r->direction, &r->stages[0].spec, options);
  size_t used = strlen(options);
  (void)snprintf(options + used, sizeof options - used,
                 " -DMMA=%d -DPTX=%d -DX_AHEAD=%d -DUNITS=%zu -DDEPTH=%zu -DHIDDEN=%zu "
                 "-DCHUNKS=%zu -DFILLED=%zu -DMEETS=%d%s",
                 s->mma, !s->twin, s->ahead, s->units, s->depth, r->layer->hidden_size, s->chunks, s->filled,
                 s->members > 1,
                 s->mma          ? ""
                 : s->chunk == 4 ? " -DCHUNK=4"
                                 : " -DCHUNK=8");
  const oclstm__build build = {.stem = "resident",
                               .LANES = (unsigned)(s->warps * OCLSTM__WARP),
                               .VECTORS = (unsigned)r->gates,
                               .STORAGE = (unsigned)plan->base.desc.precision,
                               .CELLS = r->cells,
                               .cell = options};
  TRY(oclstm__kernel_create(oclstm__plan_cl(plan), &build, "resident", &s->kernel, error));
done:
  return status;
}

/* One launch: steps first .. last - 1, or rehearsals. */
static oclstm_status launch(oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__steps *steps,
                            oclstm__turn turn, size_t first, size_t last, cl_int rehearsals,
                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__resident *s = &r->resident;
  const size_t items = s->warps * OCLSTM__WARP;
  const cl_int most = !s->twin ? MOST_LOOKS : rehearsals > 0 ? 8 * MOST_LOOKS : INT_MAX;
  const cl_int spins = plan->spins < most ? plan->spins : most;
  const cl_int reverse = steps->reverse;
  const cl_int numbers[] = {(cl_int)first, (cl_int)last, spins, rehearsals};
  const oclstm__meeting where = oclstm__meeting_of(plan, steps, s->slices, s->members);
  const oclstm__arg args[] = {
      {sizeof(cl_int), &reverse},     {sizeof(cl_mem), &plan->places}, {sizeof(cl_int), &where.place},
      {sizeof(cl_int), &where.seats}, {sizeof(cl_int), &where.slices}, {sizeof(cl_int), &where.members},
      {sizeof(cl_int), &where.first}, {sizeof(cl_int), &numbers[0]},   {sizeof(cl_int), &numbers[1]},
      {sizeof(cl_int), &numbers[2]},  {sizeof(cl_int), &numbers[3]},
  };
  TRY(oclstm__set_args(s->kernel, OCLSTM__STEP_ARG, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_in_turn(oclstm__plan_cl(plan), turn, s->kernel, s->slices * s->members * items, items,
                              error));
done:
  return status;
}

size_t oclstm__resident_launches(size_t steps) {
  return (steps + LAUNCH_STEPS - 1) / LAUNCH_STEPS;
}

oclstm_status oclstm__resident_run(oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__steps *steps,
                                   oclstm__turn turn, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const unsigned current = steps->state->current;
  TRY(oclstm__stage_args(plan, r, &r->stages[0], r->resident.kernel, r->resident.W, current, 1 - current,
                         steps, error));
  for (size_t first = steps->first; first < steps->last; first += LAUNCH_STEPS) {
    const size_t last = oclstm__min(first + LAUNCH_STEPS, steps->last);
    const oclstm__turn part = oclstm__part_of_turn(turn, first == steps->first, last == steps->last);
    TRY(launch(plan, r, steps, part, first, last, 0, error));
  }
done:
  return status;
}

/* ---- residency ---- */

static bool takes_groups(const oclstm__cl *cl, const oclstm__resident *s) {
  size_t most = 0;
  return clGetKernelWorkGroupInfo(s->kernel, cl->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most,
                                  NULL) == CL_SUCCESS &&
         most >= s->warps * OCLSTM__WARP;
}

/* The kernel itself, with the registers and the local memory that it has, meets as often as groups that take turns would not. */
static oclstm_status rehearse(oclstm__cl_plan *plan, oclstm__runner *r, bool *good, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__resident *s = &r->resident;
  const size_t bytes = oclstm__places_bytes(plan);
  oclstm__cell_state unused = {{r->params, r->params}, {r->params, r->params}, 0};
  const oclstm__steps none = {.state = &unused, .x = plan->activations[0], .y = plan->activations[1]};
  TRY(oclstm__stage_args(plan, r, &r->stages[0], s->kernel, s->W, 0, 1, &none, error));
  for (size_t k = 0; k < TRIES && !*good; ++k) {
    TRY(oclstm__buffer_clear(cl, plan->places, bytes, error));
    TRY(launch(plan, r, &none, OCLSTM__IN_ORDER, 0, 0, REHEARSALS, error));
    TRY(oclstm__cl_read(cl, plan->places, bytes, plan->seen, error));
    *good = plan->seen[OCLSTM__SYNC_STALLED] == 0 &&
            (size_t)plan->seen[OCLSTM__SYNC_ARRIVED] == s->slices * s->members * REHEARSALS;
  }
  TRY(oclstm__buffer_clear(cl, plan->places, bytes, error));
done:
  return status;
}

void oclstm__resident_release(oclstm__runner *r) {
  oclstm__buffer_release(&r->resident.W);
  oclstm__kernel_release(&r->resident.kernel);
  r->resident = (oclstm__resident){.W = NULL};
}

oclstm_status oclstm__resident_create(oclstm__cl_plan *plan, oclstm__runner *r, const float *W,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const uint64_t before = plan->device_bytes;
  size_t groups = 0;
  bool good = false;
  TRY(oclstm__coresident_groups(cl, &groups, error));
  if (!oclstm__resident_divide(plan, r, &r->choice, &r->resident)) {
    oclstm__resident_release(r);
    return OCLSTM_OK;
  }
  TRY(upload(plan, r, W, error));
  TRY(make_kernel(plan, r, error));
  if (takes_groups(cl, &r->resident)) {
    good = r->resident.members == 1;
    TRY(good ? OCLSTM_OK : rehearse(plan, r, &good, error));
  }
  if (!good) {
    oclstm__log(&cl->base.log, OCLSTM_LOG_INFO,
                "%zu work-groups with W_hh in registers do not run at the same time",
                r->resident.members * r->resident.slices);
    oclstm__resident_release(r);
    plan->device_bytes = before;
  }
done:
  return status;
}
