/* States on the device.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"

static oclstm_status create_cell(const oclstm__cl *cl, const oclstm_layer *layer, size_t rows,
                                 oclstm_precision precision, oclstm__cell_state *cell, uint64_t *device_bytes,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t h_bytes =
      rows * oclstm__padded_units(oclstm_layer_state_size(layer)) * oclstm__stored_bytes(precision);
  size_t c_bytes = rows * oclstm__padded_units(oclstm__cell_size(layer)) * sizeof(float);
  for (size_t k = 0; k < 2; ++k) {
    TRY(oclstm__buffer_create(cl, h_bytes, "h", &cell->h[k], device_bytes, error));
    if (c_bytes > 0) {
      TRY(oclstm__buffer_create(cl, c_bytes, "c", &cell->c[k], device_bytes, error));
    }
  }
done:
  return status;
}

/* Most units, padded, of any layer. */
static size_t widest(const oclstm_model *model) {
  size_t HP = 0;
  for (size_t l = 0; l < model->n_layers; ++l) {
    HP = oclstm__max(HP, oclstm__padded_units(model->layers[l].hidden_size));
  }
  return HP;
}

oclstm_status oclstm__cl_state_create(const oclstm_plan *plan, oclstm_state **state, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_context *context = plan->context;
  const oclstm_model *model = plan->model;
  size_t rows = plan->desc.rows;
  const oclstm__cl *cl = oclstm__cl_of(context);
  oclstm_state *base = NULL;
  oclstm__cl_state *s = oclstm__alloc(&context->allocator, 1, sizeof *s);
  REQUIRE(s != NULL, OCLSTM_E_MEMORY, "state: %zu bytes", sizeof *s);
  base = &s->base;
  *base = (struct oclstm_state){context, model, rows, plan->desc.precision};
  s->cells = oclstm__alloc(&context->allocator, 2 * model->n_layers, sizeof *s->cells);
  s->padded = oclstm__alloc(&context->allocator, rows, widest(model) * sizeof *s->padded);
  REQUIRE(s->cells != NULL && s->padded != NULL, OCLSTM_E_MEMORY, "state of %zu layers and %zu rows",
          model->n_layers, rows);
  for (size_t l = 0; l < model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&model->layers[l]); ++d) {
      TRY(create_cell(cl, &model->layers[l], rows, base->precision, &s->cells[2 * l + d], &s->device_bytes,
                      error));
    }
  }
  TRY(oclstm__cl_state_set(base, NULL, NULL, error));
  *state = base;
  base = NULL;
done:
  oclstm_state_destroy(&base);
  return status;
}

void oclstm__cl_state_destroy(oclstm_state *state) {
  oclstm__cl_state *s = oclstm__cl_state_of(state);
  for (size_t k = 0; s->cells != NULL && k < 2 * state->model->n_layers; ++k) {
    for (size_t n = 0; n < 2; ++n) {
      oclstm__buffer_release(&s->cells[k].h[n]);
      oclstm__buffer_release(&s->cells[k].c[n]);
    }
  }
  oclstm__free(&state->context->allocator, s->padded);
  oclstm__free(&state->context->allocator, s->cells);
  oclstm__free(&state->context->allocator, s);
}

/* ---- setting and reading ---- */

/* h or c of one direction of one layer: rows of `width` floats on the host, padded and in a precision on the device. */
typedef struct part {
  cl_mem buffer;
  size_t width;
  oclstm_precision precision;
  const oclstm_array *initial; /* [width], or absent */
} part;

static part part_of(const oclstm__cl_state *s, size_t l, size_t d, bool h) {
  const oclstm_layer *layer = &s->base.model->layers[l];
  const oclstm_weights *w = &s->base.model->weights[2 * l + d];
  const oclstm__cell_state *cell = &s->cells[2 * l + d];
  if (h) {
    return (part){cell->h[cell->current], oclstm_layer_state_size(layer), s->base.precision, &w->initial_h};
  }
  return (part){cell->c[cell->current], oclstm__cell_size(layer), OCLSTM_PRECISION_F32, &w->initial_c};
}

/* values NULL: the initial state. Whole buffers are written, padding and all: a checker of uninitialised memory
 * (Oclgrind 21.10) takes a partly written buffer for an unwritten one. */
static oclstm_status set_part(oclstm__cl_state *state, part p, const float *values, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__cl_of(state->base.context);
  size_t padded = oclstm__padded_units(p.width);
  size_t count = state->base.rows * padded;
  size_t bytes = count * oclstm__stored_bytes(p.precision);
  if (values == NULL && p.initial->data == NULL) {
    TRY(oclstm__buffer_clear(cl, p.buffer, bytes, error));
    goto done;
  }
  memset(state->padded, 0, count * sizeof(float));
  for (size_t b = 0; b < state->base.rows; ++b) {
    if (values != NULL) {
      memcpy(state->padded + b * padded, values + b * p.width, p.width * sizeof(float));
    } else {
      oclstm__array_f32(p.initial, 0, p.width, state->padded + b * padded);
    }
  }
  oclstm__to_stored(p.precision, state->padded, count, state->padded);
  TRY(oclstm__cl_write(cl, p.buffer, CL_TRUE, 0, bytes, state->padded, error));
done:
  return status;
}

static oclstm_status get_part(oclstm__cl_state *state, part p, float *values, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__cl_of(state->base.context);
  size_t padded = oclstm__padded_units(p.width);
  size_t count = state->base.rows * padded;
  TRY(oclstm__cl_read(cl, p.buffer, count * oclstm__stored_bytes(p.precision), state->padded, error));
  oclstm__from_stored(p.precision, state->padded, count, state->padded);
  for (size_t b = 0; b < state->base.rows; ++b) {
    memcpy(values + b * p.width, state->padded + b * padded, p.width * sizeof(float));
  }
done:
  return status;
}

/* One array of all parts, in the order of oclstm_state_set; values NULL: the initial state. */
static oclstm_status set_all(oclstm__cl_state *s, bool h, const float *values, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; l < s->base.model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&s->base.model->layers[l]); ++d) {
      const part p = part_of(s, l, d, h);
      if (p.width > 0) {
        TRY(set_part(s, p, values, error));
        values = values != NULL ? values + s->base.rows * p.width : NULL;
      }
    }
  }
done:
  return status;
}

static oclstm_status get_all(oclstm__cl_state *s, bool h, float *values, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; values != NULL && l < s->base.model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&s->base.model->layers[l]); ++d) {
      const part p = part_of(s, l, d, h);
      if (p.width > 0) {
        TRY(get_part(s, p, values, error));
        values += s->base.rows * p.width;
      }
    }
  }
done:
  return status;
}

oclstm_status oclstm__cl_state_set(oclstm_state *state, const float *h, const float *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(set_all(oclstm__cl_state_of(state), true, h, error));
  TRY(set_all(oclstm__cl_state_of(state), false, c, error));
done:
  return status;
}

oclstm_status oclstm__cl_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(get_all(oclstm__cl_state_of(state), true, h, error));
  TRY(get_all(oclstm__cl_state_of(state), false, c, error));
done:
  return status;
}
