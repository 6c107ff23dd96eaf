/* Rows between the caller's layout and ours: kernels/rows.cl.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan/rows.h"
#include "opencl/device/cl.h"
#include "opencl/plan.h"

enum { ITEMS_LOCAL = 64 }; /* fixed, because some drivers compile a kernel anew for each local size */

/* A work-item for each element where it is a lane, for each row where it fills a core. */
oclstm_status oclstm__cl_items(const oclstm__cl_plan *plan, cl_kernel kernel, const oclstm__arg *args,
                               size_t n_args, size_t rows, size_t width, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t items = cl->vector_width == 1 ? rows * width : rows;
  TRY(oclstm__set_args(kernel, 0, args, n_args, error));
  TRY(oclstm__enqueue_items(cl, kernel, items, oclstm__min(ITEMS_LOCAL, cl->base.device.max_work_group),
                            error));
done:
  return status;
}

bool oclstm__as_inside(const oclstm__cl_plan *plan, oclstm_layout layout) {
  return layout == OCLSTM_TIME_MAJOR && plan->base.desc.precision == OCLSTM_PRECISION_F32;
}

/* Arguments batch_major, T, B, F, which end every kernel of these. */
typedef struct shape {
  cl_int batch_major, T, B, F;
  size_t rows, width;
} shape;

static shape shape_of(const oclstm__cl_plan *plan, oclstm_layout layout, size_t steps, size_t width) {
  size_t B = plan->base.desc.rows;
  return (shape){layout == OCLSTM_BATCH_MAJOR, (cl_int)steps, (cl_int)B, (cl_int)width, steps * B, width};
}

oclstm_status oclstm__cl_pack(oclstm__cl_plan *plan, cl_mem from, size_t first, oclstm_layout layout,
                              size_t steps, size_t width, oclstm__columns to, oclstm_error *error) {
  const cl_ulong from_first = first;
  const cl_int ld = (cl_int)to.ld;
  const cl_int column = (cl_int)to.column;
  const cl_int merge = (cl_int)to.merge;
  const shape s = shape_of(plan, layout, steps, width);
  const oclstm__arg args[] = {
      {sizeof from, &from},
      {sizeof from_first, &from_first},
      {sizeof to.mem, &to.mem},
      {sizeof ld, &ld},
      {sizeof column, &column},
      {sizeof merge, &merge},
      {sizeof(cl_mem), &plan->lengths},
      {sizeof s.batch_major, &s.batch_major},
      {sizeof s.T, &s.T},
      {sizeof s.B, &s.B},
      {sizeof s.F, &s.F},
  };
  return oclstm__cl_items(plan, plan->pack_rows, args, sizeof args / sizeof args[0], s.rows, s.width, error);
}

oclstm_status oclstm__cl_gather(oclstm__cl_plan *plan, cl_mem ids, size_t first, oclstm_layout layout,
                                size_t steps, cl_mem to, oclstm_error *error) {
  const cl_ulong ids_first = first;
  const cl_int V = (cl_int)plan->base.model->embedding_size;
  const shape s = shape_of(plan, layout, steps, plan->base.model->layers[0].input_size);
  const oclstm__arg args[] = {
      {sizeof ids, &ids},
      {sizeof ids_first, &ids_first},
      {sizeof(cl_mem), &plan->embedding},
      {sizeof V, &V},
      {sizeof to, &to},
      {sizeof(cl_mem), &plan->lengths},
      {sizeof s.batch_major, &s.batch_major},
      {sizeof s.T, &s.T},
      {sizeof s.B, &s.B},
      {sizeof s.F, &s.F},
  };
  return oclstm__cl_items(plan, plan->gather_rows, args, sizeof args / sizeof args[0], s.rows, s.width,
                          error);
}

oclstm_status oclstm__cl_unpack(oclstm__cl_plan *plan, oclstm__rows from, cl_mem to, size_t first,
                                oclstm_layout layout, size_t steps, size_t width, oclstm_error *error) {
  const cl_ulong to_first = first;
  const shape s = shape_of(plan, layout, steps, width);
  const oclstm__arg args[] = {
      {sizeof from.mem, &from.mem}, {sizeof to, &to},
      {sizeof to_first, &to_first}, {sizeof s.batch_major, &s.batch_major},
      {sizeof s.T, &s.T},           {sizeof s.B, &s.B},
      {sizeof s.F, &s.F},
  };
  return oclstm__cl_items(plan, plan->unpack_rows[from.stored], args, sizeof args / sizeof args[0], s.rows,
                          s.width, error);
}
