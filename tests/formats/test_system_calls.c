/* System calls that are interrupted, do half of the work, or fail: the linker puts these in place of the system's.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "oclstm/oclstm_job.h"

enum call { PREAD, PWRITE, FSYNC, FALLOCATE, FTRUNCATE, FCHMOD, RENAME, CLOSE, FSTAT, N_CALLS };

/* Call number `at` (from 1; 0: never) of each kind fails with this code. */
static struct {
  unsigned n, at;
  int code;
} plan[N_CALLS];
static int short_pieces; /* reads and writes do 1 to 7 bytes, and are interrupted in between */

static void reset(void) {
  memset(plan, 0, sizeof plan);
  short_pieces = 0;
}

static int fails(enum call call) {
  if (++plan[call].n == plan[call].at) {
    errno = plan[call].code;
    return 1;
  }
  return 0;
}

static int interrupted(enum call call, size_t *n) {
  if (short_pieces && plan[call].n % 3 == 0) {
    errno = EINTR;
    return 1;
  }
  *n = short_pieces && *n > 7 ? 1 + plan[call].n % 7 : *n;
  return 0;
}

ssize_t __real_pread64(int fd, void *to, size_t n, off_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t offset) {
  return fails(PREAD) || interrupted(PREAD, &n) ? -1 : __real_pread64(fd, to, n, offset);
}

ssize_t __real_pwrite64(int fd, const void *from, size_t n, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t n, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t n, off_t offset) {
  return fails(PWRITE) || interrupted(PWRITE, &n) ? -1 : __real_pwrite64(fd, from, n, offset);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
  return fails(FSYNC) ? -1 : __real_fsync(fd);
}

int __real_posix_fallocate64(int fd, off_t offset, off_t n);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t n);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t n) {
  return fails(FALLOCATE) ? plan[FALLOCATE].code : __real_posix_fallocate64(fd, offset, n);
}

int __real_ftruncate64(int fd, off_t n);
int __wrap_ftruncate64(int fd, off_t n);
int __wrap_ftruncate64(int fd, off_t n) {
  return fails(FTRUNCATE) ? -1 : __real_ftruncate64(fd, n);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode) {
  return fails(FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return fails(RENAME) ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  int failed = fails(CLOSE);
  int code = __real_close(fd); /* what failed to close is closed all the same, as on Linux */
  errno = failed ? plan[CLOSE].code : errno;
  return failed ? -1 : code;
}

int __real_fstat64(int fd, struct stat *about);
int __wrap_fstat64(int fd, struct stat *about);
int __wrap_fstat64(int fd, struct stat *about) {
  return fails(FSTAT) ? -1 : __real_fstat64(fd, about);
}

/* ---- tests ---- */

enum { N = 300 };
static const uint64_t SHAPE[] = {N};
static float values[N];

static oclstm_status write_array(const char *path, oclstm_error *error) {
  oclstm_npy *npy = NULL;
  oclstm_status status = oclstm_npy_create(path, 1, SHAPE, &npy, error);
  if (status == OCLSTM_OK) {
    status = oclstm_npy_write_f32(npy, 0, N, values, error);
  }
  if (status == OCLSTM_OK) {
    return oclstm_npy_commit(&npy, error);
  }
  oclstm_npy_close(&npy);
  return status;
}

static oclstm_status read_array(const char *path, float *to, oclstm_error *error) {
  oclstm_npy *npy = NULL;
  oclstm_status status = oclstm_npy_open(path, NULL, &npy, error);
  if (status == OCLSTM_OK) {
    status = oclstm_npy_read_f32(npy, 0, N, to, error);
  }
  oclstm_npy_close(&npy);
  return status;
}

static void goes_on_after_interruptions(void **state) {
  (void)state;
  static const oclstm_layer LAYER = {.input_size = 5, .hidden_size = 3};
  oclstm_model *model = random_model(&LAYER, 1, OCLSTM_F32, (around){0, 0, 0});
  oclstm_model *loaded = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  float got[N];
  for (int k = 0; k < N; ++k) {
    values[k] = (float)k;
  }
  reset();
  short_pieces = 1;
  assert_status(write_array(in_folder("pieces.npy"), &error), OCLSTM_OK, &error, "write");
  assert_true(plan[PWRITE].n > 100);
  assert_status(read_array(in_folder("pieces.npy"), got, &error), OCLSTM_OK, &error, "read");
  assert_memory_equal(got, values, sizeof values);
  assert_true(plan[PREAD].n > 100);
  assert_status(oclstm_model_save(model, in_folder("pieces"), &error), OCLSTM_OK, &error, "save");
  assert_status(oclstm_model_load(in_folder("pieces"), NULL, &loaded, &error), OCLSTM_OK, &error, "load");
  assert_models_equal(model, loaded);
  oclstm_model_destroy(&loaded);
  oclstm_model_destroy(&model);
}

static void reports_failed_writing(void **state) {
  (void)state;
  static const struct {
    enum call call;
    unsigned at;
    int code;
    oclstm_status status;
  } CASES[] = {
      {PWRITE, 1, EIO, OCLSTM_E_WRITE},      {PWRITE, 2, EIO, OCLSTM_E_WRITE},
      {PWRITE, 2, ENOSPC, OCLSTM_E_FULL},    {PWRITE, 2, EDQUOT, OCLSTM_E_FULL},
      {PWRITE, 2, EFBIG, OCLSTM_E_FULL},     {PWRITE, 2, ENOMEM, OCLSTM_E_MEMORY},
      {FTRUNCATE, 1, EFBIG, OCLSTM_E_FULL},  {FTRUNCATE, 1, EIO, OCLSTM_E_WRITE},
      {FALLOCATE, 1, ENOSPC, OCLSTM_E_FULL}, {FALLOCATE, 1, EIO, OCLSTM_E_WRITE},
      {FALLOCATE, 1, EINTR, OCLSTM_OK},      {FALLOCATE, 1, EOPNOTSUPP, OCLSTM_OK},
      {FALLOCATE, 1, EINVAL, OCLSTM_OK},     {FALLOCATE, 1, ENOSYS, OCLSTM_OK},
      {FSYNC, 1, EIO, OCLSTM_E_WRITE},       {FSYNC, 1, ENOSPC, OCLSTM_E_FULL},
      {FSYNC, 1, EINTR, OCLSTM_OK},          {FSYNC, 1, EINVAL, OCLSTM_OK},
      {CLOSE, 1, EIO, OCLSTM_E_WRITE},       {CLOSE, 1, EDQUOT, OCLSTM_E_FULL},
      {CLOSE, 1, EINTR, OCLSTM_OK},          {RENAME, 1, EXDEV, OCLSTM_E_WRITE},
      {FCHMOD, 1, EPERM, OCLSTM_E_OPEN},
  };
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    write_file(in_folder("old"), "old", 3);
    const size_t n_files = count_files();
    reset();
    plan[CASES[k].call].at = CASES[k].at;
    plan[CASES[k].call].code = CASES[k].code;
    oclstm_status status = write_array(in_folder("old"), &error);
    reset();
    assert_status(status, CASES[k].status, &error, strerror(CASES[k].code));
    assert_int_equal(count_files(), n_files);
    buffer found = read_file(in_folder("old"));
    assert_int_equal(found.n, status == OCLSTM_OK ? 128 + 4 * N : 3);
    buffer_free(&found);
    if (status != OCLSTM_OK) {
      assert_int_equal(error.os_code, CASES[k].code);
      assert_non_null(strstr(error.text, in_folder("old")));
    }
  }
}

/* The new file has its name already when the folder fails to sync: it is whole, but may be lost with the power. */
static void reports_a_folder_that_does_not_sync(void **state) {
  (void)state;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const size_t n_files = count_files();
  float got[N];
  reset();
  plan[FSYNC].at = 2;
  plan[FSYNC].code = EIO;
  assert_status(write_array(in_folder("unsynced.npy"), &error), OCLSTM_E_WRITE, &error, "folder");
  reset();
  assert_int_equal(count_files(), n_files + 1);
  assert_status(read_array(in_folder("unsynced.npy"), got, &error), OCLSTM_OK, &error, "read");
}

static void reports_failed_reading(void **state) {
  (void)state;
  float got[N];
  reset();
  assert_int_equal(write_array(in_folder("good.npy"), NULL), OCLSTM_OK);
  for (unsigned at = 1; at <= 4; ++at) { /* magic, length, header, elements */
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    reset();
    plan[PREAD].at = at;
    plan[PREAD].code = EIO;
    assert_status(read_array(in_folder("good.npy"), got, &error), OCLSTM_E_READ, &error, "read");
    assert_int_equal(error.os_code, EIO);
    assert_non_null(strstr(error.text, "good.npy"));
  }
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  reset();
  plan[FSTAT].at = 1;
  plan[FSTAT].code = EIO;
  oclstm_status status = read_array(in_folder("good.npy"), got, &error);
  reset();
  assert_status(status, OCLSTM_E_READ, &error, "size");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goes_on_after_interruptions), cmocka_unit_test(reports_failed_writing),
      cmocka_unit_test(reports_a_folder_that_does_not_sync), cmocka_unit_test(reports_failed_reading)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
