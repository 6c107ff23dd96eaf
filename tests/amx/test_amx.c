/* Products by AMX, apart from what test_gemm, test_precision and others show of them with --amx.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amx_emulator.h"
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"
#include "support.h"

static bool system_shows_amx(void) {
  char line[8192];
  bool shown = false;
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file != NULL && !shown && fgets(line, sizeof line, file) != NULL) {
    shown = strncmp(line, "flags", 5) == 0 && strstr(line, " amx_bf16") != NULL;
  }
  assert_true(file == NULL || fclose(file) == 0);
  return shown;
}

/* The kernel that looks for the instructions comes to the same as the system, and tries none. */
static void the_device_knows_what_it_has(void **unused) {
  (void)unused;
  unsigned long before = atomic_load(&amx_executed.configured);
  oclstm__cl *cl = oclstm__cl_of(device);
  if (system_shows_amx()) {
    OK(oclstm__probe_amx(cl, &last_error));
  } else {
    FAILS(OCLSTM_E_UNSUPPORTED, "AMX", oclstm__probe_amx(cl, &last_error));
  }
  assert_int_equal(atomic_load(&amx_executed.configured), before);
}

static const oclstm_precision PRECISIONS[] = {OCLSTM_PRECISION_F32, OCLSTM_PRECISION_BF16};
enum { N_PRECISIONS = 2 };

static void the_trial_passes(void **unused) {
  (void)unused;
  for (size_t p = 0; p < N_PRECISIONS; ++p) {
    unsigned long before = atomic_load(&amx_executed.multiplied);
    OK(oclstm__gemm_trial(oclstm__cl_of(device), &oclstm__gemm_amx, PRECISIONS[p], &last_error));
    if (amx_is_emulated) { /* 37 rows by 41 columns, K 83: 3 by 4 tiles of 3 steps, and 6 products of terms */
      size_t products = PRECISIONS[p] == OCLSTM_PRECISION_F32 ? 6 : 1;
      assert_int_equal(atomic_load(&amx_executed.multiplied) - before, 3 * 4 * 3 * products);
    }
  }
}

/* ---- float32 ---- */

enum { M = 33, N = 40, MOST_K = 1100 };

/* Relative L2 distance of C = A W^T from sums in double. */
static double error_of(const oclstm__gemm_provider *provider, size_t K, const float *A, const float *W) {
  oclstm__cl *cl = oclstm__cl_of(device);
  const oclstm__gemm_shape shape = {N, K, K, N, M, OCLSTM_PRECISION_F32};
  oclstm__gemm *gemm = NULL;
  cl_mem on_device[2] = {NULL, NULL};
  uint64_t bytes = 0;
  float C[M * N];
  double error = 0.0;
  double norm = 0.0;
  OK(oclstm__gemm_create(provider, cl, &shape, W, &gemm, &bytes, &last_error));
  OK(oclstm__buffer_from(cl, A, M * K * sizeof *A, "A", &on_device[0], &bytes, &last_error));
  OK(oclstm__buffer_create(cl, sizeof C, "C", &on_device[1], &bytes, &last_error));
  OK(oclstm__gemm_enqueue(gemm, on_device[0], M, on_device[1], &last_error));
  OK(oclstm__cl_read(cl, on_device[1], sizeof C, C, &last_error));
  for (size_t at = 0; at < M * N; ++at) {
    double sum = 0.0;
    for (size_t k = 0; k < K; ++k) {
      sum += (double)A[at / N * K + k] * (double)W[at % N * K + k];
    }
    error += ((double)C[at] - sum) * ((double)C[at] - sum);
    norm += sum * sum;
  }
  oclstm__gemm_destroy(&gemm);
  oclstm__buffer_release(&on_device[0]);
  oclstm__buffer_release(&on_device[1]);
  return sqrt(error / norm);
}

/* Six products of terms are better than float32's own sums, which round more often: up to K 1100 about half their distance.
 * Without one of the six it is 1e-6 or more. */
static void three_terms_keep_float32(void **unused) {
  static const size_t DEPTHS[] = {1, 31, 64, 300, MOST_K};
  static float A[M * MOST_K], W[N * MOST_K];
  uint64_t seed = options.seed;
  (void)unused;
  fill_random(A, M * MOST_K, 1.0F, &seed);
  fill_random(W, N * MOST_K, 0.05F, &seed);
  for (size_t k = 0; k < sizeof DEPTHS / sizeof DEPTHS[0]; ++k) {
    double amx = error_of(&oclstm__gemm_amx, DEPTHS[k], A, W);
    double plain = error_of(&oclstm__gemm_plain, DEPTHS[k], A, W);
    print_message("K %zu: relative L2 %.2e, plain %.2e\n", DEPTHS[k], amx, plain);
    assert_true(amx < 1.2 * plain);
  }
}

/* What is not finite makes its row NaN and no other, whatever its bits; also where it stands behind the K of the row before. */
static void nonfinite_stays_in_its_row(void **unused) {
  enum { ROWS = 5, K = 40, PLACE = K * 3 };
  static const uint32_t BITS[] = {0x7fc00000, 0x7fffffff, 0x7f800001, 0xff800000, 0x7f800000};
  (void)unused;
  for (size_t n = 0; n < sizeof BITS / sizeof BITS[0]; ++n) {
    oclstm__cl *cl = oclstm__cl_of(device);
    const oclstm__gemm_shape shape = {1, K, K, 1, ROWS, OCLSTM_PRECISION_F32};
    oclstm__gemm *gemm = NULL;
    cl_mem on_device[2] = {NULL, NULL};
    uint64_t bytes = 0;
    float A[ROWS * K], W[K], C[ROWS];
    for (size_t k = 0; k < ROWS * K; ++k) {
      A[k] = 1.0F;
      W[k % K] = 2.0F;
    }
    memcpy(&A[PLACE], &BITS[n], sizeof BITS[n]);
    OK(oclstm__gemm_create(&oclstm__gemm_amx, cl, &shape, W, &gemm, &bytes, &last_error));
    OK(oclstm__buffer_from(cl, A, sizeof A, "A", &on_device[0], &bytes, &last_error));
    OK(oclstm__buffer_create(cl, sizeof C, "C", &on_device[1], &bytes, &last_error));
    OK(oclstm__gemm_enqueue(gemm, on_device[0], ROWS, on_device[1], &last_error));
    OK(oclstm__cl_read(cl, on_device[1], sizeof C, C, &last_error));
    for (size_t m = 0; m < ROWS; ++m) {
      assert_true(m == PLACE / K ? isnan(C[m]) : C[m] == 2.0F * K);
    }
    oclstm__gemm_destroy(&gemm);
    oclstm__buffer_release(&on_device[0]);
    oclstm__buffer_release(&on_device[1]);
  }
}

/* ---- networks ---- */

static oclstm_plan *plan_of(const oclstm_model *model, oclstm_precision precision, oclstm_gemm gemm,
                            size_t rows, size_t steps) {
  oclstm_plan_desc desc = plan_desc(device, model, rows, steps, true);
  oclstm_plan *plan = NULL;
  desc.precision = precision;
  desc.gemm = gemm;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  return plan;
}

static test_result run_by(oclstm_gemm gemm, oclstm_precision precision, const test_job *job) {
  oclstm_plan *plan = plan_of(job->model, precision, gemm, job->B, job->T);
  test_result result = run_plan(plan, job, 0);
  oclstm_plan_destroy(&plan);
  return result;
}

typedef struct shape_case {
  oclstm_layer layer;
  size_t T, B;
  bool bfloats; /* in bfloat16 too: each is a program that takes a second to compile */
} shape_case;

/* Rows that fill tiles and rows that do not; K of whole steps, of less than one, with rests that are even or odd, and of more
 * steps than are gathered at once; 4, 3, 2 and 1 vectors, and several blocks in a tile. */
static const shape_case SHAPES[] = {
    {{.kind = OCLSTM_LSTM,
      .input_size = 299,
      .hidden_size = 43,
      .projection_size = 33,
      .bias = OCLSTM_BIAS_TWO},
     4,
     35,
     true},
    {{.kind = OCLSTM_GRU, .input_size = 20, .hidden_size = 66, .bias = OCLSTM_BIAS_TWO}, 4, 33, false},
    {{.kind = OCLSTM_LSTM, .input_size = 64, .hidden_size = 32, .bias = OCLSTM_BIAS_TWO}, 4, 32, true},
    {{.kind = OCLSTM_RNN, .input_size = 70, .hidden_size = 80, .direction = OCLSTM_BIDIRECTIONAL},
     4,
     17,
     false},
};

typedef void check(oclstm_precision precision, const test_job *job);

static void for_each_shape(check *checked) {
  static const int32_t LENGTHS[] = {3, 4, 1, 4, 0, 2};
  const size_t n = options.small ? 1 : sizeof SHAPES / sizeof SHAPES[0];
  for (size_t k = 0; k < n; ++k) {
    oclstm_model *model = make_layers(&SHAPES[k].layer, 1, 0, 0, options.seed + k);
    test_job job = make_job(model, SHAPES[k].T, SHAPES[k].B, options.seed);
    for (size_t p = 0; p < (SHAPES[k].bfloats ? N_PRECISIONS : 1); ++p) {
      checked(PRECISIONS[p], &job);
    }
    set_lengths(&job, LENGTHS, sizeof LENGTHS / sizeof LENGTHS[0]);
    for (size_t p = 0; p < (SHAPES[k].bfloats ? N_PRECISIONS : 1); ++p) {
      checked(PRECISIONS[p], &job);
    }
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* In float32 as near to the reference as any product of ours; in bfloat16 too, where test_precision looks closer. */
static void check_results(oclstm_precision precision, const test_job *job) {
  bool exact = precision == OCLSTM_PRECISION_F32;
  test_result ref = run_job(reference, job, 0, 0);
  test_result got = run_by(OCLSTM_GEMM_AMX, precision, job);
  assert_results_close(job, &ref, &got, exact ? FLOAT32 : (tolerance){.rel_l2 = 6.4e-2, .max_abs = 1.6e-2});
  free_result(&ref);
  free_result(&got);
}

static void tiles_compute_what_others_do(void **unused) {
  (void)unused;
  for_each_shape(check_results);
}

/* The batch from its last row to its first. */
static void reverse_rows(float *rows, size_t B, size_t width) {
  for (size_t b = 0; b < B / 2; ++b) {
    for (size_t j = 0; j < width; ++j) {
      float kept = rows[b * width + j];
      rows[b * width + j] = rows[(B - 1 - b) * width + j];
      rows[(B - 1 - b) * width + j] = kept;
    }
  }
}

/* A row in another place of the batch, and so of another tile or slice, has the same bits. */
static void check_places(oclstm_precision precision, const test_job *job) {
  const test_tensor y = y_of(job);
  test_job turned = copy_job(job);
  for (size_t t = 0; t < job->T; ++t) {
    reverse_rows(x_row(&turned, t, 0), job->B, oclstm_model_input_size(job->model));
  }
  for (size_t d = 0; d < oclstm_layer_directions(oclstm_model_layer(job->model, 0)); ++d) {
    size_t R = oclstm_layer_state_size(oclstm_model_layer(job->model, 0));
    reverse_rows(turned.h0 + d * job->B * R, job->B, R);
  }
  reverse_rows(turned.c0, job->B,
               oclstm_model_c_size(job->model)); /* where there is one, there is one direction */
  for (size_t b = 0; job->lengths != NULL && b < job->B; ++b) {
    turned.lengths[job->B - 1 - b] = job->lengths[b];
  }
  test_result ref = run_by(OCLSTM_GEMM_AMX, precision, job);
  test_result got = run_by(OCLSTM_GEMM_AMX, precision, &turned);
  for (size_t t = 0; t < job->T; ++t) {
    reverse_rows(got.y + t * y.B * y.W, y.B, y.W);
  }
  assert_same_bits(&y, ref.y, got.y);
  free_result(&ref);
  free_result(&got);
  free_job(&turned);
}

static void a_row_has_its_bits_in_every_place(void **unused) {
  (void)unused;
  for_each_shape(check_places);
}

static void float32_lasts_a_thousand_steps(void **unused) {
  (void)unused;
  const test_network network = {.layers = 1, .I = 16, .H = 32, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  oclstm_model *model = make_network(&network, options.seed);
  test_job job = make_job(model, 1000, 4, options.seed);
  check_results(OCLSTM_PRECISION_F32, &job);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* ---- what a plan says, what is refused, and how threads are left ---- */

/* What a plan of so many rows would take, and why. */
static void chooses(oclstm_precision precision, oclstm_gemm gemm, size_t rows,
                    const oclstm__gemm_provider *expected, const char *text) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  const oclstm__gemm_provider *chosen = NULL;
  char why[200];
  desc.precision = precision;
  desc.gemm = gemm;
  desc.rows = rows;
  OK(oclstm__choose_gemm(oclstm__cl_of(device), &desc, &chosen, why, sizeof why, &last_error));
  assert_string_equal(chosen->name, expected->name);
  assert_string_equal(why, text);
}

static void bfloat16_takes_tiles_from_four_rows_on(void **unused) {
  (void)unused;
  chooses(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_AUTO, 4, &oclstm__gemm_amx, "");
  chooses(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_AUTO, 3, &oclstm__gemm_plain, "CLBlast would add in 16 bits");
  chooses(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_AMX, 3, &oclstm__gemm_amx, "");
  chooses(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_PLAIN, 16, &oclstm__gemm_plain, "as asked");
  chooses(OCLSTM_PRECISION_F16, OCLSTM_GEMM_AUTO, 16, &oclstm__gemm_plain, "CLBlast would add in 16 bits");
}

static void float32_takes_tiles_by_name_alone(void **unused) {
  (void)unused;
  chooses(OCLSTM_PRECISION_F32, OCLSTM_GEMM_AUTO, 64, &oclstm__gemm_plain,
          "faster than CLBlast on a CPU device");
  chooses(OCLSTM_PRECISION_F32, OCLSTM_GEMM_AMX, 1, &oclstm__gemm_amx, "");
}

static void a_plan_says_who_multiplies(void **unused) {
  (void)unused;
  oclstm_model *model = make_layers(&SHAPES[0].layer, 1, 0, 0, options.seed);
  oclstm_plan *plan = plan_of(model, OCLSTM_PRECISION_F32, OCLSTM_GEMM_AMX, 16, 2);
  const oclstm_plan_info *info = oclstm_plan_get_info(plan);
  assert_string_equal(info->gemm, "amx");
  assert_non_null(strstr(info->reason, "; products by amx, each factor in three terms of bfloat16"));
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

static void refuses(const oclstm_model *model, oclstm_precision precision, const char *text) {
  oclstm_plan_desc desc = plan_desc(device, model, 16, 2, false);
  oclstm_plan *plan = NULL;
  desc.gemm = OCLSTM_GEMM_AMX;
  desc.precision = precision;
  FAILS(OCLSTM_E_UNSUPPORTED, text, oclstm_supports(device, model, &desc, &last_error));
  FAILS(OCLSTM_E_UNSUPPORTED, text, oclstm_plan_create(device, model, &desc, &plan, &last_error));
}

static void what_is_not_there_is_refused_by_name(void **unused) {
  (void)unused;
  oclstm_model *model = make_layers(&SHAPES[0].layer, 1, 0, 0, options.seed);
  refuses(model, OCLSTM_PRECISION_F16, "amx multiplies f32 and bf16, not f16");
  if (amx_is_emulated) {
    oclstm__cl *cl = oclstm__cl_of(device);
    unsigned kept = atomic_exchange(&cl->amx, 0);
    refuses(model, OCLSTM_PRECISION_F32, "this processor has no AMX_BF16");
    refuses(model, OCLSTM_PRECISION_BF16, "this processor has no AMX_BF16");
    chooses(OCLSTM_PRECISION_BF16, OCLSTM_GEMM_AUTO, 16, &oclstm__gemm_plain,
            "this processor has no AMX_BF16");
    atomic_store(&cl->amx, kept);
  }
  oclstm_model_destroy(&model);
}

static void every_thread_gives_its_tiles_back(void **unused) {
  the_trial_passes(unused); /* this case may be the only one */
  unsigned long configured = atomic_load(&amx_executed.configured);
  assert_int_equal(configured, atomic_load(&amx_executed.released));
  assert_int_equal(configured > 0, amx_is_emulated);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_device_knows_what_it_has),
      cmocka_unit_test(the_trial_passes),
      cmocka_unit_test(three_terms_keep_float32),
      cmocka_unit_test(nonfinite_stays_in_its_row),
      cmocka_unit_test(tiles_compute_what_others_do),
      cmocka_unit_test(a_row_has_its_bits_in_every_place),
      cmocka_unit_test(float32_lasts_a_thousand_steps),
      cmocka_unit_test(a_plan_says_who_multiplies),
      cmocka_unit_test(bfloat16_takes_tiles_from_four_rows_on),
      cmocka_unit_test(float32_takes_tiles_by_name_alone),
      cmocka_unit_test(what_is_not_there_is_refused_by_name),
      cmocka_unit_test(every_thread_gives_its_tiles_back),
  };
  read_options(argc, argv);
  options.amx = true;
  return run_device_tests("amx", tests, sizeof tests / sizeof tests[0]);
}
