/* .npy arrays: headers, element types, ranges, and the writer.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/bytes.h"
#include "formats/npy.h"
#include "model/model.h"

/* Magic, version, length and text of a header, then data_bytes of zeros. */
static buffer npy_file(unsigned version, const char *text, size_t data_bytes) {
  size_t n = strlen(text);
  size_t length_bytes = version == 1 ? 2 : 4;
  buffer b = {calloc(1, 8 + length_bytes + n + data_bytes + 1), 8 + length_bytes + n + data_bytes};
  assert_non_null(b.bytes);
  memcpy(b.bytes, "\x93NUMPY", 6);
  b.bytes[6] = (unsigned char)version;
  oclstm__put_le(b.bytes + 8, length_bytes, n);
  memcpy(b.bytes + 8 + length_bytes, text, n);
  return b;
}

static oclstm_status open_bytes(const buffer *b, const oclstm_limits *limits, oclstm_npy **npy,
                                oclstm_error *error) {
  write_file(in_folder("a.npy"), b->bytes, b->n);
  return oclstm_npy_open(in_folder("a.npy"), limits, npy, error);
}

static oclstm_npy *open_array(const char *descr, const char *shape, const void *data, size_t n) {
  char text[128];
  oclstm_npy *npy = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  (void)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);
  buffer b = npy_file(1, text, n);
  memcpy(b.bytes + b.n - n, data, n);
  assert_status(open_bytes(&b, NULL, &npy, &error), OCLSTM_OK, &error, text);
  buffer_free(&b);
  return npy;
}

/* ---- headers ---- */

static const struct {
  const char *text;
  oclstm_status status;
  size_t data_bytes;
  const char *names; /* what the message must contain */
} HEADERS[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }        \n", OCLSTM_OK, 48, ""},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}", OCLSTM_OK, 48, ""},
    {"{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(3,4,)}", OCLSTM_OK, 48, ""},
    {"\t{ 'shape' : ( 12 , ) , 'fortran_order' : False , 'descr' : '<f4' , }\r\n", OCLSTM_OK, 48, ""},
    {"{'shape':(12L,),'fortran_order':False,'descr':'<f4'}", OCLSTM_OK, 48, ""},
    {"{'shape':(),'fortran_order':False,'descr':'<f8'}", OCLSTM_OK, 8, ""},
    {"{'shape':(0,),'fortran_order':False,'descr':'<f8'}", OCLSTM_OK, 0, ""},
    {"{'shape':(1,2,3,4),'fortran_order':False,'descr':'|i1'}", OCLSTM_OK, 24, ""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<i1'}", OCLSTM_OK, 3, ""},
    {"{'shape':(3,),'fortran_order':True,'descr':'<f4'}", OCLSTM_OK, 12, ""},
    {"{'shape':(),'fortran_order':True,'descr':'<f4'}", OCLSTM_OK, 4, ""},
    {"{'shape':(1,3,1),'fortran_order':True,'descr':'<f4'}", OCLSTM_OK, 12, ""},
    {"{'shape':(0,3),'fortran_order':True,'descr':'<f4'}", OCLSTM_OK, 0, ""},
    {"{'shape':(1099511627776,1099511627776,0),'fortran_order':False,'descr':'<f4'}", OCLSTM_OK, 0, ""},
    {"{'shape':(2,3),'fortran_order':True,'descr':'<f4'}", OCLSTM_E_FORMAT, 24,
     "fortran_order is True: only C order is accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'>f4'}", OCLSTM_E_DTYPE, 12,
     "descr '>f4': big-endian elements are not accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'=f4'}", OCLSTM_E_DTYPE, 12,
     "descr '=f4': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'f4'}", OCLSTM_E_DTYPE, 12,
     "descr 'f4': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'<u4'}", OCLSTM_E_DTYPE, 12,
     "descr '<u4': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'|b1'}", OCLSTM_E_DTYPE, 3,
     "descr '|b1': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'|O'}", OCLSTM_E_DTYPE, 3,
     "descr '|O': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'|S4'}", OCLSTM_E_DTYPE, 12,
     "descr '|S4': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'<c8'}", OCLSTM_E_DTYPE, 24,
     "descr '<c8': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f16'}", OCLSTM_E_DTYPE, 48,
     "descr '<f16': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':[('a','<f4')]}", OCLSTM_E_DTYPE, 12,
     "descr: arrays of structures are not accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':''}", OCLSTM_E_DTYPE, 12,
     "descr '': only <f2 <f4 <f8 |i1 <i2 <i4 <i8 are accepted"},
    {"{'shape':(3,),'fortran_order':False,'descr':4}", OCLSTM_E_FORMAT, 12,
     "header: byte 44: expected a string, found \"4}\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4}", OCLSTM_E_FORMAT, 12,
     "header: byte 49: expected the end of a string, found \"\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4\"}", OCLSTM_E_FORMAT, 12,
     "header: byte 50: expected the end of a string, found \"\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'\\x3cf4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 45: expected a short plain string, found \"\\x3cf4'}\""},
    {"{'shape':(3,),'fortran_order':0,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 30: expected True or False, found \"0,'descr':'<f4'}\""},
    {"{'shape':(3,),'fortran_order':false,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 30: expected True or False, found \"false,'descr':'<\""},
    {"{'shape':(3,),'fortran_order':'False','descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 30: expected True or False, found \"'False','descr':\""},
    {"{'shape':(3),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "shape: (3) without a comma is no tuple"},
    {"{'shape':[3],'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 9: expected ( of a shape, found \"[3],'fortran_ord\""},
    {"{'shape':3,'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 9: expected ( of a shape, found \"3,'fortran_order\""},
    {"{'shape':(,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 4,
     "header: byte 10: expected a number, found \",),'fortran_orde\""},
    {"{'shape':(1,,3),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 12: expected a number, found \",3),'fortran_ord\""},
    {"{'shape':(1 3),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 12: expected , or ), found \"3),'fortran_orde\""},
    {"{'shape':(-3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 10: expected a number, found \"-3,),'fortran_or\""},
    {"{'shape':(+3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 10: expected a number, found \"+3,),'fortran_or\""},
    {"{'shape':(03,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 10: expected a number, found \"03,),'fortran_or\""},
    {"{'shape':(0x3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 11: expected , or ), found \"x3,),'fortran_or\""},
    {"{'shape':(3.0,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 11: expected , or ), found \".0,),'fortran_or\""},
    {"{'shape':(1_2,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 48,
     "header: byte 11: expected , or ), found \"_2,),'fortran_or\""},
    {"{'shape':(3*1,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 11: expected , or ), found \"*1,),'fortran_or\""},
    {"{'shape':(1,1,1,1,3),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_LIMIT, 12,
     "shape: more than 4 dimensions"},
    {"{'shape':(1099511627777,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_LIMIT, 12,
     "shape: dimension 0 is 1099511627777, the limit is 1099511627776"},
    {"{'shape':(18446744073709551616,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_LIMIT, 12,
     "header: byte 10: the number does not fit 64 bits"},
    {"{'shape':(1099511627776,1099511627776),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_LIMIT, 12,
     "shape: more than 2^63 bytes"},
    {"{'shape':(1099511627776,2097152,1),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_LIMIT, 0,
     "shape: more than 2^63 bytes"},
    {"{'shape':(274177,67280421310,1),'fortran_order':False,'descr':'|i1'}", OCLSTM_E_TRUNCATED, 0,
     "expected 18446744073511948 bytes, found 78"},
    {"{'shape':(3,),'fortran_order':False}", OCLSTM_E_FORMAT, 12, "header: descr is missing"},
    {"{'shape':(3,),'descr':'<f4'}", OCLSTM_E_FORMAT, 12, "header: fortran_order is missing"},
    {"{'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 4, "header: shape is missing"},
    {"{}", OCLSTM_E_FORMAT, 0, "header: descr is missing"},
    {"", OCLSTM_E_FORMAT, 0, "header: byte 0: expected {, found \"\""},
    {"   ", OCLSTM_E_FORMAT, 0, "header: byte 3: expected {, found \"\""},
    {"{", OCLSTM_E_FORMAT, 0, "header: byte 1: expected a string, found \"\""},
    {"{'", OCLSTM_E_FORMAT, 0, "header: byte 2: expected the end of a string, found \"\""},
    {"{'shape'", OCLSTM_E_FORMAT, 0, "header: byte 8: expected :, found \"\""},
    {"{'shape':", OCLSTM_E_FORMAT, 0, "header: byte 9: expected ( of a shape, found \"\""},
    {"{'shape':(", OCLSTM_E_FORMAT, 0, "header: byte 10: expected a number, found \"\""},
    {"{'shape':(3", OCLSTM_E_FORMAT, 0, "header: byte 11: expected , or ), found \"\""},
    {"{'descr':'<f4", OCLSTM_E_FORMAT, 0, "header: byte 13: expected the end of a string, found \"\""},
    {"{'shape':(3,),'shape':(3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: 'shape' stands twice"},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4','extra':1}", OCLSTM_E_FORMAT, 12,
     "header: unknown key 'extra'"},
    {"{'shape':(3,) 'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 14: expected , or }, found \"'fortran_order':\""},
    {"{'shape':(3,),,'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 12,
     "header: byte 14: expected a string, found \",'fortran_order'\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4'},", OCLSTM_E_FORMAT, 12,
     "header: byte 50: expected the end, found \",\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4'} {}", OCLSTM_E_FORMAT, 12,
     "header: byte 51: expected the end, found \"{}\""},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_TRUNCATED, 11,
     "expected 72 bytes, found 71"},
    {"{'shape':(3,),'fortran_order':False,'descr':'<f4'}", OCLSTM_E_FORMAT, 13,
     "expected 72 bytes, found 73"},
    {"{'a-key-that-is-longer-than-any-that-is-known':(3,)}", OCLSTM_E_FORMAT, 12,
     "header: byte 33: expected a short plain string, found \"hat-is-known':(3\""},
    {"__import__('os').system('true')", OCLSTM_E_FORMAT, 0,
     "header: byte 0: expected {, found \"__import__('os')\""},
};

static void reads_and_refuses_headers(void **state) {
  (void)state;
  size_t n_refused = 0;
  for (size_t k = 0; k < sizeof HEADERS / sizeof HEADERS[0]; ++k) {
    for (unsigned version = 1; version <= 3; ++version) {
      buffer b = npy_file(version, HEADERS[k].text, HEADERS[k].data_bytes);
      oclstm_npy *npy = NULL;
      oclstm_error error = {OCLSTM_OK, 0, 0, ""};
      assert_status(open_bytes(&b, NULL, &npy, &error), HEADERS[k].status, &error, HEADERS[k].text);
      assert_int_equal(npy == NULL, HEADERS[k].status != OCLSTM_OK);
      if (version == 1) { /* the longer prefix of the others makes other sizes */
        assert_names(&error, HEADERS[k].names, HEADERS[k].text);
        n_refused += HEADERS[k].status != OCLSTM_OK;
      }
      oclstm_npy_close(&npy);
      buffer_free(&b);
    }
  }
  say_count(n_refused, "malformed .npy headers");
}

static void reads_what_headers_say(void **state) {
  (void)state;
  char data[24] = {0};
  oclstm_npy *npy = open_array("<i2", "(2, 3, 2)", data, 24);
  const oclstm_npy_info *info = oclstm_npy_get_info(npy);
  assert_int_equal(info->dtype, OCLSTM_I16);
  assert_int_equal(info->rank, 3);
  assert_int_equal(info->shape[0], 2);
  assert_int_equal(info->shape[1], 3);
  assert_int_equal(info->shape[2], 2);
  assert_int_equal(info->shape[3], 1);
  assert_int_equal(info->count, 12);
  oclstm_npy_close(&npy);
  oclstm_npy_close(&npy);
  oclstm_npy_close(NULL);
}

static void refuses_other_prefixes(void **state) {
  (void)state;
  static const struct {
    size_t at;
    unsigned char value;
    oclstm_status status;
  } CASES[] = {{0, 'X', OCLSTM_E_FORMAT}, {5, 'y', OCLSTM_E_FORMAT}, {6, 0, OCLSTM_E_FORMAT},
               {6, 4, OCLSTM_E_FORMAT},   {7, 1, OCLSTM_E_FORMAT},   {9, 0xff, OCLSTM_E_TRUNCATED}};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    buffer b = npy_file(1, HEADERS[0].text, 48);
    oclstm_npy *npy = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    b.bytes[CASES[k].at] = CASES[k].value;
    assert_status(open_bytes(&b, NULL, &npy, &error), CASES[k].status, &error, "prefix");
    buffer_free(&b);
  }
  buffer b = npy_file(2, HEADERS[0].text, 48);
  oclstm_npy *npy = NULL;
  b.bytes[11] = 0x80; /* 2 GiB */
  assert_int_equal(open_bytes(&b, NULL, &npy, NULL), OCLSTM_E_LIMIT);
  buffer_free(&b);
}

static void refuses_every_truncation_and_survives_flips(void **state) {
  (void)state;
  buffer b = npy_file(1, HEADERS[0].text, 48);
  oclstm_npy *npy = NULL;
  for (size_t n = 0; n < b.n; ++n) {
    const buffer cut = {b.bytes, n};
    assert_int_equal(open_bytes(&cut, NULL, &npy, NULL), OCLSTM_E_TRUNCATED);
  }
  for (size_t bit = 0; bit < 8 * (b.n - 48); ++bit) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    b.bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    oclstm_status status = open_bytes(&b, NULL, &npy, &error);
    assert_true(status == OCLSTM_OK || status == OCLSTM_E_FORMAT || status == OCLSTM_E_TRUNCATED ||
                status == OCLSTM_E_DTYPE || status == OCLSTM_E_LIMIT);
    oclstm_npy_close(&npy);
    b.bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
  }
  buffer_free(&b);
}

static void keeps_limits(void **state) {
  (void)state;
  buffer b = npy_file(1, HEADERS[0].text, 48);
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  oclstm_npy *npy = NULL;
  limits.steps = 3;
  assert_int_equal(open_bytes(&b, &limits, &npy, NULL), OCLSTM_E_LIMIT);
  limits.steps = 4;
  assert_int_equal(open_bytes(&b, &limits, &npy, NULL), OCLSTM_OK);
  oclstm_npy_close(&npy);
  limits.struct_size = 1;
  assert_int_equal(open_bytes(&b, &limits, &npy, NULL), OCLSTM_E_ARGUMENT);
  buffer_free(&b);
}

/* ---- elements ---- */

#define CHECK_TYPE(type, descr, shape, ...)                                 \
  do {                                                                      \
    const type values[] = {__VA_ARGS__};                                    \
    float got[sizeof values / sizeof values[0]];                            \
    oclstm_npy *npy = open_array(descr, shape, values, sizeof values);      \
    size_t n = sizeof values / sizeof values[0];                            \
    assert_int_equal(oclstm_npy_read_f32(npy, 0, n, got, NULL), OCLSTM_OK); \
    for (size_t k = 0; k < n; ++k) {                                        \
      assert_true(got[k] == (float)values[k]);                              \
    }                                                                       \
    oclstm_npy_close(&npy);                                                 \
  } while (0)

static void converts_to_float(void **state) {
  (void)state;
  CHECK_TYPE(float, "<f4", "(4,)", 0.0F, -1.5F, 3.4e38F, 1e-45F);
  CHECK_TYPE(double, "<f8", "(4,)", 0.1, -1.0 / 3.0, 1e-50, 16777217.0);
  CHECK_TYPE(int8_t, "|i1", "(4,)", 0, -128, 127, 1);
  CHECK_TYPE(int16_t, "<i2", "(4,)", 0, -32768, 32767, 1);
  CHECK_TYPE(int32_t, "<i4", "(4,)", 0, INT32_MIN, INT32_MAX, 16777217);
  /* The last one lies just above the middle of two floats: over double it would be rounded twice, to the lower. */
  CHECK_TYPE(int64_t, "<i8", "(4,)", INT64_MIN, INT64_MAX, 1, (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1);
  const double wide = 1e300;
  float narrow = 0.0F;
  oclstm_npy *npy = open_array("<f8", "()", &wide, sizeof wide);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, 1, &narrow, NULL), OCLSTM_OK);
  assert_true(isinf(narrow) && narrow > 0);
  oclstm_npy_close(&npy);
}

static void converts_every_half(void **state) {
  (void)state;
  static uint16_t halves[1 << 16];
  static float got[1 << 16];
  const oclstm_array array = {halves, OCLSTM_F16};
  for (size_t k = 0; k < 1 << 16; ++k) {
    halves[k] = (uint16_t)k;
  }
  oclstm_npy *npy = open_array("<f2", "(65536,)", halves, sizeof halves);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, 1 << 16, got, NULL), OCLSTM_OK);
  for (size_t k = 0; k < 1 << 16; ++k) {
    double expected = oclstm__array_at(&array, k);
    assert_int_equal(isnan(got[k]) != 0, isnan(expected) != 0);
    assert_int_equal(signbit(got[k]) != 0, signbit(expected) != 0);
    assert_true(isnan(expected) || (double)got[k] == expected);
  }
  oclstm_npy_close(&npy);
}

static void converts_to_integers(void **state) {
  (void)state;
  const int8_t i1[] = {-128, 127};
  const int16_t i2[] = {-32768, 32767};
  const int32_t i4[] = {INT32_MIN, INT32_MAX};
  const int64_t i8[] = {INT64_MIN, INT64_MAX};
  const float f4[] = {1.0F, 2.0F};
  const struct {
    const char *descr;
    const void *data;
    size_t bytes;
    int64_t expected[2];
  } CASES[] = {{"|i1", i1, sizeof i1, {-128, 127}},
               {"<i2", i2, sizeof i2, {-32768, 32767}},
               {"<i4", i4, sizeof i4, {INT32_MIN, INT32_MAX}},
               {"<i8", i8, sizeof i8, {INT64_MIN, INT64_MAX}}};
  int64_t got[2] = {0, 0};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    oclstm_npy *npy = open_array(CASES[k].descr, "(2,)", CASES[k].data, CASES[k].bytes);
    assert_int_equal(oclstm_npy_read_i64(npy, 0, 2, got, NULL), OCLSTM_OK);
    assert_memory_equal(got, CASES[k].expected, sizeof got);
    oclstm_npy_close(&npy);
  }
  oclstm_npy *npy = open_array("<f4", "(2,)", f4, sizeof f4);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(oclstm_npy_read_i64(npy, 0, 2, got, &error), OCLSTM_E_DTYPE, &error, "floats as integers");
  oclstm_npy_close(&npy);
}

/* More elements than a block holds, from every kind of place. */
static void reads_any_range(void **state) {
  (void)state;
  enum { N = 40000 };
  int32_t *values = malloc(N * sizeof *values);
  float *got = malloc(N * sizeof *got);
  int64_t *integers = malloc(N * sizeof *integers);
  assert_true(values != NULL && got != NULL && integers != NULL);
  for (int k = 0; k < N; ++k) {
    values[k] = k * 3 - 7;
  }
  oclstm_npy *npy = open_array("<i4", "(200, 200)", values, N * sizeof *values);
  static const size_t FIRSTS[] = {0, 1, 8191, 8192, 8193, 39999, 40000};
  for (size_t k = 0; k < sizeof FIRSTS / sizeof FIRSTS[0]; ++k) {
    size_t n = N - FIRSTS[k];
    assert_int_equal(oclstm_npy_read_f32(npy, FIRSTS[k], n, got, NULL), OCLSTM_OK);
    assert_int_equal(oclstm_npy_read_i64(npy, FIRSTS[k], n, integers, NULL), OCLSTM_OK);
    for (size_t e = 0; e < n; ++e) {
      assert_true(got[e] == (float)values[FIRSTS[k] + e] && integers[e] == values[FIRSTS[k] + e]);
    }
  }
  assert_int_equal(oclstm_npy_read_f32(npy, N, 0, NULL, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_read_f32(npy, N, 1, got, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_read_f32(npy, N + 1, 0, got, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_read_f32(npy, UINT64_MAX, 2, got, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_read_f32(npy, 1, SIZE_MAX, got, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, 1, NULL, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_write_f32(npy, 0, 1, got, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(truncate(in_folder("a.npy"), 1000), 0);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, N, got, NULL), OCLSTM_E_TRUNCATED);
  oclstm_npy_close(&npy);
  free(values);
  free(got);
  free(integers);
}

/* ---- writing ---- */

static void writes_what_it_reads(void **state) {
  (void)state;
  static const uint64_t SHAPE[] = {5, 3, 7, 2};
  static const char *const TEXTS[] = {"'shape': (), }", "'shape': (5,), }", "'shape': (5, 3), }",
                                      "'shape': (5, 3, 7), }", "'shape': (5, 3, 7, 2), }"};
  float values[210];
  for (size_t k = 0; k < 210; ++k) {
    values[k] = (float)k * 0.37F - 11.0F;
  }
  for (size_t rank = 0; rank <= 4; ++rank) {
    oclstm_npy *npy = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    float got[210];
    assert_status(oclstm_npy_create(in_folder("out.npy"), rank, SHAPE, &npy, &error), OCLSTM_OK, &error,
                  "create");
    size_t n = (size_t)oclstm_npy_get_info(npy)->count;
    for (size_t k = n; k-- > 0;) { /* from the end */
      assert_int_equal(oclstm_npy_write_f32(npy, k, 1, &values[k], NULL), OCLSTM_OK);
    }
    assert_int_equal(oclstm_npy_write_f32(npy, n, 1, values, NULL), OCLSTM_E_ARGUMENT);
    assert_int_equal(oclstm_npy_write_f32(npy, 1, SIZE_MAX, values, NULL), OCLSTM_E_ARGUMENT);
    assert_int_equal(oclstm_npy_read_f32(npy, 0, 1, got, NULL), OCLSTM_E_ARGUMENT);
    assert_int_equal(access(in_folder("out.npy"), F_OK), -1);
    assert_status(oclstm_npy_commit(&npy, &error), OCLSTM_OK, &error, "commit");
    assert_null(npy);
    buffer file = read_file(in_folder("out.npy"));
    assert_int_equal((file.n - n * 4) % 64, 0);
    assert_int_equal(file.bytes[file.n - n * 4 - 1], '\n');
    file.bytes[file.n - n * 4 - 1] = '\0';
    assert_non_null(strstr((const char *)file.bytes + 10, TEXTS[rank]));
    buffer_free(&file);
    assert_status(oclstm_npy_open(in_folder("out.npy"), NULL, &npy, &error), OCLSTM_OK, &error, "open");
    assert_int_equal(oclstm_npy_read_f32(npy, 0, n, got, NULL), OCLSTM_OK);
    assert_memory_equal(got, values, n * 4);
    oclstm_npy_close(&npy);
    assert_int_equal(unlink(in_folder("out.npy")), 0);
  }
}

static void begins_with_zeros(void **state) {
  (void)state;
  static const uint64_t SHAPE[] = {1000};
  static const float ZEROS[1000];
  float got[1000];
  oclstm_npy *npy = NULL;
  assert_int_equal(oclstm_npy_create(in_folder("zeros.npy"), 1, SHAPE, &npy, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_commit(&npy, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_open(in_folder("zeros.npy"), NULL, &npy, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, 1000, got, NULL), OCLSTM_OK);
  assert_memory_equal(got, ZEROS, sizeof got);
  assert_int_equal(oclstm_npy_commit(&npy, NULL),
                   OCLSTM_E_ARGUMENT); /* opened for reading: closed all the same */
  assert_null(npy);
  assert_int_equal(oclstm_npy_commit(&npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_commit(NULL, NULL), OCLSTM_E_ARGUMENT);
}

static void refuses_bad_arguments(void **state) {
  (void)state;
  static const uint64_t SHAPE[] = {UINT64_C(1) << 32, UINT64_C(1) << 30, 1, 1, 1};
  oclstm_npy *npy = NULL;
  assert_int_equal(oclstm_npy_create(NULL, 1, SHAPE, &npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_create("x", 1, NULL, &npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_create("x", 1, SHAPE, NULL, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_create(in_folder("x"), 5, SHAPE, &npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_create(in_folder("x"), 2, SHAPE, &npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_open(NULL, NULL, &npy, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_open("x", NULL, NULL, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_npy_open("missing/x", NULL, &npy, NULL), OCLSTM_E_OPEN);
  assert_int_equal(oclstm_npy_open("/", NULL, &npy, NULL), OCLSTM_E_OPEN);
  assert_int_equal(oclstm_npy_open("/dev/zero", NULL, &npy, NULL), OCLSTM_E_OPEN);
  assert_null(npy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_and_refuses_headers),
      cmocka_unit_test(reads_what_headers_say),
      cmocka_unit_test(refuses_other_prefixes),
      cmocka_unit_test(refuses_every_truncation_and_survives_flips),
      cmocka_unit_test(keeps_limits),
      cmocka_unit_test(converts_to_float),
      cmocka_unit_test(converts_every_half),
      cmocka_unit_test(converts_to_integers),
      cmocka_unit_test(reads_any_range),
      cmocka_unit_test(writes_what_it_reads),
      cmocka_unit_test(begins_with_zeros),
      cmocka_unit_test(refuses_bad_arguments),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
