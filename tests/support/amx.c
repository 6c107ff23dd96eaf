/* Devices that are made to multiply by AMX. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "amx_emulator.h"
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"
#include "support.h"

bool amx_is_emulated;

static void leave_out(const char *why) {
  print_error("SKIPPED: %s: AMX was NOT checked\n", why);
  exit(77);
}

/* cmocka takes over SIGILL for each test anew. */
static void run_emulated(void **state) {
  const struct CMUnitTest *test = *state;
  if (amx_is_emulated) {
    assert_true(amx_emulate());
  }
  *state = NULL;
  test->test_func(state);
}

const struct CMUnitTest *tests_under_amx(const struct CMUnitTest *tests, size_t n) {
  struct CMUnitTest *wrapped = calloc(n, sizeof *wrapped);
  assert_non_null(wrapped);
  for (size_t k = 0; k < n; ++k) {
    wrapped[k] = tests[k];
    wrapped[k].test_func = run_emulated;
    wrapped[k].initial_state = (void *)&tests[k];
  }
  return wrapped;
}

void force_amx(void) {
  char why[200];
  oclstm__cl *cl = oclstm__cl_of(device);
  if (device == reference || cl->vector_width != 16) {
    leave_out("this device has no vectors of 16");
  }
  if (oclstm__amx_serves(cl, OCLSTM_PRECISION_BF16, why, sizeof why)) {
    print_message("AMX: this processor's\n");
    return;
  }
  if (!amx_emulate()) {
    leave_out("AMX can be emulated on x86-64 Linux alone");
  }
  amx_is_emulated = true;
  atomic_store(&cl->amx, 1U << OCLSTM_PRECISION_BF16 | 1U << OCLSTM_PRECISION_F32);
  print_message("AMX: emulated, %s\n", why);
}
