/* Strategy stepwise: per stage of a step one product and one kernel for the cell. Works everywhere; the yardstick.
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

/* A normalised cell needs whole rows: a work-group each, instead of a work-item for each vector of units. */
static bool owns_rows(const oclstm__runner *r, const oclstm__stage *stage) {
  return r->layer->layer_norm != OCLSTM_NORM_NONE && stage == &r->stages[0];
}

static size_t launches(const oclstm__runner *r, size_t steps) {
  return 2 * r->n_stages * steps;
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage, const float *W,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__stage_spec *spec = &stage->spec;
  const oclstm__gemm_shape shape = {
      spec->vectors * stage->UP, spec->K, stage->lda, spec->vectors * stage->UP, plan->base.desc.rows,
      plan->base.desc.precision};
  bool rows = owns_rows(r, stage);
  stage->lanes = rows ? cl->max_lanes : 0;
  TRY(oclstm__gemm_create(plan->gemm, cl, &shape, W, &stage->gemm, &plan->device_bytes, error));
  TRY(oclstm__stage_kernel(plan, r, stage, rows ? "norm" : "step", rows ? "norm_cell" : "step_cell",
                           &stage->kernel[0], error));
done:
  return status;
}

static oclstm_status run_stage(oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__stage *stage,
                               const oclstm__steps *steps, cl_int t, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t B = plan->base.desc.rows;
  cl_mem A = stage->spec.multiplies_h ? steps->state->h[steps->state->current] : r->middle;
  size_t items = owns_rows(r, stage) ? B * stage->lanes : B * stage->UP / cl->vector_width;
  TRY(oclstm__gemm_enqueue(stage->gemm, A, B, plan->product, error));
  CL(clSetKernelArg(stage->kernel[0], OCLSTM__STEP_ARG, sizeof t, &t));
  TRY(oclstm__enqueue_items(cl, stage->kernel[0], items, cl->max_lanes, error));
done:
  return status;
}

static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  unsigned current = steps->state->current;
  for (size_t s = 0; s < r->n_stages; ++s) {
    TRY(oclstm__stage_args(plan, r, &r->stages[s], r->stages[s].kernel[0], plan->product, current, current,
                           steps, error));
  }
  for (size_t k = 0; k < steps->n; ++k) {
    const cl_int t = (cl_int)(steps->reverse ? steps->n - 1 - k : k);
    for (size_t s = 0; s < r->n_stages; ++s) {
      TRY(run_stage(plan, r, &r->stages[s], steps, t, error));
    }
  }
done:
  return status;
}

const oclstm__strategy oclstm__stepwise = {
    OCLSTM_STRATEGY_STEPWISE, "stepwise", NULL, launches, NULL, prepare, run};
