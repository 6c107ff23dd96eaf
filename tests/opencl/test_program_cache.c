/* Compiled programs on disk: kept, found again, rebuilt when damaged, and never taken from a folder that is not safe.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opencl/device/cl.h"
#include "opencl/device/program.h"
#include "support.h"

typedef struct seen {
  size_t compiled, read, warnings;
} seen;

static void watch(void *user, oclstm_log_level level, const char *line) {
  seen *s = user;
  s->compiled += strstr(line, "compiled") != NULL;
  s->read += strstr(line, "read from the cache") != NULL;
  s->warnings += level == OCLSTM_LOG_WARNING;
}

static char folder[] = "oclstm-program-cache-XXXXXX";

static oclstm_model *model;
static bool without_assembly; /* as if the device were one of device/assembly.c */
static size_t unkept;         /* programs that it keeps no binaries of */

/* Makes and runs a plan in a context of its own; what the log said of programs. */
static seen run_with(const char *cache_dir, float *y) {
  seen s = {0, 0, 0};
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.cache_dir = cache_dir;
  desc.log = (oclstm_log){watch, &s};
  OK(oclstm_context_create(&desc, &context, &last_error));
  oclstm__cl_of(context)->loops_take_assembly &= !without_assembly;
  test_job job = make_job(model, 4, 2, 1);
  test_result result = run_job(context, &job, 0, 0);
  memcpy(y, result.y, 4 * 2 * oclstm_model_output_size(model) * sizeof *y);
  free_result(&result);
  free_job(&job);
  oclstm_context_destroy(&context);
  return s;
}

static float first[4 * 2 * 16], again[4 * 2 * 16];

static void assert_same_results(void) {
  assert_memory_equal(first, again, sizeof first);
}

/* Calls visit with the path of every file in the folder; how many there are. */
static size_t for_each_file(void (*visit)(const char *path)) {
  size_t n = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    char path[600];
    if (e->d_name[0] != '.') {
      snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
      ++n;
      if (visit != NULL) {
        visit(path);
      }
    }
  }
  closedir(dir);
  return n;
}

static void remove_file(const char *path) {
  assert_int_equal(unlink(path), 0);
}

static long damage_at; /* byte to flip; negative: from the end */

static void flip(const char *path) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, damage_at, damage_at < 0 ? SEEK_END : SEEK_SET), 0);
  int byte = fgetc(file);
  assert_int_equal(fseek(file, damage_at, damage_at < 0 ? SEEK_END : SEEK_SET), 0);
  fputc(byte ^ 1, file);
  fclose(file);
}

static void cut(const char *path) {
  struct stat s;
  assert_int_equal(stat(path, &s), 0);
  assert_int_equal(truncate(path, s.st_size * damage_at / 100), 0);
}

static void lengthen(const char *path) {
  FILE *file = fopen(path, "ab");
  assert_non_null(file);
  fputc('x', file);
  fclose(file);
}

static void make_pipe(const char *path) {
  assert_int_equal(unlink(path) | mkfifo(path, 0600), 0);
}

/* ---- tests ---- */

static bool takes_assembly(void) {
  return oclstm__cl_of(device)->loops_take_assembly && !without_assembly;
}

static void programs_are_found_again(void **unused) {
  (void)unused;
  seen cold = run_with(folder, first);
  assert_true(cold.compiled > 0 && cold.read == 0);
  const size_t files = for_each_file(NULL);
  unkept = cold.compiled - files;
  assert_int_equal(unkept > 0, !takes_assembly());
  seen warm = run_with(folder, again);
  assert_int_equal(warm.compiled, unkept);
  assert_int_equal(warm.read, files);
  assert_same_results();
}

static void no_folder_keeps_nothing(void **unused) {
  (void)unused;
  seen none = run_with(NULL, again);
  assert_true(none.compiled > 0 && none.read == 0);
  assert_same_results();
}

/* Each damage is seen, said, and mended: the run after it finds good programs again. */
static void assert_mended(void (*damage)(const char *path)) {
  size_t files = for_each_file(damage);
  assert_true(files > 0);
  seen s = run_with(folder, again);
  assert_int_equal(s.read, 0);
  assert_int_equal(s.compiled, files + unkept);
  assert_int_equal(s.warnings, files);
  assert_same_results();
  assert_int_equal(run_with(folder, again).read, files);
}

static void damaged_files_are_rebuilt(void **unused) {
  static const long FLIPS[] = {0, 8, 16, 24, 40, 100, -1, -1000}; /* magic, sizes, checksum, key, binary */
  static const long CUTS[] = {0, 1, 50, 99};
  (void)unused;
  for (size_t k = 0; k < sizeof FLIPS / sizeof FLIPS[0]; ++k) {
    damage_at = FLIPS[k];
    assert_mended(flip);
  }
  for (size_t k = 0; k < sizeof CUTS / sizeof CUTS[0]; ++k) {
    damage_at = CUTS[k];
    assert_mended(cut);
  }
  assert_mended(lengthen);
  assert_mended(make_pipe);
}

/* A whole file under the name of another key: the key inside gives it away. */
static char one_of_them[600];

static void copy_over(const char *path) {
  char command[1400];
  if (one_of_them[0] == '\0') {
    strcpy(one_of_them, path);
  } else if (strcmp(one_of_them, path) != 0) {
    snprintf(command, sizeof command, "cp '%s' '%s'", one_of_them, path);
    assert_int_equal(system(command), 0);
  }
}

static void a_file_of_another_key_is_not_taken(void **unused) {
  (void)unused;
  size_t files = for_each_file(copy_over);
  seen s = run_with(folder, again);
  assert_int_equal(s.read, 1);
  assert_int_equal(s.compiled, files - 1 + unkept);
  assert_same_results();
}

static void a_folder_that_others_may_write_to_is_not_used(void **unused) {
  (void)unused;
  assert_int_equal(chmod(folder, 0770), 0);
  seen s = run_with(folder, again);
  assert_true(s.warnings > 0 && s.read == 0 && s.compiled > 0);
  assert_int_equal(chmod(folder, 0700), 0);
  assert_true(run_with(folder, again).read > 0);
}

static void a_folder_that_cannot_be_made_is_done_without(void **unused) {
  char path[600], file[640];
  (void)unused;
  snprintf(path, sizeof path, "%s/plain", folder);
  fclose(fopen(path, "w"));
  snprintf(file, sizeof file, "%s/below", path);
  seen s = run_with(file, again);
  assert_true(s.warnings > 0 && s.compiled > 0);
  s = run_with(path, again);
  assert_true(s.warnings > 0 && s.compiled > 0);
  assert_same_results();
}

/* Some programs have assembly, some have none: only those are kept. */
static void binaries_with_assembly_are_not_asked_for(void **unused) {
  for_each_file(remove_file);
  without_assembly = true;
  programs_are_found_again(unused);
  assert_true(for_each_file(NULL) > 0);
  without_assembly = false;
}

static void compilers_that_want_no_assembly(void **unused) {
  static const struct {
    const char *platform, *driver;
    bool takes;
  } DEVICES[] = {{"Portable Computing Language", "3.1+debian", true},
                 {"Portable Computing Language", "5.0", false},
                 {"Portable Computing Language", "6.0+debian", false},
                 {"Portable Computing Language", "7.1+debian", true},
                 {"NVIDIA CUDA", "550.54.15", true},
                 {"rusticl", "6.0", true}};
  (void)unused;
  for (size_t k = 0; k < sizeof DEVICES / sizeof DEVICES[0]; ++k) {
    oclstm_device_info info = {.type = OCLSTM_DEVICE_CPU};
    strcpy(info.platform, DEVICES[k].platform);
    strcpy(info.driver, DEVICES[k].driver);
    assert_int_equal(oclstm__loops_take_assembly(&info), DEVICES[k].takes);
  }
}

static int open_all(void **unused) {
  static const test_network NETWORK = {.layers = 1, .I = 3, .H = 16, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  model = make_network(&NETWORK, 1);
  return mkdtemp(folder) == NULL || open_devices(unused) != 0;
}

static int close_all(void **unused) {
  for_each_file(remove_file);
  oclstm_model_destroy(&model);
  return rmdir(folder) != 0 || close_devices(unused) != 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest all[] = {
      cmocka_unit_test(programs_are_found_again),
      cmocka_unit_test(no_folder_keeps_nothing),
      cmocka_unit_test(damaged_files_are_rebuilt),
      cmocka_unit_test(a_file_of_another_key_is_not_taken),
      cmocka_unit_test(a_folder_that_others_may_write_to_is_not_used),
      cmocka_unit_test(a_folder_that_cannot_be_made_is_done_without),
      cmocka_unit_test(binaries_with_assembly_are_not_asked_for),
      cmocka_unit_test(compilers_that_want_no_assembly),
  };
  read_options(argc, argv);
  return cmocka_run_group_tests(all, open_all, close_all);
}
