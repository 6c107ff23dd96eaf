/* Failures of system calls on files, as statuses with the path and the system's own words.
 * SPDX-License-Identifier: MIT */
#include "formats/os_error.h"

#include <errno.h>
#include <string.h>

#include "core/error.h"

static oclstm_status status_of(int os_code, oclstm_status otherwise) {
  switch (os_code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return OCLSTM_E_FULL;
    case ENOMEM: return OCLSTM_E_MEMORY;
    default: return otherwise;
  }
}

oclstm_status oclstm__fail_file(oclstm_error *error, oclstm_status status, int os_code, const char *what,
                                const char *path) {
  char reason[96] = "unknown error";
  (void)strerror_r(os_code, reason, sizeof reason); /* the POSIX one: always writes to reason */
  return oclstm__fail_os(error, status_of(os_code, status), os_code, "%s: %s: %s", what, reason, path);
}
