/* Stores of results that stand in the order of processing while rows differ in length: [rows, T, width], each row's
 * places together, so that a chunk is one piece of each row's.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "job/job.h"

static uint64_t length_of(const oclstm__job *job, size_t b) {
  const uint64_t *lengths = job->desc->source->lengths;
  return lengths != NULL ? lengths[b] : job->steps;
}

/* The chunk holds row b's steps first .. first + v - 1, the last of them first: places length - first - v on. */
oclstm_status oclstm__rows_write(oclstm__job *job, oclstm__store *store, oclstm__chunk at, const float *from,
                                 size_t width, oclstm_error *error) {
  for (size_t b = 0; b < job->rows; ++b) {
    size_t v = (size_t)job->lengths[b];
    if (v == 0) {
      continue;
    }
    for (size_t k = 0; k < v; ++k) {
      memcpy(job->row + k * width, from + (k * job->plan_rows + b) * width, width * sizeof *from);
    }
    uint64_t place = b * job->steps + (length_of(job, b) - at.first - v);
    oclstm_status status = oclstm__store_write(store, place, v, job->row, error);
    if (status != OCLSTM_OK) {
      return status;
    }
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__rows_read(oclstm__job *job, const oclstm__store *store, oclstm__chunk at, float *to,
                                size_t rows_apart, size_t width, oclstm_error *error) {
  for (size_t b = 0; b < job->rows; ++b) {
    size_t v = (size_t)job->lengths[b];
    if (v == 0) {
      continue;
    }
    oclstm_status status = oclstm__store_read(store, b * job->steps + at.first, v, job->row, error);
    if (status != OCLSTM_OK) {
      return status;
    }
    for (size_t k = 0; k < v; ++k) {
      memcpy(to + (k * rows_apart + b) * width, job->row + k * width, width * sizeof *to);
    }
  }
  return OCLSTM_OK;
}
