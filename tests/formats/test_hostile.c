/* Damaged files and failing memory: never a crash, never a leak, always a documented status.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/bytes.h"
#include "model/model.h"

static const oclstm_layer LAYERS[] = {
    {.input_size = 2, .hidden_size = 2, .bias = OCLSTM_BIAS_TWO, .direction = OCLSTM_BIDIRECTIONAL},
    {.input_size = 4, .hidden_size = 2, .projection_size = 1, .clip_cell = 3.0F, .initial_state = 1},
};

static buffer own_file(void) {
  const around ends = {.embedding_size = 3, .head_size = 3, .head_bias = 1};
  oclstm_model *model = random_model(LAYERS, 2, OCLSTM_F32, ends);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(oclstm_model_save(model, in_folder("own"), &error), OCLSTM_OK, &error, "save");
  oclstm_model_destroy(&model);
  return read_file(in_folder("own"));
}

static buffer foreign_file(void) {
  static const tensor_text TENSORS[] = {
      {"lstm.weight_ih_l0", "F16", 2, {8, 3}}, {"lstm.weight_hh_l0", "F32", 2, {8, 2}},
      {"lstm.bias_ih_l0", "F64", 1, {8}},      {"lstm.bias_hh_l0", "BF16", 1, {8}},
      {"lstm.weight_ih_l1", "F32", 2, {8, 2}}, {"lstm.weight_hh_l1", "F32", 2, {8, 2}},
      {"fc.weight", "F32", 2, {1, 2}},         {NULL, NULL, 0, {0}}};
  return file_of_tensors(TENSORS, NULL);
}

static int is_documented(oclstm_status status) {
  static const oclstm_status DOCUMENTED[] = {OCLSTM_E_TRUNCATED, OCLSTM_E_FORMAT,   OCLSTM_E_DTYPE,
                                             OCLSTM_E_MISSING,   OCLSTM_E_SHAPE,    OCLSTM_E_LIMIT,
                                             OCLSTM_E_NONFINITE, OCLSTM_E_CHECKSUM, OCLSTM_E_UNSUPPORTED};
  for (size_t k = 0; k < sizeof DOCUMENTED / sizeof DOCUMENTED[0]; ++k) {
    if (status == DOCUMENTED[k]) {
      return 1;
    }
  }
  return 0;
}

/* Everything that the description promises is there and finite. */
static void assert_model_valid(const oclstm_model *model) {
  oclstm_limits limits = oclstm__limits(NULL);
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    const oclstm_layer *layer = &model->layers[k / 2];
    assert_int_equal(oclstm__layer_check(layer, k / 2, &limits, NULL), OCLSTM_OK);
    size_t n = k % 2 < oclstm_layer_directions(layer) ? oclstm__layer_arrays(layer, specs) : 0;
    for (size_t s = 0; s < n; ++s) {
      const oclstm_array *array = oclstm__spec_array(&specs[s], &model->weights[k]);
      assert_non_null(array->data);
      for (size_t e = 0; e < oclstm__spec_count(&specs[s]); ++e) {
        assert_true(isfinite(oclstm__array_at(array, e)));
      }
    }
  }
}

/* Loads from memory that ends where the file ends, so that a sanitizer sees a read behind it. */
static oclstm_status load_damaged(const unsigned char *bytes, size_t n) {
  unsigned char *exact = malloc(n == 0 ? 1 : n);
  counting_allocator counts = {0, 0, 0, 0};
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_non_null(exact);
  memcpy(exact, bytes, n);
  options.allocator = counting(&counts);
  oclstm_status status = oclstm_model_load_memory(exact, n, &options, &model, &error);
  free(exact);
  if (status == OCLSTM_OK) {
    assert_model_valid(model);
    oclstm_model_destroy(&model);
  } else if (!is_documented(status) || error.status != status || error.text[0] == '\0') {
    fail_msg("%s: %s", oclstm_status_name(status), error.text);
  }
  assert_null(model);
  assert_int_equal(counts.n_live, 0);
  return status;
}

static void refuses_every_truncation(void **state) {
  (void)state;
  buffer files[] = {own_file(), foreign_file()};
  for (size_t f = 0; f < 2; ++f) {
    assert_int_equal(load_damaged(files[f].bytes, files[f].n), OCLSTM_OK);
    for (size_t n = 0; n < files[f].n; ++n) {
      oclstm_model *model = NULL;
      assert_int_equal(load_damaged(files[f].bytes, n), OCLSTM_E_TRUNCATED);
      if (n % 97 == 0 || n + 1 == files[f].n) { /* the same from a file */
        write_file(in_folder("short"), files[f].bytes, n);
        assert_int_equal(oclstm_model_load(in_folder("short"), NULL, &model, NULL), OCLSTM_E_TRUNCATED);
      }
    }
    buffer_free(&files[f]);
  }
}

static void survives_every_flipped_bit_of_the_header(void **state) {
  (void)state;
  buffer files[] = {own_file(), foreign_file()};
  for (size_t f = 0; f < 2; ++f) {
    size_t n_refused = 0;
    size_t n_bits = 8 * (8 + (size_t)oclstm__get_le(files[f].bytes, 8));
    for (size_t bit = 0; bit < n_bits; ++bit) {
      files[f].bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
      n_refused += load_damaged(files[f].bytes, files[f].n) != OCLSTM_OK;
      files[f].bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    assert_true(n_refused > n_bits / 2);
    buffer_free(&files[f]);
  }
}

/* Bytes exchanged, doubled, removed and replaced by what means something in JSON. */
static void survives_random_damage(void **state) {
  (void)state;
  static const char MEANINGFUL[] = "{}[]\",:\\0123456789-+eE. tfn_l\xff";
  buffer files[] = {own_file(), foreign_file()};
  unsigned random = 12345;
  for (size_t round = 0; round < 40000; ++round) {
    const buffer *file = &files[round % 2];
    buffer damaged = {malloc(file->n), file->n};
    assert_non_null(damaged.bytes);
    memcpy(damaged.bytes, file->bytes, file->n);
    for (unsigned k = 0; k < 1 + round % 4; ++k) {
      random = random * 1664525U + 1013904223U;
      size_t at = 8 + (random >> 8) % (damaged.n - 40);
      size_t length = 1 + (random >> 4) % 24;
      switch (random >> 30) {
        case 0: damaged.bytes[at] = (unsigned char)MEANINGFUL[(random >> 3) % (sizeof MEANINGFUL - 1)]; break;
        case 1: memmove(damaged.bytes + at, damaged.bytes + at + length, damaged.n - at - length); break;
        case 2: memmove(damaged.bytes + at + length, damaged.bytes + at, damaged.n - at - length); break;
        default:
          memmove(damaged.bytes + 8 + (random >> 12) % (damaged.n - 40), damaged.bytes + at, length);
          break;
      }
    }
    (void)load_damaged(damaged.bytes, damaged.n);
    buffer_free(&damaged);
  }
  buffer_free(&files[0]);
  buffer_free(&files[1]);
}

static oclstm_status load_with(counting_allocator *counts, const buffer *file, int from_file,
                               oclstm_model **model, oclstm_error *error) {
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  options.allocator = counting(counts);
  return from_file ? oclstm_model_load(in_folder("memory"), &options, model, error)
                   : oclstm_model_load_memory(file->bytes, file->n, &options, model, error);
}

static void survives_failing_memory(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; ++kind) {
    buffer file = kind % 2 == 0 ? own_file() : foreign_file();
    oclstm_status status = OCLSTM_E_MEMORY;
    size_t fail_at = 1;
    write_file(in_folder("memory"), file.bytes, file.n);
    for (; status == OCLSTM_E_MEMORY; ++fail_at) {
      counting_allocator counts = {.fail_at = fail_at};
      oclstm_model *model = NULL;
      oclstm_error error = {OCLSTM_OK, 0, 0, ""};
      status = load_with(&counts, &file, kind / 2, &model, &error);
      assert_status(status, counts.n_allocations < fail_at ? OCLSTM_OK : OCLSTM_E_MEMORY, &error,
                    "failing memory");
      oclstm_model_destroy(&model);
      assert_int_equal(counts.n_live, 0);
    }
    assert_true(fail_at > 8);
    buffer_free(&file);
  }
}

static void saving_survives_failing_memory(void **state) {
  (void)state;
  buffer file = own_file();
  counting_allocator counts = {0, 0, 0, 0};
  oclstm_model *model = NULL;
  assert_int_equal(load_with(&counts, &file, 0, &model, NULL), OCLSTM_OK);
  const size_t n_live = counts.n_live;
  const size_t n_files = count_files();
  oclstm_status status = OCLSTM_E_MEMORY;
  size_t n_refused = 0;
  for (size_t fail_at = 1; status == OCLSTM_E_MEMORY; ++fail_at) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    counts.n_allocations = 0;
    counts.fail_at = fail_at;
    status = oclstm_model_save(model, in_folder("saved"), &error);
    assert_status(status, counts.n_allocations < fail_at ? OCLSTM_OK : OCLSTM_E_MEMORY, &error,
                  "failing memory");
    assert_int_equal(counts.n_live, n_live);
    assert_int_equal(count_files(), n_files + (status == OCLSTM_OK ? 1 : 0));
    n_refused += status == OCLSTM_E_MEMORY;
  }
  assert_true(n_refused >= 3);
  oclstm_model_destroy(&model);
  assert_int_equal(counts.n_live, 0);
  buffer_free(&file);
}

/* A file without content whose header is right in every detail and asks for 256 GiB, which the disk need not have. */
static void refuses_what_is_too_large_before_reading(void **state) {
  (void)state;
  const size_t bytes = (size_t)8 * 262144 * 65536;
  char header[256];
  (void)snprintf(header, sizeof header,
                 "{'weight_hh_l0':{'dtype':'F64','shape':[262144,65536],'data_offsets':[0,%zu]},"
                 "'weight_ih_l0':{'dtype':'F64','shape':[262144,65536],'data_offsets':[%zu,%zu]}}",
                 bytes, bytes, 2 * bytes);
  buffer file = file_of_header(header, 0);
  write_file(in_folder("sparse"), file.bytes, file.n);
  if (truncate(in_folder("sparse"), (off_t)(file.n + 2 * bytes)) !=
      0) { /* a file system without such files */
    buffer_free(&file);
    skip();
  }
  counting_allocator counts = {0, 0, 0, 0};
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  options.allocator = counting(&counts);
  assert_status(oclstm_model_load(in_folder("sparse"), &options, &model, &error), OCLSTM_E_LIMIT, &error,
                "sparse");
  assert_true(counts.largest < 10000);
  assert_int_equal(counts.n_live, 0);
  assert_int_equal(unlink(in_folder("sparse")), 0);
  buffer_free(&file);
}

/* What has nothing to do with a network is refused from its header, however large it is. */
static void refuses_foreign_files_before_reading(void **state) {
  (void)state;
  static const tensor_text TENSORS[] = {{"weight_ih_l0", "F32", 2, {8, 3}},
                                        {"weight_hh_l0", "F32", 2, {8, 2}},
                                        {"picture", "U8", 2, {500, 1000}},
                                        {NULL, NULL, 0, {0}}};
  buffer file = file_of_tensors(TENSORS, NULL);
  counting_allocator counts = {0, 0, 0, 0};
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_model *model = NULL;
  write_file(in_folder("foreign"), file.bytes, file.n);
  options.allocator = counting(&counts);
  assert_int_equal(oclstm_model_load(in_folder("foreign"), &options, &model, NULL), OCLSTM_E_FORMAT);
  assert_true(counts.largest < 10000);
  buffer_free(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_every_truncation),
                                     cmocka_unit_test(survives_every_flipped_bit_of_the_header),
                                     cmocka_unit_test(survives_random_damage),
                                     cmocka_unit_test(refuses_what_is_too_large_before_reading),
                                     cmocka_unit_test(refuses_foreign_files_before_reading),
                                     cmocka_unit_test(survives_failing_memory),
                                     cmocka_unit_test(saving_survives_failing_memory)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
