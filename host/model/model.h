/* The immutable model: layer descriptions and their weights in host memory.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_MODEL_H
#define OCLSTM_MODEL_H

#include <stdbool.h>

#include "oclstm/oclstm.h"

struct oclstm_model {
  oclstm_allocator allocator;
  size_t n_layers;
  oclstm_layer *layers;
  oclstm_weights *weights; /* [n_layers][2], arrays owned, F32 or F64 */
  size_t head_size;
  oclstm_array head_W, head_b;
  size_t embedding_size;
  oclstm_array embedding;
  uint64_t parameters;
};

/* ---- layer.c: what a description means ---- */

/* One array of a direction, as the description demands it: shape [rows, columns], columns 0 for a vector. */
typedef struct oclstm__array_spec {
  const char *name; /* "W_ih" */
  size_t rows, columns;
  size_t member; /* offset of the oclstm_array in oclstm_weights */
} oclstm__array_spec;
enum { OCLSTM__MAX_ARRAYS = 13 };

size_t oclstm__gates(oclstm_cell_kind kind);         /* G: 4, 3 or 1 */
size_t oclstm__cell_size(const oclstm_layer *layer); /* of c: H, or 0 where the cell has none */
/* The activation of a role, its default resolved: never OCLSTM_ACT_DEFAULT. */
oclstm_activation oclstm__activation(const oclstm_layer *layer, size_t direction, size_t role);
/* Fills specs with the arrays that one direction of the layer has; returns how many. */
size_t oclstm__layer_arrays(const oclstm_layer *layer, oclstm__array_spec specs[OCLSTM__MAX_ARRAYS]);
static inline size_t oclstm__spec_count(const oclstm__array_spec *spec) {
  return spec->columns == 0 ? spec->rows : spec->rows * spec->columns;
}
static inline oclstm_array *oclstm__spec_array(const oclstm__array_spec *spec, oclstm_weights *weights) {
  return (oclstm_array *)(void *)((char *)weights + spec->member);
}
/* Enumerators in range, sizes within limits, options that go together. `index` is for the message. */
oclstm_status oclstm__layer_check(const oclstm_layer *layer, size_t index, const oclstm_limits *limits,
                                  oclstm_error *error);

/* ---- limits.c ---- */

oclstm_limits oclstm__limits(const oclstm_limits *given); /* the given ones, defaults where 0 or NULL */

/* ---- array.c: weights of several element types ---- */

size_t oclstm__dtype_bytes(oclstm_dtype dtype);
const char *oclstm__dtype_name(oclstm_dtype dtype); /* "F32" */
/* Element k; data need not be aligned. */
double oclstm__array_at(const oclstm_array *array, size_t k);
/* Elements first .. first + n - 1 as float32, rounded to nearest from F64. */
void oclstm__array_f32(const oclstm_array *array, size_t first, size_t n, float *to);
/* Bits of the nearest float16 or bfloat16, ties to even; too large becomes infinite. */
uint16_t oclstm__half_bits(float value);
uint16_t oclstm__bfloat_bits(float value);
/* And back, exactly. */
float oclstm__half_float(uint16_t bits);
float oclstm__bfloat_float(uint16_t bits);

#endif
