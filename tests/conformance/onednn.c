/* oneDNN's RNN primitives. Its weights are [L,D,in,G,out] where ours are [G*out,in]; gates i f c o, peepholes i f o, GRU u r o.
 * SPDX-License-Identifier: MIT */
#include "onednn.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 11, MAX_GATES = 4 };

#define DNNL(call) check_dnnl((call), #call, __LINE__)
static void check_dnnl(dnnl_status_t status, const char *call, int line) {
  if (status != dnnl_success) {
    fail_msg("%s in line %d: status %d", call, line, (int)status);
  }
}

/* Memory and its description, in the order in which oneDNN's functions take them. */
typedef struct argument {
  int id;
  bool present;
  dnnl_memory_desc_t desc;
  float *data;
  dnnl_memory_t memory;
} argument;
enum { SRC, SRC_H, SRC_C, W_LAYER, W_ITER, W_PEEPHOLE, W_PROJECTION, BIAS, DST, DST_H, DST_C };
static const int IDS[MAX_ARGS] = {
    DNNL_ARG_SRC_LAYER,    DNNL_ARG_SRC_ITER,         DNNL_ARG_SRC_ITER_C,         DNNL_ARG_WEIGHTS_LAYER,
    DNNL_ARG_WEIGHTS_ITER, DNNL_ARG_WEIGHTS_PEEPHOLE, DNNL_ARG_WEIGHTS_PROJECTION, DNNL_ARG_BIAS,
    DNNL_ARG_DST_LAYER,    DNNL_ARG_DST_ITER,         DNNL_ARG_DST_ITER_C};

typedef struct run {
  const onednn_case *c;
  dnnl_engine_t engine;
  size_t T, B, I, H, R, D, G, W; /* W: width of y */
  argument arguments[MAX_ARGS];
} run;

/* Our gate of oneDNN's gate k. */
static size_t gate_of(const run *r, size_t k) {
  static const size_t GRU[] = {1, 0, 2};
  return r->c->layer->kind == OCLSTM_GRU ? GRU[k] : k;
}

static float at(const oclstm_array *array, size_t k) {
  return ((const float *)array->data)[k];
}

/* ---- arguments ---- */

static float *add(run *r, size_t which, int n, const size_t *sizes) {
  argument *a = &r->arguments[which];
  const dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
  dnnl_dims_t dims = {0};
  size_t count = 1;
  for (int k = 0; k < n; ++k) {
    dims[k] = (dnnl_dim_t)sizes[k];
    count *= sizes[k];
  }
  a->id = IDS[which];
  a->present = true;
  a->data = calloc(count, sizeof *a->data);
  assert_non_null(a->data);
  DNNL(dnnl_memory_desc_init_by_tag(&a->desc, n, dims, dnnl_f32, tags[n]));
  DNNL(dnnl_memory_create(&a->memory, &a->desc, r->engine, a->data));
  return a->data;
}

/* [1,D,in,G,H] of [G*H,in]. */
static void add_matrix(run *r, size_t which, size_t in, bool recurrent) {
  float *to = add(r, which, 5, (size_t[]){1, r->D, in, r->G, r->H});
  for (size_t d = 0; d < r->D; ++d) {
    const oclstm_array *from = recurrent ? &r->c->weights[d].W_hh : &r->c->weights[d].W_ih;
    for (size_t k = 0; k < in; ++k) {
      for (size_t row = 0; row < r->G * r->H; ++row) {
        const size_t ours = gate_of(r, row / r->H) * r->H + row % r->H;
        *to++ = at(from, ours * in + k);
      }
    }
  }
}

/* One bias a gate, but a second one for the candidate of a GRU that is linear before its reset. */
static void add_bias(run *r) {
  const bool second = r->c->layer->linear_before_reset != 0;
  float *to = add(r, BIAS, 4, (size_t[]){1, r->D, r->G + second, r->H});
  for (size_t d = 0; d < r->D; ++d) {
    const oclstm_weights *w = &r->c->weights[d];
    for (size_t row = 0; row < (r->G + second) * r->H; ++row) {
      const size_t gate = row / r->H, j = row % r->H;
      const size_t ours = gate_of(r, gate < r->G ? gate : 2) * r->H + j;
      if (second && gate >= 2) {
        *to++ = at(gate == 2 ? &w->b_ih : &w->b_hh, ours);
      } else {
        *to++ = at(&w->b_ih, ours) + at(&w->b_hh, ours);
      }
    }
  }
}

static void add_peephole_and_projection(run *r) {
  if (r->c->layer->peephole != OCLSTM_PEEPHOLE_NONE) {
    float *to = add(r, W_PEEPHOLE, 4, (size_t[]){1, r->D, 3, r->H});
    for (size_t k = 0; k < r->D * 3 * r->H; ++k) {
      to[k] = at(&r->c->weights[k / (3 * r->H)].peephole, k % (3 * r->H));
    }
  }
  if (r->c->layer->projection_size != 0) {
    float *to = add(r, W_PROJECTION, 4, (size_t[]){1, r->D, r->H, r->R});
    for (size_t k = 0; k < r->D * r->H * r->R; ++k) {
      const size_t d = k / (r->H * r->R), j = k / r->R % r->H, p = k % r->R;
      to[k] = at(&r->c->weights[d].W_hr, p * r->H + j);
    }
  }
}

static void add_all(run *r) {
  const test_job *job = r->c->job;
  const size_t h = r->D * r->B * r->R, c = r->D * r->B * r->H;
  const bool lstm = r->c->layer->kind == OCLSTM_LSTM;
  memcpy(add(r, SRC, 3, (size_t[]){r->T, r->B, r->I}), job->x, r->T * r->B * r->I * sizeof(float));
  memcpy(add(r, SRC_H, 4, (size_t[]){1, r->D, r->B, r->R}), job->h0, h * sizeof(float));
  if (lstm) {
    memcpy(add(r, SRC_C, 4, (size_t[]){1, r->D, r->B, r->H}), job->c0, c * sizeof(float));
    (void)add(r, DST_C, 4, (size_t[]){1, r->D, r->B, r->H});
  }
  add_matrix(r, W_LAYER, r->I, false);
  add_matrix(r, W_ITER, r->R, true);
  add_bias(r);
  add_peephole_and_projection(r);
  (void)add(r, DST, 3, (size_t[]){r->T, r->B, r->W});
  (void)add(r, DST_H, 4, (size_t[]){1, r->D, r->B, r->R});
}

/* ---- the primitive ---- */

static const dnnl_memory_desc_t *desc_of(const run *r, size_t which) {
  return r->arguments[which].present ? &r->arguments[which].desc : NULL;
}

static dnnl_rnn_direction_t direction_of(const oclstm_layer *layer) {
  switch (layer->direction) {
    case OCLSTM_FORWARD: return dnnl_unidirectional_left2right;
    case OCLSTM_REVERSE: return dnnl_unidirectional_right2left;
    case OCLSTM_BIDIRECTIONAL: break;
  }
  return layer->merge == OCLSTM_SUM ? dnnl_bidirectional_sum : dnnl_bidirectional_concat;
}

static void describe(const run *r, dnnl_rnn_desc_t *rnn) {
#define DESC(which) desc_of(r, which)
#define PLAIN                                                                              \
  DESC(SRC), DESC(SRC_H), DESC(W_LAYER), DESC(W_ITER), DESC(BIAS), DESC(DST), DESC(DST_H), \
      dnnl_rnn_flags_undef
  const oclstm_layer *layer = r->c->layer;
  const dnnl_prop_kind_t kind = dnnl_forward_inference;
  const dnnl_rnn_direction_t direction = direction_of(layer);
  const bool relu = layer->activation[0][OCLSTM_ROLE_CANDIDATE].kind == OCLSTM_ACT_RELU;
  if (layer->kind == OCLSTM_LSTM) {
    DNNL(dnnl_lstm_forward_desc_init_v3(rnn, kind, direction, DESC(SRC), DESC(SRC_H), DESC(SRC_C),
                                        DESC(W_LAYER), DESC(W_ITER), DESC(W_PEEPHOLE), DESC(W_PROJECTION),
                                        DESC(BIAS), DESC(DST), DESC(DST_H), DESC(DST_C),
                                        dnnl_rnn_flags_undef));
  } else if (layer->kind == OCLSTM_RNN) {
    DNNL(dnnl_vanilla_rnn_forward_desc_init(rnn, kind, relu ? dnnl_eltwise_relu : dnnl_eltwise_tanh,
                                            direction, PLAIN, 0.0F, 0.0F));
  } else if (layer->linear_before_reset) {
    DNNL(dnnl_lbr_gru_forward_desc_init(rnn, kind, direction, PLAIN));
  } else {
    DNNL(dnnl_gru_forward_desc_init(rnn, kind, direction, PLAIN));
  }
#undef PLAIN
#undef DESC
}

static void execute(const run *r) {
  dnnl_rnn_desc_t rnn;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_stream_t stream = NULL;
  dnnl_exec_arg_t args[MAX_ARGS];
  int n = 0;
  for (size_t k = 0; k < MAX_ARGS; ++k) {
    if (r->arguments[k].present) {
      args[n++] = (dnnl_exec_arg_t){r->arguments[k].id, r->arguments[k].memory};
    }
  }
  describe(r, &rnn);
  DNNL(dnnl_primitive_desc_create(&desc, &rnn, NULL, r->engine, NULL));
  DNNL(dnnl_primitive_create(&primitive, desc));
  DNNL(dnnl_stream_create(&stream, r->engine, dnnl_stream_default_flags));
  DNNL(dnnl_primitive_execute(primitive, stream, n, args));
  DNNL(dnnl_stream_wait(stream));
  DNNL(dnnl_stream_destroy(stream));
  DNNL(dnnl_primitive_destroy(primitive));
  DNNL(dnnl_primitive_desc_destroy(desc));
}

void onednn_run(const onednn_case *c, test_result *result) {
  const oclstm_layer *layer = c->layer;
  run r = {.c = c, .T = c->job->T, .B = c->job->B, .I = layer->input_size, .H = layer->hidden_size};
  r.R = oclstm_layer_state_size(layer);
  r.D = oclstm_layer_directions(layer);
  r.W = oclstm_layer_output_size(layer);
  r.G = layer->kind == OCLSTM_LSTM ? 4 : layer->kind == OCLSTM_GRU ? 3 : 1;
  DNNL(dnnl_engine_create(&r.engine, dnnl_cpu, 0));
  add_all(&r);
  execute(&r);
  memcpy(result->y, r.arguments[DST].data, r.T * r.B * r.W * sizeof(float));
  memcpy(result->hn, r.arguments[DST_H].data, r.D * r.B * r.R * sizeof(float));
  if (r.arguments[DST_C].present) {
    memcpy(result->cn, r.arguments[DST_C].data, r.D * r.B * r.H * sizeof(float));
  }
  for (size_t k = 0; k < MAX_ARGS; ++k) {
    if (r.arguments[k].present) {
      DNNL(dnnl_memory_destroy(r.arguments[k].memory));
      free(r.arguments[k].data);
    }
  }
  DNNL(dnnl_engine_destroy(r.engine));
}

const char *onednn_version(void) {
  static char text[32];
  const dnnl_version_t *v = dnnl_version();
  (void)snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
  return text;
}
