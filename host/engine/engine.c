/* The public context, plan, state and forward calls: arguments are checked here, once for every engine.
 * SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* ---- devices and context ---- */

oclstm_status oclstm_list_devices(oclstm_device_info *devices, size_t capacity, size_t *count,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(count != NULL && (devices != NULL || capacity == 0), OCLSTM_E_ARGUMENT,
          "count is NULL, or devices with capacity %zu", capacity);
  *count = 0;
  TRY(oclstm__opencl_list_devices(devices, capacity, count, error));
  if (*count < capacity) {
    oclstm__reference_device(&devices[*count]);
  }
  ++*count;
done:
  return status;
}

oclstm_status oclstm_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                    oclstm_error *error) {
  static const oclstm_context_desc DEFAULTS = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL, OCLSTM_E_ARGUMENT, "context is NULL");
  *context = NULL;
  desc = desc != NULL ? desc : &DEFAULTS;
  REQUIRE(desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT,
          "context descriptor of %zu bytes, expected %zu", desc->struct_size, sizeof *desc);
  REQUIRE(oclstm__allocator_valid(desc->allocator), OCLSTM_E_ARGUMENT,
          "allocator has one of its two functions");
  if (desc->device != NULL && strcmp(desc->device, "reference") == 0) {
    TRY(oclstm__reference_context_create(desc, context, error));
  } else {
    TRY(oclstm__opencl_context_create(desc, context, error));
  }
done:
  return status;
}

void oclstm_context_destroy(oclstm_context **context) {
  if (context != NULL && *context != NULL) {
    (*context)->engine->context_destroy(*context);
    *context = NULL;
  }
}

const oclstm_device_info *oclstm_context_device(const oclstm_context *context) {
  return &context->device;
}

const char *oclstm_context_build_log(const oclstm_context *context) {
  return context->engine->build_log(context);
}

oclstm_status oclstm_context_counters(oclstm_context *context, oclstm_counters *counters,
                                      oclstm_error *error) {
  static const oclstm_counters NOTHING = OCLSTM_COUNTERS_INIT;
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL && counters != NULL && counters->struct_size == sizeof *counters, OCLSTM_E_ARGUMENT,
          "context or counters is NULL, or counters are of another version");
  *counters = NOTHING;
  if (context->engine->counters != NULL) {
    TRY(context->engine->counters(context, counters, error));
  }
done:
  return status;
}

oclstm_status oclstm_context_reset_counters(oclstm_context *context, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL, OCLSTM_E_ARGUMENT, "context is NULL");
  if (context->engine->counters_reset != NULL) {
    TRY(context->engine->counters_reset(context, error));
  }
done:
  return status;
}

oclstm_status oclstm_context_peak_flops(oclstm_context *context, double *per_second, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL && per_second != NULL, OCLSTM_E_ARGUMENT, "context or per_second is NULL");
  *per_second = 0.0;
  REQUIRE(context->engine->peak_flops != NULL, OCLSTM_E_UNSUPPORTED,
          "peaks of the reference are not supported");
  TRY(context->engine->peak_flops(context, per_second, error));
done:
  return status;
}

oclstm_status oclstm_context_peak_read(oclstm_context *context, uint64_t bytes, double *per_second,
                                       oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL && per_second != NULL, OCLSTM_E_ARGUMENT, "context or per_second is NULL");
  *per_second = 0.0;
  REQUIRE(context->engine->peak_read != NULL, OCLSTM_E_UNSUPPORTED,
          "peaks of the reference are not supported");
  TRY(context->engine->peak_read(context, bytes, per_second, error));
done:
  return status;
}

/* ---- plan ---- */

static oclstm_status check_plan_desc(const oclstm_plan_desc *given, oclstm_plan_desc *desc,
                                     oclstm_error *error) {
  static const oclstm_plan_desc DEFAULTS = OCLSTM_PLAN_DESC_INIT;
  oclstm_status status = OCLSTM_OK;
  *desc = given != NULL ? *given : DEFAULTS;
  REQUIRE(desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT, "plan descriptor of %zu bytes, expected %zu",
          desc->struct_size, sizeof *desc);
  REQUIRE((unsigned)desc->precision <= OCLSTM_PRECISION_BF16, OCLSTM_E_ARGUMENT, "precision is %u",
          (unsigned)desc->precision);
  REQUIRE((unsigned)desc->strategy <= OCLSTM_STRATEGY_GRID, OCLSTM_E_ARGUMENT, "strategy is %u",
          (unsigned)desc->strategy);
  REQUIRE((unsigned)desc->gemm <= OCLSTM_GEMM_AMX, OCLSTM_E_ARGUMENT, "gemm is %u", (unsigned)desc->gemm);
  REQUIRE((unsigned)desc->tuning <= OCLSTM_TUNING_AGAIN, OCLSTM_E_ARGUMENT, "tuning is %u",
          (unsigned)desc->tuning);
  desc->rows = desc->rows != 0 ? desc->rows : 1;
done:
  return status;
}

oclstm_status oclstm_supports(const oclstm_context *context, const oclstm_model *model,
                              const oclstm_plan_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_plan_desc checked;
  REQUIRE(context != NULL && model != NULL, OCLSTM_E_ARGUMENT, "context or model is NULL");
  TRY(check_plan_desc(desc, &checked, error));
  const oclstm_layer *last = &model->layers[model->n_layers - 1];
  REQUIRE(!checked.training, OCLSTM_E_UNSUPPORTED, "training is not supported");
  REQUIRE(!checked.cells || oclstm__cell_size(last) != 0, OCLSTM_E_UNSUPPORTED,
          "cells of layer %zu are not supported: it has no c", model->n_layers - 1);
  TRY(context->engine->supports(context, model, &checked, error));
done:
  return status;
}

static void name_precision(oclstm_plan *plan) {
  static const char *const NAMES[] = {"f32", "f16", "bf16"};
  (void)snprintf(plan->info.precision, sizeof plan->info.precision, "%s", NAMES[plan->desc.precision]);
}

oclstm_status oclstm_plan_create(oclstm_context *context, const oclstm_model *model,
                                 const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_plan_desc checked;
  REQUIRE(plan != NULL, OCLSTM_E_ARGUMENT, "plan is NULL");
  *plan = NULL;
  TRY(oclstm_supports(context, model, desc, error));
  TRY(check_plan_desc(desc, &checked, error));
  TRY(context->engine->plan_create(context, model, &checked, plan, error));
  name_precision(*plan);
done:
  return status;
}

void oclstm_plan_destroy(oclstm_plan **plan) {
  if (plan != NULL && *plan != NULL) {
    (*plan)->context->engine->plan_destroy(*plan);
    *plan = NULL;
  }
}

const oclstm_plan_info *oclstm_plan_get_info(const oclstm_plan *plan) {
  return &plan->info;
}

/* ---- state ---- */

oclstm_status oclstm_state_create(const oclstm_plan *plan, oclstm_state **state, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(state != NULL, OCLSTM_E_ARGUMENT, "state is NULL");
  *state = NULL;
  REQUIRE(plan != NULL, OCLSTM_E_ARGUMENT, "plan is NULL");
  TRY(plan->context->engine->state_create(plan, state, error));
done:
  return status;
}

void oclstm_state_destroy(oclstm_state **state) {
  if (state != NULL && *state != NULL) {
    (*state)->context->engine->state_destroy(*state);
    *state = NULL;
  }
}

oclstm_status oclstm_state_set(oclstm_state *state, const float *h, const float *c, oclstm_error *error) {
  if (state == NULL) {
    return oclstm__fail(error, OCLSTM_E_ARGUMENT, "state is NULL");
  }
  return state->context->engine->state_set(state, h, c, error);
}

oclstm_status oclstm_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error) {
  if (state == NULL) {
    return oclstm__fail(error, OCLSTM_E_ARGUMENT, "state is NULL");
  }
  return state->context->engine->state_get(state, h, c, error);
}

/* ---- forward ---- */

static oclstm_status check_lengths(const int32_t *lengths, size_t rows, size_t steps, oclstm_error *error) {
  for (size_t b = 0; lengths != NULL && b < rows; ++b) {
    if (lengths[b] < 0 || (size_t)lengths[b] > steps) {
      return oclstm__fail(error, OCLSTM_E_LENGTHS, "length of row %zu is %d, outside of 0 to %zu", b,
                          (int)lengths[b], steps);
    }
  }
  return OCLSTM_OK;
}

/* Ids of valid steps only: padding is not read. */
static oclstm_status check_ids(const oclstm_plan *plan, const oclstm__sweep *sweep, oclstm_error *error) {
  const int32_t *ids = sweep->input;
  size_t V = plan->model->embedding_size;
  size_t B = plan->desc.rows;
  for (size_t b = 0; ids != NULL && b < B; ++b) { /* NULL: no steps */
    size_t valid = sweep->lengths != NULL ? (size_t)sweep->lengths[b] : sweep->steps;
    for (size_t t = 0; t < valid; ++t) {
      int32_t id = ids[sweep->layout == OCLSTM_TIME_MAJOR ? t * B + b : b * sweep->steps + t];
      if (id < 0 || (size_t)id >= V) {
        return oclstm__fail(error, OCLSTM_E_INDEX,
                            "id %ld at step %zu of row %zu, the embedding has %zu rows", (long)id, t, b, V);
      }
    }
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__check_call(const oclstm_plan *plan, const oclstm_state *state, const oclstm__call *call,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(call->steps <= plan->desc.steps, OCLSTM_E_ARGUMENT, "%zu steps, the plan takes %zu", call->steps,
          plan->desc.steps);
  REQUIRE((unsigned)call->layout <= OCLSTM_BATCH_MAJOR, OCLSTM_E_ARGUMENT, "layout is %u",
          (unsigned)call->layout);
  REQUIRE(call->input || call->steps == 0, OCLSTM_E_ARGUMENT, "%s is NULL",
          plan->model->embedding_size != 0 ? "ids" : "x");
  REQUIRE(!call->cells || plan->desc.cells, OCLSTM_E_ARGUMENT, "cells wanted from a plan made without them");
  REQUIRE(state->context == plan->context && state->model == plan->model && state->rows == plan->desc.rows &&
              state->precision == plan->desc.precision,
          OCLSTM_E_STATE,
          "state of %zu rows given to a plan of %zu rows, or of another context, model or precision",
          state->rows, plan->desc.rows);
done:
  return status;
}

oclstm_status oclstm__sweep_run(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__call call = {sweep->steps, sweep->layout, sweep->input != NULL, sweep->cells != NULL};
  TRY(oclstm__check_call(plan, state, &call, error));
  TRY(check_lengths(sweep->lengths, plan->desc.rows, sweep->steps, error));
  if (plan->model->embedding_size != 0 && sweep->first_layer == 0 && sweep->n_layers > 0) {
    TRY(check_ids(plan, sweep, error));
  }
  if (sweep->steps > 0) {
    TRY(plan->context->engine->sweep(plan, state, sweep, error));
  }
done:
  return status;
}

oclstm_status oclstm_forward(oclstm_plan *plan, oclstm_state *state, const oclstm_io *io,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(plan != NULL && state != NULL && io != NULL, OCLSTM_E_ARGUMENT, "plan, state or io is NULL");
  REQUIRE(io->struct_size == sizeof *io, OCLSTM_E_ARGUMENT, "io of %zu bytes, expected %zu", io->struct_size,
          sizeof *io);
  bool embedding = plan->model->embedding_size != 0;
  REQUIRE(embedding ? io->x == NULL : io->ids == NULL, OCLSTM_E_ARGUMENT,
          "%s given to a model %s an embedding", embedding ? "x" : "ids", embedding ? "with" : "without");
  const oclstm__sweep whole = {
      .steps = io->steps,
      .layout = io->layout,
      .n_layers = plan->model->n_layers,
      .head = plan->model->head_size != 0,
      .part = OCLSTM__WHOLE,
      .input = embedding ? (const void *)io->ids : io->x,
      .lengths = io->lengths,
      .output = io->y,
      .cells = io->cells,
  };
  TRY(oclstm__sweep_run(plan, state, &whole, error));
done:
  return status;
}
