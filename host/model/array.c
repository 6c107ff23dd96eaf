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
float oclstm__half_float(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  int fraction = bits & 0x3ff;
  float magnitude;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = ldexpf((float)fraction, -24);
  } else {
    magnitude = ldexpf((float)(fraction + 1024), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/* bfloat16 is the upper half of a float32. */
float oclstm__bfloat_float(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

uint16_t oclstm__bfloat_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value)) {
    return (uint16_t)(bits >> 16 | 0x40); /* quiet: rounding could carry a NaN into an infinity */
  }
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* A float16 has ulp 2^(e-10) for 2^e <= |value|, and 2^-24 below 2^-14: counting ulps in float32 rounds to nearest even. */
uint16_t oclstm__half_bits(float value) {
  uint16_t sign = signbit(value) ? 0x8000 : 0;
  float magnitude = fabsf(value);
  int exponent = 0;
  if (isnan(value)) {
    return sign | 0x7e00;
  }
  if (magnitude >= 65520.0F) { /* half an ulp over the largest */
    return sign | 0x7c00;
  }
  (void)frexpf(magnitude, &exponent); /* of 0 it gives 0, which is not small */
  exponent = magnitude < 0x1p-14F ? -14 : exponent - 1;
  int ulps = (int)rintf(ldexpf(magnitude, 10 - exponent));
  return (uint16_t)(sign | (((exponent + 14) << 10) + ulps));
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
    case OCLSTM_F16: return (double)oclstm__half_float(v.u16);
    case OCLSTM_BF16: return (double)oclstm__bfloat_float(v.u16);
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
