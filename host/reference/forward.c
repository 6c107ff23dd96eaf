/* The walk of a sweep: layer by layer, direction by direction, step by step, row by row.
 * SPDX-License-Identifier: MIT */
#include "reference/reference.h"

/* One sweep under way. Sequences in double are [n,B,width], time-major, whatever the layout of the caller's arrays. */
typedef struct walk {
  oclstm__reference_plan *plan;
  oclstm__reference_state *state;
  const oclstm__sweep *sweep;
  size_t rows;
  const double *from; /* what the layer reads; NULL: the sweep's input */
} walk;

/* One direction of one layer, and which columns of the results are its own. */
typedef struct one_way {
  const oclstm__cell *cell;
  bool reverse;
  double *h, *c; /* [B,R], [B,H] */
  double *to;    /* [n,B,to_width], from column `to_column` on */
  size_t to_width, to_column;
  float *cells; /* [n,B,cells_width] in the caller's layout, or NULL */
  size_t cells_width, cells_column;
} one_way;

static bool is_active(const walk *w, size_t t, size_t b) {
  return w->sweep->lengths == NULL || t < (size_t)w->sweep->lengths[b];
}

/* Index of row (t, b) in the caller's arrays. */
static size_t place(const walk *w, size_t t, size_t b) {
  return w->sweep->layout == OCLSTM_TIME_MAJOR ? t * w->rows + b : b * w->sweep->steps + t;
}

static const double *input_row(const walk *w, size_t I, size_t t, size_t b) {
  if (w->from != NULL) {
    return w->from + (t * w->rows + b) * I;
  }
  const float *x = (const float *)w->sweep->input + place(w, t, b) * I;
  for (size_t k = 0; k < I; ++k) {
    w->plan->x[k] = x[k];
  }
  return w->plan->x;
}

/* ---- one direction ---- */

static void write_row(const walk *w, const one_way *way, size_t t, size_t b, bool active) {
  const oclstm__cell *cell = way->cell;
  double *to = way->to + (t * w->rows + b) * way->to_width + way->to_column;
  for (size_t j = 0; j < cell->R; ++j) {
    to[j] = active ? way->h[b * cell->R + j] : 0.0;
  }
  if (way->cells != NULL) {
    float *cells = way->cells + place(w, t, b) * way->cells_width + way->cells_column;
    for (size_t j = 0; j < cell->H; ++j) {
      cells[j] = active ? (float)way->c[b * cell->H + j] : 0.0F;
    }
  }
}

/* A row that is not active keeps h and c, so the reverse direction starts at each row's own last step. */
static void walk_one_way(const walk *w, const one_way *way) {
  const oclstm__cell *cell = way->cell;
  for (size_t k = 0; k < w->sweep->steps; ++k) {
    size_t t = way->reverse ? w->sweep->steps - 1 - k : k;
    for (size_t b = 0; b < w->rows; ++b) {
      bool active = is_active(w, t, b);
      if (active) {
        oclstm__cell_step(cell, input_row(w, cell->I, t, b), way->h + b * cell->R, way->c + b * cell->H);
      }
      write_row(w, way, t, b, active);
    }
  }
}

/* ---- one layer ---- */

/* The columns of the reverse direction, which an earlier sweep computed. */
static void take_other_half(const walk *w, size_t R, double *to) {
  for (size_t t = 0; t < w->sweep->steps; ++t) {
    for (size_t b = 0; b < w->rows; ++b) {
      double *row = to + (t * w->rows + b) * 2 * R + R;
      for (size_t r = 0; r < R; ++r) {
        row[r] = is_active(w, t, b) ? (double)w->sweep->other[place(w, t, b) * R + r] : 0.0;
      }
    }
  }
}

/* Runs one layer; returns the width of what it wrote. */
static size_t walk_layer(const walk *w, size_t l, double *to) {
  const oclstm__sweep *sweep = w->sweep;
  const oclstm_layer *layer = &w->plan->base.model->layers[l];
  size_t H = layer->hidden_size;
  size_t R = oclstm_layer_state_size(layer);
  size_t D = oclstm_layer_directions(layer);
  bool half = sweep->part != OCLSTM__WHOLE && l == sweep->first_layer;
  bool last = l + 1 == sweep->first_layer + sweep->n_layers;
  size_t first = half && sweep->part == OCLSTM__REVERSE_HALF ? 1 : 0;
  size_t end = half && sweep->part == OCLSTM__FORWARD_HALF ? 1 : D;
  size_t to_width = half && sweep->part == OCLSTM__REVERSE_HALF ? R : D * R;
  for (size_t d = first; d < end; ++d) {
    one_way way = {
        .cell = &w->plan->cells[2 * l + d],
        .reverse = d == 1 || layer->direction == OCLSTM_REVERSE,
        .to = to,
        .to_width = to_width,
        .to_column = (d - first) * R,
        .cells = last ? sweep->cells : NULL,
        .cells_width = half ? H : D * H,
        .cells_column = (d - first) * H,
    };
    oclstm__reference_state_at(w->state, l, d, &way.h, &way.c);
    walk_one_way(w, &way);
  }
  if (half && sweep->part == OCLSTM__FORWARD_HALF) {
    take_other_half(w, R, to);
  }
  return to_width;
}

/* ---- behind the last layer ---- */

/* y = h W^T + b where a row is active, 0 elsewhere. */
static size_t walk_head(const walk *w, size_t width, double *to) {
  const oclstm__reference_plan *plan = w->plan;
  size_t O = plan->base.model->head_size;
  for (size_t t = 0; t < w->sweep->steps; ++t) {
    for (size_t b = 0; b < w->rows; ++b) {
      const double *h = input_row(w, width, t, b);
      for (size_t o = 0; o < O; ++o) {
        double sum = plan->head_b[o];
        for (size_t k = 0; k < width; ++k) {
          sum += plan->head_W[o * width + k] * h[k];
        }
        to[(t * w->rows + b) * O + o] = is_active(w, t, b) ? sum : 0.0;
      }
    }
  }
  return O;
}

static void write_output(const walk *w, size_t width) {
  for (size_t t = 0; t < w->sweep->steps; ++t) {
    for (size_t b = 0; b < w->rows; ++b) {
      float *y = w->sweep->output + place(w, t, b) * width;
      for (size_t k = 0; k < width; ++k) {
        y[k] = (float)w->from[(t * w->rows + b) * width + k];
      }
    }
  }
}

oclstm_status oclstm__reference_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                      oclstm_error *error) {
  (void)error;
  walk w = {(oclstm__reference_plan *)plan, (oclstm__reference_state *)state, sweep, plan->desc.rows, NULL};
  size_t width = oclstm_layer_output_size(&plan->model->layers[plan->model->n_layers - 1]);
  size_t turn = 0;
  for (size_t l = sweep->first_layer; l < sweep->first_layer + sweep->n_layers; ++l, turn ^= 1) {
    width = walk_layer(&w, l, w.plan->sequences[turn]);
    w.from = w.plan->sequences[turn];
  }
  if (sweep->head && sweep->output != NULL) {
    width = walk_head(&w, width, w.plan->sequences[turn]);
    w.from = w.plan->sequences[turn];
  }
  if (sweep->output != NULL && w.from != NULL) { /* a sweep has a layer, or the head */
    write_output(&w, width);
    w.plan->output = w.from;
  }
  return OCLSTM_OK;
}
