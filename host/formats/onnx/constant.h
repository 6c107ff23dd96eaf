/* Constant tensors of an ONNX graph, and the operators that exporters put behind them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_CONSTANT_H
#define OCLSTM_FORMATS_ONNX_CONSTANT_H

#include "formats/onnx/wire.h"
#include "model/model.h"

/* Elements dense, row-major, little-endian, of any alignment. */
typedef struct oclstm__constant {
  oclstm_dtype dtype; /* booleans are I8 */
  size_t rank, dims[OCLSTM__ONNX_RANK], count;
  const unsigned char *data;
  unsigned char *owned; /* what data points into, or NULL where the file is it */
  bool looked, zero;    /* whether it is known that all elements are zero, and whether they are */
} oclstm__constant;

/* Where external data may be read from. */
typedef struct oclstm__onnx_folder {
  int allowed;
  int fd; /* of the model's folder; -1: there is none, as for a model in memory */
} oclstm__onnx_folder;

/* The element type of TensorProto.DataType; false where weights and indices cannot have it. */
bool oclstm__constant_dtype(int type, oclstm_dtype *dtype);
/* Returns OK; E_FORMAT; E_DTYPE; E_LIMIT; E_UNSUPPORTED and the statuses of files (external data); E_MEMORY. */
oclstm_status oclstm__constant_read(oclstm__constant *constant, const oclstm_allocator *allocator,
                                    oclstm__view tensor, const oclstm_limits *limits,
                                    const oclstm__onnx_folder *folder, oclstm__view *name,
                                    oclstm_error *error);
/* The value_int, value_ints, value_float or value_floats of a Constant node. Returns OK; E_UNSUPPORTED; E_MEMORY. */
oclstm_status oclstm__constant_of_attribute(oclstm__constant *constant, oclstm__onnx_attribute *attribute,
                                            const oclstm_allocator *allocator, const char *label,
                                            oclstm_error *error);
void oclstm__constant_free(oclstm__constant *constant, const oclstm_allocator *allocator);

static inline oclstm_array oclstm__constant_array(const oclstm__constant *constant) {
  return (oclstm_array){constant->data, constant->dtype};
}
static inline double oclstm__constant_at(const oclstm__constant *constant, size_t k) {
  oclstm_array array = oclstm__constant_array(constant);
  return oclstm__array_at(&array, k);
}
bool oclstm__constant_is_float(const oclstm__constant *constant);
/* An integer element; false where the tensor is no integer one. */
bool oclstm__constant_int(const oclstm__constant *constant, size_t k, int64_t *value);
/* Looked at once: many nodes may ask. */
bool oclstm__constant_is_zero(oclstm__constant *constant);

#endif
