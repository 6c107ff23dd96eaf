/* Strategy stepwise: per step one product and one kernel for the four gates. Works everywhere; the yardstick.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, const float *W_hh,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t B = plan->base.desc.rows;
  const oclstm__gemm_shape shape = {4 * r->HP, r->layer->hidden_size, r->HP, 4 * r->HP, B};
  const oclstm__build build = {"lstm_step", cl->vector_width, 0, 0, r->cells};
  TRY(plan->gemm->create(cl, &shape, W_hh, &r->recurrent, &plan->device_bytes, error));
  TRY(oclstm__buffer_create(cl, B * 4 * r->HP * sizeof(float), "recurrent product", &r->gh,
                            &plan->device_bytes, error));
  TRY(oclstm__kernel_create(cl, &build, "lstm_gates", &r->kernel[0], error));
done:
  return status;
}

static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  cl_mem *h = &steps->state->h[steps->state->current];
  const oclstm__step_shape shape = oclstm__step_shape_of(plan, r, steps);
  const oclstm__arg fixed[] = {
      {sizeof(cl_mem), &plan->gx}, {sizeof(cl_mem), &r->gh},
      {sizeof(cl_mem), &r->bias},  {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_mem), h},         {sizeof(cl_mem), &steps->state->c},
      {sizeof(cl_mem), &steps->y}, {sizeof(cl_mem), r->cells ? &plan->cells : &steps->y},
      {sizeof shape, &shape},
  };
  const size_t items = plan->base.desc.rows * r->HP / cl->vector_width;
  TRY(oclstm__set_args(r->kernel[0], 0, fixed, 9, error));
  for (size_t k = 0; k < steps->n; ++k) {
    const cl_int t = (cl_int)(steps->reverse ? steps->n - 1 - k : k);
    TRY(oclstm__gemm_enqueue(r->recurrent, *h, plan->base.desc.rows, r->gh, error));
    CL(clSetKernelArg(r->kernel[0], 9, sizeof t, &t));
    TRY(oclstm__enqueue_items(cl, r->kernel[0], items, cl->max_lanes, error));
  }
done:
  return status;
}

const oclstm__strategy oclstm__stepwise = {OCLSTM_STRATEGY_STEPWISE, "stepwise", prepare, run};
