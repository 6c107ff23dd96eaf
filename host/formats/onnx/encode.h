/* Messages of an ONNX file in memory, as they are written.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_ENCODE_H
#define OCLSTM_FORMATS_ONNX_ENCODE_H

#include "formats/onnx/wire.h"

/* A message that grows. What goes wrong is kept in status, and everything after it is dropped. */
typedef struct oclstm__message {
  oclstm__list bytes;
  oclstm_status status;
} oclstm__message;

void oclstm__message_begin(oclstm__message *message, const oclstm_allocator *allocator);
void oclstm__message_free(oclstm__message *message);
void oclstm__put_int(oclstm__message *message, unsigned tag, int64_t value);
void oclstm__put_float(oclstm__message *message, unsigned tag, float value);
void oclstm__put_text(oclstm__message *message, unsigned tag, const char *text);
void oclstm__put_message(oclstm__message *message, unsigned tag, const oclstm__message *inner);
/* The beginning of a field of n bytes, which are written behind it. */
void oclstm__put_length(oclstm__message *message, unsigned tag, uint64_t n);

/* Attributes of a node. */
void oclstm__put_attribute_int(oclstm__message *node, const char *name, int64_t value);
void oclstm__put_attribute_ints(oclstm__message *node, const char *name, const int64_t *values, size_t n);
void oclstm__put_attribute_float(oclstm__message *node, const char *name, float value);
void oclstm__put_attribute_floats(oclstm__message *node, const char *name, const float *values, size_t n);
void oclstm__put_attribute_text(oclstm__message *node, const char *name, const char *text);
void oclstm__put_attribute_texts(oclstm__message *node, const char *name, const char *const *texts, size_t n);

/* An input or output of a graph; sizes that are 0 have the name in their place. */
typedef struct oclstm__size {
  size_t fixed;
  const char *name;
} oclstm__size;
void oclstm__put_port(oclstm__message *graph, unsigned tag, const char *name, int type,
                      const oclstm__size *sizes, size_t rank);

#endif
