/* Squeeze and Unsqueeze: axes of size 1 that go and come.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

/* The axes of Squeeze and Unsqueeze: an attribute until operator set 12, an input from 13 on. */
static oclstm_status take_axes(const oclstm__import *import, const oclstm__onnx_node *node, size_t rank,
                               unsigned *axes, bool *given, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t values[OCLSTM__MOST_INTS];
  size_t n = 0;
  const oclstm__value *input = NULL;
  *axes = 0;
  TRY(oclstm__node_ints(import, node, "axes", values, &n, given, error));
  TRY(oclstm__node_input(import, node, 1, &input, error));
  if (input != NULL) {
    TRY(oclstm__value_ints(import, node, input, "axes", values, &n, error));
    *given = true;
  }
  for (size_t k = 0; k < n; ++k) {
    size_t axis = 0;
    TRY(oclstm__node_axis(import, node, values[k], rank, &axis, error));
    *axes |= 1U << axis;
  }
done:
  return status;
}

static oclstm_status squeeze_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                      const oclstm__constant *from, unsigned axes, bool given,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__constant folded = {.rank = 0};
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  size_t rank = 0;
  for (size_t k = 0; k < from->rank; ++k) {
    bool goes = given ? (axes >> k & 1U) != 0 : from->dims[k] == 1;
    REQUIRE(!goes || from->dims[k] == 1, OCLSTM_E_FORMAT, "%s: axis %zu has size %zu", LABEL, k,
            from->dims[k]);
    if (!goes) {
      dims[rank++] = from->dims[k];
    }
  }
  oclstm__fold_shape(from, rank, dims, &folded);
  TRY(oclstm__node_define_constant(import, node, &folded, error));
done:
  return status;
}

oclstm_status oclstm__operate_squeeze(oclstm__import *import, const oclstm__onnx_node *node,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  unsigned axes = 0;
  bool given = false;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  const oclstm__constant *constant = oclstm__value_constant(import, value);
  oclstm__value less = *value;
  if (oclstm__value_is_zeros(import, value)) {
    TRY(oclstm__node_define(import, node, 0, &less, error));
    goto done;
  }
  TRY(take_axes(import, node, constant != NULL ? constant->rank : value->rank, &axes, &given, error));
  if (constant != NULL) {
    TRY(squeeze_constant(import, node, constant, axes, given, error));
    goto done;
  }
  if (value->kind == OCLSTM__EXTENTS) {
    REQUIRE(value->rank == 1 && value->n_extents == 1, OCLSTM_E_FORMAT, "%s: a shape of %zu entries", LABEL,
            value->n_extents);
    less.rank = 0;
  } else if (oclstm__value_has_axes(value)) {
    less.rank = 0;
    for (size_t k = 0; k < value->rank; ++k) {
      int64_t size = oclstm__axis_size(&value->axes[k]);
      bool goes = given ? (axes >> k & 1U) != 0 : size == 1;
      REQUIRE(!goes || size == 1, OCLSTM_E_UNSUPPORTED, "%s: axis %zu of %s is not known to be 1", LABEL, k,
              OCLSTM__AXES(value));
      REQUIRE(given || size >= 0, OCLSTM_E_UNSUPPORTED, "%s: all axes of size 1 of %s, which are not known",
              LABEL, OCLSTM__AXES(value));
      if (!goes) {
        less.axes[less.rank++] = value->axes[k];
      }
    }
  } else {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_define(import, node, 0, &less, error));
done:
  return status;
}

static oclstm_status unsqueeze_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                        const oclstm__constant *from, size_t rank, unsigned axes,
                                        oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__constant folded = {.rank = 0};
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  size_t next = 0;
  for (size_t k = 0; k < rank; ++k) {
    dims[k] = (axes >> k & 1U) != 0 ? 1 : from->dims[next++];
  }
  oclstm__fold_shape(from, rank, dims, &folded);
  TRY(oclstm__node_define_constant(import, node, &folded, error));
done:
  return status;
}

/* How many axes there will be: known before the axes are, which may count from the end. */
static oclstm_status unsqueezed_rank(const oclstm__import *import, const oclstm__onnx_node *node, size_t rank,
                                     size_t *result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t values[OCLSTM__MOST_INTS];
  size_t n = 0;
  bool found = false;
  const oclstm__value *input = NULL;
  TRY(oclstm__node_ints(import, node, "axes", values, &n, &found, error));
  TRY(oclstm__node_input(import, node, 1, &input, error));
  if (input != NULL) {
    TRY(oclstm__value_ints(import, node, input, "axes", values, &n, error));
  }
  *result = rank + n;
  REQUIRE(n != 0 && *result <= OCLSTM__ONNX_RANK, n == 0 ? OCLSTM_E_FORMAT : OCLSTM_E_LIMIT,
          "%s: %zu new axes for rank %zu, the limit is %d in all", LABEL, n, rank, OCLSTM__ONNX_RANK);
done:
  return status;
}

oclstm_status oclstm__operate_unsqueeze(oclstm__import *import, const oclstm__onnx_node *node,
                                        oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  unsigned axes = 0;
  bool given = false;
  size_t rank = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  const oclstm__constant *constant = oclstm__value_constant(import, value);
  oclstm__value more = *value;
  if (oclstm__value_is_zeros(import, value)) {
    TRY(oclstm__node_define(import, node, 0, &more, error));
    goto done;
  }
  TRY(unsqueezed_rank(import, node, constant != NULL ? constant->rank : value->rank, &rank, error));
  TRY(take_axes(import, node, rank, &axes, &given, error));
  REQUIRE((size_t)__builtin_popcount(axes) + (constant != NULL ? constant->rank : value->rank) == rank,
          OCLSTM_E_FORMAT, "%s: an axis named twice", LABEL);
  if (constant != NULL) {
    TRY(unsqueeze_constant(import, node, constant, rank, axes, error));
    goto done;
  }
  if (value->kind == OCLSTM__EXTENTS) {
    REQUIRE(value->rank == 0 && rank == 1, OCLSTM_E_UNSUPPORTED, "%s: a shape of rank %zu", LABEL, rank);
    more.rank = 1;
  } else if (oclstm__value_has_axes(value)) {
    size_t next = 0;
    more.rank = rank;
    for (size_t k = 0; k < rank; ++k) {
      more.axes[k] = (axes >> k & 1U) != 0 ? (oclstm__axis){.n = 0} : value->axes[next++];
    }
  } else {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_define(import, node, 0, &more, error));
done:
  return status;
}
