/* float32 on a device against the reference in double precision.
 * SPDX-License-Identifier: MIT */
#include "support.h"

static void check(const test_network *net, size_t T, size_t B, const int32_t *lengths) {
  oclstm_model *model = make_network(net, options.seed);
  test_job job = make_job(model, T, B, options.seed);
  if (lengths != NULL) {
    set_lengths(&job, lengths, B);
  }
  assert_ptr_not_equal(device, reference); /* which would agree with itself */
  test_result ref = run_job(reference, &job, 0, 0);
  test_result got = run_job(device, &job, 0, 0);
  assert_results_close(&job, &ref, &got, FLOAT32);
  free_result(&got);
  free_result(&ref);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* Weights as PyTorch draws them: U(-1,1) / sqrt(H). */
static void short_sequences(void **unused) {
  (void)unused;
  const int32_t lengths[] = {7, 0, 100, 1, 30};
  const size_t sizes[] = {1, 2, 3, 8, 15, 17, 31, 33, 64, 127, 129};
  const size_t n = options.small ? 6 : sizeof sizes / sizeof sizes[0];
  for (size_t k = 0; k < n; ++k) {
    const test_network net = {.layers = 1 + k % 3,
                              .I = sizes[n - 1 - k],
                              .H = sizes[k],
                              .direction = (oclstm_direction)(k / 2 % 3),
                              .bias = (oclstm_bias)(k % 3),
                              .head = k % 2 * 5,
                              .scale = 1.0};
    check(&net, options.small ? 5 : 50, 1, NULL);
    check(&net, options.small ? 5 : 50, 5, lengths);
  }
}

static void short_wide_batch(void **unused) {
  (void)unused;
  check(&HOUSE, options.small ? 2 : 30, options.small ? 3 : 70, NULL);
}

static void long_house_shape(void **unused) {
  (void)unused;
  check(&HOUSE, 100000, 1, NULL);
}

static void long_stacked_bidirectional(void **unused) {
  (void)unused;
  const test_network net = {.layers = 3,
                            .I = 40,
                            .H = 48,
                            .direction = OCLSTM_BIDIRECTIONAL,
                            .bias = OCLSTM_BIAS_TWO,
                            .head = 10,
                            .scale = 1.0};
  const int32_t lengths[] = {2000, 1, 1999, 700};
  check(&net, 2000, 4, lengths);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_sequences),
      cmocka_unit_test(short_wide_batch),
      cmocka_unit_test(long_house_shape),
      cmocka_unit_test(long_stacked_bidirectional),
  };
  read_options(argc, argv);
  return run_device_tests("forward.accuracy", tests, sizeof tests / sizeof tests[0]);
}
