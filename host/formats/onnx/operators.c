/* Which function understands which operator.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

static oclstm_status operate_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__onnx_attribute attribute;
  oclstm__constant constant = {.rank = 0};
  oclstm__view name;
  REQUIRE(node->n_attributes == 1, OCLSTM_E_FORMAT, "%s: %zu attributes, expected one value",
          OCLSTM__LABEL(&import->graph, node), node->n_attributes);
  status = oclstm__onnx_attribute_read(&attribute, &import->graph, node, 0, error);
  if (status == OCLSTM_OK && attribute.has_t) {
    status = oclstm__constant_read(&constant, &import->allocator, attribute.t, import->limits,
                                   &import->folder, &name, error);
  } else if (status == OCLSTM_OK) {
    status = oclstm__constant_of_attribute(&constant, &attribute, &import->allocator,
                                           OCLSTM__LABEL(&import->graph, node), error);
  }
  oclstm__onnx_attribute_free(&attribute);
  if (status != OCLSTM_OK) {
    oclstm__constant_free(&constant, &import->allocator);
    goto done;
  }
  TRY(oclstm__node_define_constant(import, node, &constant, error));
done:
  return status;
}

static const struct {
  const char *name;
  oclstm__operator *operate;
} OPERATORS[] = {
    {"Add", oclstm__operate_add},
    {"Cast", oclstm__operate_cast},
    {"Concat", oclstm__operate_concat},
    {"Constant", operate_constant},
    {"ConstantOfShape", oclstm__operate_constant_of_shape},
    {"Div", oclstm__operate_div},
    {"Dropout", oclstm__operate_dropout},
    {"Expand", oclstm__operate_expand},
    {"Flatten", oclstm__operate_flatten},
    {"GRU", oclstm__operate_recurrent},
    {"Gather", oclstm__operate_gather},
    {"Gemm", oclstm__operate_gemm},
    {"Identity", oclstm__operate_identity},
    {"LSTM", oclstm__operate_recurrent},
    {"Less", oclstm__operate_less},
    {"MatMul", oclstm__operate_matmul},
    {"Mul", oclstm__operate_mul},
    {"Not", oclstm__operate_not},
    {"RNN", oclstm__operate_recurrent},
    {"Reshape", oclstm__operate_reshape},
    {"ReverseSequence", oclstm__operate_reverse_sequence},
    {"Shape", oclstm__operate_shape},
    {"Slice", oclstm__operate_slice},
    {"Squeeze", oclstm__operate_squeeze},
    {"Transpose", oclstm__operate_transpose},
    {"Unsqueeze", oclstm__operate_unsqueeze},
};

oclstm_status oclstm__operate(oclstm__import *import, const oclstm__onnx_node *node, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool standard = node->domain.n == 0 || oclstm__view_is(node->domain, "ai.onnx");
  for (size_t k = 0; standard && k < sizeof OPERATORS / sizeof OPERATORS[0]; ++k) {
    if (oclstm__view_is(node->op, OPERATORS[k].name)) {
      return OPERATORS[k].operate(import, node, error);
    }
  }
  REQUIRE(false, OCLSTM_E_UNSUPPORTED, "%s: operator %.*s%s%.*s is not supported here",
          OCLSTM__LABEL(&import->graph, node), OCLSTM__TEXT(node->domain), standard ? "" : ".",
          OCLSTM__TEXT(node->op));
done:
  return status;
}
