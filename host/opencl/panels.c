/* Packed weights on the device, and the tiles that read them.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

oclstm_status oclstm__upload_panels(const oclstm__cl *cl, const oclstm__panels *panels,
                                    oclstm_precision precision, const float *W, cl_mem *buffer,
                                    uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t count = oclstm__panels_count(panels);
  float *packed = oclstm__alloc(&cl->base.allocator, count, sizeof *packed);
  REQUIRE(packed != NULL, OCLSTM_E_MEMORY, "weights [%zu,%zu], packed", panels->N, panels->K);
  oclstm__pack_panels(panels, W, packed);
  TRY(oclstm__buffer_stored(cl, precision, packed, count, "weights", buffer, device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, packed);
  return status;
}

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
size_t oclstm__tile_rows(const oclstm__cl *cl, size_t vectors, size_t B) {
  size_t accumulators = cl->vector_width == 1 ? 16 : cl->vector_width == 16 ? 24 : 8;
  return oclstm__min(oclstm__min(accumulators / vectors, 8), B);
}

oclstm_status oclstm__upload_stage(oclstm__cl_plan *plan, oclstm__stage *stage, const float *W,
                                   oclstm_error *error) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__stage_spec *spec = &stage->spec;
  stage->lanes = lanes_for(cl, stage->UP);
  size_t block = stage->lanes * cl->vector_width;
  const oclstm__panels panels = {
      spec->vectors * stage->UP, spec->K, stage->UP / block, spec->vectors, block, block, stage->UP};
  return oclstm__upload_panels(cl, &panels, plan->base.desc.precision, W, &stage->W, &plan->device_bytes,
                               error);
}
