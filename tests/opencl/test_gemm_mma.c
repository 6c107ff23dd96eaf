/* Products by matrix instructions, or by their plain twin where there are none: packing, indexing, tails and sums are
 * the same. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/gemm.h"
#include "opencl/layout.h"
#include "support.h"

typedef struct product {
  oclstm__gemm_shape shape;
  size_t rows; /* that A and C have room for */
  oclstm__gemm *gemm;
  cl_mem A, C;
  float *W, *host_A, *host_C; /* W and A as they are stored */
} product;

static const oclstm_precision PRECISIONS[] = {OCLSTM_PRECISION_F16, OCLSTM_PRECISION_BF16};

/* n random values that the precision stores exactly. */
static float *random_stored(oclstm_precision precision, size_t n, uint64_t *seed) {
  float *to = malloc(n * sizeof *to);
  assert_non_null(to);
  fill_random(to, n, 1.0F, seed);
  oclstm__to_stored(precision, to, n, to);
  oclstm__from_stored(precision, to, n, to);
  return to;
}

/* What lies behind column K of a row of A must not count, whatever it is. */
static void poison(product *p) {
  for (size_t m = 0; m < p->rows; ++m) {
    for (size_t k = p->shape.K; k < p->shape.lda; ++k) {
      p->host_A[m * p->shape.lda + k] = (float)NAN;
    }
  }
}

static product make_product(oclstm__gemm_shape shape, size_t most_rows) {
  uint64_t seed = options.seed;
  uint64_t bytes = 0;
  oclstm__cl *cl = oclstm__cl_of(device);
  product p = {.shape = shape};
  p.rows = shape.fixed_rows != 0 ? shape.fixed_rows : oclstm__round_up(most_rows, OCLSTM__ROW_BLOCK);
  p.W = random_stored(shape.precision, shape.N * shape.K, &seed);
  p.host_A = random_stored(shape.precision, p.rows * shape.lda, &seed);
  p.host_C = malloc(p.rows * shape.ldc * sizeof *p.host_C);
  assert_non_null(p.host_C);
  poison(&p);
  OK(oclstm__gemm_mma.create(cl, &shape, p.W, &p.gemm, &bytes, &last_error));
  OK(oclstm__buffer_stored(cl, shape.precision, p.host_A, p.rows * shape.lda, "A", &p.A, &bytes,
                           &last_error));
  OK(oclstm__buffer_create(cl, p.rows * shape.ldc * sizeof(float), "C", &p.C, &bytes, &last_error));
  return p;
}

static void free_product(product *p) {
  oclstm__gemm_destroy(&p->gemm);
  oclstm__buffer_release(&p->A);
  oclstm__buffer_release(&p->C);
  free(p->W);
  free(p->host_A);
  free(p->host_C);
}

static void multiply(product *p, size_t M) {
  oclstm__cl *cl = oclstm__cl_of(device);
  OK(oclstm__gemm_enqueue(p->gemm, p->A, M, p->C, &last_error));
  assert_int_equal(clEnqueueReadBuffer(cl->queue, p->C, CL_TRUE, 0, M * p->shape.ldc * sizeof(float),
                                       p->host_C, 0, NULL, NULL),
                   CL_SUCCESS);
}

/* Products of 16 bits are exact in float32, and so only sums are rounded. An instruction may cut off where others round:
 * two units of the last place of the greatest partial sum, which is no more than K, for each of K sums. */
static void assert_product(const product *p, size_t M) {
  for (size_t m = 0; m < M; ++m) {
    for (size_t n = 0; n < p->shape.N; ++n) {
      double sum = 0.0;
      double magnitude = 0.0;
      for (size_t k = 0; k < p->shape.K; ++k) {
        double term = (double)p->host_A[m * p->shape.lda + k] * (double)p->W[n * p->shape.K + k];
        sum += term;
        magnitude += term < 0.0 ? -term : term;
      }
      double error = (double)p->host_C[m * p->shape.ldc + n] - sum;
      double bound = 2.4e-7 * (double)p->shape.K * magnitude;
      if (!(error <= bound && -error <= bound)) {
        fail_msg("C[m=%zu,n=%zu] of [%zu,%zu]x[%zu,%zu]: ref %.9g got %.9g", m, n, M, p->shape.K, p->shape.K,
                 p->shape.N, sum, (double)p->host_C[m * p->shape.ldc + n]);
      }
    }
  }
}

static void try_shape(size_t N, size_t K, size_t lda, size_t rows, bool fixed) {
  for (size_t k = 0; k < 2; ++k) {
    const oclstm__gemm_shape shape = {N, K, lda, N + 3, fixed ? rows : 0, PRECISIONS[k]};
    product p = make_product(shape, rows);
    multiply(&p, rows);
    assert_product(&p, rows);
    free_product(&p);
  }
}

/* 16 columns of one tile, several groups of columns, K below, at and behind the step of 32, rows aligned and not. */
static void shapes_agree_with_loops(void **unused) {
  (void)unused;
  try_shape(16, 32, 32, 5, true);
  try_shape(137, 33, 40, 16, true);
  if (!options.small) {
    try_shape(1, 1, 1, 1, true);
    try_shape(130, 95, 97, 17, true);
    try_shape(140, 70, 72, 130, false);
    try_shape(40, 3, 3, 20, false);
  }
}

/* The promise that chunking rests on. */
static void bits_of_a_row_do_not_depend_on_the_others(void **unused) {
  const oclstm__gemm_shape shape = {24, 41, 48, 24, 0, OCLSTM_PRECISION_BF16};
  const size_t most = options.small ? 20 : 140;
  (void)unused;
  product p = make_product(shape, most);
  float *all = malloc(most * shape.ldc * sizeof *all);
  assert_non_null(all);
  multiply(&p, most);
  memcpy(all, p.host_C, most * shape.ldc * sizeof *all);
  for (size_t M = 1; M < most; M += 3 + 2 * M) {
    multiply(&p, M);
    assert_memory_equal(all, p.host_C, M * shape.ldc * sizeof *all);
  }
  free(all);
  free_product(&p);
}

static void rows_behind_the_last_are_left(void **unused) {
  const oclstm__gemm_shape shape = {16, 16, 16, 16, 7, OCLSTM_PRECISION_F16};
  oclstm__cl *cl = oclstm__cl_of(device);
  uint64_t bytes = 0;
  float guard[16];
  (void)unused;
  product p = make_product(shape, 7);
  oclstm__buffer_release(&p.C);
  OK(oclstm__buffer_create(cl, 8 * 16 * sizeof(float), "C", &p.C, &bytes, &last_error));
  multiply(&p, 7);
  assert_product(&p, 7);
  assert_int_equal(clEnqueueReadBuffer(cl->queue, p.C, CL_TRUE, 7 * 16 * sizeof(float), sizeof guard, guard,
                                       0, NULL, NULL),
                   CL_SUCCESS);
  for (size_t n = 0; n < 16; ++n) {
    assert_true(guard[n] == 0.0F);
  }
  free_product(&p);
}

static void packing_puts_every_weight_once(void **unused) {
  enum { N = 64, K = 96, DEPTHS = 3 };
  bool seen[N * K] = {false};
  (void)unused;
  for (size_t n = 0; n < N; ++n) {
    for (size_t k = 0; k < K; ++k) {
      size_t at = oclstm__mma_place(DEPTHS, n, k);
      assert_true(at < (size_t)N * K);
      assert_false(seen[at]);
      seen[at] = true;
    }
  }
  /* Lane 4 g + t begins with columns 2 t, 2 t + 1 of row g, then has those 8 further on, then those of the other half. */
  assert_int_equal(oclstm__mma_place(DEPTHS, 5, 6), (5 * 4 + 3) * 8);
  assert_int_equal(oclstm__mma_place(DEPTHS, 5, 7), (5 * 4 + 3) * 8 + 1);
  assert_int_equal(oclstm__mma_place(DEPTHS, 5, 14), (5 * 4 + 3) * 8 + 2);
  assert_int_equal(oclstm__mma_place(DEPTHS, 13, 6), 256 + (5 * 4 + 3) * 8);
  assert_int_equal(oclstm__mma_place(DEPTHS, 5, 38), 4 * 256 + (5 * 4 + 3) * 8);
  assert_int_equal(oclstm__mma_place(DEPTHS, 5, 22), (5 * 4 + 3) * 8 + 4);
}

/* The trial that a device must pass, and who is refused without one. */
static void the_trial_is_passed_and_others_are_refused(void **unused) {
  oclstm__cl *cl = oclstm__cl_of(device);
  char why_not[200] = "";
  (void)unused;
  for (size_t k = 0; k < 2; ++k) {
    OK(oclstm__gemm_trial(cl, &oclstm__gemm_mma, PRECISIONS[k], &last_error));
  }
  assert_false(oclstm__mma_serves(cl, OCLSTM_PRECISION_F32, why_not, sizeof why_not));
  assert_string_equal(why_not, "mma multiplies f16 and bf16, not f32");
  assert_int_equal(oclstm__gemm_trial(cl, &oclstm__gemm_mma, OCLSTM_PRECISION_F32, &last_error),
                   OCLSTM_E_UNSUPPORTED);
  if (!oclstm__mma_serves(cl, OCLSTM_PRECISION_BF16, why_not, sizeof why_not)) {
    assert_non_null(strstr(why_not, "mma needs an NVIDIA GPU, this device is from"));
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shapes_agree_with_loops),
      cmocka_unit_test(bits_of_a_row_do_not_depend_on_the_others),
      cmocka_unit_test(rows_behind_the_last_are_left),
      cmocka_unit_test(packing_puts_every_weight_once),
      cmocka_unit_test(the_trial_is_passed_and_others_are_refused),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.gemm_mma", tests, sizeof tests / sizeof tests[0]);
}
