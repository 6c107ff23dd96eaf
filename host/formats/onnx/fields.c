/* Attributes, tensors and ports of an ONNX graph, decoded where they are needed.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/decode.h"

enum { EXTERNAL = 1, MOST_DIGITS = 19 };

static oclstm__list numbers(const oclstm_allocator *allocator, size_t element, uint64_t most,
                            oclstm_status *cause) {
  return (oclstm__list){.allocator = allocator, .element = element, .most = (size_t)most, .status = cause};
}

/* ---- attributes ---- */

oclstm_status oclstm__onnx_attribute_read(oclstm__onnx_attribute *attribute, const oclstm__onnx_graph *graph,
                                          const oclstm__onnx_node *node, size_t k, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_status cause = OCLSTM_OK;
  oclstm__view g = {NULL, 0};
  oclstm__view reference = {NULL, 0};
  *attribute = (oclstm__onnx_attribute){
      .floats = numbers(&graph->allocator, sizeof(float), graph->limits->parameters, &cause),
      .ints = numbers(&graph->allocator, sizeof(int64_t), graph->limits->parameters, &cause),
      .strings = numbers(&graph->allocator, sizeof(oclstm__view), graph->limits->nodes, &cause)};
  oclstm_onnx_Attribute message = {.name = oclstm__take_view(&attribute->name),
                                   .s = oclstm__take_view(&attribute->s),
                                   .t = oclstm__take_view(&attribute->t),
                                   .g = oclstm__take_view(&g),
                                   .ref_attr_name = oclstm__take_view(&reference),
                                   .floats = oclstm__take_fixed(&attribute->floats),
                                   .ints = oclstm__take_varints(&attribute->ints),
                                   .strings = oclstm__take_views(&attribute->strings)};
  TRY(oclstm__decode(oclstm__list_view(&graph->node_attributes, node->attributes + k),
                     oclstm_onnx_Attribute_fields, &message, &cause, OCLSTM__LABEL(graph, node), error));
  REQUIRE(reference.n == 0, OCLSTM_E_UNSUPPORTED, "%s: attribute %.*s is of a function",
          OCLSTM__LABEL(graph, node), OCLSTM__TEXT(attribute->name));
  attribute->type = message.has_type ? (int)message.type : 0;
  attribute->has_f = message.has_f;
  attribute->f = message.f;
  attribute->has_i = message.has_i;
  attribute->i = message.i;
  attribute->has_s = attribute->s.at != NULL;
  attribute->has_t = attribute->t.at != NULL;
  attribute->has_graph = g.at != NULL;
done:
  return status;
}

void oclstm__onnx_attribute_free(oclstm__onnx_attribute *attribute) {
  oclstm__list_free(&attribute->floats);
  oclstm__list_free(&attribute->ints);
  oclstm__list_free(&attribute->strings);
}

/* ---- tensors ---- */

/* A number in decimal digits and nothing else. */
static bool parse_size(oclstm__view text, uint64_t *value) {
  *value = 0;
  for (size_t k = 0; k < text.n; ++k) {
    if (text.at[k] < '0' || text.at[k] > '9') {
      return false;
    }
    *value = *value * 10 + (uint64_t)(text.at[k] - '0');
  }
  return text.n != 0 && text.n < MOST_DIGITS;
}

static oclstm_status read_external(oclstm__onnx_tensor *tensor, const oclstm__list *entries,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  tensor->length = UINT64_MAX;
  for (size_t k = 0; k < entries->n; ++k) {
    oclstm__view key = {NULL, 0};
    oclstm__view value = {NULL, 0};
    oclstm_onnx_Entry entry = {.key = oclstm__take_view(&key), .value = oclstm__take_view(&value)};
    TRY(oclstm__decode(oclstm__list_view(entries, k), oclstm_onnx_Entry_fields, &entry, NULL, "external_data",
                       error));
    if (oclstm__view_is(key, "location")) {
      tensor->location = value;
    } else if (oclstm__view_is(key, "offset") || oclstm__view_is(key, "length")) {
      REQUIRE(parse_size(value, oclstm__view_is(key, "offset") ? &tensor->offset : &tensor->length),
              OCLSTM_E_FORMAT, "tensor %.*s: %.*s \"%.*s\" is no number", OCLSTM__TEXT(tensor->name),
              OCLSTM__TEXT(key), OCLSTM__TEXT(value));
    }
  }
  REQUIRE(tensor->location.n != 0, OCLSTM_E_FORMAT, "tensor %.*s: external data without a location",
          OCLSTM__TEXT(tensor->name));
done:
  return status;
}

/* The width of the list that typed data of an element type comes in: floats, doubles, or int32 for all that is small. */
static size_t list_element(const oclstm__list lists[4], oclstm__list *chosen) {
  size_t n_used = 0;
  for (size_t k = 0; k < 4; ++k) {
    if (lists[k].n != 0) {
      *chosen = lists[k];
      ++n_used;
    }
  }
  return n_used;
}

static oclstm_status take_dims(oclstm__onnx_tensor *tensor, const oclstm__list *dims, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(dims->n <= OCLSTM__ONNX_RANK, OCLSTM_E_LIMIT, "tensor %.*s has rank %zu, the limit is %d",
          OCLSTM__TEXT(tensor->name), dims->n, OCLSTM__ONNX_RANK);
  tensor->rank = dims->n;
  if (dims->n != 0) {
    memcpy(tensor->dims, dims->data, dims->n * sizeof *tensor->dims);
  }
done:
  return status;
}

oclstm_status oclstm__onnx_tensor_read(oclstm__onnx_tensor *tensor, const oclstm_allocator *allocator,
                                       oclstm__view bytes, const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_status cause = OCLSTM_OK;
  oclstm__view segment = {NULL, 0};
  oclstm__list dims = numbers(allocator, sizeof(int64_t), 64, &cause);
  oclstm__list entries = numbers(allocator, sizeof(oclstm__view), 64, &cause);
  oclstm__list typed[4] = {numbers(allocator, sizeof(float), limits->parameters, &cause),
                           numbers(allocator, sizeof(double), limits->parameters, &cause),
                           numbers(allocator, sizeof(int32_t), limits->parameters, &cause),
                           numbers(allocator, sizeof(int64_t), limits->parameters, &cause)};
  *tensor = (oclstm__onnx_tensor){.rank = 0};
  oclstm_onnx_Tensor message = {.name = oclstm__take_view(&tensor->name),
                                .raw_data = oclstm__take_view(&tensor->raw),
                                .segment = oclstm__take_view(&segment),
                                .dims = oclstm__take_varints(&dims),
                                .external_data = oclstm__take_views(&entries),
                                .float_data = oclstm__take_fixed(&typed[0]),
                                .double_data = oclstm__take_fixed(&typed[1]),
                                .int32_data = oclstm__take_varints(&typed[2]),
                                .int64_data = oclstm__take_varints(&typed[3])};
  TRY(oclstm__decode(bytes, oclstm_onnx_Tensor_fields, &message, &cause, "tensor", error));
  TRY(take_dims(tensor, &dims, error));
  tensor->type = message.has_data_type ? (int)message.data_type : 0;
  tensor->has_raw = tensor->raw.at != NULL && tensor->raw.n != 0;
  tensor->external = message.has_data_location && message.data_location == EXTERNAL;
  REQUIRE(segment.at == NULL, OCLSTM_E_UNSUPPORTED, "tensor %.*s is one segment of several",
          OCLSTM__TEXT(tensor->name));
  if (tensor->external) {
    TRY(read_external(tensor, &entries, error));
  }
  REQUIRE(list_element(typed, &tensor->numbers) <= 1, OCLSTM_E_FORMAT,
          "tensor %.*s has data of two element types", OCLSTM__TEXT(tensor->name));
done:
  oclstm__list_free(&dims);
  oclstm__list_free(&entries);
  for (size_t k = 0; k < 4; ++k) {
    if (typed[k].data != tensor->numbers.data) {
      oclstm__list_free(&typed[k]);
    }
  }
  return status;
}

void oclstm__onnx_tensor_free(oclstm__onnx_tensor *tensor) {
  oclstm__list_free(&tensor->numbers);
}

/* ---- ports ---- */

static oclstm_status read_dims(oclstm__onnx_port *port, const oclstm__view dims[], size_t n,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < n; ++k) {
    oclstm_onnx_Dimension dimension = {.has_dim_value = false};
    TRY(oclstm__decode(dims[k], oclstm_onnx_Dimension_fields, &dimension, NULL, "dimension", error));
    /* Some exporters write 0 or -1 for a size that is not fixed. */
    port->dims[k] = dimension.has_dim_value && dimension.dim_value > 0 ? dimension.dim_value : -1;
  }
done:
  return status;
}

/* A list of at most OCLSTM__ONNX_RANK views that needs no memory. */
typedef struct short_list {
  oclstm__view items[OCLSTM__ONNX_RANK];
  size_t n;
} short_list;

static bool short_field(pb_istream_t *stream, const pb_field_t *field, void **to) {
  short_list *list = *to;
  oclstm__view view = {NULL, 0};
  void *at = &view;
  if (list->n == OCLSTM__ONNX_RANK) {
    PB_RETURN_ERROR(stream, "a rank over the limit");
  }
  if (!oclstm__take_view(&view).funcs.decode(stream, field, &at)) {
    return false;
  }
  list->items[list->n++] = view;
  return true;
}

oclstm_status oclstm__onnx_port_read(oclstm__onnx_port *port, oclstm__view bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view type = {NULL, 0};
  oclstm__view tensor = {NULL, 0};
  oclstm__view shape = {NULL, 0};
  short_list dims = {.n = 0};
  *port = (oclstm__onnx_port){.rank = SIZE_MAX};
  oclstm_onnx_Value value = {.name = oclstm__take_view(&port->name), .type = oclstm__take_view(&type)};
  oclstm_onnx_Type typed = {.tensor_type = oclstm__take_view(&tensor)};
  oclstm_onnx_TensorType element = {.shape = oclstm__take_view(&shape)};
  oclstm_onnx_Shape sizes = {.dim = {.funcs.decode = short_field, .arg = &dims}};
  TRY(oclstm__decode(bytes, oclstm_onnx_Value_fields, &value, NULL, "value", error));
  TRY(oclstm__decode(type, oclstm_onnx_Type_fields, &typed, NULL, "type", error));
  TRY(oclstm__decode(tensor, oclstm_onnx_TensorType_fields, &element, NULL, "type of a tensor", error));
  port->type = element.has_elem_type ? (int)element.elem_type : 0;
  if (shape.at != NULL) {
    TRY(oclstm__decode(shape, oclstm_onnx_Shape_fields, &sizes, NULL, "shape", error));
    TRY(read_dims(port, dims.items, dims.n, error));
    port->rank = dims.n;
  }
done:
  return status;
}
