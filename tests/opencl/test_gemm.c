/* Products with fixed weights, by the provider under test, against double-precision loops.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/gemm.h"
#include "opencl/layout.h"
#include "support.h"

static const oclstm__gemm_provider *provider(void) {
  return options.gemm == OCLSTM_GEMM_CLBLAST ? &oclstm__gemm_clblast : &oclstm__gemm_plain;
}

typedef struct product {
  oclstm__gemm_shape shape;
  size_t most_rows;
  oclstm__gemm *gemm;
  cl_mem A, C;
  float *W, *host_A, *host_C;
} product;

static float *random_floats(size_t n, uint64_t *seed) {
  float *to = malloc(n * sizeof *to);
  assert_non_null(to);
  fill_random(to, n, 1.0F, seed);
  return to;
}

static product make_product(size_t N, size_t K, size_t most_rows, size_t fixed_rows) {
  uint64_t seed = options.seed;
  uint64_t bytes = 0;
  oclstm__cl *cl = oclstm__cl_of(device);
  size_t rows = fixed_rows != 0 ? fixed_rows : oclstm__round_up(most_rows, OCLSTM__ROW_BLOCK);
  product p = {.shape = {N, K, K + 3, N + 5, fixed_rows}, .most_rows = most_rows};
  p.W = random_floats(N * K, &seed);
  p.host_A = random_floats(rows * p.shape.lda, &seed);
  p.host_C = malloc(rows * p.shape.ldc * sizeof *p.host_C);
  assert_non_null(p.host_C);
  OK(provider()->create(cl, &p.shape, p.W, &p.gemm, &bytes, &last_error));
  OK(oclstm__buffer_from(cl, p.host_A, rows * p.shape.lda * sizeof(float), "A", &p.A, &bytes, &last_error));
  OK(oclstm__buffer_create(cl, rows * p.shape.ldc * sizeof(float), "C", &p.C, &bytes, &last_error));
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

/* C of the first M rows, read back to host_C. */
static void multiply(product *p, size_t M) {
  oclstm__cl *cl = oclstm__cl_of(device);
  OK(oclstm__gemm_enqueue(p->gemm, p->A, M, p->C, &last_error));
  assert_int_equal(clEnqueueReadBuffer(cl->queue, p->C, CL_TRUE, 0, M * p->shape.ldc * sizeof(float),
                                       p->host_C, 0, NULL, NULL),
                   CL_SUCCESS);
}

static double exact(const product *p, size_t m, size_t n) {
  double sum = 0.0;
  for (size_t k = 0; k < p->shape.K; ++k) {
    sum += (double)p->host_A[m * p->shape.lda + k] * (double)p->W[n * p->shape.K + k];
  }
  return sum;
}

static void assert_product(const product *p, size_t M) {
  for (size_t m = 0; m < M; ++m) {
    for (size_t n = 0; n < p->shape.N; ++n) {
      double expected = exact(p, m, n);
      double got = (double)p->host_C[m * p->shape.ldc + n];
      /* K products of at most 1, rounded one after another. */
      double bound = 6e-8 * (double)p->shape.K + 1e-7;
      if (!(got - expected <= bound && expected - got <= bound)) {
        fail_msg("C[m=%zu,n=%zu] of [%zu,%zu]x[%zu,%zu]: ref %.9g got %.9g", m, n, M, p->shape.K, p->shape.K,
                 p->shape.N, expected, got);
      }
    }
  }
}

static void shapes_agree_with_loops(void **unused) {
  static const size_t SIZES[][2] = {{1, 1}, {16, 16}, {64, 3}, {7, 33}, {65, 31}, {192, 128}}; /* N, K */
  static const size_t ROWS[] = {1, 2, 5, 6, 7, 9, 255, 256, 257};
  (void)unused;
  size_t n_sizes = options.small ? 4 : sizeof SIZES / sizeof SIZES[0];
  size_t n_rows = options.small ? 5 : sizeof ROWS / sizeof ROWS[0];
  for (size_t s = 0; s < n_sizes; ++s) {
    product p = make_product(SIZES[s][0], SIZES[s][1], ROWS[n_rows - 1], 0);
    for (size_t r = 0; r < n_rows; ++r) {
      multiply(&p, ROWS[r]);
      assert_product(&p, ROWS[r]);
    }
    free_product(&p);
  }
}

static void fixed_rows_agree_with_loops(void **unused) {
  static const size_t ROWS[] = {1, 3, 6, 17};
  (void)unused;
  for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; ++r) {
    product p = make_product(64, 19, ROWS[r], ROWS[r]);
    multiply(&p, ROWS[r]);
    assert_product(&p, ROWS[r]);
    free_product(&p);
  }
}

/* The promise that chunking rests on. */
static void bits_of_a_row_do_not_depend_on_the_others(void **unused) {
  (void)unused;
  enum { MOST = 300 };
  size_t most = options.small ? 20 : MOST;
  product p = make_product(80, 33, most, 0);
  size_t bytes = most * p.shape.ldc * sizeof(float);
  float *all = malloc(bytes);
  assert_non_null(all);
  multiply(&p, most);
  memcpy(all, p.host_C, bytes);
  for (size_t M = 1; M < most; M += 1 + M / 2) {
    multiply(&p, M);
    for (size_t m = 0; m < M; ++m) {
      assert_memory_equal(all + m * p.shape.ldc, p.host_C + m * p.shape.ldc, p.shape.N * sizeof(float));
    }
  }
  free(all);
  free_product(&p);
}

static void packing_puts_every_weight_once(void **unused) {
  enum { N = 10, K = 3, BLOCK = 2 };
  const oclstm__panels panels = {N, K, 2, 4, BLOCK, 4 * BLOCK, BLOCK, 1};
  float W[N * K], packed[2 * K * 4 * BLOCK];
  size_t seen = 0;
  (void)unused;
  for (size_t k = 0; k < N * K; ++k) {
    W[k] = (float)(k + 1);
  }
  oclstm__pack_panels(&panels, W, packed);
  for (size_t k = 0; k < sizeof packed / sizeof packed[0]; ++k) {
    seen += packed[k] != 0.0F;
  }
  assert_int_equal(seen, N * K);
  assert_true(packed[0] == W[0] && packed[1] == W[K]); /* k = 0: rows 0 and 1 side by side */
  assert_true(packed[4 * BLOCK] == W[1]);              /* then k = 1 */
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shapes_agree_with_loops),
      cmocka_unit_test(fixed_rows_agree_with_loops),
      cmocka_unit_test(bits_of_a_row_do_not_depend_on_the_others),
      cmocka_unit_test(packing_puts_every_weight_once),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.gemm", tests, sizeof tests / sizeof tests[0]);
}
