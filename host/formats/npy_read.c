/* Reading .npy arrays in place.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/bytes.h"
#include "formats/npy.h"
#include "model/model.h"

enum {
  MAGIC_BYTES = 8,     /* magic and version */
  MAX_HEADER = 1 << 16 /* NumPy's own headers of arrays without structures have some 100 bytes */
};

/* ---- opening ---- */

/* Reads magic, version and the length of the header's text, which begins at *begin. */
static oclstm_status read_prefix(const oclstm__input_file *file, size_t *begin, size_t *text_bytes,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const unsigned char MAGIC[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  unsigned char prefix[MAGIC_BYTES + 4];
  TRY(oclstm__input_read(file, 0, prefix, MAGIC_BYTES, error));
  REQUIRE(memcmp(prefix, MAGIC, sizeof MAGIC) == 0, OCLSTM_E_FORMAT, "not a .npy file: %s", file->path);
  REQUIRE(prefix[6] >= 1 && prefix[6] <= 3 && prefix[7] == 0, OCLSTM_E_FORMAT,
          "version %u.%u of the .npy format is unknown: %s", prefix[6], prefix[7], file->path);
  size_t length_bytes = prefix[6] == 1 ? 2 : 4;
  TRY(oclstm__input_read(file, MAGIC_BYTES, prefix + MAGIC_BYTES, length_bytes, error));
  *begin = MAGIC_BYTES + length_bytes;
  *text_bytes = (size_t)oclstm__get_le(prefix + MAGIC_BYTES, length_bytes);
  REQUIRE(*text_bytes <= MAX_HEADER, OCLSTM_E_LIMIT, "header of %zu bytes, the limit is %d: %s", *text_bytes,
          MAX_HEADER, file->path);
  REQUIRE(*text_bytes <= file->bytes - *begin, OCLSTM_E_TRUNCATED,
          "header of %zu bytes in a file of %llu: %s", *text_bytes, (unsigned long long)file->bytes,
          file->path);
done:
  return status;
}

static oclstm_status read_header(oclstm_npy *npy, const oclstm_limits *limits, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t begin = 0;
  size_t text_bytes = 0;
  char *text = NULL;
  TRY(read_prefix(&npy->input, &begin, &text_bytes, error));
  text = oclstm__alloc(&npy->allocator, text_bytes + 1, 1);
  REQUIRE(text != NULL, OCLSTM_E_MEMORY, "header of %zu bytes", text_bytes);
  TRY(oclstm__input_read(&npy->input, begin, text, text_bytes, error));
  TRY(oclstm__npy_parse(text, text_bytes, limits, &npy->info, error));
  npy->data_begin = begin + text_bytes;
done:
  oclstm__free(&npy->allocator, text);
  return status;
}

static oclstm_status check_file_size(const oclstm_npy *npy, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t expected = npy->data_begin + npy->info.count * oclstm__dtype_bytes(npy->info.dtype);
  uint64_t found = npy->input.bytes;
  REQUIRE(found >= expected, OCLSTM_E_TRUNCATED, "expected %llu bytes, found %llu: %s",
          (unsigned long long)expected, (unsigned long long)found, npy->path);
  REQUIRE(found == expected, OCLSTM_E_FORMAT, "expected %llu bytes, found %llu: %s",
          (unsigned long long)expected, (unsigned long long)found, npy->path);
done:
  return status;
}

oclstm_status oclstm_npy_open(const char *path, const oclstm_limits *limits, oclstm_npy **npy,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_npy *opened = NULL;
  REQUIRE(npy != NULL, OCLSTM_E_ARGUMENT, "npy is NULL");
  *npy = NULL;
  REQUIRE(path != NULL, OCLSTM_E_ARGUMENT, "path is NULL");
  REQUIRE(limits == NULL || limits->struct_size == sizeof *limits, OCLSTM_E_ARGUMENT,
          "limits are of another version");
  oclstm_limits bounds = oclstm__limits(limits);
  oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){NULL, NULL, NULL});
  opened = oclstm__alloc(&allocator, 1, sizeof *opened);
  REQUIRE(opened != NULL, OCLSTM_E_MEMORY, "array: %zu bytes", sizeof *opened);
  opened->allocator = allocator;
  opened->input.fd = -1;
  opened->output = (oclstm__output_file)OCLSTM__OUTPUT_FILE_INIT;
  opened->path = oclstm__strdup(&allocator, path);
  REQUIRE(opened->path != NULL, OCLSTM_E_MEMORY, "path: %zu bytes", strlen(path));
  TRY(oclstm__input_open(&opened->input, opened->path, error));
  TRY(read_header(opened, &bounds, error));
  TRY(check_file_size(opened, error));
  *npy = opened;
  opened = NULL;
done:
  oclstm_npy_close(&opened);
  return status;
}

const oclstm_npy_info *oclstm_npy_get_info(const oclstm_npy *npy) {
  return &npy->info;
}

/* ---- elements ---- */

oclstm_status oclstm__npy_check_access(const oclstm_npy *npy, bool writing, uint64_t first, size_t count,
                                       const void *memory, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(npy != NULL && (memory != NULL || count == 0), OCLSTM_E_ARGUMENT, "npy or the memory is NULL");
  REQUIRE(npy->writing == writing, OCLSTM_E_ARGUMENT, "opened for %s: %s", writing ? "reading" : "writing",
          npy->path);
  REQUIRE(first <= npy->info.count && count <= npy->info.count - first, OCLSTM_E_ARGUMENT,
          "%zu elements from %llu on, there are %llu: %s", count, (unsigned long long)first,
          (unsigned long long)npy->info.count, npy->path);
done:
  return status;
}

oclstm_status oclstm_npy_read_f32(oclstm_npy *npy, uint64_t first, size_t count, float *to,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__npy_check_access(npy, false, first, count, to, error));
  const oclstm_dtype dtype = npy->info.dtype;
  const size_t bytes = oclstm__dtype_bytes(dtype);
  if (dtype == OCLSTM_F32) {
    return oclstm__input_read(&npy->input, npy->data_begin + first * bytes, to, count * bytes, error);
  }
  for (size_t read = 0; read < count;) {
    size_t n = oclstm__min(count - read, sizeof npy->block / bytes);
    TRY(oclstm__input_read(&npy->input, npy->data_begin + (first + read) * bytes, npy->block, n * bytes,
                           error));
    oclstm__npy_to_f32(dtype, npy->block, n, to + read);
    read += n;
  }
done:
  return status;
}

oclstm_status oclstm_npy_read_i64(oclstm_npy *npy, uint64_t first, size_t count, int64_t *to,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__npy_check_access(npy, false, first, count, to, error));
  const oclstm_dtype dtype = npy->info.dtype;
  const size_t bytes = oclstm__dtype_bytes(dtype);
  REQUIRE(dtype == OCLSTM_I8 || dtype == OCLSTM_I16 || dtype == OCLSTM_I32 || dtype == OCLSTM_I64,
          OCLSTM_E_DTYPE, "integers wanted from an array of %s: %s", oclstm__dtype_name(dtype), npy->path);
  for (size_t read = 0; read < count;) {
    size_t n = oclstm__min(count - read, sizeof npy->block / bytes);
    TRY(oclstm__input_read(&npy->input, npy->data_begin + (first + read) * bytes, npy->block, n * bytes,
                           error));
    oclstm__npy_to_i64(dtype, npy->block, n, to + read);
    read += n;
  }
done:
  return status;
}
