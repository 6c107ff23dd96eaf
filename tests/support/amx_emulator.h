/* AMX_TILE and AMX_BF16 where the processor has none: what it refuses is done by the handler of SIGILL, for tests.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_AMX_EMULATOR_H
#define OCLSTM_TEST_AMX_EMULATOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What has been executed, in all threads. */
typedef struct amx_counts {
  atomic_ulong configured, released; /* LDTILECFG, TILERELEASE */
  atomic_ulong loaded, stored, multiplied;
} amx_counts;
extern amx_counts amx_executed;

/* Takes over SIGILL of the process; instructions that are not AMX's end it as before. Only x86-64 Linux: false elsewhere. */
bool amx_emulate(void);

#endif
