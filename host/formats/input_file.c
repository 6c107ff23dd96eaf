/* A regular file read at any offset.
 * SPDX-License-Identifier: MIT */
#include "formats/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/os_error.h"

enum { MAX_PIECE = 1 << 30 }; /* some systems refuse a single read of 2 GiB */

oclstm_status oclstm__input_open(oclstm__input_file *file, const char *path, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  struct stat about;
  *file = (oclstm__input_file){-1, 0, path};
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer would block here */
  if (file->fd < 0) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot open", path);
    goto done;
  }
  if (fstat(file->fd, &about) != 0) {
    status = oclstm__fail_file(error, OCLSTM_E_READ, errno, "cannot ask the size of", path);
    goto done;
  }
  REQUIRE(S_ISREG(about.st_mode), OCLSTM_E_OPEN, "cannot open: %s: %s",
          S_ISDIR(about.st_mode) ? "is a folder" : "is no regular file", path);
  file->bytes = (uint64_t)about.st_size;
done:
  if (status != OCLSTM_OK) {
    oclstm__input_close(file);
  }
  return status;
}

oclstm_status oclstm__input_read(const oclstm__input_file *file, uint64_t offset, void *to, size_t n,
                                 oclstm_error *error) {
  char *at = to;
  while (n > 0) {
    ssize_t got = pread(file->fd, at, oclstm__min(n, MAX_PIECE), (off_t)offset);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return oclstm__fail_file(error, OCLSTM_E_READ, errno, "cannot read", file->path);
    }
    if (got == 0) {
      return oclstm__fail(error, OCLSTM_E_TRUNCATED, "ends at byte %llu, %zu bytes early: %s",
                          (unsigned long long)offset, n, file->path);
    }
    at += got;
    n -= (size_t)got;
    offset += (uint64_t)got;
  }
  return OCLSTM_OK;
}

void oclstm__input_close(oclstm__input_file *file) {
  if (file->fd >= 0) {
    (void)close(file->fd);
    file->fd = -1;
  }
}
