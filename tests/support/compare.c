/* Comparison of results: error norms, bits, and where they differ.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "support.h"

const tolerance FLOAT32 = {.rel_l2 = 2e-6, .max_abs = 1e-5};

/* ---- shapes ---- */

static test_tensor sequence(const char *name, const test_job *job, size_t width) {
  bool time_major = job->layout == OCLSTM_TIME_MAJOR;
  return (test_tensor){name, time_major ? "tbj" : "btj", time_major ? job->T : job->B,
                       time_major ? job->B : job->T, width};
}

test_tensor y_of(const test_job *job) {
  return sequence("y", job, oclstm_model_output_size(job->model));
}

test_tensor cells_of(const test_job *job) {
  const oclstm_layer *last = oclstm_model_layer(job->model, oclstm_model_n_layers(job->model) - 1);
  return sequence("cells", job, oclstm_layer_directions(last) * oclstm__cell_size(last));
}

/* [L*D,B,width] where all layers have that width, otherwise [1,1,B*sum]. */
static test_tensor state_of(const char *name, const test_job *job,
                            size_t (*width)(const oclstm_layer *layer)) {
  const size_t first = width(oclstm_model_layer(job->model, 0));
  size_t n = 0;
  size_t sum = 0;
  for (size_t l = 0; l < oclstm_model_n_layers(job->model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(job->model, l);
    n += oclstm_layer_directions(layer);
    sum += oclstm_layer_directions(layer) * width(layer);
  }
  return n * first == sum ? (test_tensor){name, "kbj", n, job->B, first}
                          : (test_tensor){name, "kbj", 1, 1, job->B * sum};
}

test_tensor hn_of(const test_job *job) {
  return state_of("hn", job, oclstm_layer_state_size);
}

test_tensor cn_of(const test_job *job) {
  return state_of("cn", job, oclstm__cell_size);
}

/* ---- comparison ---- */

static void print_element(const test_tensor *s, size_t k, const float *ref, const float *got) {
  print_error("%s[%c=%zu,%c=%zu,%c=%zu] ref %.9g got %.9g\n", s->name, s->axes[0], k / (s->B * s->W),
              s->axes[1], k / s->W % s->B, s->axes[2], k % s->W, (double)ref[k], (double)got[k]);
}

bool is_close(const test_tensor *shape, const float *ref, const float *got, tolerance limit) {
  size_t count = shape->n * shape->B * shape->W;
  size_t worst = 0;
  double worst_error = 0.0;
  double error_sum = 0.0;
  double ref_sum = 0.0;
  for (size_t k = 0; k < count; ++k) {
    double error = fabs((double)got[k] - (double)ref[k]);
    error_sum += error * error;
    ref_sum += (double)ref[k] * (double)ref[k];
    if (!(error <= worst_error) && !isnan(worst_error)) { /* NaN is worst, and the first one stays */
      worst = k;
      worst_error = error;
    }
  }
  double rel_l2 = error_sum == 0.0 ? 0.0 : sqrt(error_sum / ref_sum);
  if (rel_l2 <= limit.rel_l2 && worst_error <= limit.max_abs) {
    return true;
  }
  print_error("%s: rel L2 %.3g (limit %.3g), max abs %.3g (limit %.3g); %s\n", shape->name, rel_l2,
              limit.rel_l2, worst_error, limit.max_abs, option_text());
  print_element(shape, worst, ref, got);
  return false;
}

void assert_close(const test_tensor *shape, const float *ref, const float *got, tolerance limit) {
  assert_true(is_close(shape, ref, got, limit));
}

void assert_same_bits(const test_tensor *shape, const float *ref, const float *got) {
  size_t count = shape->n * shape->B * shape->W;
  size_t differing = 0;
  for (size_t k = 0; k < count; ++k) {
    if (memcmp(&ref[k], &got[k], sizeof ref[k]) != 0) {
      if (differing == 0) {
        print_element(shape, k, ref, got);
      }
      ++differing;
    }
  }
  if (differing != 0) {
    fail_msg("%s: %zu of %zu elements differ in their bits; %s", shape->name, differing, count,
             option_text());
  }
}

void assert_results_close(const test_job *job, const test_result *ref, const test_result *got,
                          tolerance limit) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  assert_close(&y, ref->y, got->y, limit);
  assert_close(&hn, ref->hn, got->hn, limit);
  assert_close(&cn, ref->cn, got->cn, limit);
  assert_close(&cells, ref->cells, got->cells, limit);
}

void assert_results_same_bits(const test_job *job, const test_result *ref, const test_result *got) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  assert_same_bits(&y, ref->y, got->y);
  assert_same_bits(&hn, ref->hn, got->hn);
  assert_same_bits(&cn, ref->cn, got->cn);
  assert_same_bits(&cells, ref->cells, got->cells);
}
