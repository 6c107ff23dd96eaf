/* Messages of an ONNX file in memory, as they are written: tags are the field numbers of onnx.proto.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/encode.h"

#include <pb_encode.h>
#include <string.h>

#include <onnx.pb.h>

static bool append(pb_ostream_t *stream, const pb_byte_t *bytes, size_t n) {
  oclstm__message *message = stream->state;
  return message->status == OCLSTM_OK && oclstm__list_add(&message->bytes, bytes, n);
}

static pb_ostream_t stream_of(oclstm__message *message) {
  return (pb_ostream_t){.callback = append, .state = message, .max_size = SIZE_MAX};
}

void oclstm__message_begin(oclstm__message *message, const oclstm_allocator *allocator) {
  *message = (oclstm__message){
      .bytes = {.allocator = allocator, .element = 1, .most = SIZE_MAX / 4, .status = &message->status}};
}

void oclstm__message_free(oclstm__message *message) {
  oclstm__list_free(&message->bytes);
}

/* A failed append has set the status; nothing else can fail here. */
void oclstm__put_int(oclstm__message *message, unsigned tag, int64_t value) {
  pb_ostream_t stream = stream_of(message);
  (void)(pb_encode_tag(&stream, PB_WT_VARINT, tag) && pb_encode_varint(&stream, (uint64_t)value));
}

void oclstm__put_float(oclstm__message *message, unsigned tag, float value) {
  pb_ostream_t stream = stream_of(message);
  (void)(pb_encode_tag(&stream, PB_WT_32BIT, tag) && pb_encode_fixed32(&stream, &value));
}

static void put_bytes(oclstm__message *message, unsigned tag, const void *bytes, size_t n) {
  pb_ostream_t stream = stream_of(message);
  (void)(pb_encode_tag(&stream, PB_WT_STRING, tag) && pb_encode_string(&stream, bytes, n));
}

void oclstm__put_text(oclstm__message *message, unsigned tag, const char *text) {
  put_bytes(message, tag, text, strlen(text));
}

void oclstm__put_message(oclstm__message *message, unsigned tag, const oclstm__message *inner) {
  if (inner->status != OCLSTM_OK) {
    message->status = inner->status;
  }
  put_bytes(message, tag, inner->bytes.data, inner->bytes.n);
}

void oclstm__put_length(oclstm__message *message, unsigned tag, uint64_t n) {
  pb_ostream_t stream = stream_of(message);
  (void)(pb_encode_tag(&stream, PB_WT_STRING, tag) && pb_encode_varint(&stream, n));
}

/* ---- attributes ---- */

enum { TYPE_FLOAT = 1, TYPE_INT, TYPE_STRING, TYPE_FLOATS = 6, TYPE_INTS, TYPE_STRINGS };

static void begin_attribute(oclstm__message *attribute, const oclstm__message *node, const char *name,
                            int type) {
  oclstm__message_begin(attribute, node->bytes.allocator);
  oclstm__put_text(attribute, oclstm_onnx_Attribute_name_tag, name);
  oclstm__put_int(attribute, oclstm_onnx_Attribute_type_tag, type);
}

static void end_attribute(oclstm__message *attribute, oclstm__message *node) {
  oclstm__put_message(node, oclstm_onnx_Node_attribute_tag, attribute);
  oclstm__message_free(attribute);
}

void oclstm__put_attribute_int(oclstm__message *node, const char *name, int64_t value) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_INT);
  oclstm__put_int(&attribute, oclstm_onnx_Attribute_i_tag, value);
  end_attribute(&attribute, node);
}

void oclstm__put_attribute_ints(oclstm__message *node, const char *name, const int64_t *values, size_t n) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_INTS);
  for (size_t k = 0; k < n; ++k) {
    oclstm__put_int(&attribute, oclstm_onnx_Attribute_ints_tag, values[k]);
  }
  end_attribute(&attribute, node);
}

void oclstm__put_attribute_float(oclstm__message *node, const char *name, float value) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_FLOAT);
  oclstm__put_float(&attribute, oclstm_onnx_Attribute_f_tag, value);
  end_attribute(&attribute, node);
}

void oclstm__put_attribute_floats(oclstm__message *node, const char *name, const float *values, size_t n) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_FLOATS);
  for (size_t k = 0; k < n; ++k) {
    oclstm__put_float(&attribute, oclstm_onnx_Attribute_floats_tag, values[k]);
  }
  end_attribute(&attribute, node);
}

void oclstm__put_attribute_text(oclstm__message *node, const char *name, const char *text) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_STRING);
  oclstm__put_text(&attribute, oclstm_onnx_Attribute_s_tag, text);
  end_attribute(&attribute, node);
}

void oclstm__put_attribute_texts(oclstm__message *node, const char *name, const char *const *texts,
                                 size_t n) {
  oclstm__message attribute;
  begin_attribute(&attribute, node, name, TYPE_STRINGS);
  for (size_t k = 0; k < n; ++k) {
    oclstm__put_text(&attribute, oclstm_onnx_Attribute_strings_tag, texts[k]);
  }
  end_attribute(&attribute, node);
}

/* ---- ports ---- */

void oclstm__put_port(oclstm__message *graph, unsigned tag, const char *name, int type,
                      const oclstm__size *sizes, size_t rank) {
  oclstm__message shape;
  oclstm__message tensor;
  oclstm__message typed;
  oclstm__message value;
  oclstm__message *all[] = {&shape, &tensor, &typed, &value};
  for (size_t k = 0; k < 4; ++k) {
    oclstm__message_begin(all[k], graph->bytes.allocator);
  }
  for (size_t k = 0; k < rank; ++k) {
    oclstm__message dimension;
    oclstm__message_begin(&dimension, graph->bytes.allocator);
    if (sizes[k].fixed != 0) {
      oclstm__put_int(&dimension, oclstm_onnx_Dimension_dim_value_tag, (int64_t)sizes[k].fixed);
    } else {
      oclstm__put_text(&dimension, oclstm_onnx_Dimension_dim_param_tag, sizes[k].name);
    }
    oclstm__put_message(&shape, oclstm_onnx_Shape_dim_tag, &dimension);
    oclstm__message_free(&dimension);
  }
  oclstm__put_int(&tensor, oclstm_onnx_TensorType_elem_type_tag, type);
  oclstm__put_message(&tensor, oclstm_onnx_TensorType_shape_tag, &shape);
  oclstm__put_message(&typed, oclstm_onnx_Type_tensor_type_tag, &tensor);
  oclstm__put_text(&value, oclstm_onnx_Value_name_tag, name);
  oclstm__put_message(&value, oclstm_onnx_Value_type_tag, &typed);
  oclstm__put_message(graph, tag, &value);
  for (size_t k = 0; k < 4; ++k) {
    oclstm__message_free(all[k]);
  }
}
