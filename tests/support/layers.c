/* Networks of any layers with seeded random weights.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "model/model.h"
#include "support.h"

enum { MAX_LAYERS = 12, MAX_ARRAYS = 2 * MAX_LAYERS * OCLSTM__MAX_ARRAYS + 3 };

/* Arrays live until the model has copied them. */
typedef struct maker {
  uint64_t seed;
  float *arrays[MAX_ARRAYS];
  size_t n_arrays;
} maker;

/* Matrices are U(-1,1) / sqrt(columns). Vectors, biases among them, are U(-0.8,0.8): large enough for each to show. */
static oclstm_array new_array(maker *m, size_t rows, size_t columns) {
  const size_t count = rows * (columns != 0 ? columns : 1);
  float *array = calloc(count, sizeof *array);
  assert_non_null(array);
  assert_true(m->n_arrays < MAX_ARRAYS);
  fill_random(array, count, columns != 0 ? (float)(1.0 / sqrt((double)columns)) : 0.8F, &m->seed);
  m->arrays[m->n_arrays++] = array;
  return (oclstm_array){array, OCLSTM_F32};
}

static oclstm_weights new_weights(maker *m, const oclstm_layer *layer) {
  oclstm_weights weights = {.W_ih.data = NULL};
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  const size_t n = oclstm__layer_arrays(layer, specs);
  for (size_t k = 0; k < n; ++k) {
    *oclstm__spec_array(&specs[k], &weights) = new_array(m, specs[k].rows, specs[k].columns);
  }
  return weights;
}

oclstm_model *make_layers(const oclstm_layer *layers, size_t n, size_t head, size_t V, uint64_t seed) {
  maker m = {.seed = seed};
  oclstm_weights weights[2 * MAX_LAYERS] = {{.W_ih.data = NULL}};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  assert_true(n > 0 && n <= MAX_LAYERS);
  for (size_t k = 0; k < 2 * n; ++k) {
    if (k % 2 < oclstm_layer_directions(&layers[k / 2])) {
      weights[k] = new_weights(&m, &layers[k / 2]);
    }
  }
  desc.n_layers = n;
  desc.layers = layers;
  desc.weights = weights;
  desc.head_size = head;
  if (head != 0) {
    desc.head_W = new_array(&m, head, oclstm_layer_output_size(&layers[n - 1]));
    desc.head_b = new_array(&m, head, 0);
  }
  desc.embedding_size = V;
  if (V != 0) {
    desc.embedding = new_array(&m, V * layers[0].input_size, 1);
  }
  OK(oclstm_model_create(&desc, &model, &last_error));
  for (size_t k = 0; k < m.n_arrays; ++k) {
    free(m.arrays[k]);
  }
  return model;
}
