/* The recurrent cell, once: its weights in double precision and one step of one batch row.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

/* ---- weights ---- */

static double *take(const oclstm_allocator *allocator, size_t rows, size_t columns, uint64_t *bytes) {
  size_t count = 0;
  double *memory =
      oclstm__mul(rows, columns, &count) ? oclstm__alloc(allocator, count, sizeof *memory) : NULL;
  *bytes += memory != NULL ? count * sizeof *memory : 0;
  return memory;
}

/* to [columns,rows] = the array [rows,columns] transposed. */
static void transpose(const oclstm_array *array, size_t rows, size_t columns, double *to) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < columns; ++k) {
      to[k * rows + r] = oclstm__array_at(array, r * columns + k);
    }
  }
}

static void add_bias(const oclstm_array *array, size_t rows, double *bias) {
  for (size_t r = 0; array->data != NULL && r < rows; ++r) {
    bias[r] += oclstm__array_at(array, r);
  }
}

oclstm_status oclstm__cell_create(oclstm__cell *cell, const oclstm_allocator *allocator,
                                  const oclstm_layer *layer, const oclstm_weights *weights, uint64_t *bytes,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cell->I = layer->input_size;
  cell->H = layer->hidden_size;
  cell->R = oclstm_layer_state_size(layer);
  cell->GH = oclstm__gates(layer->kind) * cell->H;
  cell->W_ih = take(allocator, cell->I, cell->GH, bytes);
  cell->W_hh = take(allocator, cell->R, cell->GH, bytes);
  cell->bias = take(allocator, 1, cell->GH, bytes);
  cell->gates = take(allocator, 1, cell->GH, bytes);
  REQUIRE(cell->W_ih != NULL && cell->W_hh != NULL && cell->bias != NULL && cell->gates != NULL,
          OCLSTM_E_MEMORY, "weights of a layer of I %zu, H %zu in double precision", cell->I, cell->H);
  transpose(&weights->W_ih, cell->GH, cell->I, cell->W_ih);
  transpose(&weights->W_hh, cell->GH, cell->R, cell->W_hh);
  add_bias(&weights->b_ih, cell->GH, cell->bias);
  add_bias(&weights->b_hh, cell->GH, cell->bias);
done:
  return status;
}

void oclstm__cell_destroy(oclstm__cell *cell, const oclstm_allocator *allocator) {
  oclstm__free(allocator, cell->W_ih);
  oclstm__free(allocator, cell->W_hh);
  oclstm__free(allocator, cell->bias);
  oclstm__free(allocator, cell->gates);
}

/* ---- one step ---- */

static double sigmoid(double a) {
  return 1.0 / (1.0 + exp(-a));
}

/* a[r] += sum over k of W[k][r] v[k], k ascending. */
static void add_product(const double *W, size_t rows, size_t columns, const double *v, double *a) {
  for (size_t k = 0; k < columns; ++k) {
    const double *W_k = W + k * rows;
    for (size_t r = 0; r < rows; ++r) {
      a[r] += W_k[r] * v[k];
    }
  }
}

/* LSTM, rows i, f, g, o:
 *   i, f, o = sigmoid(W_ih x + W_hh h + b)   g = tanh(W_ih x + W_hh h + b)
 *   c' = f c + i g                           h' = o tanh(c')
 * Source: as for oclstm_layer in oclstm.h. */
void oclstm__cell_step(const oclstm__cell *cell, const double *x, double *h, double *c) {
  const size_t H = cell->H;
  double *a = cell->gates;
  for (size_t r = 0; r < cell->GH; ++r) {
    a[r] = cell->bias[r];
  }
  add_product(cell->W_ih, cell->GH, cell->I, x, a);
  add_product(cell->W_hh, cell->GH, cell->R, h, a);
  for (size_t j = 0; j < H; ++j) {
    double i = sigmoid(a[j]);
    double f = sigmoid(a[H + j]);
    double g = tanh(a[2 * H + j]);
    double o = sigmoid(a[3 * H + j]);
    c[j] = f * c[j] + i * g;
    h[j] = o * tanh(c[j]);
  }
}
