/* Weight arrays of several element types, read one element at a time.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/model.h"

size_t oclstm__dtype_bytes(oclstm_dtype dtype) {
  switch (dtype) {
    case OCLSTM_F64:
    case OCLSTM_I64: return 8;
    case OCLSTM_F32:
    case OCLSTM_I32: return 4;
    case OCLSTM_F16:
    case OCLSTM_BF16:
    case OCLSTM_I16: return 2;
    case OCLSTM_I8: return 1;
  }
  return 0;
}

const char *oclstm__dtype_name(oclstm_dtype dtype) {
  static const char *const NAMES[] = {"F32", "F64", "F16", "BF16", "I8", "I16", "I32", "I64"};
  return (size_t)dtype < sizeof NAMES / sizeof NAMES[0] ? NAMES[dtype] : "unknown";
}

/* IEEE 754 binary16, subnormals included. */
static double half_value(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  int fraction = bits & 0x3ff;
  double magnitude;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? (double)INFINITY : (double)NAN;
  } else if (exponent == 0) {
    magnitude = ldexp(fraction, -24);
  } else {
    magnitude = ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/* bfloat16 is the upper half of a float32. */
static double bfloat_value(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

double oclstm__array_at(const oclstm_array *array, size_t k) {
  const char *at = (const char *)array->data + k * oclstm__dtype_bytes(array->dtype);
  union {
    double f64;
    float f32;
    uint16_t u16;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
  } v;
  memcpy(&v, at, oclstm__dtype_bytes(array->dtype));
  switch (array->dtype) {
    case OCLSTM_F32: return v.f32;
    case OCLSTM_F64: return v.f64;
    case OCLSTM_F16: return half_value(v.u16);
    case OCLSTM_BF16: return bfloat_value(v.u16);
    case OCLSTM_I8: return v.i8;
    case OCLSTM_I16: return v.i16;
    case OCLSTM_I32: return v.i32;
    case OCLSTM_I64: return (double)v.i64;
  }
  assert(0 && "dtype was checked when the array came in");
  return 0.0;
}

void oclstm__array_f32(const oclstm_array *array, size_t first, size_t n, float *to) {
  if (array->dtype == OCLSTM_F32) {
    memcpy(to, (const char *)array->data + first * sizeof(float), n * sizeof(float));
    return;
  }
  for (size_t k = 0; k < n; ++k) {
    to[k] = (float)oclstm__array_at(array, first + k);
  }
}
