/* Operators that put axes into another order, or change nothing.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

/* ---- what the operators share ---- */

oclstm_status oclstm__node_axis(const oclstm__import *import, const oclstm__onnx_node *node, int64_t given,
                                size_t rank, size_t *axis, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t at = given < 0 ? given + (int64_t)rank : given;
  REQUIRE(at >= 0 && at < (int64_t)rank, OCLSTM_E_FORMAT, "%s: axis %lld of a value of rank %zu", LABEL,
          (long long)given, rank);
  *axis = (size_t)at;
done:
  return status;
}

oclstm_status oclstm__node_refuse(const oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__value *value, oclstm_error *error) {
  static const char *const WORDS[] = {"an unused output",   "a constant",
                                      "a filled shape",     "a shape",
                                      "an input",           "rows of the embedding",
                                      "a layer's sequence", "a layer's final h",
                                      "a layer's final c",  "the head's output"};
  return oclstm__fail(error, OCLSTM_E_UNSUPPORTED, "%s: cannot be understood here, on %s %s", LABEL,
                      WORDS[value->kind], oclstm__value_has_axes(value) ? OCLSTM__AXES(value) : "");
}

bool oclstm__value_is_zeros(const oclstm__import *import, const oclstm__value *value) {
  return value->kind == OCLSTM__FILLED && oclstm__constant_is_zero(&import->constants[value->constant]);
}

/* ---- nothing changes ---- */

oclstm_status oclstm__operate_identity(oclstm__import *import, const oclstm__onnx_node *node,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  oclstm__value copy = *value;
  TRY(oclstm__node_define(import, node, 0, &copy, error));
done:
  return status;
}

/* Weights take their new type. Sequences keep theirs: the precision of a run is the plan's choice, not the graph's. */
oclstm_status oclstm__operate_cast(oclstm__import *import, const oclstm__onnx_node *node,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  oclstm_dtype dtype = OCLSTM_F32;
  int64_t to = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_int(import, node, "to", 0, &to, error));
  REQUIRE(oclstm__constant_dtype((int)to, &dtype), OCLSTM_E_UNSUPPORTED, "%s: to element type %lld", LABEL,
          (long long)to);
  if (value->kind == OCLSTM__CONSTANT) {
    oclstm__constant folded = {.rank = 0};
    TRY(oclstm__fold_cast(import, &import->constants[value->constant], dtype, &folded, error));
    TRY(oclstm__node_define_constant(import, node, &folded, error));
    goto done;
  }
  bool keeps = value->kind == OCLSTM__INPUT || value->kind == OCLSTM__EXTENTS ||
               value->kind == OCLSTM__FILLED || dtype <= OCLSTM_BF16;
  REQUIRE(keeps, OCLSTM_E_UNSUPPORTED, "%s: a sequence cast to %s", LABEL, oclstm__dtype_name(dtype));
  oclstm__value copy = *value;
  TRY(oclstm__node_define(import, node, 0, &copy, error));
done:
  return status;
}

oclstm_status oclstm__operate_dropout(oclstm__import *import, const oclstm__onnx_node *node,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  enum { TRAINING = 2 };
  const oclstm__value *value = NULL;
  const oclstm__value *training = NULL;
  oclstm__value mask = {.kind = OCLSTM__NOTHING};
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_input(import, node, TRAINING, &training, error));
  bool off = training == NULL || (training->kind == OCLSTM__CONSTANT &&
                                  oclstm__constant_is_zero(&import->constants[training->constant]));
  REQUIRE(off, OCLSTM_E_UNSUPPORTED, "%s: training_mode is not false", LABEL);
  oclstm__value copy = *value;
  TRY(oclstm__node_define(import, node, 0, &copy, error));
  TRY(oclstm__node_define(import, node, 1, &mask, error));
done:
  return status;
}

/* ---- transpose ---- */

/* perm, or the axes turned round where it is absent. */
static oclstm_status take_order(const oclstm__import *import, const oclstm__onnx_node *node, size_t rank,
                                size_t order[OCLSTM__ONNX_RANK], oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t perm[OCLSTM__MOST_INTS];
  size_t n = 0;
  unsigned seen = 0;
  bool found = false;
  TRY(oclstm__node_ints(import, node, "perm", perm, &n, &found, error));
  REQUIRE(!found || n == rank, OCLSTM_E_FORMAT, "%s: perm has %zu entries for rank %zu", LABEL, n, rank);
  for (size_t k = 0; k < rank; ++k) {
    TRY(oclstm__node_axis(import, node, found ? perm[k] : (int64_t)(rank - 1 - k), rank, &order[k], error));
    seen |= 1U << order[k];
  }
  REQUIRE(seen == (1U << rank) - 1, OCLSTM_E_FORMAT, "%s: perm names an axis twice", LABEL);
done:
  return status;
}

oclstm_status oclstm__operate_transpose(oclstm__import *import, const oclstm__onnx_node *node,
                                        oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  size_t order[OCLSTM__ONNX_RANK];
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  oclstm__value turned = *value;
  if (value->kind == OCLSTM__CONSTANT) {
    oclstm__constant folded = {.rank = 0};
    const oclstm__constant *from = &import->constants[value->constant];
    TRY(take_order(import, node, from->rank, order, error));
    TRY(oclstm__fold_transpose(import, from, order, &folded, error));
    TRY(oclstm__node_define_constant(import, node, &folded, error));
    goto done;
  }
  if (oclstm__value_has_axes(value)) {
    TRY(take_order(import, node, value->rank, order, error));
    for (size_t k = 0; k < value->rank; ++k) {
      turned.axes[k] = value->axes[order[k]];
    }
  } else if (!oclstm__value_is_zeros(import, value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_define(import, node, 0, &turned, error));
done:
  return status;
}
