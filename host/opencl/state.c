/* States on the device.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/plan.h"

static oclstm_status create_cell(const oclstm__cl *cl, const oclstm_layer *layer, size_t rows,
                                 oclstm__cell_state *cell, uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t bytes = rows * oclstm__padded_units(layer->hidden_size) * sizeof(float);
  TRY(oclstm__buffer_create(cl, bytes, "h", &cell->h[0], device_bytes, error));
  TRY(oclstm__buffer_create(cl, bytes, "h", &cell->h[1], device_bytes, error));
  TRY(oclstm__buffer_create(cl, bytes, "c", &cell->c, device_bytes, error));
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
      TRY(create_cell(cl, &model->layers[l], rows, &s->cells[2 * l + d], &s->device_bytes, error));
    }
  }
  *state = base;
  base = NULL;
done:
  oclstm_state_destroy(&base);
  return status;
}

void oclstm__cl_state_destroy(oclstm_state *state) {
  oclstm__cl_state *s = oclstm__cl_state_of(state);
  for (size_t k = 0; s->cells != NULL && k < 2 * state->model->n_layers; ++k) {
    oclstm__buffer_release(&s->cells[k].h[0]);
    oclstm__buffer_release(&s->cells[k].h[1]);
    oclstm__buffer_release(&s->cells[k].c);
  }
  oclstm__free(&state->context->allocator, s->padded);
  oclstm__free(&state->context->allocator, s->cells);
  oclstm__free(&state->context->allocator, s);
}

/* Rows of H floats on the host, of HP on the device. values NULL: zeros. Whole buffers are written, padding and all:
 * a checker of uninitialised memory (Oclgrind 21.10) takes a partly written buffer for an unwritten one. */
static oclstm_status set_rows(oclstm__cl_state *state, cl_mem buffer, size_t H, const float *values,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__cl_of(state->base.context);
  size_t HP = oclstm__padded_units(H);
  size_t bytes = state->base.rows * HP * sizeof(float);
  if (values == NULL) {
    TRY(oclstm__buffer_clear(cl, buffer, bytes, error));
    goto done;
  }
  memset(state->padded, 0, bytes);
  for (size_t b = 0; b < state->base.rows; ++b) {
    memcpy(state->padded + b * HP, values + b * H, H * sizeof(float));
  }
  CL(clEnqueueWriteBuffer(cl->queue, buffer, CL_TRUE, 0, bytes, state->padded, 0, NULL, NULL));
done:
  return status;
}

static oclstm_status get_rows(const oclstm__cl *cl, cl_mem buffer, size_t rows, size_t H, float *values,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t origin[3] = {0, 0, 0};
  const size_t region[3] = {H * sizeof(float), rows, 1};
  size_t pitch = oclstm__padded_units(H) * sizeof(float);
  CL(clEnqueueReadBufferRect(cl->queue, buffer, CL_TRUE, origin, origin, region, pitch, 0, region[0], 0,
                             values, 0, NULL, NULL));
done:
  return status;
}

oclstm_status oclstm__cl_state_set(oclstm_state *state, const float *h, const float *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl_state *s = oclstm__cl_state_of(state);
  for (size_t l = 0; l < state->model->n_layers; ++l) {
    size_t H = state->model->layers[l].hidden_size;
    for (size_t d = 0; d < oclstm_layer_directions(&state->model->layers[l]); ++d) {
      oclstm__cell_state *cell = &s->cells[2 * l + d];
      TRY(set_rows(s, cell->h[cell->current], H, h, error));
      TRY(set_rows(s, cell->c, H, c, error));
      h = h != NULL ? h + state->rows * H : NULL;
      c = c != NULL ? c + state->rows * H : NULL;
    }
  }
done:
  return status;
}

oclstm_status oclstm__cl_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__cl_of(state->context);
  for (size_t l = 0; l < state->model->n_layers; ++l) {
    size_t H = state->model->layers[l].hidden_size;
    for (size_t d = 0; d < oclstm_layer_directions(&state->model->layers[l]); ++d) {
      const oclstm__cell_state *cell = &oclstm__cl_state_of(state)->cells[2 * l + d];
      if (h != NULL) {
        TRY(get_rows(cl, cell->h[cell->current], state->rows, H, h, error));
        h += state->rows * H;
      }
      if (c != NULL) {
        TRY(get_rows(cl, cell->c, state->rows, H, c, error));
        c += state->rows * H;
      }
    }
  }
done:
  return status;
}
