/* Tiles of a stage, and its packed weights that they read.
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"

/* Blocks of units must divide UP, which is a multiple of 16. */
static size_t lanes_for(const oclstm__cl *cl, size_t UP) {
  size_t lanes = cl->max_lanes;
  while (lanes > 1 && UP % (lanes * cl->vector_width) != 0) {
    lanes /= 2;
  }
  return lanes;
}

size_t oclstm__unit_blocks(const oclstm__cl *cl, size_t UP) {
  return UP / (lanes_for(cl, UP) * cl->vector_width);
}

/* Accumulators that the registers hold: 24 vectors of 16, 16 lanes of a GPU, 8 vectors of 4 or 8. Four columns are enough to
 * keep a core's multipliers busy, eight where there is one row. */
void oclstm__tile_shape(const oclstm__cl *cl, oclstm__stage *stage, size_t n) {
  size_t registers = cl->vector_width == 1 ? 16 : cl->vector_width == 16 ? 24 : 8;
  size_t vectors = stage->spec.vectors;
  size_t blocks = stage->UP / (stage->lanes * cl->vector_width);
  stage->rows = oclstm__min(oclstm__min(registers / oclstm__max(vectors, 4), 8), n);
  stage->low_rows = cl->vector_width == 16 && stage->rows == 6 && n < SIZE_MAX ? 4 : 0;
  if (stage->tiled) {
    stage->rows = OCLSTM__AMX_ROWS;
    stage->low_rows = 0;
  }
  stage->panels = 1;
  if (cl->vector_width > 1) {
    stage->panels = oclstm__max((stage->rows == 1 ? 8 : 4) / vectors, 1);
    stage->panels = oclstm__min(stage->panels, blocks);
  }
}

oclstm_status oclstm__upload_stage(oclstm__cl_plan *plan, oclstm__stage *stage, const float *W,
                                   oclstm_error *error) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__stage_spec *spec = &stage->spec;
  stage->lanes = lanes_for(cl, stage->UP);
  size_t block = stage->lanes * cl->vector_width;
  const oclstm__panels panels = {spec->vectors * stage->UP,
                                 spec->K,
                                 stage->UP / block,
                                 spec->vectors,
                                 block,
                                 block,
                                 stage->UP,
                                 oclstm__paired(cl, plan->gemm, plan->base.desc.precision)};
  stage->tiled = plan->gemm == &oclstm__gemm_amx;
  return oclstm__upload_panels(cl, &panels, plan->base.desc.precision, W, &stage->W, &plan->device_bytes,
                               error);
}
