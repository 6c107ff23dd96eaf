/* Attributes of nodes, and constants that newer operator sets have in their place.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

static oclstm_status find(const oclstm__import *import, const oclstm__onnx_node *node, const char *name,
                          oclstm__onnx_attribute *attribute, bool *found, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *found = false;
  for (size_t k = 0; k < node->n_attributes && !*found; ++k) {
    status = oclstm__onnx_attribute_read(attribute, &import->graph, node, k, error);
    *found = status == OCLSTM_OK && oclstm__view_is(attribute->name, name);
    if (!*found) {
      oclstm__onnx_attribute_free(attribute);
    }
    if (status != OCLSTM_OK) {
      break;
    }
  }
  return status;
}

oclstm_status oclstm__node_int(const oclstm__import *import, const oclstm__onnx_node *node, const char *name,
                               int64_t fallback, int64_t *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__onnx_attribute attribute;
  bool found = false;
  *value = fallback;
  TRY(find(import, node, name, &attribute, &found, error));
  if (found) {
    bool is_int = attribute.has_i;
    *value = attribute.has_i ? attribute.i : fallback;
    oclstm__onnx_attribute_free(&attribute);
    /* Writers leave out a value of 0. */
    REQUIRE(is_int || attribute.type == 2, OCLSTM_E_FORMAT, "%s: attribute %s is no integer",
            OCLSTM__LABEL(&import->graph, node), name);
    *value = is_int ? *value : 0;
  }
done:
  return status;
}

oclstm_status oclstm__node_ints(const oclstm__import *import, const oclstm__onnx_node *node, const char *name,
                                int64_t values[OCLSTM__MOST_INTS], size_t *n, bool *found,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__onnx_attribute attribute;
  *n = 0;
  TRY(find(import, node, name, &attribute, found, error));
  if (*found) {
    *n = attribute.ints.n;
    if (*n != 0 && *n <= OCLSTM__MOST_INTS) {
      memcpy(values, attribute.ints.data, *n * sizeof *values);
    }
    oclstm__onnx_attribute_free(&attribute);
    REQUIRE(*n <= OCLSTM__MOST_INTS, OCLSTM_E_LIMIT, "%s: attribute %s has %zu entries, the limit is %d",
            OCLSTM__LABEL(&import->graph, node), name, *n, OCLSTM__MOST_INTS);
  }
done:
  return status;
}

oclstm_status oclstm__value_ints(const oclstm__import *import, const oclstm__onnx_node *node,
                                 const oclstm__value *value, const char *what,
                                 int64_t values[OCLSTM__MOST_INTS], size_t *n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__constant *constant = oclstm__value_constant(import, value);
  REQUIRE(constant != NULL && !oclstm__constant_is_float(constant), OCLSTM_E_UNSUPPORTED,
          "%s: %s must be constant integers", OCLSTM__LABEL(&import->graph, node), what);
  REQUIRE(constant->rank <= 1 && constant->count <= OCLSTM__MOST_INTS, OCLSTM_E_UNSUPPORTED,
          "%s: %s is a tensor of rank %zu with %zu entries", OCLSTM__LABEL(&import->graph, node), what,
          constant->rank, constant->count);
  *n = constant->count;
  for (size_t k = 0; k < *n; ++k) {
    (void)oclstm__constant_int(constant, k, &values[k]);
  }
done:
  return status;
}
