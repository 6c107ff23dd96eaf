/* Making plans: choose, pack, compile, allocate, and run everything once.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"
#include "opencl/device/cl.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan/calls.h"
#include "opencl/plan/sizes.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

#include <stdio.h>

/* ---- in front of the layers and behind them ---- */

static oclstm_status create_embedding(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t count = model->embedding_size * model->layers[0].input_size;
  float *rows = oclstm__alloc(&cl->base.allocator, count, sizeof *rows);
  REQUIRE(rows != NULL, OCLSTM_E_MEMORY, "embedding of %zu elements", count);
  oclstm__array_f32(&model->embedding, 0, count, rows);
  TRY(oclstm__buffer_stored(cl, plan->base.desc.precision, rows, count, "embedding", &plan->embedding,
                            &plan->device_bytes, error));
done:
  oclstm__free(&cl->base.allocator, rows);
  return status;
}

static oclstm_status create_head(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_allocator *allocator = &cl->base.allocator;
  size_t O = model->head_size;
  size_t width = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  const oclstm__gemm_shape shape = {O, width, width, O, 0, plan->base.desc.precision};
  float *W = oclstm__alloc(allocator, O * width, sizeof *W);
  float *b = oclstm__alloc(allocator, O, sizeof *b);
  REQUIRE(W != NULL && b != NULL, OCLSTM_E_MEMORY, "head [%zu,%zu]", O, width);
  oclstm__array_f32(&model->head_W, 0, O * width, W);
  if (model->head_b.data != NULL) {
    oclstm__array_f32(&model->head_b, 0, O, b);
  }
  TRY(oclstm__gemm_create(plan->gemm, cl, &shape, W, &plan->head, &plan->device_bytes, error));
  TRY(oclstm__buffer_from(cl, b, O * sizeof *b, "bias of the head", &plan->head_b, &plan->device_bytes,
                          error));
done:
  oclstm__free(allocator, W);
  oclstm__free(allocator, b);
  return status;
}

/* ---- kernels between the caller's layout and ours ---- */

/* Of kernels/rows.cl, what runs of this plan may use: some devices and drivers take a second to compile a kernel. Floats
 * leave a plan of 16 bits from behind the head, and as cells. */
static oclstm_status create_row_kernels(oclstm__cl_plan *plan, oclstm_error *error) {
  enum { PACK = 1, GATHER = 2, UNPACK = 4, HEAD = 8 }; /* as there */
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const bool gather = model->embedding_size != 0;
  const bool head = model->head_size != 0;
  char kernels[32];
  (void)snprintf(kernels, sizeof kernels, " -DKERNELS=%d",
                 PACK | UNPACK | (gather ? GATHER : 0) | (head ? HEAD : 0));
  const unsigned VW = oclstm__plan_cl(plan)->vector_width;
  const oclstm__build stored = {
      .stem = "rows", .VW = VW, .STORAGE = (unsigned)plan->base.desc.precision, .cell = kernels};
  const oclstm__build floats = {.stem = "rows", .VW = VW, .cell = " -DKERNELS=4"}; /* UNPACK */
  const bool is_float = plan->base.desc.precision == OCLSTM_PRECISION_F32;
  const struct {
    bool used;
    const char *name;
    const oclstm__build *build;
    cl_kernel *kernel;
  } table[] = {
      {true, "pack_rows", &stored, &plan->pack_rows},
      {gather, "gather_rows", &stored, &plan->gather_rows},
      {true, "unpack_rows", &stored, &plan->unpack_rows[1]},
      {head || plan->base.desc.cells, "unpack_rows", is_float ? &stored : &floats, &plan->unpack_rows[0]},
      {head, "head_bias", &stored, &plan->head_bias},
  };
  for (size_t k = 0; k < sizeof table / sizeof table[0]; ++k) {
    if (table[k].used) {
      TRY(oclstm__kernel_create(oclstm__plan_cl(plan), table[k].build, table[k].name, table[k].kernel,
                                error));
    }
  }
done:
  return status;
}

/* ---- the plan ---- */

/* One step through every kernel, on a state of its own: drivers that compile at the first launch do it now, and
 * whatever a device refuses shows now. */
static oclstm_status warm_up(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  const oclstm_allocator *allocator = &plan->base.context->allocator;
  size_t B = plan->base.desc.rows;
  oclstm_state *state = NULL;
  float *x = oclstm__alloc(allocator, B * oclstm_model_input_size(model), sizeof *x); /* zeros, or ids 0 */
  float *y = oclstm__alloc(allocator, B * oclstm_model_output_size(model), sizeof *y);
  int32_t *lengths = oclstm__alloc(allocator, B, sizeof *lengths);
  REQUIRE(x != NULL && y != NULL && lengths != NULL, OCLSTM_E_MEMORY, "%zu rows", B);
  const oclstm__sweep sweep = {.steps = 1,
                               .layout = OCLSTM_BATCH_MAJOR,
                               .n_layers = model->n_layers,
                               .head = model->head_size != 0,
                               .part = OCLSTM__WHOLE,
                               .input = x,
                               .lengths = lengths,
                               .output = y};
  TRY(oclstm__cl_state_create(&plan->base, &state, error));
  for (int k = 0; k < 2; ++k) { /* twice: both buffers of h */
    TRY(oclstm__cl_sweep(&plan->base, state, &sweep, error));
  }
done:
  oclstm_state_destroy(&state);
  oclstm__free(allocator, x);
  oclstm__free(allocator, y);
  oclstm__free(allocator, lengths);
  return status;
}

static oclstm_status create_runners(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  if (oclstm__may_chunk(&plan->base.desc)) {
    TRY(oclstm__places_create(plan, error));
  }
  for (size_t l = 0; l < model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&model->layers[l]); ++d) {
      TRY(oclstm__runner_create(plan, l, d, error));
    }
  }
  TRY(oclstm__decide(plan, error));
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    TRY(plan->runners[k].layer != NULL ? oclstm__runner_make(plan, &plan->runners[k], error) : OCLSTM_OK);
  }
  TRY(oclstm__places_settle(plan, error));
  TRY(oclstm__buffers_settle(plan, error));
done:
  return status;
}

/* Everything of the plan but its runners, which oclstm__decide may have measured with it. */
static oclstm_status create_ends(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (plan->base.model->embedding_size != 0) {
    TRY(create_embedding(plan, error));
    oclstm__account(plan, "embedding");
  }
  if (plan->base.model->head_size != 0) {
    TRY(create_head(plan, error));
    oclstm__account(plan, "head");
  }
done:
  return status;
}

static size_t next_serial(oclstm__cl *cl) {
  (void)pthread_mutex_lock(&cl->tuning);
  size_t serial = ++cl->plans;
  (void)pthread_mutex_unlock(&cl->tuning);
  return serial;
}

oclstm_status oclstm__cl_plan_create(oclstm_context *context, const oclstm_model *model,
                                     const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char why_gemm[200];
  oclstm_plan *base = NULL;
  oclstm__cl_plan *p = oclstm__alloc(&context->allocator, 1, sizeof *p);
  REQUIRE(p != NULL, OCLSTM_E_MEMORY, "plan: %zu bytes", sizeof *p);
  base = &p->base;
  *base = (struct oclstm_plan){.context = context, .model = model, .desc = *desc};
  p->spins = OCLSTM__SPINS;
  p->runners = oclstm__alloc(&context->allocator, 2 * model->n_layers, sizeof *p->runners);
  REQUIRE(p->runners != NULL, OCLSTM_E_MEMORY, "plan of %zu layers", model->n_layers);
  if (desc->precision == OCLSTM_PRECISION_BF16) {
    oclstm__ask_pairs(oclstm__cl_of(context));
  }
  oclstm__ask_sharing(oclstm__cl_of(context));
  TRY(oclstm__choose_gemm(oclstm__cl_of(context), desc, &p->gemm, why_gemm, sizeof why_gemm, error));
  TRY(oclstm__decide_lanes(p, error));
  TRY(oclstm__decide_steps(p, error));
  p->serial = next_serial(oclstm__cl_of(context));
  TRY(oclstm__buffers_create(p, error));
  TRY(create_row_kernels(p, error));
  TRY(create_runners(p, error));
  TRY(create_ends(p, error));
  TRY(warm_up(p, error));
  oclstm__programs_save(oclstm__cl_of(context));
  oclstm__explain_plan(p, why_gemm);
  *plan = base;
  base = NULL;
done:
  oclstm_plan_destroy(&base);
  return status;
}

void oclstm__cl_plan_destroy(oclstm_plan *plan) {
  oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  const oclstm_allocator *allocator = &plan->context->allocator;
  for (size_t k = 0; p->runners != NULL && k < 2 * plan->model->n_layers; ++k) {
    oclstm__runner_release(&p->runners[k]);
  }
  oclstm__gemm_destroy(&p->head);
  oclstm__buffers_release(p);
  oclstm__buffer_release(&p->head_b);
  oclstm__buffer_release(&p->embedding);
  oclstm__buffer_release(&p->places);
  oclstm__kernel_release(&p->pack_rows);
  oclstm__kernel_release(&p->gather_rows);
  oclstm__kernel_release(&p->unpack_rows[0]);
  oclstm__kernel_release(&p->unpack_rows[1]);
  oclstm__kernel_release(&p->head_bias);
  oclstm__free(allocator, p->seen);
  oclstm__free(allocator, p->runners);
  oclstm__free(allocator, p);
}
