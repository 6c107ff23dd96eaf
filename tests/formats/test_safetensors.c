/* The safetensors index: what it gives, and what it refuses.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "formats/json_text.h"
#include "formats/safetensors.h"
#include "model/model.h"

static const oclstm_allocator LIBC = {NULL, NULL, NULL};

static oclstm_status index_file(oclstm__safetensors *index, const buffer *file, const oclstm_limits *given,
                                oclstm_error *error) {
  oclstm_limits limits = oclstm__limits(given);
  size_t header_bytes = 0;
  *index = (oclstm__safetensors){.header = NULL};
  oclstm_status status =
      oclstm__safetensors_header_bytes(file->bytes, file->n, &limits, &header_bytes, error);
  if (status == OCLSTM_OK) {
    status = oclstm__safetensors_index(index, (const char *)file->bytes + 8, header_bytes,
                                       file->n - 8 - header_bytes, &limits, oclstm__allocator(LIBC), error);
  }
  return status;
}

static void gives_every_tensor(void **state) {
  (void)state;
  buffer file = file_of_header(
      "{'b':{'dtype':'F64','shape':[2,3],'data_offsets':[4,52]},'__metadata__':{'x':'y','oclstm':'d'},"
      "'a':{'shape':[],'dtype':'F32','data_offsets':[0,4]},"
      "'none':{'dtype':'F16','shape':[0,7],'data_offsets':[52,52]},"
      "'zero':{'dtype':'U8','shape':[0],'data_offsets':[4,4]}}   ",
      52);
  oclstm__safetensors index;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  char shape[OCLSTM__SHAPE_TEXT];
  assert_status(index_file(&index, &file, NULL, &error), OCLSTM_OK, &error, "valid file");
  assert_int_equal(index.n_tensors, 4);
  assert_string_equal(index.description, "d");
  const oclstm__tensor *b = oclstm__safetensors_find(&index, "b");
  assert_non_null(b);
  assert_int_equal(b->dtype, OCLSTM_F64);
  assert_int_equal(b->rank, 2);
  assert_int_equal(b->begin, 4);
  assert_int_equal(b->bytes, 48);
  assert_string_equal(oclstm__shape_text(b, shape), "[2,3]");
  const oclstm__tensor *a = oclstm__safetensors_find(&index, "a");
  assert_non_null(a);
  assert_int_equal(a->rank, 0);
  assert_int_equal(a->bytes, 4);
  assert_false(oclstm__safetensors_find(&index, "zero")->weights);
  assert_null(oclstm__safetensors_find(&index, "c"));
  assert_null(oclstm__safetensors_find(&index, "__metadata__"));
  oclstm__safetensors_destroy(&index);
  buffer_free(&file);
}

/* Every known element type, with the bytes that the format gives it. */
static void knows_every_dtype(void **state) {
  (void)state;
  static const struct {
    const char *name;
    size_t bytes;
  } DTYPES[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
                {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},     {"U32", 4},
                {"F32", 4},  {"F64", 8}, {"I64", 8}, {"U64", 8},     {"C64", 8}};
  for (size_t k = 0; k < sizeof DTYPES / sizeof DTYPES[0]; ++k) {
    for (size_t off = 0; off < 2; ++off) { /* one byte more is refused */
      char header[160];
      oclstm__safetensors index;
      oclstm_error error = {OCLSTM_OK, 0, 0, ""};
      (void)snprintf(header, sizeof header, "{'t':{'dtype':'%s','shape':[3],'data_offsets':[0,%zu]}}",
                     DTYPES[k].name, 3 * DTYPES[k].bytes + off);
      buffer file = file_of_header(header, 3 * DTYPES[k].bytes + off);
      assert_status(index_file(&index, &file, NULL, &error), off == 0 ? OCLSTM_OK : OCLSTM_E_FORMAT, &error,
                    DTYPES[k].name);
      oclstm__safetensors_destroy(&index);
      buffer_free(&file);
    }
  }
}

static void accepts_no_tensors(void **state) {
  (void)state;
  buffer file = file_of_header("{}", 0);
  oclstm__safetensors index;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(index_file(&index, &file, NULL, &error), OCLSTM_OK, &error, "empty");
  assert_int_equal(index.n_tensors, 0);
  assert_null(oclstm__safetensors_find(&index, "a"));
  oclstm__safetensors_destroy(&index);
  buffer_free(&file);
}

#define T4 "{'dtype':'F32','shape':[1],'data_offsets':[0,4]}"
static const struct {
  const char *what;
  oclstm_status status;
  size_t data_bytes;
  const char *names; /* what the message must contain */
  const char *header;
} MALFORMED[] = {
    {"empty object, data behind", OCLSTM_E_FORMAT, 1, "1 bytes behind the last tensor", "{}"},
    {"list", OCLSTM_E_FORMAT, 0, "header does not begin with '{'", "[]"},
    {"number", OCLSTM_E_FORMAT, 0, "header does not begin with '{'", "1"},
    {"space in front", OCLSTM_E_FORMAT, 0, "header does not begin with '{'", " {}"},
    {"byte order mark", OCLSTM_E_FORMAT, 0, "header does not begin with '{'", "\xef\xbb\xbf{}"},
    {"not closed", OCLSTM_E_FORMAT, 4, "header: byte 53", "{'a':" T4},
    {"text behind", OCLSTM_E_FORMAT, 4, "header: byte 55", "{'a':" T4 "}x"},
    {"second object", OCLSTM_E_FORMAT, 4, "header: byte 55", "{'a':" T4 "}{}"},
    {"trailing comma", OCLSTM_E_FORMAT, 4, "header: byte 55", "{'a':" T4 ",}"},
    {"comment", OCLSTM_E_FORMAT, 4, "header: byte 2", "{/*c*/'a':" T4 "}"},
    {"invalid UTF-8 name", OCLSTM_E_FORMAT, 4, "header: byte 2", "{'\xff\xfe':" T4 "}"},
    {"NUL in a name", OCLSTM_E_FORMAT, 4, "header: byte 11", "{'a\\u0000b':" T4 "}"},
    {"NUL in a value", OCLSTM_E_FORMAT, 4, "header: byte 31",
     "{'__metadata__':{'k':'a\\u0000b'},'a':" T4 "}"},
    {"lone surrogate", OCLSTM_E_FORMAT, 4, "header: byte 9", "{'\\ud800':" T4 "}"},
    {"duplicate tensor", OCLSTM_E_FORMAT, 4, "header: byte 57", "{'a':" T4 ",'a':" T4 "}"},
    {"duplicate metadata", OCLSTM_E_FORMAT, 4, "header: byte 86",
     "{'__metadata__':{},'a':" T4 ",'__metadata__':{}}"},
    {"duplicate member", OCLSTM_E_FORMAT, 4, "header: byte 27",
     "{'a':{'dtype':'F32','dtype':'F32','shape':[1],'data_offsets':[0,4]}}"},
    {"duplicate by escape", OCLSTM_E_FORMAT, 4, "header: byte 62", "{'a':" T4 ",'\\u0061':" T4 "}"},
    {"metadata is a list", OCLSTM_E_FORMAT, 4, "__metadata__ is no object", "{'__metadata__':[],'a':" T4 "}"},
    {"metadata is null", OCLSTM_E_FORMAT, 4, "__metadata__ is no object", "{'__metadata__':null,'a':" T4 "}"},
    {"metadata holds a number", OCLSTM_E_FORMAT, 4, "__metadata__: v is no string",
     "{'__metadata__':{'v':1},'a':" T4 "}"},
    {"metadata nests", OCLSTM_E_FORMAT, 4, "__metadata__: v is no string",
     "{'__metadata__':{'v':{}},'a':" T4 "}"},
    {"nested too deep", OCLSTM_E_FORMAT, 4, "header: byte 29: nested deeper than 3",
     "{'a':{'dtype':'F32','shape':[[1]],'data_offsets':[0,4]}}"},
    {"tensor is a string", OCLSTM_E_FORMAT, 4, "tensor a: not an object", "{'a':'F32'}"},
    {"tensor is a list", OCLSTM_E_FORMAT, 4, "tensor a: not an object", "{'a':['F32',[1],[0,4]]}"},
    {"dtype missing", OCLSTM_E_FORMAT, 4, "tensor a: dtype is missing or no string",
     "{'a':{'shape':[1],'data_offsets':[0,4]}}"},
    {"dtype a number", OCLSTM_E_FORMAT, 4, "tensor a: dtype is missing or no string",
     "{'a':{'dtype':32,'shape':[1],'data_offsets':[0,4]}}"},
    {"dtype unknown", OCLSTM_E_DTYPE, 4, "tensor a: dtype F31 is unknown",
     "{'a':{'dtype':'F31','shape':[1],'data_offsets':[0,4]}}"},
    {"dtype in small letters", OCLSTM_E_DTYPE, 4, "tensor a: dtype f32 is unknown",
     "{'a':{'dtype':'f32','shape':[1],'data_offsets':[0,4]}}"},
    {"dtype empty", OCLSTM_E_DTYPE, 4, "tensor a: dtype  is unknown",
     "{'a':{'dtype':'','shape':[1],'data_offsets':[0,4]}}"},
    {"dtype of half a byte", OCLSTM_E_DTYPE, 4, "tensor a: dtype F4 is unknown",
     "{'a':{'dtype':'F4','shape':[8],'data_offsets':[0,4]}}"},
    {"shape missing", OCLSTM_E_FORMAT, 4, "tensor a: shape is missing or no list",
     "{'a':{'dtype':'F32','data_offsets':[0,4]}}"},
    {"shape a number", OCLSTM_E_FORMAT, 4, "tensor a: shape is missing or no list",
     "{'a':{'dtype':'F32','shape':1,'data_offsets':[0,4]}}"},
    {"shape with a string", OCLSTM_E_FORMAT, 4, "tensor a: shape: not an integer",
     "{'a':{'dtype':'F32','shape':['1'],'data_offsets':[0,4]}}"},
    {"shape with a float", OCLSTM_E_FORMAT, 4, "tensor a: shape: not an integer",
     "{'a':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}}"},
    {"shape with an exponent", OCLSTM_E_FORMAT, 4, "tensor a: shape: not an integer",
     "{'a':{'dtype':'F32','shape':[1e0],'data_offsets':[0,4]}}"},
    {"shape negative", OCLSTM_E_FORMAT, 4, "tensor a: shape: -1 is negative",
     "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}"},
    {"shape twice negative", OCLSTM_E_FORMAT, 4, "tensor a: shape: -1 is negative",
     "{'a':{'dtype':'F32','shape':[-1,-1],'data_offsets':[0,4]}}"},
    {"shape null", OCLSTM_E_FORMAT, 4, "tensor a: shape: not an integer",
     "{'a':{'dtype':'F32','shape':[null],'data_offsets':[0,4]}}"},
    {"shape over 64 bits", OCLSTM_E_FORMAT, 4, "header: byte 49",
     "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}}"},
    {"product overflows to the right value", OCLSTM_E_FORMAT, 4,
     "tensor a: the product of its shape overflows",
     "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]},'b':" T4 "}"},
    {"product wraps to 1", OCLSTM_E_FORMAT, 4, "tensor a: the product of its shape overflows",
     "{'a':{'dtype':'F32','shape':[274177,67280421310721],'data_offsets':[0,4]}}"},
    {"bytes overflow", OCLSTM_E_FORMAT, 4, "tensor a: 4611686018427387905 elements of F32 in 4 bytes",
     "{'a':{'dtype':'F32','shape':[4611686018427387905],'data_offsets':[0,4]}}"},
    {"rank 9", OCLSTM_E_LIMIT, 4, "tensor a: rank 9, the limit is 8",
     "{'a':{'dtype':'F32','shape':[1,1,1,1,1,1,1,1,1],'data_offsets':[0,4]}}"},
    {"more elements than bytes", OCLSTM_E_FORMAT, 4, "tensor a: 2 elements of F32 in 4 bytes",
     "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}"},
    {"fewer elements than bytes", OCLSTM_E_FORMAT, 8, "tensor a: 1 elements of F32 in 8 bytes",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,8]}}"},
    {"offsets missing", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets is missing or no pair",
     "{'a':{'dtype':'F32','shape':[1]}}"},
    {"one offset", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets is missing or no pair",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}"},
    {"three offsets", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets is missing or no pair",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4,4]}}"},
    {"offset negative", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets: -4 is negative",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[-4,0]}}"},
    {"second offset negative", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets: -4 is negative",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,-4]}}"},
    {"offset a float", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets: not an integer",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4.0]}}"},
    {"offset true", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets: not an integer",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[false,4]}}"},
    {"offsets backwards", OCLSTM_E_FORMAT, 4, "tensor a: data_offsets [4,0] run backwards",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}"},
    {"offset past the end", OCLSTM_E_TRUNCATED, 4, "tensor a: ends at byte 8 of 4 data bytes",
     "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}"},
    {"offset near 2^63", OCLSTM_E_TRUNCATED, 4, "tensor a: ends at byte 9223372036854775807 of 4 data bytes",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[9223372036854775803,9223372036854775807]}}"},
    {"hole in front", OCLSTM_E_FORMAT, 8, "tensor a: begins at data byte 4, the one before ends at 0",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}"},
    {"hole in the middle", OCLSTM_E_FORMAT, 12, "tensor b: begins at data byte 8, the one before ends at 4",
     "{'a':" T4 ",'b':{'dtype':'F32','shape':[1],'data_offsets':[8,12]}}"},
    {"bytes at the end", OCLSTM_E_FORMAT, 8, "4 bytes behind the last tensor", "{'a':" T4 "}"},
    {"same place twice", OCLSTM_E_FORMAT, 4, "tensor b: begins at data byte 0, the one before ends at 4",
     "{'a':" T4 ",'b':" T4 "}"},
    {"overlap", OCLSTM_E_FORMAT, 6, "tensor b: begins at data byte 2, the one before ends at 4",
     "{'a':" T4 ",'b':{'dtype':'F32','shape':[1],'data_offsets':[2,6]}}"},
    {"one inside the other", OCLSTM_E_FORMAT, 8, "tensor b: begins at data byte 2, the one before ends at 8",
     "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'U8','shape':[2],'data_offsets':[2,"
     "4]}}"},
    {"empty tensor inside another", OCLSTM_E_FORMAT, 4,
     "tensor b: begins at data byte 2, the one before ends at 4",
     "{'a':" T4 ",'b':{'dtype':'U8','shape':[0],'data_offsets':[2,2]}}"},
    {"unknown member", OCLSTM_E_FORMAT, 4, "tensor a: 4 members, not dtype, shape and data_offsets alone",
     "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'extra':1}}"},
};

static void refuses_malformed_headers(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof MALFORMED / sizeof MALFORMED[0]; ++k) {
    buffer file = file_of_header(MALFORMED[k].header, MALFORMED[k].data_bytes);
    oclstm__safetensors index;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(index_file(&index, &file, NULL, &error), MALFORMED[k].status, &error, MALFORMED[k].what);
    assert_names(&error, MALFORMED[k].names, MALFORMED[k].what);
    oclstm__safetensors_destroy(&index);
    buffer_free(&file);
  }
  say_count(sizeof MALFORMED / sizeof MALFORMED[0], "malformed safetensors headers");
}

static void refuses_bad_lengths(void **state) {
  (void)state;
  static const struct {
    uint64_t length, header_limit;
    oclstm_status status;
  } CASES[] = {{0, 0, OCLSTM_E_FORMAT},
               {3, 0, OCLSTM_E_TRUNCATED},
               {UINT64_C(1) << 63, 0, OCLSTM_E_LIMIT},
               {UINT64_C(1) << 63, UINT64_MAX, OCLSTM_E_TRUNCATED},
               {UINT64_MAX, UINT64_MAX, OCLSTM_E_TRUNCATED},
               {UINT64_MAX - 7, UINT64_MAX, OCLSTM_E_TRUNCATED},
               {(16U << 20) + 1, 0, OCLSTM_E_LIMIT},
               {16U << 20, 0, OCLSTM_E_TRUNCATED},
               {2, 1, OCLSTM_E_LIMIT},
               {2, 2, OCLSTM_OK}};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    buffer file = file_of_header("{}", 0);
    oclstm_limits limits = OCLSTM_LIMITS_INIT;
    oclstm__safetensors index;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    limits.header_bytes = CASES[k].header_limit;
    for (size_t b = 0; b < 8; ++b) {
      file.bytes[b] = (unsigned char)(CASES[k].length >> (8 * b));
    }
    assert_status(index_file(&index, &file, &limits, &error), CASES[k].status, &error, "length");
    oclstm__safetensors_destroy(&index);
    buffer_free(&file);
  }
}

/* A NUL byte in the text itself, which a C string would not show. */
static void refuses_raw_nul(void **state) {
  (void)state;
  buffer file = file_of_header("{'a':" T4 "}", 4);
  oclstm__safetensors index;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  file.bytes[8 + 2] = '\0';
  assert_status(index_file(&index, &file, NULL, &error), OCLSTM_E_FORMAT, &error, "raw NUL");
  oclstm__safetensors_destroy(&index);
  buffer_free(&file);
}

static void keeps_limits(void **state) {
  (void)state;
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  oclstm__safetensors index;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  buffer two =
      file_of_header("{'a':" T4 ",'b':{'dtype':'U8','shape':[0],'data_offsets':[4,4]},'__metadata__':{}}", 4);
  for (limits.tensors = 1; limits.tensors <= 2; ++limits.tensors) {
    assert_status(index_file(&index, &two, &limits, &error), limits.tensors == 2 ? OCLSTM_OK : OCLSTM_E_LIMIT,
                  &error, "two tensors");
    oclstm__safetensors_destroy(&index);
  }
  buffer_free(&two);

  char header[1200];
  for (int n = 1024; n <= 1025; ++n) {
    (void)snprintf(header, sizeof header, "{'%0*d':" T4 "}", n, 0);
    buffer file = file_of_header(header, 4);
    assert_status(index_file(&index, &file, NULL, &error), n == 1024 ? OCLSTM_OK : OCLSTM_E_LIMIT, &error,
                  "long name");
    oclstm__safetensors_destroy(&index);
    buffer_free(&file);
  }
}

static void bounds_depth_and_values(void **state) {
  (void)state;
  static const char TEXT[] =
      "{\"a\\\"{[[[,\": [1, 2, {}]}"; /* three deep, five values; what is in the string does not count */
  static const struct {
    size_t depth;
    uint64_t values;
    oclstm_status status;
  } CASES[] = {{3, 5, OCLSTM_OK}, {2, 5, OCLSTM_E_FORMAT}, {3, 4, OCLSTM_E_LIMIT}};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    json_t *root = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(
        oclstm__json_object(TEXT, sizeof TEXT - 1, CASES[k].depth, CASES[k].values, "text", &root, &error),
        CASES[k].status, &error, "bounds");
    assert_int_equal(root == NULL, CASES[k].status != OCLSTM_OK);
    json_decref(root);
  }
}

/* Small in the file, large in a parser: both are refused before the parser takes memory. */
static void bounds_the_parser(void **state) {
  (void)state;
  const size_t n = 8U << 20;
  oclstm__safetensors index;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  buffer file = {malloc(8 + n), 8 + n};
  assert_non_null(file.bytes);
  memset(file.bytes, 0, 8);
  file.bytes[2] = 0x80; /* 8 MiB */
  memset(file.bytes + 8, '[', n);
  memcpy(file.bytes + 8, "{\"a\":", 5);
  assert_status(index_file(&index, &file, NULL, &error), OCLSTM_E_FORMAT, &error, "millions of brackets");
  memset(file.bytes + 8, '0', n);
  memcpy(file.bytes + 8, "{\"a\":[", 6);
  for (size_t k = 15; k < 8 + n; k += 2) {
    file.bytes[k] = ',';
  }
  assert_status(index_file(&index, &file, NULL, &error), OCLSTM_E_LIMIT, &error, "millions of numbers");
  assert_null(index.header);
  buffer_free(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_every_tensor),  cmocka_unit_test(knows_every_dtype),
      cmocka_unit_test(accepts_no_tensors),  cmocka_unit_test(refuses_malformed_headers),
      cmocka_unit_test(refuses_bad_lengths), cmocka_unit_test(refuses_raw_nul),
      cmocka_unit_test(keeps_limits),        cmocka_unit_test(bounds_depth_and_values),
      cmocka_unit_test(bounds_the_parser),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
