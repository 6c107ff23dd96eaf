/* Sources and sinks over .npy files: layouts, ragged rows, lengths, refusals.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "network.h"
#include "test.h"

static char folder[] = "/tmp/oclstm-test-arrays-XXXXXX";
static oclstm_error error;

static int make_folder(void **unused) {
  (void)unused;
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused) {
  (void)unused;
  for (size_t k = 0; k < 8; ++k) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%zu.npy", folder, k);
    (void)unlink(path);
  }
  return rmdir(folder);
}

static const char *path_of(size_t k) {
  static char path[64];
  (void)snprintf(path, sizeof path, "%s/%zu.npy", folder, k);
  return path;
}

/* Element k of the file is base + k. */
static oclstm_npy *numbered(size_t k, size_t rank, const uint64_t *shape, float base) {
  oclstm_npy *npy = NULL;
  assert_ok(oclstm_npy_create(path_of(k), rank, shape, &npy, &error), &error);
  size_t n = (size_t)oclstm_npy_get_info(npy)->count;
  for (size_t e = 0; e < n; ++e) {
    float value = base + (float)e;
    assert_ok(oclstm_npy_write_f32(npy, e, 1, &value, &error), &error);
  }
  assert_ok(oclstm_npy_commit(&npy, &error), &error);
  assert_ok(oclstm_npy_open(path_of(k), NULL, &npy, &error), &error);
  return npy;
}

/* Reads steps first .. first + n - 1; the result is the caller's. Places that were left alone are -1. */
static float *read_steps(const oclstm_source *source, uint64_t first, size_t n) {
  size_t count = n * source->rows * source->features;
  float *x = malloc((count + 1) * sizeof *x);
  assert_non_null(x);
  for (size_t k = 0; k <= count; ++k) {
    x[k] = -1.0F;
  }
  assert_ok(source->read(source->user, first, n, x, &error), &error);
  assert_true(x[count] == -1.0F);
  return x;
}

enum { T = 6, B = 3, I = 2 };

static void source_reads_time_major_and_batch_major(void **unused) {
  (void)unused;
  for (int layout = OCLSTM_TIME_MAJOR; layout <= OCLSTM_BATCH_MAJOR; ++layout) {
    bool batch = layout == OCLSTM_BATCH_MAJOR;
    const uint64_t shape[] = {batch ? B : T, batch ? T : B, I};
    oclstm_npy *npy = numbered(0, 3, shape, 0.0F);
    oclstm_source source;
    assert_ok(oclstm_npy_source_create(&npy, 1, (oclstm_layout)layout, I, NULL, &source, &error), &error);
    assert_int_equal(source.rows, B);
    assert_int_equal(source.steps, T);
    assert_int_equal(source.features, I);
    assert_null(source.lengths);
    float *x = read_steps(&source, 2, 3);
    for (size_t t = 0; t < 3; ++t) {
      for (size_t b = 0; b < B; ++b) {
        for (size_t i = 0; i < I; ++i) {
          size_t place = batch ? (b * T + t + 2) * I + i : ((t + 2) * B + b) * I + i;
          assert_int_equal(x[(t * B + b) * I + i], place);
        }
      }
    }
    free(x);
    oclstm_npy_source_destroy(&source);
    assert_null(source.user);
    oclstm_npy_close(&npy);
  }
}

static void source_takes_one_row_of_rank_1_and_2(void **unused) {
  (void)unused;
  const uint64_t shape[] = {T, I};
  oclstm_npy *flat = numbered(0, 1, shape, 0.0F), *wide = numbered(1, 2, shape, 0.0F);
  oclstm_source source;
  assert_ok(oclstm_npy_source_create(&flat, 1, OCLSTM_TIME_MAJOR, 1, NULL, &source, &error), &error);
  assert_int_equal(source.rows, 1);
  float *x = read_steps(&source, 4, 2);
  assert_true(x[0] == 4.0F && x[1] == 5.0F);
  free(x);
  oclstm_npy_source_destroy(&source);
  assert_ok(oclstm_npy_source_create(&wide, 1, OCLSTM_BATCH_MAJOR, I, NULL, &source, &error), &error);
  x = read_steps(&source, 5, 1);
  assert_true(x[0] == 10.0F && x[1] == 11.0F);
  free(x);
  oclstm_npy_source_destroy(&source);
  oclstm_npy_close(&flat);
  oclstm_npy_close(&wide);
}

/* A row longer than one piece of reading: 40,000 steps of 2 features. */
static void source_reads_long_rows_whole(void **unused) {
  (void)unused;
  const uint64_t shape[] = {1, 40000, I};
  const int64_t length = 39999;
  oclstm_npy *npy = NULL;
  oclstm_source source;
  float *values = malloc(80000 * sizeof *values);
  assert_non_null(values);
  random_fill(values, 80000, 8);
  assert_ok(oclstm_npy_create(path_of(0), 3, shape, &npy, &error), &error);
  assert_ok(oclstm_npy_write_f32(npy, 0, 80000, values, &error), &error);
  assert_ok(oclstm_npy_commit(&npy, &error), &error);
  assert_ok(oclstm_npy_open(path_of(0), NULL, &npy, &error), &error);
  assert_ok(oclstm_npy_source_create(&npy, 1, OCLSTM_BATCH_MAJOR, I, &length, &source, &error), &error);
  float *x = read_steps(&source, 0, 40000);
  assert_memory_equal(x, values, 39999 * I * sizeof *x);
  assert_true(x[79998] == -1.0F && x[79999] == -1.0F);
  free(x);
  free(values);
  oclstm_npy_source_destroy(&source);
  oclstm_npy_close(&npy);
}

static void source_of_several_files_is_ragged(void **unused) {
  (void)unused;
  const uint64_t shapes[3][3] = {{4, I, 1}, {0, I, 1}, {6, 1, I}};
  oclstm_npy *files[3] = {numbered(0, 2, shapes[0], 100.0F), numbered(1, 2, shapes[1], 200.0F),
                          numbered(2, 3, shapes[2], 300.0F)};
  oclstm_source source;
  assert_ok(oclstm_npy_source_create(files, 3, OCLSTM_TIME_MAJOR, I, NULL, &source, &error), &error);
  assert_int_equal(source.rows, 3);
  assert_int_equal(source.steps, 6);
  assert_int_equal(source.lengths[0], 4);
  assert_int_equal(source.lengths[1], 0);
  assert_int_equal(source.lengths[2], 6);
  const float expected[] = {106, 107, -1, -1, 306, 307, -1, -1, -1, -1, 308, 309};
  float *x = read_steps(&source, 3, 2);
  assert_memory_equal(x, expected, sizeof expected);
  free(x);
  oclstm_npy_source_destroy(&source);

  const int64_t lengths[] = {2, 0, 5};
  assert_ok(oclstm_npy_source_create(files, 3, OCLSTM_TIME_MAJOR, I, lengths, &source, &error), &error);
  assert_int_equal(source.steps, 5);
  assert_int_equal(source.lengths[0], 2);
  oclstm_npy_source_destroy(&source);
  for (size_t k = 0; k < 3; ++k) {
    oclstm_npy_close(&files[k]);
  }
}

static void refuse_source(oclstm_npy **files, size_t n, oclstm_layout layout, size_t features,
                          const int64_t *lengths, oclstm_status expected, const char *text) {
  oclstm_source source;
  memset(&error, 0, sizeof error);
  assert_status(oclstm_npy_source_create(files, n, layout, features, lengths, &source, &error), expected);
  assert_null(source.user);
  if (strstr(error.text, text) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", error.text, text);
  }
}

static void source_refuses_what_does_not_fit(void **unused) {
  (void)unused;
  const uint64_t shape[] = {T, B, I, 1};
  oclstm_npy *npy = numbered(0, 3, shape, 0.0F), *rank4 = numbered(1, 4, shape, 0.0F);
  oclstm_npy *several[2] = {npy, npy}, *absent = NULL;
  const int64_t negative[] = {1, -1, 1}, over[] = {1, 1, T + 1};
  refuse_source(&npy, 1, OCLSTM_TIME_MAJOR, I + 1, NULL, OCLSTM_E_SHAPE, "expected I = 3 features, found 2");
  refuse_source(&rank4, 1, OCLSTM_TIME_MAJOR, I, NULL, OCLSTM_E_SHAPE, "found rank 4");
  refuse_source(several, 2, OCLSTM_TIME_MAJOR, I, NULL, OCLSTM_E_SHAPE, "expected one row, found 3");
  refuse_source(&npy, 1, OCLSTM_TIME_MAJOR, I, negative, OCLSTM_E_LENGTHS, "row 1 is -1, outside of 0 to 6");
  refuse_source(&npy, 1, OCLSTM_TIME_MAJOR, I, over, OCLSTM_E_LENGTHS, "row 2 is 7");
  refuse_source(&npy, 1, OCLSTM_BATCH_MAJOR, I, over, OCLSTM_E_LENGTHS, "outside of 0 to 3");
  refuse_source(&absent, 1, OCLSTM_TIME_MAJOR, I, NULL, OCLSTM_E_ARGUMENT, "array 0");
  refuse_source(&npy, 0, OCLSTM_TIME_MAJOR, I, NULL, OCLSTM_E_ARGUMENT, "0 arrays");
  refuse_source(&npy, 1, (oclstm_layout)7, I, NULL, OCLSTM_E_ARGUMENT, "layout is 7");
  oclstm_npy_close(&npy);
  oclstm_npy_close(&rank4);
}

/* ---- sources of ids ---- */

/* A .npy file of an integer type: the library writes float32 only. */
static oclstm_npy *integers(size_t k, const char *type, const char *shape, const void *data, size_t bytes) {
  char header[128];
  oclstm_npy *npy = NULL;
  FILE *file = fopen(path_of(k), "wb");
  assert_non_null(file);
  int n = snprintf(header, sizeof header,
                   "%cNUMPY%c%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", 0x93, 1, 0, 118,
                   0, type, shape);
  memset(header + n, ' ', sizeof header - (size_t)n);
  header[127] = '\n';
  assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
  assert_int_equal(fwrite(data, 1, bytes, file), bytes);
  assert_int_equal(fclose(file), 0);
  assert_ok(oclstm_npy_open(path_of(k), NULL, &npy, &error), &error);
  return npy;
}

/* Steps first .. first + n - 1 are `expected`; places that were left alone are -7. */
static void assert_ids(const oclstm_source *source, uint64_t first, size_t n, const int32_t *expected) {
  int32_t ids[64];
  for (size_t k = 0; k < 64; ++k) {
    ids[k] = -7;
  }
  assert_int_equal(source->features, 1);
  assert_ok(source->read(source->user, first, n, ids, &error), &error);
  assert_memory_equal(ids, expected, n * source->rows * sizeof *ids);
  assert_int_equal(ids[n * source->rows], -7);
}

static void ids_of_every_type_and_layout(void **unused) {
  (void)unused;
  const int64_t wide[] = {1, 2, -3, 4, INT32_MAX, INT32_MIN};
  const int16_t narrow[] = {1, 2, -3, 4, 300, -301};
  const int8_t least[] = {1, 2, -3, 4, 100, -128};
  oclstm_npy *files[3] = {integers(0, "<i8", "3, 2", wide, sizeof wide),
                          integers(1, "<i2", "3, 2", narrow, sizeof narrow),
                          integers(2, "|i1", "6,", least, 6)};
  oclstm_source source;
  assert_ok(oclstm_npy_source_create_ids(&files[0], 1, OCLSTM_TIME_MAJOR, NULL, &source, &error), &error);
  assert_true(source.rows == 2 && source.steps == 3 && source.lengths == NULL);
  assert_ids(&source, 1, 2, (const int32_t[]){-3, 4, INT32_MAX, INT32_MIN});
  oclstm_npy_source_destroy(&source);
  assert_ok(oclstm_npy_source_create_ids(&files[1], 1, OCLSTM_BATCH_MAJOR, NULL, &source, &error), &error);
  assert_true(source.rows == 3 && source.steps == 2);
  assert_ids(&source, 0, 2, (const int32_t[]){1, -3, 300, 2, 4, -301});
  oclstm_npy_source_destroy(&source);
  assert_ok(oclstm_npy_source_create_ids(&files[2], 1, OCLSTM_BATCH_MAJOR, NULL, &source, &error), &error);
  assert_true(source.rows == 1 && source.steps == 6);
  assert_ids(&source, 4, 2, (const int32_t[]){100, -128});
  oclstm_npy_source_destroy(&source);
  for (size_t k = 0; k < 3; ++k) {
    oclstm_npy_close(&files[k]);
  }
}

static void ids_of_several_files_are_ragged(void **unused) {
  (void)unused;
  const int32_t values[] = {5, 6, 7, 8};
  oclstm_npy *files[3] = {integers(0, "<i4", "3,", values, 12), integers(1, "<i4", "0,", values, 0),
                          integers(2, "<i4", "4, 1", values, 16)};
  const int64_t lengths[] = {1, 0, 3};
  oclstm_source source;
  assert_ok(oclstm_npy_source_create_ids(files, 3, OCLSTM_TIME_MAJOR, NULL, &source, &error), &error);
  assert_true(source.rows == 3 && source.steps == 4 && source.lengths[0] == 3 && source.lengths[1] == 0);
  assert_ids(&source, 2, 2, (const int32_t[]){7, -7, 7, -7, -7, 8});
  oclstm_npy_source_destroy(&source);
  assert_ok(oclstm_npy_source_create_ids(files, 3, OCLSTM_TIME_MAJOR, lengths, &source, &error), &error);
  assert_ids(&source, 0, 2, (const int32_t[]){5, -7, 5, -7, -7, 6});
  oclstm_npy_source_destroy(&source);
  for (size_t k = 0; k < 3; ++k) {
    oclstm_npy_close(&files[k]);
  }
}

/* Step 70,000 of row 1 lies in the second piece; the value behind the length is not looked at. */
static void ids_that_are_no_int32_are_named(void **unused) {
  (void)unused;
  enum { STEPS = 70002 };
  static int64_t values[STEPS * 2];
  const int64_t lengths[] = {STEPS, 70001};
  static int32_t ids[STEPS * 2];
  for (int layout = OCLSTM_TIME_MAJOR; layout <= OCLSTM_BATCH_MAJOR; ++layout) {
    bool batch = layout == OCLSTM_BATCH_MAJOR;
    memset(values, 0, sizeof values);
    for (size_t t = 70000; t < STEPS; ++t) {
      values[batch ? STEPS + t : 2 * t + 1] = -INT64_C(2147483650) - (int64_t)t;
    }
    oclstm_npy *npy = integers(0, "<i8", batch ? "2, 70002" : "70002, 2", values, sizeof values);
    oclstm_source source;
    assert_ok(oclstm_npy_source_create_ids(&npy, 1, (oclstm_layout)layout, lengths, &source, &error), &error);
    assert_ok(source.read(source.user, 0, 70000, ids, &error), &error);
    assert_ok(source.read(source.user, 70001, 1, ids, &error), &error);
    assert_status(source.read(source.user, 0, STEPS, ids, &error), OCLSTM_E_INDEX);
    assert_string_equal(error.text, "input 0: id -2147553650 at step 70000 of row 1 is no int32");
    oclstm_npy_source_destroy(&source);
    oclstm_npy_close(&npy);
  }
}

static void ids_refuse_what_does_not_fit(void **unused) {
  (void)unused;
  const int32_t values[12] = {0};
  const uint64_t shape[] = {3, 2};
  oclstm_npy *files[3] = {integers(0, "<i4", "3, 2, 2", values, 48), numbered(1, 2, shape, 0.0F),
                          integers(2, "<i4", "3, 2", values, 24)};
  oclstm_npy *several[2] = {files[2], files[2]};
  const struct {
    oclstm_npy **files;
    size_t n;
    oclstm_status status;
    const char *text;
  } cases[] = {
      {&files[0], 1, OCLSTM_E_SHAPE, "input 0: expected ids of rank 1 or 2 ([T] or [T,B]), found rank 3"},
      {&files[1], 1, OCLSTM_E_DTYPE, "input 0: ids are integers"},
      {several, 2, OCLSTM_E_SHAPE, "input 0 of several: expected one row, found 2"}};
  for (size_t k = 0; k < 3; ++k) {
    oclstm_source source;
    assert_status(
        oclstm_npy_source_create_ids(cases[k].files, cases[k].n, OCLSTM_TIME_MAJOR, NULL, &source, &error),
        cases[k].status);
    assert_null(source.user);
    assert_non_null(strstr(error.text, cases[k].text));
  }
  for (size_t k = 0; k < 3; ++k) {
    oclstm_npy_close(&files[k]);
  }
}

/* ---- sinks ---- */

enum { F = 3 };

/* Writes T steps in two chunks, the later one first; element (t,b,f) is 100 t + 10 b + f. */
static void write_steps(const oclstm_sink *sink) {
  float y[T * B * F];
  for (size_t k = 0; k < T * B * F; ++k) {
    y[k] = (float)(100 * (k / (B * F)) + 10 * (k / F % B) + k % F);
  }
  assert_ok(sink->write(sink->user, 4, 2, y + 4 * B * F, &error), &error);
  assert_ok(sink->write(sink->user, 0, 4, y, &error), &error);
}

static float *read_back(oclstm_npy **npy, size_t k, size_t n) {
  float *values = malloc(n * sizeof *values);
  assert_non_null(values);
  assert_ok(oclstm_npy_commit(npy, &error), &error);
  assert_ok(oclstm_npy_open(path_of(k), NULL, npy, &error), &error);
  assert_int_equal(oclstm_npy_get_info(*npy)->count, n);
  assert_ok(oclstm_npy_read_f32(*npy, 0, n, values, &error), &error);
  oclstm_npy_close(npy);
  return values;
}

static void sink_writes_time_major_and_batch_major(void **unused) {
  (void)unused;
  for (int layout = OCLSTM_TIME_MAJOR; layout <= OCLSTM_BATCH_MAJOR; ++layout) {
    bool batch = layout == OCLSTM_BATCH_MAJOR;
    const uint64_t shape[] = {batch ? B : T, batch ? T : B, F};
    oclstm_npy *npy = NULL;
    oclstm_sink sink;
    assert_ok(oclstm_npy_create(path_of(0), 3, shape, &npy, &error), &error);
    assert_ok(oclstm_npy_sink_create(&npy, 1, (oclstm_layout)layout, B, F, &sink, &error), &error);
    write_steps(&sink);
    oclstm_npy_sink_destroy(&sink);
    assert_null(sink.user);
    float *y = read_back(&npy, 0, T * B * F);
    for (size_t t = 0; t < T; ++t) {
      for (size_t b = 0; b < B; ++b) {
        assert_int_equal(y[(batch ? b * T + t : t * B + b) * F + 2], 100 * t + 10 * b + 2);
      }
    }
    free(y);
  }
}

static void sink_of_several_files_drops_what_is_behind_them(void **unused) {
  (void)unused;
  const uint64_t steps[B] = {6, 0, 5};
  oclstm_npy *files[B] = {NULL, NULL, NULL};
  oclstm_sink sink;
  for (size_t b = 0; b < B; ++b) {
    const uint64_t shape[] = {steps[b], F};
    assert_ok(oclstm_npy_create(path_of(b), 2, shape, &files[b], &error), &error);
  }
  assert_ok(oclstm_npy_sink_create(files, B, OCLSTM_TIME_MAJOR, B, F, &sink, &error), &error);
  write_steps(&sink);
  oclstm_npy_sink_destroy(&sink);
  for (size_t b = 0; b < B; b += 2) {
    float *y = read_back(&files[b], b, steps[b] * F);
    for (size_t t = 0; t < steps[b]; ++t) {
      assert_int_equal(y[t * F + 1], 100 * t + 10 * b + 1);
    }
    free(y);
  }
  oclstm_npy_close(&files[1]);
}

static void sink_refuses_what_does_not_fit(void **unused) {
  (void)unused;
  const uint64_t shape[] = {T, B, F};
  oclstm_npy *rank3 = NULL, *rank2 = NULL;
  oclstm_sink sink;
  assert_ok(oclstm_npy_create(path_of(0), 3, shape, &rank3, &error), &error);
  assert_ok(oclstm_npy_create(path_of(1), 2, shape, &rank2, &error), &error);
  oclstm_npy *both[2] = {rank3, rank2};
  assert_status(oclstm_npy_sink_create(&rank3, 1, OCLSTM_TIME_MAJOR, B + 1, F, &sink, &error),
                OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(&rank3, 1, OCLSTM_TIME_MAJOR, B, F + 1, &sink, &error),
                OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(&rank3, 1, OCLSTM_BATCH_MAJOR, B, F, &sink, &error), OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(&rank2, 1, OCLSTM_TIME_MAJOR, 2, B, &sink, &error), OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(both, 2, OCLSTM_TIME_MAJOR, 2, B, &sink, &error), OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(both, 2, OCLSTM_TIME_MAJOR, 3, F, &sink, &error), OCLSTM_E_SHAPE);
  assert_status(oclstm_npy_sink_create(&rank3, 1, OCLSTM_TIME_MAJOR, 0, F, &sink, &error), OCLSTM_E_ARGUMENT);
  assert_null(sink.user);
  oclstm_npy_close(&rank3);
  oclstm_npy_close(&rank2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(source_reads_time_major_and_batch_major),
      cmocka_unit_test(source_takes_one_row_of_rank_1_and_2),
      cmocka_unit_test(source_reads_long_rows_whole),
      cmocka_unit_test(source_of_several_files_is_ragged),
      cmocka_unit_test(source_refuses_what_does_not_fit),
      cmocka_unit_test(ids_of_every_type_and_layout),
      cmocka_unit_test(ids_of_several_files_are_ragged),
      cmocka_unit_test(ids_that_are_no_int32_are_named),
      cmocka_unit_test(ids_refuse_what_does_not_fit),
      cmocka_unit_test(sink_writes_time_major_and_batch_major),
      cmocka_unit_test(sink_of_several_files_drops_what_is_behind_them),
      cmocka_unit_test(sink_refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
