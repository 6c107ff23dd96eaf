/* Descriptions of cells for the tests.
 * SPDX-License-Identifier: MIT */
#include "cell_table.h"

#include <stdio.h>
#include <string.h>

#include "covering.h"

/* ---- fields and their values; value 0 is the default ---- */

static void set_peephole(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->peephole = (oclstm_peephole)level;
}

static void set_coupling(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->coupling = (oclstm_coupling)level;
}

static void set_projection(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->projection_size = level != 0 ? (layer->hidden_size + 2) / 2 : 0;
  layer->clip_projection = level == 2 ? 0.15F : 0.0F;
}

static void set_norm(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->layer_norm = (oclstm_layer_norm)level;
}

static void set_clip_preactivation(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->clip_preactivation = level != 0 ? 0.4F : 0.0F;
}

static void set_clip_cell(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->clip_cell = level != 0 ? 0.5F : 0.0F;
}

/* alpha and beta such that sequences stay small; the reverse direction has other ones, of another kind. */
static oclstm_activation activation(size_t kind, size_t direction) {
  static const float ALPHA[] = {0, 0, 0, 0, 0.4F, 0.1F, 0.2F, 1.3F, 0.3F, 0.8F, 0, 0};
  static const float BETA[] = {0, 0, 0, 0, 0.3F, 0, 0, 0.6F, 0.45F, 0, 0, 0};
  const float scale = direction == 0 ? 1.0F : 0.75F;
  if (direction == 1 && kind != OCLSTM_ACT_DEFAULT) {
    kind = (kind + 4) % 12;
  }
  return (oclstm_activation){(oclstm_activation_kind)kind, scale * ALPHA[kind], scale * BETA[kind]};
}

static void set_activations(oclstm_layer *layer, size_t role, size_t level) {
  for (size_t d = 0; d < 2; ++d) {
    layer->activation[d][role] = activation(level, d);
  }
}

static void set_gate(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  set_activations(layer, OCLSTM_ROLE_GATE, level);
}

static void set_candidate(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  set_activations(layer, OCLSTM_ROLE_CANDIDATE, level);
}

static void set_output(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  set_activations(layer, OCLSTM_ROLE_OUTPUT, level);
}

static void set_reset(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->linear_before_reset = (int)level;
}

static void set_bias(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->bias = (oclstm_bias)level;
}

static void set_zoneout_h(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->zoneout_h = level != 0 ? 0.3F : 0.0F;
}

static void set_zoneout_c(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->zoneout_c = level != 0 ? 0.2F : 0.0F;
}

static void set_direction(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  if (level == 1 || level == 2) {
    layer->direction = OCLSTM_REVERSE;
    layer->go_backwards = level == 2;
  } else if (level >= 3) {
    layer->direction = OCLSTM_BIDIRECTIONAL;
    layer->merge = (oclstm_merge)(level - 3);
  }
}

static void set_initial_state(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  layer->initial_state = (int)level;
}

static void set_dropout(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)c;
  if (level != 0) {
    layer->dropout_input = 0.1F;
    layer->dropout_output = 0.2F;
    layer->dropout_recurrent = 0.3F;
    layer->dropout_weights = 0.4F;
  }
}

static void set_embedding(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)layer;
  c->V = level != 0 ? 7 : 0;
}

static void set_head(cell_case *c, oclstm_layer *layer, size_t level) {
  (void)layer;
  c->head = level != 0 ? 3 : 0;
}

/* Odd ones, one of each alone, a multiple of every tile, and one over it. */
static const size_t SHAPES[][4] = {{3, 5, 3, 3}, {1, 1, 4, 4}, {4, 16, 3, 5}, {17, 33, 4, 9}}; /* I H T B */

static void set_shape(cell_case *c, oclstm_layer *layer, size_t level) {
  layer->input_size = SHAPES[level][0];
  layer->hidden_size = SHAPES[level][1];
  c->T = SHAPES[level][2];
  c->B = SHAPES[level][3];
}

enum { LSTM = 1 << OCLSTM_LSTM, GRU = 1 << OCLSTM_GRU, RNN = 1 << OCLSTM_RNN, ANY = LSTM | GRU | RNN };
#define ACTIVATIONS                                                                                  \
  {                                                                                                  \
    "default", "sigmoid", "tanh", "relu", "affine", "leaky_relu", "thresholded_relu", "scaled_tanh", \
        "hard_sigmoid", "elu", "softsign", "softplus"                                                \
  }

/* The shape comes first: others look at its sizes. */
static const struct {
  const char *name;
  unsigned kinds;
  size_t n;
  void (*set)(cell_case *c, oclstm_layer *layer, size_t level);
  const char *levels[MAX_LEVELS];
} FACTORS[] = {
    {"shape", ANY, 4, set_shape, {"i3h5", "i1h1", "i4h16", "i17h33"}},
    {"peephole", LSTM, 2, set_peephole, {"none", "diagonal"}},
    {"coupling", LSTM, 3, set_coupling, {"none", "forget_from_input", "input_from_forget"}},
    {"projection", LSTM, 3, set_projection, {"none", "plain", "clipped"}},
    {"layer_norm", LSTM, 3, set_norm, {"none", "haste", "tflite"}},
    {"clip_preactivation", ANY, 2, set_clip_preactivation, {"none", "0.4"}},
    {"clip_cell", LSTM, 2, set_clip_cell, {"none", "0.5"}},
    {"gate", LSTM | GRU, 12, set_gate, ACTIVATIONS},
    {"candidate", ANY, 12, set_candidate, ACTIVATIONS},
    {"output", LSTM, 12, set_output, ACTIVATIONS},
    {"linear_before_reset", GRU, 2, set_reset, {"0", "1"}},
    {"bias", ANY, 3, set_bias, {"none", "one", "two"}},
    {"zoneout_h", ANY, 2, set_zoneout_h, {"0", "0.3"}},
    {"zoneout_c", LSTM, 2, set_zoneout_c, {"0", "0.2"}},
    {"direction",
     ANY,
     7,
     set_direction,
     {"forward", "reverse", "go_backwards", "concat", "sum", "mul", "average"}},
    {"initial_state", ANY, 2, set_initial_state, {"0", "1"}},
    {"dropout", ANY, 2, set_dropout, {"none", "all"}},
    {"embedding", ANY, 2, set_embedding, {"none", "in front"}},
    {"head", ANY, 2, set_head, {"none", "behind"}},
};
enum { N_FACTORS = sizeof FACTORS / sizeof FACTORS[0] };

static const char *const KINDS[] = {"lstm", "gru", "rnn"};

/* Index in FACTORS of a kind's factor number `factor`. */
static size_t factor_of(oclstm_cell_kind kind, size_t factor) {
  for (size_t k = 0; k < N_FACTORS; ++k) {
    if ((FACTORS[k].kinds & 1U << kind) != 0 && factor-- == 0) {
      return k;
    }
  }
  fail_msg("no factor");
  return 0;
}

size_t n_factors(oclstm_cell_kind kind) {
  size_t n = 0;
  for (size_t k = 0; k < N_FACTORS; ++k) {
    n += (FACTORS[k].kinds & 1U << kind) != 0;
  }
  return n;
}

const char *factor_name(oclstm_cell_kind kind, size_t factor) {
  return FACTORS[factor_of(kind, factor)].name;
}

size_t n_levels(oclstm_cell_kind kind, size_t factor) {
  return FACTORS[factor_of(kind, factor)].n;
}

const char *level_name(oclstm_cell_kind kind, size_t factor, size_t level) {
  return FACTORS[factor_of(kind, factor)].levels[level];
}

/* ---- cases ---- */

/* Layer l of the case, from the values in its row of levels. */
static void set_layer(cell_case *c, size_t l, oclstm_cell_kind kind) {
  oclstm_layer *layer = &c->layers[l];
  layer->kind = kind;
  for (size_t f = 0; f < n_factors(kind); ++f) {
    FACTORS[factor_of(kind, f)].set(c, layer, c->levels[l][f]);
  }
}

/* The rows of one kind. */
static size_t cover_kind(oclstm_cell_kind kind, covering *rows, bool few, uint64_t seed) {
  rows->n_factors = n_factors(kind);
  for (size_t f = 0; f < rows->n_factors; ++f) {
    rows->n_levels[f] = n_levels(kind, f);
  }
  if (few) {
    cover_singles(rows, &seed);
  } else {
    cover_pairs(rows, &seed);
  }
  return rows->n_rows;
}

/* Kind behind kind, each in all of its directions in turn; values are those of random rows. */
static size_t stack_cases(cell_case *cases, size_t n, covering rows[3], size_t per_pair, uint64_t *seed) {
  for (size_t k = 0; k < 9 * per_pair; ++k) {
    cell_case *c = &cases[n++];
    assert_true(n <= MAX_CELL_CASES);
    (void)snprintf(c->name, sizeof c->name, "stack_%02zu", k);
    c->n_layers = 2;
    c->seed = next_random(seed);
    for (size_t l = 0; l < 2; ++l) {
      const oclstm_cell_kind kind = (oclstm_cell_kind)(l == 0 ? k % 3 : k / 3 % 3);
      memcpy(c->levels[l], rows[kind].rows[next_random(seed) % rows[kind].n_rows], MAX_FACTORS);
      set_layer(c, l, kind);
    }
    c->layers[1].input_size = oclstm_layer_output_size(&c->layers[0]);
  }
  return n;
}

size_t make_cell_cases(cell_case *cases, bool few, uint64_t seed) {
  static covering rows[3];
  size_t n = 0;
  memset(cases, 0, MAX_CELL_CASES * sizeof *cases);
  for (size_t kind = 0; kind < 3; ++kind) {
    const size_t n_rows = cover_kind((oclstm_cell_kind)kind, &rows[kind], few, seed + kind);
    for (size_t r = 0; r < n_rows; ++r, ++n) {
      assert_true(n < MAX_CELL_CASES);
      (void)snprintf(cases[n].name, sizeof cases[n].name, "%s_%03zu", KINDS[kind], r);
      cases[n].n_layers = 1;
      cases[n].seed = next_random(&seed);
      memcpy(cases[n].levels[0], rows[kind].rows[r], MAX_FACTORS);
      set_layer(&cases[n], 0, (oclstm_cell_kind)kind);
    }
  }
  return stack_cases(cases, n, rows, few ? 1 : 4, &seed);
}

void describe_cell(const cell_case *c, char *text, size_t bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t l = 0; l < c->n_layers; ++l) {
    const oclstm_cell_kind kind = c->layers[l].kind;
    used += (size_t)snprintf(text + used, bytes - used, "%s%s", l == 0 ? "" : " | ", KINDS[kind]);
    for (size_t f = 0; f < n_factors(kind) && used < bytes; ++f) {
      if (c->levels[l][f] != 0) {
        used += (size_t)snprintf(text + used, bytes - used, " %s=%s", factor_name(kind, f),
                                 level_name(kind, f, c->levels[l][f]));
      }
    }
    assert_true(used < bytes);
  }
}

/* ---- what a strategy refuses ---- */

static bool has_layer_norm(const oclstm_layer *layer) {
  return layer->layer_norm != OCLSTM_NORM_NONE;
}

static bool merges(const oclstm_layer *layer) {
  return layer->direction == OCLSTM_BIDIRECTIONAL && layer->merge != OCLSTM_CONCAT;
}

/* Everything else must run. AUTO may stand for any strategy and is never in here. */
static const struct {
  oclstm_strategy strategy;
  bool (*has)(const oclstm_layer *layer);
  const char *text; /* in the error */
} REFUSED[] = {
    {OCLSTM_STRATEGY_FUSED_STEP, has_layer_norm, "layer_norm"},
    {OCLSTM_STRATEGY_ROWS, has_layer_norm, "layer_norm"},
    {OCLSTM_STRATEGY_GRID, has_layer_norm, "layer_norm"},
    {OCLSTM_STRATEGY_GRID, merges, "merge"},
};

const char *expected_refusal(const cell_case *c) {
  for (size_t l = 0; l < c->n_layers && device != reference; ++l) {
    for (size_t k = 0; k < sizeof REFUSED / sizeof REFUSED[0]; ++k) {
      if (REFUSED[k].strategy == options.strategy && REFUSED[k].has(&c->layers[l])) {
        return REFUSED[k].text;
      }
    }
  }
  return NULL;
}
