/* A layer's description as text: the words of model files, sizes of buffers, refusals; and what its arrays hold.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static oclstm_error error;

static const oclstm_layer PLAIN = {.kind = OCLSTM_RNN, .input_size = 3, .hidden_size = 4};
#define PLAIN_TEXT "{\"kind\":\"rnn\",\"input_size\":3,\"hidden_size\":4}"

static void assert_description(const oclstm_layer *layer, const char *expected) {
  char text[1024];
  size_t needed = 0;
  assert_status(oclstm_layer_describe(layer, text, sizeof text, &needed, &error), OCLSTM_OK, &error,
                "description");
  assert_string_equal(text, expected);
  assert_int_equal(needed, strlen(expected) + 1);
}

static void describes_only_what_is_not_default(void **unused) {
  (void)unused;
  const oclstm_layer layer = {
      .input_size = 1u << 28, /* limits of a model are its loader's */
      .hidden_size = 5,
      .projection_size = 2,
      .bias = OCLSTM_BIAS_ONE,
      .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
      .clip_projection = 0.5F,
      .activation = {{{OCLSTM_ACT_DEFAULT, 0.0F, 0.0F}, {OCLSTM_ACT_ELU, 0.25F, 0.0F}}},
      .direction = OCLSTM_REVERSE,
      .go_backwards = 1,
      .initial_state = 1,
  };
  assert_description(&PLAIN, PLAIN_TEXT);
  assert_description(
      &layer,
      "{\"kind\":\"lstm\",\"input_size\":268435456,\"hidden_size\":5,\"projection_size\":2,\"bias\":\"one\","
      "\"peephole\":\"diagonal\",\"clip_projection\":0.5,\"direction\":\"reverse\",\"go_backwards\":true,"
      "\"initial_state\":true,\"activation\":{\"forward\":{\"candidate\":{\"kind\":\"elu\",\"alpha\":0.25}}}"
      "}");
}

static void needs_room_for_all_of_it(void **unused) {
  (void)unused;
  char text[sizeof PLAIN_TEXT + 1];
  size_t needed = 0;
  assert_status(oclstm_layer_describe(&PLAIN, NULL, 0, &needed, &error), OCLSTM_OK, &error, "size");
  assert_int_equal(needed, sizeof PLAIN_TEXT);
  memset(text, 'x', sizeof text);
  assert_status(oclstm_layer_describe(&PLAIN, text, needed - 1, &needed, &error), OCLSTM_E_ARGUMENT, &error,
                "short");
  assert_int_equal(needed, sizeof PLAIN_TEXT);
  assert_int_equal(text[0], 'x');
  assert_status(oclstm_layer_describe(&PLAIN, text, needed, &needed, &error), OCLSTM_OK, &error, "exact");
  assert_string_equal(text, PLAIN_TEXT);
  assert_int_equal(text[needed], 'x');
}

static void refuses_what_makes_no_sense(void **unused) {
  (void)unused;
  size_t needed = 0;
  oclstm_layer layer = PLAIN;
  assert_status(oclstm_layer_describe(NULL, NULL, 0, &needed, &error), OCLSTM_E_ARGUMENT, &error, "no layer");
  assert_status(oclstm_layer_describe(&PLAIN, NULL, 0, NULL, &error), OCLSTM_E_ARGUMENT, &error, "no needed");
  assert_status(oclstm_layer_describe(&PLAIN, NULL, 9, &needed, &error), OCLSTM_E_ARGUMENT, &error,
                "no text");
  layer.kind = (oclstm_cell_kind)3;
  assert_status(oclstm_layer_describe(&layer, NULL, 0, &needed, &error), OCLSTM_E_ARGUMENT, &error, "kind");
  layer.kind = OCLSTM_LSTM;
  layer.hidden_size = 0;
  assert_status(oclstm_layer_describe(&layer, NULL, 0, &needed, &error), OCLSTM_E_SHAPE, &error, "no units");
  layer.hidden_size = (1u << 28) + 1;
  assert_status(oclstm_layer_describe(&layer, NULL, 0, &needed, &error), OCLSTM_E_LIMIT, &error, "units");
}

/* Counted by hand: W_ih, W_hh, biases, then the rest. */
static void counts_parameters_of_every_kind(void **unused) {
  (void)unused;
  const struct {
    oclstm_layer layer;
    uint64_t parameters;
  } cases[] = {
      {PLAIN, 4 * 3 + 4 * 4},
      {{.kind = OCLSTM_GRU, .input_size = 3, .hidden_size = 4, .bias = OCLSTM_BIAS_TWO, .initial_state = 1},
       12 * 3 + 12 * 4 + 2 * 12 + 4},
      {{.input_size = 3, .hidden_size = 4, .bias = OCLSTM_BIAS_ONE, .projection_size = 2, .initial_state = 1},
       16 * 3 + 16 * 2 + 16 + 2 * 4 + 2 + 4},
      {{.input_size = 3, .hidden_size = 4, .layer_norm = OCLSTM_NORM_HASTE},
       16 * 3 + 16 * 4 + 2 * 16 + 2 * 4},
      {{.input_size = 3,
        .hidden_size = 4,
        .layer_norm = OCLSTM_NORM_TFLITE,
        .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
        .direction = OCLSTM_BIDIRECTIONAL,
        .merge = OCLSTM_SUM},
       UINT64_C(2) * (16 * 3 + 16 * 4 + 12 + 16)},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
    assert_int_equal(oclstm_layer_parameters(&cases[k].layer), cases[k].parameters);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(describes_only_what_is_not_default),
      cmocka_unit_test(needs_room_for_all_of_it),
      cmocka_unit_test(refuses_what_makes_no_sense),
      cmocka_unit_test(counts_parameters_of_every_kind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
