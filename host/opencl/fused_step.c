/* Strategy fused-step: per stage of a step one kernel, product and cell together.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

/* Blocks of units must divide UP, which is a multiple of 16. */
static size_t lanes_for(const oclstm__cl *cl, size_t UP) {
  size_t lanes = cl->max_lanes;
  while (lanes > 1 && UP % (lanes * cl->vector_width) != 0) {
    lanes /= 2;
  }
  return lanes;
}

/* As many rows as the registers hold accumulators for, no more than there are: 24 vectors of 16, 16 lanes of a GPU, 8
 * vectors of 4 or 8. */
static size_t rows_for(const oclstm__cl *cl, size_t vectors, size_t B) {
  size_t accumulators = cl->vector_width == 1 ? 16 : cl->vector_width == 16 ? 24 : 8;
  return oclstm__min(oclstm__min(accumulators / vectors, 8), B);
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage, const float *W,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__stage_spec *spec = &stage->spec;
  stage->lanes = lanes_for(cl, stage->UP);
  stage->rows = rows_for(cl, spec->vectors, plan->base.desc.rows);
  size_t block = stage->lanes * cl->vector_width;
  const oclstm__panels panels = {
      spec->vectors * stage->UP, spec->K, stage->UP / block, spec->vectors, block, block, stage->UP};
  TRY(oclstm__upload_panels(cl, &panels, plan->base.desc.precision, W, &stage->W, &plan->device_bytes,
                            error));
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
  const size_t global[2] = {stage->lanes * ((plan->base.desc.rows + stage->rows - 1) / stage->rows),
                            stage->UP / (stage->lanes * cl->vector_width)};
  const size_t local[2] = {stage->lanes, 1};
  CL(clSetKernelArg(kernel, OCLSTM__STEP_ARG, sizeof t, &t));
  CL(clEnqueueNDRangeKernel(cl->queue, kernel, 2, NULL, global, local, 0, NULL, NULL));
  TRY(oclstm__cl_order(cl, error));
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

const oclstm__strategy oclstm__fused_step = {OCLSTM_STRATEGY_FUSED_STEP, "fused-step", prepare, run};
