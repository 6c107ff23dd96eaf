/* Gather: rows of the embedding, entries of a shape, and single layers, directions and steps.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

static void drop_axis(oclstm__value *value, size_t axis) {
  for (size_t k = axis; k + 1 < value->rank; ++k) {
    value->axes[k] = value->axes[k + 1];
  }
  --value->rank;
}

/* Rows of a constant matrix by an input of ids: the embedding in front. */
static oclstm_status embed(oclstm__import *import, const oclstm__onnx_node *node,
                           const oclstm__constant *table, const oclstm__value *ids, size_t axis,
                           oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool fits = table->rank == 2 && axis == 0 && oclstm__constant_is_float(table) &&
              ids->kind == OCLSTM__INPUT && ids->role == OCLSTM__ROLE_WHOLE && ids->taken == 0 &&
              ids->rank < OCLSTM__ONNX_RANK;
  REQUIRE(fits, OCLSTM_E_UNSUPPORTED, "%s: neither rows of a matrix of weights, nor by an input of ids",
          LABEL);
  REQUIRE(ids->wrap == 0 || ids->wrap == (int64_t)table->dims[0], OCLSTM_E_UNSUPPORTED,
          "%s: negative ids count from %lld, of %zu rows", LABEL, (long long)ids->wrap, table->dims[0]);
  REQUIRE(import->embedding == NULL || import->embedding == table, OCLSTM_E_UNSUPPORTED,
          "%s: a second embedding", LABEL);
  REQUIRE(table->dims[0] <= import->limits->ids, OCLSTM_E_LIMIT, "%s: %zu rows, the limit is %llu", LABEL,
          table->dims[0], (unsigned long long)import->limits->ids);
  import->embedding = table;
  oclstm__value rows = *ids;
  rows.kind = OCLSTM__EMBEDDED;
  rows.wrap = 0;
  rows.axes[rows.rank++] = oclstm__axis_of(OCLSTM__TAG_FEATURE, (int64_t)table->dims[1]);
  TRY(oclstm__node_define(import, node, 0, &rows, error));
done:
  return status;
}

static oclstm_status gather_extents(oclstm__import *import, const oclstm__onnx_node *node,
                                    const oclstm__value *shape, const oclstm__value *indices,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t numbers[OCLSTM__MOST_INTS];
  oclstm__value taken = {.kind = OCLSTM__EXTENTS};
  TRY(oclstm__value_ints(import, node, indices, "indices", numbers, &taken.n_extents, error));
  REQUIRE(taken.n_extents <= OCLSTM__ONNX_RANK, OCLSTM_E_LIMIT, "%s: %zu indices", LABEL, taken.n_extents);
  taken.rank = import->constants[indices->constant].rank;
  for (size_t k = 0; k < taken.n_extents; ++k) {
    size_t at = 0;
    TRY(oclstm__node_axis(import, node, numbers[k], shape->n_extents, &at, error));
    taken.extents[k] = shape->extents[at];
  }
  TRY(oclstm__node_define(import, node, 0, &taken, error));
done:
  return status;
}

oclstm_status oclstm__operate_gather(oclstm__import *import, const oclstm__onnx_node *node,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  const oclstm__value *indices = NULL;
  int64_t given = 0;
  int64_t numbers[OCLSTM__MOST_INTS];
  size_t n = 0;
  oclstm__range r = {.n = 1, .step = 1};
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_operand(import, node, 1, &indices, error));
  TRY(oclstm__node_int(import, node, "axis", 0, &given, error));
  const oclstm__constant *table = oclstm__value_constant(import, value);
  if (table != NULL) {
    TRY(oclstm__node_axis(import, node, given, table->rank, &r.axis, error));
    TRY(embed(import, node, table, indices, r.axis, error));
    goto done;
  }
  if (value->kind == OCLSTM__EXTENTS) {
    TRY(gather_extents(import, node, value, indices, error));
    goto done;
  }
  TRY(oclstm__value_ints(import, node, indices, "indices", numbers, &n, error));
  oclstm__value part = *value;
  if (oclstm__value_is_zeros(import, value)) {
    TRY(oclstm__node_define(import, node, 0, &part, error));
    goto done;
  }
  REQUIRE(n == 1 && oclstm__value_has_axes(value), OCLSTM_E_UNSUPPORTED, "%s: %zu indices", LABEL, n);
  TRY(oclstm__node_axis(import, node, given, value->rank, &r.axis, error));
  r.first = numbers[0];
  r.whole = oclstm__axis_size(&value->axes[r.axis]) == 1;
  TRY(oclstm__select(import, node, &r, &part, error));
  if (import->constants[indices->constant].rank == 0) {
    drop_axis(&part, r.axis);
  }
  TRY(oclstm__node_define(import, node, 0, &part, error));
done:
  return status;
}
