/* The operators LSTM, GRU and RNN: attributes, shapes of the weights, optional inputs.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

enum { INPUT_X, INPUT_W, INPUT_R, INPUT_B, INPUT_LENGTHS, INPUT_H, INPUT_C, INPUT_P };
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

/* ---- the sequence ---- */

/* Where time and batch are in X and Y; the operator's layout 1 puts the batch first. */
static oclstm_status take_sequence(oclstm__import *import, oclstm__recurrent *recurrent,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  const oclstm__value *x = NULL;
  TRY(oclstm__node_operand(import, node, INPUT_X, &x, error));
  bool sequence = x->kind == OCLSTM__INPUT || x->kind == OCLSTM__EMBEDDED || x->kind == OCLSTM__SEQUENCE;
  REQUIRE(sequence && x->taken == 0, OCLSTM_E_UNSUPPORTED,
          "%s: X is neither an input of the graph nor the sequence of a layer", LABEL);
  REQUIRE(x->rank == 3, OCLSTM_E_UNSUPPORTED, "%s: X has rank %zu, expected 3", LABEL, x->rank);
  const oclstm__axis *time = &x->axes[recurrent->batch_first ? 1 : 0];
  const oclstm__axis *batch = &x->axes[recurrent->batch_first ? 0 : 1];
  const oclstm__axis *features = &x->axes[2];
  REQUIRE(time->n <= 1 && batch->n <= 1 && (time->n == 0 || time->parts[0].tag >= 0) &&
              (batch->n == 0 || batch->parts[0].tag >= 0),
          OCLSTM_E_UNSUPPORTED, "%s: X is %s, which is not time, batch, features", LABEL, OCLSTM__AXES(x));
  bool whole = features->n == 1 && (x->kind == OCLSTM__INPUT ? features->parts[0].tag >= 0
                                                             : features->parts[0].tag == OCLSTM__TAG_FEATURE);
  REQUIRE(whole, OCLSTM_E_UNSUPPORTED, "%s: X is %s, which is not time, batch, features", LABEL,
          OCLSTM__AXES(x));
  int64_t size = features->parts[0].size;
  REQUIRE(size < 0 || size == (int64_t)recurrent->I, OCLSTM_E_SHAPE, "%s: X has %lld features, W %zu", LABEL,
          (long long)size, recurrent->I);
  if (!import->has_axes) {
    import->has_axes = true;
    import->time = *time;
    import->batch = *batch;
  }
  bool same = import->time.n == time->n && import->batch.n == batch->n &&
              (time->n == 0 || time->parts[0].tag == import->time.parts[0].tag) &&
              (batch->n == 0 || batch->parts[0].tag == import->batch.parts[0].tag);
  REQUIRE(same, OCLSTM_E_UNSUPPORTED, "%s: X is %s, and layers before it run over other axes", LABEL,
          OCLSTM__AXES(x));
  recurrent->input = *x;
  recurrent->backwards = recurrent->reverse != x->reversed;
done:
  return status;
}

/* ---- lengths ---- */

/* All lengths equal to the whole of a sequence whose length is fixed say nothing. */
static bool says_nothing(const oclstm__import *import, const oclstm__constant *lengths) {
  int64_t T = oclstm__axis_size(&import->time);
  for (size_t k = 0; k < lengths->count; ++k) {
    int64_t length = 0;
    if (!oclstm__constant_int(lengths, k, &length) || length != T) {
      return false;
    }
  }
  return true;
}

static oclstm_status take_lengths(oclstm__import *import, oclstm__recurrent *recurrent, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  const oclstm__value *value = NULL;
  recurrent->lengths = -1;
  TRY(oclstm__node_input(import, node, INPUT_LENGTHS, &value, error));
  if (value == NULL) {
    goto done;
  }
  const oclstm__constant *constant = oclstm__value_constant(import, value);
  if (constant != NULL) {
    REQUIRE(says_nothing(import, constant), OCLSTM_E_UNSUPPORTED,
            "%s: sequence_lens is a constant, and not the %lld steps of X", LABEL,
            (long long)oclstm__axis_size(&import->time));
    goto done;
  }
  REQUIRE(value->kind == OCLSTM__INPUT && value->rank == 1 && value->taken == 0, OCLSTM_E_UNSUPPORTED,
          "%s: sequence_lens is neither an input of the graph nor a constant", LABEL);
  recurrent->lengths = (int)value->input;
done:
  return status;
}

/* ---- the state that the steps begin with ---- */

/* Whether a constant state is the same for every row of the batch; rows are [D,B,H], or [B,D,H] with layout 1. */
static bool rows_equal(const oclstm__recurrent *recurrent, const oclstm__constant *state) {
  size_t row = state->dims[2] * oclstm__dtype_bytes(state->dtype);
  size_t B = state->dims[recurrent->batch_first ? 0 : 1];
  size_t batch_step = recurrent->batch_first ? recurrent->D * row : row;
  size_t direction_step = recurrent->batch_first ? row : B * row;
  for (size_t d = 0; d < recurrent->D; ++d) {
    for (size_t b = 1; b < B; ++b) {
      const unsigned char *first = state->data + d * direction_step;
      if (memcmp(first, first + b * batch_step, row) != 0) {
        return false;
      }
    }
  }
  return true;
}

static oclstm_status take_constant_state(oclstm__import *import, const oclstm__recurrent *recurrent,
                                         const char *name, const oclstm__constant *given,
                                         const oclstm__constant **state, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  size_t direction_axis = recurrent->batch_first ? 1 : 0;
  REQUIRE(oclstm__constant_is_float(given), OCLSTM_E_DTYPE, "%s: %s cannot be %s", LABEL, name,
          oclstm__dtype_name(given->dtype));
  REQUIRE(given->rank == 3 && given->dims[direction_axis] == recurrent->D &&
              given->dims[1 - direction_axis] != 0 && given->dims[2] == recurrent->H,
          OCLSTM_E_SHAPE, "%s: %s: expected [%zu,batch,%zu], found rank %zu, [%zu,%zu,%zu]", LABEL, name,
          recurrent->D, recurrent->H, given->rank, given->dims[0], given->dims[1], given->dims[2]);
  REQUIRE(rows_equal(recurrent, given), OCLSTM_E_UNSUPPORTED,
          "%s: %s is a constant that differs between the rows of the batch", LABEL, name);
  *state = given;
done:
  return status;
}

static oclstm_status take_state(oclstm__import *import, oclstm__recurrent *recurrent, size_t k,
                                const char *name, const oclstm__constant **state, oclstm__value *input,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  const oclstm__value *value = NULL;
  TRY(oclstm__node_input(import, node, k, &value, error));
  if (value == NULL) {
    goto done;
  }
  if (value->kind == OCLSTM__CONSTANT || value->kind == OCLSTM__FILLED) {
    const oclstm__constant *constant = &import->constants[value->constant];
    if (!oclstm__constant_is_zero(constant)) {
      TRY(take_constant_state(import, recurrent, name, constant, state, error));
    }
    goto done;
  }
  REQUIRE(value->kind == OCLSTM__INPUT && value->rank == 3, OCLSTM_E_UNSUPPORTED,
          "%s: %s is neither an input of the graph nor a constant", LABEL, name);
  int64_t D = oclstm__axis_size(&value->axes[recurrent->batch_first ? 1 : 0]);
  int64_t H = oclstm__axis_size(&value->axes[2]);
  REQUIRE((D < 0 || D == (int64_t)recurrent->D) && (H < 0 || H == (int64_t)recurrent->H), OCLSTM_E_SHAPE,
          "%s: %s has %lld directions of %lld, expected %zu of %zu", LABEL, name, (long long)D, (long long)H,
          recurrent->D, recurrent->H);
  *input = *value;
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
  TRY(take_sequence(import, recurrent, error));
  TRY(take_lengths(import, recurrent, error));
  TRY(take_state(import, recurrent, INPUT_H, "initial_h", &recurrent->initial_h, &recurrent->states[0],
                 error));
  if (recurrent->kind == OCLSTM_LSTM) {
    TRY(take_state(import, recurrent, INPUT_C, "initial_c", &recurrent->initial_c, &recurrent->states[1],
                   error));
  }
  TRY(define_outputs(import, recurrent, error));
  ++import->n_recurrent;
done:
  return status;
}
