/* Loading ONNX graphs of recurrent layers.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_ONNX_H
#define OCLSTM_FORMATS_ONNX_ONNX_H

#include <stdbool.h>

#include "oclstm/oclstm.h"

/* Where ONNX keeps the rows of each of our gates: gate k of ours is ONNX's block number lstm[k], and so on. A parameter,
 * so that tests can show that the check after an import notices every wrong one. */
typedef struct oclstm__onnx_orders {
  unsigned lstm[4];     /* of i, f, g, o */
  unsigned gru[3];      /* of r, z, n */
  unsigned peephole[3]; /* of i, f, o */
} oclstm__onnx_orders;
extern const oclstm__onnx_orders OCLSTM__ONNX_ORDERS;

/* Whether bytes can be the beginning of a model: a field of its outermost message. */
bool oclstm__onnx_plausible(const unsigned char *bytes, size_t n);
/* Reads a model of n bytes. path is the file's, for external data; NULL for memory. Returns what oclstm_model_load does. */
oclstm_status oclstm__onnx_load(const unsigned char *bytes, size_t n, const char *path, int external_data,
                                const oclstm_limits *limits, oclstm_allocator allocator,
                                const oclstm__onnx_orders *orders, oclstm_model **model, oclstm_error *error);

#endif
