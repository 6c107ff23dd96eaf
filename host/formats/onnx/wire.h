/* An ONNX file as it lies in memory: views of its messages, decoded one at a time. Nothing is copied but lists of numbers.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_WIRE_H
#define OCLSTM_FORMATS_ONNX_WIRE_H

#include <stdbool.h>

#include "oclstm/oclstm.h"

enum {
  OCLSTM__ONNX_DEPTH = 4, /* graphs in attributes of nodes of graphs in attributes ... */
  OCLSTM__ONNX_RANK = 8,
  OCLSTM__ONNX_NAME = 1024, /* bytes of a name */
  OCLSTM__ONNX_LABEL = 160
};

/* Bytes of the file, or of memory that lives as long. */
typedef struct oclstm__view {
  const unsigned char *at;
  size_t n;
} oclstm__view;

bool oclstm__view_is(oclstm__view view, const char *text);
bool oclstm__view_equal(oclstm__view a, oclstm__view b);
/* For "%.*s": no message needs more of a name than this. */
#define OCLSTM__TEXT(view) (int)((view).n < 64 ? (view).n : 64), (const char *)(view).at

/* A list that grows: of views, or of little-endian numbers. */
typedef struct oclstm__list {
  const oclstm_allocator *allocator;
  size_t element, n, capacity, most;
  unsigned char *data;
  oclstm_status *status; /* receives why an element could not be taken */
} oclstm__list;

bool oclstm__list_add(oclstm__list *list, const void *elements, size_t n);
void oclstm__list_free(oclstm__list *list);
static inline oclstm__view oclstm__list_view(const oclstm__list *list, size_t k) {
  return ((const oclstm__view *)(const void *)list->data)[k];
}

typedef struct oclstm__onnx_node {
  oclstm__view name, op, domain;
  size_t inputs, n_inputs, outputs, n_outputs; /* in the graph's lists */
  size_t attributes, n_attributes;
} oclstm__onnx_node;

typedef struct oclstm__onnx_graph {
  oclstm_allocator allocator;
  const oclstm_limits *limits;
  oclstm_status status;
  int64_t opset;
  size_t n_nodes;
  oclstm__onnx_node *nodes;
  oclstm__list initializers, inputs, outputs;              /* messages */
  oclstm__list node_inputs, node_outputs, node_attributes; /* names, names, messages */
} oclstm__onnx_graph;

/* Reads the structure of a model of n bytes, which are borrowed. The graph must be given to free, also after a failure.
 * Returns OK; E_TRUNCATED; E_FORMAT; E_LIMIT; E_UNSUPPORTED (operator set); E_MEMORY. */
oclstm_status oclstm__onnx_read(oclstm__onnx_graph *graph, const unsigned char *bytes, size_t n,
                                const oclstm_limits *limits, oclstm_allocator allocator, oclstm_error *error);
void oclstm__onnx_free(oclstm__onnx_graph *graph);

/* Name of input or output k of a node; empty where it is left out. */
oclstm__view oclstm__onnx_input(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node, size_t k);
oclstm__view oclstm__onnx_output(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node, size_t k);
/* "node NAME (OP)", with the first output's name where the node has none. */
const char *oclstm__onnx_label(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node,
                               char label[OCLSTM__ONNX_LABEL]);
#define OCLSTM__LABEL(graph, node) oclstm__onnx_label((graph), (node), (char[OCLSTM__ONNX_LABEL]){0})

typedef struct oclstm__onnx_attribute {
  oclstm__view name, s, t;
  int type;
  float f;
  int64_t i;
  bool has_f, has_i, has_s, has_t, has_graph;
  oclstm__list floats, ints, strings; /* float32, int64, views; freed with the attribute */
} oclstm__onnx_attribute;

/* Decodes attribute number k of a node. To be given to oclstm__onnx_attribute_free, also after a failure. */
oclstm_status oclstm__onnx_attribute_read(oclstm__onnx_attribute *attribute, const oclstm__onnx_graph *graph,
                                          const oclstm__onnx_node *node, size_t k, oclstm_error *error);
void oclstm__onnx_attribute_free(oclstm__onnx_attribute *attribute);

/* A tensor as the file has it. */
typedef struct oclstm__onnx_tensor {
  oclstm__view name, raw;
  int type; /* TensorProto.DataType */
  bool has_raw, has_segment, external;
  size_t rank;
  int64_t dims[OCLSTM__ONNX_RANK];
  oclstm__list numbers; /* of typed data: float32, float64, int32 or int64 */
  oclstm__view location;
  uint64_t offset, length; /* of external data; length UINT64_MAX: to the end of the file */
} oclstm__onnx_tensor;

oclstm_status oclstm__onnx_tensor_read(oclstm__onnx_tensor *tensor, const oclstm_allocator *allocator,
                                       oclstm__view bytes, const oclstm_limits *limits, oclstm_error *error);
void oclstm__onnx_tensor_free(oclstm__onnx_tensor *tensor);

/* An input or output of the graph. rank SIZE_MAX: not said. Sizes -1: not fixed. */
typedef struct oclstm__onnx_port {
  oclstm__view name;
  int type;
  size_t rank;
  int64_t dims[OCLSTM__ONNX_RANK];
} oclstm__onnx_port;
oclstm_status oclstm__onnx_port_read(oclstm__onnx_port *port, oclstm__view bytes, oclstm_error *error);

#endif
