/* The file of an exported model: lengths first, as the format wants them, then the weights straight from the model.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include <onnx.pb.h>
#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/export.h"

enum { TYPE_FLOAT = 1, TYPE_INT64 = 7, TYPE_DOUBLE = 11, IR_VERSION = 7, OPSET = 14, CHUNK = 8192 };

/* Bytes go out through a buffer of whole elements. */
typedef struct writer {
  oclstm__output_file *file;
  uint64_t offset;
  size_t n; /* elements in the buffer */
  double buffer[CHUNK];
} writer;

static size_t element_bytes(int type) {
  return type == TYPE_FLOAT ? sizeof(float) : sizeof(double);
}

static uint64_t data_bytes(const oclstm__initializer *initializer) {
  uint64_t count = 1;
  for (size_t k = 0; k < initializer->rank; ++k) {
    count *= initializer->dims[k];
  }
  return count * element_bytes(initializer->type);
}

/* Everything of a tensor's message but its data. */
static void describe(const oclstm__initializer *initializer, oclstm__message *message) {
  for (size_t k = 0; k < initializer->rank; ++k) {
    oclstm__put_int(message, oclstm_onnx_Tensor_dims_tag, (int64_t)initializer->dims[k]);
  }
  oclstm__put_int(message, oclstm_onnx_Tensor_data_type_tag, initializer->type);
  oclstm__put_text(message, oclstm_onnx_Tensor_name_tag, initializer->name);
  oclstm__put_length(message, oclstm_onnx_Tensor_raw_data_tag, data_bytes(initializer));
}

static oclstm_status put(writer *w, const void *bytes, size_t n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__output_write(w->file, w->offset, bytes, n, error));
  w->offset += n;
done:
  return status;
}

/* ---- weights ---- */

static oclstm_status flush(writer *w, int type, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (type ==
      TYPE_FLOAT) { /* narrow in place: element k of the floats lies before element k of the doubles */
    for (size_t k = 0; k < w->n; ++k) {
      float narrow = (float)w->buffer[k];
      memcpy((char *)w->buffer + k * sizeof narrow, &narrow, sizeof narrow);
    }
  }
  TRY(put(w, w->buffer, w->n * element_bytes(type), error));
  w->n = 0;
done:
  return status;
}

static oclstm_status put_run(writer *w, const oclstm__run *run, size_t shift, int type, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < run->count; ++k) {
    bool there = run->array->data != NULL;
    w->buffer[w->n++] = there ? oclstm__array_at(run->array, run->first + shift + k * run->step) : 0.0;
    if (w->n == CHUNK) {
      TRY(flush(w, type, error));
    }
  }
done:
  return status;
}

static oclstm_status put_data(writer *w, const oclstm__initializer *initializer, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (initializer->type == TYPE_INT64) {
    return put(w, initializer->numbers, (size_t)data_bytes(initializer), error);
  }
  size_t times = initializer->repeat != 0 ? initializer->repeat : 1;
  for (size_t t = 0; t < times; ++t) {
    for (size_t k = 0; k < initializer->n_runs; ++k) {
      TRY(put_run(w, &initializer->runs[k], t, initializer->type, error));
    }
  }
  TRY(flush(w, initializer->type, error));
done:
  return status;
}

/* ---- the file ---- */

static const oclstm__initializer *initializer_at(const oclstm__export *e, size_t k) {
  return (const oclstm__initializer *)(const void *)e->initializers.data + k;
}

/* The field of the graph that an initializer is, up to its data. */
static oclstm_status begin_initializer(const oclstm__export *e, size_t k, oclstm__message *field,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__initializer *initializer = initializer_at(e, k);
  oclstm__message inner;
  oclstm__message_begin(&inner, &e->model->allocator);
  oclstm__message_begin(field, &e->model->allocator);
  describe(initializer, &inner);
  oclstm__put_length(field, oclstm_onnx_Graph_initializer_tag, inner.bytes.n + data_bytes(initializer));
  REQUIRE(inner.status == OCLSTM_OK && field->status == OCLSTM_OK &&
              oclstm__list_add(&field->bytes, inner.bytes.data, inner.bytes.n),
          OCLSTM_E_MEMORY, "initializer %s", initializer->name);
done:
  oclstm__message_free(&inner);
  return status;
}

static oclstm_status graph_bytes(const oclstm__export *e, uint64_t *bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *bytes = e->graph.bytes.n;
  for (size_t k = 0; k < e->initializers.n; ++k) {
    oclstm__message field;
    status = begin_initializer(e, k, &field, error);
    *bytes += field.bytes.n + data_bytes(initializer_at(e, k));
    oclstm__message_free(&field);
    TRY(status);
  }
  REQUIRE(*bytes < INT32_MAX - CHUNK, OCLSTM_E_LIMIT,
          "%llu bytes of weights: an ONNX file holds 2 GiB at most", (unsigned long long)*bytes);
done:
  return status;
}

static void put_head(oclstm__message *model, const oclstm__message *opset, uint64_t bytes) {
  oclstm__put_int(model, oclstm_onnx_Model_ir_version_tag, IR_VERSION);
  oclstm__put_text(model, 2, "oclstm");
  oclstm__put_message(model, oclstm_onnx_Model_opset_import_tag, opset);
  oclstm__put_length(model, oclstm_onnx_Model_graph_tag, bytes);
}

static oclstm_status write_all(const oclstm__export *e, writer *w, const oclstm__message *head,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(put(w, head->bytes.data, head->bytes.n, error));
  TRY(put(w, e->graph.bytes.data, e->graph.bytes.n, error));
  for (size_t k = 0; k < e->initializers.n; ++k) {
    oclstm__message field;
    status = begin_initializer(e, k, &field, error);
    status = status == OCLSTM_OK ? put(w, field.bytes.data, field.bytes.n, error) : status;
    oclstm__message_free(&field);
    TRY(status);
    TRY(put_data(w, initializer_at(e, k), error));
  }
done:
  return status;
}

oclstm_status oclstm__export_write(const oclstm__export *e, oclstm__output_file *file, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t bytes = 0;
  oclstm__message model;
  oclstm__message opset;
  writer *w = oclstm__alloc(&e->model->allocator, 1, sizeof *w);
  oclstm__message_begin(&model, &e->model->allocator);
  oclstm__message_begin(&opset, &e->model->allocator);
  REQUIRE(w != NULL, OCLSTM_E_MEMORY, "%zu bytes to write with", sizeof *w);
  w->file = file;
  TRY(graph_bytes(e, &bytes, error));
  oclstm__put_text(&opset, oclstm_onnx_OperatorSet_domain_tag, "");
  oclstm__put_int(&opset, oclstm_onnx_OperatorSet_version_tag, OPSET);
  put_head(&model, &opset, bytes);
  REQUIRE(model.status == OCLSTM_OK, OCLSTM_E_MEMORY, "the beginning of the file");
  TRY(write_all(e, w, &model, error));
done:
  oclstm__message_free(&model);
  oclstm__message_free(&opset);
  oclstm__free(&e->model->allocator, w);
  return status;
}

/* ---- the public function ---- */

/* DOUBLE where any array of the model is: nothing is rounded. */
static int find_type(const oclstm_model *model) {
  bool wide = model->head_W.dtype == OCLSTM_F64 || model->head_b.dtype == OCLSTM_F64 ||
              model->embedding.dtype == OCLSTM_F64;
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n = oclstm__layer_arrays(&model->layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      wide = wide || oclstm__spec_array(&specs[s], &model->weights[k])->dtype == OCLSTM_F64;
    }
  }
  return wide ? TYPE_DOUBLE : TYPE_FLOAT;
}

oclstm_status oclstm_model_save_onnx(const oclstm_model *model, const char *path, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__output_file file = OCLSTM__OUTPUT_FILE_INIT;
  oclstm__export e = {.model = model};
  REQUIRE(model != NULL && path != NULL, OCLSTM_E_ARGUMENT, "model or path is NULL");
  TRY(oclstm__export_check(model, error));
  e.type = find_type(model);
  e.initializers = (oclstm__list){.allocator = &model->allocator,
                                  .element = sizeof(oclstm__initializer),
                                  .most = SIZE_MAX / sizeof(oclstm__initializer),
                                  .status = &e.status};
  oclstm__message_begin(&e.graph, &model->allocator);
  oclstm__export_graph(&e);
  REQUIRE(e.status == OCLSTM_OK && e.graph.status == OCLSTM_OK, OCLSTM_E_MEMORY, "graph of %zu layers",
          model->n_layers);
  TRY(oclstm__output_open(&file, path, model->allocator, error));
  TRY(oclstm__export_write(&e, &file, error));
  TRY(oclstm__output_commit(&file, error));
done:
  oclstm__output_discard(&file);
  oclstm__message_free(&e.graph);
  oclstm__list_free(&e.initializers);
  return status;
}
