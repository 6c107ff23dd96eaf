/* How every function here reports failure: record once, at the place that knows the values, then goto done.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_CORE_ERROR_H
#define OCLSTM_CORE_ERROR_H

#include "oclstm/oclstm.h"

/* Records status and text in *error (NULL: nowhere) and returns status. */
oclstm_status oclstm__fail(oclstm_error *error, oclstm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the errno or the OpenCL code that caused it. */
oclstm_status oclstm__fail_os(oclstm_error *error, oclstm_status status, int os_code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
oclstm_status oclstm__fail_cl(oclstm_error *error, oclstm_status status, int cl_code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The status is assigned and not what oclstm__fail returns: analysers cannot know that it is never OK.
 * These need `oclstm_status status`, `oclstm_error *error` and a label `done` in the function. */
#define REQUIRE(condition, status_, ...)                 \
  do {                                                   \
    if (!(condition)) {                                  \
      (void)oclstm__fail(error, (status_), __VA_ARGS__); \
      status = (status_);                                \
      goto done;                                         \
    }                                                    \
  } while (0)

#define TRY(call)              \
  do {                         \
    status = (call);           \
    if (status != OCLSTM_OK) { \
      goto done;               \
    }                          \
  } while (0)

#endif
