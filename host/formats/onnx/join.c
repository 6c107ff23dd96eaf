/* Concat, Add, Mul and Div: directions side by side or merged, states of several layers, shapes put together.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

/* ---- concat ---- */

static oclstm_status concat_constants(oclstm__import *import, const oclstm__onnx_node *node, int64_t given,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__constant folded = {.rank = 0};
  const oclstm__constant *stack[OCLSTM__MOST_INTS];
  size_t axis = 0;
  REQUIRE(node->n_inputs <= OCLSTM__MOST_INTS, OCLSTM_E_LIMIT, "%s: %zu inputs, the limit is %d", LABEL,
          node->n_inputs, OCLSTM__MOST_INTS);
  for (size_t k = 0; k < node->n_inputs; ++k) {
    const oclstm__value *value = NULL;
    TRY(oclstm__node_operand(import, node, k, &value, error));
    stack[k] = &import->constants[value->constant];
  }
  TRY(oclstm__node_axis(import, node, given, stack[0]->rank, &axis, error));
  TRY(oclstm__fold_concat(import, stack, node->n_inputs, axis, &folded, error));
  TRY(oclstm__node_define_constant(import, node, &folded, error));
done:
  return status;
}

static oclstm_status concat_extents(oclstm__import *import, const oclstm__onnx_node *node,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__value shape = {.kind = OCLSTM__EXTENTS, .rank = 1};
  for (size_t k = 0; k < node->n_inputs; ++k) {
    const oclstm__value *value = NULL;
    oclstm__extent extents[OCLSTM__ONNX_RANK];
    size_t n = 0;
    TRY(oclstm__node_operand(import, node, k, &value, error));
    TRY(oclstm__value_extents(import, node, value, extents, &n, error));
    REQUIRE(shape.n_extents + n <= OCLSTM__ONNX_RANK, OCLSTM_E_LIMIT, "%s: a shape of rank %zu", LABEL,
            shape.n_extents + n);
    memcpy(shape.extents + shape.n_extents, extents, n * sizeof *extents);
    shape.n_extents += n;
  }
  TRY(oclstm__node_define(import, node, 0, &shape, error));
done:
  return status;
}

static bool same_axes(const oclstm__value *a, const oclstm__value *b, size_t but) {
  bool same = a->rank == b->rank;
  for (size_t k = 0; same && k < a->rank; ++k) {
    same = k == but || oclstm__axis_same(&a->axes[k], &b->axes[k]);
  }
  return same;
}

/* Appends the states of one value to a list of joined ones. */
static bool join(oclstm__import *import, const oclstm__value *value) {
  if (value->n_joined == 0) {
    return oclstm__list_add(&import->joined, value->pieces, value->n_pieces);
  }
  for (size_t k = 0; k < value->n_joined; ++k) {
    oclstm__piece piece = ((const oclstm__piece *)(const void *)import->joined.data)[value->joined + k];
    if (!oclstm__list_add(&import->joined, &piece, 1)) {
      return false;
    }
  }
  return true;
}

/* Final states of several layers, one after another on the axis of directions. */
static oclstm_status concat_states(oclstm__import *import, const oclstm__onnx_node *node, size_t axis,
                                   oclstm__value *all, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t first = import->joined.n;
  for (size_t k = 0; k < node->n_inputs; ++k) {
    const oclstm__value *value = NULL;
    TRY(oclstm__node_operand(import, node, k, &value, error));
    REQUIRE(value->kind == all->kind && same_axes(value, all, axis), OCLSTM_E_UNSUPPORTED,
            "%s: input %zu is no final state like the first", LABEL, k);
    REQUIRE(join(import, value), *import->joined.status, "%s: %zu joined states", LABEL, import->joined.n);
  }
  all->joined = first;
  all->n_joined = import->joined.n - first;
  all->n_pieces = 0;
  all->axes[axis] = oclstm__axis_of(OCLSTM__TAG_LAYERS, (int64_t)all->n_joined);
done:
  return status;
}

/* Two single directions become the halves of the features, or of the axis of directions. */
static oclstm_status concat_directions(oclstm__import *import, const oclstm__onnx_node *node, size_t axis,
                                       oclstm__value *both, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *second = NULL;
  REQUIRE(node->n_inputs == 2, OCLSTM_E_UNSUPPORTED, "%s: %zu sequences", LABEL, node->n_inputs);
  TRY(oclstm__node_operand(import, node, 1, &second, error));
  bool fits = second->kind == both->kind && same_axes(both, second, axis) && both->n_pieces == 1 &&
              second->n_pieces == 1 && both->reversed == second->reversed;
  REQUIRE(fits, OCLSTM_E_UNSUPPORTED, "%s: %s and %s are not the two directions of a layer", LABEL,
          OCLSTM__AXES(both), OCLSTM__AXES(second));
  both->pieces[1] = second->pieces[0];
  both->n_pieces = 2;
  both->axes[axis].parts[0].size += second->axes[axis].parts[0].size;
done:
  return status;
}

oclstm_status oclstm__operate_concat(oclstm__import *import, const oclstm__onnx_node *node,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  int64_t given = 0;
  size_t axis = 0;
  bool constants = true;
  bool extents = true;
  bool zeros = true;
  TRY(oclstm__node_int(import, node, "axis", 0, &given, error));
  REQUIRE(node->n_inputs != 0, OCLSTM_E_FORMAT, "%s: no inputs", LABEL);
  for (size_t k = 0; k < node->n_inputs; ++k) {
    TRY(oclstm__node_operand(import, node, k, &value, error));
    constants = constants && value->kind == OCLSTM__CONSTANT;
    zeros = zeros && oclstm__value_is_zeros(import, value);
    extents = extents && (value->kind == OCLSTM__CONSTANT || value->kind == OCLSTM__EXTENTS);
  }
  if (constants || extents) {
    return constants ? concat_constants(import, node, given, error) : concat_extents(import, node, error);
  }
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  oclstm__value joined = *value;
  if (zeros) {
    TRY(oclstm__node_define(import, node, 0, &joined, error));
    goto done;
  }
  if (!oclstm__value_has_axes(value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_axis(import, node, given, value->rank, &axis, error));
  bool final = value->kind == OCLSTM__FINAL_H || value->kind == OCLSTM__FINAL_C;
  const oclstm__axis *along = &value->axes[axis];
  if (node->n_inputs == 1) {
    /* as it is */
  } else if (final && (along->n == 0 || along->parts[0].tag != OCLSTM__TAG_FEATURE)) {
    TRY(concat_states(import, node, axis, &joined, error));
  } else if ((final || value->kind == OCLSTM__SEQUENCE) &&
             (oclstm__axis_is(along, OCLSTM__TAG_FEATURE) || oclstm__axis_is(along, OCLSTM__TAG_DIRECTION))) {
    TRY(concat_directions(import, node, axis, &joined, error));
  } else {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_define(import, node, 0, &joined, error));
done:
  return status;
}

/* ---- arithmetic ---- */

/* Entries of shapes multiplied. */
static oclstm_status multiply_extents(oclstm__import *import, const oclstm__onnx_node *node,
                                      const oclstm__value *a, const oclstm__value *b, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__extent x[OCLSTM__ONNX_RANK];
  oclstm__extent y[OCLSTM__ONNX_RANK];
  size_t n = 0;
  size_t m = 0;
  TRY(oclstm__value_extents(import, node, a, x, &n, error));
  TRY(oclstm__value_extents(import, node, b, y, &m, error));
  REQUIRE(n == 1 && m == 1 && x[0].axis.n + y[0].axis.n <= OCLSTM__PARTS &&
              !__builtin_mul_overflow(x[0].factor, y[0].factor, &x[0].factor),
          OCLSTM_E_UNSUPPORTED, "%s: a product of shapes of %zu and %zu entries", LABEL, n, m);
  for (size_t k = 0; k < y[0].axis.n; ++k) {
    x[0].axis.parts[x[0].axis.n++] = y[0].axis.parts[k];
  }
  oclstm__value product = {.kind = OCLSTM__EXTENTS, .n_extents = 1};
  product.rank = a->kind == OCLSTM__EXTENTS ? a->rank : b->rank;
  product.extents[0] = x[0];
  TRY(oclstm__node_define(import, node, 0, &product, error));
done:
  return status;
}

/* The two directions of a layer added or multiplied, element by element. */
static oclstm_status merge(oclstm__import *import, const oclstm__onnx_node *node, const oclstm__value *a,
                           const oclstm__value *b, oclstm_merge how, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__value merged = *a;
  bool fits = a->kind == OCLSTM__SEQUENCE && b->kind == OCLSTM__SEQUENCE && a->n_pieces == 1 &&
              b->n_pieces == 1 && a->reversed == b->reversed && same_axes(a, b, OCLSTM__ONNX_RANK);
  if (!fits) {
    TRY(oclstm__node_refuse(import, node, a->kind == OCLSTM__CONSTANT ? b : a, error));
  }
  bool in_order = import->recurrent[a->pieces[0].node].D == 2
                      ? a->pieces[0].direction == 0
                      : !import->recurrent[a->pieces[0].node].backwards;
  merged.pieces[0] = in_order ? a->pieces[0] : b->pieces[0];
  merged.pieces[1] = in_order ? b->pieces[0] : a->pieces[0];
  merged.n_pieces = 2;
  merged.merge = how;
  TRY(oclstm__node_define(import, node, 0, &merged, error));
done:
  return status;
}

static oclstm_status take_two(const oclstm__import *import, const oclstm__onnx_node *node,
                              const oclstm__value **a, const oclstm__value **b, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__node_operand(import, node, 0, a, error));
  TRY(oclstm__node_operand(import, node, 1, b, error));
done:
  return status;
}

oclstm_status oclstm__operate_add(oclstm__import *import, const oclstm__onnx_node *node,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *a = NULL;
  const oclstm__value *b = NULL;
  TRY(take_two(import, node, &a, &b, error));
  if (a->kind == OCLSTM__INPUT || b->kind == OCLSTM__INPUT) {
    TRY(oclstm__combine_ids(import, node, a, b, false, error));
  } else if (a->kind == OCLSTM__HEAD && b->kind == OCLSTM__CONSTANT) {
    TRY(oclstm__head_bias(import, node, a, &import->constants[b->constant], error));
  } else if (b->kind == OCLSTM__HEAD && a->kind == OCLSTM__CONSTANT) {
    TRY(oclstm__head_bias(import, node, b, &import->constants[a->constant], error));
  } else {
    TRY(merge(import, node, a, b, OCLSTM_SUM, error));
  }
done:
  return status;
}

/* The sum of two directions, halved. */
static oclstm_status halve(oclstm__import *import, const oclstm__onnx_node *node, const oclstm__value *sum,
                           const oclstm__constant *by, double half, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__value average = *sum;
  bool fits = by->count == 1 && oclstm__constant_is_float(by) && oclstm__constant_at(by, 0) == half &&
              sum->kind == OCLSTM__SEQUENCE && sum->merge == OCLSTM_SUM;
  if (!fits) {
    TRY(oclstm__node_refuse(import, node, sum, error));
  }
  average.merge = OCLSTM_AVERAGE;
  TRY(oclstm__node_define(import, node, 0, &average, error));
done:
  return status;
}

oclstm_status oclstm__operate_mul(oclstm__import *import, const oclstm__onnx_node *node,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *a = NULL;
  const oclstm__value *b = NULL;
  TRY(take_two(import, node, &a, &b, error));
  if (a->kind == OCLSTM__INPUT || b->kind == OCLSTM__INPUT) {
    TRY(oclstm__combine_ids(import, node, a, b, true, error));
  } else if (a->kind == OCLSTM__EXTENTS || b->kind == OCLSTM__EXTENTS) {
    TRY(multiply_extents(import, node, a, b, error));
  } else if (b->kind == OCLSTM__CONSTANT) {
    TRY(halve(import, node, a, &import->constants[b->constant], 0.5, error));
  } else if (a->kind == OCLSTM__CONSTANT) {
    TRY(halve(import, node, b, &import->constants[a->constant], 0.5, error));
  } else {
    TRY(merge(import, node, a, b, OCLSTM_MUL, error));
  }
done:
  return status;
}

oclstm_status oclstm__operate_div(oclstm__import *import, const oclstm__onnx_node *node,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *a = NULL;
  const oclstm__value *b = NULL;
  TRY(take_two(import, node, &a, &b, error));
  if (b->kind != OCLSTM__CONSTANT) {
    TRY(oclstm__node_refuse(import, node, a, error));
  }
  TRY(halve(import, node, a, &import->constants[b->constant], 2.0, error));
done:
  return status;
}
