/* Writing a model as an ONNX graph: its nodes in memory, its weights straight into the file.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_EXPORT_H
#define OCLSTM_FORMATS_ONNX_EXPORT_H

#include "formats/onnx/encode.h"
#include "formats/output_file.h"
#include "model/model.h"

enum { OCLSTM__EXPORT_NAME = 48, OCLSTM__RUNS = 16 };

/* `count` elements of an array from `first` on, `step` apart; array NULL: zeros. */
typedef struct oclstm__run {
  const oclstm_array *array;
  size_t first, count, step;
} oclstm__run;

/* An initializer: runs of elements one after another, or the same run of columns for each of `repeat` rows. */
typedef struct oclstm__initializer {
  char name[OCLSTM__EXPORT_NAME];
  int type; /* TensorProto.DataType: FLOAT, DOUBLE or INT64 */
  size_t rank, dims[3];
  size_t n_runs;
  oclstm__run runs[OCLSTM__RUNS];
  size_t repeat;      /* 0: once; otherwise run 0 that often, beginning one element later each time */
  int64_t numbers[3]; /* INT64: the elements themselves */
} oclstm__initializer;

typedef struct oclstm__export {
  const oclstm_model *model;
  int type;              /* of everything that is no index: FLOAT, or DOUBLE where the model has one */
  oclstm__message graph; /* all of it but the initializers */
  oclstm__message node;  /* the one being written */
  oclstm__list initializers;
  oclstm_status status; /* of that list */
} oclstm__export;

/* Whether ONNX can say what the model computes; E_UNSUPPORTED naming what it cannot. */
oclstm_status oclstm__export_check(const oclstm_model *model, oclstm_error *error);
/* Writes nodes, inputs and outputs to e->graph and collects the initializers. graph_export.c */
void oclstm__export_graph(oclstm__export *e);
/* The recurrent node of a layer, which reads `x`, and its weights. layer_export.c */
void oclstm__export_layer(oclstm__export *e, size_t l, const char *x);
/* Writes the whole file. write_export.c */
oclstm_status oclstm__export_write(const oclstm__export *e, oclstm__output_file *file, oclstm_error *error);

/* A node: begun with its operator and one input, "" for none; then its other inputs, outputs and attributes. */
void oclstm__node_begin(oclstm__export *e, const char *op, const char *input);
void oclstm__node_reads(oclstm__export *e, const char *input);
void oclstm__node_writes(oclstm__export *e, const char *output);
void oclstm__node_end(oclstm__export *e);
void oclstm__add_initializer(oclstm__export *e, const oclstm__initializer *initializer);
/* "W_0": a name with the number of a layer. */
typedef char oclstm__name[OCLSTM__EXPORT_NAME];
const char *oclstm__numbered(oclstm__name name, const char *stem, size_t l);

#endif
