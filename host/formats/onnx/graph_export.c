/* The graph round the recurrent nodes: the embedding in front, directions side by side or merged, the head behind.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <onnx.pb.h>
#include "formats/onnx/export.h"

enum { TYPE_FLOAT = 1, TYPE_INT32 = 6, TYPE_INT64 = 7, TYPE_DOUBLE = 11 };

/* ---- nodes and initializers ---- */

void oclstm__node_begin(oclstm__export *e, const char *op, const char *input) {
  oclstm__message_begin(&e->node, &e->model->allocator);
  oclstm__put_text(&e->node, oclstm_onnx_Node_op_type_tag, op);
  oclstm__put_text(&e->node, oclstm_onnx_Node_input_tag, input);
}

void oclstm__node_reads(oclstm__export *e, const char *input) {
  oclstm__put_text(&e->node, oclstm_onnx_Node_input_tag, input);
}

void oclstm__node_writes(oclstm__export *e, const char *output) {
  oclstm__put_text(&e->node, oclstm_onnx_Node_output_tag, output);
}

void oclstm__node_end(oclstm__export *e) {
  oclstm__put_message(&e->graph, oclstm_onnx_Graph_node_tag, &e->node);
  oclstm__message_free(&e->node);
}

void oclstm__add_initializer(oclstm__export *e, const oclstm__initializer *initializer) {
  (void)oclstm__list_add(&e->initializers, initializer, 1); /* the list keeps what goes wrong */
}

const char *oclstm__numbered(oclstm__name name, const char *stem, size_t l) {
  (void)snprintf(name, OCLSTM__EXPORT_NAME, "%s_%zu", stem, l);
  return name;
}

static void add_numbers(oclstm__export *e, const char *name, size_t rank, size_t n, int64_t a, int64_t b,
                        int64_t c) {
  oclstm__initializer numbers = {.type = TYPE_INT64, .rank = rank, .dims = {n}, .numbers = {a, b, c}};
  (void)snprintf(numbers.name, sizeof numbers.name, "%s", name);
  oclstm__add_initializer(e, &numbers);
}

/* A node of one or two inputs and one output, without attributes. */
static void put_node(oclstm__export *e, const char *op, const char *a, const char *b, const char *to) {
  oclstm__node_begin(e, op, a);
  if (b != NULL) {
    oclstm__node_reads(e, b);
  }
  oclstm__node_writes(e, to);
  oclstm__node_end(e);
}

/* ---- between the layers ---- */

/* [T,D,B,H] to [T,B,D*H]. */
static void put_concat(oclstm__export *e, const char *steps, const char *turned, const char *to) {
  static const int64_t ORDER[] = {0, 2, 1, 3};
  oclstm__node_begin(e, "Transpose", steps);
  oclstm__node_writes(e, turned);
  oclstm__put_attribute_ints(&e->node, "perm", ORDER, 4);
  oclstm__node_end(e);
  put_node(e, "Reshape", turned, "side_by_side", to);
}

/* [T,D,B,H] to [T,B,H], the directions added or multiplied. */
static void put_merge(oclstm__export *e, size_t l, const char *steps, const char *to) {
  static const char *const STEMS[] = {"forward", "reverse"};
  static const char *const INDICES[] = {"zero", "one"};
  oclstm_merge merge = e->model->layers[l].merge;
  oclstm__name directions[2];
  oclstm__name sum;
  for (size_t d = 0; d < 2; ++d) {
    oclstm__node_begin(e, "Gather", steps);
    oclstm__node_reads(e, INDICES[d]);
    oclstm__node_writes(e, oclstm__numbered(directions[d], STEMS[d], l));
    oclstm__put_attribute_int(&e->node, "axis", 1);
    oclstm__node_end(e);
  }
  (void)oclstm__numbered(sum, "sum", l);
  put_node(e, merge == OCLSTM_MUL ? "Mul" : "Add", directions[0], directions[1],
           merge == OCLSTM_AVERAGE ? sum : to);
  if (merge == OCLSTM_AVERAGE) {
    put_node(e, "Mul", sum, "half", to);
  }
}

/* y of a layer, from what its node gives. */
static void put_output(oclstm__export *e, size_t l, const char *to) {
  const oclstm_layer *layer = &e->model->layers[l];
  oclstm__name steps;
  oclstm__name between;
  oclstm__name turned;
  (void)oclstm__numbered(steps, "steps", l);
  (void)oclstm__numbered(between, "order", l);
  (void)oclstm__numbered(turned, "natural", l);
  const char *y = layer->go_backwards ? turned : to;
  if (layer->merge != OCLSTM_CONCAT) {
    put_merge(e, l, steps, y);
  } else {
    put_concat(e, steps, between, y);
  }
  if (layer->go_backwards) {
    oclstm__node_begin(e, "ReverseSequence", turned);
    oclstm__node_reads(e, "lengths64");
    oclstm__node_writes(e, to);
    oclstm__put_attribute_int(&e->node, "time_axis", 0);
    oclstm__put_attribute_int(&e->node, "batch_axis", 1);
    oclstm__node_end(e);
  }
}

/* ---- in front and behind ---- */

static void put_embedding(oclstm__export *e) {
  const oclstm_model *model = e->model;
  size_t I = model->layers[0].input_size;
  oclstm__initializer table = {.name = "embedding", .type = e->type, .rank = 2, .n_runs = 1};
  table.dims[0] = model->embedding_size;
  table.dims[1] = I;
  table.runs[0] = (oclstm__run){&model->embedding, 0, model->embedding_size * I, 1};
  oclstm__size sizes[] = {{0, "T"}, {0, "B"}};
  oclstm__put_port(&e->graph, oclstm_onnx_Graph_input_tag, "ids", TYPE_INT64, sizes, 2);
  oclstm__add_initializer(e, &table);
  put_node(e, "Gather", "embedding", "ids", "X");
}

/* y = h W^T + b; MatMul has W turned round. */
static void put_head(oclstm__export *e, size_t width) {
  const oclstm_model *model = e->model;
  size_t O = model->head_size;
  oclstm__initializer W = {.name = "head_W", .type = e->type, .rank = 2, .dims = {width, O}, .n_runs = 1};
  oclstm__initializer b = {.name = "head_b", .type = e->type, .rank = 1, .dims = {O}, .n_runs = 1};
  bool bias = model->head_b.data != NULL;
  W.runs[0] = (oclstm__run){&model->head_W, 0, O, width};
  W.repeat = width;
  b.runs[0] = (oclstm__run){&model->head_b, 0, O, 1};
  oclstm__add_initializer(e, &W);
  put_node(e, "MatMul", "last", "head_W", bias ? "dense" : "Y");
  if (bias) {
    oclstm__add_initializer(e, &b);
    put_node(e, "Add", "dense", "head_b", "Y");
  }
}

static void put_outputs(oclstm__export *e, size_t width) {
  const oclstm_model *model = e->model;
  oclstm__name name;
  oclstm__size y[] = {{0, "T"}, {0, "B"}, {width, ""}};
  oclstm__put_port(&e->graph, oclstm_onnx_Graph_output_tag, "Y", e->type, y, 3);
  for (size_t l = 0; l < model->n_layers; ++l) {
    const oclstm_layer *layer = &model->layers[l];
    oclstm__size state[] = {{oclstm_layer_directions(layer), ""}, {0, "B"}, {layer->hidden_size, ""}};
    oclstm__put_port(&e->graph, oclstm_onnx_Graph_output_tag, oclstm__numbered(name, "Y_h", l), e->type,
                     state, 3);
    if (layer->kind == OCLSTM_LSTM) {
      oclstm__put_port(&e->graph, oclstm_onnx_Graph_output_tag, oclstm__numbered(name, "Y_c", l), e->type,
                       state, 3);
    }
  }
}

/* Constants and values that several nodes read; each only where one does. */
static void put_shared(oclstm__export *e) {
  static const double HALF = 0.5;
  static const oclstm_array HALF_ARRAY = {&HALF, OCLSTM_F64};
  bool concat = false;
  bool merged = false;
  bool average = false;
  bool backwards = false;
  bool states = false;
  for (size_t l = 0; l < e->model->n_layers; ++l) {
    const oclstm_layer *layer = &e->model->layers[l];
    concat = concat || layer->merge == OCLSTM_CONCAT;
    merged = merged || layer->merge != OCLSTM_CONCAT;
    average = average || layer->merge == OCLSTM_AVERAGE;
    backwards = backwards || layer->go_backwards;
    states = states || layer->initial_state;
  }
  if (concat) {
    add_numbers(e, "side_by_side", 1, 3, 0, 0, -1);
  }
  if (merged) {
    add_numbers(e, "zero", 0, 1, 0, 0, 0);
    add_numbers(e, "one", 0, 1, 1, 0, 0);
  }
  if (average) {
    oclstm__initializer half = {.name = "half", .type = e->type, .n_runs = 1};
    half.runs[0] = (oclstm__run){&HALF_ARRAY, 0, 1, 1};
    oclstm__add_initializer(e, &half);
  }
  if (backwards) {
    oclstm__node_begin(e, "Cast", "lengths");
    oclstm__node_writes(e, "lengths64");
    oclstm__put_attribute_int(&e->node, "to", TYPE_INT64);
    oclstm__node_end(e);
  }
  if (states) {
    oclstm__node_begin(e, "Shape", "lengths");
    oclstm__node_writes(e, "batch");
    oclstm__node_end(e);
  }
}

void oclstm__export_graph(oclstm__export *e) {
  const oclstm_model *model = e->model;
  oclstm__size x[] = {{0, "T"}, {0, "B"}, {model->layers[0].input_size, ""}};
  oclstm__size rows[] = {{0, "B"}};
  oclstm__name name = "X";
  size_t width = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  oclstm__put_text(&e->graph, 2, "oclstm");
  if (model->embedding_size != 0) {
    put_embedding(e);
  } else {
    oclstm__put_port(&e->graph, oclstm_onnx_Graph_input_tag, "X", e->type, x, 3);
  }
  oclstm__put_port(&e->graph, oclstm_onnx_Graph_input_tag, "lengths", TYPE_INT32, rows, 1);
  put_shared(e);
  for (size_t l = 0; l < model->n_layers; ++l) {
    bool last = l + 1 == model->n_layers;
    oclstm__name to;
    oclstm__export_layer(e, l, name);
    (void)oclstm__numbered(to, "y", l);
    (void)snprintf(name, sizeof name, "%s", !last ? to : model->head_size != 0 ? "last" : "Y");
    put_output(e, l, name);
  }
  if (model->head_size != 0) {
    put_head(e, width);
  }
  put_outputs(e, oclstm_model_head_size(model) != 0 ? model->head_size : width);
}
