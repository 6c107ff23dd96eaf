/* What a recurrent node runs over: its sequence, the lengths of the rows, and the state that the steps begin with.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

enum { INPUT_X = 0, INPUT_LENGTHS = 4, INPUT_H, INPUT_C };

/* ---- the sequence ---- */

/* Where time and batch are in X and Y; the operator's layout 1 puts the batch first. */
oclstm_status oclstm__take_sequence(oclstm__import *import, oclstm__recurrent *recurrent,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  const oclstm__value *x = NULL;
  TRY(oclstm__node_operand(import, node, INPUT_X, &x, error));
  bool sequence = oclstm__value_is_input(x) || x->kind == OCLSTM__EMBEDDED || x->kind == OCLSTM__SEQUENCE;
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
  REQUIRE(!x->reversed || oclstm__axis_is(time, x->reversed_tag), OCLSTM_E_UNSUPPORTED,
          "%s: X is turned round in an axis that is not time", LABEL);
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

bool oclstm__lengths_are_whole(const oclstm__import *import, const oclstm__value *lengths,
                               const oclstm__axis *time) {
  const oclstm__constant *constant = oclstm__value_constant(import, lengths);
  if (lengths->kind == OCLSTM__EXTENTS) {
    return lengths->n_extents == 1 && lengths->extents[0].factor == 1 && time->n == 1 &&
           oclstm__axis_same(&lengths->extents[0].axis, time);
  }
  for (size_t k = 0; constant != NULL && k < constant->count; ++k) {
    int64_t length = 0;
    if (!oclstm__constant_int(constant, k, &length) || length != oclstm__axis_size(time)) {
      return false;
    }
  }
  return constant != NULL;
}

oclstm_status oclstm__take_lengths(oclstm__import *import, oclstm__recurrent *recurrent,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_node *node = recurrent->node;
  const oclstm__value *value = NULL;
  recurrent->lengths = -1;
  TRY(oclstm__node_input(import, node, INPUT_LENGTHS, &value, error));
  if (value == NULL) {
    goto done;
  }
  if (oclstm__lengths_are_whole(import, value, &import->time)) {
    goto done;
  }
  REQUIRE(value->kind != OCLSTM__CONSTANT, OCLSTM_E_UNSUPPORTED,
          "%s: sequence_lens is a constant, and not the %lld steps of X", LABEL,
          (long long)oclstm__axis_size(&import->time));
  REQUIRE(oclstm__value_is_input(value) && value->rank == 1 && value->taken == 0, OCLSTM_E_UNSUPPORTED,
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
    oclstm__constant *constant = &import->constants[value->constant];
    if (!oclstm__constant_is_zero(constant)) {
      TRY(take_constant_state(import, recurrent, name, constant, state, error));
    }
    goto done;
  }
  REQUIRE(oclstm__value_is_input(value) && value->rank == 3, OCLSTM_E_UNSUPPORTED,
          "%s: %s is neither an input of the graph nor a constant", LABEL, name);
  const oclstm__axis *directions = &value->axes[recurrent->batch_first ? 1 : 0];
  int64_t D = oclstm__axis_size(directions);
  REQUIRE(value->taken == 0 || directions->n == 0 || oclstm__axis_is(directions, value->taken_tag),
          OCLSTM_E_UNSUPPORTED, "%s: %s is a part of an input, but not of its directions", LABEL, name);
  int64_t H = oclstm__axis_size(&value->axes[2]);
  REQUIRE((D < 0 || D == (int64_t)recurrent->D) && (H < 0 || H == (int64_t)recurrent->H), OCLSTM_E_SHAPE,
          "%s: %s has %lld directions of %lld, expected %zu of %zu", LABEL, name, (long long)D, (long long)H,
          recurrent->D, recurrent->H);
  *input = *value;
done:
  return status;
}

oclstm_status oclstm__take_states(oclstm__import *import, oclstm__recurrent *recurrent, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(take_state(import, recurrent, INPUT_H, "initial_h", &recurrent->initial_h, &recurrent->states[0],
                 error));
  if (recurrent->kind == OCLSTM_LSTM) {
    TRY(take_state(import, recurrent, INPUT_C, "initial_c", &recurrent->initial_c, &recurrent->states[1],
                   error));
  }
done:
  return status;
}
