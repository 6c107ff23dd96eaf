/* A part of an axis: the layers of a state, one direction, the last step, or time turned round.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

#define LABEL OCLSTM__LABEL(&import->graph, node)

/* ---- one direction of a layer ---- */

static oclstm_status select_direction(const oclstm__import *import, const oclstm__onnx_node *node,
                                      const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t D = value->n_pieces;
  int64_t first = r->first < 0 ? r->first + (int64_t)D : r->first;
  REQUIRE(r->n == 1 && first >= 0 && first < (int64_t)D && value->merge == OCLSTM_CONCAT,
          OCLSTM_E_UNSUPPORTED, "%s: directions %lld to %lld of %zu", LABEL, (long long)r->first,
          (long long)(r->first + r->n - 1), D);
  value->pieces[0] = value->pieces[first];
  value->n_pieces = 1;
  value->axes[r->axis] = oclstm__axis_of(OCLSTM__TAG_DIRECTION, 1);
done:
  return status;
}

/* Half of the features, where they are two directions side by side. */
static oclstm_status select_features(const oclstm__import *import, const oclstm__onnx_node *node,
                                     const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t size = value->axes[r->axis].parts[0].size;
  bool halves = value->n_pieces == 2 && value->merge == OCLSTM_CONCAT && 2 * r->n == size && r->step == 1 &&
                (r->first == 0 || r->first == r->n || r->first == -r->n);
  REQUIRE(halves, OCLSTM_E_UNSUPPORTED, "%s: %lld of %lld features, from %lld on", LABEL, (long long)r->n,
          (long long)size, (long long)r->first);
  value->pieces[0] = value->pieces[r->first == 0 ? 0 : 1];
  value->n_pieces = 1;
  value->axes[r->axis] = oclstm__axis_of(OCLSTM__TAG_FEATURE, r->n);
done:
  return status;
}

/* One direction of one layer, of final states that were joined. */
static oclstm_status select_layer(const oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t n = (int64_t)value->n_joined;
  int64_t first = r->first < 0 ? r->first + n : r->first;
  const oclstm__piece *pieces = (const oclstm__piece *)(const void *)import->joined.data;
  REQUIRE(r->n == 1 && first >= 0 && first < n, OCLSTM_E_UNSUPPORTED, "%s: %lld of %lld joined states", LABEL,
          (long long)r->n, (long long)n);
  value->pieces[0] = pieces[value->joined + (size_t)first];
  value->n_pieces = 1;
  value->n_joined = 0;
  value->axes[r->axis] = oclstm__axis_of(OCLSTM__TAG_DIRECTION, 1);
done:
  return status;
}

/* ---- one step ---- */

/* The step at which a node is done is its last h: the last one, or where y is turned round against the node, the first. Behind
 * lengths, the last step of a row is no fixed index. */
static oclstm_status select_step(const oclstm__import *import, const oclstm__onnx_node *node,
                                 const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int64_t T = oclstm__axis_size(&value->axes[r->axis]);
  const oclstm__recurrent *recurrent = &import->recurrent[value->pieces[0].node];
  bool backwards = recurrent->D == 2 ? value->pieces[0].direction == 1 : recurrent->backwards;
  bool is_last = r->first == -1 || (T > 0 && r->first == T - 1);
  bool is_first = r->first == 0 || (T > 0 && r->first == -T);
  bool in_order = value->reversed == backwards;
  REQUIRE(value->kind == OCLSTM__SEQUENCE && r->n == 1 && (is_last || is_first), OCLSTM_E_UNSUPPORTED,
          "%s: %lld steps from step %lld on", LABEL, (long long)r->n, (long long)r->first);
  REQUIRE(value->n_pieces == 1, OCLSTM_E_UNSUPPORTED,
          "%s: one step of both directions of a layer, of which only one is its last", LABEL);
  REQUIRE(in_order ? is_last : is_first, OCLSTM_E_UNSUPPORTED,
          "%s: step %lld is not the last that the layer computes", LABEL, (long long)r->first);
  REQUIRE(recurrent->lengths < 0 || (backwards && !value->reversed), OCLSTM_E_UNSUPPORTED,
          "%s: the last step of rows that end earlier", LABEL);
  value->kind = OCLSTM__FINAL_H;
  value->axes[r->axis] = (oclstm__axis){.n = 0};
done:
  return status;
}

/* ---- any value ---- */

static oclstm_status select_input(const oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__axis *axis = &value->axes[r->axis];
  REQUIRE(axis->n == 1 && r->step == 1 && (value->taken == 0 || value->taken_tag == axis->parts[0].tag),
          OCLSTM_E_UNSUPPORTED, "%s: parts of two axes of an input", LABEL);
  int64_t size = axis->parts[0].size;
  int64_t first = r->first < 0 ? r->first + size : r->first;
  REQUIRE(first >= 0 && (size >= 0 || r->first >= 0), OCLSTM_E_UNSUPPORTED,
          "%s: entry %lld of an axis of %lld", LABEL, (long long)r->first, (long long)size);
  value->first = (value->taken != 0 ? value->first : 0) + first;
  value->taken = r->n;
  value->taken_tag = axis->parts[0].tag;
  axis->parts[0].size = r->n;
done:
  return status;
}

/* Time backwards. Of an input, the first recurrent node says later which axis time is. */
static oclstm_status reverse(const oclstm__import *import, const oclstm__onnx_node *node, size_t axis,
                             oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__axis *turned = &value->axes[axis];
  bool input = value->kind == OCLSTM__INPUT || value->kind == OCLSTM__EMBEDDED;
  bool fits = turned->n == 1 && turned->parts[0].tag >= 0 && value->taken == 0 &&
              (input || value->kind == OCLSTM__SEQUENCE) &&
              (!value->reversed || value->reversed_tag == turned->parts[0].tag);
  REQUIRE(fits, OCLSTM_E_UNSUPPORTED, "%s: axis %zu of %s turned round", LABEL, axis, OCLSTM__AXES(value));
  REQUIRE(input || oclstm__axis_same(turned, &import->time), OCLSTM_E_UNSUPPORTED,
          "%s: axis %zu of %s is not time", LABEL, axis, OCLSTM__AXES(value));
  value->reversed = !value->reversed;
  value->reversed_tag = turned->parts[0].tag;
done:
  return status;
}

oclstm_status oclstm__select(const oclstm__import *import, const oclstm__onnx_node *node,
                             const oclstm__range *r, oclstm__value *value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__axis *axis = &value->axes[r->axis];
  bool layers =
      value->kind == OCLSTM__SEQUENCE || value->kind == OCLSTM__FINAL_H || value->kind == OCLSTM__FINAL_C;
  if (r->step == -1) {
    TRY(reverse(import, node, r->axis, value, error));
  } else if (r->whole) {
    goto done;
  } else if (layers && oclstm__axis_is(axis, OCLSTM__TAG_DIRECTION)) {
    TRY(select_direction(import, node, r, value, error));
  } else if (layers && oclstm__axis_is(axis, OCLSTM__TAG_FEATURE)) {
    TRY(select_features(import, node, r, value, error));
  } else if (layers && oclstm__axis_is(axis, OCLSTM__TAG_LAYERS)) {
    TRY(select_layer(import, node, r, value, error));
  } else if (layers && axis->n == 1 && oclstm__axis_same(axis, &import->time)) {
    TRY(select_step(import, node, r, value, error));
  } else if (value->kind == OCLSTM__INPUT) {
    TRY(select_input(import, node, r, value, error));
  } else {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
done:
  return status;
}

/* ReverseSequence over whole rows is time turned round: its lengths are those of the layer, or the number of steps. */
oclstm_status oclstm__operate_reverse_sequence(oclstm__import *import, const oclstm__onnx_node *node,
                                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *value = NULL;
  const oclstm__value *lengths = NULL;
  int64_t given = 0;
  size_t time = 0;
  TRY(oclstm__node_operand(import, node, 0, &value, error));
  TRY(oclstm__node_operand(import, node, 1, &lengths, error));
  TRY(oclstm__node_int(import, node, "time_axis", 0, &given, error));
  if (!oclstm__value_has_axes(value)) {
    TRY(oclstm__node_refuse(import, node, value, error));
  }
  TRY(oclstm__node_axis(import, node, given, value->rank, &time, error));
  bool own = oclstm__value_is_input(lengths) && value->kind == OCLSTM__SEQUENCE &&
             import->recurrent[value->pieces[0].node].lengths == (int)lengths->input;
  REQUIRE(own || oclstm__lengths_are_whole(import, lengths, &value->axes[time]), OCLSTM_E_UNSUPPORTED,
          "%s: its lengths are not all steps of %s", LABEL, OCLSTM__AXES(value));
  oclstm__value turned = *value;
  TRY(reverse(import, node, time, &turned, error));
  TRY(oclstm__node_define(import, node, 0, &turned, error));
done:
  return status;
}
