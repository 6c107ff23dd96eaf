/* Products with fixed weights, by the provider under test, against double-precision loops.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "product.h"
#include "support.h"

static const oclstm__gemm_provider *provider(void) {
  return options.gemm == OCLSTM_GEMM_CLBLAST ? &oclstm__gemm_clblast
         : options.gemm == OCLSTM_GEMM_AMX   ? &oclstm__gemm_amx
                                             : &oclstm__gemm_plain;
}

/* K products of at most 1, rounded one after another. */
static double bound(size_t K, double magnitude) {
  (void)magnitude;
  return 6e-8 * (double)K + 1e-7;
}

static product product_of(size_t N, size_t K, size_t most_rows, size_t fixed_rows) {
  return make_product(provider(), (oclstm__gemm_shape){N, K, K + 3, N + 5, fixed_rows, options.precision},
                      most_rows);
}

static void shapes_agree_with_loops(void **unused) {
  static const size_t SIZES[][2] = {{1, 1}, {16, 16}, {64, 3}, {7, 33}, {65, 31}, {192, 128}}; /* N, K */
  static const size_t ROWS[] = {1, 2, 5, 6, 7, 9, 255, 256, 257};
  (void)unused;
  size_t n_sizes = options.small ? 4 : sizeof SIZES / sizeof SIZES[0];
  size_t n_rows = options.small ? 5 : sizeof ROWS / sizeof ROWS[0];
  for (size_t s = 0; s < n_sizes; ++s) {
    product p = product_of(SIZES[s][0], SIZES[s][1], ROWS[n_rows - 1], 0);
    for (size_t r = 0; r < n_rows; ++r) {
      multiply(&p, ROWS[r]);
      assert_product(&p, ROWS[r], bound);
    }
    free_product(&p);
  }
}

static void fixed_rows_agree_with_loops(void **unused) {
  static const size_t ROWS[] = {1, 3, 6, 17};
  (void)unused;
  for (size_t r = 0; r < sizeof ROWS / sizeof ROWS[0]; ++r) {
    product p = product_of(64, 19, ROWS[r], ROWS[r]);
    multiply(&p, ROWS[r]);
    assert_product(&p, ROWS[r], bound);
    free_product(&p);
  }
}

/* The promise that chunking rests on. */
static void bits_of_a_row_do_not_depend_on_the_others(void **unused) {
  (void)unused;
  size_t most = options.small ? 20 : 300;
  product p = product_of(80, 33, most, 0);
  assert_rows_keep_their_bits(&p, most, 2);
  assert_parts_keep_their_bits(&p, most);
  free_product(&p);
}

static void packing_puts_every_weight_once(void **unused) {
  enum { N = 10, K = 3, BLOCK = 2 };
  const oclstm__panels panels = {N, K, 2, 4, BLOCK, 4 * BLOCK, BLOCK, 0};
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

/* Two k side by side, and zeros behind the last one: for pairs to an even K, for AMX to a multiple of 32. */
static void packing_of_pairs(void **unused) {
  enum { N = 5, K = 3, BLOCK = 2, COLUMNS = 4 * BLOCK, DEPTH = 32 };
  float W[N * K], packed[DEPTH * COLUMNS];
  (void)unused;
  for (size_t k = 0; k < N * K; ++k) {
    W[k] = (float)(k + 1);
  }
  for (unsigned paired = 1; paired <= 2; ++paired) {
    const oclstm__panels panels = {N, K, 1, 4, BLOCK, COLUMNS, BLOCK, paired};
    size_t depth = paired == 1 ? 4 : DEPTH;
    assert_int_equal(oclstm__panels_count(&panels), depth * COLUMNS);
    oclstm__pack_panels(&panels, W, packed);
    for (size_t k = 0; k < depth; ++k) {
      for (size_t n = 0; n < COLUMNS; ++n) {
        float expected = k < K && n < N ? W[n * K + k] : 0.0F;
        assert_true(packed[(k / 2 * COLUMNS + n) * 2 + k % 2] == expected);
      }
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shapes_agree_with_loops),
      cmocka_unit_test(fixed_rows_agree_with_loops),
      cmocka_unit_test(bits_of_a_row_do_not_depend_on_the_others),
      cmocka_unit_test(packing_puts_every_weight_once),
      cmocka_unit_test(packing_of_pairs),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.gemm", tests, sizeof tests / sizeof tests[0]);
}
