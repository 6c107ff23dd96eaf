/* The folder of compiled programs and tuning answers, from outside: what it holds, and emptying it.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opencl/device/program.h"
#include "opencl/tuning/tuning.h"

enum { HASH_DIGITS = 32, MAX_PATH = 4096, MAX_TUNING = 1 << 20 };

typedef enum file_kind { FOREIGN, PROGRAM, TUNING, LEFTOVER } file_kind;

/* 32 digits and ".bin" or ".tuning"; behind that, the process that was writing it. */
static file_kind kind_of(const char *name) {
  if (strspn(name, "0123456789abcdef") != HASH_DIGITS) {
    return FOREIGN;
  }
  const char *ending = name + HASH_DIGITS;
  bool program = strncmp(ending, ".bin", 4) == 0;
  if (!program && strncmp(ending, ".tuning", 7) != 0) {
    return FOREIGN;
  }
  const char *rest = ending + (program ? 4 : 7);
  if (rest[0] == '\0') {
    return program ? PROGRAM : TUNING;
  }
  bool process = rest[0] == '.' && rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1);
  return process ? LEFTOVER : FOREIGN;
}

/* Answers of one file; none of one that is not whole. */
static oclstm_status count_answers(const char *path, size_t *n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){NULL, NULL, NULL});
  FILE *file = oclstm__cache_open(path);
  char *text = oclstm__alloc(&allocator, MAX_TUNING, 1);
  *n = 0;
  REQUIRE(text != NULL, OCLSTM_E_MEMORY, "%d bytes for %s", (int)MAX_TUNING, path);
  if (file != NULL && !oclstm__answers_count(text, fread(text, 1, MAX_TUNING, file), n)) {
    *n = 0;
  }
done:
  if (file != NULL) {
    (void)fclose(file);
  }
  oclstm__free(&allocator, text);
  return status;
}

static oclstm_status add_file(const char *path, file_kind kind, uint64_t bytes, oclstm_cache_info *info,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t answers = 0;
  if (kind == TUNING) {
    TRY(count_answers(path, &answers, error));
  }
  info->bytes += bytes;
  info->programs += kind == PROGRAM;
  info->tuning_files += kind == TUNING;
  info->leftovers += kind == LEFTOVER;
  info->answers += answers;
done:
  return status;
}

static oclstm_status visit(const char *dir, const char *name, bool clear, oclstm_cache_info *info,
                           oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char path[MAX_PATH];
  struct stat s;
  file_kind kind = kind_of(name);
  int n = snprintf(path, sizeof path, "%s/%s", dir, name);
  if (kind == FOREIGN || n <= 0 || n >= MAX_PATH || lstat(path, &s) != 0 || !S_ISREG(s.st_mode)) {
    return OCLSTM_OK;
  }
  TRY(add_file(path, kind, (uint64_t)s.st_size, info, error));
  if (clear && unlink(path) != 0 && errno != ENOENT) { /* another process may have removed it first */
    status = oclstm__fail_os(error, OCLSTM_E_WRITE, errno, "%s: %s", path, strerror(errno));
  }
done:
  return status;
}

static oclstm_status visit_all(DIR *folder, const char *dir, bool clear, oclstm_cache_info *info,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  struct dirent *entry = NULL;
  while (errno = 0, (entry = readdir(folder)) != NULL) {
    TRY(visit(dir, entry->d_name, clear, info, error));
  }
  if (errno != 0) {
    status = oclstm__fail_os(error, OCLSTM_E_READ, errno, "%s: %s", dir, strerror(errno));
  }
done:
  return status;
}

static oclstm_status walk(const char *dir, bool clear, oclstm_cache_info *info, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_cache_info found = {0, 0, 0, 0, 0};
  DIR *folder = NULL;
  REQUIRE(dir != NULL && info != NULL, OCLSTM_E_ARGUMENT, "cache_dir or info is NULL");
  *info = found;
  folder = opendir(dir);
  if (folder == NULL) {
    return errno == ENOENT ? OCLSTM_OK
                           : oclstm__fail_os(error, OCLSTM_E_OPEN, errno, "%s: %s", dir, strerror(errno));
  }
  TRY(visit_all(folder, dir, clear, &found, error));
  *info = found;
done:
  if (folder != NULL) {
    (void)closedir(folder);
  }
  return status;
}

oclstm_status oclstm_cache_examine(const char *cache_dir, oclstm_cache_info *info, oclstm_error *error) {
  return walk(cache_dir, false, info, error);
}

oclstm_status oclstm_cache_clear(const char *cache_dir, oclstm_cache_info *removed, oclstm_error *error) {
  return walk(cache_dir, true, removed, error);
}
