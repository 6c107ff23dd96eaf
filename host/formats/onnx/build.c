/* From the chain to a model: rows of the gates in our order.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/import.h"

typedef struct builder {
  const oclstm__import *import;
  oclstm_layer *layers;
  oclstm_weights *weights; /* [n_layers][2]; data allocated here */
  unsigned char *head_W;   /* turned round, or NULL where the file's is taken */
} builder;

/* ---- arrays ---- */

/* n blocks of block elements each; block k of the result is number order[k] behind element `first` of the constant. */
static oclstm_status copy_blocks(const builder *b, const oclstm__constant *from, size_t first, size_t block,
                                 size_t n, const unsigned *order, oclstm_array *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t bytes = block * oclstm__dtype_bytes(from->dtype);
  const unsigned char *begin = from->data + first * oclstm__dtype_bytes(from->dtype);
  unsigned char *data = oclstm__alloc(&b->import->allocator, n, bytes);
  REQUIRE(data != NULL, OCLSTM_E_MEMORY, "%zu blocks of %zu bytes", n, bytes);
  for (size_t k = 0; k < n; ++k) {
    memcpy(data + k * bytes, begin + order[k] * bytes, bytes);
  }
  *to = (oclstm_array){data, from->dtype};
done:
  return status;
}

static oclstm_status copy_weights(const builder *b, const oclstm__recurrent *node, size_t d, oclstm_bias bias,
                                  oclstm_weights *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const unsigned ALONE[4] = {0};
  const oclstm__onnx_orders *orders = b->import->orders;
  const unsigned *order = node->kind == OCLSTM_LSTM  ? orders->lstm
                          : node->kind == OCLSTM_GRU ? orders->gru
                                                     : ALONE;
  size_t G = oclstm__gates(node->kind);
  size_t H = node->H;
  TRY(copy_blocks(b, node->W, d * G * H * node->I, H * node->I, G, order, &to->W_ih, error));
  TRY(copy_blocks(b, node->R, d * G * H * H, H * H, G, order, &to->W_hh, error));
  if (bias != OCLSTM_BIAS_NONE) {
    TRY(copy_blocks(b, node->B, d * 2 * G * H, H, G, order, &to->b_ih, error));
  }
  if (bias == OCLSTM_BIAS_TWO) {
    TRY(copy_blocks(b, node->B, d * 2 * G * H + G * H, H, G, order, &to->b_hh, error));
  }
  if (node->P != NULL) {
    TRY(copy_blocks(b, node->P, d * 3 * H, H, 3, orders->peephole, &to->peephole, error));
  }
done:
  return status;
}

/* One row of a constant state, zeros where there is none. */
static oclstm_status copy_state(const builder *b, const oclstm__recurrent *node, size_t d,
                                const oclstm__constant *state, oclstm_array *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_dtype dtype = state != NULL ? state->dtype : OCLSTM_F32;
  size_t bytes = node->H * oclstm__dtype_bytes(dtype);
  unsigned char *data = oclstm__alloc(&b->import->allocator, bytes, 1);
  REQUIRE(data != NULL, OCLSTM_E_MEMORY, "initial state of %zu bytes", bytes);
  if (state != NULL) {
    size_t rows_before = node->batch_first ? d : d * state->dims[1];
    memcpy(data, state->data + rows_before * bytes, bytes);
  }
  *to = (oclstm_array){data, dtype};
done:
  return status;
}

/* ---- layers ---- */

static bool has_state(const oclstm__recurrent *node) {
  return node->initial_h != NULL || node->initial_c != NULL;
}

/* Whether a layer needs both biases: the second half of B is zero where a library has only one. */
static oclstm_bias find_bias(const oclstm__recurrent *node, const oclstm__recurrent *other) {
  const oclstm__recurrent *nodes[] = {node, other};
  for (size_t n = 0; node->B != NULL && n < 2; ++n) {
    size_t half = nodes[n]->B->dims[1] / 2;
    for (size_t k = 0; k < nodes[n]->B->count; ++k) {
      if (k / half % 2 == 1 && oclstm__constant_at(nodes[n]->B, k) != 0.0) {
        return OCLSTM_BIAS_TWO;
      }
    }
  }
  return node->B != NULL ? OCLSTM_BIAS_ONE : OCLSTM_BIAS_NONE;
}

static void describe(oclstm_layer *layer, const oclstm__import *import, const oclstm__chain_layer *chain) {
  const oclstm__recurrent *node = &import->recurrent[chain->nodes[0]];
  const oclstm__recurrent *other = &import->recurrent[chain->nodes[chain->n_nodes - 1]];
  bool both = node->D == 2 || chain->n_nodes == 2;
  layer->kind = node->kind;
  layer->input_size = node->I;
  layer->hidden_size = node->H;
  layer->bias = find_bias(node, other);
  layer->peephole = node->P != NULL ? OCLSTM_PEEPHOLE_DIAGONAL : OCLSTM_PEEPHOLE_NONE;
  layer->coupling = node->input_forget ? OCLSTM_COUPLING_FORGET_FROM_INPUT : OCLSTM_COUPLING_NONE;
  layer->clip_preactivation = node->clip;
  layer->linear_before_reset = node->linear_before_reset;
  layer->direction = both ? OCLSTM_BIDIRECTIONAL : node->backwards ? OCLSTM_REVERSE : OCLSTM_FORWARD;
  layer->merge = both ? chain->merge : OCLSTM_CONCAT;
  layer->go_backwards = chain->go_backwards;
  layer->initial_state = has_state(node) || has_state(other);
  memcpy(layer->activation[0], node->activation[0], sizeof layer->activation[0]);
  if (both) {
    memcpy(layer->activation[1], chain->n_nodes == 2 ? other->activation[0] : node->activation[1],
           sizeof layer->activation[1]);
  }
}

static oclstm_status build_layer(const builder *b, size_t l, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__chain_layer *chain = &b->import->chain[l];
  oclstm_layer *layer = &b->layers[l];
  describe(layer, b->import, chain);
  for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
    oclstm_weights *to = &b->weights[2 * l + d];
    const oclstm__recurrent *node = &b->import->recurrent[chain->nodes[chain->n_nodes == 2 ? d : 0]];
    size_t own = chain->n_nodes == 2 ? 0 : d;
    TRY(copy_weights(b, node, own, layer->bias, to, error));
    if (layer->initial_state) {
      TRY(copy_state(b, node, own, node->initial_h, &to->initial_h, error));
    }
    if (layer->initial_state && layer->kind == OCLSTM_LSTM) {
      TRY(copy_state(b, node, own, node->initial_c, &to->initial_c, error));
    }
  }
done:
  return status;
}

/* ---- round the layers ---- */

static oclstm_status build_head(builder *b, oclstm_model_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__head *head = &b->import->head;
  if (b->import->output.kind != OCLSTM__HEAD) {
    return OCLSTM_OK;
  }
  size_t rows = head->W->dims[0];
  size_t columns = head->W->dims[1];
  size_t bytes = oclstm__dtype_bytes(head->W->dtype);
  desc->head_size = head->transposed ? columns : rows;
  desc->head_W = oclstm__constant_array(head->W);
  if (head->transposed) {
    b->head_W = oclstm__alloc(&b->import->allocator, head->W->count, bytes);
    REQUIRE(b->head_W != NULL, OCLSTM_E_MEMORY, "head of %zu weights", head->W->count);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) {
        memcpy(b->head_W + (c * rows + r) * bytes, head->W->data + (r * columns + c) * bytes, bytes);
      }
    }
    desc->head_W.data = b->head_W;
  }
  if (head->b != NULL) {
    desc->head_b = oclstm__constant_array(head->b);
  }
done:
  return status;
}

static void build_embedding(const builder *b, oclstm_model_desc *desc) {
  const oclstm__import *import = b->import;
  if (import->recurrent[import->chain[0].nodes[0]].input.kind == OCLSTM__EMBEDDED) {
    desc->embedding_size = import->embedding->dims[0];
    desc->embedding = oclstm__constant_array(import->embedding);
  }
}

static void free_builder(builder *b) {
  const oclstm_allocator *allocator = &b->import->allocator;
  for (size_t k = 0; b->weights != NULL && k < 2 * b->import->n_layers; ++k) {
    oclstm_weights *w = &b->weights[k];
    const oclstm_array arrays[] = {w->W_ih,     w->W_hh,      w->b_ih,     w->b_hh,
                                   w->peephole, w->initial_h, w->initial_c};
    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; ++a) {
      oclstm__free(allocator, (void *)arrays[a].data);
    }
  }
  oclstm__free(allocator, b->layers);
  oclstm__free(allocator, b->weights);
  oclstm__free(allocator, b->head_W);
}

oclstm_status oclstm__chain_build(const oclstm__import *import, oclstm_model **model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  builder b = {.import = import};
  b.layers = oclstm__alloc(&import->allocator, import->n_layers, sizeof *b.layers);
  b.weights = oclstm__alloc(&import->allocator, 2 * import->n_layers, sizeof *b.weights);
  REQUIRE(b.layers != NULL && b.weights != NULL, OCLSTM_E_MEMORY, "%zu layers", import->n_layers);
  for (size_t l = 0; l < import->n_layers; ++l) {
    TRY(build_layer(&b, l, error));
  }
  TRY(build_head(&b, &desc, error));
  build_embedding(&b, &desc);
  desc.n_layers = import->n_layers;
  desc.layers = b.layers;
  desc.weights = b.weights;
  desc.limits = import->limits;
  desc.allocator = import->allocator;
  TRY(oclstm_model_create(&desc, model, error));
done:
  free_builder(&b);
  return status;
}
