/* Making plans: choose, pack, compile, allocate, and run everything once.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan.h"

#include <stdio.h>
#include <string.h>

/* ---- layers ---- */

/* b_ih + b_hh, padded; zeros where the layer has none. */
static float *summed_bias(const oclstm_allocator *allocator, const oclstm_layer *layer,
                          const oclstm_weights *w) {
  size_t H = layer->hidden_size;
  size_t HP = oclstm__padded_units(H);
  float *bias = oclstm__alloc(allocator, 4 * HP, sizeof *bias);
  for (size_t k = 0; bias != NULL && k < 4 * H; ++k) {
    double sum = w->b_ih.data != NULL ? oclstm__array_at(&w->b_ih, k) : 0.0;
    sum += w->b_hh.data != NULL ? oclstm__array_at(&w->b_hh, k) : 0.0;
    bias[k / H * HP + k % H] = (float)sum;
  }
  return bias;
}

static oclstm_status create_runner(oclstm__cl_plan *plan, size_t l, size_t d, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_allocator *allocator = &cl->base.allocator;
  const oclstm_layer *layer = &plan->base.model->layers[l];
  const oclstm_weights *w = &plan->base.model->weights[2 * l + d];
  oclstm__runner *r = &plan->runners[2 * l + d];
  r->layer = layer;
  r->HP = oclstm__padded_units(layer->hidden_size);
  r->cells = plan->base.desc.cells && l + 1 == plan->base.model->n_layers;
  float *W_ih = oclstm__pad_gates(allocator, &w->W_ih, layer->hidden_size, layer->input_size);
  float *W_hh = oclstm__pad_gates(allocator, &w->W_hh, layer->hidden_size, layer->hidden_size);
  float *bias = summed_bias(allocator, layer, w);
  REQUIRE(W_ih != NULL && W_hh != NULL && bias != NULL, OCLSTM_E_MEMORY, "weights of layer %zu, padded", l);
  const oclstm__gemm_shape shape = {4 * r->HP, layer->input_size, layer->input_size, 4 * r->HP, 0};
  TRY(plan->gemm->create(cl, &shape, W_ih, &r->input, &plan->device_bytes, error));
  TRY(oclstm__buffer_from(cl, bias, 4 * r->HP * sizeof *bias, "bias", &r->bias, &plan->device_bytes, error));
  TRY(plan->strategy->prepare(plan, r, W_hh, error));
done:
  oclstm__free(allocator, W_ih);
  oclstm__free(allocator, W_hh);
  oclstm__free(allocator, bias);
  return status;
}

static void release_runner(oclstm__runner *r) {
  oclstm__gemm_destroy(&r->input);
  oclstm__gemm_destroy(&r->recurrent);
  oclstm__buffer_release(&r->bias);
  oclstm__buffer_release(&r->gh);
  oclstm__buffer_release(&r->W_hh);
  oclstm__kernel_release(&r->kernel[0]);
  oclstm__kernel_release(&r->kernel[1]);
}

static oclstm_status create_head(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_model *model = plan->base.model;
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_allocator *allocator = &cl->base.allocator;
  size_t O = model->head_size;
  size_t width = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
  const oclstm__gemm_shape shape = {O, width, width, O, 0};
  float *W = oclstm__alloc(allocator, O * width, sizeof *W);
  float *b = oclstm__alloc(allocator, O, sizeof *b);
  REQUIRE(W != NULL && b != NULL, OCLSTM_E_MEMORY, "head [%zu,%zu]", O, width);
  oclstm__array_f32(&model->head_W, 0, O * width, W);
  if (model->head_b.data != NULL) {
    oclstm__array_f32(&model->head_b, 0, O, b);
  }
  TRY(plan->gemm->create(cl, &shape, W, &plan->head, &plan->device_bytes, error));
  TRY(oclstm__buffer_from(cl, b, O * sizeof *b, "bias of the head", &plan->head_b, &plan->device_bytes,
                          error));
done:
  oclstm__free(allocator, W);
  oclstm__free(allocator, b);
  return status;
}

/* ---- buffers and kernels between layers ---- */

static oclstm_status create_buffers(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__widths w = oclstm__plan_widths(plan->base.model, plan->base.desc.cells != 0);
  size_t rows = oclstm__round_up(plan->base.desc.steps * plan->base.desc.rows, OCLSTM__ROW_BLOCK);
  const struct {
    const char *name;
    cl_mem *buffer;
    size_t elements; /* of 4 bytes */
  } table[] = {
      {"rows in the caller's layout", &plan->caller, rows * w.caller},
      {"activations", &plan->activations[0], rows * w.activation},
      {"activations", &plan->activations[1], rows * w.activation},
      {"input projection", &plan->gx, rows * w.gates},
      {"cells", &plan->cells, rows * w.cells},
      {"lengths", &plan->given_lengths, plan->base.desc.rows},
  };
  for (size_t k = 0; k < sizeof table / sizeof table[0]; ++k) {
    if (table[k].elements > 0) {
      TRY(oclstm__buffer_create(cl, table[k].elements * 4, table[k].name, table[k].buffer,
                                &plan->device_bytes, error));
    }
  }
done:
  return status;
}

static oclstm_status create_no_lengths(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t B = plan->base.desc.rows;
  cl_int *endless = oclstm__alloc(&cl->base.allocator, B, sizeof *endless);
  REQUIRE(endless != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", B);
  for (size_t b = 0; b < B; ++b) {
    endless[b] = CL_INT_MAX;
  }
  TRY(oclstm__buffer_from(cl, endless, B * sizeof *endless, "lengths", &plan->no_lengths, &plan->device_bytes,
                          error));
done:
  oclstm__free(&cl->base.allocator, endless);
  return status;
}

static oclstm_status create_row_kernels(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__build build = {"rows", 0, 0, 0, 0};
  const struct {
    const char *name;
    cl_kernel *kernel;
  } table[] = {
      {"pack_rows", &plan->pack_rows}, {"unpack_rows", &plan->unpack_rows}, {"head_bias", &plan->head_bias}};
  for (size_t k = 0; k < sizeof table / sizeof table[0]; ++k) {
    TRY(oclstm__kernel_create(oclstm__plan_cl(plan), &build, table[k].name, table[k].kernel, error));
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
  float *x = oclstm__alloc(allocator, B * oclstm_model_input_size(model), sizeof *x);
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

static void describe(oclstm__cl_plan *plan) {
  oclstm_plan_info *info = &plan->base.info;
  info->rows = plan->base.desc.rows;
  info->steps = plan->base.desc.steps;
  info->device_bytes = plan->device_bytes;
  info->host_bytes = sizeof *plan + 2 * plan->base.model->n_layers * sizeof *plan->runners;
  (void)snprintf(info->strategy, sizeof info->strategy, "%s", plan->strategy->name);
  (void)snprintf(info->gemm, sizeof info->gemm, "%s", plan->gemm->name);
}

oclstm_status oclstm__cl_plan_create(oclstm_context *context, const oclstm_model *model,
                                     const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_plan *base = NULL;
  oclstm__cl_plan *p = oclstm__alloc(&context->allocator, 1, sizeof *p);
  REQUIRE(p != NULL, OCLSTM_E_MEMORY, "plan: %zu bytes", sizeof *p);
  base = &p->base;
  *base = (struct oclstm_plan){.context = context, .model = model, .desc = *desc};
  p->runners = oclstm__alloc(&context->allocator, 2 * model->n_layers, sizeof *p->runners);
  REQUIRE(p->runners != NULL, OCLSTM_E_MEMORY, "plan of %zu layers", model->n_layers);
  TRY(oclstm__decide_steps(p, error));
  TRY(oclstm__choose_strategy(oclstm__cl_of(context), desc, &p->strategy, &p->gemm, base->info.reason,
                              sizeof base->info.reason, error));
  TRY(create_buffers(p, error));
  TRY(create_no_lengths(p, error));
  TRY(create_row_kernels(p, error));
  for (size_t l = 0; l < model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&model->layers[l]); ++d) {
      TRY(create_runner(p, l, d, error));
    }
  }
  if (model->head_size != 0) {
    TRY(create_head(p, error));
  }
  TRY(warm_up(p, error));
  oclstm__programs_save(oclstm__cl_of(context));
  describe(p);
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
    release_runner(&p->runners[k]);
  }
  oclstm__gemm_destroy(&p->head);
  cl_mem *buffers[] = {&p->head_b, &p->caller, &p->activations[0], &p->activations[1],
                       &p->gx,     &p->cells,  &p->given_lengths,  &p->no_lengths};
  for (size_t k = 0; k < sizeof buffers / sizeof buffers[0]; ++k) {
    oclstm__buffer_release(buffers[k]);
  }
  oclstm__kernel_release(&p->pack_rows);
  oclstm__kernel_release(&p->unpack_rows);
  oclstm__kernel_release(&p->head_bias);
  oclstm__free(allocator, p->runners);
  oclstm__free(allocator, p);
}
