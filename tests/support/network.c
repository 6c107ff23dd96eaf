/* Networks with seeded random weights.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "support.h"

const test_network HOUSE = {
    .layers = 1, .I = 64, .H = 128, .direction = OCLSTM_FORWARD, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
const test_network FORWARD[] = {
    {.layers = 2, .I = 5, .H = 7, .bias = OCLSTM_BIAS_TWO, .scale = 2.0},
    {.layers = 1, .I = 1, .H = 1, .bias = OCLSTM_BIAS_NONE, .scale = 1.0},
    {.layers = 1, .I = 3, .H = 17, .bias = OCLSTM_BIAS_ONE, .head = 3, .scale = 2.0},
    {.layers = 1, .I = 17, .H = 33, .bias = OCLSTM_BIAS_TWO, .scale = 2.0},
    {.layers = 3, .I = 16, .H = 16, .bias = OCLSTM_BIAS_TWO, .head = 1, .scale = 2.0},
    {.layers = 1, .I = 64, .H = 128, .bias = OCLSTM_BIAS_TWO, .scale = 1.0},
};
const test_network BIDIRECTIONAL[] = {
    {.layers = 2, .I = 5, .H = 7, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_TWO, .scale = 2.0},
    {.layers = 1, .I = 3, .H = 9, .direction = OCLSTM_BIDIRECTIONAL, .head = 2, .scale = 2.0},
    {.layers = 2, .I = 4, .H = 4, .direction = OCLSTM_BIDIRECTIONAL, .forward_behind = true, .scale = 2.0},
    {.layers = 1, .I = 3, .H = 17, .direction = OCLSTM_BIDIRECTIONAL, .head = 2, .scale = 2.0},
    {.layers = 2, .I = 32, .H = 64, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_TWO, .scale = 1.0},
};

size_t n_forward(void) {
  return options.small ? 3 : sizeof FORWARD / sizeof FORWARD[0];
}

size_t n_bidirectional(void) {
  return options.small ? 3 : sizeof BIDIRECTIONAL / sizeof BIDIRECTIONAL[0];
}

enum { MAX_LAYERS = 8, MAX_ARRAYS = 4 * 2 * MAX_LAYERS + 2 };

/* Arrays live until the model has copied them. */
typedef struct builder {
  const test_network *network;
  uint64_t seed;
  float *arrays[MAX_ARRAYS];
  size_t n_arrays;
} builder;

static float *new_array(builder *b, size_t count) {
  assert_true(b->n_arrays < MAX_ARRAYS);
  float *array = calloc(count, sizeof *array);
  assert_non_null(array);
  fill_random(array, count, (float)(b->network->scale / sqrt((double)b->network->H)), &b->seed);
  return b->arrays[b->n_arrays++] = array;
}

static oclstm_weights new_weights(builder *b, size_t input_size) {
  const test_network *net = b->network;
  oclstm_weights w = {.W_ih.data = new_array(b, 4 * net->H * input_size),
                      .W_hh.data = new_array(b, 4 * net->H * net->H)};
  if (net->bias != OCLSTM_BIAS_NONE) {
    float *b_ih = new_array(b, 4 * net->H);
    for (size_t j = 0; j < net->H; ++j) {
      b_ih[net->H + j] += (float)net->forget_bias;
    }
    w.b_ih.data = b_ih;
  }
  if (net->bias == OCLSTM_BIAS_TWO) {
    w.b_hh.data = new_array(b, 4 * net->H);
  }
  return w;
}

oclstm_model *make_network(const test_network *net, uint64_t seed) {
  builder b = {.network = net, .seed = seed};
  oclstm_layer layers[MAX_LAYERS] = {{.kind = OCLSTM_LSTM}};
  oclstm_weights weights[MAX_LAYERS][2] = {0};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  assert_true(net->layers <= MAX_LAYERS);
  for (size_t l = 0; l < net->layers; ++l) {
    layers[l] = (oclstm_layer){.kind = OCLSTM_LSTM,
                               .input_size = l == 0 ? net->I : oclstm_layer_output_size(&layers[l - 1]),
                               .hidden_size = net->H,
                               .bias = net->bias,
                               .direction = l > 0 && net->forward_behind ? OCLSTM_FORWARD : net->direction};
    for (size_t d = 0; d < oclstm_layer_directions(&layers[l]); ++d) {
      weights[l][d] = new_weights(&b, layers[l].input_size);
    }
  }
  desc.n_layers = net->layers;
  desc.layers = layers;
  desc.weights = &weights[0][0];
  desc.head_size = net->head;
  if (net->head != 0) {
    desc.head_W.data = new_array(&b, net->head * oclstm_layer_output_size(&layers[net->layers - 1]));
    desc.head_b.data = new_array(&b, net->head);
  }
  OK(oclstm_model_create(&desc, &model, &last_error));
  for (size_t k = 0; k < b.n_arrays; ++k) {
    free(b.arrays[k]);
  }
  return model;
}
