/* What a plan says of its own decisions: indices are checked here, once for every engine.
 * SPDX-License-Identifier: MIT */
#include "engine/engine.h"

static bool has_direction(const oclstm_plan *plan, size_t layer, size_t direction) {
  return plan->context->engine->plan_layer != NULL && layer < plan->model->n_layers &&
         direction < oclstm_layer_directions(&plan->model->layers[layer]);
}

const oclstm_plan_layer *oclstm_plan_get_layer(const oclstm_plan *plan, size_t layer, size_t direction) {
  return has_direction(plan, layer, direction) ? plan->context->engine->plan_layer(plan, layer, direction)
                                               : NULL;
}

const oclstm_plan_candidate *oclstm_plan_get_candidate(const oclstm_plan *plan, size_t layer,
                                                       size_t direction, size_t index) {
  return has_direction(plan, layer, direction)
             ? plan->context->engine->plan_candidate(plan, layer, direction, index)
             : NULL;
}

const oclstm_plan_memory *oclstm_plan_get_memory(const oclstm_plan *plan, size_t index) {
  return plan->context->engine->plan_memory != NULL ? plan->context->engine->plan_memory(plan, index) : NULL;
}
