/* One layer as a node of ONNX: attributes, and weights in ONNX's order of gates.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include <onnx.pb.h>
#include "core/error.h"
#include "formats/onnx/export.h"
#include "formats/onnx/onnx.h"

/* ---- what can be said ---- */

static oclstm_status check_layer(const oclstm_layer *layer, size_t l, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const struct {
    const char *what;
    bool there;
  } options[] = {
      {"projection_size", layer->projection_size != 0},
      {"layer_norm", layer->layer_norm != OCLSTM_NORM_NONE},
      {"clip_cell", layer->clip_cell != 0.0F},
      {"zoneout_h", layer->zoneout_h != 0.0F},
      {"zoneout_c", layer->zoneout_c != 0.0F},
      {"coupling i = 1 - f", layer->coupling == OCLSTM_COUPLING_INPUT_FROM_FORGET},
  };
  for (size_t k = 0; k < sizeof options / sizeof options[0]; ++k) {
    REQUIRE(!options[k].there, OCLSTM_E_UNSUPPORTED, "layer %zu: ONNX has no %s", l, options[k].what);
  }
done:
  return status;
}

oclstm_status oclstm__export_check(const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; l < model->n_layers; ++l) {
    TRY(check_layer(&model->layers[l], l, error));
  }
done:
  return status;
}

/* ---- attributes ---- */

static void put_activations(oclstm__export *e, const oclstm_layer *layer) {
  static const char *const NAMES[] = {"",          "Sigmoid",         "Tanh",       "Relu",        "Affine",
                                      "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
                                      "Softsign",  "Softplus"};
  static const bool HAS_ALPHA[] = {false, false, false, false, true,  true,
                                   true,  true,  true,  true,  false, false};
  static const bool HAS_BETA[] = {false, false, false, false, true,  false,
                                  false, true,  true,  false, false, false};
  size_t first = layer->kind == OCLSTM_RNN ? OCLSTM_ROLE_CANDIDATE : OCLSTM_ROLE_GATE;
  size_t end = layer->kind == OCLSTM_LSTM ? OCLSTM_N_ROLES : OCLSTM_ROLE_OUTPUT;
  const char *names[2 * OCLSTM_N_ROLES];
  float alpha[2 * OCLSTM_N_ROLES];
  float beta[2 * OCLSTM_N_ROLES];
  size_t n = 0;
  size_t n_alpha = 0;
  size_t n_beta = 0;
  bool others = false;
  for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
    for (size_t role = first; role < end; ++role) {
      oclstm_activation activation = oclstm__activation(layer, d, role);
      others = others || layer->activation[d][role].kind != OCLSTM_ACT_DEFAULT;
      names[n++] = NAMES[activation.kind];
      if (HAS_ALPHA[activation.kind]) {
        alpha[n_alpha++] = activation.alpha;
      }
      if (HAS_BETA[activation.kind]) {
        beta[n_beta++] = activation.beta;
      }
    }
  }
  if (others) {
    oclstm__put_attribute_texts(&e->node, "activations", names, n);
  }
  if (n_alpha != 0) {
    oclstm__put_attribute_floats(&e->node, "activation_alpha", alpha, n_alpha);
  }
  if (n_beta != 0) {
    oclstm__put_attribute_floats(&e->node, "activation_beta", beta, n_beta);
  }
}

static void put_attributes(oclstm__export *e, const oclstm_layer *layer) {
  static const char *const DIRECTIONS[] = {"forward", "reverse", "bidirectional"};
  oclstm__put_attribute_text(&e->node, "direction", DIRECTIONS[layer->direction]);
  oclstm__put_attribute_int(&e->node, "hidden_size", (int64_t)layer->hidden_size);
  put_activations(e, layer);
  if (layer->clip_preactivation != 0.0F) {
    oclstm__put_attribute_float(&e->node, "clip", layer->clip_preactivation);
  }
  if (layer->coupling == OCLSTM_COUPLING_FORGET_FROM_INPUT) {
    oclstm__put_attribute_int(&e->node, "input_forget", 1);
  }
  if (layer->linear_before_reset) {
    oclstm__put_attribute_int(&e->node, "linear_before_reset", 1);
  }
}

/* ---- weights ---- */

/* Which of our blocks of rows is block k of ONNX. */
static size_t our_block(const unsigned *orders, size_t n, size_t k) {
  for (size_t ours = 0; ours < n; ++ours) {
    if (orders[ours] == k) {
      return ours;
    }
  }
  return k;
}

static const unsigned *order_of(oclstm_cell_kind kind) {
  static const unsigned ALONE[4] = {0};
  return kind == OCLSTM_LSTM  ? OCLSTM__ONNX_ORDERS.lstm
         : kind == OCLSTM_GRU ? OCLSTM__ONNX_ORDERS.gru
                              : ALONE;
}

/* Appends the n blocks of an array, in ONNX's order. */
static void add_blocks(oclstm__initializer *to, const oclstm_array *array, size_t block, size_t n,
                       const unsigned *orders) {
  for (size_t k = 0; k < n; ++k) {
    to->runs[to->n_runs++] = (oclstm__run){array, our_block(orders, n, k) * block, block, 1};
  }
}

static oclstm__initializer begin(const oclstm__export *e, const char *stem, size_t l) {
  oclstm__initializer initializer = {.type = e->type};
  (void)oclstm__numbered(initializer.name, stem, l);
  return initializer;
}

static void put_weights(oclstm__export *e, size_t l) {
  const oclstm_layer *layer = &e->model->layers[l];
  const oclstm_weights *weights = &e->model->weights[2 * l];
  const unsigned *order = order_of(layer->kind);
  size_t D = oclstm_layer_directions(layer);
  size_t G = oclstm__gates(layer->kind);
  size_t H = layer->hidden_size;
  static const oclstm_array NONE;
  oclstm__initializer W = begin(e, "W", l);
  oclstm__initializer R = begin(e, "R", l);
  oclstm__initializer b = begin(e, "B", l);
  oclstm__initializer P = begin(e, "P", l);
  for (size_t d = 0; d < D; ++d) {
    add_blocks(&W, &weights[d].W_ih, H * layer->input_size, G, order);
    add_blocks(&R, &weights[d].W_hh, H * H, G, order);
    add_blocks(&b, &weights[d].b_ih, H, G, order);
    add_blocks(&b, layer->bias == OCLSTM_BIAS_TWO ? &weights[d].b_hh : &NONE, H, G, order);
    add_blocks(&P, &weights[d].peephole, H, 3, OCLSTM__ONNX_ORDERS.peephole);
  }
  W.rank = R.rank = 3;
  b.rank = P.rank = 2;
  W.dims[0] = R.dims[0] = b.dims[0] = P.dims[0] = D;
  W.dims[1] = R.dims[1] = G * H;
  W.dims[2] = layer->input_size;
  R.dims[2] = H;
  b.dims[1] = 2 * G * H;
  P.dims[1] = 3 * H;
  oclstm__add_initializer(e, &W);
  oclstm__add_initializer(e, &R);
  if (layer->bias != OCLSTM_BIAS_NONE) {
    oclstm__add_initializer(e, &b);
  }
  if (layer->peephole != OCLSTM_PEEPHOLE_NONE) {
    oclstm__add_initializer(e, &P);
  }
}

/* ---- the state to begin with ---- */

static const char *part(oclstm__name name, const char *stem, const char *suffix, size_t l) {
  (void)snprintf(name, OCLSTM__EXPORT_NAME, "%s_%s_%zu", stem, suffix, l);
  return name;
}

/* An input of the graph, or the description's own state, repeated over the rows of the batch. */
static void put_state(oclstm__export *e, size_t l, const char *stem, const oclstm_array *rows[2]) {
  const oclstm_layer *layer = &e->model->layers[l];
  size_t D = oclstm_layer_directions(layer);
  size_t H = layer->hidden_size;
  oclstm__name name;
  oclstm__name shape;
  oclstm__initializer row = {.type = e->type, .rank = 3, .dims = {D, 1, H}, .n_runs = D};
  oclstm__initializer directions = {.type = 7, .rank = 1, .dims = {1}, .numbers = {(int64_t)D}};
  oclstm__initializer width = {.type = 7, .rank = 1, .dims = {1}, .numbers = {(int64_t)H}};
  (void)oclstm__numbered(name, stem, l);
  if (!layer->initial_state) {
    oclstm__size sizes[] = {{D, ""}, {0, "B"}, {H, ""}};
    oclstm__put_port(&e->graph, oclstm_onnx_Graph_input_tag, name, e->type, sizes, 3);
    return;
  }
  (void)part(row.name, stem, "row", l);
  (void)part(directions.name, stem, "D", l);
  (void)part(width.name, stem, "H", l);
  (void)part(shape, stem, "shape", l);
  for (size_t d = 0; d < D; ++d) {
    row.runs[d] = (oclstm__run){rows[d], 0, H, 1};
  }
  oclstm__add_initializer(e, &row);
  oclstm__add_initializer(e, &directions);
  oclstm__add_initializer(e, &width);
  oclstm__node_begin(e, "Concat", directions.name);
  oclstm__node_reads(e, "batch");
  oclstm__node_reads(e, width.name);
  oclstm__node_writes(e, shape);
  oclstm__put_attribute_int(&e->node, "axis", 0);
  oclstm__node_end(e);
  oclstm__node_begin(e, "Expand", row.name);
  oclstm__node_reads(e, shape);
  oclstm__node_writes(e, name);
  oclstm__node_end(e);
}

void oclstm__export_layer(oclstm__export *e, size_t l, const char *x) {
  static const char *const OPS[] = {"LSTM", "GRU", "RNN"};
  const oclstm_layer *layer = &e->model->layers[l];
  const oclstm_weights *weights = &e->model->weights[2 * l];
  const oclstm_array *h[] = {&weights[0].initial_h, &weights[1].initial_h};
  const oclstm_array *c[] = {&weights[0].initial_c, &weights[1].initial_c};
  bool lstm = layer->kind == OCLSTM_LSTM;
  bool peephole = layer->peephole != OCLSTM_PEEPHOLE_NONE;
  oclstm__name name;
  put_weights(e, l);
  put_state(e, l, "initial_h", h);
  if (lstm) {
    put_state(e, l, "initial_c", c);
  }
  oclstm__node_begin(e, OPS[layer->kind], x);
  oclstm__node_reads(e, oclstm__numbered(name, "W", l));
  oclstm__node_reads(e, oclstm__numbered(name, "R", l));
  oclstm__node_reads(e, layer->bias != OCLSTM_BIAS_NONE ? oclstm__numbered(name, "B", l) : "");
  oclstm__node_reads(e, "lengths");
  oclstm__node_reads(e, oclstm__numbered(name, "initial_h", l));
  if (lstm) {
    oclstm__node_reads(e, oclstm__numbered(name, "initial_c", l));
  }
  if (peephole) {
    oclstm__node_reads(e, oclstm__numbered(name, "P", l));
  }
  oclstm__node_writes(e, oclstm__numbered(name, "steps", l));
  oclstm__node_writes(e, oclstm__numbered(name, "Y_h", l));
  if (lstm) {
    oclstm__node_writes(e, oclstm__numbered(name, "Y_c", l));
  }
  put_attributes(e, layer);
  oclstm__node_end(e);
}
