/* What a layer's description means: its sizes, its arrays, and which descriptions make sense.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stddef.h>

#include "core/error.h"
#include "model/model.h"

size_t oclstm__gates(oclstm_cell_kind kind) {
  switch (kind) {
    case OCLSTM_LSTM: return 4;
    case OCLSTM_GRU: return 3;
    case OCLSTM_RNN: return 1;
  }
  return 0;
}

size_t oclstm_layer_state_size(const oclstm_layer *layer) {
  return layer->projection_size != 0 ? layer->projection_size : layer->hidden_size;
}

size_t oclstm_layer_directions(const oclstm_layer *layer) {
  return layer->direction == OCLSTM_BIDIRECTIONAL ? 2 : 1;
}

size_t oclstm_layer_output_size(const oclstm_layer *layer) {
  size_t directions = layer->merge == OCLSTM_CONCAT ? oclstm_layer_directions(layer) : 1;
  return directions * oclstm_layer_state_size(layer);
}

size_t oclstm__cell_size(const oclstm_layer *layer) {
  return layer->kind == OCLSTM_LSTM ? layer->hidden_size : 0;
}

oclstm_activation oclstm__activation(const oclstm_layer *layer, size_t direction, size_t role) {
  oclstm_activation activation = layer->activation[direction][role];
  if (activation.kind == OCLSTM_ACT_DEFAULT) {
    activation.kind = role == OCLSTM_ROLE_GATE ? OCLSTM_ACT_SIGMOID : OCLSTM_ACT_TANH;
  }
  return activation;
}

/* ---- arrays ---- */

/* Appends vectors of `rows` elements to specs. */
static size_t add_vector(oclstm__array_spec *specs, size_t n, const char *name, size_t rows, size_t member) {
  specs[n] = (oclstm__array_spec){name, rows, 0, member};
  return n + 1;
}

static size_t add_norms(oclstm__array_spec *specs, size_t n, const oclstm_layer *layer) {
  size_t H = layer->hidden_size;
  if (layer->layer_norm == OCLSTM_NORM_HASTE) {
    n = add_vector(specs, n, "norm_ih", 4 * H, offsetof(oclstm_weights, norm_ih));
    n = add_vector(specs, n, "norm_hh", 4 * H, offsetof(oclstm_weights, norm_hh));
    n = add_vector(specs, n, "norm_c", H, offsetof(oclstm_weights, norm_c));
    n = add_vector(specs, n, "norm_c_bias", H, offsetof(oclstm_weights, norm_c_bias));
  }
  if (layer->layer_norm == OCLSTM_NORM_TFLITE) {
    n = add_vector(specs, n, "norm_gates", 4 * H, offsetof(oclstm_weights, norm_gates));
  }
  return n;
}

static size_t add_initial_state(oclstm__array_spec *specs, size_t n, const oclstm_layer *layer) {
  if (layer->initial_state) {
    n = add_vector(specs, n, "initial_h", oclstm_layer_state_size(layer),
                   offsetof(oclstm_weights, initial_h));
  }
  if (layer->initial_state && oclstm__cell_size(layer) != 0) {
    n = add_vector(specs, n, "initial_c", layer->hidden_size, offsetof(oclstm_weights, initial_c));
  }
  return n;
}

size_t oclstm__layer_arrays(const oclstm_layer *layer, oclstm__array_spec specs[OCLSTM__MAX_ARRAYS]) {
  size_t H = layer->hidden_size;
  size_t GH = oclstm__gates(layer->kind) * H;
  size_t n = 0;
  specs[n++] = (oclstm__array_spec){"W_ih", GH, layer->input_size, offsetof(oclstm_weights, W_ih)};
  specs[n++] =
      (oclstm__array_spec){"W_hh", GH, oclstm_layer_state_size(layer), offsetof(oclstm_weights, W_hh)};
  if (layer->bias != OCLSTM_BIAS_NONE) {
    n = add_vector(specs, n, "b_ih", GH, offsetof(oclstm_weights, b_ih));
  }
  if (layer->bias == OCLSTM_BIAS_TWO) {
    n = add_vector(specs, n, "b_hh", GH, offsetof(oclstm_weights, b_hh));
  }
  if (layer->projection_size != 0) {
    specs[n++] = (oclstm__array_spec){"W_hr", layer->projection_size, H, offsetof(oclstm_weights, W_hr)};
  }
  if (layer->peephole != OCLSTM_PEEPHOLE_NONE) {
    n = add_vector(specs, n, "peephole", 3 * H, offsetof(oclstm_weights, peephole));
  }
  n = add_norms(specs, n, layer);
  return add_initial_state(specs, n, layer);
}

/* ---- checks ---- */

static oclstm_status check_enumerators(const oclstm_layer *layer, size_t index, oclstm_error *error) {
  const struct {
    const char *name;
    unsigned value, last;
  } fields[] = {
      {"kind", layer->kind, OCLSTM_RNN},
      {"bias", layer->bias, OCLSTM_BIAS_TWO},
      {"peephole", layer->peephole, OCLSTM_PEEPHOLE_DIAGONAL},
      {"coupling", layer->coupling, OCLSTM_COUPLING_INPUT_FROM_FORGET},
      {"layer_norm", layer->layer_norm, OCLSTM_NORM_TFLITE},
      {"direction", layer->direction, OCLSTM_BIDIRECTIONAL},
      {"merge", layer->merge, OCLSTM_AVERAGE},
  };
  for (size_t k = 0; k < sizeof fields / sizeof fields[0]; ++k) {
    if (fields[k].value > fields[k].last) {
      return oclstm__fail(error, OCLSTM_E_ARGUMENT, "layer %zu: %s is %u, the last known is %u", index,
                          fields[k].name, fields[k].value, fields[k].last);
    }
  }
  for (size_t d = 0; d < 2; ++d) {
    for (size_t role = 0; role < OCLSTM_N_ROLES; ++role) {
      const oclstm_activation *activation = &layer->activation[d][role];
      if ((unsigned)activation->kind > OCLSTM_ACT_SOFTPLUS || !isfinite(activation->alpha) ||
          !isfinite(activation->beta)) {
        return oclstm__fail(error, OCLSTM_E_ARGUMENT,
                            "layer %zu: activation[%zu][%zu] is %u with alpha %g and beta %g", index, d, role,
                            (unsigned)activation->kind, (double)activation->alpha, (double)activation->beta);
      }
    }
  }
  return OCLSTM_OK;
}

static oclstm_status check_sizes(const oclstm_layer *layer, size_t index, const oclstm_limits *limits,
                                 oclstm_error *error) {
  const struct {
    const char *name;
    size_t value;
  } sizes[] = {{"input_size", layer->input_size}, {"hidden_size", layer->hidden_size}};
  for (size_t k = 0; k < 2; ++k) {
    if (sizes[k].value == 0) {
      return oclstm__fail(error, OCLSTM_E_SHAPE, "layer %zu: %s is 0", index, sizes[k].name);
    }
    if (sizes[k].value > limits->features) {
      return oclstm__fail(error, OCLSTM_E_LIMIT, "layer %zu: %s is %zu, the limit is %llu", index,
                          sizes[k].name, sizes[k].value, (unsigned long long)limits->features);
    }
  }
  if (layer->projection_size > layer->hidden_size) {
    return oclstm__fail(error, OCLSTM_E_SHAPE, "layer %zu: projection_size %zu is over hidden_size %zu",
                        index, layer->projection_size, layer->hidden_size);
  }
  return OCLSTM_OK;
}

/* Written so that NaN fails too. */
static oclstm_status check_range(const char *name, float value, float last, size_t index,
                                 oclstm_error *error) {
  if (value >= 0.0F && value <= last) {
    return OCLSTM_OK;
  }
  return oclstm__fail(error, OCLSTM_E_ARGUMENT, "layer %zu: %s is %g, outside of 0 to %g", index, name,
                      (double)value, (double)last);
}

static oclstm_status check_numbers(const oclstm_layer *layer, size_t index, oclstm_error *error) {
  const float huge = 3.4e38F;
  const struct {
    const char *name;
    float value, last;
  } numbers[] = {
      {"clip_preactivation", layer->clip_preactivation, huge},
      {"clip_cell", layer->clip_cell, huge},
      {"clip_projection", layer->clip_projection, huge},
      {"zoneout_h", layer->zoneout_h, 1.0F},
      {"zoneout_c", layer->zoneout_c, 1.0F},
      {"dropout_input", layer->dropout_input, 1.0F},
      {"dropout_output", layer->dropout_output, 1.0F},
      {"dropout_recurrent", layer->dropout_recurrent, 1.0F},
      {"dropout_weights", layer->dropout_weights, 1.0F},
  };
  for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; ++k) {
    oclstm_status status = check_range(numbers[k].name, numbers[k].value, numbers[k].last, index, error);
    if (status != OCLSTM_OK) {
      return status;
    }
  }
  return OCLSTM_OK;
}

/* Options of one kind of cell on another kind, or of one direction on another, would be ignored: they are refused. */
static oclstm_status check_combination(const oclstm_layer *layer, size_t index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool lstm = layer->kind == OCLSTM_LSTM;
  REQUIRE(lstm || layer->peephole == OCLSTM_PEEPHOLE_NONE, OCLSTM_E_ARGUMENT,
          "layer %zu: peephole on a cell without c", index);
  REQUIRE(lstm || layer->coupling == OCLSTM_COUPLING_NONE, OCLSTM_E_ARGUMENT,
          "layer %zu: coupling on a cell without a forget gate", index);
  REQUIRE(lstm || layer->projection_size == 0, OCLSTM_E_ARGUMENT,
          "layer %zu: projection on a cell that is no LSTM", index);
  REQUIRE(lstm || layer->layer_norm == OCLSTM_NORM_NONE, OCLSTM_E_ARGUMENT,
          "layer %zu: layer_norm on a cell that is no LSTM", index);
  REQUIRE(lstm || (layer->clip_cell == 0.0F && layer->zoneout_c == 0.0F), OCLSTM_E_ARGUMENT,
          "layer %zu: clip_cell or zoneout_c on a cell without c", index);
  REQUIRE(layer->clip_projection == 0.0F || layer->projection_size != 0, OCLSTM_E_ARGUMENT,
          "layer %zu: clip_projection without a projection", index);
  for (size_t d = 0; d < 2; ++d) {
    const oclstm_activation *of = layer->activation[d];
    REQUIRE(lstm || of[OCLSTM_ROLE_OUTPUT].kind == OCLSTM_ACT_DEFAULT, OCLSTM_E_ARGUMENT,
            "layer %zu: an output activation on a cell without c", index);
    REQUIRE(layer->kind != OCLSTM_RNN || of[OCLSTM_ROLE_GATE].kind == OCLSTM_ACT_DEFAULT, OCLSTM_E_ARGUMENT,
            "layer %zu: a gate activation on a cell without gates", index);
  }
  REQUIRE(layer->kind == OCLSTM_GRU || !layer->linear_before_reset, OCLSTM_E_ARGUMENT,
          "layer %zu: linear_before_reset on a cell that is no GRU", index);
  REQUIRE(layer->direction == OCLSTM_REVERSE || !layer->go_backwards, OCLSTM_E_ARGUMENT,
          "layer %zu: go_backwards needs direction REVERSE", index);
  REQUIRE(layer->direction == OCLSTM_BIDIRECTIONAL || layer->merge == OCLSTM_CONCAT, OCLSTM_E_ARGUMENT,
          "layer %zu: merge needs direction BIDIRECTIONAL", index);
done:
  return status;
}

oclstm_status oclstm__layer_check(const oclstm_layer *layer, size_t index, const oclstm_limits *limits,
                                  oclstm_error *error) {
  oclstm_status status = check_enumerators(layer, index, error);
  if (status == OCLSTM_OK) {
    status = check_sizes(layer, index, limits, error);
  }
  if (status == OCLSTM_OK) {
    status = check_numbers(layer, index, error);
  }
  if (status == OCLSTM_OK) {
    status = check_combination(layer, index, error);
  }
  return status;
}
