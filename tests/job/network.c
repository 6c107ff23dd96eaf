/* Small random networks and random input for the tests of this room.
 * SPDX-License-Identifier: MIT */
#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "test.h"

/* Numbers of Knuth's MMIX generator, the upper bits. */
static float uniform(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (float)(int32_t)(uint32_t)(*state >> 32) * 0x1p-31F;
}

static void fill_scaled(float *to, size_t n, float scale, uint64_t *state) {
  for (size_t k = 0; k < n; ++k) {
    to[k] = scale * uniform(state);
  }
}

void random_fill(float *to, size_t n, uint32_t seed) {
  uint64_t state = seed;
  fill_scaled(to, n, 1.0F, &state);
}

static oclstm_array random_array(size_t n, float scale, uint64_t *state) {
  float *data = malloc(n * sizeof *data);
  assert_non_null(data);
  fill_scaled(data, n, scale, state);
  return (oclstm_array){data, OCLSTM_F32};
}

/* What a letter adds to a bidirectional, reverse or forward LSTM layer with two biases. */
typedef struct cell {
  char letter;
  oclstm_layer layer;
} cell;

static const cell CELLS[] = {
    {'f', {.kind = OCLSTM_LSTM}},
    {'r', {.direction = OCLSTM_REVERSE}},
    {'b', {.direction = OCLSTM_BIDIRECTIONAL}},
    {'k', {.direction = OCLSTM_REVERSE, .go_backwards = 1}},
    {'K', {.direction = OCLSTM_REVERSE, .go_backwards = 1, .projection_size = 3}},
    {'S', {.direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_SUM}},
    {'M', {.direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_MUL}},
    {'A', {.direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_AVERAGE, .projection_size = 4}},
    {'p', {.projection_size = 2, .clip_projection = 0.25F}},
    {'P', {.direction = OCLSTM_BIDIRECTIONAL, .projection_size = 3}},
    {'i', {.direction = OCLSTM_BIDIRECTIONAL, .initial_state = 1}},
    {'g', {.kind = OCLSTM_GRU, .linear_before_reset = 1}},
    {'G',
     {.kind = OCLSTM_GRU, .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_AVERAGE, .initial_state = 1}},
    {'n', {.kind = OCLSTM_RNN}},
    {'N', {.kind = OCLSTM_RNN, .direction = OCLSTM_REVERSE, .go_backwards = 1}},
    {'h', {.layer_norm = OCLSTM_NORM_HASTE}},
    {'t',
     {.layer_norm = OCLSTM_NORM_TFLITE, .direction = OCLSTM_REVERSE, .peephole = OCLSTM_PEEPHOLE_DIAGONAL}},
    {'x',
     {.peephole = OCLSTM_PEEPHOLE_DIAGONAL,
      .coupling = OCLSTM_COUPLING_FORGET_FROM_INPUT,
      .clip_preactivation = 0.5F,
      .clip_cell = 0.25F}},
    {'z',
     {.direction = OCLSTM_BIDIRECTIONAL,
      .zoneout_h = 0.25F,
      .zoneout_c = 0.125F,
      .dropout_input = 0.5F,
      .activation = {{{OCLSTM_ACT_HARD_SIGMOID, 0.25F, 0.5F}, {OCLSTM_ACT_SOFTSIGN, 0.0F, 0.0F}},
                     {{OCLSTM_ACT_DEFAULT, 0.0F, 0.0F}, {OCLSTM_ACT_SCALED_TANH, 0.5F, 1.5F}}}}},
};

static void describe_layer(char letter, size_t index, size_t input_size, oclstm_layer *layer) {
  size_t k = 0;
  while (k < sizeof CELLS / sizeof CELLS[0] && CELLS[k].letter != letter) {
    ++k;
  }
  assert_true(k < sizeof CELLS / sizeof CELLS[0]);
  *layer = CELLS[k].layer;
  layer->input_size = input_size;
  layer->hidden_size = 5 + index;
  layer->bias = OCLSTM_BIAS_TWO;
}

static void fill_direction(const oclstm_layer *layer, float scale, uint64_t *state, oclstm_weights *w) {
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(layer, specs);
  for (size_t k = 0; k < n; ++k) {
    *oclstm__spec_array(&specs[k], w) = random_array(oclstm__spec_count(&specs[k]), scale, state);
  }
}

static void free_direction(const oclstm_layer *layer, oclstm_weights *w) {
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(layer, specs);
  for (size_t k = 0; k < n; ++k) {
    free((void *)oclstm__spec_array(&specs[k], w)->data);
  }
}

oclstm_model *network_create(const network_desc *given) {
  oclstm_layer layers[MAX_LAYERS];
  oclstm_weights weights[2 * MAX_LAYERS];
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  uint64_t state = given->seed;
  size_t width = given->input_size;
  memset(weights, 0, sizeof weights);
  desc.n_layers = strlen(given->layers);
  assert_true(desc.n_layers <= MAX_LAYERS);
  for (size_t l = 0; l < desc.n_layers; ++l) {
    describe_layer(given->layers[l], l, width, &layers[l]);
    float scale = given->scale > 0.0F ? given->scale : 1.0F / sqrtf((float)layers[l].hidden_size);
    for (size_t d = 0; d < oclstm_layer_directions(&layers[l]); ++d) {
      fill_direction(&layers[l], scale, &state, &weights[2 * l + d]);
    }
    width = oclstm_layer_output_size(&layers[l]);
  }
  desc.layers = layers;
  desc.weights = weights;
  desc.head_size = given->head_size;
  if (given->head_size != 0) {
    desc.head_W = random_array(given->head_size * width, 0.5F, &state);
    desc.head_b = random_array(given->head_size, 0.5F, &state);
  }
  desc.embedding_size = given->embedding_size;
  if (given->embedding_size != 0) {
    desc.embedding = random_array(given->embedding_size * given->input_size, 1.0F, &state);
  }
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_ok(oclstm_model_create(&desc, &model, &error), &error);
  for (size_t k = 0; k < 2 * desc.n_layers; ++k) {
    free_direction(&layers[k / 2], &weights[k]);
  }
  free((void *)desc.embedding.data);
  free((void *)desc.head_W.data);
  free((void *)desc.head_b.data);
  return model;
}

/* ---- counted memory: the size stands in front of each block ---- */

enum { FRONT = 64 };

static void *counted_alloc(void *user, size_t bytes) {
  counted_memory *count = user;
  char *block = malloc(FRONT + bytes);
  if (block == NULL) {
    return NULL;
  }
  memcpy(block, &bytes, sizeof bytes);
  count->now += bytes;
  count->peak = count->now > count->peak ? count->now : count->peak;
  ++count->calls;
  return block + FRONT;
}

static void counted_free(void *user, void *pointer) {
  counted_memory *count = user;
  char *block = (char *)pointer - FRONT;
  size_t bytes = 0;
  memcpy(&bytes, block, sizeof bytes);
  count->now -= bytes;
  free(block);
}

oclstm_allocator counting_allocator(counted_memory *count) {
  return (oclstm_allocator){counted_alloc, counted_free, count};
}
