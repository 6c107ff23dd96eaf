/* Making and destroying products, whoever makes them.
 * SPDX-License-Identifier: MIT */
#include "opencl/gemm/gemm.h"
#include "opencl/device/cl.h"

oclstm_status oclstm__gemm_create(const oclstm__gemm_provider *provider, oclstm__cl *cl,
                                  const oclstm__gemm_shape *shape, const float *W, oclstm__gemm **gemm,
                                  uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__gemm *made = oclstm__alloc(&cl->base.allocator, 1, provider->bytes);
  REQUIRE(made != NULL, OCLSTM_E_MEMORY, "product: %zu bytes", provider->bytes);
  *made = (oclstm__gemm){provider, cl, *shape};
  TRY(provider->prepare(made, W, device_bytes, error));
  *gemm = made;
  made = NULL;
done:
  oclstm__gemm_destroy(&made);
  return status;
}

void oclstm__gemm_destroy(oclstm__gemm **gemm) {
  if (*gemm != NULL) {
    oclstm_allocator allocator = (*gemm)->cl->base.allocator;
    (*gemm)->provider->release(*gemm);
    oclstm__free(&allocator, *gemm);
    *gemm = NULL;
  }
}
