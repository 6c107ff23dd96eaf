/* h and c of one batch, kept in double precision.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

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
  REQUIRE(s->h != NULL && s->c != NULL, OCLSTM_E_MEMORY, "state of %zu rows, %zu + %zu doubles each", rows,
          oclstm_model_h_size(model), oclstm_model_c_size(model));
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

static void widen(const float *from, size_t count, double *to) {
  for (size_t k = 0; k < count; ++k) {
    to[k] = from != NULL ? (double)from[k] : 0.0;
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
  widen(h, s->h_count, s->h);
  widen(c, s->c_count, s->c);
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
    c_before += directions * at->hidden_size;
  }
  *h = state->h + h_before * state->base.rows;
  *c = state->c + c_before * state->base.rows;
}
