/* Products by matrix instructions, or by their plain twin where there are none: packing, indexing, tails and sums are
 * the same. SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"
#include "product.h"
#include "support.h"

static const oclstm_precision PRECISIONS[] = {OCLSTM_PRECISION_F16, OCLSTM_PRECISION_BF16};

/* Products of 16 bits are exact in float32, and so only sums are rounded. An instruction may cut off where others round:
 * two units of the last place of the greatest partial sum, which is no more than K, for each of K sums. */
static double bound(size_t K, double magnitude) {
  return 2.4e-7 * (double)K * magnitude;
}

/* Small runs have one of the precisions for each shape. */
static void try_shape(size_t N, size_t K, size_t lda, size_t rows, bool fixed) {
  for (size_t k = options.small ? K % 2 : 0; k < (options.small ? K % 2 + 1 : 2); ++k) {
    const oclstm__gemm_shape shape = {N, K, lda, N + 3, fixed ? rows : 0, PRECISIONS[k]};
    product p = make_product(&oclstm__gemm_mma, shape, rows);
    multiply(&p, rows);
    assert_product(&p, rows, bound);
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
  product p = make_product(&oclstm__gemm_mma, shape, most);
  assert_rows_keep_their_bits(&p, most, 4);
  if (!options.small) {
    assert_parts_keep_their_bits(&p, most);
  }
  free_product(&p);
}

static void rows_behind_the_last_are_left(void **unused) {
  const oclstm__gemm_shape shape = {16, 16, 16, 16, 7, OCLSTM_PRECISION_F16};
  oclstm__cl *cl = oclstm__cl_of(device);
  uint64_t bytes = 0;
  float guard[16];
  (void)unused;
  product p = make_product(&oclstm__gemm_mma, shape, 7);
  oclstm__buffer_release(&p.C);
  OK(oclstm__buffer_create(cl, 8 * 16 * sizeof(float), "C", &p.C, &bytes, &last_error));
  multiply(&p, 7);
  assert_product(&p, 7, bound);
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
  for (size_t k = 0; k < (options.small ? 1 : 2); ++k) {
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
