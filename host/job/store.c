/* What lies between two walks: [T, floats] float32 in host memory, or in a file without a name.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

static oclstm_status fail_write(oclstm_error *error, int os_code, uint64_t bytes, const char *dir) {
  bool full = os_code == ENOSPC || os_code == EFBIG || os_code == EDQUOT;
  return oclstm__fail_os(error, full ? OCLSTM_E_FULL : OCLSTM_E_WRITE, os_code,
                         "scratch file of %llu bytes in %s: %s", (unsigned long long)bytes, dir,
                         strerror(os_code));
}

/* Takes the full size at once, so that a full disk shows before the work and not in its midst. File systems that
 * cannot do that let the file grow. */
static oclstm_status reserve(const oclstm__store *store, const char *dir, oclstm_error *error) {
  int code = EINTR;
  while (code == EINTR) {
    code = posix_fallocate(store->file, 0, (off_t)store->bytes);
  }
  bool refused = code != 0 && code != EOPNOTSUPP && code != EINVAL;
  return refused ? fail_write(error, code, store->bytes, dir) : OCLSTM_OK;
}

/* The file loses its name at once: whatever ends the process frees the space. */
static oclstm_status open_file(oclstm__store *store, const char *dir, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_allocator *allocator = store->budget->allocator;
  static const char NAME[] = "/oclstm-scratch-XXXXXX";
  size_t n = strlen(dir) + sizeof NAME;
  char *path = oclstm__alloc(allocator, n, 1);
  REQUIRE(path != NULL, OCLSTM_E_MEMORY, "path of %zu bytes", n);
  (void)snprintf(path, n, "%s%s", dir, NAME);
  store->file = mkstemp(path);
  if (store->file < 0) {
    int code = errno;
    status = oclstm__fail_os(error, OCLSTM_E_OPEN, code, "scratch file in %s: %s", dir, strerror(code));
    goto done;
  }
  (void)unlink(path);
  (void)fcntl(store->file, F_SETFD, FD_CLOEXEC);
  status = reserve(store, dir, error);
done:
  oclstm__free(allocator, path);
  return status;
}

static bool fits_offset(uint64_t bytes) {
  return bytes <= INT64_MAX && (sizeof(off_t) >= 8 || bytes <= INT32_MAX);
}

/* Host memory if there is room for the whole of it; false otherwise. */
static bool open_memory(oclstm__store *store) {
  oclstm__store_budget *budget = store->budget;
  if (store->bytes > budget->memory_left || store->bytes > SIZE_MAX) {
    return false;
  }
  store->memory = oclstm__alloc(budget->allocator, (size_t)store->bytes, 1);
  if (store->memory == NULL) {
    return false;
  }
  budget->memory_left -= store->bytes;
  return true;
}

oclstm_status oclstm__store_open(oclstm__store *store, oclstm__store_budget *budget, uint64_t steps,
                                 size_t floats, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *store = (oclstm__store){.file = -1};
  REQUIRE(oclstm__mul(floats, sizeof(float), &store->step_bytes) &&
              oclstm__mul64(steps, store->step_bytes, &store->bytes) && fits_offset(store->bytes),
          OCLSTM_E_LIMIT, "%llu steps of %zu floats between two layers", (unsigned long long)steps, floats);
  store->budget = budget;
  if (open_memory(store)) {
    goto done;
  }
  REQUIRE(budget->scratch_dir != NULL, OCLSTM_E_MEMORY,
          "%llu bytes between two layers, %llu left of memory_bytes, and no scratch_dir",
          (unsigned long long)store->bytes, (unsigned long long)budget->memory_left);
  TRY(open_file(store, budget->scratch_dir, error));
done:
  if (status != OCLSTM_OK) {
    oclstm__store_close(store);
  }
  return status;
}

oclstm_status oclstm__store_write(oclstm__store *store, uint64_t first, size_t n, const float *from,
                                  oclstm_error *error) {
  uint64_t at = first * store->step_bytes;
  size_t left = n * store->step_bytes;
  const char *bytes = (const char *)from;
  if (store->memory != NULL) {
    memcpy(store->memory + at, bytes, left);
    return OCLSTM_OK;
  }
  while (left > 0) {
    ssize_t put = pwrite(store->file, bytes, left, (off_t)at);
    if (put < 0 && errno != EINTR) {
      return fail_write(error, errno, store->bytes, store->budget->scratch_dir);
    }
    size_t moved = put > 0 ? (size_t)put : 0;
    bytes += moved;
    at += moved;
    left -= moved;
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__store_read(const oclstm__store *store, uint64_t first, size_t n, float *to,
                                 oclstm_error *error) {
  uint64_t at = first * store->step_bytes;
  size_t left = n * store->step_bytes;
  char *bytes = (char *)to;
  if (store->memory != NULL) {
    memcpy(bytes, store->memory + at, left);
    return OCLSTM_OK;
  }
  while (left > 0) {
    ssize_t got = pread(store->file, bytes, left, (off_t)at);
    if (got == 0 || (got < 0 && errno != EINTR)) {
      int code = got == 0 ? 0 : errno;
      return oclstm__fail_os(error, OCLSTM_E_READ, code, "scratch file in %s, byte %llu of %llu: %s",
                             store->budget->scratch_dir, (unsigned long long)at,
                             (unsigned long long)store->bytes, got == 0 ? "it ends there" : strerror(code));
    }
    size_t moved = got > 0 ? (size_t)got : 0;
    bytes += moved;
    at += moved;
    left -= moved;
  }
  return OCLSTM_OK;
}

void oclstm__store_close(oclstm__store *store) {
  oclstm__store_budget *budget = store->budget;
  if (budget == NULL) {
    return;
  }
  if (store->memory != NULL) {
    oclstm__free(budget->allocator, store->memory);
    budget->memory_left += store->bytes;
  } else if (store->file >= 0) {
    (void)close(store->file);
  }
  *store = (oclstm__store){.file = -1};
}
