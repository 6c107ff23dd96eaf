/* oneDNN as a column, through its C API: versions 2 and 3.
 *
 * As its best users call it: one forward_inference primitive a layer over all T, rows time-major, weights of format any and
 * brought into the layout that the primitive asks for once, no initial state. With bfloat16 and float16 the rows are of that
 * type as well, so that no conversion is timed.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "onednn.h"

static const int IDS[ONEDNN_ARGUMENTS] = {DNNL_ARG_SRC_LAYER, DNNL_ARG_WEIGHTS_LAYER, DNNL_ARG_WEIGHTS_ITER,
                                          DNNL_ARG_BIAS, DNNL_ARG_DST_LAYER};
static const dnnl_data_type_t TYPES[] = {dnnl_f32, dnnl_f16, dnnl_bf16}; /* of oclstm_precision */

static onednn_column *self_of(const bench_column *column) {
  return column->self;
}

static void finish(bench_column *column) {
  onednn_column *c = self_of(column);
  const size_t n = c->shape != NULL ? c->shape->layers : 0;
  for (size_t l = 0; c->layers != NULL && l < n; ++l) {
    onednn_drop_layer(&c->layers[l]);
  }
  for (size_t l = 0; c->rows != NULL && l <= n; ++l) {
    onednn_drop_memory(&c->rows[l]);
  }
  free(c->layers);
  free(c->rows);
  c->layers = NULL;
  c->rows = NULL;
  c->shape = NULL;
}

static void close_column(bench_column *column) {
  onednn_column *c = self_of(column);
  finish(column);
  (void)dnnl_stream_destroy(c->stream);
  (void)dnnl_engine_destroy(c->engine);
  free(c);
  column->self = NULL;
}

/* ---- rows ---- */

static bool rows_of(const onednn_column *c, size_t width, dnnl_data_type_t type, void *data,
                    dnnl_memory_t *memory, bench_outcome *outcome) {
  const size_t sizes[] = {(size_t)c->shape->T, c->shape->B, width};
  return onednn_make_memory(c, 3, sizes, type, dnnl_tnc, data, memory, outcome);
}

/* In float32 x and y are the data's own arrays. */
static bool make_rows(onednn_column *c, const bench_data *data, bench_outcome *outcome) {
  const bench_shape *s = c->shape;
  const bool own = c->type != dnnl_f32;
  bool good = rows_of(c, s->I, c->type, own ? NULL : data->x, &c->rows[0], outcome);
  for (size_t l = 1; l < s->layers && good; ++l) {
    good = rows_of(c, bench_width(s), c->type, NULL, &c->rows[l], outcome);
  }
  return good && rows_of(c, bench_width(s), c->type, own ? NULL : data->y, &c->rows[s->layers], outcome);
}

/* Between the data's float32 array and rows of another type. */
static bool convert(const onednn_column *c, float *values, size_t width, dnnl_memory_t rows, bool in,
                    bench_outcome *outcome) {
  dnnl_memory_t floats = NULL;
  if (c->type == dnnl_f32) {
    return true;
  }
  bool good = rows_of(c, width, dnnl_f32, values, &floats, outcome) &&
              onednn_reorder(c, in ? floats : rows, in ? rows : floats, outcome);
  onednn_drop_memory(&floats);
  return good;
}

/* ---- the table ---- */

static bool execute(const onednn_column *c, bench_outcome *outcome) {
  for (size_t l = 0; l < c->shape->layers; ++l) {
    dnnl_exec_arg_t args[ONEDNN_ARGUMENTS];
    for (int k = 0; k < ONEDNN_ARGUMENTS; ++k) {
      args[k] = (dnnl_exec_arg_t){IDS[k], c->layers[l].memories[k]};
    }
    DNNL(dnnl_primitive_execute(c->layers[l].primitive, c->stream, ONEDNN_ARGUMENTS, args));
  }
  DNNL(dnnl_stream_wait(c->stream));
  return true;
}

static bool prepare(bench_column *column, bench_data *data, bench_outcome *outcome) {
  onednn_column *c = self_of(column);
  const bench_shape *s = data->shape;
  if (data->lengths != NULL) {
    return bench_fail(outcome, BENCH_REFUSED, "has no lengths");
  }
  if (data->held < s->T) {
    return bench_fail(outcome, BENCH_REFUSED, "T steps at once would take too much memory");
  }
  double began = bench_now();
  c->shape = s;
  c->layers = calloc(s->layers, sizeof *c->layers);
  c->rows = calloc(s->layers + 1, sizeof(dnnl_memory_t));
  if (c->layers == NULL || c->rows == NULL) {
    return bench_fail(outcome, BENCH_FAILED, "no memory for %zu layers", s->layers);
  }
  bool good = make_rows(c, data, outcome);
  for (size_t l = 0; l < s->layers && good; ++l) {
    good = onednn_make_layer(c, data, l, outcome);
  }
  outcome->prepare_seconds = bench_now() - began;
  return good && convert(c, data->x, s->I, c->rows[0], true, outcome) && execute(c, outcome) &&
         convert(c, data->y, bench_width(s), c->rows[s->layers], false, outcome);
}

static bool run(bench_column *column, unsigned warm_up, double *seconds, bench_outcome *outcome) {
  const onednn_column *c = self_of(column);
  bool good = true;
  for (unsigned k = 0; k < warm_up && good; ++k) {
    good = execute(c, outcome);
  }
  double began = bench_now();
  good = good && execute(c, outcome);
  *seconds = bench_now() - began;
  return good;
}

static const bench_column_type ONEDNN_TYPE = {"onednn", prepare, run, NULL, finish, close_column};

bool bench_onednn_available(void) {
  return true;
}

bool bench_column_onednn(bench_column *column, oclstm_precision precision, char why[BENCH_TEXT]) {
  static const char *const NAMES[] = {"f32", "f16", "bf16"};
  const dnnl_version_t *version = dnnl_version();
  onednn_column *c = calloc(1, sizeof *c);
  if (c == NULL) {
    (void)snprintf(why, BENCH_TEXT, "no memory");
    return false;
  }
  c->type = TYPES[precision];
  dnnl_status_t status = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
  if (status == dnnl_success) {
    status = dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
      (void)dnnl_engine_destroy(c->engine);
    }
  }
  if (status != dnnl_success) {
    free(c);
    (void)snprintf(why, BENCH_TEXT, "oneDNN has no engine for this CPU (%d)", (int)status);
    return false;
  }
  column->type = &ONEDNN_TYPE;
  column->self = c;
  column->precision = precision;
  (void)snprintf(column->name, sizeof column->name, "onednn %s", NAMES[precision]);
  (void)snprintf(column->version, sizeof column->version, "%d.%d.%d", version->major, version->minor,
                 version->patch);
  (void)snprintf(column->details, sizeof column->details, "headers of %d.%d, runtime %u", DNNL_VERSION_MAJOR,
                 DNNL_VERSION_MINOR, version->cpu_runtime);
  return true;
}
