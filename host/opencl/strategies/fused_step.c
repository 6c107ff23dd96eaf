/* Strategy fused-step: per stage of a step one kernel, product and cell together.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

static size_t launches(const oclstm__runner *r, size_t steps) {
  return r->n_stages * steps;
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage, const float *W,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__upload_stage(plan, stage, W, error));
  oclstm__tile_shape(oclstm__plan_cl(plan), stage, plan->base.desc.rows);
  stage->low_rows = 0;
  for (size_t k = 0; k < 2; ++k) {
    TRY(oclstm__stage_kernel(plan, r, stage, "step", "step_fused", &stage->kernel[k], error));
  }
done:
  return status;
}

static oclstm_status enqueue(const oclstm__cl_plan *plan, const oclstm__stage *stage, cl_kernel kernel,
                             cl_int t, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t blocks = stage->UP / (stage->lanes * cl->vector_width);
  const size_t global[2] = {stage->lanes * ((plan->base.desc.rows + stage->rows - 1) / stage->rows),
                            (blocks + stage->panels - 1) / stage->panels};
  const size_t local[2] = {stage->lanes, 1};
  CL(clSetKernelArg(kernel, OCLSTM__STEP_ARG, sizeof t, &t));
  TRY(oclstm__cl_enqueue(cl, OCLSTM__IN_ORDER, kernel, 2, global, local, error));
done:
  return status;
}

/* kernel[k] reads h[k] and writes h[1 - k]: only the step changes between launches. */
static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cell_state *state = steps->state;
  for (size_t s = 0; s < r->n_stages; ++s) {
    for (unsigned k = 0; k < 2; ++k) {
      TRY(oclstm__stage_args(plan, r, &r->stages[s], r->stages[s].kernel[k], r->stages[s].W, k, 1 - k, steps,
                             error));
    }
  }
  for (size_t k = 0; k < steps->n; ++k) {
    const cl_int t = (cl_int)(steps->reverse ? steps->n - 1 - k : k);
    for (size_t s = 0; s < r->n_stages; ++s) {
      TRY(enqueue(plan, &r->stages[s], r->stages[s].kernel[state->current], t, error));
    }
    state->current = 1 - state->current;
  }
done:
  return status;
}

const oclstm__strategy oclstm__fused_step = {
    OCLSTM_STRATEGY_FUSED_STEP, "fused-step", NULL, launches, NULL, prepare, run};
