/* A source over .npy arrays: made and checked in source.c, read in source_read.c.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_JOB_SOURCE_H
#define OCLSTM_JOB_SOURCE_H

#include <stdbool.h>

#include "oclstm/oclstm_job.h"

/* What does not lie in the file as it is wanted is read in pieces of about this many elements. */
enum { OCLSTM__PIECE = 1 << 16 };

typedef struct oclstm__npy_source {
  oclstm_allocator allocator;
  oclstm_npy **arrays;
  size_t n_arrays;
  oclstm_layout layout;
  size_t rows, features; /* features is 1 for ids */
  bool ids;              /* int32 is wanted, of integer arrays */
  uint64_t steps;
  uint64_t *lengths; /* [rows], or NULL */
  void *piece;       /* [piece_steps, features] floats, or [piece_steps] int64 */
  size_t piece_steps;
} oclstm__npy_source;

/* The read function of an oclstm_source whose user is an oclstm__npy_source. */
oclstm_status oclstm__npy_source_read(void *user, uint64_t first, size_t n, void *to, oclstm_error *error);

#endif
