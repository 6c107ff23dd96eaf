/* Reshape and Flatten, by what the axes mean: sizes that are not known are matched by name, the others by their products.
 * A reshape keeps the order of the elements, so the parts of the axes keep theirs: each new axis takes the next ones.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

enum { MOST_PARTS = OCLSTM__PARTS * OCLSTM__ONNX_RANK };

/* Parts first .. end-1 are still to be taken, from both ends. */
typedef struct parts {
  size_t first, end;
  oclstm__part all[MOST_PARTS + 1];
} parts;

static parts parts_of(const oclstm__value *value) {
  parts p = {.first = 0};
  for (size_t k = 0; k < value->rank; ++k) {
    for (size_t j = 0; j < value->axes[k].n; ++j) {
      p.all[p.end++] = value->axes[k].parts[j];
    }
  }
  return p;
}

/* ---- one new axis ---- */

/* Adds a part at the end from which they are taken. A part of size 1 that is nobody's input says nothing. */
static bool put(oclstm__axis *axis, oclstm__part part, bool back) {
  if (part.size == 1 && part.tag < 0 && part.tag != OCLSTM__TAG_FEATURE) {
    return true;
  }
  if (axis->n == OCLSTM__PARTS) {
    return false;
  }
  for (size_t k = axis->n; back && k > 0; --k) {
    axis->parts[k] = axis->parts[k - 1];
  }
  axis->parts[back ? 0 : axis->n] = part;
  ++axis->n;
  return true;
}

static oclstm__part next(const parts *p, bool back) {
  return p->all[back ? p->end - 1 : p->first];
}

static void drop(parts *p, bool back) {
  if (back) {
    --p->end;
  } else {
    ++p->first;
  }
}

/* An axis by name: exactly these parts, in this order. */
static bool take_named(parts *p, const oclstm__axis *wanted, bool back, oclstm__axis *axis) {
  for (size_t k = 0; k < wanted->n; ++k) {
    int tag = wanted->parts[back ? wanted->n - 1 - k : k].tag;
    while (p->first < p->end && next(p, back).tag != tag && next(p, back).size == 1) {
      drop(p, back);
    }
    if (p->first == p->end || next(p, back).tag != tag || !put(axis, next(p, back), back)) {
      return false;
    }
    drop(p, back);
  }
  return true;
}

/* An axis of size 1: of the parts of size 1 that come next, the one that is an input's, so that a batch of 1 stays one. */
static bool take_one(parts *p, bool back, oclstm__axis *axis) {
  size_t run = 0;
  size_t chosen = 0;
  for (; p->first + run < p->end; ++run) {
    oclstm__part part = p->all[back ? p->end - 1 - run : p->first + run];
    if (part.size != 1) {
      break;
    }
    chosen = chosen == 0 && part.tag >= 0 ? run + 1 : chosen;
  }
  for (size_t k = 0; k < (chosen != 0 ? chosen : (run != 0 ? 1U : 0U)); ++k) {
    axis->n = 0;
    (void)put(axis, next(p, back), back);
    drop(p, back);
  }
  return true;
}

/* Both directions side by side, taken apart. */
static void split(parts *p, const oclstm__value *value, int64_t wanted, bool back) {
  size_t at = back ? p->end - 1 : p->first;
  oclstm__part part = p->all[at];
  bool both = part.tag == OCLSTM__TAG_FEATURE && value->n_pieces == 2 && value->merge == OCLSTM_CONCAT &&
              part.size > 0 && part.size % 2 == 0 && p->end < MOST_PARTS;
  if (both && (back ? wanted * 2 == part.size : wanted == 2)) {
    memmove(&p->all[at + 1], &p->all[at], (p->end - at) * sizeof *p->all);
    p->all[at] = (oclstm__part){OCLSTM__TAG_DIRECTION, 2};
    p->all[at + 1].size = part.size / 2;
    ++p->end;
  }
}

static bool take_sized(parts *p, const oclstm__value *value, int64_t wanted, bool back, oclstm__axis *axis) {
  int64_t product = 1;
  if (wanted == 1) {
    return take_one(p, back, axis);
  }
  while (product < wanted && p->first < p->end) {
    split(p, value, wanted / product, back);
    oclstm__part part = next(p, back);
    if (part.size <= 0 || wanted % (product * part.size) != 0 || !put(axis, part, back)) {
      return false;
    }
    product *= part.size;
    drop(p, back);
  }
  return product == wanted;
}

static bool take(parts *p, const oclstm__value *value, const oclstm__extent *wanted, size_t k, bool copy,
                 bool back, oclstm__axis *axis) {
  *axis = (oclstm__axis){.n = 0};
  if (wanted->axis.n == 0 && wanted->factor == 0 && copy && k < value->rank) {
    return value->axes[k].n == 0 || take_named(p, &value->axes[k], back, axis);
  }
  parts before = *p;
  if (wanted->axis.n != 0 && wanted->factor == 1 && take_named(p, &wanted->axis, back, axis)) {
    return true;
  }
  *p = before;
  *axis = (oclstm__axis){.n = 0};
  int64_t number = oclstm__extent_number(wanted);
  return number > 0 && take_sized(p, value, number, back, axis);
}

/* What is left, for the axis whose size is -1. */
static bool take_rest(parts *p, oclstm__axis *axis) {
  *axis = (oclstm__axis){.n = 0};
  while (p->first < p->end) {
    if (!put(axis, next(p, false), false)) {
      return false;
    }
    drop(p, false);
  }
  return true;
}

/* Directions in front of features are the features of both. */
static void join_directions(oclstm__axis *axis) {
  for (size_t k = 0; k + 1 < axis->n; ++k) {
    if (axis->parts[k].tag == OCLSTM__TAG_DIRECTION && axis->parts[k + 1].tag == OCLSTM__TAG_FEATURE) {
      axis->parts[k + 1].size *= axis->parts[k].size;
      memmove(&axis->parts[k], &axis->parts[k + 1], (axis->n - k - 1) * sizeof axis->parts[0]);
      --axis->n;
    }
  }
}

/* ---- the operators ---- */

static bool is_rest(const oclstm__extent *wanted) {
  return wanted->axis.n == 0 && wanted->factor == -1;
}

static bool reshape(const oclstm__value *value, const oclstm__extent wanted[], size_t n, bool copy,
                    oclstm__value *result) {
  parts p = parts_of(value);
  size_t rest = n;
  bool taken = true;
  *result = *value;
  result->rank = n;
  for (size_t k = 0; k < n && rest == n; ++k) {
    rest = is_rest(&wanted[k]) ? k : n;
    taken = taken && (rest == k || take(&p, value, &wanted[k], k, copy, false, &result->axes[k]));
  }
  for (size_t k = n; k-- > rest + 1;) {
    taken = taken && take(&p, value, &wanted[k], k, copy, true, &result->axes[k]);
  }
  if (rest < n) {
    taken = taken && take_rest(&p, &result->axes[rest]);
  }
  for (; taken && p.first < p.end; ++p.first) {
    taken = p.all[p.first].size == 1;
  }
  for (size_t k = 0; k < n; ++k) {
    join_directions(&result->axes[k]);
  }
  return taken;
}

static oclstm_status reshape_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                      const oclstm__constant *from, const oclstm__extent wanted[], size_t n,
                                      bool copy, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__constant folded = {.rank = 0};
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  size_t count = 1;
  size_t rest = n;
  for (size_t k = 0; k < n; ++k) {
    int64_t size = oclstm__extent_number(&wanted[k]);
    if (size == -1 && rest == n) {
      rest = k;
      continue;
    }
    size = size == 0 && copy && k < from->rank ? (int64_t)from->dims[k] : size;
    REQUIRE(size >= 0 && !__builtin_mul_overflow(count, (size_t)size, &count), OCLSTM_E_UNSUPPORTED,
            "%s: size %lld", LABEL, (long long)size);
    dims[k] = (size_t)size;
  }
  if (rest < n && count != 0) {
    dims[rest] = from->count / count;
    count *= dims[rest];
  }
  REQUIRE(count == from->count, OCLSTM_E_FORMAT, "%s: %zu elements into a shape of %zu", LABEL, from->count,
          count);
  oclstm__fold_shape(from, n, dims, &folded);
  TRY(oclstm__node_define_constant(import, node, &folded, error));
done:
  return status;
}

/* A shape is reshaped to make an entry of it a list of one, or a number of a list of one. */
static oclstm_status reshape_extents(oclstm__import *import, const oclstm__onnx_node *node,
                                     const oclstm__value *value, size_t rank, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__value same = *value;
  REQUIRE(rank <= 1 && (rank == 1 || value->n_extents == 1), OCLSTM_E_UNSUPPORTED,
          "%s: a shape into rank %zu", LABEL, rank);
  same.rank = rank;
  TRY(oclstm__node_define(import, node, 0, &same, error));
done:
  return status;
}

oclstm_status oclstm__operate_reshape(oclstm__import *import, const oclstm__onnx_node *node,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  const oclstm__value *shape = NULL;
  oclstm__extent wanted[OCLSTM__ONNX_RANK];
  oclstm__value result;
  size_t n = 0;
  int64_t allow_zero = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_operand(import, node, 1, &shape, error));
  TRY(oclstm__value_extents(import, node, shape, wanted, &n, error));
  TRY(oclstm__node_int(import, node, "allowzero", 0, &allow_zero, error));
  if (value->kind == OCLSTM__CONSTANT) {
    TRY(reshape_constant(import, node, &import->constants[value->constant], wanted, n, allow_zero == 0,
                         error));
  } else if (value->kind == OCLSTM__EXTENTS) {
    TRY(reshape_extents(import, node, value, n, error));
  } else if (oclstm__value_is_zeros(import, value)) {
    result = *value;
    TRY(oclstm__node_define(import, node, 0, &result, error));
  } else {
    if (!oclstm__value_has_axes(value) || !reshape(value, wanted, n, allow_zero == 0, &result)) {
      TRY(oclstm__node_refuse(import, node, value, error));
    }
    TRY(oclstm__node_define(import, node, 0, &result, error));
  }
done:
  return status;
}

/* Two axes: what is before an axis, and the rest. */
oclstm_status oclstm__operate_flatten(oclstm__import *import, const oclstm__onnx_node *node,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  int64_t given = 1;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_int(import, node, "axis", 1, &given, error));
  if (!oclstm__value_has_axes(value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  int64_t at = given < 0 ? given + (int64_t)value->rank : given;
  REQUIRE(at >= 0 && at <= (int64_t)value->rank, OCLSTM_E_FORMAT, "%s: axis %lld of rank %zu", LABEL,
          (long long)given, value->rank);
  oclstm__value flat = *value;
  flat.rank = 2;
  flat.axes[0] = flat.axes[1] = (oclstm__axis){.n = 0};
  for (size_t k = 0; k < value->rank; ++k) {
    for (size_t j = 0; j < value->axes[k].n; ++j) {
      if (!put(&flat.axes[(int64_t)k < at ? 0 : 1], value->axes[k].parts[j], false)) {
        TRY(oclstm__node_refuse(import, node, value, error));
      }
    }
  }
  join_directions(&flat.axes[0]);
  join_directions(&flat.axes[1]);
  TRY(oclstm__node_define(import, node, 0, &flat, error));
done:
  return status;
}
