/* Descriptions in files: what is read, and every way in which they are refused.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "formats/network.h"

static const tensor_text SMALL[] = {
    {"lstm.weight_ih_l0", "F32", 2, {4, 2}}, {"lstm.weight_hh_l0", "F32", 2, {4, 1}}, {NULL, NULL, 0, {0}}};

#define CORE "'kind':'lstm','input_size':2,'hidden_size':1"
#define OF_LAYER(members) "{'format':1,'layers':[{" CORE "," members "}]}"
#define OF_ROOT(members) "{'format':1,'layers':[{" CORE "}]," members "}"

static oclstm_status load(const tensor_text *tensors, const char *description, oclstm_model **model,
                          oclstm_error *error) {
  buffer file = file_of_tensors(tensors, description);
  oclstm_status status = oclstm_model_load_memory(file.bytes, file.n, NULL, model, error);
  buffer_free(&file);
  return status;
}

static void absent_members_are_zero(void **state) {
  (void)state;
  static const oclstm_layer EXPECTED = {.input_size = 2, .hidden_size = 1};
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_status(load(SMALL, "{'format':1,'layers':[{" CORE "}]}", &model, &error), OCLSTM_OK, &error,
                "shortest");
  assert_memory_equal(oclstm_model_layer(model, 0), &EXPECTED, sizeof EXPECTED);
  oclstm_model_destroy(&model);
}

/* Members written in another order and as integers where numbers are meant. */
static void reads_any_order(void **state) {
  (void)state;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const char *text =
      "{'layers':[{'activation':{'reverse':{'output':{'beta':2,'kind':'elu','alpha':1e-3}}},'clip_cell':3,"
      "'hidden_size':1,'direction':'forward','go_backwards':false,'input_size':2,'kind':'lstm'}],'format':1}";
  assert_status(load(SMALL, text, &model, &error), OCLSTM_OK, &error, "any order");
  const oclstm_layer *layer = oclstm_model_layer(model, 0);
  assert_true(layer->clip_cell == 3.0F);
  assert_int_equal(layer->activation[1][OCLSTM_ROLE_OUTPUT].kind, OCLSTM_ACT_ELU);
  assert_true(layer->activation[1][OCLSTM_ROLE_OUTPUT].alpha == 1e-3F);
  assert_true(layer->activation[1][OCLSTM_ROLE_OUTPUT].beta == 2.0F);
  oclstm_model_destroy(&model);
}

/* The names of the enumerators, as values: that what is written is read again would not show two that are exchanged. */
static const struct {
  const char *member;
  size_t offset;
  const char *names[13];
} ENUMERATORS[] = {
    {"kind", offsetof(oclstm_layer, kind), {"lstm", "gru", "rnn"}},
    {"bias", offsetof(oclstm_layer, bias), {"none", "one", "two"}},
    {"peephole", offsetof(oclstm_layer, peephole), {"none", "diagonal"}},
    {"coupling", offsetof(oclstm_layer, coupling), {"none", "forget_from_input", "input_from_forget"}},
    {"layer_norm", offsetof(oclstm_layer, layer_norm), {"none", "haste", "tflite"}},
    {"direction", offsetof(oclstm_layer, direction), {"forward", "reverse", "bidirectional"}},
    {"merge", offsetof(oclstm_layer, merge), {"concat", "sum", "mul", "average"}},
    {"activation",
     offsetof(oclstm_layer, activation),
     {"default", "sigmoid", "tanh", "relu", "affine", "leaky_relu", "thresholded_relu", "scaled_tanh",
      "hard_sigmoid", "elu", "softsign", "softplus"}},
};

static void knows_every_enumerator(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof ENUMERATORS / sizeof ENUMERATORS[0]; ++k) {
    for (unsigned value = 0; ENUMERATORS[k].names[value] != NULL; ++value) {
      const char *member = ENUMERATORS[k].member;
      const char *name = ENUMERATORS[k].names[value];
      oclstm_limits limits = oclstm__limits(NULL);
      oclstm__network network = {.n_layers = 0};
      oclstm_error error = {OCLSTM_OK, 0, 0, ""};
      char text[256];
      char activation[96];
      unsigned found;
      (void)snprintf(activation, sizeof activation, "{\"forward\":{\"gate\":{\"kind\":\"%s\"}}}", name);
      (void)snprintf(text, sizeof text,
                     "{\"format\":1,\"layers\":[{%s\"input_size\":2,\"hidden_size\":1%s,\"%s\":%s%s%s}]}",
                     strcmp(member, "kind") == 0 ? "" : "\"kind\":\"lstm\",",
                     strcmp(member, "merge") == 0 ? ",\"direction\":\"bidirectional\"" : "", member,
                     strcmp(member, "activation") == 0 ? activation : "\"",
                     strcmp(member, "activation") == 0 ? "" : name,
                     strcmp(member, "activation") == 0 ? "" : "\"");
      assert_status(oclstm__descriptor_read(&network, text, &limits,
                                            oclstm__allocator((oclstm_allocator){NULL, NULL, NULL}), &error),
                    OCLSTM_OK, &error, text);
      memcpy(&found, (const char *)network.layers + ENUMERATORS[k].offset, sizeof found);
      assert_int_equal(found, value);
      oclstm__network_destroy(&network);
    }
  }
}

static const struct {
  const char *description;
  oclstm_status status;
  const char *names; /* what the message must contain */
} MALFORMED[] = {
    {"", OCLSTM_E_FORMAT, "description"},
    {"x", OCLSTM_E_FORMAT, "description"},
    {"[]", OCLSTM_E_FORMAT, "description"},
    {"{", OCLSTM_E_FORMAT, "description"},
    {"{}", OCLSTM_E_FORMAT, "format"},
    {"{'format':1}", OCLSTM_E_FORMAT, "layers"},
    {"{'format':'1','layers':[]}", OCLSTM_E_FORMAT, "format"},
    {"{'format':1.0,'layers':[]}", OCLSTM_E_FORMAT, "format"},
    {"{'format':2,'layers':[]}", OCLSTM_E_UNSUPPORTED, "format 2"},
    {"{'format':0,'layers':[]}", OCLSTM_E_UNSUPPORTED, "format 0"},
    {"{'format':1,'format':1,'layers':[]}", OCLSTM_E_FORMAT, "duplicate"},
    {"{'format':1,'layers':[]}", OCLSTM_E_FORMAT, "without layers"},
    {"{'format':1,'layers':{}}", OCLSTM_E_FORMAT, "layers"},
    {"{'format':1,'layers':[1]}", OCLSTM_E_FORMAT, "layers[0]"},
    {"{'format':1,'layers':[null]}", OCLSTM_E_FORMAT, "layers[0]"},
    {"{'format':1,'layers':[{}]}", OCLSTM_E_FORMAT, "kind"},
    {"{'format':1,'layers':[{'kind':'lstm','hidden_size':1}]}", OCLSTM_E_FORMAT, "input_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':2}]}", OCLSTM_E_FORMAT, "hidden_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':0,'hidden_size':1}]}", OCLSTM_E_SHAPE, "input_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':-2,'hidden_size':1}]}", OCLSTM_E_FORMAT,
     "input_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':2.0,'hidden_size':1}]}", OCLSTM_E_FORMAT,
     "input_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':'2','hidden_size':1}]}", OCLSTM_E_FORMAT,
     "input_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':2,'hidden_size':65537}]}", OCLSTM_E_LIMIT, "65537"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':2,'hidden_size':9223372036854775807}]}",
     OCLSTM_E_LIMIT, "hidden_size"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':2,'hidden_size':9223372036854775808}]}",
     OCLSTM_E_FORMAT, "description"},
    {"{'format':1,'layers':[{'kind':'LSTM','input_size':2,'hidden_size':1}]}", OCLSTM_E_FORMAT, "LSTM"},
    {"{'format':1,'layers':[{'kind':0,'input_size':2,'hidden_size':1}]}", OCLSTM_E_FORMAT, "kind"},
    {"{'format':1,'layers':[{'kind':'gru','input_size':2,'hidden_size':1}]}", OCLSTM_E_SHAPE, "[3,2]"},
    {"{'format':1,'layers':[{'kind':'lstm','input_size':3,'hidden_size':1}]}", OCLSTM_E_SHAPE, "[4,3]"},
    {"{'format':1,'layers':[{" CORE "},{" CORE "}]}", OCLSTM_E_SHAPE, "layer 1 takes 2"},
    {OF_LAYER("'projection_size':2"), OCLSTM_E_SHAPE, "projection_size"},
    {OF_LAYER("'projection_size':1"), OCLSTM_E_MISSING, "lstm.weight_hr_l0"},
    {OF_LAYER("'bias':'one'"), OCLSTM_E_MISSING, "lstm.bias_ih_l0"},
    {OF_LAYER("'bias':'three'"), OCLSTM_E_FORMAT, "three"},
    {OF_LAYER("'bias':true"), OCLSTM_E_FORMAT, "bias"},
    {OF_LAYER("'peephole':'diagonal'"), OCLSTM_E_MISSING, "lstm.weight_peephole_l0"},
    {OF_LAYER("'coupling':'both'"), OCLSTM_E_FORMAT, "coupling"},
    {OF_LAYER("'layer_norm':'batch'"), OCLSTM_E_FORMAT, "layer_norm"},
    {OF_LAYER("'clip_cell':-1"), OCLSTM_E_FORMAT, "clip_cell"},
    {OF_LAYER("'clip_cell':1e39"), OCLSTM_E_FORMAT, "clip_cell"},
    {OF_LAYER("'clip_cell':1e999"), OCLSTM_E_FORMAT, "description"},
    {OF_LAYER("'clip_cell':NaN"), OCLSTM_E_FORMAT, "description"},
    {OF_LAYER("'clip_cell':'1'"), OCLSTM_E_FORMAT, "clip_cell"},
    {OF_LAYER("'clip_projection':1"), OCLSTM_E_FORMAT, "clip_projection"},
    {OF_LAYER("'zoneout_h':1.5"), OCLSTM_E_FORMAT, "zoneout_h"},
    {OF_LAYER("'linear_before_reset':1"), OCLSTM_E_FORMAT, "linear_before_reset"},
    {OF_LAYER("'linear_before_reset':true"), OCLSTM_E_FORMAT, "linear_before_reset"},
    {OF_LAYER("'go_backwards':true"), OCLSTM_E_FORMAT, "go_backwards"},
    {OF_LAYER("'merge':'sum'"), OCLSTM_E_FORMAT, "merge"},
    {OF_LAYER("'direction':'bidirectional'"), OCLSTM_E_MISSING, "lstm.weight_ih_l0_reverse"},
    {OF_LAYER("'direction':'backward'"), OCLSTM_E_FORMAT, "backward"},
    {OF_LAYER("'units':1"), OCLSTM_E_FORMAT, "\"units\""},
    {OF_LAYER("'Kind':'lstm'"), OCLSTM_E_FORMAT, "\"Kind\""},
    {OF_LAYER("'activation':[]"), OCLSTM_E_FORMAT, "activation"},
    {OF_LAYER("'activation':null"), OCLSTM_E_FORMAT, "activation"},
    {OF_LAYER("'activation':{'backward':{}}"), OCLSTM_E_FORMAT, "\"backward\""},
    {OF_LAYER("'activation':{'forward':1}"), OCLSTM_E_FORMAT, "activation"},
    {OF_LAYER("'activation':{'forward':{'cell':{'kind':'tanh'}}}"), OCLSTM_E_FORMAT, "\"cell\""},
    {OF_LAYER("'activation':{'forward':{'gate':{}}}"), OCLSTM_E_FORMAT, "kind"},
    {OF_LAYER("'activation':{'forward':{'gate':'tanh'}}"), OCLSTM_E_FORMAT, "activation"},
    {OF_LAYER("'activation':{'forward':{'gate':{'kind':'gelu'}}}"), OCLSTM_E_FORMAT, "gelu"},
    {OF_LAYER("'activation':{'forward':{'gate':{'kind':'elu','gamma':1}}}"), OCLSTM_E_FORMAT, "\"gamma\""},
    {OF_LAYER("'activation':{'forward':{'gate':{'kind':'elu','alpha':1e39}}}"), OCLSTM_E_FORMAT, "alpha"},
    {OF_LAYER("'activation':{'forward':{'gate':{'kind':'elu','alpha':[[1]]}}}"), OCLSTM_E_FORMAT, "deeper"},
    {OF_ROOT("'unknown':1"), OCLSTM_E_FORMAT, "\"unknown\""},
    {OF_ROOT("'head':1"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':1}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':0,'bias':true}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':-1,'bias':true}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':1,'bias':1}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':1,'bias':true,'more':1}"), OCLSTM_E_FORMAT, "head"},
    {OF_ROOT("'head':{'size':1,'bias':false}"), OCLSTM_E_MISSING, "head.weight"},
    {OF_ROOT("'embedding':5"), OCLSTM_E_FORMAT, "embedding"},
    {OF_ROOT("'embedding':{}"), OCLSTM_E_FORMAT, "embedding"},
    {OF_ROOT("'embedding':{'size':0}"), OCLSTM_E_FORMAT, "embedding of size 0"},
    {OF_ROOT("'embedding':{'size':-1}"), OCLSTM_E_FORMAT, "embedding of size -1"},
    {OF_ROOT("'embedding':{'size':2.5}"), OCLSTM_E_FORMAT, "embedding"},
    {OF_ROOT("'embedding':{'size':5,'padding':0}"), OCLSTM_E_FORMAT, "embedding"},
    {OF_ROOT("'embedding':{'size':5}"), OCLSTM_E_MISSING, "embedding.weight"},
    {OF_ROOT("'embedding':{'size':16777217}"), OCLSTM_E_LIMIT, "16777217"},
    {OF_LAYER("'initial_state':1"), OCLSTM_E_FORMAT, "initial_state"},
    {OF_LAYER("'initial_state':true"), OCLSTM_E_MISSING, "lstm.initial_h_l0"},
    {OF_LAYER("'layer_norm':'haste'"), OCLSTM_E_MISSING, "lstm.norm_ih_l0"},
    {OF_LAYER("'layer_norm':'tflite'"), OCLSTM_E_MISSING, "lstm.norm_gates_l0"},
    {"{'format':1,'layers':[{'kind':'gru','input_size':2,'hidden_size':1,'layer_norm':'haste'}]}",
     OCLSTM_E_FORMAT, "layer_norm"},
    {"{'format':1,'layers':[{'kind':'gru','input_size':2,'hidden_size':1,'peephole':'diagonal'}]}",
     OCLSTM_E_FORMAT, "peephole"},
    {"{'format':1,'layers':[{'kind':'rnn','input_size':2,'hidden_size':1,'coupling':'forget_from_input'}]}",
     OCLSTM_E_FORMAT, "coupling"},
    {"{'format':1,'layers':[{'kind':'rnn','input_size':2,'hidden_size':1,'zoneout_c':0.5}]}", OCLSTM_E_FORMAT,
     "zoneout_c"},
    {OF_ROOT("'checksum':1"), OCLSTM_E_FORMAT, "checksum"},
    {OF_ROOT("'checksum':''"), OCLSTM_E_FORMAT, "checksum"},
    {OF_ROOT("'checksum':'sha256:00'"), OCLSTM_E_FORMAT, "checksum"},
    {OF_ROOT("'checksum':'xxh3-128:0'"), OCLSTM_E_FORMAT, "checksum"},
    {OF_ROOT("'checksum':'xxh3-128:0000000000000000000000000000000G'"), OCLSTM_E_FORMAT, "checksum"},
    {OF_ROOT("'checksum':'xxh3-128:00000000000000000000000000000000'"), OCLSTM_E_CHECKSUM, "checksum"},
};

static void refuses_malformed_descriptions(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof MALFORMED / sizeof MALFORMED[0]; ++k) {
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(load(SMALL, MALFORMED[k].description, &model, &error), MALFORMED[k].status, &error,
                  MALFORMED[k].description);
    assert_null(model);
    assert_names(&error, MALFORMED[k].names, MALFORMED[k].description);
  }
  say_count(sizeof MALFORMED / sizeof MALFORMED[0], "malformed descriptions");
}

/* Tensors that a valid description does not speak of, or speaks of otherwise. */
static void refuses_other_tensors(void **state) {
  (void)state;
  static const struct {
    tensor_text tensor;
    oclstm_status status;
  } CASES[] = {
      {{"lstm.bias_ih_l0", "F32", 1, {4}}, OCLSTM_E_FORMAT},
      {{"lstm.weight_ih_l1", "F32", 2, {4, 1}}, OCLSTM_E_FORMAT},
      {{"lstm.weight_ih_l0_reverse", "F32", 2, {4, 2}}, OCLSTM_E_FORMAT},
      {{"head.weight", "F32", 2, {3, 1}}, OCLSTM_E_FORMAT},
      {{"embedding.weight", "F32", 2, {3, 2}}, OCLSTM_E_FORMAT},
      {{"lstm.norm_ih_l0", "F32", 1, {4}}, OCLSTM_E_FORMAT},
      {{"lstm.norm_gates_l0", "F32", 1, {4}}, OCLSTM_E_FORMAT},
      {{"lstm.initial_h_l0", "F32", 1, {1}}, OCLSTM_E_FORMAT},
      {{"lstm.weight_peephole_l0", "F32", 1, {3}}, OCLSTM_E_FORMAT},
      {{"steps", "I64", 0, {0}}, OCLSTM_E_FORMAT},
      {{"lstm.weight_ih_l0", "F32", 2, {4, 3}}, OCLSTM_E_SHAPE},
      {{"lstm.weight_ih_l0", "F32", 1, {8}}, OCLSTM_E_SHAPE},
      {{"lstm.weight_ih_l0", "F32", 3, {4, 2, 1}}, OCLSTM_E_SHAPE},
      {{"lstm.weight_ih_l0", "I64", 2, {4, 2}}, OCLSTM_E_DTYPE},
      {{"lstm.weight_ih_l0", "U8", 2, {4, 2}}, OCLSTM_E_DTYPE},
  };
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    const int replaces = strcmp(CASES[k].tensor.name, SMALL[0].name) == 0;
    const tensor_text tensors[] = {replaces ? CASES[k].tensor : SMALL[0], SMALL[1],
                                   replaces ? SMALL[2] : CASES[k].tensor, SMALL[2]};
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    assert_status(load(tensors, "{'format':1,'layers':[{" CORE "}]}", &model, &error), CASES[k].status,
                  &error, CASES[k].tensor.name);
    assert_non_null(strstr(error.text, CASES[k].tensor.name));
  }
}

/* An embedding that is there, of another shape or type, and one id over the limit. */
static void checks_the_embedding(void **state) {
  (void)state;
  static const char DESCRIPTION[] = OF_ROOT("'embedding':{'size':5}");
  static const struct {
    tensor_text tensor;
    uint64_t ids;
    oclstm_status status;
    const char *names;
  } CASES[] = {
      {{"embedding.weight", "F32", 2, {5, 2}}, 5, OCLSTM_OK, ""},
      {{"embedding.weight", "F16", 2, {5, 2}}, 0, OCLSTM_OK, ""},
      {{"embedding.weight", "F32", 2, {5, 2}}, 4, OCLSTM_E_LIMIT, "embedding of 5 ids, the limit is 4"},
      {{"embedding.weight", "F32", 2, {6, 2}}, 0, OCLSTM_E_SHAPE, "expected [5,2], found [6,2]"},
      {{"embedding.weight", "F32", 2, {2, 5}}, 0, OCLSTM_E_SHAPE, "expected [5,2], found [2,5]"},
      {{"embedding.weight", "F32", 1, {10}}, 0, OCLSTM_E_SHAPE, "expected [5,2], found [10]"},
      {{"embedding.weight", "I64", 2, {5, 2}}, 0, OCLSTM_E_DTYPE, "embedding.weight"}};
  for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; ++k) {
    const tensor_text tensors[] = {CASES[k].tensor, SMALL[0], SMALL[1], SMALL[2]};
    oclstm_limits limits = OCLSTM_LIMITS_INIT;
    oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    buffer file = file_of_tensors(tensors, DESCRIPTION);
    limits.ids = CASES[k].ids;
    options.limits = &limits;
    assert_status(oclstm_model_load_memory(file.bytes, file.n, &options, &model, &error), CASES[k].status,
                  &error, CASES[k].names);
    assert_non_null(strstr(error.text, CASES[k].names));
    assert_true(model == NULL ||
                (oclstm_model_embedding_size(model) == 5 && oclstm_model_input_size(model) == 1));
    oclstm_model_destroy(&model);
    buffer_free(&file);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(absent_members_are_zero), cmocka_unit_test(reads_any_order),
      cmocka_unit_test(knows_every_enumerator),  cmocka_unit_test(refuses_malformed_descriptions),
      cmocka_unit_test(refuses_other_tensors),   cmocka_unit_test(checks_the_embedding)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
