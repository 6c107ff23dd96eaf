/* Packed weights on the device.
 * SPDX-License-Identifier: MIT */
#include "opencl/gemm.h"
#include "opencl/layout.h"

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
