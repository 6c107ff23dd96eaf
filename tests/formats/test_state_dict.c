/* PyTorch's names: which network they mean, and what cannot be told from them.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <string.h>

enum { MAX_TENSORS = 14 };

static oclstm_status load(const tensor_text *tensors, const oclstm_limits *limits, oclstm_model **model,
                          oclstm_error *error) {
  buffer file = file_of_tensors(tensors, NULL);
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  options.limits = limits;
  oclstm_status status = oclstm_model_load_memory(file.bytes, file.n, &options, model, error);
  buffer_free(&file);
  return status;
}

#define IH(prefix, tail, rows, columns)    \
  {                                        \
    prefix "weight_ih_l" tail, "F32", 2, { \
      rows, columns                        \
    }                                      \
  }
#define HH(prefix, tail, rows, columns)    \
  {                                        \
    prefix "weight_hh_l" tail, "F32", 2, { \
      rows, columns                        \
    }                                      \
  }
#define HR(prefix, tail, rows, columns)    \
  {                                        \
    prefix "weight_hr_l" tail, "F32", 2, { \
      rows, columns                        \
    }                                      \
  }
#define BI(prefix, tail, rows)           \
  {                                      \
    prefix "bias_ih_l" tail, "F32", 1, { \
      rows                               \
    }                                    \
  }
#define BH(prefix, tail, rows)           \
  {                                      \
    prefix "bias_hh_l" tail, "F32", 1, { \
      rows                               \
    }                                    \
  }
#define MATRIX(name, rows, columns) \
  {                                 \
    name, "F32", 2, {               \
      rows, columns                 \
    }                               \
  }
#define VECTOR(name, rows) \
  {                        \
    name, "F32", 1, {      \
      rows                 \
    }                      \
  }

#define GOOD IH("r.", "0", 8, 3), HH("r.", "0", 8, 2)
#define GOOD_LAYER \
  { .input_size = 3, .hidden_size = 2 }
#define SQUARE IH("r.", "0", 8, 2), HH("r.", "0", 8, 2)
#define GOOD_BACK IH("r.", "0_reverse", 8, 3), HH("r.", "0_reverse", 8, 2)

static const struct {
  const char *what;
  tensor_text tensors[MAX_TENSORS];
  size_t n_layers, head_size, embedding_size;
  oclstm_layer layers[2];
} NETWORKS[] = {
    {"plain",
     {IH("lstm.", "0", 8, 3), HH("lstm.", "0", 8, 2)},
     1,
     0,
     0,
     {{.input_size = 3, .hidden_size = 2}}},
    {"no prefix", {IH("", "0", 8, 3), HH("", "0", 8, 2)}, 1, 0, 0, {{.input_size = 3, .hidden_size = 2}}},
    {"deep prefix",
     {IH("a.b_l0.c.", "0", 4, 1), HH("a.b_l0.c.", "0", 4, 1)},
     1,
     0,
     0,
     {{.input_size = 1, .hidden_size = 1}}},
    {"one bias",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), BI("r.", "0", 8)},
     1,
     0,
     0,
     {{.input_size = 3, .hidden_size = 2, .bias = OCLSTM_BIAS_ONE}}},
    {"two biases",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), BI("r.", "0", 8), BH("r.", "0", 8)},
     1,
     0,
     0,
     {{.input_size = 3, .hidden_size = 2, .bias = OCLSTM_BIAS_TWO}}},
    {"projection",
     {IH("r.", "0", 12, 5), HH("r.", "0", 12, 2), HR("r.", "0", 2, 3)},
     1,
     0,
     0,
     {{.input_size = 5, .hidden_size = 3, .projection_size = 2}}},
    {"projection of the same size",
     {IH("r.", "0", 12, 5), HH("r.", "0", 12, 3), HR("r.", "0", 3, 3)},
     1,
     0,
     0,
     {{.input_size = 5, .hidden_size = 3, .projection_size = 3}}},
    {"projection that looks like a GRU",
     {IH("r.", "0", 12, 5), HH("r.", "0", 12, 4), HR("r.", "0", 4, 3)},
     0,
     0,
     0,
     {{.input_size = 0}}},
    {"GRU",
     {IH("gru.", "0", 6, 3), HH("gru.", "0", 6, 2), BI("gru.", "0", 6), BH("gru.", "0", 6)},
     1,
     0,
     0,
     {{.kind = OCLSTM_GRU,
       .input_size = 3,
       .hidden_size = 2,
       .bias = OCLSTM_BIAS_TWO,
       .linear_before_reset = 1}}},
    {"RNN",
     {IH("rnn.", "0", 2, 3), HH("rnn.", "0", 2, 2)},
     1,
     0,
     0,
     {{.kind = OCLSTM_RNN, .input_size = 3, .hidden_size = 2}}},
    {"two layers, both ways, of different sizes",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), IH("r.", "0_reverse", 8, 3), HH("r.", "0_reverse", 8, 2),
      IH("r.", "1", 4, 4), HH("r.", "1", 4, 1)},
     2,
     0,
     0,
     {{.input_size = 3, .hidden_size = 2, .direction = OCLSTM_BIDIRECTIONAL},
      {.input_size = 4, .hidden_size = 1}}},
    {"head",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), MATRIX("fc.weight", 5, 2), VECTOR("fc.bias", 5)},
     1,
     5,
     0,
     {{.input_size = 3, .hidden_size = 2}}},
    {"head without bias and prefix",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), MATRIX("weight", 5, 2)},
     1,
     5,
     0,
     {{.input_size = 3, .hidden_size = 2}}},
    {"head without prefix",
     {IH("r.", "0", 8, 3), HH("r.", "0", 8, 2), MATRIX("weight", 5, 2), VECTOR("bias", 5)},
     1,
     5,
     0,
     {{.input_size = 3, .hidden_size = 2}}},
    {"head of an ensemble",
     {GOOD, MATRIX("ensemble.member.weight", 5, 2)},
     1,
     5,
     0,
     {{.input_size = 3, .hidden_size = 2}}},
    {"embedding by name", {GOOD, MATRIX("word_Embeddings.weight", 10, 3)}, 1, 0, 10, {GOOD_LAYER}},
    {"embedding by shape", {GOOD, MATRIX("wte.weight", 10, 3)}, 1, 0, 10, {GOOD_LAYER}},
    {"embedding of one id", {GOOD, MATRIX("wte.weight", 1, 3)}, 1, 0, 1, {GOOD_LAYER}},
    {"embedding by name, as many ids as inputs",
     {GOOD, MATRIX("tokenEmb.weight", 3, 3)},
     1,
     0,
     3,
     {GOOD_LAYER}},
    {"embedding and head",
     {GOOD, MATRIX("wte.weight", 10, 3), MATRIX("a.weight", 5, 2), VECTOR("a.bias", 5)},
     1,
     5,
     10,
     {GOOD_LAYER}},
    {"embedding in a decoder", {GOOD, MATRIX("decoder.embedding.weight", 10, 3)}, 1, 0, 10, {GOOD_LAYER}},
    {"head in an embedder", {GOOD, MATRIX("embedder.fc.weight", 10, 2)}, 1, 10, 0, {GOOD_LAYER}},
    {"names of both, the shape says embedding",
     {GOOD, MATRIX("emb_out.weight", 10, 3)},
     1,
     0,
     10,
     {GOOD_LAYER}},
    {"names of both, the shape says head", {GOOD, MATRIX("emb_out.weight", 10, 2)}, 1, 10, 0, {GOOD_LAYER}},
    {"square: embedding by name, head by name",
     {SQUARE, MATRIX("emb.weight", 7, 2), MATRIX("fc.weight", 7, 2)},
     1,
     7,
     7,
     {{.input_size = 2, .hidden_size = 2}}},
    {"square: embedding by name, head is what is left",
     {SQUARE, MATRIX("a.weight", 7, 2), MATRIX("emb.weight", 7, 2)},
     1,
     7,
     7,
     {{.input_size = 2, .hidden_size = 2}}},
    {"square: head by its bias",
     {SQUARE, MATRIX("a.weight", 7, 2), VECTOR("a.bias", 7)},
     1,
     7,
     0,
     {{.input_size = 2, .hidden_size = 2}}},
    {"square: embedding in a decoder",
     {SQUARE, MATRIX("decoder.embedding.weight", 7, 2)},
     1,
     0,
     7,
     {{.input_size = 2, .hidden_size = 2}}},
    {"square: head in an embedder",
     {SQUARE, MATRIX("embedder.fc.weight", 7, 2)},
     1,
     7,
     0,
     {{.input_size = 2, .hidden_size = 2}}},
    {"head of a square network",
     {IH("r.", "0", 8, 2), HH("r.", "0", 8, 2), MATRIX("out.weight", 1, 2)},
     1,
     1,
     0,
     {{.input_size = 2, .hidden_size = 2}}},
};

static void reads_networks(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof NETWORKS / sizeof NETWORKS[0]; ++k) {
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    oclstm_status status = load(NETWORKS[k].tensors, NULL, &model, &error);
    if (NETWORKS[k].n_layers == 0) { /* P > H is no projection */
      assert_status(status, OCLSTM_E_SHAPE, &error, NETWORKS[k].what);
      continue;
    }
    assert_status(status, OCLSTM_OK, &error, NETWORKS[k].what);
    assert_int_equal(oclstm_model_n_layers(model), NETWORKS[k].n_layers);
    assert_int_equal(oclstm_model_head_size(model), NETWORKS[k].head_size);
    assert_int_equal(oclstm_model_embedding_size(model), NETWORKS[k].embedding_size);
    for (size_t l = 0; l < NETWORKS[k].n_layers; ++l) {
      assert_memory_equal(oclstm_model_layer(model, l), &NETWORKS[k].layers[l], sizeof(oclstm_layer));
    }
    oclstm_model_destroy(&model);
  }
}

static const struct {
  const char *what;
  oclstm_status status;
  const char *names;
  tensor_text tensors[MAX_TENSORS];
} REFUSED[] = {
    {"nothing", OCLSTM_E_MISSING, "weight_ih_l0", {{NULL, NULL, 0, {0}}}},
    {"nothing recurrent", OCLSTM_E_MISSING, "weight_ih_l0", {MATRIX("fc.weight", 5, 2)}},
    {"no W_hh", OCLSTM_E_MISSING, "r.weight_hh_l0", {IH("r.", "0", 8, 3)}},
    {"no W_ih", OCLSTM_E_MISSING, "r.weight_ih_l0", {HH("r.", "0", 8, 2)}},
    {"bias alone", OCLSTM_E_MISSING, "r.weight_ih_l0", {BI("r.", "0", 8)}},
    {"only b_hh", OCLSTM_E_MISSING, "r.bias_ih_l0", {GOOD, BH("r.", "0", 8)}},
    {"no layer 0", OCLSTM_E_MISSING, "r.weight_ih_l0", {IH("r.", "1", 8, 3), HH("r.", "1", 8, 2)}},
    {"no layer 1", OCLSTM_E_MISSING, "r.weight_ih_l1", {GOOD, IH("r.", "2", 8, 2), HH("r.", "2", 8, 2)}},
    {"layer 255 alone", OCLSTM_E_MISSING, "r.weight_ih_l1", {GOOD, IH("r.", "255", 8, 2)}},
    {"layer 256", OCLSTM_E_LIMIT, "layer 256", {GOOD, IH("r.", "256", 8, 2)}},
    {"layer of 25 digits", OCLSTM_E_LIMIT, "layer", {GOOD, IH("r.", "1234567890123456789012345", 8, 2)}},
    {"half a reverse", OCLSTM_E_MISSING, "r.weight_hh_l0_reverse", {GOOD, IH("r.", "0_reverse", 8, 3)}},
    {"only reverse", OCLSTM_E_MISSING, "r.weight_ih_l0", {GOOD_BACK}},
    {"bias one way", OCLSTM_E_MISSING, "r.bias_ih_l0_reverse", {GOOD, GOOD_BACK, BI("r.", "0", 8)}},
    {"bias the other way", OCLSTM_E_MISSING, "r.bias_ih_l0", {GOOD, GOOD_BACK, BI("r.", "0_reverse", 8)}},
    {"two modules",
     OCLSTM_E_FORMAT,
     "lstm2.",
     {IH("lstm1.", "0", 8, 3), HH("lstm1.", "0", 8, 2), IH("lstm2.", "0", 8, 2), HH("lstm2.", "0", 8, 2)}},
    {"one module inside another", OCLSTM_E_FORMAT, "r.s.", {GOOD, IH("r.s.", "0", 8, 2)}},
    {"W_hh of another size", OCLSTM_E_SHAPE, "[8,2]", {IH("r.", "0", 8, 3), HH("r.", "0", 8, 3)}},
    {"W_hh a vector", OCLSTM_E_SHAPE, "[16]", {IH("r.", "0", 8, 3), VECTOR("r.weight_hh_l0", 16)}},
    {"W_ih a vector", OCLSTM_E_SHAPE, "[24]", {VECTOR("r.weight_ih_l0", 24), HH("r.", "0", 8, 2)}},
    {"W_ih with other rows", OCLSTM_E_SHAPE, "[8,3]", {IH("r.", "0", 4, 3), HH("r.", "0", 8, 2)}},
    {"W_hh without columns", OCLSTM_E_SHAPE, "[8,0]", {IH("r.", "0", 8, 3), HH("r.", "0", 8, 0)}},
    {"W_ih without columns", OCLSTM_E_SHAPE, "[8,0]", {IH("r.", "0", 8, 0), HH("r.", "0", 8, 2)}},
    {"empty W_hr", OCLSTM_E_SHAPE, "[0,2]", {GOOD, HR("r.", "0", 0, 2)}},
    {"huge empty W_hr", OCLSTM_E_SHAPE, "[0,4611686018427387904]", {GOOD, HR("r.", "0", 0, (size_t)1 << 62)}},
    {"bias of another size", OCLSTM_E_SHAPE, "[8]", {GOOD, BI("r.", "0", 7)}},
    {"bias a matrix", OCLSTM_E_SHAPE, "[8,1]", {GOOD, MATRIX("r.bias_ih_l0", 8, 1)}},
    {"reverse of another size",
     OCLSTM_E_SHAPE,
     "r.weight_ih_l0_reverse",
     {GOOD, IH("r.", "0_reverse", 8, 4), HH("r.", "0_reverse", 8, 2)}},
    {"layers that do not fit", OCLSTM_E_SHAPE, "layer 1", {GOOD, IH("r.", "1", 8, 3), HH("r.", "1", 8, 2)}},
    {"GRU behind an LSTM",
     OCLSTM_E_SHAPE,
     "r.weight_hh_l1",
     {GOOD, IH("r.", "1", 6, 2), HH("r.", "1", 6, 2)}},
    {"integers", OCLSTM_E_DTYPE, "I64", {{"r.weight_ih_l0", "I64", 2, {8, 3}}, HH("r.", "0", 8, 2)}},
    {"embedding that does not fit",
     OCLSTM_E_SHAPE,
     "expected [V,3]",
     {GOOD, MATRIX("word_Embeddings.weight", 10, 2)}},
    {"embedding without ids", OCLSTM_E_SHAPE, "expected [V,3]", {GOOD, MATRIX("emb.weight", 0, 3)}},
    {"embedding with a bias",
     OCLSTM_E_FORMAT,
     "emb.bias",
     {GOOD, MATRIX("emb.weight", 10, 3), VECTOR("emb.bias", 10)}},
    {"two embeddings",
     OCLSTM_E_FORMAT,
     "pos_emb.weight and wte.weight",
     {GOOD, MATRIX("pos_emb.weight", 9, 3), MATRIX("wte.weight", 9, 3)}},
    {"embedding of another name", OCLSTM_E_FORMAT, "embedding", {GOOD, MATRIX("embedding", 10, 3)}},
    {"embedding of integers", OCLSTM_E_DTYPE, "emb.weight", {GOOD, {"emb.weight", "I64", 2, {10, 3}}}},
    {"dense layer in front", OCLSTM_E_UNSUPPORTED, "dense layer in front", {GOOD, MATRIX("a.weight", 3, 3)}},
    {"dense layer in front, with a bias",
     OCLSTM_E_UNSUPPORTED,
     "dense layer in front",
     {GOOD, MATRIX("a.weight", 7, 3), VECTOR("a.bias", 7)}},
    {"dense layer in front, by name", OCLSTM_E_SHAPE, "expected [O,2]", {GOOD, MATRIX("fc_in.weight", 7, 3)}},
    {"square: embedding or head",
     OCLSTM_E_FORMAT,
     "neither name nor shape says",
     {SQUARE, MATRIX("a.weight", 7, 2)}},
    {"square: embedding, head, or in front",
     OCLSTM_E_FORMAT,
     "neither name nor shape says",
     {SQUARE, MATRIX("a.weight", 2, 2), VECTOR("a.bias", 2)}},
    {"square: two of them",
     OCLSTM_E_FORMAT,
     "which is which",
     {SQUARE, MATRIX("a.weight", 7, 2), MATRIX("b.weight", 7, 2)}},
    {"square: one of them has a bias",
     OCLSTM_E_FORMAT,
     "neither name nor shape says",
     {SQUARE, MATRIX("a.weight", 7, 2), MATRIX("b.weight", 7, 2), VECTOR("b.bias", 7)}},
    {"head that does not fit", OCLSTM_E_SHAPE, "[O,2]", {GOOD, MATRIX("fc.weight", 5, 4)}},
    {"head without rows", OCLSTM_E_SHAPE, "[0,2]", {GOOD, MATRIX("fc.weight", 0, 2)}},
    {"two heads",
     OCLSTM_E_FORMAT,
     "fc2.weight",
     {GOOD, MATRIX("fc1.weight", 5, 2), MATRIX("fc2.weight", 5, 2)}},
    {"bias of the head of another size",
     OCLSTM_E_SHAPE,
     "fc.bias",
     {GOOD, MATRIX("fc.weight", 5, 2), VECTOR("fc.bias", 4)}},
    {"bias without a head", OCLSTM_E_FORMAT, "fc.bias", {GOOD, VECTOR("fc.bias", 4)}},
    {"normalisation of ours", OCLSTM_E_FORMAT, "r.norm_ih_l0", {GOOD, VECTOR("r.norm_ih_l0", 8)}},
    {"initial state of ours", OCLSTM_E_FORMAT, "r.initial_h_l0", {GOOD, VECTOR("r.initial_h_l0", 2)}},
    {"normalisation behind", OCLSTM_E_FORMAT, "norm.weight", {GOOD, VECTOR("norm.weight", 2)}},
    {"matrix of another name", OCLSTM_E_FORMAT, "attention", {GOOD, MATRIX("attention", 2, 2)}},
    {"peephole", OCLSTM_E_FORMAT, "r.weight_peephole_l0", {GOOD, VECTOR("r.weight_peephole_l0", 6)}},
    {"layer number with a zero in front", OCLSTM_E_FORMAT, "r.weight_ih_l00", {GOOD, IH("r.", "00", 8, 3)}},
    {"only a layer number with a zero in front",
     OCLSTM_E_MISSING,
     "no recurrent layer",
     {IH("r.", "00", 8, 3)}},
    {"layer without number", OCLSTM_E_FORMAT, "r.weight_ih_l", {GOOD, IH("r.", "", 8, 3)}},
    {"text behind", OCLSTM_E_FORMAT, "r.weight_ih_l0_reversed", {GOOD, IH("r.", "0_reversed", 8, 3)}},
    {"counter", OCLSTM_E_FORMAT, "steps", {GOOD, {"steps", "I64", 0, {0}}}},
};

static void refuses_what_is_unclear(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof REFUSED / sizeof REFUSED[0]; ++k) {
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(load(REFUSED[k].tensors, NULL, &model, &error), REFUSED[k].status, &error, REFUSED[k].what);
    assert_names(&error, REFUSED[k].names, REFUSED[k].what);
  }
  say_count(sizeof REFUSED / sizeof REFUSED[0], "state_dicts that are no network");
}

static void keeps_limits(void **state) {
  (void)state;
  static const tensor_text TENSORS[MAX_TENSORS] = {GOOD, IH("r.", "1", 8, 2), HH("r.", "1", 8, 2),
                                                   MATRIX("fc.weight", 5, 2), MATRIX("emb.weight", 9, 3)};
  static const struct {
    size_t offset;
    uint64_t enough;
  } LIMITS[] = {{offsetof(oclstm_limits, features), 5},
                {offsetof(oclstm_limits, layers), 2},
                {offsetof(oclstm_limits, tensors), 6},
                {offsetof(oclstm_limits, ids), 9},
                {offsetof(oclstm_limits, parameters), 99}};
  for (size_t k = 0; k < sizeof LIMITS / sizeof LIMITS[0]; ++k) {
    for (uint64_t less = 0; less < 2; ++less) {
      oclstm_limits limits = OCLSTM_LIMITS_INIT;
      oclstm_model *model = NULL;
      oclstm_error error = {OCLSTM_OK, 0, 0, ""};
      uint64_t value = LIMITS[k].enough - less;
      memcpy((char *)&limits + LIMITS[k].offset, &value, sizeof value);
      assert_status(load(TENSORS, &limits, &model, &error), less ? OCLSTM_E_LIMIT : OCLSTM_OK, &error,
                    "limit");
      oclstm_model_destroy(&model);
    }
  }
}

/* Limits lifted as far as they go: sizes must still not overflow. */
static void survives_without_limits(void **state) {
  (void)state;
  static const tensor_text TENSORS[MAX_TENSORS] = {IH("r.", "0", 0, 1), HH("r.", "0", 0, 1),
                                                   HR("r.", "0", 1, 0)};
  buffer file = file_of_header(
      "{'weight_ih_l0':{'dtype':'F32','shape':[0,4611686018427387904],'data_offsets':[0,0]},"
      "'weight_hh_l0':{'dtype':'F32','shape':[0,4611686018427387904],'data_offsets':[0,0]},"
      "'weight_hr_l0':{'dtype':'F32','shape':[4611686018427387904,0],'data_offsets':[0,0]}}",
      0);
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  limits.header_bytes = limits.tensors = limits.features = limits.layers = limits.parameters = UINT64_MAX;
  options.limits = &limits;
  assert_status(oclstm_model_load_memory(file.bytes, file.n, &options, &model, &error), OCLSTM_E_SHAPE,
                &error, "huge");
  assert_status(load(TENSORS, &limits, &model, &error), OCLSTM_E_SHAPE, &error, "empty");
  buffer_free(&file);
}

/* A weight that is not finite is refused where it is. */
static void refuses_infinite_weights(void **state) {
  (void)state;
  static const tensor_text TENSORS[MAX_TENSORS] = {GOOD};
  static const unsigned char BITS[][4] = {{0, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff}, {0, 0, 0xc0, 0x7f}};
  for (size_t k = 0; k < 3; ++k) {
    buffer file = file_of_tensors(TENSORS, NULL);
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    memcpy(file.bytes + file.n - 4, BITS[k], 4);
    assert_status(oclstm_model_load_memory(file.bytes, file.n, NULL, &model, &error), OCLSTM_E_NONFINITE,
                  &error, "not finite");
    buffer_free(&file);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_networks), cmocka_unit_test(refuses_what_is_unclear),
      cmocka_unit_test(keeps_limits), cmocka_unit_test(survives_without_limits),
      cmocka_unit_test(refuses_infinite_weights)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
