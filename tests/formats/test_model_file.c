/* Models written to a file and read back: everything survives, the bytes are the same each time, damage is seen.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/bytes.h"
#include "formats/network.h"
#include "model/model.h"

static oclstm_model *save_and_load(const oclstm_model *model, const char *what) {
  const char *path = in_folder("model.safetensors");
  oclstm_model *loaded = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(oclstm_model_save(model, path, &error), OCLSTM_OK, &error, what);
  assert_status(oclstm_model_load(path, NULL, &loaded, &error), OCLSTM_OK, &error, what);
  assert_int_equal(count_files(), 1);
  return loaded;
}

static void assert_round_trip(const oclstm_layer *layers, size_t n_layers, oclstm_dtype dtype, around ends,
                              const char *what) {
  oclstm_model *model = random_model(layers, n_layers, dtype, ends);
  oclstm_model *loaded = save_and_load(model, what);
  assert_models_equal(model, loaded);
  oclstm_model_destroy(&loaded);
  oclstm_model_destroy(&model);
}

/* One layer for every member of a description and every one of its values. */
static const oclstm_layer LAYERS[] = {
    {.input_size = 3, .hidden_size = 2},
    {.input_size = 1, .hidden_size = 1, .bias = OCLSTM_BIAS_ONE},
    {.input_size = 3, .hidden_size = 2, .bias = OCLSTM_BIAS_TWO},
    {.input_size = 3, .hidden_size = 2, .projection_size = 1},
    {.input_size = 3, .hidden_size = 2, .projection_size = 2, .direction = OCLSTM_BIDIRECTIONAL},
    {.kind = OCLSTM_GRU, .input_size = 3, .hidden_size = 2, .bias = OCLSTM_BIAS_TWO},
    {.kind = OCLSTM_GRU, .input_size = 3, .hidden_size = 2, .linear_before_reset = 1},
    {.kind = OCLSTM_RNN, .input_size = 3, .hidden_size = 2},
    {.input_size = 3, .hidden_size = 2, .peephole = OCLSTM_PEEPHOLE_DIAGONAL},
    {.input_size = 3,
     .hidden_size = 2,
     .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
     .direction = OCLSTM_BIDIRECTIONAL},
    {.input_size = 3, .hidden_size = 2, .coupling = OCLSTM_COUPLING_FORGET_FROM_INPUT},
    {.input_size = 3, .hidden_size = 2, .coupling = OCLSTM_COUPLING_INPUT_FROM_FORGET},
    {.input_size = 3, .hidden_size = 2, .layer_norm = OCLSTM_NORM_HASTE},
    {.input_size = 3, .hidden_size = 2, .layer_norm = OCLSTM_NORM_TFLITE},
    {.input_size = 3, .hidden_size = 2, .clip_preactivation = 50.0F},
    {.input_size = 3, .hidden_size = 2, .clip_cell = 0.1F},
    {.input_size = 3, .hidden_size = 2, .projection_size = 1, .clip_projection = 1.17549435e-38F},
    {.input_size = 3, .hidden_size = 2, .direction = OCLSTM_REVERSE},
    {.input_size = 3, .hidden_size = 2, .direction = OCLSTM_REVERSE, .go_backwards = 1},
    {.input_size = 3, .hidden_size = 2, .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_SUM},
    {.input_size = 3, .hidden_size = 2, .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_MUL},
    {.input_size = 3, .hidden_size = 2, .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_AVERAGE},
    {.input_size = 3, .hidden_size = 2, .zoneout_h = 0.3F, .zoneout_c = 1.0F},
    {.input_size = 3, .hidden_size = 2, .dropout_input = 0.125F, .dropout_output = 1e-30F},
    {.input_size = 3, .hidden_size = 2, .dropout_recurrent = 0.7F, .dropout_weights = 0.9999999F},
    {.input_size = 3, .hidden_size = 2, .dropout_input = -0.0F},
    {.input_size = 3, .hidden_size = 2, .initial_state = 1},
    {.input_size = 3,
     .hidden_size = 4,
     .projection_size = 2,
     .direction = OCLSTM_BIDIRECTIONAL,
     .initial_state = 1},
    {.kind = OCLSTM_GRU, .input_size = 3, .hidden_size = 2, .initial_state = 1},
    {.kind = OCLSTM_RNN,
     .input_size = 3,
     .hidden_size = 2,
     .direction = OCLSTM_BIDIRECTIONAL,
     .initial_state = 1},
    {.input_size = 3,
     .hidden_size = 2,
     .bias = OCLSTM_BIAS_ONE,
     .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
     .layer_norm = OCLSTM_NORM_HASTE,
     .direction = OCLSTM_BIDIRECTIONAL,
     .initial_state = 1},
    {.input_size = 3,
     .hidden_size = 2,
     .bias = OCLSTM_BIAS_ONE,
     .projection_size = 1,
     .layer_norm = OCLSTM_NORM_TFLITE,
     .coupling = OCLSTM_COUPLING_INPUT_FROM_FORGET,
     .direction = OCLSTM_BIDIRECTIONAL,
     .initial_state = 1},
};
static const around NOTHING = {0, 0, 0};

static void keeps_every_member(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof LAYERS / sizeof LAYERS[0]; ++k) {
    char what[32];
    (void)snprintf(what, sizeof what, "layer %zu", k);
    assert_round_trip(&LAYERS[k], 1, OCLSTM_F32, NOTHING, what);
    assert_round_trip(&LAYERS[k], 1, OCLSTM_F64, NOTHING, what);
  }
}

static void keeps_every_activation(void **state) {
  (void)state;
  static oclstm_layer layer;
  for (unsigned kind = OCLSTM_ACT_DEFAULT; kind <= OCLSTM_ACT_SOFTPLUS; ++kind) {
    for (size_t place = 0; place < (size_t)2 * OCLSTM_N_ROLES; ++place) {
      memset(&layer, 0, sizeof layer);
      layer.input_size = layer.hidden_size = 1;
      layer.direction = OCLSTM_BIDIRECTIONAL;
      oclstm_activation *at = &layer.activation[place / OCLSTM_N_ROLES][place % OCLSTM_N_ROLES];
      at->kind = (oclstm_activation_kind)kind;
      at->alpha = 0.01F;
      at->beta = -FLT_MAX;
      assert_round_trip(&layer, 1, OCLSTM_F32, NOTHING, "activation");
    }
  }
}

static const oclstm_layer STACK[] = {
    {.input_size = 3, .hidden_size = 4, .bias = OCLSTM_BIAS_TWO, .direction = OCLSTM_BIDIRECTIONAL},
    {.input_size = 8, .hidden_size = 5, .projection_size = 2, .bias = OCLSTM_BIAS_ONE},
    {.kind = OCLSTM_GRU,
     .input_size = 2,
     .hidden_size = 3,
     .bias = OCLSTM_BIAS_TWO,
     .linear_before_reset = 1},
    {.input_size = 3,
     .hidden_size = 1,
     .direction = OCLSTM_REVERSE,
     .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
     .bias = OCLSTM_BIAS_ONE,
     .initial_state = 1},
};
enum { N_STACK = sizeof STACK / sizeof STACK[0] };

static void keeps_stacks_embeddings_and_heads(void **state) {
  (void)state;
  for (size_t n = 1; n <= N_STACK; ++n) {
    for (size_t k = 0; k < 6; ++k) {
      const around ends = {
          .embedding_size = k < 3 ? 0 : 5, .head_size = k % 3 == 0 ? 0 : 7, .head_bias = k % 3 == 2};
      assert_round_trip(STACK, n, OCLSTM_F32, ends, "F32 stack");
      assert_round_trip(STACK, n, OCLSTM_F64, ends, "F64 stack");
    }
  }
}

/* F64 and F32 arrays in one model: each keeps its type, and lies at a multiple of its size in the file. */
static void keeps_mixed_types(void **state) {
  (void)state;
  float b_ih[4] = {0.1F, 0.2F, 0.3F, 0.4F};
  double W_ih[4] = {0.1, 0.2, 0.3, 0.4};
  float W_hh[4] = {1.0F, 2.0F, 3.0F, 4.0F};
  oclstm_layer layer = {.input_size = 1, .hidden_size = 1, .bias = OCLSTM_BIAS_ONE};
  oclstm_weights weights[2] = {
      {.W_ih = {W_ih, OCLSTM_F64}, .W_hh = {W_hh, OCLSTM_F32}, .b_ih = {b_ih, OCLSTM_F32}}};
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  desc.n_layers = 1;
  desc.layers = &layer;
  desc.weights = weights;
  assert_int_equal(oclstm_model_create(&desc, &model, NULL), OCLSTM_OK);
  oclstm_model *loaded = save_and_load(model, "mixed types");
  assert_int_equal(loaded->weights[0].W_ih.dtype, OCLSTM_F64);
  assert_memory_equal(loaded->weights[0].W_ih.data, W_ih, sizeof W_ih);
  assert_int_equal(loaded->weights[0].b_ih.dtype, OCLSTM_F32);
  buffer file = read_file(in_folder("model.safetensors"));
  uint64_t header = oclstm__get_le(file.bytes, 8);
  assert_int_equal(header % 8, 0);
  assert_memory_equal(file.bytes + 8 + header, W_ih, sizeof W_ih);
  buffer_free(&file);
  oclstm_model_destroy(&loaded);
  oclstm_model_destroy(&model);
}

/* Every name of docs/model_format.md, in the order in which a model is written: reading what one has written oneself would
 * not show two names that are exchanged. H = 3, I = 2, P = 1, V = 5, O = 2. */
static const struct {
  tensor_text tensor;
  size_t member; /* of oclstm_weights */
  enum { WEIGHTS, EMBEDDING, HEAD_W, HEAD_B } of;
} NAMES[] = {
    {{"embedding.weight", "F32", 2, {5, 2}}, 0, EMBEDDING},
    {{"lstm.weight_ih_l0", "F32", 2, {12, 2}}, offsetof(oclstm_weights, W_ih), WEIGHTS},
    {{"lstm.weight_hh_l0", "F32", 2, {12, 1}}, offsetof(oclstm_weights, W_hh), WEIGHTS},
    {{"lstm.bias_ih_l0", "F32", 1, {12}}, offsetof(oclstm_weights, b_ih), WEIGHTS},
    {{"lstm.bias_hh_l0", "F32", 1, {12}}, offsetof(oclstm_weights, b_hh), WEIGHTS},
    {{"lstm.weight_hr_l0", "F32", 2, {1, 3}}, offsetof(oclstm_weights, W_hr), WEIGHTS},
    {{"lstm.weight_peephole_l0", "F32", 1, {9}}, offsetof(oclstm_weights, peephole), WEIGHTS},
    {{"lstm.norm_ih_l0", "F32", 1, {12}}, offsetof(oclstm_weights, norm_ih), WEIGHTS},
    {{"lstm.norm_hh_l0", "F32", 1, {12}}, offsetof(oclstm_weights, norm_hh), WEIGHTS},
    {{"lstm.norm_c_l0", "F32", 1, {3}}, offsetof(oclstm_weights, norm_c), WEIGHTS},
    {{"lstm.norm_c_bias_l0", "F32", 1, {3}}, offsetof(oclstm_weights, norm_c_bias), WEIGHTS},
    {{"lstm.norm_gates_l0", "F32", 1, {12}}, offsetof(oclstm_weights, norm_gates), WEIGHTS},
    {{"lstm.initial_h_l0", "F32", 1, {1}}, offsetof(oclstm_weights, initial_h), WEIGHTS},
    {{"lstm.initial_c_l0", "F32", 1, {3}}, offsetof(oclstm_weights, initial_c), WEIGHTS},
    {{"head.weight", "F32", 2, {2, 1}}, 0, HEAD_W},
    {{"head.bias", "F32", 1, {2}}, 0, HEAD_B},
};
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

static oclstm_array named_array(const oclstm_model *model, size_t k) {
  switch (NAMES[k].of) {
    case EMBEDDING: return model->embedding;
    case HEAD_W: return model->head_W;
    case HEAD_B: return model->head_b;
    case WEIGHTS: break;
  }
  return *(const oclstm_array *)((const char *)&model->weights[0] + NAMES[k].member);
}

/* The tensors of a layer that has norm_gates, or the others. */
static buffer file_of_names(int tflite, const char *description, size_t begins[N_NAMES]) {
  tensor_text tensors[N_NAMES + 1] = {{NULL, NULL, 0, {0}}};
  size_t n = 0;
  size_t end = 0;
  for (size_t k = 0; k < N_NAMES; ++k) {
    const tensor_text *t = &NAMES[k].tensor;
    int norm = strstr(t->name, "norm_") != NULL;
    int gates = strstr(t->name, "norm_gates") != NULL;
    begins[k] = SIZE_MAX;
    if (!norm || gates == tflite) {
      tensors[n++] = *t;
      begins[k] = end;
      end += sizeof(float) * t->shape[0] * (t->rank == 2 ? t->shape[1] : 1);
    }
  }
  return file_of_tensors(tensors, description);
}

static void knows_every_name(void **state) {
  (void)state;
  for (int tflite = 0; tflite < 2; ++tflite) {
    char text[512];
    size_t begins[N_NAMES];
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    (void)snprintf(text, sizeof text,
                   "{'format':1,'embedding':{'size':5},'layers':[{'kind':'lstm','input_size':2,"
                   "'hidden_size':3,'projection_size':1,'bias':'two','peephole':'diagonal',"
                   "'layer_norm':'%s','initial_state':true}],'head':{'size':2,'bias':true}}",
                   tflite ? "tflite" : "haste");
    buffer file = file_of_names(tflite, text, begins);
    assert_status(oclstm_model_load_memory(file.bytes, file.n, NULL, &model, &error), OCLSTM_OK, &error,
                  text);
    assert_int_equal(oclstm_model_save(model, in_folder("names"), NULL), OCLSTM_OK);
    buffer saved = read_file(in_folder("names"));
    size_t n_data = file.n - 8 - (size_t)oclstm__get_le(file.bytes, 8);
    for (size_t k = 0; k < N_NAMES; ++k) {
      oclstm_array array = named_array(model, k);
      assert_int_equal(array.data == NULL, begins[k] == SIZE_MAX);
      if (array.data != NULL && oclstm__array_at(&array, 0) != first_value(begins[k])) {
        fail_msg("%s was read from elsewhere", NAMES[k].tensor.name);
      }
      for (size_t other = 0; other < k; ++other) { /* what is at different places is different */
        assert_true(begins[k] == SIZE_MAX || first_value(begins[k]) != first_value(begins[other]));
      }
      assert_true(begins[k] == SIZE_MAX ||
                  strstr((const char *)saved.bytes + 8, NAMES[k].tensor.name) != NULL);
    }
    /* The same order, so the same data. */
    assert_memory_equal(saved.bytes + saved.n - n_data, file.bytes + file.n - n_data, n_data);
    buffer_free(&saved);
    buffer_free(&file);
    assert_int_equal(unlink(in_folder("names")), 0);
    oclstm_model_destroy(&model);
  }
}

/* Half types become float32, exactly; F64 stays. */
static void reads_every_weight_type(void **state) {
  (void)state;
  static const char *const DTYPES[] = {"F32", "F64", "F16", "BF16"};
  oclstm_model *first = NULL;
  for (size_t d = 0; d < 4; ++d) {
    const tensor_text tensors[] = {
        {"weight_ih_l0", DTYPES[d], 2, {8, 3}}, {"weight_hh_l0", "F32", 2, {8, 2}}, {NULL, NULL, 0, {0}}};
    buffer file = file_of_tensors(tensors, NULL);
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(oclstm_model_load_memory(file.bytes, file.n, NULL, &model, &error), OCLSTM_OK, &error,
                  DTYPES[d]);
    assert_int_equal(model->weights[0].W_ih.dtype, d == 1 ? OCLSTM_F64 : OCLSTM_F32);
    for (size_t k = 0; d > 0 && k < 24; ++k) {
      assert_true(oclstm__array_at(&first->weights[0].W_ih, k) ==
                  oclstm__array_at(&model->weights[0].W_ih, k));
    }
    assert_true(oclstm__array_at(&model->weights[0].W_ih, 0) == first_value(0));
    if (d == 0) {
      first = model;
    } else {
      oclstm_model_destroy(&model);
    }
    buffer_free(&file);
  }
  oclstm_model_destroy(&first);
}

static void writes_the_same_bytes(void **state) {
  (void)state;
  const around ends = {.embedding_size = 4, .head_size = 3, .head_bias = 1};
  oclstm_model *model = random_model(STACK, N_STACK, OCLSTM_F32, ends);
  oclstm_model *loaded = save_and_load(model, "first");
  buffer first = read_file(in_folder("model.safetensors"));
  oclstm_model *again = save_and_load(loaded, "second");
  buffer second = read_file(in_folder("model.safetensors"));
  assert_int_equal(first.n, second.n);
  assert_memory_equal(first.bytes, second.bytes, first.n);
  buffer_free(&first);
  buffer_free(&second);
  oclstm_model_destroy(&again);
  oclstm_model_destroy(&loaded);
  oclstm_model_destroy(&model);
}

/* Without its metadata, a file of ours is a state_dict that PyTorch's names describe. */
static void is_a_state_dict_too(void **state) {
  (void)state;
  const around ends = {.embedding_size = 4, .head_size = 3, .head_bias = 1};
  oclstm_model *model = random_model(STACK, 2, OCLSTM_F32, ends);
  oclstm_model *loaded = save_and_load(model, "own");
  oclstm_model *bare = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  buffer file = read_file(in_folder("model.safetensors"));
  unsigned char *key = file.bytes + 8 + strlen("{\"__metadata__\":{\"");
  assert_memory_equal(key, "oclstm", 6);
  memcpy(key, "others", 6);
  assert_status(oclstm_model_load_memory(file.bytes, file.n, NULL, &bare, &error), OCLSTM_OK, &error, "bare");
  assert_models_equal(model, bare);
  buffer_free(&file);
  oclstm_model_destroy(&bare);
  oclstm_model_destroy(&loaded);
  oclstm_model_destroy(&model);
}

static void sees_every_flipped_bit_of_the_weights(void **state) {
  (void)state;
  const around ends = {.embedding_size = 2};
  oclstm_model *model = random_model(STACK, 1, OCLSTM_F32, ends);
  oclstm_model *loaded = save_and_load(model, "own");
  buffer file = read_file(in_folder("model.safetensors"));
  size_t begin = 8 + (size_t)oclstm__get_le(file.bytes, 8);
  oclstm_model_destroy(&loaded);
  for (size_t bit = 8 * begin; bit < 8 * file.n; ++bit) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    file.bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    assert_status(oclstm_model_load_memory(file.bytes, file.n, NULL, &loaded, &error), OCLSTM_E_CHECKSUM,
                  &error, "flip");
    assert_null(loaded);
    file.bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
  }
  buffer_free(&file);
  oclstm_model_destroy(&model);
}

static void refuses_bad_arguments(void **state) {
  (void)state;
  oclstm_model *model = (oclstm_model *)&model;
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  counting_allocator counts = {0, 0, 0, 0};
  assert_int_equal(oclstm_model_load(NULL, NULL, &model, NULL), OCLSTM_E_ARGUMENT);
  assert_null(model);
  assert_int_equal(oclstm_model_load("x", NULL, NULL, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_model_load_memory(NULL, 1, NULL, &model, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_model_load_memory("", 0, NULL, &model, NULL), OCLSTM_E_TRUNCATED);
  assert_int_equal(oclstm_model_load_memory(NULL, 0, NULL, &model, NULL), OCLSTM_E_TRUNCATED);
  options.struct_size = 1;
  assert_int_equal(oclstm_model_load_memory("", 0, &options, &model, NULL), OCLSTM_E_ARGUMENT);
  options.struct_size = sizeof options;
  options.allocator = counting(&counts);
  options.allocator.free = NULL;
  assert_int_equal(oclstm_model_load_memory("", 0, &options, &model, NULL), OCLSTM_E_ARGUMENT);
  options.allocator = (oclstm_allocator){NULL, NULL, NULL};
  limits.struct_size = 3;
  options.limits = &limits;
  assert_int_equal(oclstm_model_load_memory("", 0, &options, &model, NULL), OCLSTM_E_ARGUMENT);
  assert_int_equal(oclstm_model_save(NULL, "x", NULL), OCLSTM_E_ARGUMENT);
}

static void refuses_what_is_no_file(void **state) {
  (void)state;
  static const char *const PATHS[] = {"missing", "", "/dev/null", "/", ".", "missing/below"};
  oclstm_model *model = NULL;
  for (size_t k = 0; k < sizeof PATHS / sizeof PATHS[0]; ++k) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(oclstm_model_load(PATHS[k], NULL, &model, &error), OCLSTM_E_OPEN, &error, PATHS[k]);
    assert_non_null(strstr(error.text, PATHS[k]));
  }
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0); /* must not wait for a writer */
  assert_int_equal(oclstm_model_load(in_folder("pipe"), NULL, &model, NULL), OCLSTM_E_OPEN);
  (void)unlink(in_folder("pipe"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_every_member),
      cmocka_unit_test(keeps_every_activation),
      cmocka_unit_test(keeps_stacks_embeddings_and_heads),
      cmocka_unit_test(keeps_mixed_types),
      cmocka_unit_test(knows_every_name),
      cmocka_unit_test(reads_every_weight_type),
      cmocka_unit_test(writes_the_same_bytes),
      cmocka_unit_test(is_a_state_dict_too),
      cmocka_unit_test(sees_every_flipped_bit_of_the_weights),
      cmocka_unit_test(refuses_bad_arguments),
      cmocka_unit_test(refuses_what_is_no_file),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
