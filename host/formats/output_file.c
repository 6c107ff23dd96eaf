/* A file that appears whole or not at all: written under a temporary name in its folder, then renamed.
 * SPDX-License-Identifier: MIT */
#include "formats/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/os_error.h"

enum { MAX_PIECE = 1 << 30, MAX_ATTEMPTS = 100 };

/* Copies path, with links resolved where path itself is one, so that the link stays and its target is replaced. */
static oclstm_status resolve(oclstm__output_file *file, const char *path, bool is_link, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  file->path =
      is_link ? oclstm__alloc(&file->allocator, PATH_MAX, 1) : oclstm__strdup(&file->allocator, path);
  REQUIRE(file->path != NULL, OCLSTM_E_MEMORY, "no memory for the path %s", path);
  if (is_link && realpath(path, file->path) == NULL) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot follow the link", path);
  }
done:
  return status;
}

/* What is at path now: nothing (*mode = 0) or a regular file that may be replaced (its mode). */
static oclstm_status check_target(oclstm__output_file *file, const char *path, mode_t *mode,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  struct stat about;
  *mode = 0;
  bool is_link = lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
  TRY(resolve(file, path, is_link, error));
  if (stat(path, &about) == 0) {
    REQUIRE(S_ISREG(about.st_mode), OCLSTM_E_OPEN, "cannot replace: %s: %s",
            S_ISDIR(about.st_mode) ? "is a folder" : "is no regular file", path);
    if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0) {
      status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot replace", path);
    }
    *mode = about.st_mode & 0777;
  } else if (errno != ENOENT) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot open", path);
  }
done:
  return status;
}

static oclstm_status open_folder(oclstm__output_file *file, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char *slash = strrchr(file->path, '/');
  const char *folder = slash == NULL ? "." : slash == file->path ? "/" : file->path;
  file->name = slash == NULL ? file->path : slash + 1;
  REQUIRE(*file->name != '\0', OCLSTM_E_OPEN, "cannot open: names a folder: %s", file->path);
  if (slash != NULL && slash != file->path) {
    *slash = '\0';
  }
  file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (slash != NULL) {
    *slash = '/';
  }
  if (file->folder < 0) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot open the folder of", file->path);
  }
done:
  return status;
}

/* O_EXCL makes the name ours; the process and the time only make a second attempt unlikely. */
static oclstm_status open_temporary(oclstm__output_file *file, oclstm_error *error) {
  for (unsigned attempt = 0; attempt < MAX_ATTEMPTS; ++attempt) {
    struct timespec now = {0, 0};
    char name[OCLSTM__TEMPORARY_NAME];
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(name, sizeof name, ".oclstm-%ld-%lx-%x.tmp", (long)getpid(), (unsigned long)now.tv_nsec,
                   attempt);
    file->fd = openat(file->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file->fd >= 0) {
      memcpy(file->temporary, name, sizeof name);
      return OCLSTM_OK;
    }
    if (errno != EEXIST && errno != EINTR) {
      break;
    }
  }
  return oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot create a file beside", file->path);
}

oclstm_status oclstm__output_open(oclstm__output_file *file, const char *path, oclstm_allocator allocator,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  mode_t mode = 0;
  *file = (oclstm__output_file)OCLSTM__OUTPUT_FILE_INIT;
  file->allocator = allocator;
  TRY(check_target(file, path, &mode, error));
  TRY(open_folder(file, error));
  TRY(open_temporary(file, error));
  if (mode != 0 && fchmod(file->fd, mode) != 0) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot keep the mode of", path);
  }
done:
  return status;
}

oclstm_status oclstm__output_reserve(oclstm__output_file *file, uint64_t bytes, oclstm_error *error) {
  int code;
  if (ftruncate(file->fd, (off_t)bytes) != 0) {
    return oclstm__fail_file(error, OCLSTM_E_WRITE, errno, "cannot size", file->path);
  }
  do {
    code = posix_fallocate(file->fd, 0, (off_t)bytes);
  } while (code == EINTR);
  if (code != 0 && code != EOPNOTSUPP && code != EINVAL &&
      code != ENOSYS) { /* these: not on this file system */
    return oclstm__fail_file(error, OCLSTM_E_WRITE, code, "cannot take the space of", file->path);
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__output_write(oclstm__output_file *file, uint64_t offset, const void *from, size_t n,
                                   oclstm_error *error) {
  const char *at = from;
  while (n > 0) {
    ssize_t put = pwrite(file->fd, at, oclstm__min(n, MAX_PIECE), (off_t)offset);
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      return oclstm__fail_file(error, OCLSTM_E_WRITE, put == 0 ? EIO : errno, "cannot write", file->path);
    }
    at += put;
    n -= (size_t)put;
    offset += (uint64_t)put;
  }
  return OCLSTM_OK;
}

/* EINVAL: this file system has nothing to sync. */
static bool synced(int fd) {
  int code;
  do {
    code = fsync(fd);
  } while (code != 0 && errno == EINTR);
  return code == 0 || errno == EINVAL;
}

oclstm_status oclstm__output_commit(oclstm__output_file *file, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (!synced(file->fd)) {
    status = oclstm__fail_file(error, OCLSTM_E_WRITE, errno, "cannot sync", file->path);
    goto done;
  }
  int fd = file->fd;
  file->fd = -1;
  if (close(fd) != 0 && errno != EINTR) {
    status = oclstm__fail_file(error, OCLSTM_E_WRITE, errno, "cannot close", file->path);
    goto done;
  }
  if (renameat(file->folder, file->temporary, file->folder, file->name) != 0) {
    status = oclstm__fail_file(error, OCLSTM_E_WRITE, errno, "cannot rename to", file->path);
    goto done;
  }
  file->temporary[0] = '\0';
  if (!synced(file->folder)) {
    status = oclstm__fail_file(error, OCLSTM_E_WRITE, errno, "cannot sync the folder of", file->path);
  }
done:
  oclstm__output_discard(file);
  return status;
}

void oclstm__output_discard(oclstm__output_file *file) {
  if (file->fd >= 0) {
    (void)close(file->fd);
  }
  if (file->temporary[0] != '\0') {
    (void)unlinkat(file->folder, file->temporary, 0);
  }
  if (file->folder >= 0) {
    (void)close(file->folder);
  }
  if (file->path != NULL) {
    oclstm__free(&file->allocator, file->path);
  }
  *file = (oclstm__output_file)OCLSTM__OUTPUT_FILE_INIT;
}
