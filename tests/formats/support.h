/* What the tests of this room share: files built in memory, a folder of their own, an allocator that counts and fails.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_FORMATS_SUPPORT_H
#define OCLSTM_TESTS_FORMATS_SUPPORT_H

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oclstm/oclstm.h"

typedef struct buffer {
  unsigned char *bytes;
  size_t n;
} buffer;
void buffer_free(buffer *b);

/* ---- safetensors ---- */

/* Length, header with every ' turned into ", and data_bytes of zeros. */
buffer file_of_header(const char *header, size_t data_bytes);

typedef struct tensor_text {
  const char *name;
  const char *dtype; /* "F32", of the types of weights, I64 and U8 */
  size_t rank;
  size_t shape[3];
} tensor_text;

/* A file of these tensors, up to the first without a name, one after another. Weights hold small numbers that depend
 * on the place. description (with ' for "), if not NULL, becomes the metadata entry "oclstm". */
buffer file_of_tensors(const tensor_text *tensors, const char *description);
/* Element 0 of the tensor that begins at this byte of the data of such a file. */
double first_value(size_t begin);

/* ---- models ---- */

/* What a model has round its layers: 0 for none. */
typedef struct around {
  size_t embedding_size, head_size;
  int head_bias;
} around;
/* A model with small random weights of dtype F32 or F64, no two alike. */
oclstm_model *random_model(const oclstm_layer *layers, size_t n_layers, oclstm_dtype dtype, around ends);
void assert_models_equal(const oclstm_model *a, const oclstm_model *b);

/* ---- files ---- */

/* A new empty folder for one test program, and paths in it (static memory, eight at a time). */
int make_folder(void **state);
int remove_folder(void **state);
const char *in_folder(const char *name);
size_t count_files(void);
void write_file(const char *path, const void *bytes, size_t n);
buffer read_file(const char *path);

/* ---- memory ---- */

/* Refuses the allocation number fail_at (from 1; 0: never). */
typedef struct counting_allocator {
  size_t n_allocations, n_live, fail_at, largest;
} counting_allocator;
oclstm_allocator counting(counting_allocator *counts);

/* Fails the test when the error's text does not contain `names`. */
void assert_names(const oclstm_error *error, const char *names, const char *what);
/* Prints "N malformed ...: each refused as expected, and named". */
void say_count(size_t n, const char *what);

/* Fails the test with the status, the expected one and the error's text. */
void assert_status(oclstm_status found, oclstm_status expected, const oclstm_error *error, const char *what);

#endif
