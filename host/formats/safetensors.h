/* safetensors: an index of named tensors, checked completely before anything is done with it.
 * Layout: header length (8 bytes, little-endian), header (JSON), data. docs/model_format.md says what is accepted.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_SAFETENSORS_H
#define OCLSTM_FORMATS_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>

#include "oclstm/oclstm.h"

enum {
  OCLSTM__PREFIX_BYTES = 8,
  OCLSTM__MAX_TENSOR_RANK = 8,
  OCLSTM__MAX_TENSOR_NAME = 1024,
  OCLSTM__SHAPE_TEXT = 192 /* a shape of the highest rank in words */
};

typedef struct oclstm__tensor {
  const char *name;       /* borrowed from the header */
  const char *dtype_name; /* static */
  bool weights;           /* dtype is one that weights may have, and is in `dtype` */
  oclstm_dtype dtype;
  size_t rank;
  size_t shape[OCLSTM__MAX_TENSOR_RANK];
  size_t begin, bytes; /* in the data behind the header */
  bool used;           /* for readers, to find what they left over */
} oclstm__tensor;

typedef struct oclstm__safetensors {
  oclstm_allocator allocator;
  json_t *header;
  size_t n_tensors;
  oclstm__tensor *tensors; /* sorted by name */
  const char *description; /* the metadata entry "oclstm", or NULL; borrowed from the header */
  size_t data_bytes;
} oclstm__safetensors;

/* The length of the header, from the first 8 bytes of a file of file_bytes.
 * Returns OK; E_LIMIT; E_TRUNCATED; E_FORMAT (no header). */
oclstm_status oclstm__safetensors_header_bytes(const unsigned char prefix[OCLSTM__PREFIX_BYTES],
                                               uint64_t file_bytes, const oclstm_limits *limits,
                                               size_t *header_bytes, oclstm_error *error);
/* Reads the header of a file that has data_bytes behind it. The text is not needed afterwards; *index must be
 * given to destroy, also after a failure. Returns OK; E_FORMAT; E_DTYPE; E_LIMIT; E_TRUNCATED; E_MEMORY. */
oclstm_status oclstm__safetensors_index(oclstm__safetensors *index, const char *header, size_t header_bytes,
                                        size_t data_bytes, const oclstm_limits *limits,
                                        oclstm_allocator allocator, oclstm_error *error);
/* NULL when there is none. */
oclstm__tensor *oclstm__safetensors_find(const oclstm__safetensors *index, const char *name);
void oclstm__safetensors_destroy(oclstm__safetensors *index);

/* "[256,64]" for messages. */
const char *oclstm__shape_text(const oclstm__tensor *tensor, char text[OCLSTM__SHAPE_TEXT]);

#endif
