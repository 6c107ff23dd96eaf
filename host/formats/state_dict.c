/* A network from a PyTorch state_dict: the names say which tensor is what, the shapes say the rest.
 * Source of names and shapes: PyTorch's documentation of nn.LSTM, nn.GRU and nn.RNN.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* ---- what is round the recurrent layers ---- */

static bool has_ending(const char *name, const char *ending) {
  size_t n = strlen(name);
  size_t m = strlen(ending);
  return n >= m && strcmp(name + n - m, ending) == 0;
}

/* "emb" at the beginning of a word: word_embedding, tokenEmb, but not ensemble. */
static bool names_embedding(const char *name) {
  for (const char *at = name; *at != '\0'; ++at) {
    bool begins = at == name || *at == 'E' || !isalpha((unsigned char)at[-1]);
    if (begins && strncasecmp(at, "emb", 3) == 0) {
      return true;
    }
  }
  return false;
}

/* The dense layer behind the last one: X.weight [O, width], the only matrix that is left. */
static oclstm_status find_head(const oclstm__network *network, const oclstm__safetensors *index,
                               const oclstm__tensor **head, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t width = oclstm_layer_output_size(&network->layers[network->n_layers - 1]);
  size_t I = network->layers[0].input_size;
  *head = NULL;
  for (size_t k = 0; k < index->n_tensors; ++k) {
    const oclstm__tensor *tensor = &index->tensors[k];
    char shape[OCLSTM__SHAPE_TEXT];
    if (tensor->used || tensor->rank != 2) {
      continue;
    }
    bool dense = has_ending(tensor->name, ".weight") || strcmp(tensor->name, "weight") == 0;
    bool fits_input_only = tensor->shape[1] == I && tensor->shape[1] != width;
    REQUIRE(!names_embedding(tensor->name) && !(dense && fits_input_only), OCLSTM_E_UNSUPPORTED,
            "tensor %s %s: an embedding in front is not supported", tensor->name,
            oclstm__shape_text(tensor, shape));
    if (dense) {
      REQUIRE(*head == NULL, OCLSTM_E_FORMAT, "tensors %s and %s: two dense layers, their order is unknown",
              (*head)->name, tensor->name);
      REQUIRE(tensor->shape[0] != 0 && tensor->shape[1] == width, OCLSTM_E_SHAPE,
              "tensor %s: expected [O,%zu], found %s", tensor->name, width,
              oclstm__shape_text(tensor, shape));
      *head = tensor;
    }
  }
done:
  return status;
}

static oclstm_status bind_head(oclstm__network *network, oclstm__safetensors *index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__tensor *head = NULL;
  char bias[OCLSTM__NAME_BUFFER];
  TRY(find_head(network, index, &head, error));
  if (head != NULL) {
    (void)snprintf(bias, sizeof bias, "%.*sbias", (int)(strlen(head->name) - strlen("weight")), head->name);
    network->head_size = head->shape[0];
    network->head_bias = oclstm__safetensors_find(index, bias) != NULL;
    TRY(oclstm__network_bind_head(network, index, head->name, bias, error));
  }
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
  TRY(bind_head(network, index, error));
done:
  return status;
}
