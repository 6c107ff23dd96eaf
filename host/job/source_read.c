/* Reading chunks of .npy arrays as float32 features or as int32 ids.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/source.h"

/* Element of array `b` (or of row b of the only array) at which step `first` begins. */
static uint64_t row_offset(const oclstm__npy_source *s, size_t b, uint64_t first) {
  return ((s->n_arrays > 1 ? 0 : b * s->steps) + first) * s->features;
}

/* Steps of row b that are valid among first .. first + n - 1. */
static size_t valid_steps(const oclstm__npy_source *s, size_t b, uint64_t first, size_t n) {
  uint64_t length = s->lengths != NULL ? s->lengths[b] : s->steps;
  uint64_t left = length > first ? length - first : 0;
  return left < n ? (size_t)left : n;
}

/* ---- ids ---- */

static oclstm_status narrow(int64_t id, size_t index, uint64_t step, size_t b, int32_t *to,
                            oclstm_error *error) {
  if (id < INT32_MIN || id > INT32_MAX) {
    return oclstm__fail(error, OCLSTM_E_INDEX, "input %zu: id %lld at step %llu of row %zu is no int32",
                        index, (long long)id, (unsigned long long)step, b);
  }
  *to = (int32_t)id;
  return OCLSTM_OK;
}

static oclstm_status read_row_ids(const oclstm__npy_source *s, size_t b, uint64_t first, size_t n,
                                  int32_t *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t index = s->n_arrays > 1 ? b : 0;
  const int64_t *piece = s->piece;
  size_t valid = valid_steps(s, b, first, n);
  for (size_t t = 0; t < valid; t += s->piece_steps) {
    size_t count = oclstm__min(s->piece_steps, valid - t);
    TRY(oclstm_npy_read_i64(s->arrays[index], row_offset(s, b, first + t), count, s->piece, error));
    for (size_t k = 0; k < count; ++k) {
      TRY(narrow(piece[k], index, first + t + k, b, to + (t + k) * s->rows + b, error));
    }
  }
done:
  return status;
}

/* Elements lie as they are wanted, those behind a row's length among them: these are not looked at. */
static oclstm_status read_step_ids(const oclstm__npy_source *s, uint64_t first, size_t n, int32_t *to,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const int64_t *piece = s->piece;
  size_t total = n * s->rows;
  for (size_t at = 0; at < total; at += s->piece_steps) {
    size_t count = oclstm__min(s->piece_steps, total - at);
    TRY(oclstm_npy_read_i64(s->arrays[0], first * s->rows + at, count, s->piece, error));
    for (size_t k = 0; k < count; ++k) {
      uint64_t step = first + (at + k) / s->rows;
      size_t b = (at + k) % s->rows;
      bool valid = s->lengths == NULL || step < s->lengths[b];
      TRY(narrow(valid ? piece[k] : 0, 0, step, b, &to[at + k], error));
    }
  }
done:
  return status;
}

/* ---- features ---- */

static oclstm_status read_row(const oclstm__npy_source *s, size_t b, uint64_t first, size_t n, float *to,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_npy *array = s->arrays[s->n_arrays > 1 ? b : 0];
  const float *piece = s->piece;
  size_t I = s->features;
  size_t valid = valid_steps(s, b, first, n);
  for (size_t t = 0; t < valid; t += s->piece_steps) {
    size_t count = oclstm__min(s->piece_steps, valid - t);
    TRY(oclstm_npy_read_f32(array, row_offset(s, b, first + t), count * I, s->piece, error));
    for (size_t k = 0; k < count; ++k) {
      memcpy(to + ((t + k) * s->rows + b) * I, piece + k * I, I * sizeof *to);
    }
  }
done:
  return status;
}

static oclstm_status read_steps(const oclstm__npy_source *s, uint64_t first, size_t n, void *to,
                                oclstm_error *error) {
  size_t step = s->rows * s->features;
  return s->ids ? read_step_ids(s, first, n, to, error)
                : oclstm_npy_read_f32(s->arrays[0], first * step, n * step, to, error);
}

oclstm_status oclstm__npy_source_read(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  const oclstm__npy_source *s = user;
  if (s->n_arrays == 1 && s->layout == OCLSTM_TIME_MAJOR) {
    return read_steps(s, first, n, to, error);
  }
  for (size_t b = 0; b < s->rows; ++b) {
    oclstm_status status =
        s->ids ? read_row_ids(s, b, first, n, to, error) : read_row(s, b, first, n, to, error);
    if (status != OCLSTM_OK) {
      return status;
    }
  }
  return OCLSTM_OK;
}
