/* Little-endian integers in byte arrays. Weights and .npy elements are taken as they lie in memory, so the host's
 * own order must be little-endian too.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_BYTES_H
#define OCLSTM_FORMATS_BYTES_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "host/formats needs a little-endian host"
#endif

static inline uint64_t oclstm__get_le(const unsigned char *from, size_t n) {
  uint64_t value = 0;
  for (size_t k = 0; k < n; ++k) {
    value |= (uint64_t)from[k] << (8 * k);
  }
  return value;
}

static inline void oclstm__put_le(unsigned char *to, size_t n, uint64_t value) {
  for (size_t k = 0; k < n; ++k) {
    to[k] = (unsigned char)(value >> (8 * k));
  }
}

#endif
