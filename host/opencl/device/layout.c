/* Padding, packing and rounding of weights, on the host, when a plan is made.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/layout.h"

#include <string.h>

float *oclstm__pad_blocks(const oclstm_allocator *allocator, const oclstm_array *array, size_t first,
                          size_t blocks, size_t H, size_t columns) {
  size_t HP = oclstm__padded_units(H);
  float *padded = oclstm__alloc(allocator, blocks * HP * columns, sizeof *padded);
  for (size_t k = 0; padded != NULL && k < blocks; ++k) {
    oclstm__array_f32(array, (first + k) * H * columns, H * columns, padded + k * HP * columns);
  }
  return padded;
}

void oclstm__pack_panels(const oclstm__panels *p, const float *W, float *packed) {
  const size_t columns = p->vectors * p->block;
  const size_t depth = oclstm__padded_depth(p->K, p->paired);
  const size_t pair = p->paired == 0 ? 1 : 2;
  for (size_t panel = 0; panel < p->n_panels; ++panel) {
    for (size_t k = 0; k < depth; k += pair) {
      for (size_t column = 0; column < columns; ++column) {
        size_t row = panel * p->panel_stride + column / p->block * p->vector_stride + column % p->block;
        for (size_t n = k; n < k + pair; ++n) {
          *packed++ = row < p->N && n < p->K ? W[row * p->K + n] : 0.0F;
        }
      }
    }
  }
}

void oclstm__split_panels(const oclstm__panels *p, const float *packed, uint16_t *to) {
  const size_t columns = p->vectors * p->block;
  const size_t n = columns * OCLSTM__AMX_DEPTH;
  const size_t count = oclstm__panels_count(p);
  for (size_t at = 0; at < count; ++at) {
    size_t column = at / 2 % columns;
    size_t k = at % n / 2 / columns * 2 + at % 2; /* of its 32 */
    size_t place = (k % (OCLSTM__AMX_DEPTH / 2) * columns + column) * 2 + k / (OCLSTM__AMX_DEPTH / 2);
    float rest = packed[at];
    for (size_t term = 0; term < OCLSTM__AMX_TERMS; ++term) {
      uint16_t bits = oclstm__bfloat_bits(rest);
      rest -= oclstm__bfloat_float(bits);
      to[(at / n * OCLSTM__AMX_TERMS + term) * n + place] = bits;
    }
  }
}

void oclstm__to_stored(oclstm_precision precision, const float *from, size_t n, void *to) {
  if (precision == OCLSTM_PRECISION_F32) {
    memmove(to, from, n * sizeof *from);
    return;
  }
  for (size_t k = 0; k < n; ++k) {
    uint16_t bits =
        precision == OCLSTM_PRECISION_F16 ? oclstm__half_bits(from[k]) : oclstm__bfloat_bits(from[k]);
    memcpy((char *)to + k * sizeof bits, &bits, sizeof bits);
  }
}

void oclstm__from_stored(oclstm_precision precision, const void *from, size_t n, float *to) {
  if (precision == OCLSTM_PRECISION_F32) {
    memmove(to, from, n * sizeof *to);
    return;
  }
  for (size_t k = n; k > 0; --k) { /* from the end: what is read may lie in the first half of `to` */
    uint16_t bits;
    memcpy(&bits, (const char *)from + (k - 1) * sizeof bits, sizeof bits);
    to[k - 1] = precision == OCLSTM_PRECISION_F16 ? oclstm__half_float(bits) : oclstm__bfloat_float(bits);
  }
}
