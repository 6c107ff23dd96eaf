/* Device buffers: allocated at once, filled at once, counted.
 * SPDX-License-Identifier: MIT */
#include "opencl/cl.h"

static oclstm_status create(const oclstm__cl *cl, size_t bytes, const char *what, cl_mem *buffer,
                            uint64_t *total, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int code = CL_SUCCESS;
  REQUIRE(bytes <= cl->base.device.max_allocation_bytes, OCLSTM_E_LIMIT,
          "%s: %zu bytes, the device allows %llu in one buffer", what, bytes,
          (unsigned long long)cl->base.device.max_allocation_bytes);
  *buffer = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
  if (code != CL_SUCCESS) {
    *buffer = NULL;
    status =
        oclstm__fail_cl(error, code == CL_OUT_OF_HOST_MEMORY ? OCLSTM_E_MEMORY : OCLSTM_E_DEVICE_MEMORY, code,
                        "%s: %zu bytes: %s (%d)", what, bytes, oclstm__cl_code_name(code), (int)code);
    goto done;
  }
  *total += bytes;
done:
  return status;
}

oclstm_status oclstm__buffer_create(const oclstm__cl *cl, size_t bytes, const char *what, cl_mem *buffer,
                                    uint64_t *total, oclstm_error *error) {
  static const cl_float ZERO = 0.0F;
  oclstm_status status = OCLSTM_OK;
  bytes = oclstm__round_up(oclstm__max(bytes, 1), sizeof ZERO);
  TRY(create(cl, bytes, what, buffer, total, error));
  CL(clEnqueueFillBuffer(cl->queue, *buffer, &ZERO, sizeof ZERO, 0, bytes, 0, NULL, NULL));
  TRY(oclstm__cl_order(cl, error));
done:
  return status;
}

oclstm_status oclstm__buffer_from(const oclstm__cl *cl, const float *values, size_t count, const char *what,
                                  cl_mem *buffer, uint64_t *total, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(create(cl, count * sizeof *values, what, buffer, total, error));
  CL(clEnqueueWriteBuffer(cl->queue, *buffer, CL_TRUE, 0, count * sizeof *values, values, 0, NULL, NULL));
done:
  return status;
}

void oclstm__buffer_release(cl_mem *buffer) {
  if (*buffer != NULL) {
    (void)clReleaseMemObject(*buffer);
    *buffer = NULL;
  }
}
