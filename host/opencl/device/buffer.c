/* Device buffers: allocated at once, filled at once, counted.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"

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

/* Written from constant memory, which needs no waiting for. Not clEnqueueFillBuffer: a checker of uninitialised memory
 * (Oclgrind 21.10) does not see what that one writes. */
oclstm_status oclstm__buffer_clear(const oclstm__cl *cl, cl_mem buffer, size_t bytes, oclstm_error *error) {
  static const unsigned char ZEROS[1 << 18];
  oclstm_status status = OCLSTM_OK;
  for (size_t first = 0; first < bytes; first += sizeof ZEROS) {
    size_t n = oclstm__min(sizeof ZEROS, bytes - first);
    TRY(oclstm__cl_write(cl, buffer, CL_FALSE, first, n, ZEROS, error));
  }
  TRY(oclstm__cl_order(cl, error));
done:
  return status;
}

oclstm_status oclstm__buffer_create(const oclstm__cl *cl, size_t bytes, const char *what, cl_mem *buffer,
                                    uint64_t *total, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bytes = oclstm__max(bytes, 1);
  TRY(create(cl, bytes, what, buffer, total, error));
  TRY(oclstm__buffer_clear(cl, *buffer, bytes, error));
done:
  return status;
}

oclstm_status oclstm__buffer_from(const oclstm__cl *cl, const void *values, size_t bytes, const char *what,
                                  cl_mem *buffer, uint64_t *total, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(create(cl, bytes, what, buffer, total, error));
  TRY(oclstm__cl_write(cl, *buffer, CL_TRUE, 0, bytes, values, error));
done:
  return status;
}

oclstm_status oclstm__buffer_stored(const oclstm__cl *cl, oclstm_precision precision, const float *values,
                                    size_t n, const char *what, cl_mem *buffer, uint64_t *total,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t bytes = n * oclstm__stored_bytes(precision);
  void *stored = oclstm__alloc(&cl->base.allocator, n, oclstm__stored_bytes(precision));
  REQUIRE(stored != NULL, OCLSTM_E_MEMORY, "%s: %zu bytes", what, bytes);
  oclstm__to_stored(precision, values, n, stored);
  TRY(oclstm__buffer_from(cl, stored, bytes, what, buffer, total, error));
done:
  oclstm__free(&cl->base.allocator, stored);
  return status;
}

void oclstm__buffer_release(cl_mem *buffer) {
  if (*buffer != NULL) {
    (void)clReleaseMemObject(*buffer);
    *buffer = NULL;
  }
}
