/* Reading of the io file of one case.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_CASE_FILE_H
#define OCLSTM_TEST_CASE_FILE_H

#include "formats/safetensors.h"
#include "support.h"

typedef struct case_file {
  unsigned char *bytes; /* of the whole file */
  const unsigned char *data;
  oclstm__safetensors index;
} case_file;

/* Both fail the running test when the file cannot be read. */
case_file open_case_file(const char *path);
void close_case_file(case_file *file);

bool has_case_tensor(const case_file *file, const char *name);
/* The tensor, which must be there, in its stored type: "F32", "F64" or "I32". Borrowed. */
const void *case_data(const case_file *file, const char *name, const char *dtype, size_t count);
/* Size of one axis. */
size_t case_axis(const case_file *file, const char *name, size_t axis);
/* Float copies, to be freed; F64 is rounded. */
float *case_floats(const case_file *file, const char *name, const char *dtype, size_t count);

#endif
