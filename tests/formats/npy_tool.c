/* For interop.py: `npy_tool show FILE` prints an array as text, `npy_tool copy FROM TO` rewrites it as float32.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "oclstm/oclstm_job.h"

static int report(const oclstm_error *error) {
  (void)fprintf(stderr, "%s: %s\n", oclstm_status_name(error->status), error->text);
  return 1;
}

/* "F32 2 3 4" (dtype, rank, shape), then an element a line: as an integer where it is one, otherwise as a float32. */
static int show(oclstm_npy *npy) {
  const oclstm_npy_info *info = oclstm_npy_get_info(npy);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  (void)printf("%s %zu", oclstm__dtype_name(info->dtype), info->rank);
  for (size_t k = 0; k < info->rank; ++k) {
    (void)printf(" %" PRIu64, info->shape[k]);
  }
  (void)printf("\n");
  for (uint64_t k = 0; k < info->count; ++k) {
    int64_t integer = 0;
    float value = 0.0F;
    if (oclstm_npy_read_i64(npy, k, 1, &integer, &error) == OCLSTM_OK) {
      (void)printf("%" PRId64 "\n", integer);
    } else if (oclstm_npy_read_f32(npy, k, 1, &value, &error) == OCLSTM_OK) {
      (void)printf("%.9g\n", (double)value);
    } else {
      return report(&error);
    }
  }
  return 0;
}

static int copy(oclstm_npy *from, const char *path) {
  const oclstm_npy_info *info = oclstm_npy_get_info(from);
  oclstm_npy *to = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  float *values = malloc(((size_t)info->count + 1) * sizeof *values);
  int failed = values == NULL ||
               oclstm_npy_read_f32(from, 0, (size_t)info->count, values, &error) != OCLSTM_OK ||
               oclstm_npy_create(path, info->rank, info->shape, &to, &error) != OCLSTM_OK ||
               oclstm_npy_write_f32(to, 0, (size_t)info->count, values, &error) != OCLSTM_OK ||
               oclstm_npy_commit(&to, &error) != OCLSTM_OK;
  oclstm_npy_close(&to);
  free(values);
  return failed ? report(&error) : 0;
}

int main(int argc, char **argv) {
  oclstm_npy *npy = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (argc < 3 || (strcmp(argv[1], "copy") == 0 && argc < 4)) {
    return 2;
  }
  if (oclstm_npy_open(argv[2], NULL, &npy, &error) != OCLSTM_OK) {
    return report(&error);
  }
  int code = strcmp(argv[1], "show") == 0 ? show(npy) : copy(npy, argv[3]);
  oclstm_npy_close(&npy);
  return code;
}
