/* Few descriptions with many options each: what a fault in a kernel is looked for with.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cell_table.h"

#define SIZES .input_size = 5, .hidden_size = 19, .bias = OCLSTM_BIAS_TWO
#define ACTIVATION(kind, a, b) \
  { OCLSTM_ACT_##kind, (a), (b) }

static const struct {
  const char *name;
  size_t V, head;
  oclstm_layer layer;
} TOUR[] = {
    {"tour_lstm",
     0,
     3,
     {SIZES, .projection_size = 7, .peephole = OCLSTM_PEEPHOLE_DIAGONAL, .clip_preactivation = 0.9F,
      .clip_cell = 0.6F, .clip_projection = 0.25F, .zoneout_h = 0.2F, .zoneout_c = 0.3F,
      .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_SUM,
      .activation = {{ACTIVATION(HARD_SIGMOID, 0.3F, 0.4F), ACTIVATION(SOFTSIGN, 0, 0),
                      ACTIVATION(SCALED_TANH, 1.2F, 0.8F)},
                     {ACTIVATION(DEFAULT, 0, 0), ACTIVATION(LEAKY_RELU, 0.1F, 0),
                      ACTIVATION(ELU, 0.7F, 0)}}}},
    {"tour_coupled",
     11,
     0,
     {SIZES, .coupling = OCLSTM_COUPLING_FORGET_FROM_INPUT, .direction = OCLSTM_REVERSE, .go_backwards = 1,
      .initial_state = 1}},
    {"tour_forget", 0, 0, {SIZES, .coupling = OCLSTM_COUPLING_INPUT_FROM_FORGET, .zoneout_c = 0.4F}},
    {"tour_haste",
     0,
     0,
     {SIZES, .layer_norm = OCLSTM_NORM_HASTE, .zoneout_h = 0.1F, .direction = OCLSTM_BIDIRECTIONAL,
      .merge = OCLSTM_MUL}},
    {"tour_tflite",
     0,
     0,
     {SIZES, .layer_norm = OCLSTM_NORM_TFLITE, .peephole = OCLSTM_PEEPHOLE_DIAGONAL,
      .direction = OCLSTM_BIDIRECTIONAL, .merge = OCLSTM_AVERAGE}},
    {"tour_gru", 0, 0, {SIZES, .kind = OCLSTM_GRU, .linear_before_reset = 1, .zoneout_h = 0.2F}},
    {"tour_gru_before", 0, 0, {SIZES, .kind = OCLSTM_GRU, .direction = OCLSTM_BIDIRECTIONAL}},
    {"tour_rnn", 0, 0, {SIZES, .kind = OCLSTM_RNN, .clip_preactivation = 0.5F}},
};

size_t make_cell_tour(cell_case *cases, uint64_t seed) {
  const size_t n = sizeof TOUR / sizeof TOUR[0];
  for (size_t k = 0; k < n; ++k) {
    cases[k] = (cell_case){.n_layers = 1, .layers = {TOUR[k].layer}, .V = TOUR[k].V, .head = TOUR[k].head};
    cases[k].T = 5;
    cases[k].B = 4;
    cases[k].seed = seed + k;
    (void)snprintf(cases[k].name, sizeof cases[k].name, "%s", TOUR[k].name);
  }
  return n;
}
