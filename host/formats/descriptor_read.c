/* The description of a network, read from JSON. Every key that is not known is an error: nothing is ignored.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/descriptor.h"
#include "formats/json_text.h"
#include "formats/network.h"

enum {
  DEPTH = 6,           /* description, layers, layer, activation, direction, role */
  VALUES_A_LAYER = 64, /* all members of a layer with all activations, and some air */
};

/* Where in the description a message points to: layers[3].activation */
typedef struct place {
  size_t layer;
  const char *within; /* "" or ".activation" */
} place;

/* ---- members by the tables ---- */

static oclstm_status read_enum(const json_t *value, const oclstm__field *field, void *to, const place *at,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_string(value), OCLSTM_E_FORMAT, "description: layers[%zu]%s: %s is no string", at->layer,
          at->within, field->key);
  for (unsigned k = 0; field->names[k] != NULL; ++k) {
    if (strcmp(json_string_value(value), field->names[k]) == 0) {
      memcpy(to, &k, sizeof k);
      return OCLSTM_OK;
    }
  }
  REQUIRE(false, OCLSTM_E_FORMAT, "description: layers[%zu]%s: %s cannot be \"%s\"", at->layer, at->within,
          field->key, json_string_value(value));
done:
  return status;
}

static oclstm_status read_float(const json_t *value, const oclstm__field *field, void *to, const place *at,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double number = json_number_value(value);
  REQUIRE(json_is_number(value) && fabs(number) <= (double)FLT_MAX, OCLSTM_E_FORMAT,
          "description: layers[%zu]%s: %s is no number of single precision", at->layer, at->within,
          field->key);
  float single = (float)number;
  memcpy(to, &single, sizeof single);
done:
  return status;
}

static oclstm_status read_field(const json_t *value, const oclstm__field *field, void *to, const place *at,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  switch (field->type) {
    case OCLSTM__FIELD_ENUM: return read_enum(value, field, to, at, error);
    case OCLSTM__FIELD_FLOAT: return read_float(value, field, to, at, error);
    case OCLSTM__FIELD_BOOL:
      REQUIRE(json_is_boolean(value), OCLSTM_E_FORMAT, "description: layers[%zu]%s: %s is no boolean",
              at->layer, at->within, field->key);
      *(int *)to = json_boolean_value(value);
      break;
    case OCLSTM__FIELD_SIZE:
      REQUIRE(json_is_integer(value) && json_integer_value(value) >= 0, OCLSTM_E_FORMAT,
              "description: layers[%zu]%s: %s is no integer from 0 on", at->layer, at->within, field->key);
      *(size_t *)to = (size_t)json_integer_value(value);
      break;
  }
done:
  return status;
}

/* `other` is a key that is read elsewhere, or NULL. */
static oclstm_status check_keys(json_t *object, const oclstm__field *fields, const char *other,
                                const place *at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    const oclstm__field *field = fields;
    while (field->key != NULL && strcmp(field->key, key) != 0) {
      ++field;
    }
    REQUIRE(field->key != NULL || (other != NULL && strcmp(other, key) == 0), OCLSTM_E_FORMAT,
            "description: layers[%zu]%s: unknown key \"%s\"", at->layer, at->within, key);
  }
done:
  return status;
}

/* Reads the members that `fields` lists into the structure at `to`. */
static oclstm_status read_fields(json_t *object, const oclstm__field *fields, const char *other, void *to,
                                 const place *at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_object(object), OCLSTM_E_FORMAT, "description: layers[%zu]%s is no object", at->layer,
          at->within);
  TRY(check_keys(object, fields, other, at, error));
  for (const oclstm__field *field = fields; field->key != NULL; ++field) {
    const json_t *value = json_object_get(object, field->key);
    REQUIRE(value != NULL || !field->required, OCLSTM_E_FORMAT, "description: layers[%zu]%s: %s is missing",
            at->layer, at->within, field->key);
    if (value != NULL) {
      TRY(read_field(value, field, (char *)to + field->offset, at, error));
    }
  }
done:
  return status;
}

/* ---- activations ---- */

/* The index of key in keys, or n. */
static size_t find_key(const char *const *keys, size_t n, const char *key) {
  size_t k = 0;
  while (k < n && strcmp(keys[k], key) != 0) {
    ++k;
  }
  return k;
}

static oclstm_status read_roles(json_t *roles, oclstm_activation *activation, size_t layer,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const place at = {layer, ".activation"};
  const char *key;
  json_t *value;
  REQUIRE(json_is_object(roles), OCLSTM_E_FORMAT, "description: layers[%zu].activation: no object", layer);
  json_object_foreach(roles, key, value) {
    size_t role = find_key(OCLSTM__ROLE_KEYS, OCLSTM_N_ROLES, key);
    REQUIRE(role < OCLSTM_N_ROLES, OCLSTM_E_FORMAT, "description: layers[%zu].activation: unknown key \"%s\"",
            layer, key);
    TRY(read_fields(value, OCLSTM__ACTIVATION_FIELDS, NULL, &activation[role], &at, error));
  }
done:
  return status;
}

static oclstm_status read_activations(json_t *directions, oclstm_layer *layer, size_t index,
                                      oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const char *key;
  json_t *value;
  REQUIRE(json_is_object(directions), OCLSTM_E_FORMAT, "description: layers[%zu].activation is no object",
          index);
  json_object_foreach(directions, key, value) {
    size_t direction = find_key(OCLSTM__DIRECTION_KEYS, 2, key);
    REQUIRE(direction < 2, OCLSTM_E_FORMAT, "description: layers[%zu].activation: unknown key \"%s\"", index,
            key);
    TRY(read_roles(value, layer->activation[direction], index, error));
  }
done:
  return status;
}

/* ---- the whole ---- */

static oclstm_status read_layers(const json_t *list, oclstm__network *network, const oclstm_limits *limits,
                                 oclstm_allocator allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(json_is_array(list), OCLSTM_E_FORMAT, "description: layers is missing or no list");
  TRY(oclstm__network_create(network, json_array_size(list), limits, allocator, error));
  for (size_t l = 0; l < network->n_layers; ++l) {
    json_t *object = json_array_get(list, l);
    const place at = {l, ""};
    TRY(read_fields(object, OCLSTM__LAYER_FIELDS, "activation", &network->layers[l], &at, error));
    json_t *activations = json_object_get(object, "activation");
    if (activations != NULL) {
      TRY(read_activations(activations, &network->layers[l], l, error));
    }
    TRY(oclstm__network_check_layer(network, l, limits, error));
  }
done:
  return status;
}

static oclstm_status read_head(const json_t *head, oclstm__network *network, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const json_t *size = json_object_get(head, "size");
  const json_t *bias = json_object_get(head, "bias");
  REQUIRE(
      json_is_object(head) && json_object_size(head) == 2 && json_is_integer(size) && json_is_boolean(bias),
      OCLSTM_E_FORMAT, "description: head is not an integer size and a boolean bias alone");
  REQUIRE(json_integer_value(size) > 0, OCLSTM_E_FORMAT, "description: head of size %lld",
          (long long)json_integer_value(size));
  network->head_size = (size_t)json_integer_value(size);
  network->head_bias = json_boolean_value(bias);
done:
  return status;
}

static oclstm_status read_embedding(const json_t *embedding, oclstm__network *network, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const json_t *size = json_object_get(embedding, "size");
  REQUIRE(json_is_object(embedding) && json_object_size(embedding) == 1 && json_is_integer(size),
          OCLSTM_E_FORMAT, "description: embedding is not an integer size alone");
  REQUIRE(json_integer_value(size) > 0, OCLSTM_E_FORMAT, "description: embedding of size %lld",
          (long long)json_integer_value(size));
  network->embedding_size = (size_t)json_integer_value(size);
done:
  return status;
}

static oclstm_status read_checksum(const json_t *value, oclstm__network *network, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t prefix = sizeof OCLSTM__CHECKSUM_PREFIX - 1;
  const char *text = json_is_string(value) ? json_string_value(value) : "";
  bool known = strncmp(text, OCLSTM__CHECKSUM_PREFIX, prefix) == 0 &&
               strlen(text + prefix) == OCLSTM__CHECKSUM_TEXT - 1 &&
               strspn(text + prefix, "0123456789abcdef") == OCLSTM__CHECKSUM_TEXT - 1;
  REQUIRE(known, OCLSTM_E_FORMAT,
          "description: checksum is not \"" OCLSTM__CHECKSUM_PREFIX "\" and 32 hexadecimal digits");
  memcpy(network->checksum, text + prefix, OCLSTM__CHECKSUM_TEXT);
done:
  return status;
}

static oclstm_status check_format(const json_t *root, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const json_t *format = json_object_get(root, "format");
  REQUIRE(json_is_integer(format), OCLSTM_E_FORMAT, "description: format is missing or no integer");
  REQUIRE(json_integer_value(format) == OCLSTM__DESCRIPTOR_FORMAT, OCLSTM_E_UNSUPPORTED,
          "description: format %lld; this library reads %d", (long long)json_integer_value(format),
          OCLSTM__DESCRIPTOR_FORMAT);
done:
  return status;
}

oclstm_status oclstm__descriptor_read(oclstm__network *network, const char *description,
                                      const oclstm_limits *limits, oclstm_allocator allocator,
                                      oclstm_error *error) {
  static const char *const KEYS[] = {"format", "embedding", "layers", "head", "checksum"};
  const size_t n_keys = sizeof KEYS / sizeof KEYS[0];
  oclstm_status status = OCLSTM_OK;
  json_t *root = NULL;
  const char *key;
  json_t *value;
  uint64_t max_values = 0;
  if (!oclstm__mul64(limits->layers, VALUES_A_LAYER, &max_values)) {
    max_values = UINT64_MAX;
  }
  TRY(oclstm__json_object(description, strlen(description), DEPTH, max_values, "description", &root, error));
  TRY(check_format(root, error));
  json_object_foreach(root, key, value) {
    REQUIRE(find_key(KEYS, n_keys, key) < n_keys, OCLSTM_E_FORMAT, "description: unknown key \"%s\"", key);
  }
  TRY(read_layers(json_object_get(root, "layers"), network, limits, allocator, error));
  if (json_object_get(root, "embedding") != NULL) {
    TRY(read_embedding(json_object_get(root, "embedding"), network, error));
  }
  if (json_object_get(root, "head") != NULL) {
    TRY(read_head(json_object_get(root, "head"), network, error));
  }
  if (json_object_get(root, "checksum") != NULL) {
    TRY(read_checksum(json_object_get(root, "checksum"), network, error));
  }
done:
  json_decref(root);
  return status;
}
