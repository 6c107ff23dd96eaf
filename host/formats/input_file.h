/* A regular file read at any offset. Never mapped: a mapped file that shrinks kills the process.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_INPUT_FILE_H
#define OCLSTM_FORMATS_INPUT_FILE_H

#include "oclstm/oclstm.h"

typedef struct oclstm__input_file {
  int fd;           /* -1: closed */
  uint64_t bytes;   /* as of opening */
  const char *path; /* borrowed, for messages */
} oclstm__input_file;
#define OCLSTM__INPUT_FILE_INIT \
  { -1, 0, NULL }

/* Returns OK; E_OPEN (also for what is no regular file); E_READ. */
oclstm_status oclstm__input_open(oclstm__input_file *file, const char *path, oclstm_error *error);
/* Exactly n bytes from `offset` on. Returns OK; E_READ; E_TRUNCATED. */
oclstm_status oclstm__input_read(const oclstm__input_file *file, uint64_t offset, void *to, size_t n,
                                 oclstm_error *error);
void oclstm__input_close(oclstm__input_file *file);

#endif
