/* How deep graphs lie in graphs, counted before anything else is read. The recursion is by nanopb's callbacks and ends at
 * OCLSTM__ONNX_DEPTH.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/nesting.h"

#include "core/error.h"
#include "formats/onnx/decode.h"

typedef struct counter {
  uint64_t nodes, most;
  unsigned depth;
  bool too_many, too_deep;
} counter;

static bool count_graph(pb_istream_t *stream, const pb_field_t *field, void **counted);

static bool count_attribute(pb_istream_t *stream, const pb_field_t *field, void **counted) {
  (void)field;
  oclstm_onnx_Attribute attribute = {.g = {.funcs.decode = count_graph, .arg = *counted},
                                     .graphs = {.funcs.decode = count_graph, .arg = *counted}};
  return pb_decode_ex(stream, oclstm_onnx_Attribute_fields, &attribute, PB_DECODE_NOINIT);
}

static bool count_node(pb_istream_t *stream, const pb_field_t *field, void **counted) {
  counter *count = *counted;
  (void)field;
  oclstm_onnx_Node node = {.attribute = {.funcs.decode = count_attribute, .arg = count}};
  if (++count->nodes > count->most) {
    count->too_many = true;
    return false;
  }
  return pb_decode_ex(stream, oclstm_onnx_Node_fields, &node, PB_DECODE_NOINIT);
}

static bool count_graph(pb_istream_t *stream, const pb_field_t *field, void **counted) {
  counter *count = *counted;
  (void)field;
  oclstm_onnx_Graph graph = {.node = {.funcs.decode = count_node, .arg = count}};
  if (++count->depth > OCLSTM__ONNX_DEPTH) {
    count->too_deep = true;
    return false;
  }
  bool counted_all = pb_decode_ex(stream, oclstm_onnx_Graph_fields, &graph, PB_DECODE_NOINIT);
  --count->depth;
  return counted_all;
}

oclstm_status oclstm__nesting_check(oclstm__view graph, const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  counter count = {.most = limits->nodes};
  void *arg = &count;
  pb_istream_t stream = oclstm__stream(&graph);
  bool counted = count_graph(&stream, NULL, &arg);
  REQUIRE(!count.too_deep, OCLSTM_E_LIMIT, "graphs lie in graphs more than %d deep", OCLSTM__ONNX_DEPTH);
  REQUIRE(!count.too_many, OCLSTM_E_LIMIT, "more than %llu nodes", (unsigned long long)count.most);
  REQUIRE(counted, OCLSTM_E_FORMAT, "graph: %s",
          stream.errmsg != NULL ? stream.errmsg : "a field of the wrong type");
done:
  return status;
}
