/* The checksum of a model's weights: XXH3, 128 bits, over the data of the file.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_CHECKSUM_H
#define OCLSTM_FORMATS_CHECKSUM_H

#include <stddef.h>
#include <xxhash.h>

#include "formats/network.h"

/* 32 hexadecimal digits, the canonical (big-endian) form. */
static inline void oclstm__checksum_text(XXH128_hash_t hash, char text[OCLSTM__CHECKSUM_TEXT]) {
  static const char DIGITS[] = "0123456789abcdef";
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  for (size_t k = 0; k < OCLSTM__CHECKSUM_BYTES; ++k) {
    text[2 * k] = DIGITS[canonical.digest[k] >> 4];
    text[2 * k + 1] = DIGITS[canonical.digest[k] & 0xf];
  }
  text[OCLSTM__CHECKSUM_TEXT - 1] = '\0';
}

#endif
