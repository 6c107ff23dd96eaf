/* A program that applies one activation to an array, in vectors of one width.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_ACTIVATIONS_H
#define OCLSTM_TEST_ACTIVATIONS_H

#include <string.h>

#include "opencl/device/cl.h"
#include "support.h"

#define ACTIVATION_BOUND 4e-7 /* docs/cells.md */

typedef struct activations {
  unsigned VW;
  cl_program program;
  cl_kernel kernel;
  cl_mem x, y;
} activations;

/* For at most n values; `between` is text between kernels/common.cl and kernels/activation.cl. */
activations open_activations(unsigned VW, size_t n, const char *between);
void close_activations(activations *a);
void give(const activations *a, const float *x, size_t n);
/* y of the n values that were given, a multiple of 16. */
void take(const activations *a, oclstm_activation f, float *y, size_t n);

static inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

#endif
