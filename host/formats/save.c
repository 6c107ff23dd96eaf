/* Saving models: safetensors with PyTorch's names, the description and a checksum. The same model gives the same bytes.
 * SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/bytes.h"
#include "formats/checksum.h"
#include "formats/descriptor.h"
#include "formats/output_file.h"
#include "formats/tensor_name.h"
#include "model/model.h"

enum { ALIGNMENT = 8, SHORT_NAME = 64 };

typedef struct entry {
  char name[SHORT_NAME];
  size_t rows, columns; /* columns 0: a vector */
  oclstm_array array;
  size_t bytes;
} entry;

/* What is to be written, in the file's order: F64 before F32, so that every array lies at a multiple of its element. */
typedef struct contents {
  oclstm_allocator allocator;
  size_t n;
  entry *entries;
  char *header;
  size_t header_bytes;
} contents;

static void add(contents *list, const char *name, size_t rows, size_t columns, oclstm_array array,
                oclstm_dtype wanted) {
  if (array.data != NULL && array.dtype == wanted) {
    entry *to = &list->entries[list->n++];
    memcpy(to->name, name, oclstm__min(strlen(name), SHORT_NAME - 1)); /* own names are far shorter */
    to->rows = rows;
    to->columns = columns;
    to->array = array;
    to->bytes = rows * (columns == 0 ? 1 : columns) * oclstm__dtype_bytes(array.dtype);
  }
}

static void add_all(contents *list, const oclstm_model *model, oclstm_dtype wanted) {
  add(list, OCLSTM__OWN_EMBEDDING, model->embedding_size, model->layers[0].input_size, model->embedding,
      wanted);
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n = oclstm__layer_arrays(&model->layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      char name[OCLSTM__NAME_BUFFER];
      oclstm__tensor_name(name, OCLSTM__OWN_PREFIX, strlen(OCLSTM__OWN_PREFIX), specs[s].member, k / 2,
                          k % 2 == 1);
      add(list, name, specs[s].rows, specs[s].columns, *oclstm__spec_array(&specs[s], &model->weights[k]),
          wanted);
    }
  }
  size_t width = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  add(list, OCLSTM__OWN_HEAD_W, model->head_size, width, model->head_W, wanted);
  add(list, OCLSTM__OWN_HEAD_B, model->head_size, 0, model->head_b, wanted);
}

static oclstm_status make_list(contents *list, const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t most = 2 * OCLSTM__MAX_ARRAYS * model->n_layers + 3; /* embedding, and W and b of the head */
  list->allocator = model->allocator;
  list->entries = oclstm__alloc(&model->allocator, most, sizeof *list->entries);
  REQUIRE(list->entries != NULL, OCLSTM_E_MEMORY, "list of %zu arrays", most);
  add_all(list, model, OCLSTM_F64);
  add_all(list, model, OCLSTM_F32);
done:
  return status;
}

static oclstm_status make_checksum(const contents *list, char text[OCLSTM__CHECKSUM_TEXT],
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  XXH3_state_t *state = XXH3_createState();
  REQUIRE(state != NULL && XXH3_128bits_reset(state) == XXH_OK, OCLSTM_E_MEMORY, "state of the checksum");
  for (size_t k = 0; k < list->n; ++k) {
    (void)XXH3_128bits_update(state, list->entries[k].array.data, list->entries[k].bytes);
  }
  oclstm__checksum_text(XXH3_128bits_digest(state), text);
done:
  (void)XXH3_freeState(state);
  return status;
}

/* ---- the header ---- */

static json_t *entry_value(const entry *from, size_t begin) {
  const size_t end = begin + from->bytes;
  json_t *shape = from->columns == 0 ? json_pack("[I]", (json_int_t)from->rows)
                                     : json_pack("[I,I]", (json_int_t)from->rows, (json_int_t)from->columns);
  return json_pack("{s:s,s:o,s:[I,I]}", "dtype", oclstm__dtype_name(from->array.dtype), "shape", shape,
                   "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static oclstm_status fill_header(json_t *root, const contents *list, const char *description,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t begin = 0;
  json_t *metadata = json_pack("{s:s}", "oclstm", description);
  REQUIRE(json_object_set_new(root, "__metadata__", metadata) == 0, OCLSTM_E_MEMORY, "header");
  for (size_t k = 0; k < list->n; ++k) {
    const entry *from = &list->entries[k];
    REQUIRE(json_object_set_new(root, from->name, entry_value(from, begin)) == 0, OCLSTM_E_MEMORY,
            "header: %s", from->name);
    begin += from->bytes;
  }
done:
  return status;
}

static oclstm_status make_header(contents *list, const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char checksum[OCLSTM__CHECKSUM_TEXT];
  char *description = NULL;
  json_t *root = json_object();
  TRY(make_checksum(list, checksum, error));
  TRY(oclstm__descriptor_write(model, checksum, &description, error));
  REQUIRE(root != NULL, OCLSTM_E_MEMORY, "header");
  TRY(fill_header(root, list, description, error));
  TRY(oclstm__json_dump(root, &list->allocator, &list->header, &list->header_bytes, error));
done:
  json_decref(root);
  oclstm__free(&list->allocator, description);
  return status;
}

/* ---- the file ---- */

static oclstm_status write_contents(oclstm__output_file *file, const contents *list, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const char SPACES[ALIGNMENT] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
  unsigned char prefix[OCLSTM__PREFIX_BYTES];
  size_t padded = oclstm__round_up(list->header_bytes, ALIGNMENT);
  uint64_t offset = sizeof prefix;
  oclstm__put_le(prefix, sizeof prefix, padded);
  TRY(oclstm__output_write(file, 0, prefix, sizeof prefix, error));
  TRY(oclstm__output_write(file, offset, list->header, list->header_bytes, error));
  TRY(oclstm__output_write(file, offset + list->header_bytes, SPACES, padded - list->header_bytes, error));
  offset += padded;
  for (size_t k = 0; k < list->n; ++k) {
    TRY(oclstm__output_write(file, offset, list->entries[k].array.data, list->entries[k].bytes, error));
    offset += list->entries[k].bytes;
  }
done:
  return status;
}

oclstm_status oclstm_model_save(const oclstm_model *model, const char *path, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__output_file file = OCLSTM__OUTPUT_FILE_INIT;
  contents list = {.n = 0};
  REQUIRE(model != NULL && path != NULL, OCLSTM_E_ARGUMENT, "model or path is NULL");
  TRY(make_list(&list, model, error));
  TRY(make_header(&list, model, error));
  TRY(oclstm__output_open(&file, path, model->allocator, error));
  TRY(write_contents(&file, &list, error));
  TRY(oclstm__output_commit(&file, error));
done:
  oclstm__output_discard(&file);
  if (model != NULL) {
    oclstm__free(&model->allocator, list.entries);
    oclstm__free(&model->allocator, list.header);
  }
  return status;
}
