/* Recording of failures, and the texts of the status list.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void record(oclstm_error *error, oclstm_status status, int cl_code, int os_code, const char *format,
                   va_list arguments) {
  if (error == NULL) {
    return;
  }
  error->status = status;
  error->cl_code = cl_code;
  error->os_code = os_code;
  (void)vsnprintf(error->text, sizeof error->text, format, arguments);
  for (char *p = error->text; *p != '\0'; ++p) { /* names from files may hold anything */
    if ((unsigned char)*p < 0x20 || *p == 0x7f) {
      *p = '?';
    }
  }
}

oclstm_status oclstm__fail(oclstm_error *error, oclstm_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  record(error, status, 0, 0, format, arguments);
  va_end(arguments);
  return status;
}

oclstm_status oclstm__fail_os(oclstm_error *error, oclstm_status status, int os_code, const char *format,
                              ...) {
  va_list arguments;
  va_start(arguments, format);
  record(error, status, 0, os_code, format, arguments);
  va_end(arguments);
  return status;
}

oclstm_status oclstm__fail_cl(oclstm_error *error, oclstm_status status, int cl_code, const char *format,
                              ...) {
  va_list arguments;
  va_start(arguments, format);
  record(error, status, cl_code, 0, format, arguments);
  va_end(arguments);
  return status;
}

typedef struct status_entry {
  oclstm_status status;
  const char *name;
  const char *text;
} status_entry;

static const status_entry STATUSES[] = {
#define ENTRY(name, value, text) {OCLSTM_##name, #name, text},
    OCLSTM_STATUS_MAP(ENTRY)
#undef ENTRY
};

static const status_entry *find_status(oclstm_status status) {
  for (size_t k = 0; k < sizeof STATUSES / sizeof STATUSES[0]; ++k) {
    if (STATUSES[k].status == status) {
      return &STATUSES[k];
    }
  }
  return NULL;
}

const char *oclstm_status_name(oclstm_status status) {
  const status_entry *entry = find_status(status);
  return entry != NULL ? entry->name : "unknown";
}

const char *oclstm_status_text(oclstm_status status) {
  const status_entry *entry = find_status(status);
  return entry != NULL ? entry->text : "unknown";
}

const char *oclstm_version(void) {
  return OCLSTM_VERSION_STRING;
}
