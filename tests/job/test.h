/* cmocka with what it needs in front of it, and assertions on statuses.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_JOB_TEST_H
#define TESTS_JOB_TEST_H

/* cmocka wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oclstm/oclstm.h"

/* Fails with the library's own words. */
#define assert_ok(call, error)                                                     \
  do {                                                                             \
    oclstm_status ok_status = (call);                                              \
    if (ok_status != OCLSTM_OK) {                                                  \
      fail_msg("%s: %s: %s", #call, oclstm_status_name(ok_status), (error)->text); \
    }                                                                              \
  } while (0)

#define assert_status(call, expected) \
  assert_string_equal(oclstm_status_name(call), oclstm_status_name(expected))

#endif
