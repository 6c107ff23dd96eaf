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
  oclstm_merge
      merge;    /* with what stands in `to`: not CONCAT in the second direction of a layer that merges */
  float *cells; /* [n,B,cells_width] in the caller's layout, or NULL */
  size_t cells_width, cells_column;
} one_way;

static size_t valid_steps(const walk *w, size_t b) {
  return w->sweep->lengths == NULL ? w->sweep->steps : (size_t)w->sweep->lengths[b];
}

static bool is_active(const walk *w, size_t t, size_t b) {
  return t < valid_steps(w, b);
}

/* Index of row (t, b) in the caller's arrays. */
static size_t place(const walk *w, size_t t, size_t b) {
  return w->sweep->layout == OCLSTM_TIME_MAJOR ? t * w->rows + b : b * w->sweep->steps + t;
}

/* ---- what a layer reads ---- */

static const double *embedded_row(const walk *w, size_t I, size_t t, size_t b) {
  size_t id = (size_t)((const int32_t *)w->sweep->input)[place(w, t, b)];
  for (size_t k = 0; k < I; ++k) {
    w->plan->x[k] = oclstm__array_at(&w->plan->base.model->embedding, id * I + k);
  }
  return w->plan->x;
}

/* Row (t, b), which is active: padding is never read. */
static const double *input_row(const walk *w, size_t I, size_t t, size_t b) {
  const oclstm__sweep *sweep = w->sweep;
  if (w->from != NULL) {
    return w->from + (t * w->rows + b) * I;
  }
  if (w->plan->base.model->embedding_size != 0 && sweep->first_layer == 0 && sweep->n_layers > 0) {
    return embedded_row(w, I, t, b);
  }
  const float *x = (const float *)sweep->input + place(w, t, b) * I;
  for (size_t k = 0; k < I; ++k) {
    w->plan->x[k] = (double)x[k];
  }
  return w->plan->x;
}

/* ---- one direction ---- */

/* What stands in a column, and what comes to it. */
static double merged(oclstm_merge merge, double forward, double reverse) {
  switch (merge) {
    case OCLSTM_CONCAT: break;
    case OCLSTM_SUM: return forward + reverse;
    case OCLSTM_MUL: return forward * reverse;
    case OCLSTM_AVERAGE: return (forward + reverse) / 2.0;
  }
  return reverse;
}

/* Where step t of row b stands in y and cells: a go_backwards layer gives them in the order of processing. */
static size_t landing(const walk *w, const one_way *way, size_t t, size_t b) {
  return way->cell->layer->go_backwards && is_active(w, t, b) ? valid_steps(w, b) - 1 - t : t;
}

static void write_row(const walk *w, const one_way *way, size_t t, size_t b) {
  const oclstm__cell *cell = way->cell;
  const bool active = is_active(w, t, b);
  const size_t at = landing(w, way, t, b);
  double *to = way->to + (at * w->rows + b) * way->to_width + way->to_column;
  for (size_t j = 0; j < cell->R; ++j) {
    to[j] = merged(way->merge, to[j], active ? way->h[b * cell->R + j] : 0.0);
  }
  if (way->cells != NULL && way->c != NULL) {
    float *cells = way->cells + place(w, at, b) * way->cells_width + way->cells_column;
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
      if (is_active(w, t, b)) {
        double *c = way->c != NULL ? way->c + b * cell->H : NULL;
        oclstm__cell_step(cell, input_row(w, cell->I, t, b), way->h + b * cell->R, c);
      }
      write_row(w, way, t, b);
    }
  }
}

/* ---- one layer ---- */

/* The reverse direction, which an earlier sweep computed, into the forward one's result [n,B,width]. */
static void take_other_half(const walk *w, const oclstm_layer *layer, double *to, size_t width) {
  const size_t R = oclstm_layer_state_size(layer);
  for (size_t t = 0; t < w->sweep->steps; ++t) {
    for (size_t b = 0; b < w->rows; ++b) {
      const float *other = w->sweep->other + place(w, t, b) * R;
      double *row = to + (t * w->rows + b) * width + (layer->merge == OCLSTM_CONCAT ? R : 0);
      for (size_t r = 0; r < R; ++r) {
        row[r] = merged(layer->merge, row[r], is_active(w, t, b) ? (double)other[r] : 0.0);
      }
    }
  }
}

/* Direction d of layer l, the `order`-th that this sweep walks. */
static one_way way_of(const walk *w, size_t l, size_t d, size_t order, double *to, size_t width) {
  const oclstm__sweep *sweep = w->sweep;
  const oclstm_layer *layer = &w->plan->base.model->layers[l];
  const bool half = sweep->part != OCLSTM__WHOLE && l == sweep->first_layer;
  const bool last = l + 1 == sweep->first_layer + sweep->n_layers;
  const bool beside = layer->merge == OCLSTM_CONCAT;
  one_way way = {
      .cell = &w->plan->cells[2 * l + d],
      .reverse = d == 1 || layer->direction == OCLSTM_REVERSE,
      .to = to,
      .to_width = width,
      .to_column = beside ? order * oclstm_layer_state_size(layer) : 0,
      .merge = order == 0 ? OCLSTM_CONCAT : layer->merge,
      .cells = last ? sweep->cells : NULL,
      .cells_width = (half ? 1 : oclstm_layer_directions(layer)) * layer->hidden_size,
      .cells_column = order * layer->hidden_size,
  };
  oclstm__reference_state_at(w->state, l, d, &way.h, &way.c);
  return way;
}

/* Runs one layer; returns the width of what it wrote. */
static size_t walk_layer(const walk *w, size_t l, double *to) {
  const oclstm__sweep *sweep = w->sweep;
  const oclstm_layer *layer = &w->plan->base.model->layers[l];
  const bool half = sweep->part != OCLSTM__WHOLE && l == sweep->first_layer;
  const bool reverse_half = half && sweep->part == OCLSTM__REVERSE_HALF;
  const bool forward_half = half && sweep->part == OCLSTM__FORWARD_HALF;
  const size_t first = reverse_half ? 1 : 0;
  const size_t end = forward_half ? 1 : oclstm_layer_directions(layer);
  const size_t width = reverse_half ? oclstm_layer_state_size(layer) : oclstm_layer_output_size(layer);
  for (size_t d = first; d < end; ++d) {
    one_way way = way_of(w, l, d, d - first, to, width);
    walk_one_way(w, &way);
  }
  if (forward_half) {
    take_other_half(w, layer, to, width);
  }
  return width;
}

/* ---- behind the last layer ---- */

/* y = h W^T + b */
static void head_row(const oclstm__reference_plan *plan, const double *h, size_t width, double *y) {
  for (size_t o = 0; o < plan->base.model->head_size; ++o) {
    double sum = plan->head_b[o];
    for (size_t k = 0; k < width; ++k) {
      sum += plan->head_W[o * width + k] * h[k];
    }
    y[o] = sum;
  }
}

/* Where a row is active; 0 elsewhere. */
static size_t walk_head(const walk *w, size_t width, double *to) {
  const size_t O = w->plan->base.model->head_size;
  for (size_t t = 0; t < w->sweep->steps; ++t) {
    for (size_t b = 0; b < w->rows; ++b) {
      double *y = to + (t * w->rows + b) * O;
      if (is_active(w, t, b)) {
        head_row(w->plan, input_row(w, width, t, b), width, y);
      }
      for (size_t o = 0; o < O && !is_active(w, t, b); ++o) {
        y[o] = 0.0;
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
