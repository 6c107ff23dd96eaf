/* h and c of one batch, kept in double precision.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

/* Which of the two arrays. */
typedef enum part { H_OF_STATE, C_OF_STATE } part;

static size_t part_size(const oclstm_layer *layer, part which) {
  return which == H_OF_STATE ? oclstm_layer_state_size(layer) : oclstm__cell_size(layer);
}

/* What a new state begins with: the model's own values in every row, or zeros. */
static void set_initial(oclstm__reference_state *s, part which) {
  const oclstm_model *model = s->base.model;
  double *to = which == H_OF_STATE ? s->h : s->c;
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    const oclstm_layer *layer = &model->layers[k / 2];
    const oclstm_weights *weights = &model->weights[k];
    const oclstm_array *initial = which == H_OF_STATE ? &weights->initial_h : &weights->initial_c;
    size_t n = k % 2 < oclstm_layer_directions(layer) ? part_size(layer, which) : 0;
    for (size_t e = 0; e < n * s->base.rows; ++e) {
      *to++ = initial->data != NULL ? oclstm__array_at(initial, e % n) : 0.0;
    }
  }
}

static void widen(const float *from, size_t count, double *to) {
  for (size_t k = 0; k < count; ++k) {
    to[k] = (double)from[k];
  }
}

oclstm_status oclstm__reference_state_create(const oclstm_plan *plan, oclstm_state **state,
                                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_context *context = plan->context;
  const oclstm_model *model = plan->model;
  size_t rows = plan->desc.rows;
  oclstm__reference_state *s = oclstm__alloc(&context->allocator, 1, sizeof *s);
  REQUIRE(s != NULL, OCLSTM_E_MEMORY, "state: %zu bytes", sizeof *s);
  s->base.context = context;
  s->base.model = model;
  s->base.rows = rows;
  s->base.precision = plan->desc.precision;
  if (oclstm__mul(rows, oclstm_model_h_size(model), &s->h_count) &&
      oclstm__mul(rows, oclstm_model_c_size(model), &s->c_count)) {
    s->h = oclstm__alloc(&context->allocator, s->h_count, sizeof *s->h);
    s->c = oclstm__alloc(&context->allocator, s->c_count, sizeof *s->c);
  }
  REQUIRE(s->h != NULL && (s->c != NULL || oclstm_model_c_size(model) == 0), OCLSTM_E_MEMORY,
          "state of %zu rows, %zu + %zu doubles each", rows, oclstm_model_h_size(model),
          oclstm_model_c_size(model));
  set_initial(s, H_OF_STATE);
  set_initial(s, C_OF_STATE);
  *state = &s->base;
  s = NULL;
done:
  oclstm__reference_state_destroy((oclstm_state *)s);
  return status;
}

void oclstm__reference_state_destroy(oclstm_state *state) {
  oclstm__reference_state *s = (oclstm__reference_state *)state;
  if (s != NULL) {
    oclstm_allocator allocator = s->base.context->allocator;
    oclstm__free(&allocator, s->h);
    oclstm__free(&allocator, s->c);
    oclstm__free(&allocator, s);
  }
}

static void narrow(const double *from, size_t count, float *to) {
  for (size_t k = 0; to != NULL && k < count; ++k) {
    to[k] = (float)from[k];
  }
}

oclstm_status oclstm__reference_state_set(oclstm_state *state, const float *h, const float *c,
                                          oclstm_error *error) {
  (void)error;
  oclstm__reference_state *s = (oclstm__reference_state *)state;
  if (h != NULL) {
    widen(h, s->h_count, s->h);
  } else {
    set_initial(s, H_OF_STATE);
  }
  if (c != NULL) {
    widen(c, s->c_count, s->c);
  } else {
    set_initial(s, C_OF_STATE);
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__reference_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error) {
  (void)error;
  const oclstm__reference_state *s = (const oclstm__reference_state *)state;
  narrow(s->h, s->h_count, h);
  narrow(s->c, s->c_count, c);
  return OCLSTM_OK;
}

void oclstm__reference_state_at(const oclstm__reference_state *state, size_t layer, size_t direction,
                                double **h, double **c) {
  size_t h_before = 0;
  size_t c_before = 0;
  for (size_t l = 0; l <= layer; ++l) {
    const oclstm_layer *at = &state->base.model->layers[l];
    size_t directions = l < layer ? oclstm_layer_directions(at) : direction;
    h_before += directions * oclstm_layer_state_size(at);
    c_before += directions * oclstm__cell_size(at);
  }
  *h = state->h + h_before * state->base.rows;
  *c = state->c != NULL ? state->c + c_before * state->base.rows : NULL;
}
