/* Padding and packing of weights, on the host, when a plan is made.
 * SPDX-License-Identifier: MIT */
#include "opencl/layout.h"

float *oclstm__pad_gates(const oclstm_allocator *allocator, const oclstm_array *array, size_t H,
                         size_t columns) {
  size_t HP = oclstm__padded_units(H);
  float *padded = oclstm__alloc(allocator, 4 * HP * columns, sizeof *padded);
  for (size_t gate = 0; padded != NULL && gate < 4; ++gate) {
    oclstm__array_f32(array, gate * H * columns, H * columns, padded + gate * HP * columns);
  }
  return padded;
}

void oclstm__pack_panels(const oclstm__panels *p, const float *W, float *packed) {
  for (size_t panel = 0; panel < p->n_panels; ++panel) {
    for (size_t k = 0; k < p->K; ++k) {
      for (size_t v = 0; v < 4; ++v) {
        for (size_t u = 0; u < p->block; ++u) {
          size_t row = panel * p->panel_stride + v * p->vector_stride + u;
          *packed++ = row < p->N ? W[row * p->K + k] : 0.0F;
        }
      }
    }
  }
}
