/* The arithmetic that Keras puts before the rows of an embedding, so that negative ids count from the end:
 *   (x < 0) (x + V) + (not x < 0) x
 * Each step has a role; only the whole is ids again. Ids from 0 to V-1, the only ones here, come through unchanged.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

static bool is_input(const oclstm__value *value, oclstm__role role) {
  return value->kind == OCLSTM__INPUT && value->role == role && value->taken == 0;
}

static oclstm_status define(oclstm__import *import, const oclstm__onnx_node *node, const oclstm__value *from,
                            oclstm__role role, int64_t wrap, oclstm_error *error) {
  oclstm__value value = *from;
  value.role = role;
  value.wrap = wrap;
  return oclstm__node_define(import, node, 0, &value, error);
}

/* x < 0 */
oclstm_status oclstm__operate_less(oclstm__import *import, const oclstm__onnx_node *node,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *x = NULL;
  const oclstm__value *zero = NULL;
  TRY(oclstm__node_operand(import, node, 0, &x, error));
  TRY(oclstm__node_operand(import, node, 1, &zero, error));
  bool fits = is_input(x, OCLSTM__ROLE_WHOLE) && zero->kind == OCLSTM__CONSTANT &&
              oclstm__constant_is_zero(&import->constants[zero->constant]);
  if (!fits) {
    TRY(oclstm__node_refuse(import, node, x, error));
  }
  TRY(define(import, node, x, OCLSTM__ROLE_NEGATIVE, 0, error));
done:
  return status;
}

oclstm_status oclstm__operate_not(oclstm__import *import, const oclstm__onnx_node *node,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *x = NULL;
  TRY(oclstm__node_operand(import, node, 0, &x, error));
  if (!is_input(x, OCLSTM__ROLE_NEGATIVE)) {
    TRY(oclstm__node_refuse(import, node, x, error));
  }
  TRY(define(import, node, x, OCLSTM__ROLE_NOT_NEGATIVE, 0, error));
done:
  return status;
}

/* x + V, or the two cases put together. */
static bool add_roles(const oclstm__import *import, const oclstm__value *a, const oclstm__value *b,
                      oclstm__role *role, int64_t *wrap) {
  const oclstm__constant *constant = oclstm__value_constant(import, b);
  if (is_input(a, OCLSTM__ROLE_WHOLE) && constant != NULL && constant->count == 1) {
    *role = OCLSTM__ROLE_SHIFTED;
    return oclstm__constant_int(constant, 0, wrap);
  }
  *role = OCLSTM__ROLE_WHOLE;
  *wrap = a->wrap;
  return is_input(a, OCLSTM__ROLE_NEGATIVE_CASE) && is_input(b, OCLSTM__ROLE_OTHER_CASE) &&
         a->input == b->input;
}

static bool mul_roles(const oclstm__value *a, const oclstm__value *b, oclstm__role *role, int64_t *wrap) {
  *role = is_input(a, OCLSTM__ROLE_NEGATIVE) ? OCLSTM__ROLE_NEGATIVE_CASE : OCLSTM__ROLE_OTHER_CASE;
  *wrap = b->wrap;
  return a->input == b->input &&
         ((is_input(a, OCLSTM__ROLE_NEGATIVE) && is_input(b, OCLSTM__ROLE_SHIFTED)) ||
          (is_input(a, OCLSTM__ROLE_NOT_NEGATIVE) && is_input(b, OCLSTM__ROLE_WHOLE)));
}

oclstm_status oclstm__combine_ids(oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__value *a, const oclstm__value *b, bool product,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *pairs[2][2] = {{a, b}, {b, a}};
  for (size_t k = 0; k < 2; ++k) {
    oclstm__role role = OCLSTM__ROLE_WHOLE;
    int64_t wrap = 0;
    const oclstm__value *first = pairs[k][0];
    const oclstm__value *second = pairs[k][1];
    if (product ? mul_roles(first, second, &role, &wrap) : add_roles(import, first, second, &role, &wrap)) {
      return define(import, node, first, role, wrap, error);
    }
  }
  TRY(oclstm__node_refuse(import, node, a->kind == OCLSTM__INPUT ? a : b, error));
done:
  return status;
}
