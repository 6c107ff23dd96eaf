/* Tuning answers on disk: found again, ignored when damaged or another device's, merged when two contexts write.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "opencl/device/cl.h"
#include "opencl/tuning/tuning.h"
#include "support.h"

static size_t warnings;

static void watch(void *user, oclstm_log_level level, const char *line) {
  (void)user;
  warnings += level == OCLSTM_LOG_WARNING && strstr(line, "tuning answers") != NULL;
}

static oclstm_context *open_context(void) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.cache_dir = cache_folder;
  desc.log.write = watch;
  OK(oclstm_context_create(&desc, &context, &last_error));
  return context;
}

static oclstm__answer answer_of(const char *key, double microseconds) {
  oclstm__answer answer = {.serial = 7, .n = 3, .best = 1};
  static const char *const NAMES[] = {"rows", "fused-step", "stepwise"};
  snprintf(answer.key, sizeof answer.key, "%s", key);
  for (size_t k = 0; k < 3; ++k) {
    snprintf(answer.timings[k].strategy, sizeof answer.timings[k].strategy, "%s", NAMES[k]);
    answer.timings[k].groups = 10 * k;
    answer.timings[k].microseconds = microseconds * (double)(k + 1);
  }
  return answer;
}

static void keep(oclstm_context *context, const char *key, double microseconds) {
  const oclstm__answer answer = answer_of(key, microseconds);
  assert_true(oclstm__answer_find(oclstm__cl_of(context), "no such key") == NULL);
  oclstm__answer_keep(oclstm__cl_of(context), &answer);
}

static void assert_known(oclstm_context *context, const char *key, double microseconds) {
  const oclstm__answer expected = answer_of(key, microseconds);
  const oclstm__answer *found = oclstm__answer_find(oclstm__cl_of(context), key);
  assert_non_null(found);
  assert_int_equal(found->n, 3);
  assert_int_equal(found->best, 1);
  for (size_t k = 0; k < 3; ++k) {
    const oclstm__timing *a = &found->timings[k], *b = &expected.timings[k];
    assert_string_equal(a->strategy, b->strategy);
    assert_int_equal(a->groups, b->groups);
    assert_true(a->microseconds > 0.999999 * b->microseconds && a->microseconds < 1.000001 * b->microseconds);
  }
}

/* ---- the file ---- */

static char path[600];

static const char *find_file(void) {
  DIR *dir = opendir(cache_folder);
  assert_non_null(dir);
  path[0] = '\0';
  for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    if (strstr(e->d_name, ".tuning") != NULL) {
      assert_string_equal(path, ""); /* one file, and nothing is left of writing it */
      snprintf(path, sizeof path, "%s/%s", cache_folder, e->d_name);
    }
  }
  closedir(dir);
  assert_string_not_equal(path, "");
  return path;
}

static char text[1 << 16];

static size_t read_file(void) {
  FILE *file = fopen(find_file(), "rb");
  assert_non_null(file);
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[n] = '\0';
  return n;
}

static void write_file(const char *bytes, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

/* A file with these lines and a sum that is right. */
static void write_summed(const char *lines) {
  char whole[1 << 16];
  size_t n = strlen(lines);
  memcpy(whole, lines, n);
  n += (size_t)snprintf(whole + n, sizeof whole - n, "sum %016llx\n",
                        (unsigned long long)XXH3_64bits(lines, n));
  write_file(whole, n);
}

/* Is ignored, with a word in the log, and replaced by the next answer. */
static void assert_ignored(void) {
  size_t before = warnings;
  oclstm_context *context = open_context();
  assert_null(oclstm__answer_find(oclstm__cl_of(context), "a"));
  assert_int_equal(warnings, before + 1);
  keep(context, "a", 1.5);
  oclstm_context_destroy(&context);
  before = warnings;
  context = open_context();
  assert_known(context, "a", 1.5);
  assert_int_equal(warnings, before);
  oclstm_context_destroy(&context);
}

/* A file that is good, in `text`. */
static size_t read_good_file(void) {
  oclstm_context *context = open_context();
  keep(context, "a", 1.5);
  oclstm_context_destroy(&context);
  return read_file();
}

/* ---- tests ---- */

static void answers_are_found_again(void **unused) {
  (void)unused;
  oclstm_context *context = open_context();
  keep(context, "a", 1.5);
  keep(context, "b", 20.25);
  keep(context, "a", 3.125); /* in place of the first */
  oclstm_context_destroy(&context);
  context = open_context();
  assert_known(context, "a", 3.125);
  assert_known(context, "b", 20.25);
  assert_int_equal(oclstm__answer_find(oclstm__cl_of(context), "a")->serial, 0);
  oclstm_context_destroy(&context);
  assert_int_equal(warnings, 0);
}

static void two_writers_lose_nothing(void **unused) {
  (void)unused;
  oclstm_context *one = open_context();
  oclstm_context *two = open_context();
  keep(one, "one", 1.0);
  keep(two, "two", 2.0); /* has read the folder before it had "one" */
  assert_known(two, "one", 1.0);
  keep(one, "three", 3.0);
  oclstm_context_destroy(&one);
  oclstm_context_destroy(&two);
  one = open_context();
  assert_known(one, "one", 1.0);
  assert_known(one, "two", 2.0);
  assert_known(one, "three", 3.0);
  oclstm_context_destroy(&one);
}

static void damaged_files_are_ignored(void **unused) {
  (void)unused;
  size_t n = read_good_file();
  char *good = malloc(n);
  assert_non_null(good);
  memcpy(good, text, n);
  for (size_t at = 0; at < n; at += 1 + n / 24) {
    good[at] ^= 1;
    write_file(good, n);
    assert_ignored();
    good[at] ^= 1;
    write_file(good, at);
    assert_ignored();
  }
  memcpy(text, good, n);
  text[n] = 'x';
  write_file(text, n + 1);
  assert_ignored();
  assert_int_equal(unlink(find_file()) | mkfifo(path, 0600), 0);
  assert_ignored();
  free(good);
}

/* With a sum that is right, so that the lines themselves have to be looked at. */
static void hostile_files_are_ignored(void **unused) {
  static const char *const ANSWERS[] = {
      "key a\n",
      "key a\n- rows 0 5\n",
      "key a\n* rows 0 5\n* rows 2 5\n",
      "key a\n* rows 1\n",
      "key a\n* rows -1 5\n",
      "key a\n* rows 1 0\n",
      "key a\n* rows 1 99999999999999999999\n",
      "key a\n* a-strategy-with-a-name-that-is-far-too-long 1 5\n",
      "key a\n* rows 0 5\n- rows 2 5\n- rows 3 5\n- rows 4 5\n- rows 5 5\n",
      "key a\n* rows 0 5",
      "* rows 0 5\n",
      "\n",
      "key ",
  };
  (void)unused;
  assert_true(read_good_file() > 0);
  size_t head = (size_t)(strstr(text, "key ") - text);
  char lines[4096];
  for (size_t k = 0; k < sizeof ANSWERS / sizeof ANSWERS[0]; ++k) {
    snprintf(lines, sizeof lines, "%.*s%s", (int)head, text, ANSWERS[k]);
    write_summed(lines);
    assert_ignored();
  }
  memset(lines, 'k', 3000); /* a key longer than any, and no magic before it */
  lines[3000] = '\0';
  write_summed(lines);
  assert_ignored();
  memcpy(lines + snprintf(lines, sizeof lines, "%.*skey ", (int)head, text), "kkkkkkkk", 8);
  write_summed(lines);
  assert_ignored();
}

static void another_device_is_ignored(void **unused) {
  (void)unused;
  assert_true(read_good_file() > 0);
  char *driver = strstr(text, "device ");
  assert_non_null(driver);
  driver[7] = driver[7] == 'X' ? 'Y' : 'X';
  *strstr(text, "sum ") = '\0';
  write_summed(text);
  assert_ignored();
}

/* Version 1 had one number more in a line. */
static void another_version_is_ignored(void **unused) {
  (void)unused;
  assert_true(read_good_file() > 0);
  char *magic = strstr(text, "oclstm-tuning 2\n");
  assert_true(magic == text);
  text[strlen("oclstm-tuning ")] = '1';
  *strstr(text, "sum ") = '\0';
  write_summed(text);
  assert_ignored();
}

/* An answer for what there is no longer to choose from is no answer. */
static void answers_of_other_ways_are_measured_again(void **unused) {
  (void)unused;
  static const test_network NETWORK = {.layers = 1, .I = 3, .H = 16, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  oclstm_model *model = make_network(&NETWORK, options.seed);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.steps = 2;
  for (int k = 0; k < 3; ++k) {
    oclstm_context *context = open_context();
    oclstm_plan *plan = NULL;
    OK(oclstm_plan_create(context, model, &desc, &plan, &last_error));
    assert_true((oclstm_plan_get_info(plan)->measured > 0) == (k != 1));
    oclstm_plan_destroy(&plan);
    oclstm_context_destroy(&context);
    if (k == 1) {
      assert_true(read_file() > 0);
      char *way = strstr(strstr(text, "key lstm"), "\n* ");
      assert_non_null(way);
      way[3] = 'X';
      *strstr(text, "sum ") = '\0';
      write_summed(text);
    }
  }
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest all[] = {
      cmocka_unit_test(answers_are_found_again),
      cmocka_unit_test(two_writers_lose_nothing),
      cmocka_unit_test(damaged_files_are_ignored),
      cmocka_unit_test(hostile_files_are_ignored),
      cmocka_unit_test(another_device_is_ignored),
      cmocka_unit_test(another_version_is_ignored),
      cmocka_unit_test(answers_of_other_ways_are_measured_again),
  };
  read_options(argc, argv);
  return cmocka_run_group_tests(all, open_devices_and_cache, close_devices_and_cache);
}
