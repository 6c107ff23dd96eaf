/* Writing .npy arrays, float32, in any order of their elements.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/npy.h"

static oclstm_status make_info(size_t rank, const uint64_t *shape, oclstm_npy_info *info,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *info = (oclstm_npy_info){.dtype = OCLSTM_F32, .shape = {1, 1, 1, 1}};
  REQUIRE(rank <= OCLSTM__NPY_MAX_RANK, OCLSTM_E_ARGUMENT, "rank %zu, the limit is %d", rank,
          OCLSTM__NPY_MAX_RANK);
  REQUIRE(shape != NULL || rank == 0, OCLSTM_E_ARGUMENT, "shape is NULL, rank is %zu", rank);
  info->rank = rank;
  for (size_t k = 0; k < rank; ++k) {
    info->shape[k] = shape[k];
  }
  REQUIRE(oclstm__npy_count(info), OCLSTM_E_ARGUMENT, "shape: more than 2^63 bytes");
done:
  return status;
}

oclstm_status oclstm_npy_create(const char *path, size_t rank, const uint64_t *shape, oclstm_npy **npy,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_npy *created = NULL;
  oclstm_npy_info info;
  unsigned char header[OCLSTM__NPY_HEADER];
  REQUIRE(npy != NULL, OCLSTM_E_ARGUMENT, "npy is NULL");
  *npy = NULL;
  REQUIRE(path != NULL, OCLSTM_E_ARGUMENT, "path is NULL");
  TRY(make_info(rank, shape, &info, error));
  oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){NULL, NULL, NULL});
  created = oclstm__alloc(&allocator, 1, sizeof *created);
  REQUIRE(created != NULL, OCLSTM_E_MEMORY, "array: %zu bytes", sizeof *created);
  created->allocator = allocator;
  created->info = info;
  created->writing = true;
  created->input.fd = -1;
  created->output = (oclstm__output_file)OCLSTM__OUTPUT_FILE_INIT;
  created->path = oclstm__strdup(&allocator, path);
  REQUIRE(created->path != NULL, OCLSTM_E_MEMORY, "path: %zu bytes", strlen(path));
  created->data_begin = oclstm__npy_format(&info, header);
  TRY(oclstm__output_open(&created->output, path, allocator, error));
  TRY(oclstm__output_reserve(&created->output, created->data_begin + info.count * sizeof(float), error));
  TRY(oclstm__output_write(&created->output, 0, header, (size_t)created->data_begin, error));
  *npy = created;
  created = NULL;
done:
  oclstm_npy_close(&created);
  return status;
}

oclstm_status oclstm_npy_write_f32(oclstm_npy *npy, uint64_t first, size_t count, const float *from,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__npy_check_access(npy, true, first, count, from, error));
  TRY(oclstm__output_write(&npy->output, npy->data_begin + first * sizeof(float), from, count * sizeof(float),
                           error));
done:
  return status;
}

oclstm_status oclstm_npy_commit(oclstm_npy **npy, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(npy != NULL && *npy != NULL, OCLSTM_E_ARGUMENT, "npy is NULL");
  REQUIRE((*npy)->writing, OCLSTM_E_ARGUMENT, "opened for reading: %s", (*npy)->path);
  TRY(oclstm__output_commit(&(*npy)->output, error));
done:
  oclstm_npy_close(npy);
  return status;
}

void oclstm_npy_close(oclstm_npy **npy) {
  if (npy == NULL || *npy == NULL) {
    return;
  }
  oclstm_npy *closed = *npy;
  oclstm_allocator allocator = closed->allocator;
  oclstm__input_close(&closed->input);
  oclstm__output_discard(&closed->output);
  oclstm__free(&allocator, closed->path);
  oclstm__free(&allocator, closed);
  *npy = NULL;
}
