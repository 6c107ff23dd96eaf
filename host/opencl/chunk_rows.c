/* Strategy rows: one launch a chunk; each work-group owns some batch rows for all its steps.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

/* A tile's registers, but no more rows than leave every compute unit a group. */
static size_t rows_for(const oclstm__cl *cl, size_t vectors, size_t B) {
  size_t units = oclstm__max(cl->base.device.compute_units, 1);
  return oclstm__min(oclstm__tile_rows(cl, vectors, B), (B + units - 1) / units);
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage, const float *W,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  stage->rows = rows_for(oclstm__plan_cl(plan), stage->spec.vectors, plan->base.desc.rows);
  TRY(oclstm__upload_stage(plan, stage, W, error));
  TRY(oclstm__stage_kernel(plan, r, stage, "chunk", "chunk_rows", &stage->kernel[0], error));
done:
  return status;
}

/* The state is h[current] before the chunk, and after it unless the number of steps is odd. */
static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__stage *stage = &r->stages[0];
  const cl_int reverse = steps->reverse;
  unsigned current = steps->state->current;
  size_t groups = (plan->base.desc.rows + stage->rows - 1) / stage->rows;
  TRY(oclstm__stage_args(plan, r, stage, stage->kernel[0], stage->W, current, 1 - current, steps, error));
  CL(clSetKernelArg(stage->kernel[0], OCLSTM__STEP_ARG, sizeof reverse, &reverse));
  TRY(oclstm__enqueue_items(oclstm__plan_cl(plan), stage->kernel[0], groups * stage->lanes, stage->lanes,
                            error));
  steps->state->current = (unsigned)((current + steps->n) % 2);
done:
  return status;
}

const oclstm__strategy oclstm__rows_strategy = {OCLSTM_STRATEGY_ROWS, "rows", prepare, run};
