/* What the fuzz targets share: bounds on what a file may cost, and what must hold for a model that was read.
 * A target stops the process (abort) when something does not hold: libFuzzer and the replay test both see that.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_FUZZ_H
#define OCLSTM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm.h"

/* The entry of every target; 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Limits on sizes that a file of some KiB may ask for. */
oclstm_limits fuzz_limits(void);

/* Says what does not hold and stops the process. */
_Noreturn void fuzz_fail(const char *what, const oclstm_error *error);

/* Loads the bytes as a file of this format, with memory bounded by the size of the file and nothing left over. A failure must
 * have its status and its text. A model that loads must be what its own saved file gives, to the bit, and a small one must
 * run one step on the reference. */
void fuzz_model(const uint8_t *bytes, size_t n, oclstm_file_format format);

#endif
