/* How many steps a chunk holds: what fits the memory, and what stays in a cache.
 * SPDX-License-Identifier: MIT */
#include <assert.h>

#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/plan/sizes.h"
#include "opencl/strategies/strategy.h"

enum { MOST_STEPS = 4096 };
/* gx is written by the product and read by the steps. 32 MiB stay in the last-level cache of today's large GPUs and
 * server CPUs; a chunk is not made larger than that unless it is asked for. */
static const uint64_t GATES_BYTES = UINT64_C(32) << 20;
static const uint64_t DEFAULT_MEMORY = UINT64_C(1) << 30;
static const uint64_t MOST_ROWS = UINT64_C(1) << 30; /* n*B: kernels count rows in 32 bits */

oclstm__widths oclstm__plan_widths(const oclstm_model *model, bool cells) {
  oclstm__widths w = {.gates = model->head_size}; /* the head's product takes the place of gx */
  for (size_t l = 0; l < model->n_layers; ++l) {
    const oclstm_layer *layer = &model->layers[l];
    oclstm__stage_spec stages[OCLSTM__MAX_STAGES];
    size_t n_stages = oclstm__stages(layer, stages);
    size_t HP = oclstm__padded_units(layer->hidden_size);
    size_t width = oclstm__max(layer->input_size, oclstm_layer_output_size(layer));
    w.activation = oclstm__max(w.activation, width);
    w.gates = oclstm__max(w.gates, oclstm__gates(layer->kind) * HP);
    bool between = n_stages > 1 || layer->layer_norm != OCLSTM_NORM_NONE;
    w.between += between ? oclstm_layer_directions(layer) * HP : 0;
    for (size_t s = 0; s < n_stages; ++s) {
      w.product = oclstm__max(w.product, stages[s].vectors * oclstm__padded_units(stages[s].U));
    }
  }
  const oclstm_layer *last = &model->layers[model->n_layers - 1];
  w.cells = cells ? oclstm_layer_directions(last) * oclstm__cell_size(last) : 0;
  w.caller = oclstm__max(oclstm__max(w.activation, model->head_size), w.cells);
  return w;
}

/* Rows that strategies rows and grid project ahead on this device, in all slices of a layer; 0: they project nothing. */
static uint64_t rows_ahead(const oclstm__cl *cl, const oclstm_plan_desc *desc) {
  uint64_t slices = oclstm__min(oclstm__max(cl->base.device.compute_units, 1), desc->rows);
  return oclstm__may_chunk(desc) && cl->vector_width > 1
             ? slices * OCLSTM__PROJECTED_ROWS + 2 * (desc->rows + slices)
             : 0;
}

/* Bytes of packed weights and of what does not grow with steps; an estimate from above. */
static uint64_t fixed_bytes(const oclstm__cl_plan *plan, const oclstm__widths *w) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm_model *model = plan->base.model;
  const oclstm_plan_desc *desc = &plan->base.desc;
  uint64_t ahead = 0;
  const unsigned paired = oclstm__paired(cl, plan->gemm, desc->precision);
  const size_t bytes =
      paired == 3 ? OCLSTM__AMX_TERMS * sizeof(uint16_t) : oclstm__stored_bytes(desc->precision);
  uint64_t weights =
      (uint64_t)oclstm__round_up(model->head_size, 256) *
          oclstm__padded_depth(oclstm_layer_output_size(&model->layers[model->n_layers - 1]), paired) +
      (uint64_t)model->embedding_size * model->layers[0].input_size;
  bool grid = desc->strategy == OCLSTM_STRATEGY_GRID || desc->strategy == OCLSTM_STRATEGY_AUTO;
  for (size_t l = 0; l < model->n_layers; ++l) {
    const oclstm_layer *layer = &model->layers[l];
    uint64_t HP = oclstm__round_up(layer->hidden_size, 64);
    uint64_t gates = oclstm__gates(layer->kind) * HP;
    /* For kernels/resident.cl, K padded for eight warps. */
    weights += grid && cl->vector_width == 1
                   ? oclstm_layer_directions(layer) * gates * oclstm__round_up(HP, 256)
                   : 0;
    uint64_t columns = oclstm__padded_depth(layer->input_size, paired) +
                       oclstm__padded_depth(oclstm_layer_state_size(layer), paired) + 8; /* 8: vectors */
    weights += oclstm_layer_directions(layer) * (gates * columns + HP * layer->projection_size);
    ahead += oclstm_layer_directions(layer) * gates * rows_ahead(cl, desc);
  }
  uint64_t step = (uint64_t)desc->rows * (w->product + 2 * w->between);
  return weights * bytes + (step + ahead) * sizeof(float);
}

static uint64_t bytes_per_row(const oclstm__cl_plan *plan, const oclstm__widths *w) {
  const size_t gates = plan->n_gx * w->gates;
  return (uint64_t)(w->caller + gates + w->cells) * sizeof(float) +
         (uint64_t)(plan->n_activations * w->activation) * oclstm__stored_bytes(plan->base.desc.precision);
}

/* Most rows n*B that fit `bytes` and one buffer each. */
static uint64_t most_rows(const oclstm__cl_plan *plan, const oclstm__widths *w, uint64_t bytes) {
  assert(w->gates > 0 && "a layer has units");
  uint64_t widest = oclstm__max(oclstm__max(w->gates, w->caller), 1);
  uint64_t in_buffer = plan->base.context->device.max_allocation_bytes / (widest * sizeof(float));
  uint64_t in_memory = bytes / bytes_per_row(plan, w);
  uint64_t rows = in_buffer < in_memory ? in_buffer : in_memory;
  rows = rows < MOST_ROWS ? rows : MOST_ROWS;
  return rows / OCLSTM__ROW_BLOCK * OCLSTM__ROW_BLOCK;
}

oclstm_status oclstm__decide_steps(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_plan_desc *desc = &plan->base.desc;
  const oclstm_device_info *device = &plan->base.context->device;
  const oclstm__widths w = oclstm__plan_widths(plan->base.model, desc->cells != 0);
  uint64_t B = desc->rows;
  assert(B > 0 && w.gates > 0 && "a plan has rows, a layer has units");
  uint64_t automatic = device->memory_bytes / 4 < DEFAULT_MEMORY ? device->memory_bytes / 4 : DEFAULT_MEMORY;
  /* Steps asked for without a budget may take the whole device. */
  uint64_t budget = desc->memory_bytes != 0 ? desc->memory_bytes
                    : desc->steps != 0      ? device->memory_bytes
                                            : automatic;
  uint64_t fixed = fixed_bytes(plan, &w);
  uint64_t rows = fixed < budget ? most_rows(plan, &w, budget - fixed) : 0;
  uint64_t wanted = desc->steps != 0 ? desc->steps : 1;
  REQUIRE(B <= MOST_ROWS && wanted <= MOST_ROWS / B, OCLSTM_E_LIMIT,
          "%llu steps of %llu rows, the limit is %llu together", (unsigned long long)wanted,
          (unsigned long long)B, (unsigned long long)MOST_ROWS);
  REQUIRE(wanted * B <= rows, OCLSTM_E_DEVICE_MEMORY,
          "%llu steps of %llu rows take %llu bytes of buffers and %llu of weights; memory_bytes is %llu, "
          "and one buffer may take %llu",
          (unsigned long long)wanted, (unsigned long long)B,
          (unsigned long long)(wanted * B * bytes_per_row(plan, &w)), (unsigned long long)fixed,
          (unsigned long long)budget, (unsigned long long)device->max_allocation_bytes);
  if (desc->steps == 0) {
    uint64_t cached = GATES_BYTES / (B * w.gates * sizeof(float));
    uint64_t steps = rows / B < cached ? rows / B : cached;
    desc->steps = (size_t)(steps < 1 ? 1 : steps > MOST_STEPS ? MOST_STEPS : steps);
  }
done:
  return status;
}
