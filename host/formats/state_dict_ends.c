/* What a PyTorch module has round its recurrent layers: an nn.Embedding in front, an nn.Linear behind. Names and shapes
 * must say which is which; what they leave open is refused.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/network.h"
#include "formats/tensor_name.h"

/* The matrices found so far. */
typedef struct ends {
  const oclstm__tensor *embedding, *head;
  const oclstm__tensor *either; /* its shape fits both, its name says nothing */
} ends;

/* ---- names ---- */

/* "X.weight", or "weight" alone: what nn.Embedding and nn.Linear call their matrix. */
static bool is_module_weight(const char *name) {
  static const char ENDING[] = ".weight";
  size_t n = strlen(name);
  size_t m = sizeof ENDING - 1;
  return strcmp(name, ENDING + 1) == 0 || (n >= m && strcmp(name + n - m, ENDING) == 0);
}

/* Whether a word of the name begins with `word`: word_embedding and tokenEmb with "emb", but not ensemble.member. */
static bool has_word(const char *name, const char *word) {
  for (const char *at = name; *at != '\0'; ++at) {
    bool begins = at == name || isupper((unsigned char)*at) || !isalpha((unsigned char)at[-1]);
    if (begins && strncasecmp(at, word, strlen(word)) == 0) {
      return true;
    }
  }
  return false;
}

static bool has_head_word(const char *name) {
  static const char *const WORDS[] = {"head", "fc", "out", "linear", "dense", "classif", "logit", "decoder"};
  for (size_t k = 0; k < sizeof WORDS / sizeof WORDS[0]; ++k) {
    if (has_word(name, WORDS[k])) {
      return true;
    }
  }
  return false;
}

typedef enum role { NOTHING, EMBEDDING, HEAD } role;

static role role_of_words(const char *name) {
  bool embedding = has_word(name, "emb");
  return embedding == has_head_word(name) ? NOTHING : embedding ? EMBEDDING : HEAD;
}

/* The module's own name decides, then the names of what it is in: decoder.embedding.weight is an embedding. */
static role role_of_name(const char *name) {
  size_t dots = 0;
  const char *own = name + strlen(name);
  while (own > name && (own[-1] != '.' || ++dots < 2)) {
    --own;
  }
  role own_role = role_of_words(own);
  return own_role != NOTHING ? own_role : role_of_words(name);
}

/* "X.bias" of "X.weight". */
static void bias_name(const oclstm__tensor *weight, char name[OCLSTM__NAME_BUFFER]) {
  (void)snprintf(name, OCLSTM__NAME_BUFFER, "%.*sbias", (int)(strlen(weight->name) - strlen("weight")),
                 weight->name);
}

static bool has_bias(const oclstm__tensor *weight, const oclstm__safetensors *index) {
  char name[OCLSTM__NAME_BUFFER];
  bias_name(weight, name);
  return oclstm__safetensors_find(index, name) != NULL;
}

/* ---- which is which ---- */

static oclstm_status set_embedding(ends *found, const oclstm__tensor *tensor, size_t I, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char shape[OCLSTM__SHAPE_TEXT];
  REQUIRE(tensor->shape[0] != 0 && tensor->shape[1] == I, OCLSTM_E_SHAPE,
          "tensor %s: expected [V,%zu], found %s", tensor->name, I, oclstm__shape_text(tensor, shape));
  REQUIRE(found->embedding == NULL, OCLSTM_E_FORMAT, "tensors %s and %s: two embeddings in front",
          found->embedding->name, tensor->name);
  found->embedding = tensor;
done:
  return status;
}

static oclstm_status set_head(ends *found, const oclstm__tensor *tensor, size_t width, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char shape[OCLSTM__SHAPE_TEXT];
  REQUIRE(tensor->shape[0] != 0 && tensor->shape[1] == width, OCLSTM_E_SHAPE,
          "tensor %s: expected [O,%zu], found %s", tensor->name, width, oclstm__shape_text(tensor, shape));
  REQUIRE(found->head == NULL, OCLSTM_E_FORMAT, "tensors %s and %s: two dense layers, their order is unknown",
          found->head->name, tensor->name);
  found->head = tensor;
done:
  return status;
}

/* A matrix [R,C] whose name says nothing. Of those that fit the input: nn.Embedding has no bias, and a dense layer in
 * front has as many rows as the network has inputs. */
static oclstm_status place_by_shape(ends *found, const oclstm__tensor *tensor,
                                    const oclstm__safetensors *index, size_t I, size_t width,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char shape[OCLSTM__SHAPE_TEXT];
  bool bias = has_bias(tensor, index);
  if (tensor->shape[1] != I) {
    return set_head(found, tensor, width, error);
  }
  REQUIRE(tensor->shape[0] != I || tensor->shape[1] != width, OCLSTM_E_FORMAT,
          "tensor %s %s: a dense layer in front, one behind, or an embedding: neither name nor shape says",
          tensor->name, oclstm__shape_text(tensor, shape));
  REQUIRE(tensor->shape[1] == width || (!bias && tensor->shape[0] != I), OCLSTM_E_UNSUPPORTED,
          "tensor %s %s: a dense layer in front is not supported", tensor->name,
          oclstm__shape_text(tensor, shape));
  if (tensor->shape[1] != width) {
    return set_embedding(found, tensor, I, error);
  }
  if (bias) {
    return set_head(found, tensor, width, error);
  }
  REQUIRE(found->either == NULL, OCLSTM_E_FORMAT,
          "tensors %s and %s: an embedding and a dense layer: which is which?", found->either->name,
          tensor->name);
  found->either = tensor;
done:
  return status;
}

static oclstm_status find_ends(ends *found, const oclstm__safetensors *index, size_t I, size_t width,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char shape[OCLSTM__SHAPE_TEXT];
  for (size_t k = 0; k < index->n_tensors; ++k) {
    const oclstm__tensor *tensor = &index->tensors[k];
    if (tensor->used || tensor->rank != 2 || !is_module_weight(tensor->name)) {
      continue;
    }
    switch (role_of_name(tensor->name)) {
      case EMBEDDING: TRY(set_embedding(found, tensor, I, error)); break;
      case HEAD: TRY(set_head(found, tensor, width, error)); break;
      case NOTHING: TRY(place_by_shape(found, tensor, index, I, width, error)); break;
    }
  }
  if (found->either != NULL) { /* what the others are not */
    REQUIRE(found->embedding != NULL, OCLSTM_E_FORMAT,
            "tensor %s %s: an embedding in front or a dense layer behind: neither name nor shape says",
            found->either->name, oclstm__shape_text(found->either, shape));
    TRY(set_head(found, found->either, width, error));
  }
done:
  return status;
}

oclstm_status oclstm__state_dict_ends(oclstm__network *network, oclstm__safetensors *index,
                                      const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  ends found = {NULL, NULL, NULL};
  size_t width = oclstm_layer_output_size(&network->layers[network->n_layers - 1]);
  TRY(find_ends(&found, index, network->layers[0].input_size, width, error));
  if (found.embedding != NULL) {
    network->embedding_size = found.embedding->shape[0];
    TRY(oclstm__network_bind_embedding(network, index, found.embedding->name, limits, error));
  }
  if (found.head != NULL) {
    char bias[OCLSTM__NAME_BUFFER];
    bias_name(found.head, bias);
    network->head_size = found.head->shape[0];
    network->head_bias = has_bias(found.head, index);
    TRY(oclstm__network_bind_head(network, index, found.head->name, bias, error));
  }
done:
  return status;
}
