/* Fuzz target: model files. With libFuzzer, inputs are changed as header and data, so that the length in front stays right;
 * a checksum, which no change would keep, is replaced by the right one.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  fuzz_model(bytes, n, OCLSTM_FILE_SAFETENSORS);
  return 0;
}

#ifdef OCLSTM_LIBFUZZER
#include <stdlib.h>
#include <string.h>

#include "formats/bytes.h"
#include "formats/checksum.h"
#include "formats/descriptor.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t most, unsigned seed);

enum { LENGTH = 8 };

static void set_checksum(uint8_t *header, size_t header_bytes, const uint8_t *data, size_t n) {
  static const char PREFIX[] = OCLSTM__CHECKSUM_PREFIX;
  const size_t digits = OCLSTM__CHECKSUM_TEXT - 1;
  for (size_t at = 0; at + sizeof PREFIX - 1 + digits <= header_bytes; ++at) {
    if (memcmp(header + at, PREFIX, sizeof PREFIX - 1) == 0) {
      char text[OCLSTM__CHECKSUM_TEXT];
      oclstm__checksum_text(XXH3_128bits(data, n), text);
      memcpy(header + at + sizeof PREFIX - 1, text, digits);
    }
  }
}

/* Changes the header alone, and the length in front with it. */
static size_t change_header(uint8_t *bytes, size_t n, size_t most, size_t header_bytes) {
  size_t data_bytes = n - LENGTH - header_bytes;
  uint8_t *data = malloc(data_bytes + 1);
  if (data == NULL) {
    return n;
  }
  memcpy(data, bytes + LENGTH + header_bytes, data_bytes);
  header_bytes = LLVMFuzzerMutate(bytes + LENGTH, header_bytes, most - LENGTH - data_bytes);
  memcpy(bytes + LENGTH + header_bytes, data, data_bytes);
  oclstm__put_le(bytes, LENGTH, header_bytes);
  free(data);
  return LENGTH + header_bytes + data_bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t most, unsigned seed) {
  uint64_t header_bytes = n < LENGTH ? UINT64_MAX : oclstm__get_le(bytes, LENGTH);
  if (n < LENGTH || header_bytes == 0 || header_bytes > n - LENGTH || seed % 16 == 0) {
    return LLVMFuzzerMutate(bytes, n, most);
  }
  if (seed % 4 != 1) {
    n = change_header(bytes, n, most, (size_t)header_bytes);
  } else if (n - LENGTH - header_bytes > 0) {
    size_t begin = LENGTH + (size_t)header_bytes;
    n = begin + LLVMFuzzerMutate(bytes + begin, n - begin, most - begin);
  }
  header_bytes = oclstm__get_le(bytes, LENGTH);
  if (seed % 32 != 2) {
    size_t begin = LENGTH + (size_t)header_bytes;
    set_checksum(bytes + LENGTH, (size_t)header_bytes, bytes + begin, n - begin);
  }
  return n;
}
#endif
