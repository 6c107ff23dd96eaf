/* JSON from strangers: bounded in depth and in size before the parser sees it.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_JSON_TEXT_H
#define OCLSTM_FORMATS_JSON_TEXT_H

#include <jansson.h>

#include "oclstm/oclstm.h"

/* Parses n bytes that hold one JSON object, without duplicate keys and without NUL in strings. `what` names the
 * text in messages. *root is the caller's to json_decref.
 * Returns OK; E_FORMAT (also when nested deeper than max_depth); E_LIMIT (more than max_values values); E_MEMORY. */
oclstm_status oclstm__json_object(const char *text, size_t n, size_t max_depth, uint64_t max_values,
                                  const char *what, json_t **root, oclstm_error *error);

#endif
