/* Packed weights on the device.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"

static oclstm_status upload_terms(const oclstm__cl *cl, const oclstm__panels *panels, const float *packed,
                                  cl_mem *buffer, uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t count = OCLSTM__AMX_TERMS * oclstm__panels_count(panels);
  uint16_t *terms = oclstm__alloc(&cl->base.allocator, count, sizeof *terms);
  REQUIRE(terms != NULL, OCLSTM_E_MEMORY, "weights [%zu,%zu], in terms", panels->N, panels->K);
  oclstm__split_panels(panels, packed, terms);
  TRY(oclstm__buffer_from(cl, terms, count * sizeof *terms, "weights", buffer, device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, terms);
  return status;
}

oclstm_status oclstm__upload_panels(const oclstm__cl *cl, const oclstm__panels *panels,
                                    oclstm_precision precision, const float *W, cl_mem *buffer,
                                    uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t count = oclstm__panels_count(panels);
  float *packed = oclstm__alloc(&cl->base.allocator, count, sizeof *packed);
  REQUIRE(packed != NULL, OCLSTM_E_MEMORY, "weights [%zu,%zu], packed", panels->N, panels->K);
  oclstm__pack_panels(panels, W, packed);
  if (panels->paired == 3) {
    TRY(upload_terms(cl, panels, packed, buffer, device_bytes, error));
  } else {
    TRY(oclstm__buffer_stored(cl, precision, packed, count, "weights", buffer, device_bytes, error));
  }
done:
  oclstm__free(&cl->base.allocator, packed);
  return status;
}
