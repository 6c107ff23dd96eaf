/* What the tests of this room share.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/bytes.h"
#include "model/model.h"

void buffer_free(buffer *b) {
  free(b->bytes);
  *b = (buffer){NULL, 0};
}

/* ---- safetensors ---- */

static char *with_double_quotes(const char *text) {
  char *copy = strdup(text);
  assert_non_null(copy);
  for (char *p = copy; *p != '\0'; ++p) {
    *p = *p == '\'' ? '"' : *p;
  }
  return copy;
}

static buffer file_of_text(const char *header, size_t data_bytes) {
  size_t n = strlen(header);
  buffer b = {calloc(1, 8 + n + data_bytes + 1), 8 + n + data_bytes};
  assert_non_null(b.bytes);
  oclstm__put_le(b.bytes, 8, n);
  memcpy(b.bytes + 8, header, n);
  return b;
}

buffer file_of_header(const char *header, size_t data_bytes) {
  char *text = with_double_quotes(header);
  buffer b = file_of_text(text, data_bytes);
  free(text);
  return b;
}

static size_t count_of(const tensor_text *tensor) {
  size_t count = 1;
  for (size_t k = 0; k < tensor->rank; ++k) {
    count *= tensor->shape[k];
  }
  return count;
}

/* A number from -0.5 to 0.5 that every float type holds exactly; 251 different ones in a row. */
static double value_at(size_t k) {
  return ((double)(k * 37 % 251) - 125.0) / 256.0;
}

double first_value(size_t begin) {
  return value_at(begin);
}

static size_t write_element(unsigned char *to, const char *dtype, size_t k) {
  float single = (float)value_at(k);
  double wide = value_at(k);
  uint32_t bits;
  memcpy(&bits, &single, sizeof bits);
  if (strcmp(dtype, "F32") == 0) {
    memcpy(to, &single, 4);
    return 4;
  }
  if (strcmp(dtype, "F64") == 0) {
    memcpy(to, &wide, 8);
    return 8;
  }
  if (strcmp(dtype, "BF16") == 0) {
    oclstm__put_le(to, 2, bits >> 16);
    return 2;
  }
  if (strcmp(dtype, "F16") == 0) {
    uint32_t exponent = ((bits >> 23) & 0xff) - 112;
    oclstm__put_le(to, 2, wide == 0.0 ? 0 : (bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff));
    return 2;
  }
  memset(to, 0, 8);
  return strcmp(dtype, "I64") == 0 ? 8 : 1;
}

buffer file_of_tensors(const tensor_text *tensors, const char *description) {
  unsigned char *data = calloc(1, 1 << 20);
  size_t end = 0;
  json_t *root = json_object();
  assert_non_null(data);
  if (description != NULL) {
    char *text = with_double_quotes(description);
    json_object_set_new(root, "__metadata__", json_pack("{s:s}", "oclstm", text));
    free(text);
  }
  for (; tensors->name != NULL; ++tensors) {
    size_t begin = end;
    json_t *shape = json_array();
    for (size_t k = 0; k < tensors->rank; ++k) {
      json_array_append_new(shape, json_integer((json_int_t)tensors->shape[k]));
    }
    for (size_t k = 0; k < count_of(tensors); ++k) {
      end += write_element(data + end, tensors->dtype, k + begin);
      assert_true(end < (1 << 20) - 8);
    }
    json_object_set_new(root, tensors->name,
                        json_pack("{s:s,s:o,s:[I,I]}", "dtype", tensors->dtype, "shape", shape,
                                  "data_offsets", (json_int_t)begin, (json_int_t)end));
  }
  char *header = json_dumps(root, JSON_COMPACT);
  buffer b = file_of_text(header, end);
  memcpy(b.bytes + b.n - end, data, end);
  free(header);
  free(data);
  json_decref(root);
  return b;
}

/* ---- models ---- */

static void *random_array(size_t count, oclstm_dtype dtype) {
  void *data = calloc(count + 1, 8);
  assert_non_null(data);
  for (size_t k = 0; k < count; ++k) {
    double value = (double)rand() / RAND_MAX - 0.5;
    if (dtype == OCLSTM_F64) {
      ((double *)data)[k] = value;
    } else {
      ((float *)data)[k] = (float)value;
    }
  }
  return data;
}

oclstm_model *random_model(const oclstm_layer *layers, size_t n_layers, oclstm_dtype dtype, around ends) {
  oclstm_weights *weights = calloc(2 * n_layers, sizeof *weights);
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_non_null(weights);
  for (size_t k = 0; k < 2 * n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n =
        k % 2 < oclstm_layer_directions(&layers[k / 2]) ? oclstm__layer_arrays(&layers[k / 2], specs) : 0;
    for (size_t s = 0; s < n; ++s) {
      *oclstm__spec_array(&specs[s], &weights[k]) =
          (oclstm_array){random_array(oclstm__spec_count(&specs[s]), dtype), dtype};
    }
  }
  desc.n_layers = n_layers;
  desc.layers = layers;
  desc.weights = weights;
  desc.head_size = ends.head_size;
  if (ends.head_size != 0) {
    size_t width = oclstm_layer_output_size(&layers[n_layers - 1]);
    desc.head_W = (oclstm_array){random_array(ends.head_size * width, dtype), dtype};
    desc.head_b =
        (oclstm_array){ends.head_bias ? random_array(ends.head_size, OCLSTM_F32) : NULL, OCLSTM_F32};
  }
  desc.embedding_size = ends.embedding_size;
  if (ends.embedding_size != 0) {
    desc.embedding = (oclstm_array){random_array(ends.embedding_size * layers[0].input_size, dtype), dtype};
  }
  assert_status(oclstm_model_create(&desc, &model, &error), OCLSTM_OK, &error, "random model");
  for (size_t k = 0; k < 2 * n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n = oclstm__layer_arrays(&layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      free((void *)oclstm__spec_array(&specs[s], &weights[k])->data);
    }
  }
  free((void *)desc.head_W.data);
  free((void *)desc.head_b.data);
  free((void *)desc.embedding.data);
  free(weights);
  return model;
}

static void assert_arrays_equal(const oclstm_array *a, const oclstm_array *b, size_t count) {
  assert_int_equal(a->data == NULL, b->data == NULL);
  if (a->data != NULL) {
    assert_int_equal(a->dtype, b->dtype);
    assert_memory_equal(a->data, b->data, count * oclstm__dtype_bytes(a->dtype));
  }
}

void assert_models_equal(const oclstm_model *a, const oclstm_model *b) {
  assert_int_equal(a->n_layers, b->n_layers);
  assert_int_equal(a->head_size, b->head_size);
  for (size_t k = 0; k < 2 * a->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    assert_memory_equal(&a->layers[k / 2], &b->layers[k / 2], sizeof a->layers[0]);
    size_t n = oclstm__layer_arrays(&a->layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      assert_arrays_equal(oclstm__spec_array(&specs[s], &a->weights[k]),
                          oclstm__spec_array(&specs[s], &b->weights[k]), oclstm__spec_count(&specs[s]));
    }
  }
  size_t width = oclstm_layer_output_size(&a->layers[a->n_layers - 1]);
  assert_arrays_equal(&a->head_W, &b->head_W, a->head_size * width);
  assert_arrays_equal(&a->head_b, &b->head_b, a->head_size);
  assert_int_equal(a->embedding_size, b->embedding_size);
  assert_arrays_equal(&a->embedding, &b->embedding, a->embedding_size * a->layers[0].input_size);
}

/* ---- files ---- */

static char folder[64];

int make_folder(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "formats-test-%ld", (long)getpid());
  return mkdir(folder, 0700);
}

int remove_folder(void **state) {
  (void)state;
  DIR *listing = opendir(folder);
  struct dirent *entry;
  if (listing == NULL) {
    return -1;
  }
  while ((entry = readdir(listing)) != NULL) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      (void)remove(in_folder(entry->d_name));
    }
  }
  (void)closedir(listing);
  return rmdir(folder);
}

const char *in_folder(const char *name) {
  static char paths[8][512];
  static size_t next;
  char *path = paths[next++ % 8];
  (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

size_t count_files(void) {
  DIR *listing = opendir(folder);
  size_t n = 0;
  assert_non_null(listing);
  while (readdir(listing) != NULL) {
    ++n;
  }
  (void)closedir(listing);
  return n - 2;
}

void write_file(const char *path, const void *bytes, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
}

buffer read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  buffer b = {NULL, 0};
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  b.n = (size_t)ftell(file);
  rewind(file);
  b.bytes = malloc(b.n + 1);
  assert_non_null(b.bytes);
  assert_int_equal(fread(b.bytes, 1, b.n, file), b.n);
  (void)fclose(file);
  return b;
}

/* ---- memory ---- */

static void *count_alloc(void *user, size_t bytes) {
  counting_allocator *counts = user;
  void *memory = ++counts->n_allocations == counts->fail_at ? NULL : malloc(bytes);
  counts->n_live += memory != NULL ? 1U : 0U;
  counts->largest = bytes > counts->largest ? bytes : counts->largest;
  return memory;
}

static void count_free(void *user, void *memory) {
  counting_allocator *counts = user;
  assert_non_null(memory);
  --counts->n_live;
  free(memory);
}

oclstm_allocator counting(counting_allocator *counts) {
  return (oclstm_allocator){count_alloc, count_free, counts};
}

void assert_status(oclstm_status found, oclstm_status expected, const oclstm_error *error, const char *what) {
  if (found != expected) {
    fail_msg("%s: expected %s, found %s (%s)", what, oclstm_status_name(expected), oclstm_status_name(found),
             error != NULL ? error->text : "");
  }
  if (found != OCLSTM_OK && error != NULL) {
    assert_int_equal(error->status, found);
    assert_true(error->text[0] != '\0');
  }
}

void assert_names(const oclstm_error *error, const char *names, const char *what) {
  if (strstr(error->text, names) == NULL) {
    fail_msg("%s: \"%s\" does not name \"%s\"", what, error->text, names);
  }
}

void say_count(size_t n, const char *what) {
  print_message("%zu %s: each has its status, and its message names what is wrong\n", n, what);
}
