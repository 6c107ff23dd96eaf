/* Headers of .npy arrays: a small strict grammar for the dictionary that NumPy writes, and the writer of our own.
 * Source: NumPy's NEP 1 and the documentation of numpy.lib.format.
 *
 *   header  = "{" [ member { "," member } [ "," ] ] "}"         spaces between all parts
 *   member  = string ":" value, each of descr, fortran_order and shape once
 *   value   = string | "True" | "False" | "(" [ number "," { number "," } [ number ] ] ")"
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/bytes.h"
#include "formats/npy.h"
#include "model/model.h"

enum { MAX_STRING = 32 };

typedef struct cursor {
  const char *begin, *at, *end;
} cursor;

enum { HAS_DESCR = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

/* ---- words ---- */

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Spaces are skipped before every word. */
static bool accept(cursor *c, const char *word) {
  size_t n = strlen(word);
  while (c->at < c->end && is_space(*c->at)) {
    ++c->at;
  }
  if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) {
    return false;
  }
  c->at += n;
  return true;
}

static oclstm_status unexpected(const cursor *c, const char *expected, oclstm_error *error) {
  size_t rest = oclstm__min((size_t)(c->end - c->at), 16);
  return oclstm__fail(error, OCLSTM_E_FORMAT, "header: byte %zu: expected %s, found \"%.*s\"",
                      (size_t)(c->at - c->begin), expected, (int)rest, c->at);
}

static oclstm_status parse_string(cursor *c, char text[MAX_STRING], oclstm_error *error) {
  const char *quote = accept(c, "'") ? "'" : accept(c, "\"") ? "\"" : NULL;
  size_t n = 0;
  if (quote == NULL) {
    return unexpected(c, "a string", error);
  }
  while (c->at < c->end && *c->at != *quote) {
    if (n + 1 >= MAX_STRING || !isprint((unsigned char)*c->at) || *c->at == '\\') {
      return unexpected(c, "a short plain string", error);
    }
    text[n++] = *c->at++;
  }
  text[n] = '\0';
  return c->at < c->end ? (++c->at, OCLSTM_OK) : unexpected(c, "the end of a string", error);
}

/* Python 2 put an L behind long integers. */
static oclstm_status parse_number(cursor *c, uint64_t *number, oclstm_error *error) {
  (void)accept(c, "");
  const char *first = c->at;
  *number = 0;
  while (c->at < c->end && isdigit((unsigned char)*c->at)) {
    uint64_t digit = (uint64_t)(*c->at - '0');
    if (*number > (UINT64_MAX - digit) / 10) {
      return oclstm__fail(error, OCLSTM_E_LIMIT, "header: byte %zu: the number does not fit 64 bits",
                          (size_t)(first - c->begin));
    }
    *number = *number * 10 + digit;
    ++c->at;
  }
  if (c->at == first || (*first == '0' && c->at != first + 1)) {
    c->at = first;
    return unexpected(c, "a number", error);
  }
  if (c->at < c->end && *c->at == 'L') {
    ++c->at;
  }
  return OCLSTM_OK;
}

/* ---- members ---- */

static oclstm_status parse_descr(cursor *c, oclstm_npy_info *info, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const struct {
    const char *descr;
    oclstm_dtype dtype;
  } TYPES[] = {{"<f2", OCLSTM_F16}, {"<f4", OCLSTM_F32}, {"<f8", OCLSTM_F64}, {"|i1", OCLSTM_I8},
               {"<i1", OCLSTM_I8},  {"<i2", OCLSTM_I16}, {"<i4", OCLSTM_I32}, {"<i8", OCLSTM_I64}};
  char descr[MAX_STRING];
  REQUIRE(!accept(c, "["), OCLSTM_E_DTYPE, "descr: arrays of structures are not accepted");
  TRY(parse_string(c, descr, error));
  for (size_t k = 0; k < sizeof TYPES / sizeof TYPES[0]; ++k) {
    if (strcmp(descr, TYPES[k].descr) == 0) {
      info->dtype = TYPES[k].dtype;
      return OCLSTM_OK;
    }
  }
  REQUIRE(descr[0] != '>', OCLSTM_E_DTYPE, "descr '%s': big-endian elements are not accepted", descr);
  REQUIRE(false, OCLSTM_E_DTYPE, "descr '%s': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted", descr);
done:
  return status;
}

static oclstm_status parse_order(cursor *c, bool *fortran, oclstm_error *error) {
  *fortran = accept(c, "True");
  return *fortran || accept(c, "False") ? OCLSTM_OK : unexpected(c, "True or False", error);
}

static oclstm_status parse_shape(cursor *c, const oclstm_limits *limits, oclstm_npy_info *info,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t size = 0;
  bool comma = true;
  info->rank = 0;
  if (!accept(c, "(")) {
    return unexpected(c, "( of a shape", error);
  }
  while (!accept(c, ")")) {
    if (!comma) {
      return unexpected(c, ", or )", error);
    }
    REQUIRE(info->rank < OCLSTM__NPY_MAX_RANK, OCLSTM_E_LIMIT, "shape: more than %d dimensions",
            OCLSTM__NPY_MAX_RANK);
    TRY(parse_number(c, &size, error));
    REQUIRE(size <= limits->steps, OCLSTM_E_LIMIT, "shape: dimension %zu is %llu, the limit is %llu",
            info->rank, (unsigned long long)size, (unsigned long long)limits->steps);
    info->shape[info->rank++] = size;
    comma = accept(c, ",");
  }
  REQUIRE(info->rank != 1 || comma, OCLSTM_E_FORMAT, "shape: (%llu) without a comma is no tuple",
          (unsigned long long)size);
done:
  return status;
}

static oclstm_status parse_member(cursor *c, const oclstm_limits *limits, oclstm_npy_info *info,
                                  bool *fortran, unsigned *seen, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char key[MAX_STRING];
  TRY(parse_string(c, key, error));
  unsigned member = strcmp(key, "descr") == 0           ? HAS_DESCR
                    : strcmp(key, "fortran_order") == 0 ? HAS_ORDER
                    : strcmp(key, "shape") == 0         ? HAS_SHAPE
                                                        : 0;
  REQUIRE(member != 0, OCLSTM_E_FORMAT, "header: unknown key '%s'", key);
  REQUIRE((*seen & member) == 0, OCLSTM_E_FORMAT, "header: '%s' stands twice", key);
  *seen |= member;
  if (!accept(c, ":")) {
    return unexpected(c, ":", error);
  }
  if (member == HAS_DESCR) {
    TRY(parse_descr(c, info, error));
  } else if (member == HAS_ORDER) {
    TRY(parse_order(c, fortran, error));
  } else {
    TRY(parse_shape(c, limits, info, error));
  }
done:
  return status;
}

/* ---- the whole ---- */

bool oclstm__npy_count(oclstm_npy_info *info) {
  uint64_t count = 1;
  uint64_t bytes = 0;
  for (size_t k = 0; k < info->rank; ++k) {
    if (info->shape[k] == 0) {
      info->count = 0;
      return true;
    }
  }
  for (size_t k = 0; k < info->rank; ++k) {
    if (!oclstm__mul64(count, info->shape[k], &count)) {
      return false;
    }
  }
  info->count = count;
  return oclstm__mul64(count, oclstm__dtype_bytes(info->dtype), &bytes) &&
         bytes <= (uint64_t)INT64_MAX - (1U << 20); /* and a header */
}

/* Both orders are the same when at most one dimension is not 1. */
static bool order_matters(const oclstm_npy_info *info) {
  size_t wide = 0;
  for (size_t k = 0; k < info->rank; ++k) {
    wide += info->shape[k] != 1 ? 1U : 0U;
  }
  return wide > 1 && info->count != 0;
}

oclstm_status oclstm__npy_parse(const char *text, size_t n, const oclstm_limits *limits,
                                oclstm_npy_info *info, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cursor c = {text, text, text + n};
  unsigned seen = 0;
  bool fortran = false;
  bool comma = true;
  *info = (oclstm_npy_info){.shape = {1, 1, 1, 1}};
  if (!accept(&c, "{")) {
    return unexpected(&c, "{", error);
  }
  while (!accept(&c, "}")) {
    if (!comma) {
      return unexpected(&c, ", or }", error);
    }
    TRY(parse_member(&c, limits, info, &fortran, &seen, error));
    comma = accept(&c, ",");
  }
  (void)accept(&c, "");
  if (c.at != c.end) {
    return unexpected(&c, "the end", error);
  }
  REQUIRE(seen == HAS_ALL, OCLSTM_E_FORMAT, "header: %s is missing",
          (seen & HAS_DESCR) == 0   ? "descr"
          : (seen & HAS_ORDER) == 0 ? "fortran_order"
                                    : "shape");
  REQUIRE(oclstm__npy_count(info), OCLSTM_E_LIMIT, "shape: more than 2^63 bytes");
  REQUIRE(!fortran || !order_matters(info), OCLSTM_E_FORMAT,
          "fortran_order is True: only C order is accepted (numpy.ascontiguousarray makes it)");
done:
  return status;
}

size_t oclstm__npy_format(const oclstm_npy_info *info, unsigned char header[OCLSTM__NPY_HEADER]) {
  static const unsigned char MAGIC[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
  char *text = (char *)header;
  size_t at = sizeof MAGIC;
  memcpy(header, MAGIC, sizeof MAGIC);
  at += (size_t)snprintf(text + at, OCLSTM__NPY_HEADER - at,
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (");
  for (size_t k = 0; k < info->rank; ++k) {
    at += (size_t)snprintf(text + at, OCLSTM__NPY_HEADER - at, k == 0 ? "%llu" : ", %llu",
                           (unsigned long long)info->shape[k]);
  }
  at += (size_t)snprintf(text + at, OCLSTM__NPY_HEADER - at, info->rank == 1 ? ",), }" : "), }");
  size_t bytes = oclstm__round_up(at + 1, OCLSTM__NPY_ALIGNMENT);
  memset(text + at, ' ', bytes - at - 1);
  text[bytes - 1] = '\n';
  oclstm__put_le(header + 8, 2, bytes - sizeof MAGIC);
  return bytes;
}
