/* Failures in one line on stderr, and the exit codes that scripts rely on.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

/* The only place where a status becomes an exit code. Two cases are decided elsewhere: outputs that cannot be made or
 * written are a failed job (cli_report_output), and what an option asked for in vain is a usage error (session.c). */
int cli_exit_code(oclstm_status status) {
  switch (status) {
    case OCLSTM_OK: return CLI_DONE;
    case OCLSTM_E_MISMATCH:
    case OCLSTM_E_STATE:
    case OCLSTM_E_WRITE:
    case OCLSTM_E_FULL: return CLI_FAILED;
    case OCLSTM_E_ARGUMENT: return CLI_USAGE;
    case OCLSTM_E_SHAPE:
    case OCLSTM_E_UNSUPPORTED:
    case OCLSTM_E_OPEN:
    case OCLSTM_E_READ:
    case OCLSTM_E_TRUNCATED:
    case OCLSTM_E_FORMAT:
    case OCLSTM_E_DTYPE:
    case OCLSTM_E_MISSING:
    case OCLSTM_E_LIMIT:
    case OCLSTM_E_LENGTHS:
    case OCLSTM_E_INDEX:
    case OCLSTM_E_NONFINITE:
    case OCLSTM_E_CHECKSUM: return CLI_BAD_FILE;
    case OCLSTM_E_PLATFORM:
    case OCLSTM_E_DEVICE:
    case OCLSTM_E_BUILD:
    case OCLSTM_E_OPENCL:
    case OCLSTM_E_DEVICE_LOST: return CLI_DEVICE;
    case OCLSTM_E_MEMORY:
    case OCLSTM_E_DEVICE_MEMORY: return CLI_MEMORY;
    case OCLSTM_E_STOPPED: return CLI_INTERRUPTED;
    case OCLSTM_STATUS_FORCE_INT: break;
  }
  return CLI_FAILED;
}

static void print_failure(oclstm_status status, const char *about, const char *text) {
  bool named = about == NULL || strstr(text, about) != NULL;
  (void)fprintf(stderr, "oclstm: %s: %s%s%s\n", oclstm_status_name(status), named ? "" : about,
                named ? "" : ": ", text);
}

int cli_report(const oclstm_error *error, const char *about) {
  const char *text = error->text[0] != '\0' ? error->text : oclstm_status_text(error->status);
  print_failure(error->status, about, text);
  return cli_exit_code(error->status);
}

int cli_report_output(const oclstm_error *error, const char *about) {
  int code = cli_report(error, about);
  return code == CLI_MEMORY ? code : CLI_FAILED;
}

int cli_fail(oclstm_status status, const char *format, ...) {
  oclstm_error error = {status, 0, 0, ""};
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(error.text, sizeof error.text, format, arguments);
  va_end(arguments);
  return cli_report(&error, NULL);
}

int cli_fail_output(oclstm_status status, const char *format, ...) {
  oclstm_error error = {status, 0, 0, ""};
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(error.text, sizeof error.text, format, arguments);
  va_end(arguments);
  return cli_report_output(&error, NULL);
}

int cli_usage(const char *format, ...) {
  char text[480];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  (void)fprintf(stderr, "oclstm: %s\n", text);
  return CLI_USAGE;
}

static void write_log(void *user, oclstm_log_level level, const char *line) {
  static const char *const NAMES[] = {"error", "warning", "info", "debug"};
  if ((int)level <= *(const int *)user) {
    (void)fprintf(stderr, "oclstm: %s: %s\n", NAMES[level], line);
  }
}

oclstm_log cli_log(const int *level) {
  return (oclstm_log){write_log, (void *)level};
}

int cli_finish_stdout(void) {
  if (fflush(stdout) != 0 || ferror(stdout)) {
    return cli_fail_output(OCLSTM_E_WRITE, "standard output: %s", strerror(errno));
  }
  return CLI_DONE;
}
