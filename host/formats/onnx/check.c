/* The check after an import: a few steps of the chain by the operators' own equations, and of the model by the reference.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/evaluate.h"

enum { T = OCLSTM__CHECK_STEPS, B = OCLSTM__CHECK_ROWS };

/* Both sides compute in double and are rounded to float32 once: 2^-23 apart at most where they agree. Sums that cancel are
 * held to the largest value beside them. */
static const double RELATIVE = 1.3e-7;
static const double OF_LARGEST = 1e-9;

typedef struct checker {
  const oclstm__import *import;
  const oclstm_model *model;
  size_t I, O, width; /* of the model's input and output; the widest sequence between layers */
  float *x, *y;       /* [T,B,I], [T,B,O] */
  int32_t *ids;       /* [T,B] */
  float *h, *c;       /* as oclstm_state_set takes them */
  double *now, *next; /* [T,B,width], in the order of the graph's input */
  double *read, *one; /* [T,B,width]: what a direction reads, and gives */
  double *h_row, *c_row;
  double *work;
  uint64_t seed;
} checker;

/* Knuth's multiplicative generator: from -1 to 1. */
static float draw(checker *k) {
  k->seed = k->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (float)((double)(k->seed >> 40) / (double)(1 << 23) - 1.0);
}

static bool make_room(checker *k) {
  const oclstm_allocator *allocator = &k->import->allocator;
  size_t H = 0;
  size_t work = 0;
  k->I = oclstm_model_input_size(k->model);
  k->O = oclstm_model_output_size(k->model);
  k->width = k->O;
  for (size_t l = 0; l < oclstm_model_n_layers(k->model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(k->model, l);
    size_t wide = oclstm__max(layer->input_size, 2 * layer->hidden_size);
    k->width = oclstm__max(k->width, wide);
    H = oclstm__max(H, layer->hidden_size);
  }
  for (size_t n = 0; n < k->import->n_recurrent; ++n) {
    work = oclstm__max(work, oclstm__evaluate_work(&k->import->recurrent[n]));
  }
  k->x = oclstm__alloc(allocator, T * B * k->I, sizeof *k->x);
  k->y = oclstm__alloc(allocator, T * B * k->O, sizeof *k->y);
  k->ids = oclstm__alloc(allocator, T * B, sizeof *k->ids);
  k->h = oclstm__alloc(allocator, B * oclstm_model_h_size(k->model), sizeof *k->h);
  k->c = oclstm__alloc(allocator, B * oclstm__max(oclstm_model_c_size(k->model), 1), sizeof *k->c);
  double **sequences[] = {&k->now, &k->next, &k->read, &k->one};
  bool made = k->x != NULL && k->y != NULL && k->ids != NULL && k->h != NULL && k->c != NULL;
  for (size_t s = 0; s < sizeof sequences / sizeof sequences[0]; ++s) {
    *sequences[s] = oclstm__alloc(allocator, T * B * k->width, sizeof(double));
    made = made && *sequences[s] != NULL;
  }
  k->h_row = oclstm__alloc(allocator, B * H, sizeof(double));
  k->c_row = oclstm__alloc(allocator, B * H, sizeof(double));
  k->work = oclstm__alloc(allocator, work, sizeof(double));
  return made && k->h_row != NULL && k->c_row != NULL && k->work != NULL;
}

static void free_room(checker *k) {
  void *all[] = {k->x,    k->y,    k->ids, k->h,     k->c,     k->now,
                 k->next, k->read, k->one, k->h_row, k->c_row, k->work};
  for (size_t n = 0; n < sizeof all / sizeof all[0]; ++n) {
    oclstm__free(&k->import->allocator, all[n]);
  }
}

/* Random inputs and states, and the chain's first sequence in `now`. */
static void draw_inputs(checker *k) {
  size_t V = oclstm_model_embedding_size(k->model);
  size_t columns = oclstm_model_layer(k->model, 0)->input_size;
  for (size_t n = 0; n < T * B; ++n) {
    double at = ((double)draw(k) + 1.0) / 2.0 * (double)V;
    k->ids[n] = V != 0 ? (int32_t)fmin(at, (double)V - 1.0) : 0;
    for (size_t j = 0; V != 0 && j < columns; ++j) {
      k->now[n * columns + j] = oclstm__constant_at(k->import->embedding, (size_t)k->ids[n] * columns + j);
    }
  }
  for (size_t n = 0; V == 0 && n < T * B * k->I; ++n) {
    k->x[n] = draw(k);
    k->now[n] = (double)k->x[n];
  }
  for (size_t n = 0; n < B * oclstm_model_h_size(k->model); ++n) {
    k->h[n] = draw(k);
  }
  for (size_t n = 0; n < B * oclstm_model_c_size(k->model); ++n) {
    k->c[n] = draw(k);
  }
}

static void copy_steps(const double *from, size_t width, bool turned, double *to) {
  for (size_t t = 0; t < T; ++t) {
    const double *step = from + (turned ? T - 1 - t : t) * B * width;
    for (size_t n = 0; n < B * width; ++n) {
      to[t * B * width + n] = step[n];
    }
  }
}

/* ---- the chain by ONNX's equations ---- */

static void merge_in(checker *k, const oclstm__chain_layer *layer, size_t H, size_t d, bool both) {
  for (size_t n = 0; n < T * B; ++n) {
    for (size_t j = 0; j < H; ++j) {
      double value = k->one[n * H + j];
      bool concat = !both || layer->merge == OCLSTM_CONCAT;
      double *to = concat ? &k->next[n * (both ? 2 : 1) * H + d * H + j] : &k->next[n * H + j];
      if (concat || d == 0) {
        *to = value;
      } else if (layer->merge == OCLSTM_MUL) {
        *to *= value;
      } else {
        *to = (*to + value) * (layer->merge == OCLSTM_AVERAGE ? 0.5 : 1.0);
      }
    }
  }
}

/* Runs one layer from `now` to `next`, and changes them over. h and c are where its states begin; returns D. */
static size_t run_layer(checker *k, const oclstm__chain_layer *layer, const float *h, const float *c) {
  const oclstm__recurrent *nodes = k->import->recurrent;
  size_t H = nodes[layer->nodes[0]].H;
  size_t D = layer->n_nodes == 2 ? 2 : nodes[layer->nodes[0]].D;
  for (size_t d = 0; d < D; ++d) {
    const oclstm__recurrent *node = &nodes[layer->nodes[layer->n_nodes == 2 ? d : 0]];
    bool turned = node->D == 2 ? d == 1 : node->backwards;
    for (size_t n = 0; n < B * H; ++n) {
      k->h_row[n] = (double)h[d * B * H + n];
      k->c_row[n] = node->kind == OCLSTM_LSTM ? (double)c[d * B * H + n] : 0.0;
    }
    copy_steps(k->now, node->I, turned, k->read);
    oclstm__evaluate(node, node->D == 2 ? d : 0, k->read, k->h_row, k->c_row, k->one, k->work);
    copy_steps(k->one, H, turned, k->read);
    double *swap = k->one;
    k->one = k->read;
    k->read = swap;
    merge_in(k, layer, H, d, D == 2);
  }
  double *swap = k->now;
  k->now = k->next;
  k->next = swap;
  return D;
}

static void run_head(checker *k) {
  const oclstm__head *head = &k->import->head;
  size_t columns = head->W->dims[head->transposed ? 0 : 1];
  for (size_t n = 0; n < T * B; ++n) {
    for (size_t o = 0; o < k->O; ++o) {
      double sum = head->b != NULL ? oclstm__constant_at(head->b, o) : 0.0;
      for (size_t j = 0; j < columns; ++j) {
        size_t at = head->transposed ? j * k->O + o : o * columns + j;
        sum += oclstm__constant_at(head->W, at) * k->now[n * columns + j];
      }
      k->next[n * k->O + o] = sum;
    }
  }
  double *swap = k->now;
  k->now = k->next;
  k->next = swap;
}

static void run_chain(checker *k) {
  const oclstm__import *import = k->import;
  const float *h = k->h;
  const float *c = k->c;
  for (size_t l = 0; l < import->n_layers; ++l) {
    const oclstm__recurrent *node = &import->recurrent[import->chain[l].nodes[0]];
    size_t D = run_layer(k, &import->chain[l], h, c);
    h += D * B * node->H;
    c += node->kind == OCLSTM_LSTM ? D * B * node->H : 0;
  }
  if (import->output.kind == OCLSTM__HEAD) {
    run_head(k);
  }
  copy_steps(k->now, k->O, import->chain[import->n_layers - 1].go_backwards, k->next);
}

/* ---- the model by the reference ---- */

static oclstm_status run_model(const checker *k, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc sizes = OCLSTM_PLAN_DESC_INIT;
  oclstm_io io = OCLSTM_IO_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  device.device = "reference";
  device.allocator = k->import->allocator;
  sizes.rows = B;
  sizes.steps = T;
  io.steps = T;
  io.y = k->y;
  io.x = oclstm_model_embedding_size(k->model) != 0 ? NULL : k->x;
  io.ids = oclstm_model_embedding_size(k->model) != 0 ? k->ids : NULL;
  TRY(oclstm_context_create(&device, &context, error));
  TRY(oclstm_plan_create(context, k->model, &sizes, &plan, error));
  TRY(oclstm_state_create(plan, &state, error));
  TRY(oclstm_state_set(state, k->h, oclstm_model_c_size(k->model) != 0 ? k->c : NULL, error));
  TRY(oclstm_forward(plan, state, &io, error));
done:
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return status;
}

/* The largest |y| of both, of those that are numbers. */
static double largest(const checker *k) {
  double most = 0.0;
  for (size_t n = 0; n < T * B * k->O; ++n) {
    double value = fabs(k->next[n]);
    most = isfinite(value) && value > most ? value : most;
  }
  return most;
}

static oclstm_status compare(const checker *k, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double most = largest(k);
  for (size_t n = 0; n < T * B * k->O; ++n) {
    double expected = (double)(float)k->next[n];
    double found = (double)k->y[n];
    bool agree = expected == found || (isnan(expected) && isnan(found)) ||
                 fabs(expected - found) <= RELATIVE * fabs(expected) + OF_LARGEST * most;
    REQUIRE(agree, OCLSTM_E_MISMATCH,
            "the imported network gives y[%zu,%zu,%zu] = %.9g, the nodes' own equations %.9g", n / k->O / B,
            n / k->O % B, n % k->O, found, expected);
  }
done:
  return status;
}

oclstm_status oclstm__chain_check(const oclstm__import *import, const oclstm_model *model,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  checker k = {.import = import, .model = model, .seed = 1};
  REQUIRE(make_room(&k), OCLSTM_E_MEMORY, "the check of an import: sequences of width %zu", k.width);
  draw_inputs(&k);
  run_chain(&k);
  TRY(run_model(&k, error));
  TRY(compare(&k, error));
done:
  free_room(&k);
  return status;
}
