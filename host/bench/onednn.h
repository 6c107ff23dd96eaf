/* oneDNN's C API, versions 2 and 3, as far as the column of oneDNN needs it.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_ONEDNN_H
#define OCLSTM_BENCH_ONEDNN_H

#include <dnnl.h>

#include "bench.h"

/* Descriptions of memory: by value in version 2, by handle in version 3. */
typedef struct onednn_description {
  dnnl_memory_desc_t md;
} onednn_description;
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_view;
#else
typedef const dnnl_memory_desc_t *onednn_view;
#endif

enum { ONEDNN_SOURCE, ONEDNN_W_LAYER, ONEDNN_W_ITER, ONEDNN_BIAS, ONEDNN_DESTINATION, ONEDNN_ARGUMENTS };

/* One layer: its primitive and what it is called with; source and destination are borrowed. */
typedef struct onednn_layer {
  dnnl_primitive_t primitive;
  dnnl_memory_t memories[ONEDNN_ARGUMENTS];
} onednn_layer;

typedef struct onednn_column {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  const bench_shape *shape;
  dnnl_data_type_t type; /* of rows and weights */
  onednn_layer *layers;
  dnnl_memory_t *rows; /* [layers + 1]: x, between the layers, y */
} onednn_column;

/* ---- onednn_memory.c ---- */

bool onednn_report(dnnl_status_t status, const char *call, bench_outcome *outcome); /* false */
/* Needs bench_outcome *outcome, and returns false. */
#define DNNL(call)                                        \
  do {                                                    \
    dnnl_status_t dnnl_status_ = (call);                  \
    if (dnnl_status_ != dnnl_success) {                   \
      return onednn_report(dnnl_status_, #call, outcome); \
    }                                                     \
  } while (0)

onednn_view onednn_view_of(const onednn_description *d);
dnnl_status_t onednn_describe(onednn_description *d, int n, const size_t *sizes, dnnl_data_type_t type,
                              dnnl_format_tag_t tag);
void onednn_forget(onednn_description *d);
/* data NULL: the library's own. */
bool onednn_make_memory(const onednn_column *c, int n, const size_t *sizes, dnnl_data_type_t type,
                        dnnl_format_tag_t tag, void *data, dnnl_memory_t *memory, bench_outcome *outcome);
void onednn_drop_memory(dnnl_memory_t *memory);
bool onednn_reorder(const onednn_column *c, dnnl_memory_t from, dnnl_memory_t to, bench_outcome *outcome);

/* ---- onednn_layer.c ---- */

bool onednn_make_layer(onednn_column *c, const bench_data *data, size_t l, bench_outcome *outcome);
void onednn_drop_layer(onednn_layer *layer);

#endif
