/* Making one direction of one layer ready to run: weights padded and packed, kernels built.
 * SPDX-License-Identifier: MIT */
#include "opencl/strategies/runner.h"
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

static const oclstm_weights *weights_of(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  size_t l = (size_t)(r->layer - plan->base.model->layers);
  return &plan->base.model->weights[2 * l + r->direction];
}

/* W_ih as everything wants it: units padded. The caller's to free. */
static oclstm_status pad_input(const oclstm__cl_plan *plan, const oclstm__runner *r, float **W_ih,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t I = r->layer->input_size;
  *W_ih = oclstm__pad_blocks(&plan->base.context->allocator, &weights_of(plan, r)->W_ih, 0, r->gates,
                             r->layer->hidden_size, I);
  REQUIRE(*W_ih != NULL, OCLSTM_E_MEMORY, "W_ih [%zu,%zu], padded", r->gates * r->HP, I);
done:
  return status;
}

oclstm_status oclstm__input_create(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  float *W_ih = NULL;
  size_t I = r->layer->input_size;
  const oclstm__gemm_shape shape = {r->gates * r->HP, I, I, r->gates * r->HP, 0, plan->base.desc.precision};
  const uint64_t before = plan->device_bytes;
  TRY(pad_input(plan, r, &W_ih, error));
  TRY(oclstm__gemm_create(plan->gemm, cl, &shape, W_ih, &r->input, &plan->device_bytes, error));
  r->input_bytes = plan->device_bytes - before;
done:
  oclstm__free(&cl->base.allocator, W_ih);
  return status;
}

static oclstm_status create_own_input(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  float *W_ih = NULL;
  TRY(pad_input(plan, r, &W_ih, error));
  TRY(r->choice.strategy->prepare_input(plan, r, W_ih, error));
done:
  oclstm__free(&plan->base.context->allocator, W_ih);
  return status;
}

static oclstm_status create_params(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm_weights *w,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t rows = 0;
  float *params = oclstm__cell_params(&cl->base.allocator, r->layer, w, &rows);
  REQUIRE(params != NULL, OCLSTM_E_MEMORY, "%zu vectors of %zu units", rows, r->HP);
  TRY(oclstm__buffer_from(cl, params, rows * r->HP * sizeof *params, "biases", &r->params,
                          &plan->device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, params);
  return status;
}

/* Something goes from a stage to the next where there are two, and from product to gates where all units are normalised. */
static oclstm_status create_between(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const size_t units = plan->base.desc.rows * r->HP;
  if (r->n_stages > 1 || r->layer->layer_norm != OCLSTM_NORM_NONE) {
    TRY(oclstm__buffer_create(cl, units * oclstm__stored_bytes(plan->base.desc.precision),
                              "rows between stages", &r->middle, &plan->device_bytes, error));
    TRY(oclstm__buffer_create(cl, units * sizeof(float), "rows between stages", &r->extra,
                              &plan->device_bytes, error));
    oclstm__account(plan, "rows between stages");
  }
done:
  return status;
}

static oclstm_status create_stage(oclstm__cl_plan *plan, oclstm__runner *r, oclstm__stage *stage,
                                  const oclstm_weights *w, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_allocator *allocator = &plan->base.context->allocator;
  const oclstm__stage_spec *spec = &stage->spec;
  const oclstm_array *matrix = (const oclstm_array *)(const void *)((const char *)w + spec->matrix);
  float *W = oclstm__pad_blocks(allocator, matrix, spec->first_block, spec->vectors, spec->U, spec->K);
  stage->UP = oclstm__padded_units(spec->U);
  stage->lda = oclstm__padded_units(spec->K);
  REQUIRE(W != NULL, OCLSTM_E_MEMORY, "recurrent weights [%zu,%zu], padded", spec->vectors * stage->UP,
          spec->K);
  TRY(r->choice.strategy->prepare(plan, r, stage, W, error));
done:
  oclstm__free(allocator, W);
  return status;
}

oclstm_status oclstm__stages_create(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const uint64_t before = plan->device_bytes;
  if (oclstm__owns_input(plan, r->choice.strategy)) {
    TRY(create_own_input(plan, r, error));
  }
  for (size_t k = 0; k < r->n_stages; ++k) {
    TRY(create_stage(plan, r, &r->stages[k], weights_of(plan, r), error));
  }
done:
  r->stage_bytes = plan->device_bytes - before;
  return status;
}

oclstm_status oclstm__runner_create(oclstm__cl_plan *plan, size_t l, size_t direction, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_layer *layer = &plan->base.model->layers[l];
  oclstm__runner *r = &plan->runners[2 * l + direction];
  oclstm__stage_spec specs[OCLSTM__MAX_STAGES];
  r->layer = layer;
  r->direction = direction;
  r->gates = oclstm__gates(layer->kind);
  r->HP = oclstm__padded_units(layer->hidden_size);
  r->beside = oclstm__beside(plan, l);
  r->cells = plan->base.desc.cells && l + 1 == plan->base.model->n_layers;
  r->n_stages = oclstm__stages(layer, specs);
  for (size_t k = 0; k < r->n_stages; ++k) {
    r->stages[k].spec = specs[k];
  }
  TRY(create_params(plan, r, weights_of(plan, r), error));
  oclstm__account(plan, "biases");
  TRY(create_between(plan, r, error));
done:
  return status;
}

/* The provider's product serves all ways that do not own theirs. */
static void unmake(oclstm__cl_plan *plan, oclstm__runner *r, const oclstm__strategy *next) {
  oclstm__stages_release(r);
  oclstm__credit(plan, OCLSTM__LAYER_WEIGHTS, r->stage_bytes);
  r->stage_bytes = 0;
  r->slices = r->members = r->all_slices = 0;
  if (r->input != NULL && oclstm__owns_input(plan, next)) {
    oclstm__gemm_destroy(&r->input);
    oclstm__credit(plan, OCLSTM__LAYER_WEIGHTS, r->input_bytes);
  }
}

void oclstm__runner_take(oclstm__cl_plan *plan, oclstm__runner *r, size_t way, const char *reason) {
  if (r->stage_bytes > 0) {
    unmake(plan, r, r->ways.way[way].strategy);
  }
  r->choice = r->ways.way[way];
  oclstm__judge(r, way, OCLSTM_VERDICT_CHOSEN, "%s", reason);
}

oclstm_status oclstm__runner_make(oclstm__cl_plan *plan, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (r->input == NULL && !oclstm__owns_input(plan, r->choice.strategy)) {
    TRY(oclstm__input_create(plan, r, error));
  }
  if (r->stage_bytes == 0) {
    TRY(oclstm__stages_create(plan, r, error));
  }
  if (r->layer->layer_norm == OCLSTM_NORM_HASTE) {
    TRY(oclstm__stage_kernel(plan, r, &r->stages[0], "norm", "norm_input", &r->norm_input, error));
  }
  oclstm__account(plan, OCLSTM__LAYER_WEIGHTS);
  oclstm__explain_choice(plan, r);
done:
  return status;
}

void oclstm__stages_release(oclstm__runner *r) {
  oclstm__buffer_release(&r->own_input.W);
  oclstm__buffer_release(&r->own_gx);
  oclstm__resident_release(r);
  for (size_t k = 0; k < OCLSTM__MAX_STAGES; ++k) {
    oclstm__stage *stage = &r->stages[k];
    oclstm__gemm_destroy(&stage->gemm);
    oclstm__buffer_release(&stage->W);
    oclstm__kernel_release(&stage->kernel[0]);
    oclstm__kernel_release(&stage->kernel[1]);
  }
}

cl_mem oclstm__gx_of(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  const size_t l = (size_t)(r->layer - plan->base.model->layers);
  const bool both = r->layer->direction == OCLSTM_BIDIRECTIONAL;
  return r->own_gx != NULL ? r->own_gx : plan->gx[(both ? r->direction : l) % plan->n_gx];
}

void oclstm__runner_release(oclstm__runner *r) {
  oclstm__gemm_destroy(&r->input);
  oclstm__buffer_release(&r->params);
  oclstm__buffer_release(&r->middle);
  oclstm__buffer_release(&r->extra);
  oclstm__kernel_release(&r->norm_input);
  oclstm__stages_release(r);
}
