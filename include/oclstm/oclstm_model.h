/* Networks in host memory: made from arrays, loaded, saved, and asked what they are.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_MODEL_H
#define OCLSTM_OCLSTM_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_hooks.h"
#include "oclstm/oclstm_layer.h"
#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Upper bounds on what files and descriptors may ask for, checked before anything is multiplied or allocated. What is over
 * one is E_LIMIT. 0 = the default, which the comment ends with. */
typedef struct oclstm_limits {
  size_t struct_size;
  uint64_t header_bytes; /* safetensors header; 16 MiB */
  uint64_t tensors;      /* in one file; 65,536 */
  uint64_t features;     /* I, H, P and the head's size, each; 65,536, never more than 2^28 */
  uint64_t layers;       /* 256 */
  uint64_t parameters;   /* in one model; 2^34 */
  uint64_t steps;        /* T of one array; 2^40 */
  uint64_t rows;         /* B of one array; 2^24 */
  uint64_t ids;          /* V, rows of an embedding; 2^24, never more than 2^31 - 1 */
  uint64_t nodes;        /* of one ONNX graph; 65,536 */
} oclstm_limits;
#define OCLSTM_LIMITS_INIT \
  { sizeof(oclstm_limits), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

typedef struct oclstm_model oclstm_model;

/* A network to be made from the caller's arrays. */
typedef struct oclstm_model_desc {
  size_t struct_size;
  size_t n_layers;
  const oclstm_layer *layers;    /* [n_layers] */
  const oclstm_weights *weights; /* [n_layers][2]; the second of a layer only when bidirectional */
  size_t head_size;              /* O of a dense head y = h W^T + b behind the last layer; 0 for none */
  oclstm_array head_W;           /* [O, width of the last layer] */
  oclstm_array head_b;           /* [O], or absent */
  const oclstm_limits *limits;   /* NULL: the defaults */
  oclstm_allocator allocator;    /* zero: malloc and free */
  size_t embedding_size;         /* V of an embedding in front of the first layer; 0 for none */
  oclstm_array embedding;        /* [V, I]: row v is the x of id v */
} oclstm_model_desc;
#define OCLSTM_MODEL_DESC_INIT                                                                 \
  {                                                                                            \
    sizeof(oclstm_model_desc), 0, NULL, NULL, 0, {NULL, OCLSTM_F32}, {NULL, OCLSTM_F32}, NULL, \
        {NULL, NULL, NULL}, 0, {                                                               \
      NULL, OCLSTM_F32                                                                         \
    }                                                                                          \
  }

/* Makes a model. The descriptor's arrays are copied (F64 stays double, for the reference; the others become
 * float32, exactly).
 * Returns OK; E_ARGUMENT (a NULL, a struct_size, no layers, an enumerator or a number out of range, options that do not go
 * together); E_SHAPE (a size of 0, or sizes that do not fit each other); E_LIMIT; E_MISSING (an array the layer's
 * description needs); E_DTYPE (an array of integers); E_NONFINITE; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_model_create(const oclstm_model_desc *desc, oclstm_model **model,
                                             oclstm_error *error);

typedef enum oclstm_file_format {
  OCLSTM_FILE_AUTO, /* by its first bytes */
  OCLSTM_FILE_SAFETENSORS,
  OCLSTM_FILE_ONNX
} oclstm_file_format;

typedef struct oclstm_load_options {
  size_t struct_size;
  const oclstm_limits *limits; /* NULL: the defaults */
  oclstm_allocator allocator;  /* of the model too; zero: malloc and free */
  oclstm_file_format format;
  /* ONNX: weights in other files may be read, from the model's folder or below and never through a link. 0: they are
   * refused. */
  int external_data;
} oclstm_load_options;
#define OCLSTM_LOAD_OPTIONS_INIT \
  { sizeof(oclstm_load_options), NULL, {NULL, NULL, NULL}, OCLSTM_FILE_AUTO, 0 }

/* Reads a model file. options may be NULL. The file may come from anyone: nothing is allocated or multiplied before it
 * is checked.
 *   safetensors  With an "oclstm" entry in its metadata, that entry says what the network is; without one, the names of
 *                a PyTorch state_dict are read and the shapes say the rest.
 *   ONNX         A chain of LSTM, GRU and RNN nodes with the reshaping that exporters put round them, an embedding
 *                (Gather) in front and a dense head behind; everything else is refused by name. The result is checked
 *                against the nodes' own equations over one step before it is returned.
 * Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_TRUNCATED; E_FORMAT; E_DTYPE; E_MISSING; E_SHAPE; E_LIMIT;
 * E_NONFINITE; E_CHECKSUM; E_UNSUPPORTED (naming what: a node, an attribute, a description of a later version);
 * E_MISMATCH (the check after an import); E_MEMORY. docs/model_format.md says which is which. */
OCLSTM_API oclstm_status oclstm_model_load(const char *path, const oclstm_load_options *options,
                                           oclstm_model **model, oclstm_error *error);
/* The same from n bytes in memory, which are copied as far as needed. There is no folder for weights in other files: they are
 * E_UNSUPPORTED. */
OCLSTM_API oclstm_status oclstm_model_load_memory(const void *bytes, size_t n,
                                                  const oclstm_load_options *options, oclstm_model **model,
                                                  oclstm_error *error);

/* Writes the model as safetensors with its description and a checksum. Written to a temporary name beside path,
 * then renamed: path is either the whole new file or untouched. A link at path is followed, the mode of a file that
 * is replaced is kept.
 * Returns OK; E_ARGUMENT; E_OPEN (the folder is missing or not writable, or path is no regular
 * file or may not be written); E_WRITE; E_FULL; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_model_save(const oclstm_model *model, const char *path, oclstm_error *error);
/* Writes the model as an ONNX graph (operator set 14) in the same way. Inputs are X [T,B,I], or ids [T,B] before an
 * embedding, lengths [B], and initial_h_N and initial_c_N [D,B,H] of each layer N that has no initial state of its own;
 * outputs Y, and Y_h_N and Y_c_N. With a head, Y behind a row's length is the head's bias. Dropout is left out: it is nothing
 * outside of training.
 * Returns what oclstm_model_save does; E_UNSUPPORTED naming what ONNX cannot say (a projection, layer norm, clip_cell, zoneout,
 * i = 1 - f); E_LIMIT (more than the 2 GiB of an ONNX file). */
OCLSTM_API oclstm_status oclstm_model_save_onnx(const oclstm_model *model, const char *path,
                                                oclstm_error *error);

/* Destroys *model and sets it to NULL; NULL and *model == NULL are fine. Plans and states of the model must be
 * destroyed before. */
OCLSTM_API void oclstm_model_destroy(oclstm_model **model);

/* What the model is. Pointers are borrowed until the model is destroyed. Sizes in floats, parameters in elements of all
 * arrays, head and embedding included. */
OCLSTM_API size_t oclstm_model_n_layers(const oclstm_model *model);
OCLSTM_API const oclstm_layer *oclstm_model_layer(const oclstm_model *model,
                                                  size_t index); /* NULL if out of range */
/* I of the first layer; with an embedding 1: a step of a row is one id. */
OCLSTM_API size_t oclstm_model_input_size(const oclstm_model *model);
OCLSTM_API size_t oclstm_model_output_size(const oclstm_model *model); /* of the head, or of the last layer */
OCLSTM_API size_t oclstm_model_head_size(const oclstm_model *model);   /* 0 without one */
OCLSTM_API size_t oclstm_model_embedding_size(const oclstm_model *model); /* V; 0 without one */
OCLSTM_API uint64_t oclstm_model_parameters(const oclstm_model *model);
/* The arrays of one direction (0 or 1) of one layer, and of the head, F32 or F64 as they are kept. Absent ones have
 * data NULL, as has everything when an index is out of range. Borrowed until the model is destroyed. */
OCLSTM_API oclstm_weights oclstm_model_weights(const oclstm_model *model, size_t layer, size_t direction);
OCLSTM_API void oclstm_model_head(const oclstm_model *model, oclstm_array *W, oclstm_array *b);
OCLSTM_API oclstm_array oclstm_model_embedding(const oclstm_model *model); /* [V, I] */
/* Floats in h (or c) of one batch row, summed over layers and directions. GRU and RNN layers have no c. */
OCLSTM_API size_t oclstm_model_h_size(const oclstm_model *model);
OCLSTM_API size_t oclstm_model_c_size(const oclstm_model *model);

#ifdef __cplusplus
}
#endif

#endif
