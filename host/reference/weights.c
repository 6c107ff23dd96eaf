/* The weights of one direction of one layer in double precision, and the scratch of its steps.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

/* Where the arrays of a description go. Initial states are not here: they belong to states. */
static const struct {
  size_t from; /* of an oclstm_array in oclstm_weights */
  size_t to;   /* of a double * in oclstm__cell */
} PLACES[] = {
    {offsetof(oclstm_weights, W_ih), offsetof(oclstm__cell, W_ih)},
    {offsetof(oclstm_weights, W_hh), offsetof(oclstm__cell, W_hh)},
    {offsetof(oclstm_weights, b_ih), offsetof(oclstm__cell, b_ih)},
    {offsetof(oclstm_weights, b_hh), offsetof(oclstm__cell, b_hh)},
    {offsetof(oclstm_weights, W_hr), offsetof(oclstm__cell, W_hr)},
    {offsetof(oclstm_weights, peephole), offsetof(oclstm__cell, peephole)},
    {offsetof(oclstm_weights, norm_ih), offsetof(oclstm__cell, norm_ih)},
    {offsetof(oclstm_weights, norm_hh), offsetof(oclstm__cell, norm_hh)},
    {offsetof(oclstm_weights, norm_c), offsetof(oclstm__cell, norm_c)},
    {offsetof(oclstm_weights, norm_c_bias), offsetof(oclstm__cell, norm_c_bias)},
    {offsetof(oclstm_weights, norm_gates), offsetof(oclstm__cell, norm_gates)},
};
enum { N_PLACES = sizeof PLACES / sizeof PLACES[0] };

static double **place(oclstm__cell *cell, size_t k) {
  return (double **)(void *)((char *)cell + PLACES[k].to);
}

/* Where an array of this member goes, or NULL. */
static double **place_of(oclstm__cell *cell, size_t member) {
  for (size_t k = 0; k < N_PLACES; ++k) {
    if (PLACES[k].from == member) {
      return place(cell, k);
    }
  }
  return NULL;
}

static double *take(const oclstm_allocator *allocator, size_t count, uint64_t *bytes) {
  double *memory = oclstm__alloc(allocator, count, sizeof *memory);
  *bytes += memory != NULL ? count * sizeof *memory : 0;
  return memory;
}

/* to [columns,rows] = the array [rows,columns] transposed; a vector (columns 0) stays one. */
static void transpose(const oclstm_array *array, size_t rows, size_t columns, double *to) {
  columns = columns != 0 ? columns : 1;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < columns; ++k) {
      to[k * rows + r] = oclstm__array_at(array, r * columns + k);
    }
  }
}

static oclstm_status take_arrays(oclstm__cell *cell, const oclstm_allocator *allocator,
                                 const oclstm_weights *weights, uint64_t *bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(cell->layer, specs);
  oclstm_weights from = *weights;
  for (size_t k = 0; k < n; ++k) {
    double **to = place_of(cell, specs[k].member);
    if (to != NULL) {
      *to = take(allocator, oclstm__spec_count(&specs[k]), bytes);
      REQUIRE(*to != NULL, OCLSTM_E_MEMORY, "%s in double precision: %zu elements", specs[k].name,
              oclstm__spec_count(&specs[k]));
      transpose(oclstm__spec_array(&specs[k], &from), specs[k].rows, specs[k].columns, *to);
    }
  }
done:
  return status;
}

/* A bias that the layer does not have is zeros. */
static oclstm_status take_biases(oclstm__cell *cell, const oclstm_allocator *allocator, uint64_t *bytes,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cell->b_ih = cell->b_ih != NULL ? cell->b_ih : take(allocator, cell->GH, bytes);
  cell->b_hh = cell->b_hh != NULL ? cell->b_hh : take(allocator, cell->GH, bytes);
  REQUIRE(cell->b_ih != NULL && cell->b_hh != NULL, OCLSTM_E_MEMORY, "biases: %zu elements each", cell->GH);
done:
  return status;
}

static oclstm_status take_step(oclstm__cell *cell, const oclstm_allocator *allocator, uint64_t *bytes,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__step *s = &cell->step;
  size_t GH = cell->GH;
  size_t H = cell->H;
  size_t count = 4 * GH + 3 * H + cell->R;
  s->memory = take(allocator, count, bytes);
  REQUIRE(s->memory != NULL, OCLSTM_E_MEMORY, "scratch of a step: %zu elements", count);
  s->xw = s->memory;
  s->hw = s->xw + GH;
  s->p = s->hw + GH;
  s->gates = s->p + GH;
  s->c_new = s->gates + GH;
  s->seen = s->c_new + H;
  s->m = s->seen + H;
  s->h_new = s->m + H;
done:
  return status;
}

oclstm_status oclstm__cell_create(oclstm__cell *cell, const oclstm_allocator *allocator,
                                  const oclstm_layer *layer, size_t direction, const oclstm_weights *weights,
                                  uint64_t *bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cell->layer = layer;
  cell->I = layer->input_size;
  cell->H = layer->hidden_size;
  cell->R = oclstm_layer_state_size(layer);
  cell->GH = oclstm__gates(layer->kind) * cell->H;
  for (size_t role = 0; role < OCLSTM_N_ROLES; ++role) {
    cell->activation[role] = oclstm__activation(layer, direction, role);
  }
  TRY(take_arrays(cell, allocator, weights, bytes, error));
  TRY(take_biases(cell, allocator, bytes, error));
  TRY(take_step(cell, allocator, bytes, error));
done:
  return status;
}

void oclstm__cell_destroy(oclstm__cell *cell, const oclstm_allocator *allocator) {
  for (size_t k = 0; k < N_PLACES; ++k) {
    oclstm__free(allocator, *place(cell, k));
  }
  oclstm__free(allocator, cell->step.memory);
}
