/* Verification step by step, for weights with which no float32 arithmetic stays close over many steps.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

enum { DEVICE, REFERENCE, SIDES };

typedef struct resync {
  const oclstm__verify_pair *pair;
  const oclstm_verify_desc *desc;
  const float *x;
  oclstm__distance *distance;
  oclstm__walk walks[2]; /* of one layer: one, or the two halves of a bidirectional one */
  size_t n_walks;
  float *h, *c;     /* the state of all rows */
  float *y[SIDES];  /* [B, width_out] of one step */
  float *half;      /* [T, B, R] from the reference's reverse half, bidirectional layers only */
  int32_t *lengths; /* [B], 0 or 1: of one step */
} resync;

static oclstm_status alloc_floats(const oclstm_allocator *allocator, size_t a, size_t b, size_t c,
                                  float **floats, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t count = 0;
  REQUIRE(oclstm__mul(a, b, &count) && oclstm__mul(count, c, &count), OCLSTM_E_LIMIT,
          "verification of %zu x %zu x %zu floats", a, b, c);
  if (count == 0) { /* the c of a cell that has none */
    goto done;
  }
  *floats = oclstm__alloc(allocator, count, sizeof **floats);
  REQUIRE(*floats != NULL, OCLSTM_E_MEMORY, "verification of %zu x %zu x %zu floats", a, b, c);
done:
  return status;
}

static oclstm_status resync_open(resync *r, const oclstm_allocator *allocator, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = r->pair->plan[DEVICE]->model;
  const oclstm_layer *layer = &model->layers[0];
  size_t B = r->desc->rows;
  r->n_walks = oclstm__schedule(model, false, false, r->walks);
  TRY(alloc_floats(allocator, B, oclstm_model_h_size(model), 1, &r->h, error));
  TRY(alloc_floats(allocator, B, oclstm_model_c_size(model), 1, &r->c, error));
  for (size_t side = 0; side < SIDES; ++side) {
    TRY(alloc_floats(allocator, B, oclstm_layer_output_size(layer), 1, &r->y[side], error));
  }
  if (r->n_walks > 1) {
    TRY(alloc_floats(allocator, r->desc->steps, B, oclstm_layer_state_size(layer), &r->half, error));
  }
  r->lengths = oclstm__alloc(allocator, B, sizeof *r->lengths);
  REQUIRE(r->lengths != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", B);
done:
  return status;
}

static void resync_close(resync *r, const oclstm_allocator *allocator) {
  oclstm__free(allocator, r->lengths);
  oclstm__free(allocator, r->half);
  oclstm__free(allocator, r->y[REFERENCE]);
  oclstm__free(allocator, r->y[DEVICE]);
  oclstm__free(allocator, r->c);
  oclstm__free(allocator, r->h);
}

/* Both sides begin the step with the reference's state, rounded to float32. */
static oclstm_status share_state(const resync *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm_state_get(r->pair->state[REFERENCE], r->h, r->c, error));
  for (size_t side = 0; side < SIDES; ++side) {
    TRY(oclstm_state_set(r->pair->state[side], r->h, r->c, error));
  }
done:
  return status;
}

/* The reverse half of a bidirectional layer stands in the merged y once more, equal on both sides: its norm is
 * counted there. */
static void compare(const resync *r, const oclstm__walk *walk) {
  double reference2 = r->distance->reference2;
  oclstm__distance_add(r->distance, r->y[DEVICE], r->y[REFERENCE], r->desc->rows * walk->width_out);
  if (walk->part == OCLSTM__REVERSE_HALF) {
    r->distance->reference2 = reference2;
  }
}

static oclstm_status step(const resync *r, const oclstm__walk *walk, size_t t, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t B = r->desc->rows;
  float *half = r->half != NULL ? r->half + t * B * r->walks[0].width_out : NULL;
  for (size_t b = 0; b < B; ++b) {
    r->lengths[b] = r->desc->lengths == NULL || t < (size_t)r->desc->lengths[b];
  }
  TRY(share_state(r, error));
  for (size_t side = 0; side < SIDES; ++side) {
    const oclstm__sweep pass = {
        .steps = 1,
        .layout = OCLSTM_TIME_MAJOR,
        .n_layers = 1,
        .part = walk->part,
        .input = r->x + t * B * walk->width_in,
        .lengths = r->lengths,
        .other = walk->part == OCLSTM__FORWARD_HALF ? half : NULL,
        .output = r->y[side],
    };
    TRY(oclstm__sweep_run(r->pair->plan[side], r->pair->state[side], &pass, error));
  }
  compare(r, walk);
  if (walk->part == OCLSTM__REVERSE_HALF && half != NULL) {
    memcpy(half, r->y[REFERENCE], B * walk->width_out * sizeof *half);
  }
done:
  return status;
}

oclstm_status oclstm__verify_resync(const oclstm_allocator *allocator, const oclstm__verify_pair *pair,
                                    const oclstm_verify_desc *desc, const float *x,
                                    oclstm__distance *distance, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  resync r = {.pair = pair, .desc = desc, .x = x, .distance = distance};
  TRY(resync_open(&r, allocator, error));
  TRY(oclstm_state_set(pair->state[REFERENCE], NULL, NULL, error));
  for (size_t w = 0; w < r.n_walks; ++w) {
    const oclstm__walk *walk = &r.walks[w];
    for (size_t k = 0; k < desc->steps; ++k) {
      TRY(step(&r, walk, walk->descending ? desc->steps - 1 - k : k, error));
    }
  }
done:
  resync_close(&r, allocator);
  return status;
}
