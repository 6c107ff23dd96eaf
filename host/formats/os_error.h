/* Failures of system calls on files, as statuses with the path and the system's own words.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_OS_ERROR_H
#define OCLSTM_FORMATS_OS_ERROR_H

#include "oclstm/oclstm.h"

/* Records "what: reason: path". ENOSPC, EDQUOT and EFBIG become E_FULL, ENOMEM E_MEMORY, whatever `status` is. */
oclstm_status oclstm__fail_file(oclstm_error *error, oclstm_status status, int os_code, const char *what,
                                const char *path);

#endif
