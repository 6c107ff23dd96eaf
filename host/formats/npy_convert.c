/* Elements of .npy arrays as float32 and as int64.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "formats/npy.h"
#include "model/model.h"

/* IEEE 754 binary16 to binary32, exactly. The half's exponent and fraction, moved to the float's places, are the value
 * times 2^-112; the multiplication by 2^112 is exact and also makes half's subnormals right. */
static float half_to_float(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000U) << 16;
  uint32_t bits = (uint32_t)(half & 0x7fffU) << 13;
  float value;
  if ((half & 0x7c00U) == 0x7c00U) {
    bits |= 0x7f800000U; /* infinity and NaN keep their fraction */
  } else {
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112F;
    memcpy(&bits, &value, sizeof bits);
  }
  bits |= sign;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#define CONVERT(type, expression)              \
  for (size_t k = 0; k < n; ++k) {             \
    type v;                                    \
    memcpy(&v, from + k * sizeof v, sizeof v); \
    to[k] = (expression);                      \
  }                                            \
  break

void oclstm__npy_to_f32(oclstm_dtype dtype, const unsigned char *from, size_t n, float *to) {
  switch (dtype) {
    case OCLSTM_F32: memcpy(to, from, n * sizeof *to); break;
    case OCLSTM_F64: CONVERT(double, (float)v);
    case OCLSTM_F16: CONVERT(uint16_t, half_to_float(v));
    case OCLSTM_I8: CONVERT(int8_t, (float)v);
    case OCLSTM_I16: CONVERT(int16_t, (float)v);
    case OCLSTM_I32: CONVERT(int32_t, (float)v);
    case OCLSTM_I64: CONVERT(int64_t, (float)v);
    case OCLSTM_BF16: break; /* .npy has none */
  }
}

void oclstm__npy_to_i64(oclstm_dtype dtype, const unsigned char *from, size_t n, int64_t *to) {
  switch (dtype) {
    case OCLSTM_I8: CONVERT(int8_t, (int)v);
    case OCLSTM_I16: CONVERT(int16_t, v);
    case OCLSTM_I32: CONVERT(int32_t, v);
    case OCLSTM_I64: memcpy(to, from, n * sizeof *to); break;
    case OCLSTM_F32:
    case OCLSTM_F64:
    case OCLSTM_F16:
    case OCLSTM_BF16: break; /* refused before */
  }
}
