/* A network found in a safetensors file: its layers, and which tensor is which array.
 * SPDX-License-Identifier: MIT */
#include "formats/network.h"

#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/tensor_name.h"

oclstm_status oclstm__network_create(oclstm__network *network, size_t n_layers, const oclstm_limits *limits,
                                     oclstm_allocator allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *network = (oclstm__network){.allocator = allocator};
  REQUIRE(n_layers > 0, OCLSTM_E_FORMAT, "a network without layers");
  REQUIRE(n_layers <= limits->layers && n_layers <= SIZE_MAX / (2 * OCLSTM__MAX_ARRAYS), OCLSTM_E_LIMIT,
          "%zu layers, the limit is %llu", n_layers, (unsigned long long)limits->layers);
  network->n_layers = n_layers;
  network->layers = oclstm__alloc(&allocator, n_layers, sizeof *network->layers);
  network->arrays = oclstm__alloc(&allocator, 2 * OCLSTM__MAX_ARRAYS * n_layers, sizeof *network->arrays);
  network->weights = oclstm__alloc(&allocator, 2 * n_layers, sizeof *network->weights);
  REQUIRE(network->layers != NULL && network->arrays != NULL && network->weights != NULL, OCLSTM_E_MEMORY,
          "network: %zu layers", n_layers);
done:
  return status;
}

void oclstm__network_destroy(oclstm__network *network) {
  if (network->n_layers != 0) {
    oclstm__free(&network->allocator, network->layers);
    oclstm__free(&network->allocator, network->arrays);
    oclstm__free(&network->allocator, network->weights);
  }
  *network = (oclstm__network){.n_layers = 0};
}

oclstm_status oclstm__network_check_layer(const oclstm__network *network, size_t index,
                                          const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_layer *layer = &network->layers[index];
  TRY(oclstm__layer_check(layer, index, limits, error));
  /* Whatever the caller's limits are: below 2^32, no size that a layer implies overflows. */
  REQUIRE(layer->input_size <= UINT32_MAX && layer->hidden_size <= UINT32_MAX, OCLSTM_E_LIMIT,
          "layer %zu: sizes %zu and %zu, at most %lu can be addressed", index, layer->input_size,
          layer->hidden_size, (unsigned long)UINT32_MAX);
  REQUIRE(index == 0 || layer->input_size == oclstm_layer_output_size(layer - 1), OCLSTM_E_SHAPE,
          "layer %zu takes %zu features, layer %zu gives %zu", index, layer->input_size, index - 1,
          oclstm_layer_output_size(layer - 1));
done:
  if (status == OCLSTM_E_ARGUMENT) {
    status = OCLSTM_E_FORMAT;
    if (error != NULL) {
      error->status = status;
    }
  }
  return status;
}

/* columns 0: a vector. */
static oclstm_status take(oclstm__safetensors *index, const char *name, size_t rows, size_t columns,
                          const oclstm__tensor **taken, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char found[OCLSTM__SHAPE_TEXT];
  char expected[OCLSTM__SHAPE_TEXT];
  oclstm__tensor demand = {.rank = columns == 0 ? 1 : 2, .shape = {rows, columns}};
  oclstm__tensor *tensor = oclstm__safetensors_find(index, name);
  REQUIRE(tensor != NULL, OCLSTM_E_MISSING, "tensor %s is missing", name);
  bool same = tensor->rank == demand.rank && tensor->shape[0] == rows &&
              (columns == 0 || tensor->shape[1] == columns);
  REQUIRE(same, OCLSTM_E_SHAPE, "tensor %s: expected %s, found %s", name,
          oclstm__shape_text(&demand, expected), oclstm__shape_text(tensor, found));
  REQUIRE(tensor->weights, OCLSTM_E_DTYPE, "tensor %s: weights cannot be %s", name, tensor->dtype_name);
  tensor->used = true;
  *taken = tensor;
done:
  return status;
}

oclstm_status oclstm__network_bind(oclstm__network *network, oclstm__safetensors *index, const char *prefix,
                                   size_t prefix_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < 2 * network->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    const oclstm_layer *layer = &network->layers[k / 2];
    size_t n = k % 2 < oclstm_layer_directions(layer) ? oclstm__layer_arrays(layer, specs) : 0;
    for (size_t s = 0; s < n; ++s) {
      char name[OCLSTM__NAME_BUFFER];
      oclstm__tensor_name(name, prefix, prefix_bytes, specs[s].member, k / 2, k % 2 == 1);
      TRY(take(index, name, specs[s].rows, specs[s].columns,
               &network->arrays[k * OCLSTM__MAX_ARRAYS + s].tensor, error));
    }
  }
done:
  return status;
}

oclstm_status oclstm__network_bind_head(oclstm__network *network, oclstm__safetensors *index,
                                        const char *W_name, const char *b_name, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t width = oclstm_layer_output_size(&network->layers[network->n_layers - 1]);
  TRY(take(index, W_name, network->head_size, width, &network->head_W, error));
  if (network->head_bias) {
    TRY(take(index, b_name, network->head_size, 0, &network->head_b, error));
  }
done:
  return status;
}

oclstm_status oclstm__network_bind_embedding(oclstm__network *network, oclstm__safetensors *index,
                                             const char *name, const oclstm_limits *limits,
                                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(network->embedding_size <= limits->ids, OCLSTM_E_LIMIT, "embedding of %zu ids, the limit is %llu",
          network->embedding_size, (unsigned long long)limits->ids);
  TRY(take(index, name, network->embedding_size, network->layers[0].input_size, &network->embedding, error));
done:
  return status;
}

oclstm_status oclstm__network_check_leftovers(const oclstm__safetensors *index, oclstm_error *error) {
  for (size_t k = 0; k < index->n_tensors; ++k) {
    const oclstm__tensor *tensor = &index->tensors[k];
    if (!tensor->used) {
      char shape[OCLSTM__SHAPE_TEXT];
      return oclstm__fail(error, OCLSTM_E_FORMAT, "tensor %s %s %s: not a part of the network", tensor->name,
                          tensor->dtype_name, oclstm__shape_text(tensor, shape));
    }
  }
  return OCLSTM_OK;
}

static oclstm_array array_of(const oclstm__tensor *tensor, const unsigned char *data) {
  return tensor == NULL ? (oclstm_array){NULL, OCLSTM_F32}
                        : (oclstm_array){data + tensor->begin, tensor->dtype};
}

oclstm_model_desc oclstm__network_attach(oclstm__network *network, const unsigned char *data) {
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  for (size_t k = 0; k < 2 * network->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n = oclstm__layer_arrays(&network->layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      *oclstm__spec_array(&specs[s], &network->weights[k]) =
          array_of(network->arrays[k * OCLSTM__MAX_ARRAYS + s].tensor, data);
    }
  }
  desc.n_layers = network->n_layers;
  desc.layers = network->layers;
  desc.weights = network->weights;
  desc.head_size = network->head_size;
  desc.head_W = array_of(network->head_W, data);
  desc.head_b = array_of(network->head_b, data);
  desc.embedding_size = network->embedding_size;
  desc.embedding = array_of(network->embedding, data);
  desc.allocator = network->allocator;
  return desc;
}
