/* Loading models: the header is checked and understood before a byte of the weights is read.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/checksum.h"
#include "formats/input_file.h"
#include "formats/network.h"
#include "formats/onnx/onnx.h"
#include "formats/tensor_name.h"

/* Where the bytes are: a file or the caller's memory. */
typedef struct bytes {
  const oclstm__input_file *file;
  const unsigned char *memory;
  uint64_t n;
} bytes;

static oclstm_status get_options(const oclstm_load_options *options, oclstm_limits *limits,
                                 oclstm_allocator *allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const oclstm_load_options DEFAULTS = OCLSTM_LOAD_OPTIONS_INIT;
  const oclstm_load_options *given = options != NULL ? options : &DEFAULTS;
  REQUIRE(given->struct_size == sizeof *given, OCLSTM_E_ARGUMENT, "options are of another version");
  REQUIRE(given->limits == NULL || given->limits->struct_size == sizeof *limits, OCLSTM_E_ARGUMENT,
          "limits are of another version");
  REQUIRE(oclstm__allocator_valid(given->allocator), OCLSTM_E_ARGUMENT,
          "allocator has one of its two functions");
  REQUIRE((unsigned)given->format <= OCLSTM_FILE_ONNX, OCLSTM_E_ARGUMENT, "format is %u",
          (unsigned)given->format);
  *limits = oclstm__limits(given->limits);
  *allocator = oclstm__allocator(given->allocator);
done:
  return status;
}

/* n bytes from `offset` on: the caller's own, or a copy of the file's in *copy, which is to be freed. */
static oclstm_status get_bytes(const bytes *from, uint64_t offset, size_t n,
                               const oclstm_allocator *allocator, unsigned char **copy,
                               const unsigned char **at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *copy = NULL;
  if (from->file == NULL) {
    *at = from->memory + offset;
    return OCLSTM_OK;
  }
  *copy = oclstm__alloc(allocator, n, 1);
  REQUIRE(*copy != NULL, OCLSTM_E_MEMORY, "%zu bytes of the file", n);
  TRY(oclstm__input_read(from->file, offset, *copy, n, error));
  *at = *copy;
done:
  return status;
}

static oclstm_status read_index(const bytes *from, const oclstm_limits *limits, oclstm_allocator allocator,
                                oclstm__safetensors *index, uint64_t *data_begin, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  unsigned char prefix[OCLSTM__PREFIX_BYTES];
  unsigned char *copy = NULL;
  const unsigned char *header = NULL;
  size_t header_bytes = 0;
  REQUIRE(from->n >= sizeof prefix, OCLSTM_E_TRUNCATED, "%llu bytes, a safetensors file begins with 8",
          (unsigned long long)from->n);
  if (from->file != NULL) {
    TRY(oclstm__input_read(from->file, 0, prefix, sizeof prefix, error));
  } else {
    memcpy(prefix, from->memory, sizeof prefix);
  }
  TRY(oclstm__safetensors_header_bytes(prefix, from->n, limits, &header_bytes, error));
  TRY(get_bytes(from, sizeof prefix, header_bytes, &allocator, &copy, &header, error));
  *data_begin = sizeof prefix + header_bytes;
  REQUIRE(from->n - *data_begin <= SIZE_MAX, OCLSTM_E_LIMIT, "a file of %llu bytes cannot be addressed",
          (unsigned long long)from->n);
  TRY(oclstm__safetensors_index(index, (const char *)header, header_bytes, (size_t)(from->n - *data_begin),
                                limits, allocator, error));
done:
  oclstm__free(&allocator, copy);
  return status;
}

static oclstm_status read_network(oclstm__network *network, oclstm__safetensors *index,
                                  const oclstm_limits *limits, oclstm_allocator allocator,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (index->description == NULL) {
    TRY(oclstm__state_dict_read(network, index, limits, allocator, error));
  } else {
    TRY(oclstm__descriptor_read(network, index->description, limits, allocator, error));
    TRY(oclstm__network_bind(network, index, OCLSTM__OWN_PREFIX, strlen(OCLSTM__OWN_PREFIX), error));
    if (network->embedding_size != 0) {
      TRY(oclstm__network_bind_embedding(network, index, OCLSTM__OWN_EMBEDDING, limits, error));
    }
    if (network->head_size != 0) {
      TRY(oclstm__network_bind_head(network, index, OCLSTM__OWN_HEAD_W, OCLSTM__OWN_HEAD_B, error));
    }
  }
  TRY(oclstm__network_check_leftovers(index, error));
  /* Every tensor is a weight now, of eight bytes at most: what no model may have is not read. */
  REQUIRE(index->data_bytes / sizeof(double) <= limits->parameters, OCLSTM_E_LIMIT,
          "%zu bytes of weights, the limit is %llu parameters", index->data_bytes,
          (unsigned long long)limits->parameters);
done:
  return status;
}

static oclstm_status check_sum(const oclstm__network *network, const unsigned char *data, size_t n,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char found[OCLSTM__CHECKSUM_TEXT];
  if (network->checksum[0] != '\0') {
    oclstm__checksum_text(XXH3_128bits(data, n), found);
    REQUIRE(strcmp(found, network->checksum) == 0, OCLSTM_E_CHECKSUM,
            "weights: checksum %s expected, found %s", network->checksum, found);
  }
done:
  return status;
}

static oclstm_status load_safetensors(const bytes *from, const oclstm_limits *limits,
                                      oclstm_allocator allocator, oclstm_model **model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__safetensors index = {.header = NULL};
  oclstm__network network = {.n_layers = 0};
  uint64_t data_begin = 0;
  unsigned char *copy = NULL;
  const unsigned char *data = NULL;
  TRY(read_index(from, limits, allocator, &index, &data_begin, error));
  TRY(read_network(&network, &index, limits, allocator, error));
  TRY(get_bytes(from, data_begin, index.data_bytes, &allocator, &copy, &data, error));
  TRY(check_sum(&network, data, index.data_bytes, error));
  oclstm_model_desc desc = oclstm__network_attach(&network, data);
  desc.limits = limits;
  TRY(oclstm_model_create(&desc, model, error));
done:
  if (copy != NULL) {
    oclstm__free(&allocator, copy);
  }
  oclstm__network_destroy(&network);
  oclstm__safetensors_destroy(&index);
  return status;
}

/* Protobuf's own limit on a message. */
static const uint64_t MOST_ONNX_BYTES = INT32_MAX;

static oclstm_status load_onnx(const bytes *from, const oclstm_limits *limits, oclstm_allocator allocator,
                               int external_data, oclstm_model **model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  unsigned char *copy = NULL;
  const unsigned char *all = NULL;
  REQUIRE(from->n != 0, OCLSTM_E_TRUNCATED, "the file is empty");
  REQUIRE(from->n <= MOST_ONNX_BYTES, OCLSTM_E_LIMIT, "an ONNX file of %llu bytes, the limit is %llu",
          (unsigned long long)from->n, (unsigned long long)MOST_ONNX_BYTES);
  TRY(get_bytes(from, 0, (size_t)from->n, &allocator, &copy, &all, error));
  TRY(oclstm__onnx_load(all, (size_t)from->n, from->file != NULL ? from->file->path : NULL, external_data,
                        limits, allocator, &OCLSTM__ONNX_ORDERS, model, error));
done:
  if (copy != NULL) {
    oclstm__free(&allocator, copy);
  }
  return status;
}

/* A safetensors file has '{' behind the eight bytes of its length; an ONNX file begins with a field of its message. */
static oclstm_status is_onnx(const bytes *from, bool *onnx, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  unsigned char begin[OCLSTM__PREFIX_BYTES + 1] = {0};
  size_t n = (size_t)(from->n < sizeof begin ? from->n : sizeof begin);
  if (from->file != NULL) {
    TRY(oclstm__input_read(from->file, 0, begin, n, error));
  } else if (n != 0) {
    memcpy(begin, from->memory, n);
  }
  *onnx = begin[OCLSTM__PREFIX_BYTES] != '{' && oclstm__onnx_plausible(begin, n);
done:
  return status;
}

static oclstm_status load(const bytes *from, const oclstm_load_options *options, oclstm_model **model,
                          oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_limits limits;
  oclstm_allocator allocator = {NULL, NULL, NULL};
  bool onnx = false;
  TRY(get_options(options, &limits, &allocator, error));
  oclstm_file_format format = options != NULL ? options->format : OCLSTM_FILE_AUTO;
  onnx = format == OCLSTM_FILE_ONNX;
  if (format == OCLSTM_FILE_AUTO) {
    TRY(is_onnx(from, &onnx, error));
  }
  if (onnx) {
    int external_data = options != NULL ? options->external_data : 0;
    TRY(load_onnx(from, &limits, allocator, external_data, model, error));
  } else {
    TRY(load_safetensors(from, &limits, allocator, model, error));
  }
done:
  return status;
}

oclstm_status oclstm_model_load(const char *path, const oclstm_load_options *options, oclstm_model **model,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__input_file file = OCLSTM__INPUT_FILE_INIT;
  REQUIRE(model != NULL, OCLSTM_E_ARGUMENT, "model is NULL");
  *model = NULL;
  REQUIRE(path != NULL, OCLSTM_E_ARGUMENT, "path is NULL");
  TRY(oclstm__input_open(&file, path, error));
  TRY(load(&(bytes){.file = &file, .n = file.bytes}, options, model, error));
done:
  oclstm__input_close(&file);
  return status;
}

oclstm_status oclstm_model_load_memory(const void *memory, size_t n, const oclstm_load_options *options,
                                       oclstm_model **model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(model != NULL, OCLSTM_E_ARGUMENT, "model is NULL");
  *model = NULL;
  REQUIRE(memory != NULL || n == 0, OCLSTM_E_ARGUMENT, "bytes is NULL, n is %zu", n);
  TRY(load(&(bytes){.memory = memory, .n = n}, options, model, error));
done:
  return status;
}
