/* The cell against its equations, written out here once more, and against closed forms.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static double sigmoid(double a) {
  return 1.0 / (1.0 + exp(-a));
}

static double at(oclstm_array array, size_t k) {
  return array.data != NULL ? (double)((const float *)array.data)[k] : 0.0;
}

/* Gate row r before its activation. */
static double preactivation(const oclstm_weights *w, size_t r, const float *x, size_t I, const double *h,
                            size_t H) {
  double a = at(w->b_ih, r) + at(w->b_hh, r);
  for (size_t k = 0; k < I; ++k) {
    a += at(w->W_ih, r * I + k) * (double)x[k];
  }
  for (size_t k = 0; k < H; ++k) {
    a += at(w->W_hh, r * H + k) * h[k];
  }
  return a;
}

/* Row b of a network of one forward layer, step by step, into y and cells of `to`. */
static void walk_row(const test_job *job, size_t b, test_result *to) {
  const oclstm_layer *layer = oclstm_model_layer(job->model, 0);
  const oclstm_weights w = oclstm_model_weights(job->model, 0, 0);
  const size_t I = layer->input_size, H = layer->hidden_size;
  double h[64], c[64], next[64];
  assert_true(H <= 64);
  for (size_t j = 0; j < H; ++j) {
    h[j] = (double)job->h0[b * H + j];
    c[j] = (double)job->c0[b * H + j];
  }
  for (size_t t = 0; t < job->T; ++t) {
    const float *x = x_row(job, t, b);
    for (size_t j = 0; j < H; ++j) {
      double i = sigmoid(preactivation(&w, j, x, I, h, H));
      double f = sigmoid(preactivation(&w, H + j, x, I, h, H));
      double g = tanh(preactivation(&w, 2 * H + j, x, I, h, H));
      double o = sigmoid(preactivation(&w, 3 * H + j, x, I, h, H));
      c[j] = f * c[j] + i * g;
      next[j] = o * tanh(c[j]);
    }
    memcpy(h, next, sizeof h);
    for (size_t j = 0; j < H; ++j) {
      to->y[(t * job->B + b) * H + j] = (float)h[j];
      to->cells[(t * job->B + b) * H + j] = (float)c[j];
      to->hn[b * H + j] = (float)h[j];
      to->cn[b * H + j] = (float)c[j];
    }
  }
}

static void check_equations(const test_network *net) {
  oclstm_model *model = make_network(net, options.seed);
  test_job job = make_job(model, options.small ? 3 : 40, 3, options.seed);
  test_result got = run_job(device, &job, 0, 0);
  test_result expected = run_job(device, &job, 0, 0); /* for its arrays: every element is overwritten */
  for (size_t b = 0; b < job.B; ++b) {
    walk_row(&job, b, &expected);
  }
  assert_results_close(&job, &expected, &got, FLOAT32);
  free_result(&expected);
  free_result(&got);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void one_layer_follows_the_equations(void **unused) {
  (void)unused;
  const test_network networks[] = {
      {.layers = 1, .I = 1, .H = 1, .bias = OCLSTM_BIAS_TWO, .scale = 2.0},
      {.layers = 1, .I = 3, .H = 2, .bias = OCLSTM_BIAS_ONE, .scale = 2.0},
      {.layers = 1, .I = 2, .H = 5, .bias = OCLSTM_BIAS_NONE, .scale = 2.0},
      {.layers = 1, .I = 17, .H = 18, .bias = OCLSTM_BIAS_TWO, .scale = 1.0},
      {.layers = 1, .I = 33, .H = 31, .bias = OCLSTM_BIAS_TWO, .scale = 1.0},
  };
  const size_t n = sizeof networks / sizeof networks[0] - (options.small ? 1 : 0);
  for (size_t k = 0; k < n; ++k) {
    check_equations(&networks[k]);
  }
}

/* With all weights zero, i = f = o = 1/2 and g = 0: c halves each step and h = tanh(c) / 2. */
static void zero_weights_halve_the_cell(void **unused) {
  (void)unused;
  const test_network net = {.layers = 1, .I = 4, .H = 9, .bias = OCLSTM_BIAS_TWO, .scale = 0.0};
  oclstm_model *model = make_network(&net, options.seed);
  test_job job = make_job(model, 10, 2, options.seed);
  test_result got = run_job(device, &job, 0, 0);
  for (size_t k = 0; k < job.T * job.B * net.H; ++k) {
    double c = (double)job.c0[k % (job.B * net.H)] * pow(0.5, (double)(k / (job.B * net.H) + 1));
    assert_true(fabs((double)got.cells[k] - c) <= 1e-6);
    assert_true(fabs((double)got.y[k] - 0.5 * tanh(c)) <= 1e-6);
  }
  free_result(&got);
  free_job(&job);
  oclstm_model_destroy(&model);
}

/* Saturated gates give exact answers; overflow in an activation would give NaN here. Rows of b_ih: i f g o. */
static void check_saturated(const float bias[4], double c0, double c1, double h1) {
  const float zero[4] = {0.0F};
  const oclstm_layer layer = {.input_size = 1, .hidden_size = 1, .bias = OCLSTM_BIAS_ONE};
  const oclstm_weights weights[2] = {{.W_ih.data = zero, .W_hh.data = zero, .b_ih.data = bias}};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  desc.n_layers = 1;
  desc.layers = &layer;
  desc.weights = weights;
  OK(oclstm_model_create(&desc, &model, &last_error));
  test_job job = make_job(model, 1, 1, options.seed);
  job.c0[0] = (float)c0;
  test_result got = run_job(device, &job, 0, 0);
  const test_tensor c = cells_of(&job), h = y_of(&job);
  const float expected_c = (float)c1, expected_h = (float)h1;
  assert_close(&c, &expected_c, got.cells, FLOAT32);
  assert_close(&h, &expected_h, got.y, FLOAT32);
  free_result(&got);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void saturated_gates_are_exact(void **unused) {
  (void)unused;
  const float huge = 3e38F;
  check_saturated((float[4]){huge, -huge, huge, huge}, 0.7, 1.0, tanh(1.0));        /* write 1 */
  check_saturated((float[4]){huge, -huge, -huge, huge}, 0.7, -1.0, tanh(-1.0));     /* write -1 */
  check_saturated((float[4]){-huge, huge, huge, huge}, 0.7, (float)0.7, tanh(0.7)); /* keep */
  check_saturated((float[4]){-huge, -huge, huge, huge}, 0.7, 0.0, 0.0);             /* forget */
  check_saturated((float[4]){huge, huge, huge, -huge}, 0.7, 1.0 + (float)0.7, 0.0); /* add, and hide */
  check_saturated((float[4]){100, 100, 100, 100}, -60.0, -59.0, -1.0);
  check_saturated((float[4]){-100, 100, -100, 100}, 1e30, 1e30F, 1.0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_layer_follows_the_equations),
      cmocka_unit_test(zero_weights_halve_the_cell),
      cmocka_unit_test(saturated_gates_are_exact),
  };
  read_options(argc, argv);
  return run_device_tests("forward.equations", tests, sizeof tests / sizeof tests[0]);
}
