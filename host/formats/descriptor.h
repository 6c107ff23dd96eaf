/* The description of a network as JSON: one table of a layer's members, for reading and for writing.
 * docs/model_format.md lists them in words.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_DESCRIPTOR_H
#define OCLSTM_FORMATS_DESCRIPTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "oclstm/oclstm.h"

enum { OCLSTM__DESCRIPTOR_FORMAT = 1 };
#define OCLSTM__CHECKSUM_PREFIX "xxh3-128:"

typedef enum oclstm__field_type {
  OCLSTM__FIELD_SIZE,
  OCLSTM__FIELD_ENUM,
  OCLSTM__FIELD_FLOAT,
  OCLSTM__FIELD_BOOL
} oclstm__field_type;

typedef struct oclstm__field {
  const char *key;
  oclstm__field_type type;
  bool required;            /* others may be absent, which means 0 */
  size_t offset;            /* in oclstm_layer, or oclstm_activation */
  const char *const *names; /* of the enumerators from 0 on, NULL behind the last */
} oclstm__field;

/* The members that are written directly; "activation" is the one that nests. The lists end with a NULL key. */
extern const oclstm__field OCLSTM__LAYER_FIELDS[];
extern const oclstm__field OCLSTM__ACTIVATION_FIELDS[];
extern const char *const OCLSTM__DIRECTION_KEYS[2];
extern const char *const OCLSTM__ROLE_KEYS[OCLSTM_N_ROLES];

/* The description of a model, allocated from its allocator. The checksum is hexadecimal.
 * Returns OK; E_ARGUMENT (a number that JSON cannot hold); E_MEMORY. */
oclstm_status oclstm__descriptor_write(const oclstm_model *model, const char *checksum, char **text,
                                       oclstm_error *error);

/* Puts the members of a layer's description into the empty object. Returns OK; E_MEMORY. */
oclstm_status oclstm__layer_json(const oclstm_layer *layer, size_t index, json_t *object,
                                 oclstm_error *error);

/* JSON as text, NUL-terminated, from the allocator; *bytes without the NUL. Returns OK; E_MEMORY. */
oclstm_status oclstm__json_dump(const json_t *value, const oclstm_allocator *allocator, char **text,
                                size_t *bytes, oclstm_error *error);

#endif
