/* Layers as info shows them: what oclstm_layer_describe says, in lines or as members of a JSON object.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* A member of a one-line object of the library's own: names hold no quotes, strings no brackets. */
typedef struct member {
  const char *name, *value;
  size_t name_length, value_length;
} member;

/* The member that begins at *at, which moves to the next one; false behind the last. */
static bool next_member(const char **at, member *m) {
  const char *p = *at;
  if (*p == '}' || *p == '\0') {
    return false;
  }
  m->name = p + 2; /* behind '{"' or ',"' */
  m->name_length = strcspn(m->name, "\"");
  m->value = m->name + m->name_length + 2; /* behind '":' */
  unsigned depth = 0;
  for (p = m->value; depth > 0 || (*p != ',' && *p != '}'); ++p) {
    depth += *p == '{';
    depth -= *p == '}';
  }
  m->value_length = (size_t)(p - m->value);
  *at = p;
  return true;
}

static bool is_named(const member *m, const char *name) {
  return strlen(name) == m->name_length && memcmp(name, m->name, m->name_length) == 0;
}

/* Without quotes and brackets: "forward gate kind relu, candidate kind elu, alpha 0.5". */
static void print_value(const member *m) {
  const char *end = m->value + m->value_length;
  for (const char *p = m->value; p < end; ++p) {
    if (isdigit((unsigned char)*p) && (p == m->value || p[-1] == ':')) {
      char *behind = NULL;
      (void)printf("%g", strtod(p, &behind));
      p = behind - 1;
    } else if (*p == ':' || *p == ',') {
      (void)fputs(*p == ':' ? " " : ", ", stdout);
    } else if (strchr("{}\"", *p) == NULL) {
      (void)putchar(*p);
    }
  }
}

/* A member, or what its absence means. */
static void print_member(const char *description, const char *name, const char *otherwise) {
  member m;
  for (const char *at = description; next_member(&at, &m);) {
    if (is_named(&m, name)) {
      print_value(&m);
      return;
    }
  }
  (void)fputs(otherwise, stdout);
}

/* The caller's; NULL on failure. */
static int describe(const oclstm_layer *layer, char **description) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  size_t n = 0;
  *description = NULL;
  if (oclstm_layer_describe(layer, NULL, 0, &n, &error) != OCLSTM_OK) {
    return cli_report(&error, NULL);
  }
  char *text = cli_calloc(n, 1);
  if (text == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "a description of %zu bytes", n);
  }
  if (oclstm_layer_describe(layer, text, n, &n, &error) != OCLSTM_OK) {
    free(text);
    return cli_report(&error, NULL);
  }
  *description = text;
  return CLI_DONE;
}

int cli_print_layer(size_t index, const oclstm_layer *layer) {
  static const char *const FIRST_LINE[] = {"kind", "input_size", "hidden_size", "projection_size",
                                           "bias", "direction"};
  char *description = NULL;
  member m;
  int code = describe(layer, &description);
  if (description == NULL) {
    return code;
  }
  (void)printf("layer %-3zu ", index);
  print_member(description, "kind", "");
  (void)putchar(' ');
  print_member(description, "direction", "forward");
  (void)printf(", I %zu, H %zu", layer->input_size, layer->hidden_size);
  if (layer->projection_size != 0) {
    (void)printf(", P %zu", layer->projection_size);
  }
  (void)fputs(", bias ", stdout);
  print_member(description, "bias", "none");
  (void)printf(", %" PRIu64 " parameters\n", oclstm_layer_parameters(layer));
  for (const char *at = description; next_member(&at, &m);) {
    bool shown = false;
    for (size_t k = 0; k < sizeof FIRST_LINE / sizeof FIRST_LINE[0]; ++k) {
      shown = shown || is_named(&m, FIRST_LINE[k]);
    }
    if (!shown) {
      (void)printf("          %.*s ", (int)m.name_length, m.name);
      print_value(&m);
      (void)putchar('\n');
    }
  }
  free(description);
  return code;
}

int cli_json_layer(cli_json *json, const oclstm_layer *layer) {
  char *description = NULL;
  int code = describe(layer, &description);
  if (description == NULL) {
    return code;
  }
  cli_json_begin(json, NULL, '{');
  cli_json_members(json, description);
  if (layer->direction == OCLSTM_FORWARD) {
    cli_json_string(json, "direction", "forward");
  }
  if (layer->bias == OCLSTM_BIAS_NONE) {
    cli_json_string(json, "bias", "none");
  }
  if (layer->projection_size == 0) {
    cli_json_integer(json, "projection_size", 0);
  }
  cli_json_integer(json, "output_size", oclstm_layer_output_size(layer));
  cli_json_integer(json, "parameters", oclstm_layer_parameters(layer));
  cli_json_end(json, '}');
  free(description);
  return code;
}
