/* MatMul and Gemm: the dense head behind the last layer.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

/* Whether the last axis of a value is everything that its layer gives out in a step. */
static bool has_all_features(const oclstm__import *import, const oclstm__value *value) {
  if (value->rank == 0 || value->n_pieces == 0 || value->n_joined != 0) {
    return false;
  }
  const oclstm__axis *last = &value->axes[value->rank - 1];
  size_t H = import->recurrent[value->pieces[0].node].H;
  size_t width = value->merge == OCLSTM_CONCAT ? value->n_pieces * H : H;
  return oclstm__axis_is(last, OCLSTM__TAG_FEATURE) && last->parts[0].size == (int64_t)width;
}

static oclstm_status make_head(oclstm__import *import, const oclstm__onnx_node *node, const oclstm__value *x,
                               const oclstm__constant *W, bool transposed, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(x->kind != OCLSTM__HEAD && !import->head.present, OCLSTM_E_UNSUPPORTED,
          "%s: a second dense layer behind the recurrent ones", LABEL);
  if ((x->kind != OCLSTM__SEQUENCE && x->kind != OCLSTM__FINAL_H) || !has_all_features(import, x)) {
    TRY(oclstm__node_refuse(import, node, x, error));
  }
  REQUIRE(W != NULL && W->rank == 2 && oclstm__constant_is_float(W), OCLSTM_E_UNSUPPORTED,
          "%s: its weights are no constant matrix", LABEL);
  int64_t width = x->axes[x->rank - 1].parts[0].size;
  size_t columns = W->dims[transposed ? 0 : 1];
  size_t O = W->dims[transposed ? 1 : 0];
  REQUIRE((int64_t)columns == width && O != 0, OCLSTM_E_SHAPE, "%s: weights [%zu,%zu] for %lld features",
          LABEL, W->dims[0], W->dims[1], (long long)width);
  REQUIRE(O <= import->limits->features, OCLSTM_E_LIMIT, "%s: %zu outputs, the limit is %llu", LABEL, O,
          (unsigned long long)import->limits->features);
  import->head = (oclstm__head){.present = true, .W = W, .transposed = transposed, .input = *x};
done:
  return status;
}

static oclstm__value head_value(const oclstm__import *import) {
  oclstm__value head = import->head.input;
  size_t O = import->head.W->dims[import->head.transposed ? 1 : 0];
  head.kind = OCLSTM__HEAD;
  head.n_pieces = 0;
  head.merge = OCLSTM_CONCAT;
  head.axes[head.rank - 1] = oclstm__axis_of(OCLSTM__TAG_FEATURE, (int64_t)O);
  return head;
}

oclstm_status oclstm__operate_matmul(oclstm__import *import, const oclstm__onnx_node *node,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *x = NULL;
  const oclstm__value *W = NULL;
  TRY(oclstm__node_operand(import, node, 0, &x, error));
  TRY(oclstm__node_operand(import, node, 1, &W, error));
  TRY(make_head(import, node, x, oclstm__value_constant(import, W), true, error));
  oclstm__value head = head_value(import);
  TRY(oclstm__node_define(import, node, 0, &head, error));
done:
  return status;
}

static oclstm_status check_bias(const oclstm__import *import, const oclstm__onnx_node *node,
                                const oclstm__constant *bias, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t O = import->head.W->dims[import->head.transposed ? 1 : 0];
  REQUIRE(import->head.b == NULL, OCLSTM_E_UNSUPPORTED, "%s: a second bias", LABEL);
  REQUIRE(oclstm__constant_is_float(bias) && bias->count == O && bias->rank != 0 &&
              bias->dims[bias->rank - 1] == O,
          OCLSTM_E_UNSUPPORTED, "%s: a bias of %zu elements for %zu outputs", LABEL, bias->count, O);
done:
  return status;
}

oclstm_status oclstm__head_bias(oclstm__import *import, const oclstm__onnx_node *node,
                                const oclstm__value *head, const oclstm__constant *bias,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(check_bias(import, node, bias, error));
  REQUIRE(oclstm__axis_is(&head->axes[head->rank - 1], OCLSTM__TAG_FEATURE), OCLSTM_E_UNSUPPORTED,
          "%s: a bias along another axis than the features of %s", LABEL, OCLSTM__AXES(head));
  import->head.b = bias;
  oclstm__value copy = *head;
  TRY(oclstm__node_define(import, node, 0, &copy, error));
done:
  return status;
}

static oclstm_status check_factor(const oclstm__import *import, const oclstm__onnx_node *node,
                                  const char *name, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < node->n_attributes; ++k) {
    oclstm__onnx_attribute attribute;
    status = oclstm__onnx_attribute_read(&attribute, &import->graph, node, k, error);
    bool other = status == OCLSTM_OK && oclstm__view_is(attribute.name, name) && attribute.f != 1.0F;
    oclstm__onnx_attribute_free(&attribute);
    TRY(status);
    REQUIRE(!other, OCLSTM_E_UNSUPPORTED, "%s: %s is not 1", LABEL, name);
  }
done:
  return status;
}

oclstm_status oclstm__operate_gemm(oclstm__import *import, const oclstm__onnx_node *node,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *x = NULL;
  const oclstm__value *W = NULL;
  const oclstm__value *C = NULL;
  int64_t turn_x = 0;
  int64_t turn_W = 0;
  TRY(oclstm__node_operand(import, node, 0, &x, error));
  TRY(oclstm__node_operand(import, node, 1, &W, error));
  TRY(oclstm__node_input(import, node, 2, &C, error));
  TRY(oclstm__node_int(import, node, "transA", 0, &turn_x, error));
  TRY(oclstm__node_int(import, node, "transB", 0, &turn_W, error));
  TRY(check_factor(import, node, "alpha", error));
  TRY(check_factor(import, node, "beta", error));
  REQUIRE(turn_x == 0 && x->rank == 2, OCLSTM_E_UNSUPPORTED, "%s: transA is %lld, on rank %zu", LABEL,
          (long long)turn_x, x->rank);
  TRY(make_head(import, node, x, oclstm__value_constant(import, W), turn_W == 0, error));
  if (C != NULL) {
    REQUIRE(C->kind == OCLSTM__CONSTANT, OCLSTM_E_UNSUPPORTED, "%s: its bias is no constant", LABEL);
    TRY(check_bias(import, node, &import->constants[C->constant], error));
    import->head.b = &import->constants[C->constant];
  }
  oclstm__value head = head_value(import);
  TRY(oclstm__node_define(import, node, 0, &head, error));
done:
  return status;
}
