/* .npy arrays: what reading and writing share.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_NPY_H
#define OCLSTM_FORMATS_NPY_H

#include <stdbool.h>

#include "formats/input_file.h"
#include "formats/output_file.h"
#include "oclstm/oclstm_job.h"

enum {
  OCLSTM__NPY_MAX_RANK = 4,
  OCLSTM__NPY_ALIGNMENT = 64, /* of the data in the file */
  OCLSTM__NPY_HEADER = 256    /* room for the header of any array that is written */
};

struct oclstm_npy {
  oclstm_allocator allocator;
  oclstm_npy_info info;
  uint64_t data_begin;
  bool writing;
  oclstm__input_file input;   /* when reading */
  oclstm__output_file output; /* when writing */
  char *path;                 /* for messages */
  unsigned char block[1 << 15];
};

/* ---- npy_header.c ---- */

/* Reads the dictionary of a header, n bytes of text without the magic and the length. Counts the elements.
 * Returns OK; E_FORMAT; E_DTYPE; E_LIMIT. */
oclstm_status oclstm__npy_parse(const char *text, size_t n, const oclstm_limits *limits,
                                oclstm_npy_info *info, oclstm_error *error);
/* Writes the whole header of a float32 array; returns its bytes, a multiple of OCLSTM__NPY_ALIGNMENT. */
size_t oclstm__npy_format(const oclstm_npy_info *info, unsigned char header[OCLSTM__NPY_HEADER]);
/* Sets info->count; false when the array's bytes do not fit an off_t. */
bool oclstm__npy_count(oclstm_npy_info *info);

/* ---- npy_convert.c ---- */

/* n elements of `dtype`, unaligned; integers are rounded once, to the nearest float. */
void oclstm__npy_to_f32(oclstm_dtype dtype, const unsigned char *from, size_t n, float *to);
/* Integer types only. */
void oclstm__npy_to_i64(oclstm_dtype dtype, const unsigned char *from, size_t n, int64_t *to);

/* ---- npy_read.c ---- */

/* Whether elements first .. first + count - 1 may be read (or, with writing, written). */
oclstm_status oclstm__npy_check_access(const oclstm_npy *npy, bool writing, uint64_t first, size_t count,
                                       const void *memory, oclstm_error *error);

#endif
