/* The operators LSTM, GRU and RNN: attributes, shapes of the weights, optional inputs.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

enum { INPUT_W = 1, INPUT_R, INPUT_B, INPUT_P = 7 };
enum { OUTPUT_Y, OUTPUT_H, OUTPUT_C };

/* ---- attributes ---- */

static oclstm_status take_direction(oclstm__import *import, oclstm__recurrent *recurrent, oclstm__view text,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  recurrent->D = oclstm__view_is(text, "bidirectional") ? 2 : 1;
  recurrent->reverse = oclstm__view_is(text, "reverse");
  REQUIRE(recurrent->D == 2 || recurrent->reverse || oclstm__view_is(text, "forward"), OCLSTM_E_FORMAT,
          "%s: direction %.*s", LABEL, OCLSTM__TEXT(text));
done:
  return status;
}

/* Attributes with a name that the operator does not have would be ignored: they are refused. */
static oclstm_status take_attribute(oclstm__import *import, oclstm__recurrent *recurrent,
                                    const oclstm__onnx_attribute *attribute, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  oclstm__view name = attribute->name;
  bool lstm = recurrent->kind == OCLSTM_LSTM;
  if (oclstm__view_is(name, "direction")) {
    TRY(take_direction(import, recurrent, attribute->s, error));
  } else if (oclstm__view_is(name, "hidden_size")) {
    REQUIRE(attribute->i > 0 && (uint64_t)attribute->i <= import->limits->features,
            attribute->i > 0 ? OCLSTM_E_LIMIT : OCLSTM_E_FORMAT, "%s: hidden_size is %lld", LABEL,
            (long long)attribute->i);
    recurrent->H = (size_t)attribute->i;
  } else if (oclstm__view_is(name, "clip")) {
    REQUIRE(isfinite(attribute->f) && attribute->f >= 0.0F, OCLSTM_E_UNSUPPORTED, "%s: clip is %g", LABEL,
            (double)attribute->f);
    recurrent->clip = attribute->f;
  } else if (oclstm__view_is(name, "layout")) {
    REQUIRE(attribute->i == 0 || attribute->i == 1, OCLSTM_E_FORMAT, "%s: layout is %lld", LABEL,
            (long long)attribute->i);
    recurrent->batch_first = attribute->i == 1;
  } else if (lstm && oclstm__view_is(name, "input_forget")) {
    recurrent->input_forget = attribute->i != 0;
  } else if (recurrent->kind == OCLSTM_GRU && oclstm__view_is(name, "linear_before_reset")) {
    recurrent->linear_before_reset = attribute->i != 0;
  } else {
    bool known = oclstm__view_is(name, "activations") || oclstm__view_is(name, "activation_alpha") ||
                 oclstm__view_is(name, "activation_beta");
    REQUIRE(known, OCLSTM_E_UNSUPPORTED, "%s: attribute %.*s", LABEL, OCLSTM__TEXT(name));
  }
done:
  return status;
}

static oclstm_status take_attributes(oclstm__import *import, oclstm__recurrent *recurrent,
                                     oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  recurrent->D = 1;
  for (size_t k = 0; k < recurrent->node->n_attributes; ++k) {
    oclstm__onnx_attribute attribute;
    status = oclstm__onnx_attribute_read(&attribute, &import->graph, recurrent->node, k, error);
    if (status == OCLSTM_OK) {
      status = take_attribute(import, recurrent, &attribute, error);
    }
    oclstm__onnx_attribute_free(&attribute);
    if (status != OCLSTM_OK) {
      goto done;
    }
  }
  TRY(oclstm__read_activations(import, recurrent, error));
done:
  return status;
}

/* ---- weights ---- */

static oclstm_status take_weight(oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                 const char *name, const oclstm__constant **weight, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  TRY(oclstm__node_input(import, node, k, &value, error));
  *weight = NULL;
  if (value != NULL) {
    *weight = oclstm__value_constant(import, value);
    REQUIRE(*weight != NULL, OCLSTM_E_UNSUPPORTED, "%s: %s is computed in the graph", LABEL, name);
    REQUIRE(oclstm__constant_is_float(*weight), OCLSTM_E_DTYPE, "%s: %s cannot be %s", LABEL, name,
            oclstm__dtype_name((*weight)->dtype));
  }
done:
  return status;
}

static oclstm_status check_shape(oclstm__import *import, const oclstm__recurrent *recurrent,
                                 const oclstm__constant *weight, const char *name, size_t rows,
                                 size_t columns, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  size_t rank = columns == 0 ? 2 : 3;
  if (weight != NULL) {
    bool agrees = weight->rank == rank && weight->dims[0] == recurrent->D && weight->dims[1] == rows &&
                  (columns == 0 || weight->dims[2] == columns);
    REQUIRE(agrees, OCLSTM_E_SHAPE, "%s: %s: expected rank %zu, [%zu,%zu,%zu], found rank %zu, [%zu,%zu,%zu]",
            LABEL, name, rank, recurrent->D, rows, columns, weight->rank, weight->dims[0], weight->dims[1],
            weight->dims[2]);
  }
done:
  return status;
}

static oclstm_status take_weights(oclstm__import *import, oclstm__recurrent *recurrent, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  size_t G = oclstm__gates(recurrent->kind);
  TRY(take_weight(import, node, INPUT_W, "W", &recurrent->W, error));
  TRY(take_weight(import, node, INPUT_R, "R", &recurrent->R, error));
  TRY(take_weight(import, node, INPUT_B, "B", &recurrent->B, error));
  if (recurrent->kind == OCLSTM_LSTM) {
    TRY(take_weight(import, node, INPUT_P, "P", &recurrent->P, error));
  }
  REQUIRE(recurrent->W != NULL && recurrent->R != NULL, OCLSTM_E_MISSING, "%s: W or R is missing", LABEL);
  REQUIRE(recurrent->W->rank == 3 && recurrent->R->rank == 3, OCLSTM_E_SHAPE,
          "%s: W and R have ranks %zu and %zu, expected 3", LABEL, recurrent->W->rank, recurrent->R->rank);
  recurrent->H = recurrent->H == 0 ? recurrent->R->dims[2] : recurrent->H;
  recurrent->I = recurrent->W->dims[2];
  size_t H = recurrent->H;
  REQUIRE(H <= import->limits->features && recurrent->I <= import->limits->features, OCLSTM_E_LIMIT,
          "%s: I is %zu, H is %zu, the limit is %llu", LABEL, recurrent->I, H,
          (unsigned long long)import->limits->features);
  REQUIRE(H != 0 && recurrent->I != 0, OCLSTM_E_SHAPE, "%s: I is %zu, H is %zu", LABEL, recurrent->I, H);
  TRY(check_shape(import, recurrent, recurrent->W, "W", G * H, recurrent->I, error));
  TRY(check_shape(import, recurrent, recurrent->R, "R", G * H, H, error));
  TRY(check_shape(import, recurrent, recurrent->B, "B", 2 * G * H, 0, error));
  TRY(check_shape(import, recurrent, recurrent->P, "P", 3 * H, 0, error));
done:
  return status;
}

/* ---- outputs ---- */

static oclstm_status define_outputs(oclstm__import *import, const oclstm__recurrent *recurrent,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  bool batch_first = recurrent->batch_first;
  oclstm__axis D = oclstm__axis_of(OCLSTM__TAG_DIRECTION, (int64_t)recurrent->D);
  oclstm__axis H = oclstm__axis_of(OCLSTM__TAG_FEATURE, (int64_t)recurrent->H);
  oclstm__value y = {.kind = OCLSTM__SEQUENCE,
                     .rank = 4,
                     .reversed = recurrent->input.reversed,
                     .reversed_tag = recurrent->input.reversed_tag,
                     .n_pieces = recurrent->D,
                     .pieces = {{import->n_recurrent, 0}, {import->n_recurrent, 1}}};
  y.axes[0] = batch_first ? import->batch : import->time;
  y.axes[1] = batch_first ? import->time : D;
  y.axes[2] = batch_first ? D : import->batch;
  y.axes[3] = H;
  TRY(oclstm__node_define(import, node, OUTPUT_Y, &y, error));
  y.rank = 3;
  y.axes[0] = batch_first ? import->batch : D;
  y.axes[1] = batch_first ? D : import->batch;
  y.axes[2] = H;
  y.kind = OCLSTM__FINAL_H;
  TRY(oclstm__node_define(import, node, OUTPUT_H, &y, error));
  y.kind = OCLSTM__FINAL_C;
  if (recurrent->kind == OCLSTM_LSTM) {
    TRY(oclstm__node_define(import, node, OUTPUT_C, &y, error));
  }
done:
  return status;
}

oclstm_status oclstm__operate_recurrent(oclstm__import *import, const oclstm__onnx_node *node,
                                        oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t most = 2 * (size_t)import->limits->layers;
  REQUIRE(import->n_recurrent < most, OCLSTM_E_LIMIT, "%s: more than %zu recurrent nodes", LABEL, most);
  oclstm__recurrent *recurrent = &import->recurrent[import->n_recurrent];
  recurrent->node = node;
  recurrent->kind = oclstm__view_is(node->op, "LSTM")  ? OCLSTM_LSTM
                    : oclstm__view_is(node->op, "GRU") ? OCLSTM_GRU
                                                       : OCLSTM_RNN;
  TRY(take_attributes(import, recurrent, error));
  TRY(take_weights(import, recurrent, error));
  TRY(oclstm__take_sequence(import, recurrent, error));
  TRY(oclstm__take_lengths(import, recurrent, error));
  TRY(oclstm__take_states(import, recurrent, error));
  TRY(define_outputs(import, recurrent, error));
  ++import->n_recurrent;
done:
  return status;
}
