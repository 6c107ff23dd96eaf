/* Stores between walks: memory, file, accounting, and every way to fail.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/memory.h"
#include "job/job.h"
#include "network.h"
#include "test.h"

static char folder[] = "/tmp/oclstm-test-store-XXXXXX";

static int make_folder(void **unused) {
  (void)unused;
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused) {
  (void)unused;
  return rmdir(folder); /* fails if a test left a file */
}

static size_t files_in_folder(void) {
  size_t n = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    n += entry->d_name[0] != '.';
  }
  (void)closedir(dir);
  return n;
}

typedef struct setup {
  counted_memory count;
  oclstm_allocator allocator;
  oclstm__store_budget budget;
} setup;

static void prepare(setup *s, uint64_t memory, const char *dir) {
  memset(s, 0, sizeof *s);
  s->allocator = counting_allocator(&s->count);
  s->budget = (oclstm__store_budget){&s->allocator, memory, dir};
}

enum { STEPS = 13, FLOATS = 7 };

/* Written in pieces in descending order, read in ascending order in other pieces. */
static void check_round_trip(oclstm__store *store) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  float out[STEPS * FLOATS], in[STEPS * FLOATS];
  random_fill(out, STEPS * FLOATS, 5);
  memset(in, 0, sizeof in);
  const size_t firsts[] = {12, 8, 4, 0};
  for (size_t k = 0; k < 4; ++k) {
    size_t n = k == 0 ? 1 : 4;
    assert_ok(oclstm__store_write(store, firsts[k], n, out + firsts[k] * FLOATS, &error), &error);
  }
  assert_ok(oclstm__store_read(store, 0, 5, in, &error), &error);
  assert_ok(oclstm__store_read(store, 5, 8, in + 5 * FLOATS, &error), &error);
  assert_memory_equal(in, out, sizeof out);
}

static void store_in_memory_counts_against_the_budget(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const uint64_t bytes = STEPS * FLOATS * sizeof(float);
  prepare(&s, bytes + 10, NULL);
  assert_ok(oclstm__store_open(&store, &s.budget, STEPS, FLOATS, &error), &error);
  assert_int_equal(s.budget.memory_left, 10);
  assert_int_equal(s.count.now, bytes);
  check_round_trip(&store);
  oclstm__store_close(&store);
  assert_int_equal(s.budget.memory_left, bytes + 10);
  assert_int_equal(s.count.now, 0);
  oclstm__store_close(&store); /* twice is fine */
}

static void store_over_the_budget_is_a_file_without_a_name(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  prepare(&s, STEPS * FLOATS * sizeof(float) - 1, folder);
  assert_ok(oclstm__store_open(&store, &s.budget, STEPS, FLOATS, &error), &error);
  assert_int_equal(s.budget.memory_left, STEPS * FLOATS * sizeof(float) - 1);
  assert_int_equal(s.count.now, 0);
  assert_int_equal(files_in_folder(), 0);
  assert_int_equal(lseek(store.file, 0, SEEK_END), STEPS * FLOATS * sizeof(float));
  check_round_trip(&store);
  oclstm__store_close(&store);
}

static void store_without_room_or_folder_is_refused(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  prepare(&s, 100, NULL);
  assert_status(oclstm__store_open(&store, &s.budget, STEPS, FLOATS, &error), OCLSTM_E_MEMORY);
  assert_non_null(strstr(error.text, "364 bytes"));
  assert_non_null(strstr(error.text, "100 left"));
  prepare(&s, 100, "/nonexistent/folder");
  assert_status(oclstm__store_open(&store, &s.budget, STEPS, FLOATS, &error), OCLSTM_E_OPEN);
  assert_non_null(strstr(error.text, "/nonexistent/folder"));
}

static void store_of_a_size_that_overflows_is_refused(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  prepare(&s, UINT64_MAX, folder);
  assert_status(oclstm__store_open(&store, &s.budget, UINT64_MAX / 4, 4, &error), OCLSTM_E_LIMIT);
  assert_status(oclstm__store_open(&store, &s.budget, 1, SIZE_MAX / 2, &error), OCLSTM_E_LIMIT);
  assert_status(oclstm__store_open(&store, &s.budget, UINT64_C(1) << 60, 4, &error), OCLSTM_E_LIMIT);
}

static void store_on_a_full_disk_says_so_when_opened(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  struct rlimit before, small;
  prepare(&s, 0, folder);
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = (struct rlimit){4096, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  oclstm_status status = oclstm__store_open(&store, &s.budget, 4096, 4, &error);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_status(status, OCLSTM_E_FULL);
  assert_int_equal(files_in_folder(), 0);
}

static void store_cut_short_is_a_read_error(void **unused) {
  (void)unused;
  setup s;
  oclstm__store store = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  float in[FLOATS];
  prepare(&s, 0, folder);
  assert_ok(oclstm__store_open(&store, &s.budget, STEPS, FLOATS, &error), &error);
  assert_int_equal(ftruncate(store.file, 40), 0);
  assert_status(oclstm__store_read(&store, STEPS - 1, 1, in, &error), OCLSTM_E_READ);
  oclstm__store_close(&store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(store_in_memory_counts_against_the_budget),
      cmocka_unit_test(store_over_the_budget_is_a_file_without_a_name),
      cmocka_unit_test(store_without_room_or_folder_is_refused),
      cmocka_unit_test(store_of_a_size_that_overflows_is_refused),
      cmocka_unit_test(store_on_a_full_disk_says_so_when_opened),
      cmocka_unit_test(store_cut_short_is_a_read_error),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
