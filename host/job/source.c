/* Sources over .npy arrays: one array of B rows, or several as rows of their own lengths.
 * SPDX-License-Identifier: MIT */
#include "job/source.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* ---- shapes ---- */

/* T, B and I of one array. */
typedef struct extent {
  uint64_t steps, rows, features;
} extent;

static oclstm_status fail_rank(const oclstm__npy_source *s, size_t index, size_t rank, oclstm_error *error) {
  bool batch_major = s->layout == OCLSTM_BATCH_MAJOR;
  if (s->ids) {
    return oclstm__fail(error, OCLSTM_E_SHAPE,
                        "input %zu: expected ids of rank 1 or 2 ([T] or %s), found rank %zu", index,
                        batch_major ? "[B,T]" : "[T,B]", rank);
  }
  return oclstm__fail(error, OCLSTM_E_SHAPE,
                      "input %zu: expected rank 1 to 3 ([T], [T,I] or %s), found rank %zu", index,
                      batch_major ? "[B,T,I]" : "[T,B,I]", rank);
}

/* An array of ids has no axis of features: with one more of size 1, it is like any other. */
static oclstm_status read_extent(const oclstm__npy_source *s, size_t index, extent *e, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_npy_info *info = oclstm_npy_get_info(s->arrays[index]);
  const uint64_t *shape = info->shape;
  bool batch_major = s->layout == OCLSTM_BATCH_MAJOR;
  REQUIRE(!s->ids || info->dtype >= OCLSTM_I8, OCLSTM_E_DTYPE,
          "input %zu: ids are integers, found floating-point numbers", index);
  if (info->rank < 1 || info->rank > (s->ids ? 2 : 3)) {
    return fail_rank(s, index, info->rank, error);
  }
  if (info->rank == 3 || (s->ids && info->rank == 2)) {
    *e = (extent){shape[batch_major ? 1 : 0], shape[batch_major ? 0 : 1], s->ids ? 1 : shape[2]};
  } else {
    *e = (extent){shape[0], 1, shape[1]}; /* shape[1] of rank 1 is 1 */
  }
  REQUIRE(e->features == s->features, OCLSTM_E_SHAPE, "input %zu: expected I = %zu features, found %llu",
          index, s->features, (unsigned long long)e->features);
  REQUIRE(e->rows > 0 && e->rows <= SIZE_MAX, OCLSTM_E_SHAPE, "input %zu: %llu rows", index,
          (unsigned long long)e->rows);
done:
  return status;
}

static oclstm_status set_length(oclstm__npy_source *s, size_t b, uint64_t own, const int64_t *lengths,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t length = own;
  if (lengths != NULL) {
    REQUIRE(lengths[b] >= 0 && (uint64_t)lengths[b] <= own, OCLSTM_E_LENGTHS,
            "length of row %zu is %lld, outside of 0 to %llu", b, (long long)lengths[b],
            (unsigned long long)own);
    length = (uint64_t)lengths[b];
  }
  s->lengths[b] = length;
done:
  return status;
}

static oclstm_status read_shapes(oclstm__npy_source *s, const int64_t *lengths, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  extent e = {0, 0, 0};
  bool several = s->n_arrays > 1;
  TRY(read_extent(s, 0, &e, error));
  s->rows = several ? s->n_arrays : (size_t)e.rows;
  s->steps = several ? 0 : e.steps;
  if (!several && lengths == NULL) {
    goto done;
  }
  s->lengths = oclstm__alloc(&s->allocator, s->rows, sizeof *s->lengths);
  REQUIRE(s->lengths != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", s->rows);
  for (size_t b = 0; b < s->rows; ++b) {
    if (several) {
      TRY(read_extent(s, b, &e, error));
      REQUIRE(e.rows == 1, OCLSTM_E_SHAPE, "input %zu of several: expected one row, found %llu", b,
              (unsigned long long)e.rows);
    }
    TRY(set_length(s, b, e.steps, lengths, error));
    s->steps = several && s->lengths[b] > s->steps ? s->lengths[b] : s->steps;
  }
done:
  return status;
}

/* ---- making ---- */

static void destroy(oclstm__npy_source *s) {
  if (s != NULL) {
    oclstm_allocator allocator = s->allocator;
    oclstm__free(&allocator, s->piece);
    oclstm__free(&allocator, s->lengths);
    oclstm__free(&allocator, s->arrays);
    oclstm__free(&allocator, s);
  }
}

static oclstm_status check_arguments(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                     size_t features, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(arrays != NULL && n_arrays > 0 && features > 0, OCLSTM_E_ARGUMENT, "%zu arrays of %zu features",
          n_arrays, features);
  REQUIRE((unsigned)layout <= OCLSTM_BATCH_MAJOR, OCLSTM_E_ARGUMENT, "layout is %u", (unsigned)layout);
  for (size_t k = 0; k < n_arrays; ++k) {
    REQUIRE(arrays[k] != NULL, OCLSTM_E_ARGUMENT, "array %zu is NULL", k);
  }
done:
  return status;
}

static oclstm_status copy_arrays(oclstm__npy_source *s, oclstm_npy *const *arrays, size_t n_arrays,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  s->arrays = oclstm__alloc(&s->allocator, n_arrays, sizeof(oclstm_npy *));
  REQUIRE(s->arrays != NULL, OCLSTM_E_MEMORY, "source of %zu arrays", n_arrays);
  memcpy(s->arrays, arrays, n_arrays * sizeof(oclstm_npy *));
  s->n_arrays = n_arrays;
  s->piece_steps = oclstm__max(1, OCLSTM__PIECE / s->features);
  s->piece =
      oclstm__alloc(&s->allocator, s->piece_steps * s->features, s->ids ? sizeof(int64_t) : sizeof(float));
  REQUIRE(s->piece != NULL, OCLSTM_E_MEMORY, "%zu features", s->features);
done:
  return status;
}

/* What both kinds share. */
static oclstm_status create(const oclstm__npy_source *kind, oclstm_npy *const *arrays, size_t n_arrays,
                            const int64_t *lengths, oclstm_source *source, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__npy_source *s = NULL;
  REQUIRE(source != NULL, OCLSTM_E_ARGUMENT, "source is NULL");
  *source = (oclstm_source){0};
  TRY(check_arguments(arrays, n_arrays, kind->layout, kind->features, error));
  const oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){0});
  s = oclstm__alloc(&allocator, 1, sizeof *s);
  REQUIRE(s != NULL, OCLSTM_E_MEMORY, "source: %zu bytes", sizeof *s);
  *s = *kind;
  s->allocator = allocator;
  TRY(copy_arrays(s, arrays, n_arrays, error));
  TRY(read_shapes(s, lengths, error));
  *source = (oclstm_source){s, s->rows, s->steps, s->features, s->lengths, oclstm__npy_source_read};
  s = NULL;
done:
  destroy(s);
  return status;
}

oclstm_status oclstm_npy_source_create(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                       size_t features, const int64_t *lengths, oclstm_source *source,
                                       oclstm_error *error) {
  const oclstm__npy_source kind = {.layout = layout, .features = features};
  return create(&kind, arrays, n_arrays, lengths, source, error);
}

oclstm_status oclstm_npy_source_create_ids(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                           const int64_t *lengths, oclstm_source *source,
                                           oclstm_error *error) {
  const oclstm__npy_source kind = {.layout = layout, .features = 1, .ids = true};
  return create(&kind, arrays, n_arrays, lengths, source, error);
}

void oclstm_npy_source_destroy(oclstm_source *source) {
  if (source != NULL) {
    destroy(source->user);
    *source = (oclstm_source){0};
  }
}
