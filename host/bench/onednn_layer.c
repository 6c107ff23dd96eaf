/* A layer as a primitive of oneDNN's. Its weights are [L,D,in,G,out] where ours are [G*out,in]; gates i f c o, GRU u r o.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "onednn.h"

/* One bias a gate, but a second one for the candidate of a GRU that is linear before its reset. */
static size_t bias_gates(const bench_shape *s) {
  return s->cell == OCLSTM_GRU && !s->reset_first ? 4 : bench_gates(s->cell);
}

/* Source, weights of any format, bias, destination. */
static dnnl_status_t describe_arguments(const onednn_column *c, size_t l,
                                        onednn_description d[ONEDNN_ARGUMENTS]) {
  const bench_shape *s = c->shape;
  const size_t in = bench_layer_input(s, l), D = s->directions, G = bench_gates(s->cell);
  const size_t source[] = {(size_t)s->T, s->B, in}, destination[] = {(size_t)s->T, s->B, D * s->H};
  const size_t from_layer[] = {1, D, in, G, s->H}, from_iter[] = {1, D, s->H, G, s->H};
  const size_t bias[] = {1, D, bias_gates(s), s->H};
  dnnl_status_t status = onednn_describe(&d[ONEDNN_SOURCE], 3, source, c->type, dnnl_tnc);
  status = status == dnnl_success
               ? onednn_describe(&d[ONEDNN_W_LAYER], 5, from_layer, c->type, dnnl_format_tag_any)
               : status;
  status = status == dnnl_success
               ? onednn_describe(&d[ONEDNN_W_ITER], 5, from_iter, c->type, dnnl_format_tag_any)
               : status;
  status = status == dnnl_success ? onednn_describe(&d[ONEDNN_BIAS], 4, bias, dnnl_f32, dnnl_ldgo) : status;
  return status == dnnl_success ? onednn_describe(&d[ONEDNN_DESTINATION], 3, destination, c->type, dnnl_tnc)
                                : status;
}

#define ROWS_AND_WEIGHTS                                                       \
  onednn_view_of(&d[ONEDNN_SOURCE]), NULL, onednn_view_of(&d[ONEDNN_W_LAYER]), \
      onednn_view_of(&d[ONEDNN_W_ITER]), onednn_view_of(&d[ONEDNN_BIAS]),      \
      onednn_view_of(&d[ONEDNN_DESTINATION]), NULL, dnnl_rnn_flags_undef
#define ROWS_AND_WEIGHTS_OF_LSTM                                                      \
  onednn_view_of(&d[ONEDNN_SOURCE]), NULL, NULL, onednn_view_of(&d[ONEDNN_W_LAYER]),  \
      onednn_view_of(&d[ONEDNN_W_ITER]), NULL, NULL, onednn_view_of(&d[ONEDNN_BIAS]), \
      onednn_view_of(&d[ONEDNN_DESTINATION]), NULL, NULL, dnnl_rnn_flags_undef

static dnnl_status_t create_desc(const onednn_column *c, const onednn_description *d,
                                 dnnl_primitive_desc_t *desc) {
  const dnnl_prop_kind_t kind = dnnl_forward_inference;
  const dnnl_rnn_direction_t way =
      c->shape->directions > 1 ? dnnl_bidirectional_concat : dnnl_unidirectional_left2right;
#if DNNL_VERSION_MAJOR >= 3
  switch (c->shape->cell) {
    case OCLSTM_LSTM:
      return dnnl_lstm_forward_primitive_desc_create(desc, c->engine, kind, way, ROWS_AND_WEIGHTS_OF_LSTM,
                                                     NULL);
    case OCLSTM_GRU:
      return c->shape->reset_first
                 ? dnnl_gru_forward_primitive_desc_create(desc, c->engine, kind, way, ROWS_AND_WEIGHTS, NULL)
                 : dnnl_lbr_gru_forward_primitive_desc_create(desc, c->engine, kind, way, ROWS_AND_WEIGHTS,
                                                              NULL);
    case OCLSTM_RNN: break;
  }
  return dnnl_vanilla_rnn_forward_primitive_desc_create(desc, c->engine, kind, dnnl_eltwise_tanh, way,
                                                        ROWS_AND_WEIGHTS, 0.0F, 0.0F, NULL);
#else
  dnnl_rnn_desc_t rnn;
  dnnl_status_t status = dnnl_success;
  switch (c->shape->cell) {
    case OCLSTM_LSTM:
      status = dnnl_lstm_forward_desc_init_v3(&rnn, kind, way, ROWS_AND_WEIGHTS_OF_LSTM);
      break;
    case OCLSTM_GRU:
      status = c->shape->reset_first ? dnnl_gru_forward_desc_init(&rnn, kind, way, ROWS_AND_WEIGHTS)
                                     : dnnl_lbr_gru_forward_desc_init(&rnn, kind, way, ROWS_AND_WEIGHTS);
      break;
    case OCLSTM_RNN:
      status = dnnl_vanilla_rnn_forward_desc_init(&rnn, kind, dnnl_eltwise_tanh, way, ROWS_AND_WEIGHTS, 0.0F,
                                                  0.0F);
      break;
  }
  return status == dnnl_success ? dnnl_primitive_desc_create(desc, &rnn, NULL, c->engine, NULL) : status;
#endif
}

/* Our gate of oneDNN's gate k. */
static size_t gate_of(const bench_shape *s, size_t k) {
  static const size_t GRU[] = {1, 0, 2};
  return s->cell == OCLSTM_GRU ? GRU[k] : k;
}

/* [1,D,in,G,H] of [G*H,in], then the layout and type that the primitive wants. */
static bool make_matrix(const onednn_column *c, const bench_data *data, size_t l, bool recurrent,
                        onednn_view want, dnnl_memory_t *to, bench_outcome *outcome) {
  const bench_shape *s = c->shape;
  const size_t in = recurrent ? s->H : bench_layer_input(s, l), rows = bench_gates(s->cell) * s->H;
  const size_t sizes[] = {1, s->directions, in, bench_gates(s->cell), s->H};
  dnnl_memory_t plain = NULL;
  float *values = calloc(s->directions * in, rows * sizeof *values);
  if (values == NULL) {
    return bench_fail(outcome, BENCH_FAILED, "no memory for weights of layer %zu", l);
  }
  for (size_t d = 0; d < s->directions; ++d) {
    const bench_weights *w = &data->weights[l * BENCH_DIRECTIONS + d];
    const float *from = recurrent ? w->W_hh : w->W_ih;
    for (size_t row = 0; row < rows; ++row) {
      const float *line = from + (gate_of(s, row / s->H) * s->H + row % s->H) * in;
      for (size_t k = 0; k < in; ++k) {
        values[(d * in + k) * rows + row] = line[k];
      }
    }
  }
  bool good = onednn_make_memory(c, 5, sizes, dnnl_f32, dnnl_ldigo, values, &plain, outcome);
  if (good) {
    dnnl_status_t status = dnnl_memory_create(to, want, c->engine, DNNL_MEMORY_ALLOCATE);
    good = status == dnnl_success ? onednn_reorder(c, plain, *to, outcome)
                                  : onednn_report(status, "dnnl_memory_create", outcome);
  }
  onednn_drop_memory(&plain);
  free(values);
  return good;
}

static bool make_bias(const onednn_column *c, const bench_data *data, size_t l, dnnl_memory_t *to,
                      bench_outcome *outcome) {
  const bench_shape *s = c->shape;
  const size_t gates = bias_gates(s);
  const bool second = gates > bench_gates(s->cell);
  const size_t sizes[] = {1, s->directions, gates, s->H};
  void *memory = NULL;
  if (!onednn_make_memory(c, 4, sizes, dnnl_f32, dnnl_ldgo, NULL, to, outcome)) {
    return false;
  }
  DNNL(dnnl_memory_get_data_handle(*to, &memory));
  float *values = memory;
  for (size_t d = 0; d < s->directions; ++d) {
    const bench_weights *w = &data->weights[l * BENCH_DIRECTIONS + d];
    for (size_t row = 0; row < gates * s->H; ++row) {
      const size_t gate = row / s->H, j = row % s->H;
      const size_t ours = gate_of(s, gate < 3 || !second ? gate : 2) * s->H + j;
      *values++ = !second || gate < 2 ? w->b_ih[ours] + w->b_hh[ours]
                  : gate == 2         ? w->b_ih[ours]
                                      : w->b_hh[ours];
    }
  }
  return true;
}

bool onednn_make_layer(onednn_column *c, const bench_data *data, size_t l, bench_outcome *outcome) {
  onednn_description d[ONEDNN_ARGUMENTS];
  dnnl_primitive_desc_t desc = NULL;
  onednn_layer *to = &c->layers[l];
  memset(d, 0, sizeof d);
  dnnl_status_t status = describe_arguments(c, l, d);
  status = status == dnnl_success ? create_desc(c, d, &desc) : status;
  for (size_t k = 0; k < ONEDNN_ARGUMENTS; ++k) {
    onednn_forget(&d[k]);
  }
  if (status != dnnl_success) {
    return onednn_report(status, "RNN primitive", outcome);
  }
  bool good = make_matrix(c, data, l, false,
                          dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, DNNL_ARG_WEIGHTS_LAYER),
                          &to->memories[ONEDNN_W_LAYER], outcome) &&
              make_matrix(c, data, l, true,
                          dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, DNNL_ARG_WEIGHTS_ITER),
                          &to->memories[ONEDNN_W_ITER], outcome) &&
              make_bias(c, data, l, &to->memories[ONEDNN_BIAS], outcome);
  to->memories[ONEDNN_SOURCE] = c->rows[l];
  to->memories[ONEDNN_DESTINATION] = c->rows[l + 1];
  status = good ? dnnl_primitive_create(&to->primitive, desc) : dnnl_success;
  (void)dnnl_primitive_desc_destroy(desc);
  return status == dnnl_success ? good : onednn_report(status, "dnnl_primitive_create", outcome);
}

void onednn_drop_layer(onednn_layer *layer) {
  if (layer->primitive != NULL) {
    (void)dnnl_primitive_destroy(layer->primitive);
  }
  for (size_t k = ONEDNN_W_LAYER; k <= ONEDNN_BIAS; ++k) {
    onednn_drop_memory(&layer->memories[k]);
  }
}
