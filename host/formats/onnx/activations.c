/* The activations of a recurrent node: names, and the numbers that some of them take.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "formats/onnx/import.h"

/* Which numbers a function has, and the ones it has where the node gives none: those of the ONNX operator of that name.
 * NAN: there is none, and the node must give it. */
typedef struct function {
  const char *name;
  oclstm_activation_kind kind;
  bool has_alpha, has_beta;
  float alpha, beta;
} function;
static const function FUNCTIONS[] = {
    {"Sigmoid", OCLSTM_ACT_SIGMOID, false, false, 0, 0},
    {"Tanh", OCLSTM_ACT_TANH, false, false, 0, 0},
    {"Relu", OCLSTM_ACT_RELU, false, false, 0, 0},
    {"Affine", OCLSTM_ACT_AFFINE, true, true, NAN, NAN},
    {"LeakyRelu", OCLSTM_ACT_LEAKY_RELU, true, false, 0.01F, 0},
    {"ThresholdedRelu", OCLSTM_ACT_THRESHOLDED_RELU, true, false, 1.0F, 0},
    {"ScaledTanh", OCLSTM_ACT_SCALED_TANH, true, true, NAN, NAN},
    {"HardSigmoid", OCLSTM_ACT_HARD_SIGMOID, true, true, 0.2F, 0.5F},
    {"Elu", OCLSTM_ACT_ELU, true, false, 1.0F, 0},
    {"Softsign", OCLSTM_ACT_SOFTSIGN, false, false, 0, 0},
    {"Softplus", OCLSTM_ACT_SOFTPLUS, false, false, 0, 0},
};

/* The three attributes together: numbers are handed out in order, to those functions alone that take them. */
typedef struct number_lists {
  oclstm__onnx_attribute names, alpha, beta;
  bool has_names, has_alpha, has_beta;
  size_t next_alpha, next_beta;
} number_lists;

static const function *find_function(oclstm__view name) {
  for (size_t k = 0; k < sizeof FUNCTIONS / sizeof FUNCTIONS[0]; ++k) {
    if (name.n == strlen(FUNCTIONS[k].name) &&
        strncasecmp((const char *)name.at, FUNCTIONS[k].name, name.n) == 0) {
      return &FUNCTIONS[k];
    }
  }
  return NULL;
}

static oclstm_status read_lists(const oclstm__import *import, const oclstm__onnx_node *node,
                                number_lists *lists, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < node->n_attributes; ++k) {
    oclstm__onnx_attribute attribute;
    status = oclstm__onnx_attribute_read(&attribute, &import->graph, node, k, error);
    bool *seen = NULL;
    oclstm__onnx_attribute *to = NULL;
    if (status == OCLSTM_OK && oclstm__view_is(attribute.name, "activations")) {
      to = &lists->names;
      seen = &lists->has_names;
    } else if (status == OCLSTM_OK && oclstm__view_is(attribute.name, "activation_alpha")) {
      to = &lists->alpha;
      seen = &lists->has_alpha;
    } else if (status == OCLSTM_OK && oclstm__view_is(attribute.name, "activation_beta")) {
      to = &lists->beta;
      seen = &lists->has_beta;
    }
    if (to == NULL || *seen) {
      oclstm__onnx_attribute_free(&attribute);
    } else {
      *to = attribute;
      *seen = true;
    }
    if (status != OCLSTM_OK) {
      break;
    }
  }
  return status;
}

/* The next number of a list, or the fallback where it has ended. */
static float take_number(const oclstm__onnx_attribute *list, bool has, size_t *next, float fallback) {
  float value = fallback;
  if (has && *next < list->floats.n) {
    memcpy(&value, list->floats.data + *next * sizeof value, sizeof value);
    ++*next;
  }
  return value;
}

static oclstm_status take_activation(const oclstm__import *import, const oclstm__onnx_node *node,
                                     number_lists *lists, size_t k, oclstm_activation_kind fallback,
                                     oclstm_activation *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view name = oclstm__list_view(&lists->names.strings, k);
  const function *found = find_function(name);
  REQUIRE(found != NULL, OCLSTM_E_UNSUPPORTED, "%s: activation %.*s", OCLSTM__LABEL(&import->graph, node),
          OCLSTM__TEXT(name));
  to->kind = found->kind == fallback ? OCLSTM_ACT_DEFAULT : found->kind;
  if (found->has_alpha) {
    to->alpha = take_number(&lists->alpha, lists->has_alpha, &lists->next_alpha, found->alpha);
  }
  if (found->has_beta) {
    to->beta = take_number(&lists->beta, lists->has_beta, &lists->next_beta, found->beta);
  }
  REQUIRE(isfinite(to->alpha) && isfinite(to->beta), OCLSTM_E_UNSUPPORTED,
          "%s: activation %s needs its alpha and beta", OCLSTM__LABEL(&import->graph, node), found->name);
done:
  return status;
}

oclstm_status oclstm__read_activations(const oclstm__import *import, oclstm__recurrent *recurrent,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const struct {
    size_t n, roles[OCLSTM_N_ROLES];
  } KINDS[] = {{3, {OCLSTM_ROLE_GATE, OCLSTM_ROLE_CANDIDATE, OCLSTM_ROLE_OUTPUT}},
               {2, {OCLSTM_ROLE_GATE, OCLSTM_ROLE_CANDIDATE}},
               {1, {OCLSTM_ROLE_CANDIDATE}}};
  const oclstm__onnx_node *node = recurrent->node;
  number_lists lists = {.has_names = false};
  size_t n = KINDS[recurrent->kind].n;
  TRY(read_lists(import, node, &lists, error));
  if (lists.has_names) {
    size_t given = lists.names.strings.n;
    REQUIRE(given == n * recurrent->D, OCLSTM_E_FORMAT, "%s: %zu activations, expected %zu",
            OCLSTM__LABEL(&import->graph, node), given, n * recurrent->D);
    for (size_t k = 0; k < given; ++k) {
      size_t role = KINDS[recurrent->kind].roles[k % n];
      TRY(take_activation(import, node, &lists, k,
                          role == OCLSTM_ROLE_GATE ? OCLSTM_ACT_SIGMOID : OCLSTM_ACT_TANH,
                          &recurrent->activation[k / n][role], error));
    }
  }
done:
  if (lists.has_names) {
    oclstm__onnx_attribute_free(&lists.names);
  }
  if (lists.has_alpha) {
    oclstm__onnx_attribute_free(&lists.alpha);
  }
  if (lists.has_beta) {
    oclstm__onnx_attribute_free(&lists.beta);
  }
  return status;
}
