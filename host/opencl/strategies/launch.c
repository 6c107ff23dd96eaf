/* Kernels of stages: making them, their arguments, enqueueing.
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

oclstm_status oclstm__stage_kernel(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                   const oclstm__stage *stage, const char *stem, const char *name,
                                   cl_kernel *kernel, oclstm_error *error) {
  oclstm__cl *cl = oclstm__plan_cl(plan);
  bool chunk = r->slices > 0;
  const oclstm__stage *second = chunk && r->n_stages > 1 ? &r->stages[1] : NULL;
  const oclstm__stage *in = r->own_input.W != NULL ? &r->own_input : NULL;
  char cell[OCLSTM__CELL_OPTIONS];
  oclstm__cell_options(r->layer, r->direction, &stage->spec, cell);
  const oclstm__build build = {
      .stem = stem,
      .VW = cl->vector_width,
      .ROWS = (unsigned)stage->rows,
      .LANES = (unsigned)stage->lanes,
      .VECTORS = (unsigned)stage->spec.vectors,
      .PANELS = (unsigned)stage->panels,
      .SECOND = second != NULL ? (unsigned)second->spec.number : 0,
      .SECOND_VECTORS = second != NULL ? (unsigned)second->spec.vectors : 0,
      .SECOND_PANELS = second != NULL ? (unsigned)second->panels : 0,
      .PAIRED = oclstm__paired(cl, plan->gemm, plan->base.desc.precision),
      .STORAGE = (unsigned)plan->base.desc.precision,
      .CELLS = r->cells,
      .INPUT = in != NULL,
      .INPUT_ROWS = in != NULL ? (unsigned)in->rows : 0,
      .INPUT_PANELS = in != NULL ? (unsigned)in->panels : 0,
      .LOW_ROWS = (unsigned)stage->low_rows,
      .cell = cell,
  };
  return oclstm__kernel_create(cl, &build, name, kernel, error);
}

oclstm__step_shape oclstm__shape_of(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                    const oclstm__stage *stage, const oclstm__steps *steps) {
  return (oclstm__step_shape){
      .n = (cl_int)steps->n,
      .B = (cl_int)plan->base.desc.rows,
      .U = (cl_int)stage->spec.U,
      .UP = (cl_int)stage->UP,
      .K = (cl_int)stage->spec.K,
      .lda = (cl_int)stage->lda,
      .H = (cl_int)r->layer->hidden_size,
      .HP = (cl_int)r->HP,
      .gates = (cl_int)r->gates,
      .y_ld = (cl_int)steps->y_ld,
      .y_column = (cl_int)steps->y_column,
      .cells_ld = (cl_int)steps->cells_ld,
      .cells_column = (cl_int)steps->cells_column,
      .merge = (cl_int)steps->merge,
      .backwards = r->layer->go_backwards != 0,
  };
}

/* What a cell has no use for is a buffer that is there anyway. */
oclstm_status oclstm__stage_args(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                 const oclstm__stage *stage, cl_kernel kernel, cl_mem second, unsigned in,
                                 unsigned out, const oclstm__steps *steps, oclstm_error *error) {
  const oclstm__step_shape shape = oclstm__shape_of(plan, r, stage, steps);
  const oclstm__cell_state *state = steps->state;
  cl_mem unused = r->params;
  cl_mem gx = oclstm__gx_of(plan, r);
  cl_mem c_in = state->c[in] != NULL ? state->c[in] : unused;
  cl_mem c_out = state->c[out] != NULL ? state->c[out] : unused;
  cl_mem middle = r->middle != NULL ? r->middle : unused;
  cl_mem extra = r->extra != NULL ? r->extra : unused;
  cl_mem cells = r->cells ? plan->cells : unused;
  const oclstm__arg args[] = {
      {sizeof(cl_mem), &gx},
      {sizeof(cl_mem), &second},
      {sizeof(cl_mem), &r->params},
      {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_mem), &plan->order},
      {sizeof(cl_mem), &state->h[in]},
      {sizeof(cl_mem), &state->h[out]},
      {sizeof(cl_mem), &c_in},
      {sizeof(cl_mem), &c_out},
      {sizeof(cl_mem), &middle},
      {sizeof(cl_mem), &extra},
      {sizeof(cl_mem), &steps->y},
      {sizeof(cl_mem), &cells},
      {sizeof shape, &shape},
  };
  return oclstm__set_args(kernel, 0, args, sizeof args / sizeof args[0], error);
}
