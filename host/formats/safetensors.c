/* safetensors: an index of named tensors, checked completely before anything is done with it.
 * Source of the format: the README of the safetensors project, version 0.4.
 * SPDX-License-Identifier: MIT */
#include "formats/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/bytes.h"
#include "formats/json_text.h"

enum {
  HEADER_DEPTH = 3,      /* header, tensor, shape */
  VALUES_A_TENSOR = 16,  /* three members, their brackets, and the numbers of two lists */
  SPARE_VALUES = 1 << 12 /* metadata of a file with few tensors */
};

/* Element types of the format; the ones of less than a byte have no size here and are refused as unknown. */
static const struct {
  const char *name;
  size_t bytes;
  bool weights;
  oclstm_dtype dtype;
} DTYPES[] = {
    {"F32", 4, true, OCLSTM_F32},     {"F64", 8, true, OCLSTM_F64},     {"F16", 2, true, OCLSTM_F16},
    {"BF16", 2, true, OCLSTM_BF16},   {"I8", 1, false, OCLSTM_I8},      {"I16", 2, false, OCLSTM_I16},
    {"I32", 4, false, OCLSTM_I32},    {"I64", 8, false, OCLSTM_I64},    {"U8", 1, false, OCLSTM_I8},
    {"U16", 2, false, OCLSTM_I8},     {"U32", 4, false, OCLSTM_I8},     {"U64", 8, false, OCLSTM_I8},
    {"BOOL", 1, false, OCLSTM_I8},    {"F8_E4M3", 1, false, OCLSTM_I8}, {"F8_E5M2", 1, false, OCLSTM_I8},
    {"F8_E8M0", 1, false, OCLSTM_I8}, {"C64", 8, false, OCLSTM_I8},
};

oclstm_status oclstm__safetensors_header_bytes(const unsigned char prefix[OCLSTM__PREFIX_BYTES],
                                               uint64_t file_bytes, const oclstm_limits *limits,
                                               size_t *header_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t length = oclstm__get_le(prefix, OCLSTM__PREFIX_BYTES);
  REQUIRE(length <= limits->header_bytes, OCLSTM_E_LIMIT, "header of %llu bytes, the limit is %llu",
          (unsigned long long)length, (unsigned long long)limits->header_bytes);
  REQUIRE(length <= file_bytes - OCLSTM__PREFIX_BYTES, OCLSTM_E_TRUNCATED,
          "header of %llu bytes in a file of %llu", (unsigned long long)length,
          (unsigned long long)file_bytes);
  REQUIRE(length > 0, OCLSTM_E_FORMAT, "header of 0 bytes");
  *header_bytes = (size_t)length;
done:
  return status;
}

/* ---- one tensor ---- */

static oclstm_status read_size(const json_t *value, const char *name, const char *what, size_t *size,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_integer(value), OCLSTM_E_FORMAT, "tensor %s: %s: not an integer", name, what);
  REQUIRE(json_integer_value(value) >= 0, OCLSTM_E_FORMAT, "tensor %s: %s: %lld is negative", name, what,
          (long long)json_integer_value(value));
  *size = (size_t)json_integer_value(value);
done:
  return status;
}

static oclstm_status read_dtype(const json_t *value, oclstm__tensor *tensor, size_t *element_bytes,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_string(value), OCLSTM_E_FORMAT, "tensor %s: dtype is missing or no string", tensor->name);
  for (size_t k = 0; k < sizeof DTYPES / sizeof DTYPES[0]; ++k) {
    if (strcmp(json_string_value(value), DTYPES[k].name) == 0) {
      tensor->dtype_name = DTYPES[k].name;
      tensor->weights = DTYPES[k].weights;
      tensor->dtype = DTYPES[k].dtype;
      *element_bytes = DTYPES[k].bytes;
      return OCLSTM_OK;
    }
  }
  REQUIRE(false, OCLSTM_E_DTYPE, "tensor %s: dtype %s is unknown", tensor->name, json_string_value(value));
done:
  return status;
}

/* *count: elements, the product of the shape. */
static oclstm_status read_shape(const json_t *value, oclstm__tensor *tensor, size_t *count,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_array(value), OCLSTM_E_FORMAT, "tensor %s: shape is missing or no list", tensor->name);
  tensor->rank = json_array_size(value);
  REQUIRE(tensor->rank <= OCLSTM__MAX_TENSOR_RANK, OCLSTM_E_LIMIT, "tensor %s: rank %zu, the limit is %d",
          tensor->name, tensor->rank, OCLSTM__MAX_TENSOR_RANK);
  *count = 1;
  for (size_t k = 0; k < tensor->rank; ++k) {
    TRY(read_size(json_array_get(value, k), tensor->name, "shape", &tensor->shape[k], error));
    REQUIRE(oclstm__mul(*count, tensor->shape[k], count), OCLSTM_E_FORMAT,
            "tensor %s: the product of its shape overflows", tensor->name);
  }
done:
  return status;
}

static oclstm_status read_offsets(const json_t *value, oclstm__tensor *tensor, size_t data_bytes,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t end = 0;
  REQUIRE(json_is_array(value) && json_array_size(value) == 2, OCLSTM_E_FORMAT,
          "tensor %s: data_offsets is missing or no pair", tensor->name);
  TRY(read_size(json_array_get(value, 0), tensor->name, "data_offsets", &tensor->begin, error));
  TRY(read_size(json_array_get(value, 1), tensor->name, "data_offsets", &end, error));
  REQUIRE(tensor->begin <= end, OCLSTM_E_FORMAT, "tensor %s: data_offsets [%zu,%zu] run backwards",
          tensor->name, tensor->begin, end);
  REQUIRE(end <= data_bytes, OCLSTM_E_TRUNCATED, "tensor %s: ends at byte %zu of %zu data bytes",
          tensor->name, end, data_bytes);
  tensor->bytes = end - tensor->begin;
done:
  return status;
}

static oclstm_status read_tensor(const char *name, const json_t *value, size_t data_bytes,
                                 oclstm__tensor *tensor, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t element_bytes = 0;
  size_t count = 0;
  size_t bytes = 0;
  tensor->name = name;
  REQUIRE(strlen(name) <= OCLSTM__MAX_TENSOR_NAME, OCLSTM_E_LIMIT,
          "tensor %.64s...: name of %zu bytes, the limit is %d", name, strlen(name), OCLSTM__MAX_TENSOR_NAME);
  REQUIRE(json_is_object(value), OCLSTM_E_FORMAT, "tensor %s: not an object", name);
  TRY(read_dtype(json_object_get(value, "dtype"), tensor, &element_bytes, error));
  TRY(read_shape(json_object_get(value, "shape"), tensor, &count, error));
  TRY(read_offsets(json_object_get(value, "data_offsets"), tensor, data_bytes, error));
  REQUIRE(json_object_size(value) == 3, OCLSTM_E_FORMAT,
          "tensor %s: %zu members, not dtype, shape and data_offsets alone", name, json_object_size(value));
  REQUIRE(oclstm__mul(count, element_bytes, &bytes) && bytes == tensor->bytes, OCLSTM_E_FORMAT,
          "tensor %s: %zu elements of %s in %zu bytes", name, count, tensor->dtype_name, tensor->bytes);
done:
  return status;
}

/* ---- all of them ---- */

static int compare_places(const void *a, const void *b) {
  const oclstm__tensor *left = a;
  const oclstm__tensor *right = b;
  if (left->begin != right->begin) {
    return left->begin < right->begin ? -1 : 1;
  }
  return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const oclstm__tensor *)a)->name, ((const oclstm__tensor *)b)->name);
}

/* No holes, no overlaps, nothing behind the last tensor: what a reader does not see does not exist. */
static oclstm_status check_places(const oclstm__safetensors *index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t end = 0;
  for (size_t k = 0; k < index->n_tensors; ++k) {
    const oclstm__tensor *tensor = &index->tensors[k];
    REQUIRE(tensor->begin == end, OCLSTM_E_FORMAT,
            "tensor %s: begins at data byte %zu, the one before ends at %zu", tensor->name, tensor->begin,
            end);
    end += tensor->bytes;
  }
  REQUIRE(end == index->data_bytes, OCLSTM_E_FORMAT, "%zu bytes behind the last tensor",
          index->data_bytes - end);
done:
  return status;
}

static oclstm_status read_metadata(oclstm__safetensors *index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  json_t *metadata = json_object_get(index->header, "__metadata__");
  const char *key;
  json_t *value;
  REQUIRE(metadata == NULL || json_is_object(metadata), OCLSTM_E_FORMAT, "__metadata__ is no object");
  json_object_foreach(metadata, key, value) {
    REQUIRE(json_is_string(value), OCLSTM_E_FORMAT, "__metadata__: %s is no string", key);
  }
  index->description = json_string_value(json_object_get(metadata, "oclstm"));
done:
  return status;
}

static oclstm_status read_tensors(oclstm__safetensors *index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const char *name;
  json_t *value;
  size_t n = 0;
  json_object_foreach(index->header, name, value) {
    if (strcmp(name, "__metadata__") != 0) {
      TRY(read_tensor(name, value, index->data_bytes, &index->tensors[n++], error));
    }
  }
  qsort(index->tensors, n, sizeof *index->tensors, compare_places);
  TRY(check_places(index, error));
  qsort(index->tensors, n, sizeof *index->tensors, compare_names);
done:
  return status;
}

oclstm_status oclstm__safetensors_index(oclstm__safetensors *index, const char *header, size_t header_bytes,
                                        size_t data_bytes, const oclstm_limits *limits,
                                        oclstm_allocator allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t max_values = 0;
  *index = (oclstm__safetensors){.allocator = allocator, .data_bytes = data_bytes};
  if (!oclstm__mul64(limits->tensors, VALUES_A_TENSOR, &max_values) ||
      max_values > UINT64_MAX - SPARE_VALUES) {
    max_values = UINT64_MAX - SPARE_VALUES;
  }
  TRY(oclstm__json_object(header, header_bytes, HEADER_DEPTH, max_values + SPARE_VALUES, "header",
                          &index->header, error));
  TRY(read_metadata(index, error));
  size_t n = json_object_size(index->header);
  n -= json_object_get(index->header, "__metadata__") != NULL ? 1 : 0;
  REQUIRE(n <= limits->tensors, OCLSTM_E_LIMIT, "%zu tensors, the limit is %llu", n,
          (unsigned long long)limits->tensors);
  index->n_tensors = n;
  if (n > 0) {
    index->tensors = oclstm__alloc(&allocator, n, sizeof *index->tensors);
    REQUIRE(index->tensors != NULL, OCLSTM_E_MEMORY, "index: %zu tensors", n);
  }
  if (n == 0) {
    TRY(check_places(index, error));
  } else {
    TRY(read_tensors(index, error));
  }
done:
  return status;
}

oclstm__tensor *oclstm__safetensors_find(const oclstm__safetensors *index, const char *name) {
  oclstm__tensor key = {.name = name};
  return index->n_tensors == 0
             ? NULL
             : bsearch(&key, index->tensors, index->n_tensors, sizeof *index->tensors, compare_names);
}

void oclstm__safetensors_destroy(oclstm__safetensors *index) {
  if (index->tensors != NULL) {
    oclstm__free(&index->allocator, index->tensors);
  }
  json_decref(index->header);
  *index = (oclstm__safetensors){.header = NULL};
}

const char *oclstm__shape_text(const oclstm__tensor *tensor, char text[OCLSTM__SHAPE_TEXT]) {
  size_t at = 0;
  text[at++] = '[';
  for (size_t k = 0; k < tensor->rank; ++k) {
    at += (size_t)snprintf(text + at, OCLSTM__SHAPE_TEXT - at, k == 0 ? "%zu" : ",%zu", tensor->shape[k]);
  }
  (void)snprintf(text + at, OCLSTM__SHAPE_TEXT - at, "]");
  return text;
}
