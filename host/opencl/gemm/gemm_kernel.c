/* What kernels/gemm.cl and kernels/gemm_mma.cl have in common: A, lda, W, C, ldc, M, N, K, first.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"

oclstm_status oclstm__gemm_weights(const oclstm__gemm *gemm, cl_kernel kernel, cl_mem W,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__gemm_shape *s = &gemm->shape;
  const cl_int lda = (cl_int)s->lda;
  const cl_int ldc = (cl_int)s->ldc;
  const cl_int N = (cl_int)s->N;
  const cl_int K = (cl_int)s->K;
  CL(clSetKernelArg(kernel, 1, sizeof lda, &lda));
  CL(clSetKernelArg(kernel, 2, sizeof W, &W));
  CL(clSetKernelArg(kernel, 4, sizeof ldc, &ldc));
  CL(clSetKernelArg(kernel, 6, sizeof N, &N));
  CL(clSetKernelArg(kernel, 7, sizeof K, &K));
done:
  return status;
}

oclstm_status oclstm__gemm_launch(const oclstm__gemm *gemm, size_t lane, cl_kernel kernel,
                                  oclstm__gemm_rows rows, cl_mem A, cl_mem C, const size_t global[2],
                                  const size_t local[2], oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const cl_int M = (cl_int)rows.n;
  const cl_int first = (cl_int)rows.first;
  CL(clSetKernelArg(kernel, 0, sizeof A, &A));
  CL(clSetKernelArg(kernel, 3, sizeof C, &C));
  CL(clSetKernelArg(kernel, 5, sizeof M, &M));
  CL(clSetKernelArg(kernel, 8, sizeof first, &first));
  TRY(oclstm__cl_enqueue(gemm->cl, ((oclstm__turn){lane, NULL, NULL}), kernel, 2, global, local, error));
done:
  return status;
}
