/* The description of a network, written as JSON.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/descriptor.h"
#include "formats/network.h"
#include "model/model.h"

oclstm_status oclstm__json_dump(const json_t *value, const oclstm_allocator *allocator, char **text,
                                size_t *bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT);
  *text = n == 0 ? NULL : oclstm__alloc(allocator, n + 1, 1);
  REQUIRE(*text != NULL && json_dumpb(value, *text, n, JSON_COMPACT) == n, OCLSTM_E_MEMORY,
          "description: %zu bytes", n);
  *bytes = n;
done:
  return status;
}

/* NULL when there is no memory. */
static json_t *field_value(const oclstm__field *field, const void *from) {
  unsigned enumerator;
  float number;
  int truth;
  size_t size;
  switch (field->type) {
    case OCLSTM__FIELD_ENUM:
      memcpy(&enumerator, from, sizeof enumerator);
      return json_string(field->names[enumerator]);
    case OCLSTM__FIELD_FLOAT: memcpy(&number, from, sizeof number); return json_real((double)number);
    case OCLSTM__FIELD_BOOL: memcpy(&truth, from, sizeof truth); return json_boolean(truth);
    case OCLSTM__FIELD_SIZE: memcpy(&size, from, sizeof size); return json_integer((json_int_t)size);
  }
  return NULL;
}

static size_t field_bytes(const oclstm__field *field) {
  return field->type == OCLSTM__FIELD_SIZE ? sizeof(size_t) : sizeof(unsigned);
}

static bool field_is_zero(const oclstm__field *field, const void *from) {
  static const unsigned char ZERO[sizeof(size_t)];
  return memcmp(from, ZERO, field_bytes(field)) == 0;
}

/* Zero is left out where the absence of a member means just that. */
static oclstm_status write_fields(json_t *object, const oclstm__field *fields, const void *from, size_t layer,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (const oclstm__field *field = fields; field->key != NULL; ++field) {
    const char *at = (const char *)from + field->offset;
    if (field->required || !field_is_zero(field, at)) {
      REQUIRE(json_object_set_new(object, field->key, field_value(field, at)) == 0, OCLSTM_E_MEMORY,
              "description: layer %zu", layer);
    }
  }
done:
  return status;
}

/* A new empty object as object[key]; NULL when there is no memory. */
static json_t *add_object(json_t *object, const char *key) {
  json_t *added = json_object();
  return json_object_set_new(object, key, added) == 0 ? added : NULL;
}

static bool is_default(const oclstm_activation *activation) {
  return activation->kind == OCLSTM_ACT_DEFAULT &&
         field_is_zero(&OCLSTM__ACTIVATION_FIELDS[1], &activation->alpha) &&
         field_is_zero(&OCLSTM__ACTIVATION_FIELDS[2], &activation->beta);
}

/* "activation": {"forward": {"gate": {...}}}, and only what is not the default. */
static oclstm_status write_activations(json_t *object, const oclstm_layer *layer, size_t index,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < (size_t)2 * OCLSTM_N_ROLES; ++k) {
    const oclstm_activation *activation = &layer->activation[k / OCLSTM_N_ROLES][k % OCLSTM_N_ROLES];
    const char *path[] = {"activation", OCLSTM__DIRECTION_KEYS[k / OCLSTM_N_ROLES],
                          OCLSTM__ROLE_KEYS[k % OCLSTM_N_ROLES]};
    json_t *at = object;
    for (size_t p = 0; p < 3 && !is_default(activation); ++p) {
      json_t *next = json_object_get(at, path[p]);
      at = next != NULL ? next : add_object(at, path[p]);
      REQUIRE(at != NULL, OCLSTM_E_MEMORY, "description: layer %zu", index);
    }
    if (at != object) {
      TRY(write_fields(at, OCLSTM__ACTIVATION_FIELDS, activation, index, error));
    }
  }
done:
  return status;
}

oclstm_status oclstm__layer_json(const oclstm_layer *layer, size_t index, json_t *object,
                                 oclstm_error *error) {
  oclstm_status status = write_fields(object, OCLSTM__LAYER_FIELDS, layer, index, error);
  return status == OCLSTM_OK ? write_activations(object, layer, index, error) : status;
}

static oclstm_status write_layers(json_t *list, const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; l < model->n_layers; ++l) {
    json_t *object = json_object();
    REQUIRE(json_array_append_new(list, object) == 0, OCLSTM_E_MEMORY, "description: layer %zu", l);
    TRY(oclstm__layer_json(&model->layers[l], l, object, error));
  }
done:
  return status;
}

oclstm_status oclstm__descriptor_write(const oclstm_model *model, const char *checksum, char **text,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char sum[sizeof OCLSTM__CHECKSUM_PREFIX + OCLSTM__CHECKSUM_TEXT];
  size_t bytes = 0;
  json_t *list = json_array();
  json_t *root = json_pack("{s:i,s:O}", "format", OCLSTM__DESCRIPTOR_FORMAT, "layers", list);
  *text = NULL;
  REQUIRE(root != NULL, OCLSTM_E_MEMORY, "description");
  TRY(write_layers(list, model, error));
  if (model->embedding_size != 0) {
    json_t *embedding = json_pack("{s:I}", "size", (json_int_t)model->embedding_size);
    REQUIRE(json_object_set_new(root, "embedding", embedding) == 0, OCLSTM_E_MEMORY,
            "description: embedding");
  }
  if (model->head_size != 0) {
    json_t *head =
        json_pack("{s:I,s:b}", "size", (json_int_t)model->head_size, "bias", model->head_b.data != NULL);
    REQUIRE(json_object_set_new(root, "head", head) == 0, OCLSTM_E_MEMORY, "description: head");
  }
  (void)snprintf(sum, sizeof sum, OCLSTM__CHECKSUM_PREFIX "%s", checksum);
  REQUIRE(json_object_set_new(root, "checksum", json_string(sum)) == 0, OCLSTM_E_MEMORY,
          "description: checksum");
  TRY(oclstm__json_dump(root, &model->allocator, text, &bytes, error));
done:
  json_decref(root);
  json_decref(list);
  return status;
}
