/* A network from a PyTorch state_dict: the names say which tensor is what, the shapes say the rest.
 * Source of names and shapes: PyTorch's documentation of nn.LSTM, nn.GRU and nn.RNN.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/network.h"
#include "formats/tensor_name.h"

/* The module's name in the file, up to and with its last '.', borrowed. */
typedef struct prefix {
  const char *text;
  size_t bytes;
} prefix;

/* Several modules in one file may be chained in any way: their order is not in the file, so they are refused. */
static oclstm_status find_module(const oclstm__safetensors *index, prefix *module, size_t *n_layers,
                                 const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *module = (prefix){NULL, 0};
  *n_layers = 0;
  for (size_t k = 0; k < index->n_tensors; ++k) {
    oclstm__parsed_name parsed;
    const char *name = index->tensors[k].name;
    if (!oclstm__parse_tensor_name(name, &parsed)) {
      continue;
    }
    bool same = module->text == NULL || (module->bytes == parsed.prefix_bytes &&
                                         memcmp(module->text, name, parsed.prefix_bytes) == 0);
    REQUIRE(same, OCLSTM_E_FORMAT, "two recurrent modules, \"%.*s\" and \"%.*s\": their order is unknown",
            (int)module->bytes, module->text, (int)parsed.prefix_bytes, name);
    REQUIRE(parsed.layer < limits->layers, OCLSTM_E_LIMIT, "tensor %s: layer %zu, the limit is %llu layers",
            name, parsed.layer, (unsigned long long)limits->layers);
    *module = (prefix){name, parsed.prefix_bytes};
    *n_layers = oclstm__max(*n_layers, parsed.layer + 1);
  }
  REQUIRE(module->text != NULL, OCLSTM_E_MISSING,
          "no recurrent layer: no tensor has a name like PREFIX.weight_ih_l0");
done:
  return status;
}

static oclstm__tensor *find_array(const oclstm__safetensors *index, prefix module, size_t member,
                                  size_t layer, bool reverse) {
  char name[OCLSTM__NAME_BUFFER];
  oclstm__tensor_name(name, module.text, module.bytes, member, layer, reverse);
  return oclstm__safetensors_find(index, name);
}

static bool has_array(const oclstm__safetensors *index, prefix module, size_t member, size_t layer) {
  return find_array(index, module, member, layer, false) != NULL ||
         find_array(index, module, member, layer, true) != NULL;
}

static bool has_reverse(const oclstm__safetensors *index, prefix module, size_t layer) {
  static const size_t MEMBERS[] = {offsetof(oclstm_weights, W_ih), offsetof(oclstm_weights, W_hh),
                                   offsetof(oclstm_weights, b_ih), offsetof(oclstm_weights, b_hh),
                                   offsetof(oclstm_weights, W_hr)};
  for (size_t k = 0; k < sizeof MEMBERS / sizeof MEMBERS[0]; ++k) {
    if (find_array(index, module, MEMBERS[k], layer, true) != NULL) {
      return true;
    }
  }
  return false;
}

/* A tensor that must be there and have two dimensions, none of them 0. */
static oclstm_status find_matrix(const oclstm__safetensors *index, prefix module, size_t member, size_t layer,
                                 const char *expected, const oclstm__tensor **matrix, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char name[OCLSTM__NAME_BUFFER];
  char shape[OCLSTM__SHAPE_TEXT];
  oclstm__tensor_name(name, module.text, module.bytes, member, layer, false);
  *matrix = oclstm__safetensors_find(index, name);
  REQUIRE(*matrix != NULL, OCLSTM_E_MISSING, "tensor %s is missing", name);
  REQUIRE((*matrix)->rank == 2 && (*matrix)->shape[0] != 0 && (*matrix)->shape[1] != 0, OCLSTM_E_SHAPE,
          "tensor %s: expected %s, found %s", name, expected, oclstm__shape_text(*matrix, shape));
done:
  return status;
}

/* The kind that has rows = G*H for W_hh [G*H,H]. Without a projection, H is the number of columns. */
static oclstm_status deduce_kind(const oclstm__tensor *W_hh, oclstm_layer *layer, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const oclstm_cell_kind KINDS[] = {OCLSTM_LSTM, OCLSTM_GRU, OCLSTM_RNN};
  size_t rows = W_hh->shape[0];
  size_t H = W_hh->shape[1];
  char shape[OCLSTM__SHAPE_TEXT];
  layer->hidden_size = H;
  for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; ++k) {
    size_t gates = oclstm__gates(KINDS[k]);
    if (rows % gates == 0 && rows / gates == H) {
      layer->kind = KINDS[k];
      /* PyTorch's GRU applies the reset gate behind the recurrent product. */
      layer->linear_before_reset = KINDS[k] == OCLSTM_GRU;
      return OCLSTM_OK;
    }
  }
  REQUIRE(false, OCLSTM_E_SHAPE, "tensor %s: expected [4H,H] (or [3H,H], [H,H]), so [%zu,%zu], found %s",
          W_hh->name, rows, rows / 4, oclstm__shape_text(W_hh, shape));
done:
  return status;
}

static oclstm_status deduce_layer(oclstm__network *network, const oclstm__safetensors *index, prefix module,
                                  size_t l, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_layer *layer = &network->layers[l];
  const oclstm__tensor *W_ih = NULL;
  const oclstm__tensor *W_hh = NULL;
  const oclstm__tensor *W_hr = NULL;
  TRY(find_matrix(index, module, offsetof(oclstm_weights, W_ih), l, "[4H,I]", &W_ih, error));
  TRY(find_matrix(index, module, offsetof(oclstm_weights, W_hh), l, "[4H,H]", &W_hh, error));
  layer->input_size = W_ih->shape[1];
  if (has_array(index, module, offsetof(oclstm_weights, W_hr), l)) {
    TRY(find_matrix(index, module, offsetof(oclstm_weights, W_hr), l, "[P,H]", &W_hr, error));
    layer->projection_size = W_hr->shape[0];
    layer->hidden_size = W_hr->shape[1];
  } else {
    TRY(deduce_kind(W_hh, layer, error));
  }
  REQUIRE(layer->kind == network->layers[0].kind, OCLSTM_E_SHAPE,
          "tensor %s: %zu rows for %zu columns, where layer 0 has %zu for 1", W_hh->name, W_hh->shape[0],
          W_hh->shape[1], oclstm__gates(network->layers[0].kind));
  layer->bias = has_array(index, module, offsetof(oclstm_weights, b_hh), l)   ? OCLSTM_BIAS_TWO
                : has_array(index, module, offsetof(oclstm_weights, b_ih), l) ? OCLSTM_BIAS_ONE
                                                                              : OCLSTM_BIAS_NONE;
  layer->direction = has_reverse(index, module, l) ? OCLSTM_BIDIRECTIONAL : OCLSTM_FORWARD;
done:
  return status;
}

oclstm_status oclstm__state_dict_read(oclstm__network *network, oclstm__safetensors *index,
                                      const oclstm_limits *limits, oclstm_allocator allocator,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  prefix module;
  size_t n_layers = 0;
  TRY(find_module(index, &module, &n_layers, limits, error));
  TRY(oclstm__network_create(network, n_layers, limits, allocator, error));
  for (size_t l = 0; l < n_layers; ++l) {
    TRY(deduce_layer(network, index, module, l, error));
    TRY(oclstm__network_check_layer(network, l, limits, error));
  }
  TRY(oclstm__network_bind(network, index, module.text, module.bytes, error));
  TRY(oclstm__state_dict_ends(network, index, limits, error));
done:
  return status;
}
