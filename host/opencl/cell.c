/* From a layer's description to kernels/cell.cl: stages, options, parameters. With that file, all that the OpenCL engine
 * knows of cells.
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/layout.h"

#include <stddef.h>
#include <stdio.h>

/* As in kernels/cell.cl. */
enum { STAGE_CELL, STAGE_PROJECT, STAGE_RESET, STAGE_CANDIDATE };
enum {
  ROW_RECURRENT_BIAS = 3,
  ROW_PEEPHOLE = 4,
  ROW_NORM = 7,
  ROW_NORM_HH = 11,
  ROW_NORM_C = 15,
  ROW_NORM_C_BIAS = 16,
  ROWS_LSTM = 17,
  ROWS_GRU = 4,
  ROWS_RNN = 1
};

/* ---- stages ---- */

size_t oclstm__stages(const oclstm_layer *layer, oclstm__stage_spec specs[OCLSTM__MAX_STAGES]) {
  const size_t W_hh = offsetof(oclstm_weights, W_hh);
  const size_t W_hr = offsetof(oclstm_weights, W_hr);
  size_t H = layer->hidden_size;
  size_t R = oclstm_layer_state_size(layer);
  if (layer->kind == OCLSTM_GRU && !layer->linear_before_reset) {
    specs[0] = (oclstm__stage_spec){STAGE_RESET, W_hh, 0, 2, H, H, true};
    specs[1] = (oclstm__stage_spec){STAGE_CANDIDATE, W_hh, 2, 1, H, H, false};
    return 2;
  }
  specs[0] = (oclstm__stage_spec){STAGE_CELL, W_hh, 0, oclstm__gates(layer->kind), H, R, true};
  if (layer->projection_size == 0) {
    return 1;
  }
  specs[1] = (oclstm__stage_spec){STAGE_PROJECT, W_hr, 0, 1, R, H, false};
  return 2;
}

/* ---- options ---- */

typedef struct option_text {
  char *text;
  size_t used;
} option_text;

static void add_int(option_text *o, const char *name, int value) {
  o->used += (size_t)snprintf(o->text + o->used, OCLSTM__CELL_OPTIONS - o->used, " -D%s=%d", name, value);
}

/* Hexadecimal: exactly the value. */
static void add_float(option_text *o, const char *name, float value) {
  o->used +=
      (size_t)snprintf(o->text + o->used, OCLSTM__CELL_OPTIONS - o->used, " -D%s=%af", name, (double)value);
}

static void add_activations(option_text *o, const oclstm_layer *layer, size_t direction) {
  static const char *const NAMES[OCLSTM_N_ROLES][3] = {
      {"GATE_KIND", "GATE_ALPHA", "GATE_BETA"},
      {"CANDIDATE_KIND", "CANDIDATE_ALPHA", "CANDIDATE_BETA"},
      {"OUTPUT_KIND", "OUTPUT_ALPHA", "OUTPUT_BETA"}};
  for (size_t role = 0; role < OCLSTM_N_ROLES; ++role) {
    const oclstm_activation activation = oclstm__activation(layer, direction, role);
    add_int(o, NAMES[role][0], (int)activation.kind);
    add_float(o, NAMES[role][1], activation.alpha);
    add_float(o, NAMES[role][2], activation.beta);
  }
}

void oclstm__cell_options(const oclstm_layer *layer, size_t direction, const oclstm__stage_spec *spec,
                          char options[OCLSTM__CELL_OPTIONS]) {
  option_text o = {options, 0};
  const struct {
    const char *name;
    int value;
  } choices[] = {
      {"KIND", (int)layer->kind},         {"STAGE", spec->number},
      {"PEEPHOLE", (int)layer->peephole}, {"COUPLING", (int)layer->coupling},
      {"NORM", (int)layer->layer_norm},   {"PROJECTION", layer->projection_size != 0},
  };
  const struct {
    const char *name;
    float value;
  } numbers[] = {
      {"CLIP_PREACTIVATION", layer->clip_preactivation},
      {"CLIP_CELL", layer->clip_cell},
      {"CLIP_PROJECTION", layer->clip_projection},
      {"ZONEOUT_H", layer->zoneout_h},
      {"ZONEOUT_C", layer->zoneout_c},
  };
  for (size_t k = 0; k < sizeof choices / sizeof choices[0]; ++k) {
    add_int(&o, choices[k].name, choices[k].value);
  }
  for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; ++k) {
    if (numbers[k].value > 0.0F) {
      add_float(&o, numbers[k].name, numbers[k].value);
    }
  }
  add_activations(&o, layer, direction);
}

/* ---- parameters ---- */

typedef struct params {
  float *rows; /* [.., HP] */
  size_t H, HP;
} params;

/* rows += blocks of H elements of an array, from block `from` on, into rows `to` on. An absent array adds nothing. */
static void add_blocks(const params *p, const oclstm_array *array, size_t from, size_t blocks, size_t to) {
  for (size_t k = 0; array->data != NULL && k < blocks * p->H; ++k) {
    p->rows[(to + k / p->H) * p->HP + k % p->H] += (float)oclstm__array_at(array, from * p->H + k);
  }
}

/* b_ih + b_hh rounded once; where r stands between them, b_hh of n keeps a row of its own. */
static void add_biases(const params *p, const oclstm_layer *layer, const oclstm_weights *w) {
  size_t gates = oclstm__gates(layer->kind);
  bool apart = layer->linear_before_reset != 0;
  for (size_t k = 0; k < gates * p->H; ++k) {
    double sum = w->b_ih.data != NULL ? oclstm__array_at(&w->b_ih, k) : 0.0;
    bool both = w->b_hh.data != NULL && !(apart && k / p->H == gates - 1);
    sum += both ? oclstm__array_at(&w->b_hh, k) : 0.0;
    p->rows[k / p->H * p->HP + k % p->H] = (float)sum;
  }
  if (apart) {
    add_blocks(p, &w->b_hh, gates - 1, 1, ROW_RECURRENT_BIAS);
  }
}

float *oclstm__cell_params(const oclstm_allocator *allocator, const oclstm_layer *layer,
                           const oclstm_weights *w, size_t *rows) {
  static const size_t ROWS[] = {ROWS_LSTM, ROWS_GRU, ROWS_RNN};
  params p = {NULL, layer->hidden_size, oclstm__padded_units(layer->hidden_size)};
  *rows = ROWS[layer->kind];
  p.rows = oclstm__alloc(allocator, *rows * p.HP, sizeof *p.rows);
  if (p.rows == NULL) {
    return NULL;
  }
  add_biases(&p, layer, w);
  if (layer->kind == OCLSTM_LSTM) {
    add_blocks(&p, &w->peephole, 0, 3, ROW_PEEPHOLE);
    add_blocks(&p, &w->norm_ih, 0, 4, ROW_NORM);
    add_blocks(&p, &w->norm_gates, 0, 4, ROW_NORM);
    add_blocks(&p, &w->norm_hh, 0, 4, ROW_NORM_HH);
    add_blocks(&p, &w->norm_c, 0, 1, ROW_NORM_C);
    add_blocks(&p, &w->norm_c_bias, 0, 1, ROW_NORM_C_BIAS);
  }
  return p.rows;
}
