/* What the tuner has measured, as a context knows it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/tuning/tuning.h"

/* ---- keys ---- */

/* Sizes that are so near that the same way is best: exact up to 16, then four classes an octave. */
static size_t class_of(size_t value) {
  size_t step = 1;
  while (value > 16 * step) {
    step *= 2;
  }
  return oclstm__round_up(value, 4 * step > 4 ? 4 * step : 1);
}

enum { LONG_CHUNK = 512 }; /* steps from which the launch of a chunk no longer shows */

/* Options of the stages: the cell as the compiler sees it. */
static XXH64_hash_t hash_cell(const oclstm__runner *r) {
  XXH64_hash_t hash = 0;
  for (size_t k = 0; k < r->n_stages; ++k) {
    char options[OCLSTM__CELL_OPTIONS];
    oclstm__cell_options(r->layer, r->direction, &r->stages[k].spec, options);
    hash = XXH3_64bits_withSeed(options, strlen(options), hash);
  }
  return hash;
}

void oclstm__answer_key(const oclstm__cl_plan *plan, const oclstm__runner *r, char key[OCLSTM__ANSWER_KEY]) {
  static const char *const KINDS[] = {"lstm", "gru", "rnn"};
  static const char *const PRECISIONS[] = {"f32", "f16", "bf16"};
  const oclstm_plan_desc *desc = &plan->base.desc;
  size_t steps = oclstm__min(class_of(desc->steps), LONG_CHUNK);
  (void)snprintf(key, OCLSTM__ANSWER_KEY, "%s I%zu H%zu R%zu B%zu T%zu%s %s cells%d beside%zu %s %016llx",
                 KINDS[r->layer->kind], class_of(r->layer->input_size), class_of(r->layer->hidden_size),
                 class_of(oclstm_layer_state_size(r->layer)), class_of(desc->rows), steps,
                 steps == LONG_CHUNK ? "+" : "", PRECISIONS[desc->precision], (int)r->cells, r->beside,
                 plan->gemm->name, (unsigned long long)hash_cell(r));
}

/* ---- the list ---- */

static oclstm__answer **place_of(oclstm__cl *cl, const char *key) {
  oclstm__answer **place = &cl->answers;
  while (*place != NULL && strcmp((*place)->key, key) != 0) {
    place = &(*place)->next;
  }
  return place;
}

static void load_once(oclstm__cl *cl) {
  if (!cl->answers_loaded) {
    cl->answers_loaded = true;
    oclstm__answers_load(cl);
  }
}

const oclstm__answer *oclstm__answer_find(oclstm__cl *cl, const char *key) {
  load_once(cl);
  return *place_of(cl, key);
}

bool oclstm__answer_add(oclstm__cl *cl, const oclstm__answer *answer) {
  oclstm__answer **place = place_of(cl, answer->key);
  if (*place == NULL) {
    *place = oclstm__alloc(&cl->base.allocator, 1, sizeof **place);
    if (*place == NULL) {
      return false;
    }
    **place = *answer;
    (*place)->next = NULL;
  }
  return true;
}

void oclstm__answer_keep(oclstm__cl *cl, const oclstm__answer *answer) {
  oclstm__answer **place = place_of(cl, answer->key);
  oclstm__answer *kept = *place;
  if (kept != NULL) {
    *place = kept->next;
  } else {
    kept = oclstm__alloc(&cl->base.allocator, 1, sizeof *kept);
  }
  if (kept != NULL) {
    *kept = *answer;
    kept->next = cl->answers;
    cl->answers = kept;
    oclstm__answers_store(cl);
  }
}

void oclstm__answers_release(oclstm__cl *cl) {
  while (cl->answers != NULL) {
    oclstm__answer *next = cl->answers->next;
    oclstm__free(&cl->base.allocator, cl->answers);
    cl->answers = next;
  }
}
