/* Weights in files of their own: opened one name at a time from the model's folder, never through a link.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/external.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/input_file.h"
#include "formats/os_error.h"

oclstm_status oclstm__external_open(oclstm__onnx_folder *folder, const char *path,
                                    const oclstm_allocator *allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char *copy = oclstm__strdup(allocator, path);
  REQUIRE(copy != NULL, OCLSTM_E_MEMORY, "no memory for the path %s", path);
  char *slash = strrchr(copy, '/');
  if (slash != NULL) {
    slash[slash == copy ? 1 : 0] = '\0';
  }
  folder->fd = open(slash != NULL ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder->fd < 0) {
    status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "cannot open the folder of", path);
  }
done:
  oclstm__free(allocator, copy);
  return status;
}

void oclstm__external_close(oclstm__onnx_folder *folder) {
  if (folder->fd >= 0) {
    (void)close(folder->fd);
    folder->fd = -1;
  }
}

/* A name in a path: not empty, not ".", not "..". */
static bool plain_name(const char *name) {
  return *name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Walks down from the folder; *fd is the file's. path is cut into its names. */
static oclstm_status open_below(int folder, char *path, int *fd, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int at = folder;
  char *name = path;
  *fd = -1;
  for (char *slash = strchr(name, '/'); name != NULL; slash = name == NULL ? NULL : strchr(name, '/')) {
    if (slash != NULL) {
      *slash = '\0';
    }
    REQUIRE(plain_name(name), OCLSTM_E_FORMAT, "external data: a path with \"%s\" in it", name);
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (slash != NULL ? O_DIRECTORY : O_NONBLOCK);
    int next = openat(at, name, flags);
    if (next < 0) {
      status = oclstm__fail_file(error, OCLSTM_E_OPEN, errno, "external data: cannot open", name);
      goto done;
    }
    if (at != folder) {
      (void)close(at);
    }
    at = next;
    name = slash != NULL ? slash + 1 : NULL;
  }
  *fd = at;
  at = folder;
done:
  if (at != folder) {
    (void)close(at);
  }
  return status;
}

static oclstm_status check_range(const oclstm__onnx_tensor *tensor, uint64_t file_bytes, size_t bytes,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(tensor->offset <= file_bytes && bytes <= file_bytes - tensor->offset, OCLSTM_E_TRUNCATED,
          "tensor %.*s: %zu bytes from byte %llu on, in a file of %llu", OCLSTM__TEXT(tensor->name), bytes,
          (unsigned long long)tensor->offset, (unsigned long long)file_bytes);
  REQUIRE((tensor->length == UINT64_MAX ? file_bytes - tensor->offset : tensor->length) == bytes,
          OCLSTM_E_FORMAT, "tensor %.*s: external data of another length than its %zu bytes",
          OCLSTM__TEXT(tensor->name), bytes);
done:
  return status;
}

static oclstm_status read_file(oclstm__input_file *file, const oclstm__onnx_tensor *tensor,
                               const oclstm_allocator *allocator, size_t bytes, unsigned char **data,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  struct stat about;
  if (fstat(file->fd, &about) != 0) {
    status = oclstm__fail_file(error, OCLSTM_E_READ, errno, "cannot ask the size of", file->path);
    goto done;
  }
  REQUIRE(S_ISREG(about.st_mode), OCLSTM_E_OPEN, "external data: %s is no regular file", file->path);
  TRY(check_range(tensor, (uint64_t)about.st_size, bytes, error));
  if (bytes != 0) {
    *data = oclstm__alloc(allocator, bytes, 1);
    REQUIRE(*data != NULL, OCLSTM_E_MEMORY, "tensor %.*s: %zu bytes", OCLSTM__TEXT(tensor->name), bytes);
    TRY(oclstm__input_read(file, tensor->offset, *data, bytes, error));
  }
done:
  return status;
}

oclstm_status oclstm__external_read(const oclstm__onnx_tensor *tensor, const oclstm__onnx_folder *folder,
                                    const oclstm_allocator *allocator, size_t bytes, unsigned char **data,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__input_file file = OCLSTM__INPUT_FILE_INIT;
  char path[OCLSTM__ONNX_NAME + 1] = {0};
  REQUIRE(folder->fd >= 0 && folder->allowed, OCLSTM_E_UNSUPPORTED,
          "tensor %.*s lies in another file, which %s", OCLSTM__TEXT(tensor->name),
          folder->allowed ? "a model in memory cannot have" : "is only read with external_data");
  REQUIRE(tensor->location.n <= OCLSTM__ONNX_NAME, OCLSTM_E_LIMIT,
          "tensor %.*s: a location of %zu bytes, the limit is %d", OCLSTM__TEXT(tensor->name),
          tensor->location.n, OCLSTM__ONNX_NAME);
  memcpy(path, tensor->location.at, tensor->location.n);
  REQUIRE(strlen(path) == tensor->location.n, OCLSTM_E_FORMAT, "tensor %.*s: NUL in its location",
          OCLSTM__TEXT(tensor->name));
  TRY(open_below(folder->fd, path, &file.fd, error));
  file.path = "external data";
  TRY(read_file(&file, tensor, allocator, bytes, data, error));
done:
  oclstm__input_close(&file);
  return status;
}
