/* Sources over .npy arrays: one array of B rows, or several as rows of their own lengths.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

/* Rows that do not lie as [n,B,I] in the file are read in pieces of about this many floats and scattered. */
enum { PIECE_FLOATS = 1 << 16 };

typedef struct npy_source {
  oclstm_allocator allocator;
  oclstm_npy **arrays;
  size_t n_arrays;
  oclstm_layout layout;
  size_t rows, features;
  uint64_t steps;
  uint64_t *lengths; /* [rows], or NULL */
  float *piece;      /* [piece_steps, features] */
  size_t piece_steps;
} npy_source;

/* ---- reading ---- */

/* Element of array `b` (or of row b of the only array) at which step `first` begins. */
static uint64_t row_offset(const npy_source *s, size_t b, uint64_t first) {
  return ((s->n_arrays > 1 ? 0 : b * s->steps) + first) * s->features;
}

static oclstm_status read_row(npy_source *s, size_t b, uint64_t first, size_t n, float *to,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_npy *array = s->arrays[s->n_arrays > 1 ? b : 0];
  size_t I = s->features;
  uint64_t length = s->lengths != NULL ? s->lengths[b] : s->steps;
  uint64_t left = length > first ? length - first : 0;
  size_t valid = left < n ? (size_t)left : n;
  for (size_t t = 0; t < valid; t += s->piece_steps) {
    size_t count = oclstm__min(s->piece_steps, valid - t);
    TRY(oclstm_npy_read_f32(array, row_offset(s, b, first + t), count * I, s->piece, error));
    for (size_t k = 0; k < count; ++k) {
      memcpy(to + ((t + k) * s->rows + b) * I, s->piece + k * I, I * sizeof *to);
    }
  }
done:
  return status;
}

static oclstm_status read_chunk(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  npy_source *s = user;
  if (s->n_arrays == 1 && s->layout == OCLSTM_TIME_MAJOR) {
    size_t step = s->rows * s->features;
    return oclstm_npy_read_f32(s->arrays[0], first * step, n * step, to, error);
  }
  for (size_t b = 0; b < s->rows; ++b) {
    oclstm_status status = read_row(s, b, first, n, to, error);
    if (status != OCLSTM_OK) {
      return status;
    }
  }
  return OCLSTM_OK;
}

/* ---- shapes ---- */

/* T, B and I of one array. */
typedef struct extent {
  uint64_t steps, rows, features;
} extent;

static oclstm_status read_extent(const oclstm_npy *array, size_t index, oclstm_layout layout, size_t features,
                                 extent *e, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_npy_info *info = oclstm_npy_get_info(array);
  const uint64_t *shape = info->shape;
  switch (info->rank) {
    case 1: *e = (extent){shape[0], 1, 1}; break;
    case 2: *e = (extent){shape[0], 1, shape[1]}; break;
    case 3:
      *e = layout == OCLSTM_BATCH_MAJOR ? (extent){shape[1], shape[0], shape[2]}
                                        : (extent){shape[0], shape[1], shape[2]};
      break;
    default:
      REQUIRE(0, OCLSTM_E_SHAPE, "input %zu: expected rank 1 to 3 ([T], [T,I] or %s), found rank %zu", index,
              layout == OCLSTM_BATCH_MAJOR ? "[B,T,I]" : "[T,B,I]", info->rank);
  }
  REQUIRE(e->features == features, OCLSTM_E_SHAPE, "input %zu: expected I = %zu features, found %llu", index,
          features, (unsigned long long)e->features);
  REQUIRE(e->rows > 0 && e->rows <= SIZE_MAX, OCLSTM_E_SHAPE, "input %zu: %llu rows", index,
          (unsigned long long)e->rows);
done:
  return status;
}

static oclstm_status set_length(npy_source *s, size_t b, uint64_t own, const int64_t *lengths,
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

static oclstm_status read_shapes(npy_source *s, const int64_t *lengths, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  extent e = {0, 0, 0};
  bool several = s->n_arrays > 1;
  TRY(read_extent(s->arrays[0], 0, s->layout, s->features, &e, error));
  s->rows = several ? s->n_arrays : (size_t)e.rows;
  s->steps = several ? 0 : e.steps;
  if (!several && lengths == NULL) {
    goto done;
  }
  s->lengths = oclstm__alloc(&s->allocator, s->rows, sizeof *s->lengths);
  REQUIRE(s->lengths != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", s->rows);
  for (size_t b = 0; b < s->rows; ++b) {
    if (several) {
      TRY(read_extent(s->arrays[b], b, s->layout, s->features, &e, error));
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

static void destroy(npy_source *s) {
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

static oclstm_status copy_arrays(npy_source *s, oclstm_npy *const *arrays, size_t n_arrays,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  s->arrays = oclstm__alloc(&s->allocator, n_arrays, sizeof(oclstm_npy *));
  REQUIRE(s->arrays != NULL, OCLSTM_E_MEMORY, "source of %zu arrays", n_arrays);
  memcpy(s->arrays, arrays, n_arrays * sizeof(oclstm_npy *));
  s->n_arrays = n_arrays;
  s->piece_steps = oclstm__max(1, PIECE_FLOATS / s->features);
  s->piece = oclstm__alloc(&s->allocator, s->piece_steps * s->features, sizeof(float));
  REQUIRE(s->piece != NULL, OCLSTM_E_MEMORY, "%zu features", s->features);
done:
  return status;
}

oclstm_status oclstm_npy_source_create(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                       size_t features, const int64_t *lengths, oclstm_source *source,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  npy_source *s = NULL;
  REQUIRE(source != NULL, OCLSTM_E_ARGUMENT, "source is NULL");
  *source = (oclstm_source){0};
  TRY(check_arguments(arrays, n_arrays, layout, features, error));
  const oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){0});
  s = oclstm__alloc(&allocator, 1, sizeof *s);
  REQUIRE(s != NULL, OCLSTM_E_MEMORY, "source: %zu bytes", sizeof *s);
  *s = (npy_source){.allocator = allocator, .layout = layout, .features = features};
  TRY(copy_arrays(s, arrays, n_arrays, error));
  TRY(read_shapes(s, lengths, error));
  *source = (oclstm_source){s, s->rows, s->steps, s->features, s->lengths, read_chunk};
  s = NULL;
done:
  destroy(s);
  return status;
}

void oclstm_npy_source_destroy(oclstm_source *source) {
  if (source != NULL) {
    destroy(source->user);
    *source = (oclstm_source){0};
  }
}
