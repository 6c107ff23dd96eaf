/* Random networks and rows, and what the reference makes of some of them.
 *
 * Numbers come from one stream of splitmix64 that begins at the seed: number k is mix(seed + (k + 1) * 0x9E3779B97F4A7C15),
 * its upper 24 bits a value of U(-1, 1). First the arrays of layer 0, direction 0 (W_ih, W_hh, b_ih, b_hh, each times
 * 1/sqrt(H)), then of the other directions and layers, then x. Networks with such weights are contractive: differences of
 * rounding die out over the steps instead of growing.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* x and y of a run take so many bytes at most; longer sequences go over the same steps again. */
static const double MOST_HELD_BYTES = 536870912.0;
enum { HELD_MULTIPLE = 4096, LINE = 64 };
/* Operations that the reference may spend on a shape, and how many steps it computes at least. */
static const double REFERENCE_FLOPS = 4e8;
enum { LEAST_CHECKED_STEPS = 4 };

static double next_value(uint64_t *state) {
  *state += 0x9E3779B97F4A7C15ULL;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return (double)(z >> 40) / 8388608.0 - 1.0;
}

/* As libraries allocate their own: at a line of the cache, so that nobody's vectors cross two. NULL without memory. */
static float *allocate(size_t n) {
  const size_t bytes =
      n <= (SIZE_MAX - LINE) / sizeof(float) ? (n * sizeof(float) + LINE - 1) / LINE * LINE : 0;
  return bytes > 0 ? aligned_alloc(LINE, bytes) : NULL;
}

static float *make_array(size_t n, double size, uint64_t *random) {
  float *to = allocate(n);
  for (size_t k = 0; to != NULL && k < n; ++k) {
    to[k] = (float)(size * next_value(random));
  }
  return to;
}

static oclstm_status no_memory(const bench_shape *shape, oclstm_error *error) {
  char text[BENCH_TEXT];
  bench_shape_text(shape, text);
  *error = (oclstm_error){.status = OCLSTM_E_MEMORY};
  (void)snprintf(error->text, sizeof error->text, "no memory for the arrays of %s", text);
  return OCLSTM_E_MEMORY;
}

/* ---- the network ---- */

static bool make_weights(bench_data *data, uint64_t *random) {
  const bench_shape *s = data->shape;
  const double size = 1.0 / sqrt((double)s->H);
  const size_t rows = bench_gates(s->cell) * s->H;
  data->weights = calloc(s->layers * BENCH_DIRECTIONS, sizeof *data->weights);
  for (size_t l = 0; data->weights != NULL && l < s->layers; ++l) {
    for (size_t d = 0; d < s->directions; ++d) {
      bench_weights *w = &data->weights[l * BENCH_DIRECTIONS + d];
      w->W_ih = make_array(rows * bench_layer_input(s, l), size, random);
      w->W_hh = make_array(rows * s->H, size, random);
      w->b_ih = make_array(rows, size, random);
      w->b_hh = make_array(rows, size, random);
      if (w->W_ih == NULL || w->W_hh == NULL || w->b_ih == NULL || w->b_hh == NULL) {
        return false;
      }
    }
  }
  return data->weights != NULL;
}

static oclstm_array array_of(const float *values) {
  return (oclstm_array){values, OCLSTM_F32};
}

static oclstm_status make_model(bench_data *data, oclstm_error *error) {
  const bench_shape *s = data->shape;
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_status status = OCLSTM_OK;
  oclstm_layer *layers = calloc(s->layers, sizeof *layers);
  oclstm_weights *weights = calloc(s->layers * BENCH_DIRECTIONS, sizeof *weights);
  if (layers == NULL || weights == NULL) {
    status = no_memory(s, error);
    goto done;
  }
  for (size_t l = 0; l < s->layers; ++l) {
    layers[l] = (oclstm_layer){.kind = s->cell,
                               .input_size = bench_layer_input(s, l),
                               .hidden_size = s->H,
                               .bias = OCLSTM_BIAS_TWO,
                               .linear_before_reset = s->cell == OCLSTM_GRU && !s->reset_first,
                               .direction = s->directions > 1 ? OCLSTM_BIDIRECTIONAL : OCLSTM_FORWARD};
    for (size_t d = 0; d < s->directions; ++d) {
      const bench_weights *w = &data->weights[l * BENCH_DIRECTIONS + d];
      weights[l * BENCH_DIRECTIONS + d] = (oclstm_weights){.W_ih = array_of(w->W_ih),
                                                           .W_hh = array_of(w->W_hh),
                                                           .b_ih = array_of(w->b_ih),
                                                           .b_hh = array_of(w->b_hh)};
    }
  }
  desc.n_layers = s->layers;
  desc.layers = layers;
  desc.weights = weights;
  status = oclstm_model_create(&desc, &data->model, error);
done:
  free(layers);
  free(weights);
  return status;
}

/* ---- rows ---- */

static uint64_t steps_held(const bench_shape *s) {
  double bytes_of_a_step = (double)s->B * (double)(s->I + bench_width(s)) * sizeof(float);
  double most = floor(MOST_HELD_BYTES / bytes_of_a_step);
  if ((double)s->T <= most || s->T <= HELD_MULTIPLE || s->directions > 1 || s->rows != BENCH_WHOLE) {
    return s->T;
  }
  return most < HELD_MULTIPLE ? HELD_MULTIPLE : (uint64_t)most / HELD_MULTIPLE * HELD_MULTIPLE;
}

static bool make_rows(bench_data *data, uint64_t *random) {
  const bench_shape *s = data->shape;
  data->held = steps_held(s);
  data->x = make_array((size_t)data->held * s->B * s->I, 1.0, random);
  data->y = allocate((size_t)data->held * s->B * bench_width(s));
  if (s->rows == BENCH_RAGGED) {
    data->lengths = calloc(s->B, sizeof *data->lengths);
    for (size_t b = 0; data->lengths != NULL && b < s->B; ++b) {
      data->lengths[b] = (int32_t)bench_length(s, b);
    }
  }
  return data->x != NULL && data->y != NULL && (s->rows != BENCH_RAGGED || data->lengths != NULL);
}

/* ---- the reference ---- */

/* Rows of a batch do not depend on each other, and steps of a forward network not on later ones: a part is enough. */
static void choose_checked(bench_data *data) {
  const bench_shape *s = data->shape;
  const double a_step = bench_flops(s) / (double)bench_valid_steps(s);
  const double affordable = REFERENCE_FLOPS / a_step;
  data->n_checked = s->B > 1 ? 2 : 1;
  data->checked[1] = s->B - 1;
  double steps = affordable / (double)data->n_checked;
  if (s->directions > 1) {
    data->n_checked = steps < (double)s->T ? 1 : data->n_checked;
    data->checked_steps = s->T;
    return;
  }
  steps = steps < LEAST_CHECKED_STEPS ? LEAST_CHECKED_STEPS : steps;
  data->checked_steps = steps < (double)data->held ? (uint64_t)steps : data->held;
}

static oclstm_status run_reference(bench_data *data, const oclstm_io *io, oclstm_error *error) {
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  device.device = "reference";
  limits.rows = data->n_checked;
  limits.steps = io->steps;
  oclstm_status status = oclstm_context_create(&device, &context, error);
  status = status == OCLSTM_OK ? oclstm_plan_create(context, data->model, &limits, &plan, error) : status;
  status = status == OCLSTM_OK ? oclstm_state_create(plan, &state, error) : status;
  status = status == OCLSTM_OK ? oclstm_forward(plan, state, io, error) : status;
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return status;
}

static oclstm_status make_expected(bench_data *data, oclstm_error *error) {
  const bench_shape *s = data->shape;
  const size_t n = data->n_checked, steps = (size_t)data->checked_steps;
  oclstm_status status = OCLSTM_OK;
  int32_t lengths[BENCH_CHECKED_ROWS] = {0};
  oclstm_io io = OCLSTM_IO_INIT;
  float *x = calloc(steps * n, s->I * sizeof *x);
  data->expected = calloc(steps * n, bench_width(s) * sizeof *data->expected);
  if (x == NULL || data->expected == NULL) {
    status = no_memory(s, error);
    goto done;
  }
  for (size_t b = 0; b < n; ++b) {
    const uint64_t length = data->lengths != NULL ? (uint64_t)data->lengths[data->checked[b]] : steps;
    lengths[b] = (int32_t)(length < steps ? length : steps);
    for (size_t t = 0; t < steps; ++t) {
      memcpy(x + (t * n + b) * s->I, data->x + (t * s->B + data->checked[b]) * s->I, s->I * sizeof *x);
    }
  }
  io.steps = steps;
  io.x = x;
  io.lengths = lengths;
  io.y = data->expected;
  status = run_reference(data, &io, error);
done:
  free(x);
  return status;
}

/* ---- all of it ---- */

oclstm_status bench_data_open(bench_data *data, const bench_shape *shape, uint64_t seed,
                              oclstm_error *error) {
  uint64_t random = seed;
  *data = (bench_data){.shape = shape};
  oclstm_status status =
      make_weights(data, &random) && make_rows(data, &random) ? OCLSTM_OK : no_memory(shape, error);
  status = status == OCLSTM_OK ? make_model(data, error) : status;
  if (status == OCLSTM_OK) {
    choose_checked(data);
    status = make_expected(data, error);
  }
  if (status != OCLSTM_OK) {
    bench_data_close(data);
  }
  return status;
}

void bench_data_close(bench_data *data) {
  for (size_t k = 0; data->weights != NULL && k < data->shape->layers * BENCH_DIRECTIONS; ++k) {
    free(data->weights[k].W_ih);
    free(data->weights[k].W_hh);
    free(data->weights[k].b_ih);
    free(data->weights[k].b_hh);
  }
  free(data->weights);
  free(data->x);
  free(data->y);
  free(data->lengths);
  free(data->expected);
  oclstm_model_destroy(&data->model);
  *data = (bench_data){.shape = NULL};
}
