/* JSON as it is printed: names in the order of the calls, strings as valid UTF-8 whatever a driver or a path holds.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli.h"

/* Bytes of the UTF-8 sequence at p, 0 if there is none. */
static size_t utf8_length(const unsigned char *p) {
  size_t n = p[0] < 0x80                   ? 1
             : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
             : (p[0] & 0xf0) == 0xe0       ? 3
             : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                           : 0;
  for (size_t k = 1; k < n; ++k) {
    if ((p[k] & 0xc0) != 0x80) {
      return 0;
    }
  }
  bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
  bool outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
  return overlong || outside ? 0 : n;
}

static void write_string(FILE *to, const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  (void)fputc('"', to);
  while (*p != '\0') {
    size_t n = utf8_length(p);
    if (n == 0) {
      (void)fputs("\\ufffd", to);
    } else if (*p == '"' || *p == '\\') {
      (void)fprintf(to, "\\%c", *p);
    } else if (*p < 0x20) {
      (void)fprintf(to, "\\u%04x", (unsigned)*p);
    } else {
      (void)fwrite(p, 1, n, to);
    }
    p += n != 0 ? n : 1;
  }
  (void)fputc('"', to);
}

static void begin_value(cli_json *json, const char *name) {
  if (json->comma) {
    (void)fputc(',', json->to);
  }
  if (json->depth > 0) {
    (void)fprintf(json->to, "\n%*s", (int)(2 * json->depth), "");
  }
  if (name != NULL) {
    write_string(json->to, name);
    (void)fputs(": ", json->to);
  }
  json->comma = true;
}

void cli_json_begin(cli_json *json, const char *name, char bracket) {
  begin_value(json, name);
  (void)fputc(bracket, json->to);
  ++json->depth;
  json->comma = false;
}

void cli_json_end(cli_json *json, char bracket) {
  --json->depth;
  if (json->comma) {
    (void)fprintf(json->to, "\n%*s", (int)(2 * json->depth), "");
  }
  (void)fputc(bracket, json->to);
  if (json->depth == 0) {
    (void)fputc('\n', json->to);
  }
  json->comma = true;
}

void cli_json_string(cli_json *json, const char *name, const char *value) {
  begin_value(json, name);
  if (value == NULL) {
    (void)fputs("null", json->to);
  } else {
    write_string(json->to, value);
  }
}

void cli_json_integer(cli_json *json, const char *name, uint64_t value) {
  begin_value(json, name);
  (void)fprintf(json->to, "%" PRIu64, value);
}

void cli_json_number(cli_json *json, const char *name, double value) {
  begin_value(json, name);
  if (isfinite(value)) {
    (void)fprintf(json->to, "%.9g", value);
  } else {
    (void)fputs("null", json->to);
  }
}

void cli_json_bool(cli_json *json, const char *name, bool value) {
  begin_value(json, name);
  (void)fputs(value ? "true" : "false", json->to);
}

void cli_json_members(cli_json *json, const char *object) {
  size_t n = strlen(object);
  if (n > 2) {
    begin_value(json, NULL);
    (void)fwrite(object + 1, 1, n - 2, json->to);
  }
}
