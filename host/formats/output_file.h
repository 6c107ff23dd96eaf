/* A file that appears whole or not at all: written under a temporary name in its folder, then renamed.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_OUTPUT_FILE_H
#define OCLSTM_FORMATS_OUTPUT_FILE_H

#include "oclstm/oclstm.h"

enum { OCLSTM__TEMPORARY_NAME = 64 };

typedef struct oclstm__output_file {
  oclstm_allocator allocator;
  int fd;                                 /* -1: not open */
  int folder;                             /* the folder's descriptor: a change of directory does no harm */
  char *path;                             /* where it goes, links resolved */
  const char *name;                       /* last part of path */
  char temporary[OCLSTM__TEMPORARY_NAME]; /* "" when there is nothing to remove */
} oclstm__output_file;
#define OCLSTM__OUTPUT_FILE_INIT              \
  {                                           \
    {NULL, NULL, NULL}, -1, -1, NULL, NULL, { \
      0                                       \
    }                                         \
  }

/* Opens the temporary file. A link at path is followed; a target that exists must be a regular file that may be
 * written (a rename would replace a device, and would overrule a write protection). Its mode is kept.
 * Returns OK; E_OPEN; E_FULL; E_MEMORY. The file must be given to commit or discard, also after a failure. */
oclstm_status oclstm__output_open(oclstm__output_file *file, const char *path, oclstm_allocator allocator,
                                  oclstm_error *error);
/* Gives the file its size, zeros, and takes the space now. Returns OK; E_WRITE; E_FULL. */
oclstm_status oclstm__output_reserve(oclstm__output_file *file, uint64_t bytes, oclstm_error *error);
/* Returns OK; E_WRITE; E_FULL. */
oclstm_status oclstm__output_write(oclstm__output_file *file, uint64_t offset, const void *from, size_t n,
                                   oclstm_error *error);
/* Syncs, renames, syncs the folder; closes and frees everything, also on failure.
 * Returns OK; E_WRITE; E_FULL. */
oclstm_status oclstm__output_commit(oclstm__output_file *file, oclstm_error *error);
/* Removes the temporary file; closes and frees everything. May be called twice, and after commit. */
void oclstm__output_discard(oclstm__output_file *file);

#endif
