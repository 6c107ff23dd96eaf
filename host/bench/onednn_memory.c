/* oneDNN's memory: descriptions, allocation, changes of layout.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "onednn.h"

/* ---- failures ---- */

static const char *status_text(dnnl_status_t status) {
  switch (status) {
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "not implemented for this CPU";
    default: return "failed";
  }
}

bool onednn_report(dnnl_status_t status, const char *call, bench_outcome *outcome) {
  int n = (int)strcspn(call, "(");
  return bench_fail(outcome, status == dnnl_unimplemented ? BENCH_REFUSED : BENCH_FAILED, "%.*s: %s (%d)", n,
                    call, status_text(status), (int)status);
}

/* ---- memory descriptions: by value in version 2, by handle in version 3 ---- */

onednn_view onednn_view_of(const onednn_description *d) {
#if DNNL_VERSION_MAJOR >= 3
  return d->md;
#else
  return &d->md;
#endif
}

dnnl_status_t onednn_describe(onednn_description *d, int n, const size_t *sizes, dnnl_data_type_t type,
                              dnnl_format_tag_t tag) {
  dnnl_dims_t dims = {0};
  for (int k = 0; k < n; ++k) {
    dims[k] = (dnnl_dim_t)sizes[k];
  }
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_tag(&d->md, n, dims, type, tag);
#else
  return dnnl_memory_desc_init_by_tag(&d->md, n, dims, type, tag);
#endif
}

void onednn_forget(onednn_description *d) {
#if DNNL_VERSION_MAJOR >= 3
  if (d->md != NULL) {
    (void)dnnl_memory_desc_destroy(d->md);
    d->md = NULL;
  }
#else
  (void)d;
#endif
}

/* data NULL: the library's own. */
bool onednn_make_memory(const onednn_column *c, int n, const size_t *sizes, dnnl_data_type_t type,
                        dnnl_format_tag_t tag, void *data, dnnl_memory_t *memory, bench_outcome *outcome) {
  onednn_description d = {0};
  DNNL(onednn_describe(&d, n, sizes, type, tag));
  dnnl_status_t status =
      dnnl_memory_create(memory, onednn_view_of(&d), c->engine, data != NULL ? data : DNNL_MEMORY_ALLOCATE);
  onednn_forget(&d);
  return status == dnnl_success ? true : onednn_report(status, "dnnl_memory_create", outcome);
}

void onednn_drop_memory(dnnl_memory_t *memory) {
  if (*memory != NULL) {
    (void)dnnl_memory_destroy(*memory);
    *memory = NULL;
  }
}

static onednn_view desc_of(dnnl_memory_t memory) {
#if DNNL_VERSION_MAJOR >= 3
  const_dnnl_memory_desc_t md = NULL;
#else
  const dnnl_memory_desc_t *md = NULL;
#endif
  (void)dnnl_memory_get_memory_desc(memory, &md);
  return md;
}

bool onednn_reorder(const onednn_column *c, dnnl_memory_t from, dnnl_memory_t to, bench_outcome *outcome) {
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  DNNL(dnnl_reorder_primitive_desc_create(&desc, desc_of(from), c->engine, desc_of(to), c->engine, NULL));
  dnnl_status_t status = dnnl_primitive_create(&primitive, desc);
  (void)dnnl_primitive_desc_destroy(desc);
  DNNL(status);
  status = dnnl_primitive_execute(primitive, c->stream, 2, args);
  status = status == dnnl_success ? dnnl_stream_wait(c->stream) : status;
  (void)dnnl_primitive_destroy(primitive);
  DNNL(status);
  return true;
}
