/* Strategy fused-step: per step one kernel, recurrent product and gates together.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

/* Blocks of units must divide HP, which is a multiple of 16. */
static size_t lanes_for(const oclstm__cl *cl, size_t HP) {
  size_t lanes = cl->max_lanes;
  while (lanes > 1 && HP % (lanes * cl->vector_width) != 0) {
    lanes /= 2;
  }
  return lanes;
}

/* As many rows as the registers hold accumulators for, no more than there are. */
static size_t rows_for(const oclstm__cl *cl, size_t B) {
  return oclstm__min(cl->vector_width == 1 ? 4 : cl->vector_width == 16 ? 6 : 2, B);
}

static oclstm_status upload(oclstm__cl_plan *plan, oclstm__runner *r, const float *W_hh,
                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t block = r->lanes * cl->vector_width;
  const oclstm__panels panels = {4 * r->HP, r->layer->hidden_size, r->HP / block, block, block, r->HP};
  float *packed = oclstm__alloc(&cl->base.allocator, oclstm__panels_count(&panels), sizeof *packed);
  REQUIRE(packed != NULL, OCLSTM_E_MEMORY, "W_hh [%zu,%zu], packed", panels.N, panels.K);
  oclstm__pack_panels(&panels, W_hh, packed);
  TRY(oclstm__buffer_from(cl, packed, oclstm__panels_count(&panels) * sizeof *packed, "W_hh", &r->W_hh,
                          &plan->device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, packed);
  return status;
}

static oclstm_status prepare(oclstm__cl_plan *plan, oclstm__runner *r, const float *W_hh,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  r->lanes = lanes_for(cl, r->HP);
  r->rows = rows_for(cl, plan->base.desc.rows);
  TRY(upload(plan, r, W_hh, error));
  const oclstm__build build = {"lstm_step", cl->vector_width, (unsigned)r->rows, (unsigned)r->lanes,
                               r->cells};
  for (size_t k = 0; k < 2; ++k) {
    TRY(oclstm__kernel_create(cl, &build, "lstm_fused_step", &r->kernel[k], error));
  }
done:
  return status;
}

/* kernel[k] reads h[k] and writes h[1 - k]: only the step changes between launches. */
static oclstm_status set_fixed_args(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__step_shape shape = oclstm__step_shape_of(plan, r, steps);
  for (size_t k = 0; k < 2; ++k) {
    const oclstm__arg fixed[] = {
        {sizeof(cl_mem), &plan->gx},
        {sizeof(cl_mem), &r->W_hh},
        {sizeof(cl_mem), &r->bias},
        {sizeof(cl_mem), &plan->lengths},
        {sizeof(cl_mem), &steps->state->h[k]},
        {sizeof(cl_mem), &steps->state->h[1 - k]},
        {sizeof(cl_mem), &steps->state->c},
        {sizeof(cl_mem), &steps->y},
        {sizeof(cl_mem), r->cells ? &plan->cells : &steps->y},
        {sizeof shape, &shape},
    };
    TRY(oclstm__set_args(r->kernel[k], 0, fixed, sizeof fixed / sizeof fixed[0], error));
  }
done:
  return status;
}

static oclstm_status run(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__steps *steps,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const size_t global[2] = {r->lanes * ((plan->base.desc.rows + r->rows - 1) / r->rows),
                            r->HP / (r->lanes * cl->vector_width)};
  const size_t local[2] = {r->lanes, 1};
  TRY(set_fixed_args(plan, r, steps, error));
  for (size_t k = 0; k < steps->n; ++k) {
    const cl_int t = (cl_int)(steps->reverse ? steps->n - 1 - k : k);
    cl_kernel kernel = r->kernel[steps->state->current];
    CL(clSetKernelArg(kernel, 10, sizeof t, &t));
    CL(clEnqueueNDRangeKernel(cl->queue, kernel, 2, NULL, global, local, 0, NULL, NULL));
    TRY(oclstm__cl_order(cl, error));
    steps->state->current = 1 - steps->state->current;
  }
done:
  return status;
}

const oclstm__strategy oclstm__fused_step = {OCLSTM_STRATEGY_FUSED_STEP, "fused-step", prepare, run};
