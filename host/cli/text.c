/* Strings, paths and memory of the program.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

char *cli_format(const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int n = vsnprintf(NULL, 0, format, arguments);
  char *text = n < 0 ? NULL : malloc((size_t)n + 1);
  if (text != NULL) {
    (void)vsnprintf(text, (size_t)n + 1, format, again);
  }
  va_end(again);
  va_end(arguments);
  return text;
}

void *cli_calloc(size_t count, size_t size) {
  return calloc(count != 0 ? count : 1, size); /* checks the product itself */
}

const char *cli_base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

char *cli_folder_of(const char *path) {
  const char *base = cli_base_name(path);
  if (base == path) {
    return cli_format(".");
  }
  size_t n = (size_t)(base - path);
  return cli_format("%.*s", (int)(n > 1 ? n - 1 : 1), path);
}

bool cli_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool make_folder(const char *path, unsigned mode, bool *made) {
  *made = mkdir(path, (mode_t)mode) == 0;
  return *made || (errno == EEXIST && cli_is_folder(path));
}

bool cli_make_folders(const char *path, unsigned mode, bool *made) {
  char *part = cli_format("%s", path);
  bool good = part != NULL;
  bool made_part = false;
  *made = false;
  for (char *at = part; good && *at != '\0'; ++at) {
    if (*at == '/' && at != part) {
      *at = '\0';
      good = make_folder(part, mode, &made_part);
      *at = '/';
    }
  }
  good = good && make_folder(path, mode, made);
  free(part);
  return good;
}

cli_size cli_bytes(uint64_t bytes) {
  static const char *const UNITS[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  cli_size size;
  double value = (double)bytes;
  size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < sizeof UNITS / sizeof UNITS[0]) {
    value /= 1024.0;
    ++unit;
  }
  (void)snprintf(size.text, sizeof size.text, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
  return size;
}
