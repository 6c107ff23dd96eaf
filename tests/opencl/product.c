/* A product of random matrices by one provider. SPDX-License-Identifier: MIT */
#include "product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "support.h"

/* n random values that the precision stores exactly. */
static float *random_stored(oclstm_precision precision, size_t n, uint64_t *seed) {
  float *to = malloc(n * sizeof *to);
  assert_non_null(to);
  fill_random(to, n, 1.0F, seed);
  oclstm__to_stored(precision, to, n, to);
  oclstm__from_stored(precision, to, n, to);
  return to;
}

static void poison(product *p) {
  for (size_t m = 0; m < p->rows; ++m) {
    for (size_t k = p->shape.K; k < p->shape.lda; ++k) {
      p->host_A[m * p->shape.lda + k] = (float)NAN;
    }
  }
}

product make_product(const oclstm__gemm_provider *provider, oclstm__gemm_shape shape, size_t most_rows) {
  uint64_t seed = options.seed;
  uint64_t bytes = 0;
  oclstm__cl *cl = oclstm__cl_of(device);
  product p = {.shape = shape};
  p.rows = shape.fixed_rows != 0
               ? shape.fixed_rows
               : oclstm__round_up(most_rows, OCLSTM__ROW_BLOCK) + OCLSTM__ROW_BLOCK; /* parts may be padded */
  p.W = random_stored(shape.precision, shape.N * shape.K, &seed);
  p.host_A = random_stored(shape.precision, p.rows * shape.lda, &seed);
  p.host_C = malloc(p.rows * shape.ldc * sizeof *p.host_C);
  assert_non_null(p.host_C);
  poison(&p);
  OK(oclstm__gemm_create(provider, cl, &shape, p.W, &p.gemm, &bytes, &last_error));
  OK(oclstm__buffer_stored(cl, shape.precision, p.host_A, p.rows * shape.lda, "A", &p.A, &bytes,
                           &last_error));
  OK(oclstm__buffer_create(cl, p.rows * shape.ldc * sizeof(float), "C", &p.C, &bytes, &last_error));
  return p;
}

void free_product(product *p) {
  oclstm__gemm_destroy(&p->gemm);
  oclstm__buffer_release(&p->A);
  oclstm__buffer_release(&p->C);
  free(p->W);
  free(p->host_A);
  free(p->host_C);
}

void multiply(product *p, size_t M) {
  oclstm__cl *cl = oclstm__cl_of(device);
  OK(oclstm__gemm_enqueue(p->gemm, p->A, M, p->C, &last_error));
  OK(oclstm__cl_read(cl, p->C, M * p->shape.ldc * sizeof(float), p->host_C, &last_error));
}

void assert_product(const product *p, size_t M, double (*bound)(size_t K, double magnitude)) {
  for (size_t m = 0; m < M; ++m) {
    for (size_t n = 0; n < p->shape.N; ++n) {
      double sum = 0.0;
      double magnitude = 0.0;
      for (size_t k = 0; k < p->shape.K; ++k) {
        double term = (double)p->host_A[m * p->shape.lda + k] * (double)p->W[n * p->shape.K + k];
        sum += term;
        magnitude += fabs(term);
      }
      double got = (double)p->host_C[m * p->shape.ldc + n];
      if (!(fabs(got - sum) <= bound(p->shape.K, magnitude))) {
        fail_msg("C[m=%zu,n=%zu] of [%zu,%zu]x[%zu,%zu]: ref %.9g got %.9g", m, n, M, p->shape.K, p->shape.K,
                 p->shape.N, sum, got);
      }
    }
  }
}

void assert_rows_keep_their_bits(product *p, size_t most, size_t factor) {
  size_t bytes = most * p->shape.ldc * sizeof(float);
  float *all = malloc(bytes);
  assert_non_null(all);
  multiply(p, most);
  memcpy(all, p->host_C, bytes);
  for (size_t M = 1; M < most; M = factor * M + 1) {
    multiply(p, M);
    for (size_t m = 0; m < M; ++m) {
      assert_memory_equal(all + m * p->shape.ldc, p->host_C + m * p->shape.ldc, p->shape.N * sizeof(float));
    }
  }
  free(all);
}

void assert_parts_keep_their_bits(product *p, size_t most) {
  oclstm__cl *cl = oclstm__cl_of(device);
  const size_t ldc = p->shape.ldc;
  float *all = malloc(most * ldc * sizeof *all);
  assert_non_null(all);
  multiply(p, most);
  memcpy(all, p->host_C, most * ldc * sizeof *all);
  for (size_t first = 1; first < most; first = 3 * first + 1) {
    const oclstm__gemm_rows rows = {first, (most - first + 1) / 2};
    OK(oclstm__buffer_clear(cl, p->C, most * ldc * sizeof(float), &last_error));
    OK(oclstm__gemm_enqueue_rows(p->gemm, 0, rows, p->A, p->C, &last_error));
    OK(oclstm__cl_read(cl, p->C, (first + rows.n) * ldc * sizeof(float), p->host_C, &last_error));
    for (size_t m = first; m < first + rows.n; ++m) {
      assert_memory_equal(all + m * ldc, p->host_C + m * ldc, p->shape.N * sizeof(float));
    }
    for (size_t n = 0; n < p->shape.N; ++n) {
      assert_true(p->host_C[(first - 1) * ldc + n] == 0.0F); /* the row in front */
    }
  }
  free(all);
}
