/* Plans of the reference: weights as doubles and the sequences between layers, all allocated here.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

enum { DEFAULT_STEPS = 4096 };
static const uint64_t DEFAULT_BYTES = UINT64_C(1) << 30; /* of the sequences, when steps is ours to choose */

static size_t widest(const oclstm_model *model) {
  size_t width = model->head_size;
  for (size_t l = 0; l < model->n_layers; ++l) {
    width = oclstm__max(width, oclstm_layer_output_size(&model->layers[l]));
  }
  return width;
}

/* A network of one layer fills one sequence and reads none; every other one takes turns between two. */
static size_t n_sequences(const oclstm_model *model) {
  return model->n_layers + (model->head_size != 0 ? 1 : 0) > 1 ? 2 : 1;
}

/* Decides plan->base.desc.steps and checks that the sequences fit. */
static oclstm_status decide_steps(oclstm__reference_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_plan_desc *desc = &plan->base.desc;
  size_t step_bytes = 0; /* of all sequences */
  size_t bytes = 0;
  REQUIRE(oclstm__mul(desc->rows, plan->width * n_sequences(plan->base.model) * sizeof(double), &step_bytes),
          OCLSTM_E_LIMIT, "%zu rows of width %zu", desc->rows, plan->width);
  if (desc->steps == 0) {
    uint64_t fit = (desc->memory_bytes != 0 ? desc->memory_bytes : DEFAULT_BYTES) / step_bytes;
    desc->steps = fit < DEFAULT_STEPS ? (size_t)fit : DEFAULT_STEPS;
    desc->steps = desc->memory_bytes == 0 ? oclstm__max(desc->steps, 1) : desc->steps;
  }
  REQUIRE(oclstm__mul(desc->steps, step_bytes, &bytes), OCLSTM_E_LIMIT, "%zu steps of %zu bytes", desc->steps,
          step_bytes);
  REQUIRE(desc->steps > 0 && (desc->memory_bytes == 0 || bytes <= desc->memory_bytes), OCLSTM_E_DEVICE_MEMORY,
          "%zu steps take %zu bytes each; memory_bytes is %llu", oclstm__max(desc->steps, 1), step_bytes,
          (unsigned long long)desc->memory_bytes);
done:
  return status;
}

static double *take(oclstm__reference_plan *plan, size_t count) {
  double *memory = oclstm__alloc(&plan->base.context->allocator, count, sizeof *memory);
  plan->base.info.host_bytes += memory != NULL ? count * sizeof *memory : 0;
  return memory;
}

static oclstm_status make_cells(oclstm__reference_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const oclstm_allocator *allocator = &plan->base.context->allocator;
  plan->cells = oclstm__alloc(allocator, 2 * model->n_layers, sizeof *plan->cells);
  REQUIRE(plan->cells != NULL, OCLSTM_E_MEMORY, "plan of %zu layers", model->n_layers);
  plan->base.info.host_bytes += 2 * model->n_layers * sizeof *plan->cells;
  for (size_t l = 0; l < model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&model->layers[l]); ++d) {
      TRY(oclstm__cell_create(&plan->cells[2 * l + d], allocator, &model->layers[l], d,
                              &model->weights[2 * l + d], &plan->base.info.host_bytes, error));
    }
  }
done:
  return status;
}

static oclstm_status make_head(oclstm__reference_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  size_t O = model->head_size;
  size_t count = O * oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  if (O == 0) {
    goto done;
  }
  plan->head_W = take(plan, count);
  plan->head_b = take(plan, O);
  REQUIRE(plan->head_W != NULL && plan->head_b != NULL, OCLSTM_E_MEMORY, "head: %zu weights", count);
  for (size_t k = 0; k < count; ++k) {
    plan->head_W[k] = oclstm__array_at(&model->head_W, k);
  }
  for (size_t k = 0; model->head_b.data != NULL && k < O; ++k) {
    plan->head_b[k] = oclstm__array_at(&model->head_b, k);
  }
done:
  return status;
}

static oclstm_status make_sequences(oclstm__reference_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const oclstm_plan_desc *desc = &plan->base.desc;
  size_t I = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  for (size_t l = 0; l < model->n_layers; ++l) { /* a sweep may begin at any layer, or at the head */
    I = oclstm__max(I, model->layers[l].input_size);
  }
  plan->x = take(plan, I);
  REQUIRE(plan->x != NULL, OCLSTM_E_MEMORY, "one row of %zu inputs", I);
  for (size_t k = 0; k < n_sequences(model); ++k) {
    plan->sequences[k] = take(plan, desc->steps * desc->rows * plan->width);
    REQUIRE(plan->sequences[k] != NULL, OCLSTM_E_MEMORY, "%zu steps of %zu rows of width %zu as doubles",
            desc->steps, desc->rows, plan->width);
  }
done:
  return status;
}

static void describe(oclstm__reference_plan *plan) {
  oclstm_plan_info *info = &plan->base.info;
  info->rows = plan->base.desc.rows;
  info->steps = plan->base.desc.steps;
  (void)snprintf(info->strategy, sizeof info->strategy, "reference");
  (void)snprintf(info->gemm, sizeof info->gemm, "reference");
  (void)snprintf(info->reason, sizeof info->reason,
                 "the reference is one way only: plain loops in double precision on the host");
}

oclstm_status oclstm__reference_plan_create(oclstm_context *context, const oclstm_model *model,
                                            const oclstm_plan_desc *desc, oclstm_plan **plan,
                                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__reference_plan *p = oclstm__alloc(&context->allocator, 1, sizeof *p);
  REQUIRE(p != NULL, OCLSTM_E_MEMORY, "plan: %zu bytes", sizeof *p);
  p->base.context = context;
  p->base.model = model;
  p->base.desc = *desc;
  p->base.info.host_bytes = sizeof *p;
  p->width = widest(model);
  TRY(decide_steps(p, error));
  TRY(make_cells(p, error));
  TRY(make_head(p, error));
  TRY(make_sequences(p, error));
  describe(p);
  *plan = &p->base;
  p = NULL;
done:
  oclstm__reference_plan_destroy((oclstm_plan *)p);
  return status;
}

void oclstm__reference_plan_destroy(oclstm_plan *plan) {
  oclstm__reference_plan *p = (oclstm__reference_plan *)plan;
  if (p == NULL) {
    return;
  }
  oclstm_allocator allocator = p->base.context->allocator;
  for (size_t k = 0; p->cells != NULL && k < 2 * p->base.model->n_layers; ++k) {
    oclstm__cell_destroy(&p->cells[k], &allocator);
  }
  oclstm__free(&allocator, p->cells);
  oclstm__free(&allocator, p->head_W);
  oclstm__free(&allocator, p->head_b);
  oclstm__free(&allocator, p->x);
  oclstm__free(&allocator, p->sequences[0]);
  oclstm__free(&allocator, p->sequences[1]);
  oclstm__free(&allocator, p);
}
