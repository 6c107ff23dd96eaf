/* Shapes that a graph computes from its input, and the constants it fills into them: how exporters make zero states.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

oclstm_status oclstm__value_extents(const oclstm__import *import, const oclstm__onnx_node *node,
                                    const oclstm__value *value, oclstm__extent extents[OCLSTM__ONNX_RANK],
                                    size_t *n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t numbers[OCLSTM__MOST_INTS];
  if (value->kind == OCLSTM__EXTENTS) {
    *n = value->n_extents;
    memcpy(extents, value->extents, sizeof value->extents);
    return OCLSTM_OK;
  }
  TRY(oclstm__value_ints(import, node, value, "a shape", numbers, n, error));
  REQUIRE(*n <= OCLSTM__ONNX_RANK, OCLSTM_E_LIMIT, "%s: a shape of rank %zu, the limit is %d", LABEL, *n,
          OCLSTM__ONNX_RANK);
  for (size_t k = 0; k < *n; ++k) {
    extents[k] = (oclstm__extent){.factor = numbers[k]};
  }
done:
  return status;
}

static int64_t clamp(int64_t at, int64_t size) {
  at = at < 0 ? at + size : at;
  return at < 0 ? 0 : at > size ? size : at;
}

/* Shape, of the axes from `start` to before `end`. */
oclstm_status oclstm__operate_shape(oclstm__import *import, const oclstm__onnx_node *node,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  int64_t start = 0;
  int64_t end = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  const oclstm__constant *constant = oclstm__value_constant(import, value);
  if (constant == NULL && !oclstm__value_has_axes(value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  int64_t rank = (int64_t)(constant != NULL ? constant->rank : value->rank);
  TRY(oclstm__node_int(import, node, "start", 0, &start, error));
  TRY(oclstm__node_int(import, node, "end", rank, &end, error));
  oclstm__value shape = {.kind = OCLSTM__EXTENTS, .rank = 1};
  for (int64_t k = clamp(start, rank); k < clamp(end, rank); ++k) {
    oclstm__extent *to = &shape.extents[shape.n_extents++];
    to->factor = constant != NULL ? (int64_t)constant->dims[k] : 1;
    to->axis = constant != NULL ? (oclstm__axis){.n = 0} : value->axes[k];
  }
  TRY(oclstm__node_define(import, node, 0, &shape, error));
done:
  return status;
}

/* ConstantOfShape: one number, zero where the node gives none. Which shape it fills shows where it is used. */
oclstm_status oclstm__operate_constant_of_shape(oclstm__import *import, const oclstm__onnx_node *node,
                                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *shape = NULL;
  oclstm__onnx_attribute attribute;
  oclstm__constant constant = {.rank = 0, .dtype = OCLSTM_F32, .count = 1};
  oclstm__view name;
  oclstm__value filled = {.kind = OCLSTM__FILLED, .constant = import->n_constants};
  oclstm__extent extents[OCLSTM__ONNX_RANK];
  size_t n = 0;
  TRY(oclstm__node_operand(import, node, 0, &shape, error));
  TRY(oclstm__value_extents(import, node, shape, extents, &n, error));
  if (node->n_attributes != 0) {
    status = oclstm__onnx_attribute_read(&attribute, &import->graph, node, 0, error);
    if (status == OCLSTM_OK) {
      status = oclstm__constant_read(&constant, &import->allocator, attribute.t, import->limits,
                                     &import->folder, &name, error);
    }
    oclstm__onnx_attribute_free(&attribute);
  } else {
    constant.owned = oclstm__alloc(&import->allocator, 1, sizeof(float));
    constant.data = constant.owned;
  }
  import->constants[import->n_constants++] = constant;
  TRY(status);
  REQUIRE(constant.data != NULL || constant.count == 0, OCLSTM_E_MEMORY, "%s: one number", LABEL);
  REQUIRE(constant.count == 1, OCLSTM_E_FORMAT, "%s: a value of %zu elements", LABEL, constant.count);
  TRY(oclstm__node_define(import, node, 0, &filled, error));
done:
  return status;
}

/* Expand: a constant repeated, mostly over the batch. What a sequence would be expanded to is not understood. */
oclstm_status oclstm__operate_expand(oclstm__import *import, const oclstm__onnx_node *node,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  const oclstm__value *shape = NULL;
  oclstm__extent extents[OCLSTM__ONNX_RANK];
  size_t n = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_operand(import, node, 1, &shape, error));
  TRY(oclstm__value_extents(import, node, shape, extents, &n, error));
  if (value->kind == OCLSTM__EXTENTS && value->n_extents == 1 && n == 1) { /* one length for every row */
    oclstm__value lengths = *value;
    lengths.rank = 1;
    TRY(oclstm__node_define(import, node, 0, &lengths, error));
    goto done;
  }
  if (value->kind != OCLSTM__CONSTANT && value->kind != OCLSTM__FILLED) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  oclstm__value filled = {.kind = OCLSTM__FILLED, .constant = value->constant};
  TRY(oclstm__node_define(import, node, 0, &filled, error));
done:
  return status;
}
