/* Sinks over .npy arrays being written: one of all rows, or one per row.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

/* Rows that do not lie as [n,B,F] in the file are gathered in pieces of about this many floats. */
enum { PIECE_FLOATS = 1 << 16 };

typedef struct npy_sink {
  oclstm_allocator allocator;
  oclstm_npy **arrays;
  size_t n_arrays;
  bool per_row; /* arrays[b] is row b, [T_b,F] */
  oclstm_layout layout;
  size_t rows, features;
  float *piece; /* [piece_steps, features] */
  size_t piece_steps;
} npy_sink;

/* ---- writing ---- */

/* Steps that row b has a place for, and the element at which it begins. */
static uint64_t row_steps(const npy_sink *s, size_t b, uint64_t *offset) {
  const oclstm_npy_info *info = oclstm_npy_get_info(s->arrays[s->per_row ? b : 0]);
  uint64_t steps = s->per_row ? info->shape[0] : info->shape[1];
  *offset = s->per_row ? 0 : b * steps * s->features;
  return steps;
}

static oclstm_status write_row(npy_sink *s, size_t b, uint64_t first, size_t n, const float *from,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t F = s->features;
  uint64_t offset = 0;
  uint64_t steps = row_steps(s, b, &offset);
  uint64_t left = steps > first ? steps - first : 0;
  size_t valid = left < n ? (size_t)left : n;
  for (size_t t = 0; t < valid; t += s->piece_steps) {
    size_t count = oclstm__min(s->piece_steps, valid - t);
    for (size_t k = 0; k < count; ++k) {
      memcpy(s->piece + k * F, from + ((t + k) * s->rows + b) * F, F * sizeof *from);
    }
    TRY(oclstm_npy_write_f32(s->arrays[s->per_row ? b : 0], offset + (first + t) * F, count * F, s->piece,
                             error));
  }
done:
  return status;
}

static oclstm_status write_chunk(void *user, uint64_t first, size_t n, const float *from,
                                 oclstm_error *error) {
  npy_sink *s = user;
  if (!s->per_row && s->layout == OCLSTM_TIME_MAJOR) {
    size_t step = s->rows * s->features;
    return oclstm_npy_write_f32(s->arrays[0], first * step, n * step, from, error);
  }
  for (size_t b = 0; b < s->rows; ++b) {
    oclstm_status status = write_row(s, b, first, n, from, error);
    if (status != OCLSTM_OK) {
      return status;
    }
  }
  return OCLSTM_OK;
}

/* ---- making ---- */

static void destroy(npy_sink *s) {
  if (s != NULL) {
    oclstm_allocator allocator = s->allocator;
    oclstm__free(&allocator, s->piece);
    oclstm__free(&allocator, s->arrays);
    oclstm__free(&allocator, s);
  }
}

static oclstm_status check_per_row(const npy_sink *s, size_t b, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_npy_info *info = oclstm_npy_get_info(s->arrays[b]);
  REQUIRE(info->rank == 2 && info->shape[1] == s->features, OCLSTM_E_SHAPE,
          "output of row %zu: expected [T,%zu], found rank %zu with %llu columns", b, s->features, info->rank,
          (unsigned long long)info->shape[1]);
done:
  return status;
}

static oclstm_status check_whole(const npy_sink *s, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_npy_info *info = oclstm_npy_get_info(s->arrays[0]);
  uint64_t rows = info->shape[s->layout == OCLSTM_BATCH_MAJOR ? 0 : 1];
  REQUIRE(info->rank == 3 && rows == s->rows && info->shape[2] == s->features, OCLSTM_E_SHAPE,
          "output: expected rank 3, %zu rows, %zu features; found rank %zu, %llu rows, %llu features",
          s->rows, s->features, info->rank, (unsigned long long)rows, (unsigned long long)info->shape[2]);
done:
  return status;
}

static oclstm_status check_shapes(npy_sink *s, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  s->per_row = s->n_arrays > 1 || (s->rows == 1 && oclstm_npy_get_info(s->arrays[0])->rank == 2);
  if (!s->per_row) {
    return check_whole(s, error);
  }
  REQUIRE(s->n_arrays == s->rows, OCLSTM_E_SHAPE, "%zu outputs for %zu rows", s->n_arrays, s->rows);
  for (size_t b = 0; b < s->rows; ++b) {
    TRY(check_per_row(s, b, error));
  }
done:
  return status;
}

static oclstm_status check_arguments(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                     size_t rows, size_t features, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(arrays != NULL && n_arrays > 0 && rows > 0 && features > 0, OCLSTM_E_ARGUMENT,
          "%zu arrays for %zu rows of %zu features", n_arrays, rows, features);
  REQUIRE((unsigned)layout <= OCLSTM_BATCH_MAJOR, OCLSTM_E_ARGUMENT, "layout is %u", (unsigned)layout);
  for (size_t k = 0; k < n_arrays; ++k) {
    REQUIRE(arrays[k] != NULL, OCLSTM_E_ARGUMENT, "array %zu is NULL", k);
  }
done:
  return status;
}

static oclstm_status fill(npy_sink *s, oclstm_npy *const *arrays, size_t n_arrays, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  s->arrays = oclstm__alloc(&s->allocator, n_arrays, sizeof(oclstm_npy *));
  REQUIRE(s->arrays != NULL, OCLSTM_E_MEMORY, "sink of %zu arrays", n_arrays);
  memcpy(s->arrays, arrays, n_arrays * sizeof(oclstm_npy *));
  s->n_arrays = n_arrays;
  s->piece_steps = oclstm__max(1, PIECE_FLOATS / s->features);
  s->piece = oclstm__alloc(&s->allocator, s->piece_steps * s->features, sizeof(float));
  REQUIRE(s->piece != NULL, OCLSTM_E_MEMORY, "%zu features", s->features);
  TRY(check_shapes(s, error));
done:
  return status;
}

oclstm_status oclstm_npy_sink_create(oclstm_npy *const *arrays, size_t n_arrays, oclstm_layout layout,
                                     size_t rows, size_t features, oclstm_sink *sink, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  npy_sink *s = NULL;
  REQUIRE(sink != NULL, OCLSTM_E_ARGUMENT, "sink is NULL");
  *sink = (oclstm_sink){0};
  TRY(check_arguments(arrays, n_arrays, layout, rows, features, error));
  const oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){0});
  s = oclstm__alloc(&allocator, 1, sizeof *s);
  REQUIRE(s != NULL, OCLSTM_E_MEMORY, "sink: %zu bytes", sizeof *s);
  *s = (npy_sink){.allocator = allocator, .layout = layout, .rows = rows, .features = features};
  TRY(fill(s, arrays, n_arrays, error));
  *sink = (oclstm_sink){s, write_chunk};
  s = NULL;
done:
  destroy(s);
  return status;
}

void oclstm_npy_sink_destroy(oclstm_sink *sink) {
  if (sink != NULL) {
    destroy(sink->user);
    *sink = (oclstm_sink){0};
  }
}
