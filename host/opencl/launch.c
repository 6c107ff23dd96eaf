/* Kernels of stages: making them, their arguments, enqueueing.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

oclstm_status oclstm__stage_kernel(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                   const oclstm__stage *stage, const char *stem, const char *name,
                                   cl_kernel *kernel, oclstm_error *error) {
  oclstm__cl *cl = oclstm__plan_cl(plan);
  char cell[OCLSTM__CELL_OPTIONS];
  oclstm__cell_options(r->layer, r->direction, &stage->spec, cell);
  const oclstm__build build = {
      .stem = stem,
      .VW = cl->vector_width,
      .ROWS = (unsigned)stage->rows,
      .LANES = (unsigned)stage->lanes,
      .VECTORS = (unsigned)stage->spec.vectors,
      .STORAGE = (unsigned)plan->base.desc.precision,
      .CELLS = r->cells,
      .cell = cell,
  };
  return oclstm__kernel_create(cl, &build, name, kernel, error);
}

/* Shape argument of kernels/stage.cl; the same members in the same order. */
typedef struct step_shape {
  cl_int n, B, U, UP, K, lda, H, HP, gates, y_ld, y_column, cells_ld, cells_column, merge, backwards;
} step_shape;

static step_shape shape_of(const oclstm__cl_plan *plan, const oclstm__runner *r, const oclstm__stage *stage,
                           const oclstm__steps *steps) {
  return (step_shape){
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
                                 const oclstm__stage *stage, cl_kernel kernel, cl_mem second, unsigned h_in,
                                 unsigned h_out, const oclstm__steps *steps, oclstm_error *error) {
  const step_shape shape = shape_of(plan, r, stage, steps);
  const oclstm__cell_state *state = steps->state;
  cl_mem unused = r->params;
  cl_mem c = state->c != NULL ? state->c : unused;
  cl_mem middle = plan->middle != NULL ? plan->middle : unused;
  cl_mem extra = plan->extra != NULL ? plan->extra : unused;
  cl_mem cells = r->cells ? plan->cells : unused;
  const oclstm__arg args[] = {
      {sizeof(cl_mem), &plan->gx},
      {sizeof(cl_mem), &second},
      {sizeof(cl_mem), &r->params},
      {sizeof(cl_mem), &plan->lengths},
      {sizeof(cl_mem), &state->h[h_in]},
      {sizeof(cl_mem), &state->h[h_out]},
      {sizeof(cl_mem), &c},
      {sizeof(cl_mem), &middle},
      {sizeof(cl_mem), &extra},
      {sizeof(cl_mem), &steps->y},
      {sizeof(cl_mem), &cells},
      {sizeof shape, &shape},
  };
  return oclstm__set_args(kernel, 0, args, sizeof args / sizeof args[0], error);
}

oclstm_status oclstm__set_args(cl_kernel kernel, cl_uint first, const oclstm__arg *args, size_t n,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < n; ++k) {
    CL(clSetKernelArg(kernel, first + (cl_uint)k, args[k].bytes, args[k].value));
  }
done:
  return status;
}

oclstm_status oclstm__enqueue_items(const oclstm__cl *cl, cl_kernel kernel, size_t items, size_t local,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t global = oclstm__round_up(items, local);
  TRY(oclstm__cl_enqueue(cl, kernel, 1, &global, &local, error));
done:
  return status;
}
