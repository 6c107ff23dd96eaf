/* Random numbers that are the same everywhere: splitmix64 (Steele, Lea and Flood 2014).
 * SPDX-License-Identifier: MIT */
#include "support.h"

uint64_t next_random(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

double random_unit(uint64_t *seed) {
  return (double)(next_random(seed) >> 11) * 0x1p-53;
}

void fill_random(float *to, size_t n, float size, uint64_t *seed) {
  for (size_t k = 0; k < n; ++k) {
    to[k] = (float)(2.0 * random_unit(seed) - 1.0) * size;
  }
}
