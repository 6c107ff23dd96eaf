/* Reading of the io file of one case.
 * SPDX-License-Identifier: MIT */
#include "case_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "model/model.h"

static unsigned char *read_whole(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    fail_msg("%s cannot be opened", path);
  }
  long end = ftell(file);
  assert_true(end > OCLSTM__PREFIX_BYTES);
  *n = (size_t)end;
  unsigned char *bytes = malloc(*n);
  assert_non_null(bytes);
  rewind(file);
  assert_int_equal(fread(bytes, 1, *n, file), *n);
  assert_int_equal(fclose(file), 0);
  return bytes;
}

case_file open_case_file(const char *path) {
  case_file file = {NULL};
  const oclstm_limits limits = oclstm__limits(NULL);
  size_t n = 0;
  size_t header = 0;
  file.bytes = read_whole(path, &n);
  OK(oclstm__safetensors_header_bytes(file.bytes, n, &limits, &header, &last_error));
  file.data = file.bytes + OCLSTM__PREFIX_BYTES + header;
  OK(oclstm__safetensors_index(&file.index, (const char *)file.bytes + OCLSTM__PREFIX_BYTES, header,
                               n - OCLSTM__PREFIX_BYTES - header, &limits,
                               oclstm__allocator((oclstm_allocator){NULL, NULL, NULL}), &last_error));
  return file;
}

void close_case_file(case_file *file) {
  oclstm__safetensors_destroy(&file->index);
  free(file->bytes);
  memset(file, 0, sizeof *file);
}

bool has_case_tensor(const case_file *file, const char *name) {
  return oclstm__safetensors_find(&file->index, name) != NULL;
}

static const oclstm__tensor *find(const case_file *file, const char *name) {
  const oclstm__tensor *found = oclstm__safetensors_find(&file->index, name);
  if (found == NULL) {
    fail_msg("tensor %s is missing", name);
  }
  return found;
}

size_t case_axis(const case_file *file, const char *name, size_t axis) {
  const oclstm__tensor *found = find(file, name);
  assert_true(axis < found->rank);
  return found->shape[axis];
}

const void *case_data(const case_file *file, const char *name, const char *dtype, size_t count) {
  const oclstm__tensor *found = find(file, name);
  size_t bytes = count * (strcmp(dtype, "F64") == 0 ? 8 : 4);
  if (strcmp(found->dtype_name, dtype) != 0 || found->bytes != bytes) {
    fail_msg("tensor %s: expected %s in %zu bytes, found %s in %zu", name, dtype, bytes, found->dtype_name,
             found->bytes);
  }
  return file->data + found->begin;
}

float *case_floats(const case_file *file, const char *name, const char *dtype, size_t count) {
  const oclstm_array array = {case_data(file, name, dtype, count),
                              strcmp(dtype, "F64") == 0 ? OCLSTM_F64 : OCLSTM_F32};
  float *to = calloc(count != 0 ? count : 1, sizeof *to);
  assert_non_null(to);
  oclstm__array_f32(&array, 0, count, to);
  return to;
}
