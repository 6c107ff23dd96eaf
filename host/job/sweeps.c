/* The schedule: how a network is cut into walks over time.
 *
 * A forward layer reads its steps in ascending order, a reverse layer in descending order, so that layers which
 * follow each other in the same order share a walk and a change of order ends it. A bidirectional layer takes two:
 * a descending walk leaves the reverse half of y in a store, an ascending one computes the forward half, merges the
 * two and goes on through the forward layers behind it.
 *
 * A go_backwards layer is a reverse layer whose results stand in the order of processing: step t of row b at place
 * length_b - 1 - t. Where all rows are T long, the chunks of a descending walk have their places in ascending order,
 * and a chunk's results stay together. Where lengths differ, each row has places of its own: such a walk leaves its
 * results in a store row by row, and when it is the network's last, one more walk brings them to the sinks.
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
  walk->width_in =
      walk->first_layer == 0 && model->embedding_size != 0 ? 1 : first->input_size; /* one id a step */
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

/* Brings the results of a last layer that were kept row by row to the sinks. */
static size_t append_delivery(const oclstm_model *model, oclstm__walk *walks, size_t n) {
  const oclstm__walk *made = &walks[n - 1];
  walks[n] = (oclstm__walk){.first_layer = model->n_layers,
                            .part = OCLSTM__WHOLE,
                            .last_layer = true,
                            .input = n - 1,
                            .other = OCLSTM__NO_WALK,
                            .last_use = n,
                            .width_in = made->width_out,
                            .width_out = made->width_out};
  walks[n - 1].last_use = n;
  return n + 1;
}

static oclstm__order order_of(const oclstm_layer *layer, bool ragged) {
  oclstm__order backwards = ragged ? OCLSTM__ORDER_ROWS : OCLSTM__ORDER_MIRROR;
  return layer->go_backwards ? backwards : OCLSTM__ORDER_TIME;
}

size_t oclstm__schedule(const oclstm_model *model, bool one_chunk, bool ragged, oclstm__walk *walks) {
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
    next.order = order_of(&model->layers[next.first_layer], ragged);
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
  return walks[n - 1].order == OCLSTM__ORDER_ROWS ? append_delivery(model, walks, n) : n;
}
