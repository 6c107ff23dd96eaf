/* Model, graph and nodes of an ONNX file.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/wire.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/decode.h"
#include "formats/onnx/nesting.h"
#include "formats/onnx/onnx.h"

/* The operators used here mean the same in all of these. */
enum { FIRST_OPSET = 7, LAST_OPSET = 28, NAMES_OF_A_NODE = 16 };

/* ---- the outermost message ---- */

static bool known_field(uint32_t tag, pb_wire_type_t wire) {
  static const uint32_t VARINTS[] = {1, 5};
  static const uint32_t STRINGS[] = {2, 3, 4, 6, 7, 8, 14, 20, 25, 26};
  const uint32_t *tags = wire == PB_WT_VARINT ? VARINTS : STRINGS;
  size_t n = wire == PB_WT_VARINT ? sizeof VARINTS / sizeof *VARINTS : sizeof STRINGS / sizeof *STRINGS;
  for (size_t k = 0; (wire == PB_WT_VARINT || wire == PB_WT_STRING) && k < n; ++k) {
    if (tags[k] == tag) {
      return true;
    }
  }
  return false;
}

bool oclstm__onnx_plausible(const unsigned char *bytes, size_t n) {
  oclstm__view rest = {bytes, n};
  pb_istream_t stream = oclstm__stream(&rest);
  pb_wire_type_t wire = PB_WT_VARINT;
  uint32_t tag = 0;
  bool end = false;
  return pb_decode_tag(&stream, &wire, &tag, &end) && known_field(tag, wire);
}

/* A file that was cut off ends inside one of the outermost fields: told apart from one that is malformed further in. */
static oclstm_status check_whole(const unsigned char *bytes, size_t n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view rest = {bytes, n};
  pb_istream_t stream = oclstm__stream(&rest);
  while (stream.bytes_left > 0) {
    pb_wire_type_t wire = PB_WT_VARINT;
    uint32_t tag = 0;
    uint64_t length = 0;
    bool end = false;
    size_t at = n - stream.bytes_left;
    REQUIRE(pb_decode_tag(&stream, &wire, &tag, &end) && tag != 0, OCLSTM_E_FORMAT,
            "byte %zu: no field of a model begins here", at);
    if (wire == PB_WT_STRING) {
      REQUIRE(pb_decode_varint(&stream, &length), OCLSTM_E_TRUNCATED, "byte %zu: the file ends", at);
      REQUIRE(length <= stream.bytes_left, OCLSTM_E_TRUNCATED,
              "byte %zu: field %u has %llu bytes, %zu are left", at, (unsigned)tag,
              (unsigned long long)length, stream.bytes_left);
      rest.at += length;
      rest.n -= (size_t)length;
      stream.bytes_left -= (size_t)length;
    } else {
      REQUIRE(pb_skip_field(&stream, wire), OCLSTM_E_FORMAT, "byte %zu: field %u: %s", at, (unsigned)tag,
              PB_GET_ERROR(&stream));
    }
  }
done:
  return status;
}

static oclstm__list make_list(oclstm__onnx_graph *graph, uint64_t most) {
  return (oclstm__list){.allocator = &graph->allocator,
                        .element = sizeof(oclstm__view),
                        .most = most < SIZE_MAX ? (size_t)most : SIZE_MAX,
                        .status = &graph->status};
}

/* ---- operator sets ---- */

static oclstm_status read_opset(oclstm__onnx_graph *graph, const oclstm__list *opsets, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < opsets->n; ++k) {
    oclstm_onnx_OperatorSet set = {.has_version = false};
    oclstm__view domain = {NULL, 0};
    set.domain = oclstm__take_view(&domain);
    TRY(oclstm__decode(oclstm__list_view(opsets, k), oclstm_onnx_OperatorSet_fields, &set, NULL,
                       "operator set", error));
    if (domain.n == 0 || oclstm__view_is(domain, "ai.onnx")) {
      graph->opset = set.version;
    }
  }
  REQUIRE(graph->opset != 0, OCLSTM_E_FORMAT, "the file names no operator set of ONNX");
  REQUIRE(graph->opset >= FIRST_OPSET && graph->opset <= LAST_OPSET, OCLSTM_E_UNSUPPORTED,
          "operator set %lld, supported are %d to %d", (long long)graph->opset, FIRST_OPSET, LAST_OPSET);
done:
  return status;
}

/* ---- nodes ---- */

static oclstm_status check_names(const oclstm__list *names, size_t first, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = first; k < names->n; ++k) {
    oclstm__view name = oclstm__list_view(names, k);
    REQUIRE(name.n <= OCLSTM__ONNX_NAME, OCLSTM_E_LIMIT, "a name of %zu bytes, the limit is %d", name.n,
            OCLSTM__ONNX_NAME);
  }
done:
  return status;
}

static oclstm_status read_node(oclstm__onnx_graph *graph, oclstm__view bytes, oclstm__onnx_node *node,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_onnx_Node message = {.name = oclstm__take_view(&node->name),
                              .op_type = oclstm__take_view(&node->op),
                              .domain = oclstm__take_view(&node->domain),
                              .input = oclstm__take_views(&graph->node_inputs),
                              .output = oclstm__take_views(&graph->node_outputs),
                              .attribute = oclstm__take_views(&graph->node_attributes)};
  node->inputs = graph->node_inputs.n;
  node->outputs = graph->node_outputs.n;
  node->attributes = graph->node_attributes.n;
  TRY(oclstm__decode(bytes, oclstm_onnx_Node_fields, &message, &graph->status, "node", error));
  node->n_inputs = graph->node_inputs.n - node->inputs;
  node->n_outputs = graph->node_outputs.n - node->outputs;
  node->n_attributes = graph->node_attributes.n - node->attributes;
  TRY(check_names(&graph->node_inputs, node->inputs, error));
  TRY(check_names(&graph->node_outputs, node->outputs, error));
  REQUIRE(node->op.n != 0, OCLSTM_E_FORMAT, "a node has no op_type");
done:
  return status;
}

static oclstm_status read_nodes(oclstm__onnx_graph *graph, const oclstm__list *nodes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(nodes->n != 0, OCLSTM_E_FORMAT, "the graph has no nodes");
  graph->nodes = oclstm__alloc(&graph->allocator, nodes->n, sizeof *graph->nodes);
  REQUIRE(graph->nodes != NULL, OCLSTM_E_MEMORY, "%zu nodes", nodes->n);
  graph->n_nodes = nodes->n;
  for (size_t k = 0; k < nodes->n; ++k) {
    TRY(read_node(graph, oclstm__list_view(nodes, k), &graph->nodes[k], error));
  }
done:
  return status;
}

/* ---- the graph ---- */

static oclstm_status read_graph(oclstm__onnx_graph *graph, oclstm__view bytes, oclstm__list *nodes,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view sparse = {NULL, 0};
  oclstm_onnx_Graph message = {.node = oclstm__take_views(nodes),
                               .initializer = oclstm__take_views(&graph->initializers),
                               .input = oclstm__take_views(&graph->inputs),
                               .output = oclstm__take_views(&graph->outputs),
                               .sparse_initializer = oclstm__take_view(&sparse)};
  TRY(oclstm__nesting_check(bytes, graph->limits, error));
  TRY(oclstm__decode(bytes, oclstm_onnx_Graph_fields, &message, &graph->status, "graph", error));
  REQUIRE(sparse.at == NULL, OCLSTM_E_UNSUPPORTED, "the graph has sparse initializers");
  TRY(read_nodes(graph, nodes, error));
done:
  return status;
}

oclstm_status oclstm__onnx_read(oclstm__onnx_graph *graph, const unsigned char *bytes, size_t n,
                                const oclstm_limits *limits, oclstm_allocator allocator,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view body = {NULL, 0};
  *graph = (oclstm__onnx_graph){.allocator = allocator, .limits = limits};
  oclstm__list opsets = make_list(graph, limits->nodes);
  oclstm__list nodes = make_list(graph, limits->nodes);
  graph->initializers = make_list(graph, limits->tensors);
  graph->inputs = make_list(graph, limits->tensors);
  graph->outputs = make_list(graph, limits->tensors);
  graph->node_inputs = make_list(graph, NAMES_OF_A_NODE * limits->nodes);
  graph->node_outputs = make_list(graph, NAMES_OF_A_NODE * limits->nodes);
  graph->node_attributes = make_list(graph, NAMES_OF_A_NODE * limits->nodes);
  oclstm_onnx_Model model = {.graph = oclstm__take_view(&body), .opset_import = oclstm__take_views(&opsets)};
  TRY(check_whole(bytes, n, error));
  TRY(oclstm__decode((oclstm__view){bytes, n}, oclstm_onnx_Model_fields, &model, &graph->status, "model",
                     error));
  REQUIRE(body.at != NULL, OCLSTM_E_FORMAT, "the file holds no graph");
  TRY(read_opset(graph, &opsets, error));
  TRY(read_graph(graph, body, &nodes, error));
done:
  oclstm__list_free(&opsets);
  oclstm__list_free(&nodes);
  return status;
}

void oclstm__onnx_free(oclstm__onnx_graph *graph) {
  oclstm__list_free(&graph->initializers);
  oclstm__list_free(&graph->inputs);
  oclstm__list_free(&graph->outputs);
  oclstm__list_free(&graph->node_inputs);
  oclstm__list_free(&graph->node_outputs);
  oclstm__list_free(&graph->node_attributes);
  if (graph->nodes != NULL) {
    oclstm__free(&graph->allocator, graph->nodes);
    graph->nodes = NULL;
  }
}

/* ---- what a node has ---- */

oclstm__view oclstm__onnx_input(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node, size_t k) {
  return k < node->n_inputs ? oclstm__list_view(&graph->node_inputs, node->inputs + k)
                            : (oclstm__view){NULL, 0};
}

oclstm__view oclstm__onnx_output(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node, size_t k) {
  return k < node->n_outputs ? oclstm__list_view(&graph->node_outputs, node->outputs + k)
                             : (oclstm__view){NULL, 0};
}

const char *oclstm__onnx_label(const oclstm__onnx_graph *graph, const oclstm__onnx_node *node,
                               char label[OCLSTM__ONNX_LABEL]) {
  oclstm__view name = node->name.n != 0 ? node->name : oclstm__onnx_output(graph, node, 0);
  (void)snprintf(label, OCLSTM__ONNX_LABEL, "node %.*s (%.*s)", OCLSTM__TEXT(name), OCLSTM__TEXT(node->op));
  return label;
}
