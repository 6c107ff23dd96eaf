/* ONNX from C: every limit, failing memory, damaged files, and the models that ONNX cannot say.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "formats/onnx/onnx.h"
#include "model/model.h"
#include "support.h"

static const oclstm_layer LAYERS[] = {
    {.input_size = 2,
     .hidden_size = 2,
     .bias = OCLSTM_BIAS_TWO,
     .direction = OCLSTM_BIDIRECTIONAL,
     .initial_state = 1},
    {.input_size = 4,
     .hidden_size = 3,
     .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
     .bias = OCLSTM_BIAS_ONE,
     .direction = OCLSTM_BIDIRECTIONAL,
     .merge = OCLSTM_AVERAGE,
     .coupling = OCLSTM_COUPLING_FORGET_FROM_INPUT,
     .clip_preactivation = 0.75F},
    {.kind = OCLSTM_GRU,
     .input_size = 3,
     .hidden_size = 2,
     .bias = OCLSTM_BIAS_TWO,
     .linear_before_reset = 1,
     .activation = {{{OCLSTM_ACT_HARD_SIGMOID, 0.3F, 0.4F},
                     {OCLSTM_ACT_ELU, 0.5F, 0.0F},
                     {OCLSTM_ACT_DEFAULT, 0, 0}}}},
    {.kind = OCLSTM_RNN, .input_size = 2, .hidden_size = 2, .direction = OCLSTM_REVERSE, .go_backwards = 1},
};
enum { N_LAYERS = sizeof LAYERS / sizeof LAYERS[0] };

static oclstm_model *make_model(oclstm_dtype dtype) {
  const around ends = {.embedding_size = 3, .head_size = 3, .head_bias = 1};
  return random_model(LAYERS, N_LAYERS, dtype, ends);
}

static buffer make_file(oclstm_dtype dtype) {
  oclstm_model *model = make_model(dtype);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(oclstm_model_save_onnx(model, in_folder("own.onnx"), &error), OCLSTM_OK, &error, "save");
  oclstm_model_destroy(&model);
  return read_file(in_folder("own.onnx"));
}

static oclstm_status load(buffer file, const oclstm_load_options *options, oclstm_error *error) {
  oclstm_model *model = NULL;
  oclstm_status status = oclstm_model_load_memory(file.bytes, file.n, options, &model, error);
  assert_true((status == OCLSTM_OK) == (model != NULL));
  oclstm_model_destroy(&model);
  return status;
}

/* ---- there and back ---- */

static void comes_back_the_same(void **unused) {
  (void)unused;
  static const oclstm_dtype DTYPES[] = {OCLSTM_F32, OCLSTM_F64};
  for (size_t k = 0; k < 2; ++k) {
    oclstm_model *model = make_model(DTYPES[k]);
    oclstm_model *back = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(oclstm_model_save_onnx(model, in_folder("a.onnx"), &error), OCLSTM_OK, &error, "save");
    assert_status(oclstm_model_load(in_folder("a.onnx"), NULL, &back, &error), OCLSTM_OK, &error, "load");
    assert_int_equal(oclstm_model_n_layers(back), N_LAYERS);
    for (size_t l = 0; l < N_LAYERS; ++l) {
      assert_memory_equal(oclstm_model_layer(back, l), &LAYERS[l], sizeof LAYERS[l]);
    }
    if (DTYPES[k] == OCLSTM_F32) {
      assert_models_equal(model, back);
    }
    oclstm_model_destroy(&model);
    oclstm_model_destroy(&back);
  }
}

static void is_found_by_its_first_bytes_or_by_name(void **unused) {
  (void)unused;
  buffer file = make_file(OCLSTM_F32);
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(load(file, &options, &error), OCLSTM_OK, &error, "auto");
  options.format = OCLSTM_FILE_ONNX;
  assert_status(load(file, &options, &error), OCLSTM_OK, &error, "onnx");
  options.format = OCLSTM_FILE_SAFETENSORS;
  assert_int_not_equal(load(file, &options, &error), OCLSTM_OK);
  options.format = (oclstm_file_format)7;
  assert_status(load(file, &options, &error), OCLSTM_E_ARGUMENT, &error, "format 7");
  buffer other = file_of_header("{}", 0);
  options.format = OCLSTM_FILE_ONNX;
  assert_status(load(other, &options, &error), OCLSTM_E_FORMAT, &error, "safetensors");
  buffer_free(&other);
  buffer_free(&file);
}

/* ---- limits ---- */

static void limits_hold(void **unused) {
  (void)unused;
  buffer file = make_file(OCLSTM_F32);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  uint64_t *fields[] = {&limits.tensors,    &limits.features, &limits.layers,
                        &limits.parameters, &limits.nodes,    &limits.ids};
  for (size_t k = 0; k < sizeof fields / sizeof fields[0]; ++k) {
    oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
    options.limits = &limits;
    *fields[k] = 2;
    assert_status(load(file, &options, &error), OCLSTM_E_LIMIT, &error, "a limit of 2");
    *fields[k] = 0;
  }
  buffer_free(&file);
}

/* ---- damage ---- */

static void damage_is_refused_or_harmless(void **unused) {
  (void)unused;
  buffer file = make_file(OCLSTM_F32);
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  counting_allocator counts = {0, 0, 0, 0};
  options.allocator = counting(&counts);
  for (size_t n = 0; n < file.n; ++n) {
    assert_int_not_equal(load((buffer){file.bytes, n}, &options, NULL), OCLSTM_OK);
  }
  options.format = OCLSTM_FILE_ONNX;
  for (size_t k = 0; k < file.n; ++k) {
    static const unsigned char FLIPS[] = {0x01, 0x80, 0xff};
    for (size_t f = 0; f < sizeof FLIPS; ++f) {
      file.bytes[k] ^= FLIPS[f];
      (void)load(file, &options, NULL);
      file.bytes[k] ^= FLIPS[f];
    }
  }
  assert_int_equal(counts.n_live, 0);
  buffer_free(&file);
}

/* ---- memory ---- */

static void failing_memory_is_reported(void **unused) {
  (void)unused;
  buffer file = make_file(OCLSTM_F32);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  for (size_t k = 1;; ++k) {
    counting_allocator counts = {0, 0, k, 0};
    oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
    options.allocator = counting(&counts);
    oclstm_status status = load(file, &options, &error);
    assert_int_equal(counts.n_live, 0);
    if (status == OCLSTM_OK) {
      assert_true(k > 20);
      break;
    }
    assert_status(status, OCLSTM_E_MEMORY, &error, "load");
  }
  buffer_free(&file);
}

static void failing_memory_of_writing_is_reported(void **unused) {
  (void)unused;
  buffer file = make_file(OCLSTM_F32);
  counting_allocator counts = {0, 0, 0, 0};
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  options.allocator = counting(&counts);
  assert_status(oclstm_model_load_memory(file.bytes, file.n, &options, &model, &error), OCLSTM_OK, &error,
                "load");
  size_t n_live = counts.n_live;
  size_t n_files = count_files();
  for (size_t k = 1;; ++k) {
    counts.fail_at = counts.n_allocations + k;
    oclstm_status status = oclstm_model_save_onnx(model, in_folder("partly.onnx"), &error);
    assert_int_equal(counts.n_live, n_live);
    if (status == OCLSTM_OK) {
      assert_true(k > 20);
      break;
    }
    assert_status(status, OCLSTM_E_MEMORY, &error, "save");
    assert_int_equal(count_files(), n_files);
  }
  counts.fail_at = 0;
  oclstm_model_destroy(&model);
  assert_int_equal(counts.n_live, 0);
  buffer_free(&file);
}

/* ---- what ONNX cannot say ---- */

static void what_onnx_cannot_say_is_refused_by_name(void **unused) {
  (void)unused;
  const struct {
    const char *name;
    oclstm_layer layer;
  } cases[] = {
      {"projection_size", {.input_size = 2, .hidden_size = 2, .projection_size = 1}},
      {"layer_norm", {.input_size = 2, .hidden_size = 2, .layer_norm = OCLSTM_NORM_HASTE}},
      {"clip_cell", {.input_size = 2, .hidden_size = 2, .clip_cell = 1.0F}},
      {"zoneout_h", {.input_size = 2, .hidden_size = 2, .zoneout_h = 0.5F}},
      {"zoneout_c", {.input_size = 2, .hidden_size = 2, .zoneout_c = 0.5F}},
      {"i = 1 - f", {.input_size = 2, .hidden_size = 2, .coupling = OCLSTM_COUPLING_INPUT_FROM_FORGET}},
  };
  const around nothing = {.head_size = 0};
  size_t n_files = count_files();
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
    oclstm_model *model = random_model(&cases[k].layer, 1, OCLSTM_F32, nothing);
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(oclstm_model_save_onnx(model, in_folder("no.onnx"), &error), OCLSTM_E_UNSUPPORTED, &error,
                  cases[k].name);
    assert_non_null(strstr(error.text, cases[k].name));
    oclstm_model_destroy(&model);
  }
  assert_int_equal(count_files(), n_files);
}

static void arguments_are_checked(void **unused) {
  (void)unused;
  oclstm_model *model = make_model(OCLSTM_F32);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(oclstm_model_save_onnx(NULL, in_folder("x"), &error), OCLSTM_E_ARGUMENT, &error, "no model");
  assert_status(oclstm_model_save_onnx(model, NULL, &error), OCLSTM_E_ARGUMENT, &error, "no path");
  assert_status(oclstm_model_save_onnx(model, in_folder("absent/x.onnx"), &error), OCLSTM_E_OPEN, &error,
                "no folder");
  oclstm_model_destroy(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back_the_same),
      cmocka_unit_test(is_found_by_its_first_bytes_or_by_name),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(damage_is_refused_or_harmless),
      cmocka_unit_test(failing_memory_is_reported),
      cmocka_unit_test(failing_memory_of_writing_is_reported),
      cmocka_unit_test(what_onnx_cannot_say_is_refused_by_name),
      cmocka_unit_test(arguments_are_checked),
  };
  return cmocka_run_group_tests_name("onnx", tests, make_folder, remove_folder);
}
