/* Slice, of shapes, constants and everything else.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

typedef struct slices {
  size_t n;
  int64_t starts[OCLSTM__MOST_INTS], ends[OCLSTM__MOST_INTS], axes[OCLSTM__MOST_INTS],
      steps[OCLSTM__MOST_INTS];
} slices;

/* Attributes until operator set 9, inputs from 10 on. */
static oclstm_status take_slices(const oclstm__import *import, const oclstm__onnx_node *node, slices *s,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const char *const NAMES[] = {"starts", "ends", "axes", "steps"};
  int64_t *lists[] = {s->starts, s->ends, s->axes, s->steps};
  for (size_t k = 0; k < 4; ++k) {
    const oclstm__value *input = NULL;
    size_t n = 0;
    bool found = false;
    TRY(oclstm__node_ints(import, node, NAMES[k], lists[k], &n, &found, error));
    TRY(oclstm__node_input(import, node, k + 1, &input, error));
    if (input != NULL) {
      TRY(oclstm__value_ints(import, node, input, NAMES[k], lists[k], &n, error));
      found = true;
    }
    s->n = k == 0 ? n : s->n;
    REQUIRE(found ? n == s->n : k >= 2, OCLSTM_E_FORMAT, "%s: %zu %s for %zu starts", LABEL, n, NAMES[k],
            s->n);
    for (size_t j = 0; !found && j < s->n; ++j) {
      lists[k][j] = k == 2 ? (int64_t)j : 1;
    }
  }
done:
  return status;
}

/* Where the size is known, indices are counted from the beginning and cut off at the ends. */
static oclstm_status make_range(const oclstm__import *import, const oclstm__onnx_node *node, const slices *s,
                                size_t k, int64_t size, oclstm__range *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t start = s->starts[k];
  int64_t end = s->ends[k];
  r->step = s->steps[k];
  REQUIRE(r->step == 1 || r->step == -1, OCLSTM_E_UNSUPPORTED, "%s: every step of %lld", LABEL,
          (long long)r->step);
  if (r->step == -1) {
    r->whole = (start == -1 || start >= INT32_MAX || (size > 0 && start >= size - 1)) && end <= -INT32_MAX;
    REQUIRE(r->whole, OCLSTM_E_UNSUPPORTED, "%s: a part, turned round", LABEL);
    return OCLSTM_OK;
  }
  if (size >= 0) {
    start = start < 0 ? start + size : start;
    end = end < 0 ? end + size : end;
    start = start < 0 ? 0 : start > size ? size : start;
    end = end < 0 ? 0 : end > size ? size : end;
    r->whole = start == 0 && end == size;
  } else {
    r->whole = start == 0 && end >= INT32_MAX;
    end = start < 0 && end >= INT32_MAX ? 0 : end;
  }
  r->first = start;
  REQUIRE(r->whole || (start < 0) == (end <= 0), OCLSTM_E_UNSUPPORTED,
          "%s: from %lld to %lld of an unknown size", LABEL, (long long)start, (long long)end);
  r->n = end - start;
  REQUIRE(r->whole || r->n > 0, OCLSTM_E_UNSUPPORTED, "%s: nothing is left", LABEL);
done:
  return status;
}

static oclstm_status slice_axis(oclstm__import *import, const oclstm__onnx_node *node, const slices *s,
                                size_t k, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__range r = {.axis = 0};
  if (value->kind == OCLSTM__EXTENTS) {
    TRY(oclstm__node_axis(import, node, s->axes[k], 1, &r.axis, error));
    TRY(make_range(import, node, s, k, (int64_t)value->n_extents, &r, error));
    REQUIRE(r.step == 1, OCLSTM_E_UNSUPPORTED, "%s: a shape, turned round", LABEL);
    r.n = r.whole ? (int64_t)value->n_extents : r.n;
    memmove(value->extents, value->extents + (r.whole ? 0 : r.first), (size_t)r.n * sizeof *value->extents);
    value->n_extents = (size_t)r.n;
    return OCLSTM_OK;
  }
  if (!oclstm__value_has_axes(value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_axis(import, node, s->axes[k], value->rank, &r.axis, error));
  TRY(make_range(import, node, s, k, oclstm__axis_size(&value->axes[r.axis]), &r, error));
  TRY(oclstm__select(import, node, &r, value, error));
done:
  return status;
}

/* A constant, or one that is repeated over axes where it has size 1. */
static oclstm_status slice_constant(oclstm__import *import, const oclstm__onnx_node *node, const slices *s,
                                    const oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__constant now = import->constants[value->constant];
  oclstm__value result = {.kind = value->kind, .constant = import->n_constants};
  now.owned = NULL;
  for (size_t k = 0; k < s->n; ++k) {
    oclstm__range r = {.axis = 0};
    oclstm__constant next = {.rank = 0};
    TRY(oclstm__node_axis(import, node, s->axes[k], now.rank, &r.axis, error));
    TRY(make_range(import, node, s, k, (int64_t)now.dims[r.axis], &r, error));
    REQUIRE(r.step == 1, OCLSTM_E_UNSUPPORTED, "%s: a constant, turned round", LABEL);
    REQUIRE(value->kind == OCLSTM__CONSTANT || now.dims[r.axis] != 1 || r.whole, OCLSTM_E_UNSUPPORTED,
            "%s: a part of an axis over which a constant is repeated", LABEL);
    if (!r.whole) {
      status = oclstm__fold_slice(import, &now, r.axis, (size_t)r.first, (size_t)r.n, &next, error);
      oclstm__constant_free(&now, &import->allocator);
      now = next;
      TRY(status);
    }
  }
  import->constants[import->n_constants++] = now;
  now.owned = NULL;
  TRY(oclstm__node_define(import, node, 0, &result, error));
done:
  oclstm__constant_free(&now, &import->allocator);
  return status;
}

oclstm_status oclstm__operate_slice(oclstm__import *import, const oclstm__onnx_node *node,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  slices s = {.n = 0};
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(take_slices(import, node, &s, error));
  oclstm__value part = *value;
  if (oclstm__value_is_zeros(import, value)) {
    TRY(oclstm__node_define(import, node, 0, &part, error));
  } else if (value->kind == OCLSTM__CONSTANT || value->kind == OCLSTM__FILLED) {
    TRY(slice_constant(import, node, &s, value, error));
  } else {
    for (size_t k = 0; k < s.n; ++k) {
      TRY(slice_axis(import, node, &s, k, &part, error));
    }
    TRY(oclstm__node_define(import, node, 0, &part, error));
  }
done:
  return status;
}
