/* Whole signals in memory, read from and written to .npy files.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ecg.h"

enum { MAX_SAMPLES = 1 << 28 }; /* nine days; what this program is ready to hold in memory */

oclstm_status ecg_fail(oclstm_error *error, oclstm_status status, const char *format, ...) {
  va_list arguments;
  error->status = status;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return status;
}

static oclstm_status check_shape(const char *path, const oclstm_npy_info *info, oclstm_error *error) {
  if (info->rank < 1 || info->rank > 2 || info->shape[1] != 1) {
    return ecg_fail(error, OCLSTM_E_SHAPE, "%s: expected [T] or [T,1], found rank %zu, [%llu,%llu]", path,
                    info->rank, (unsigned long long)info->shape[0], (unsigned long long)info->shape[1]);
  }
  if (info->count < 1 || info->count > MAX_SAMPLES) {
    return ecg_fail(error, OCLSTM_E_LIMIT, "%s: expected 1 to %d samples, found %llu", path, MAX_SAMPLES,
                    (unsigned long long)info->count);
  }
  return OCLSTM_OK;
}

oclstm_status ecg_signal_load(const char *path, ecg_signal *signal, oclstm_error *error) {
  oclstm_npy *npy = NULL;
  oclstm_status status = oclstm_npy_open(path, NULL, &npy, error);
  signal->count = 0;
  signal->sample = NULL;
  if (status != OCLSTM_OK) {
    goto done;
  }
  status = check_shape(path, oclstm_npy_get_info(npy), error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  signal->count = (size_t)oclstm_npy_get_info(npy)->count;
  signal->sample = malloc(signal->count * sizeof *signal->sample);
  if (signal->sample == NULL) {
    status = ecg_fail(error, OCLSTM_E_MEMORY, "%s: no memory for %zu samples", path, signal->count);
    goto done;
  }
  status = oclstm_npy_read_f32(npy, 0, signal->count, signal->sample, error);
done:
  oclstm_npy_close(&npy);
  return status;
}

oclstm_status ecg_signal_save(const char *path, const float *sample, size_t count, oclstm_error *error) {
  const uint64_t shape[2] = {count, 1};
  oclstm_npy *npy = NULL;
  oclstm_status status = oclstm_npy_create(path, 2, shape, &npy, error);
  if (status == OCLSTM_OK) {
    status = oclstm_npy_write_f32(npy, 0, count, sample, error);
  }
  if (status == OCLSTM_OK) {
    status = oclstm_npy_commit(&npy, error); /* only now the file has its name */
  }
  oclstm_npy_close(&npy);
  return status;
}

void ecg_signal_free(ecg_signal *signal) {
  free(signal->sample);
  signal->sample = NULL;
  signal->count = 0;
}
