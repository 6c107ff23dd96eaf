/* Whether a provider's products are what they should be on this device.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"

enum { TRIAL_M = 37, TRIAL_N = 41, TRIAL_K = 83 };

/* Integers -3 .. 3: products and sums are exact in every format, so the device's must be equal. */
static float trial_value(size_t row, size_t k) {
  return (float)((row * 7 + k * 5 + row * k % 11) % 7) - 3.0F;
}

static void fill_trial(float *to, size_t rows) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t k = 0; k < TRIAL_K; ++k) {
      to[row * TRIAL_K + k] = trial_value(row, k);
    }
  }
}

static oclstm_status compare_trial(const float *C, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t m = 0; m < TRIAL_M; ++m) {
    for (size_t n = 0; n < TRIAL_N; ++n) {
      float sum = 0.0F;
      for (size_t k = 0; k < TRIAL_K; ++k) {
        sum += trial_value(m, k) * trial_value(n, k);
      }
      REQUIRE(C[m * TRIAL_N + n] == sum, OCLSTM_E_OPENCL, "trial of a product: C[%zu,%zu] is %g, not %g", m,
              n, (double)C[m * TRIAL_N + n], (double)sum);
    }
  }
done:
  return status;
}

oclstm_status oclstm__gemm_trial(oclstm__cl *cl, const oclstm__gemm_provider *provider,
                                 oclstm_precision precision, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_allocator *allocator = &cl->base.allocator;
  const oclstm__gemm_shape shape = {TRIAL_N, TRIAL_K, TRIAL_K, TRIAL_N, TRIAL_M, precision};
  const size_t most = (size_t)TRIAL_N * TRIAL_K;
  oclstm__gemm *gemm = NULL;
  cl_mem A = NULL;
  cl_mem C = NULL;
  uint64_t ignored = 0;
  float *values = oclstm__alloc(allocator, most, sizeof *values);
  REQUIRE(values != NULL, OCLSTM_E_MEMORY, "trial of a product");
  fill_trial(values, TRIAL_N);
  TRY(oclstm__gemm_create(provider, cl, &shape, values, &gemm, &ignored, error));
  TRY(oclstm__buffer_stored(cl, precision, values, (size_t)TRIAL_M * TRIAL_K, "trial", &A, &ignored, error));
  TRY(oclstm__buffer_create(cl, (size_t)TRIAL_M * TRIAL_N * sizeof *values, "trial", &C, &ignored, error));
  TRY(oclstm__gemm_enqueue(gemm, A, TRIAL_M, C, error));
  TRY(oclstm__cl_read(cl, C, (size_t)TRIAL_M * TRIAL_N * sizeof *values, values, error));
  TRY(compare_trial(values, error));
done:
  oclstm__gemm_destroy(&gemm);
  oclstm__buffer_release(&A);
  oclstm__buffer_release(&C);
  oclstm__free(allocator, values);
  return status;
}
