/* Fuzz target: .npy arrays, opened, read whole and from the end.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdio.h>

#include "fuzz.h"
#include "oclstm/oclstm_job.h"

enum { MOST_ELEMENTS = 1 << 12 };

static int is_status_of_array(oclstm_status status) {
  return status == OCLSTM_E_TRUNCATED || status == OCLSTM_E_FORMAT || status == OCLSTM_E_DTYPE ||
         status == OCLSTM_E_LIMIT;
}

static void require(int condition, const char *what, const oclstm_error *error) {
  if (!condition) {
    fuzz_fail(what, error);
  }
}

/* Whole, then element by element from the end: the same numbers, and nothing behind the end. */
static void read_all(oclstm_npy *npy, float *whole) {
  static int64_t integers[MOST_ELEMENTS];
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const oclstm_npy_info *info = oclstm_npy_get_info(npy);
  size_t n = info->count < MOST_ELEMENTS ? (size_t)info->count : MOST_ELEMENTS;
  float one;
  require(oclstm_npy_read_f32(npy, 0, n, whole, &error) == OCLSTM_OK, "elements are not read", &error);
  for (size_t k = n; k-- > 0 && n - k < 64;) {
    require(oclstm_npy_read_f32(npy, k, 1, &one, &error) == OCLSTM_OK, "an element is not read", &error);
    require(memcmp(&one, &whole[k], sizeof one) == 0, "an element differs", &error);
  }
  require(oclstm_npy_read_f32(npy, info->count, 1, &one, &error) == OCLSTM_E_ARGUMENT,
          "an element behind the end", &error);
  oclstm_status status = oclstm_npy_read_i64(npy, 0, n, integers, &error);
  int is_integer = info->dtype == OCLSTM_I8 || info->dtype == OCLSTM_I16 || info->dtype == OCLSTM_I32 ||
                   info->dtype == OCLSTM_I64;
  require(status == (is_integer ? OCLSTM_OK : OCLSTM_E_DTYPE), "integers", &error);
  for (size_t k = 0; is_integer && k < n; ++k) {
    require(whole[k] == (float)integers[k], "an integer differs", &error);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  static int file = -1;
  static char path[32];
  static float whole[MOST_ELEMENTS];
  oclstm_limits limits = fuzz_limits();
  oclstm_npy *npy = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (file < 0) {
    file = memfd_create("npy", MFD_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, bytes, n, 0) != (ssize_t)n) {
    perror(path);
    exit(1);
  }
  oclstm_status status = oclstm_npy_open(path, &limits, &npy, &error);
  if (status == OCLSTM_OK) {
    read_all(npy, whole);
  } else {
    require(npy == NULL && is_status_of_array(status) && error.status == status && error.text[0] != '\0',
            "refused otherwise than promised", &error);
  }
  oclstm_npy_close(&npy);
  return 0;
}
