/* The schedule: how a network is cut into walks over time.
 *
 * A forward layer reads its steps in ascending order, a reverse layer in descending order, so that layers which
 * follow each other in the same order share a walk and a change of order ends it. A bidirectional layer takes two:
 * a descending walk leaves the reverse half of y in a store, an ascending one computes the forward half, merges the
 * two and goes on through the forward layers behind it.
 * SPDX-License-Identifier: MIT */
#include "job/job.h"

/* Forward layers in a row, from `first` on. */
static size_t forward_run(const oclstm_model *model, size_t first) {
  size_t n = 0;
  while (first + n < model->n_layers && model->layers[first + n].direction == OCLSTM_FORWARD) {
    ++n;
  }
  return n;
}

static void finish(const oclstm_model *model, oclstm__walk *walk) {
  const oclstm_layer *first = &model->layers[walk->first_layer];
  size_t end = walk->first_layer + walk->n_layers;
  walk->last_layer = end == model->n_layers;
  walk->head = walk->last_layer && walk->part != OCLSTM__REVERSE_HALF && model->head_size != 0;
  walk->width_in = first->input_size;
  if (walk->part == OCLSTM__REVERSE_HALF) {
    walk->width_out = oclstm_layer_state_size(first);
  } else {
    walk->width_out = walk->head ? model->head_size : oclstm_layer_output_size(&model->layers[end - 1]);
  }
}

static size_t append(const oclstm_model *model, oclstm__walk *walks, size_t n, oclstm__walk walk) {
  walks[n] = walk;
  walks[n].last_use = n;
  if (walk.input != OCLSTM__NO_WALK) {
    walks[walk.input].last_use = n;
  }
  if (walk.other != OCLSTM__NO_WALK) {
    walks[walk.other].last_use = n;
  }
  finish(model, &walks[n]);
  return n + 1;
}

size_t oclstm__schedule(const oclstm_model *model, bool one_chunk, oclstm__walk *walks) {
  oclstm__walk next = {.part = OCLSTM__WHOLE, .input = OCLSTM__NO_WALK, .other = OCLSTM__NO_WALK};
  size_t n = 0;
  if (one_chunk) {
    next.n_layers = model->n_layers;
    return append(model, walks, 0, next);
  }
  while (next.first_layer < model->n_layers) {
    oclstm_direction direction = model->layers[next.first_layer].direction;
    next.part = OCLSTM__WHOLE;
    next.n_layers = 1;
    next.descending = direction == OCLSTM_REVERSE;
    next.other = OCLSTM__NO_WALK;
    if (direction == OCLSTM_FORWARD) {
      next.n_layers = forward_run(model, next.first_layer);
    } else if (direction == OCLSTM_BIDIRECTIONAL) {
      next.part = OCLSTM__REVERSE_HALF;
      next.descending = true;
      next.other = n;
      oclstm__walk reverse = next;
      reverse.other = OCLSTM__NO_WALK;
      n = append(model, walks, n, reverse);
      next.part = OCLSTM__FORWARD_HALF;
      next.descending = false;
      next.n_layers = 1 + forward_run(model, next.first_layer + 1);
    }
    n = append(model, walks, n, next);
    next.input = n - 1;
    next.first_layer += next.n_layers;
  }
  return n;
}
