/* Fuzz target: ONNX models.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  fuzz_model(bytes, n, OCLSTM_FILE_ONNX);
  return 0;
}
