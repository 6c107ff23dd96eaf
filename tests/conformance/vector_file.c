/* Reading of vectors: index, network, tensors.
 * SPDX-License-Identifier: MIT */
#include "vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- index ---- */

static bool parse_line(const char *line, vector_line *to) {
  char layout[8], size[8], expect[64];
  if (sscanf(line, "%119s %7s %7s %lg %lg %63s", to->name, layout, size, &to->float32, &to->float64,
             expect) != 6) {
    return false;
  }
  const char *word = strchr(expect, ':');
  to->layout = strcmp(layout, "bti") == 0 ? OCLSTM_BATCH_MAJOR : OCLSTM_TIME_MAJOR;
  to->small = strcmp(size, "small") == 0;
  to->expect = EXPECT_RUN;
  if (word != NULL) {
    to->expect = EXPECT_REFUSE;
  } else if (strcmp(expect, "differ") == 0) {
    to->expect = EXPECT_DIFFER;
  } else if (strcmp(expect, "either") == 0) {
    to->expect = EXPECT_EITHER;
  }
  (void)snprintf(to->word, sizeof to->word, "%s", word != NULL ? word + 1 : "");
  return to->expect != EXPECT_RUN || strcmp(expect, "run") == 0;
}

size_t read_vector_index(const char *folder, bool only_small, vector_line lines[MAX_CASES]) {
  char path[MAX_PATH], line[512];
  (void)snprintf(path, sizeof path, "%s/index.txt", folder);
  FILE *file = fopen(path, "r");
  size_t n = 0;
  if (file == NULL) {
    print_error("%s cannot be opened\n", path);
    exit(1);
  }
  while (fgets(line, sizeof line, file) != NULL) {
    if (n == MAX_CASES || !parse_line(line, &lines[n])) {
      print_error("%s: line %zu is not NAME LAYOUT SIZE FLOAT32 FLOAT64 EXPECT, or one too many\n", path,
                  n + 1);
      exit(1);
    }
    n += !only_small || lines[n].small;
  }
  (void)fclose(file);
  return n;
}

/* ---- network ---- */

/* Weights have a dot in their names, and lie in front of all other tensors. Returns the bytes that they take; the
 * header that is left says no more than they are. */
static size_t keep_weights(json_t *header, const case_file *file) {
  size_t bytes = 0;
  for (size_t k = 0; k < file->index.n_tensors; ++k) {
    const oclstm__tensor *tensor = &file->index.tensors[k];
    if (strchr(tensor->name, '.') == NULL) {
      (void)json_object_del(header, tensor->name);
    } else if (tensor->begin + tensor->bytes > bytes) {
      bytes = tensor->begin + tensor->bytes;
    }
  }
  return bytes;
}

/* The bytes of a model file made of the weights and the metadata of a vector, to be freed. */
static unsigned char *model_bytes(const case_file *file, size_t *n) {
  json_t *header = json_deep_copy(file->index.header);
  assert_non_null(header);
  const size_t data = keep_weights(header, file);
  char *text = json_dumps(header, JSON_COMPACT);
  assert_non_null(text);
  const size_t length = strlen(text);
  unsigned char *bytes = malloc(OCLSTM__PREFIX_BYTES + length + data);
  assert_non_null(bytes);
  for (size_t k = 0; k < OCLSTM__PREFIX_BYTES; ++k) {
    bytes[k] = (unsigned char)((uint64_t)length >> 8 * k);
  }
  memcpy(bytes + OCLSTM__PREFIX_BYTES, text, length);
  memcpy(bytes + OCLSTM__PREFIX_BYTES + length, file->data, data);
  *n = OCLSTM__PREFIX_BYTES + length + data;
  free(text);
  json_decref(header);
  return bytes;
}

oclstm_status load_vector_model(const char *folder, const char *name, const case_file *file,
                                oclstm_model **model, oclstm_error *error) {
  char path[MAX_PATH];
  (void)snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
  FILE *onnx = fopen(path, "rb");
  if (onnx != NULL) {
    (void)fclose(onnx);
    return oclstm_model_load(path, NULL, model, error);
  }
  size_t n = 0;
  unsigned char *bytes = model_bytes(file, &n);
  const oclstm_status status = oclstm_model_load_memory(bytes, n, NULL, model, error);
  free(bytes);
  return status;
}

/* ---- tensors ---- */

size_t vector_count(const case_file *file, const char *name) {
  const oclstm__tensor *tensor = oclstm__safetensors_find(&file->index, name);
  return tensor == NULL ? 0 : tensor->bytes / (strcmp(tensor->dtype_name, "F64") == 0 ? 8 : 4);
}

void *vector_copy(const case_file *file, const char *name, const char *dtype, size_t count) {
  if (!has_case_tensor(file, name)) {
    return NULL;
  }
  const void *from = case_data(file, name, dtype, count);
  void *copy = calloc(count + 1, 4);
  assert_non_null(copy);
  memcpy(copy, from, count * 4);
  return copy;
}
