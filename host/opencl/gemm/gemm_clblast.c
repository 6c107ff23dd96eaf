/* Products by CLBlast. The only file that calls it.
 *
 * What CLBlast needs of its callers: before 1.6.1 two threads race in its caches, so one lock stands around every call;
 * a product may want a temporary buffer, which is asked for and made when the plan is; it writes to stderr when it
 * refuses, so devices it is known to refuse are not tried, and every shape is tried once before a plan depends on it.
 *
 * SPDX-License-Identifier: MIT */
#include <clblast_c.h>
#include <pthread.h>
#include <stdio.h>

#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
#define CLBLAST_NAME                                                                              \
  "clblast " STRINGIFY(CLBLAST_VERSION_MAJOR) "." STRINGIFY(CLBLAST_VERSION_MINOR) "." STRINGIFY( \
      CLBLAST_VERSION_PATCH)

/* The version that is loaded may be older than the headers, and the lock costs nothing: it is always taken. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct blast {
  oclstm__gemm base;
  cl_mem W;         /* [N, K] */
  cl_mem temporary; /* or NULL */
} blast;

static blast *blast_of(oclstm__gemm *gemm) {
  return (blast *)(void *)gemm;
}

static size_t rows_of_call(const oclstm__gemm_shape *shape) {
  return shape->fixed_rows != 0 ? shape->fixed_rows : OCLSTM__ROW_BLOCK;
}

/* One call: rows first_row .. first_row + rows_of_call - 1. */
static CLBlastStatusCode multiply(blast *g, size_t lane, cl_mem A, size_t first_row, cl_mem C,
                                  cl_event *event) {
  cl_command_queue queue = oclstm__lane(g->base.cl, lane);
  const oclstm__gemm_shape *s = &g->base.shape;
  (void)pthread_mutex_lock(&clblast_lock);
  CLBlastStatusCode code =
      CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes,
                                 rows_of_call(s), s->N, s->K, 1.0F, A, first_row * s->lda, s->lda, g->W, 0,
                                 s->K, 0.0F, C, first_row * s->ldc, s->ldc, &queue, event, g->temporary);
  (void)pthread_mutex_unlock(&clblast_lock);
  return code;
}

/* The size can depend on whether A and C begin at an offset: both are asked for. */
static oclstm_status make_temporary(blast *g, uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__gemm_shape *s = &g->base.shape;
  size_t most = 0;
  for (size_t first_row = 0; first_row <= rows_of_call(s); first_row += rows_of_call(s)) {
    size_t bytes = 0;
    (void)pthread_mutex_lock(&clblast_lock);
    CLBlastStatusCode code = CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, rows_of_call(s), s->N, s->K,
        first_row * s->lda, s->lda, 0, s->K, first_row * s->ldc, s->ldc, &g->base.cl->queue, &bytes);
    (void)pthread_mutex_unlock(&clblast_lock);
    if (code != CLBlastSuccess) {
      return oclstm__fail_cl(error, OCLSTM_E_OPENCL, code, "CLBlastSGemmTempBufferSize [%zu,%zu]: %d", s->N,
                             s->K, (int)code);
    }
    most = oclstm__max(most, bytes);
  }
  if (most > 0) {
    TRY(oclstm__buffer_create(g->base.cl, most, "CLBlast's temporary buffer", &g->temporary, device_bytes,
                              error));
  }
done:
  return status;
}

static void release(oclstm__gemm *gemm) {
  blast *g = blast_of(gemm);
  oclstm__buffer_release(&g->W);
  oclstm__buffer_release(&g->temporary);
}

static oclstm_status prepare(oclstm__gemm *gemm, const float *W, uint64_t *device_bytes,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  blast *g = blast_of(gemm);
  const size_t bytes = gemm->shape.N * gemm->shape.K * sizeof *W;
  TRY(oclstm__buffer_from(gemm->cl, W, bytes, "weights", &g->W, device_bytes, error));
  TRY(make_temporary(g, device_bytes, error));
done:
  return status;
}

static oclstm_status enqueue(oclstm__gemm *gemm, size_t lane, oclstm__gemm_rows rows, cl_mem A, cl_mem C,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t row = 0; row < rows.n; row += rows_of_call(&gemm->shape)) {
    cl_event event = NULL;
    cl_event *wanted = oclstm__cl_profiled(gemm->cl) ? &event : NULL;
    CLBlastStatusCode code = multiply(blast_of(gemm), lane, A, rows.first + row, C, wanted);
    if (code != CLBlastSuccess) {
      status =
          oclstm__fail_cl(error, OCLSTM_E_OPENCL, code, "CLBlastSgemm [%zu,%zu] x [%zu,%zu]: %d",
                          rows_of_call(&gemm->shape), gemm->shape.K, gemm->shape.K, gemm->shape.N, (int)code);
      goto done;
    }
    TRY(oclstm__cl_product_called(gemm->cl, lane, event, error));
  }
done:
  return status;
}

const oclstm__gemm_provider oclstm__gemm_clblast = {CLBLAST_NAME, true,    sizeof(blast),
                                                    prepare,      enqueue, release};

/* ---- does it serve this device? ---- */

/* A product of 16 by 16 by 16, made and waited for. */
static oclstm_status try_product(oclstm__cl *cl, oclstm_error *error) {
  static const float W[16 * 16];
  static const oclstm__gemm_shape SHAPE = {16, 16, 16, 16, 16, OCLSTM_PRECISION_F32};
  oclstm_status status = OCLSTM_OK;
  oclstm__gemm *gemm = NULL;
  cl_mem A = NULL;
  cl_mem C = NULL;
  uint64_t ignored = 0;
  float read_back = 0.0F;
  TRY(oclstm__buffer_create(cl, sizeof W, "trial", &A, &ignored, error));
  TRY(oclstm__buffer_create(cl, sizeof W, "trial", &C, &ignored, error));
  TRY(oclstm__gemm_create(&oclstm__gemm_clblast, cl, &SHAPE, W, &gemm, &ignored, error));
  TRY(enqueue(gemm, 0, (oclstm__gemm_rows){0, 16}, A, C, error));
  TRY(oclstm__cl_read(cl, C, sizeof read_back, &read_back, error));
done:
  oclstm__gemm_destroy(&gemm);
  oclstm__buffer_release(&A);
  oclstm__buffer_release(&C);
  return status;
}

bool oclstm__clblast_serves(oclstm__cl *cl, char *text, size_t bytes) {
  enum { SMALLEST_WORK_GROUP = 64 }; /* of CLBlast's kernels for unknown devices */
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (cl->base.device.max_work_group < SMALLEST_WORK_GROUP) {
    (void)snprintf(text, bytes, "CLBlast needs work-groups of %d, the device allows %zu", SMALLEST_WORK_GROUP,
                   cl->base.device.max_work_group);
    return false;
  }
  if (try_product(cl, &error) != OCLSTM_OK) {
    (void)snprintf(text, bytes, "CLBlast refuses the device: %.160s", error.text);
    return false;
  }
  return true;
}
