/* The reverse direction is the forward one on reversed time; both together are the two side by side.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static size_t n_steps(void) {
  return options.small ? 4 : 21;
}

/* One layer with the weights of one direction of `from`'s layer 0. */
static oclstm_model *one_direction(const oclstm_model *from, size_t direction, oclstm_direction walks) {
  oclstm_layer layer = *oclstm_model_layer(from, 0);
  const oclstm_weights weights[2] = {oclstm_model_weights(from, 0, direction)};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  layer.direction = walks;
  desc.n_layers = 1;
  desc.layers = &layer;
  desc.weights = weights;
  OK(oclstm_model_create(&desc, &model, &last_error));
  return model;
}

static size_t length_of(const test_job *job, size_t b) {
  return job->lengths != NULL ? (size_t)job->lengths[b] : job->T;
}

/* Turns each row's valid steps of an array [T,B,W] round. */
static void reverse_rows(const test_job *job, float *array, size_t W) {
  float *row = calloc(W, sizeof *row);
  assert_non_null(row);
  for (size_t b = 0; b < job->B; ++b) {
    size_t n = length_of(job, b);
    for (size_t t = 0; t < n / 2; ++t) {
      float *first = array + (t * job->B + b) * W;
      float *last = array + ((n - 1 - t) * job->B + b) * W;
      memcpy(row, first, W * sizeof *row);
      memcpy(first, last, W * sizeof *row);
      memcpy(last, row, W * sizeof *row);
    }
  }
  free(row);
}

static void check_reverse(const int32_t *lengths) {
  const test_network net = {.layers = 1, .I = 6, .H = 11, .bias = OCLSTM_BIAS_TWO, .scale = 2.0};
  oclstm_model *forward = make_network(&net, options.seed);
  oclstm_model *reverse = one_direction(forward, 0, OCLSTM_REVERSE);
  test_job job = make_job(reverse, n_steps(), 4, options.seed);
  if (lengths != NULL) {
    set_lengths(&job, lengths, 4);
  }
  test_job turned = copy_job(&job);
  turned.model = forward;
  reverse_rows(&turned, turned.x, net.I);
  test_result ref = run_job(device, &turned, 0, 0);
  test_result got = run_job(device, &job, 0, 0);
  reverse_rows(&job, got.y, net.H);
  reverse_rows(&job, got.cells, net.H);
  assert_results_close(&job, &ref, &got, FLOAT32);
  free_result(&got);
  free_result(&ref);
  free_job(&turned);
  free_job(&job);
  oclstm_model_destroy(&reverse);
  oclstm_model_destroy(&forward);
}

static void reverse_is_forward_on_reversed_time(void **unused) {
  (void)unused;
  const int32_t lengths[] = {5, 1000, 0, 1};
  check_reverse(NULL);
  check_reverse(lengths);
}

/* Columns first .. first + W - 1 of an array [n,B,width]. */
static float *columns(const float *from, size_t rows, size_t width, size_t first, size_t W) {
  float *to = calloc(rows * W, sizeof *to);
  assert_non_null(to);
  for (size_t r = 0; r < rows; ++r) {
    memcpy(to + r * W, from + r * width + first, W * sizeof *to);
  }
  return to;
}

static void check_half(const test_job *job, const test_result *both, size_t direction) {
  const size_t H = oclstm_model_layer(job->model, 0)->hidden_size;
  const size_t rows = job->T * job->B, block = job->B * H;
  oclstm_model *half = one_direction(job->model, direction, direction == 0 ? OCLSTM_FORWARD : OCLSTM_REVERSE);
  test_job alone = copy_job(job);
  alone.model = half;
  memcpy(alone.h0, job->h0 + direction * block, block * sizeof *job->h0);
  memcpy(alone.c0, job->c0 + direction * block, block * sizeof *job->c0);
  test_result ref = run_job(device, &alone, 0, 0);
  test_result got = {.y = columns(both->y, rows, 2 * H, direction * H, H),
                     .hn = columns(both->hn + direction * block, job->B, H, 0, H),
                     .cn = columns(both->cn + direction * block, job->B, H, 0, H),
                     .cells = columns(both->cells, rows, 2 * H, direction * H, H)};
  assert_results_close(&alone, &ref, &got, FLOAT32);
  free_result(&got);
  free_result(&ref);
  free_job(&alone);
  oclstm_model_destroy(&half);
}

static void check_both(const int32_t *lengths) {
  const test_network net = {
      .layers = 1, .I = 6, .H = 11, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_TWO, .scale = 2.0};
  oclstm_model *model = make_network(&net, options.seed);
  test_job job = make_job(model, n_steps(), 4, options.seed);
  if (lengths != NULL) {
    set_lengths(&job, lengths, 4);
  }
  test_result both = run_job(device, &job, 0, 0);
  check_half(&job, &both, 0);
  check_half(&job, &both, 1);
  free_result(&both);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void bidirectional_is_both_side_by_side(void **unused) {
  (void)unused;
  const int32_t lengths[] = {5, 1000, 0, 1};
  check_both(NULL);
  check_both(lengths);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reverse_is_forward_on_reversed_time),
      cmocka_unit_test(bidirectional_is_both_side_by_side),
  };
  read_options(argc, argv);
  return run_device_tests("forward.directions", tests, sizeof tests / sizeof tests[0]);
}
