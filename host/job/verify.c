/* One device against the reference, layer by layer: both are given the reference's input of each layer.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

enum { DEVICE, REFERENCE, SIDES };

typedef struct verification {
  oclstm_context *context[SIDES];
  const oclstm_model *model;
  oclstm_verify_desc desc; /* bounds filled in */
  oclstm_allocator allocator;
  float *
      x; /* [T, B, widest y] input of the layer, the reference's; of a layer with an embedding, int32 ids [T, B] */
  float *y[SIDES];          /* [T, B, widest y] */
  oclstm_model *one;        /* the model of one layer */
  oclstm__verify_pair pair; /* its plans and states */
} verification;

/* ---- one layer as a model of its own ---- */

static oclstm_status one_layer(verification *v, size_t index, bool head, oclstm_error *error) {
  const oclstm_model *model = v->model;
  const oclstm_weights weights[2] = {oclstm_model_weights(model, index, 0),
                                     oclstm_model_weights(model, index, 1)};
  oclstm_limits limits = OCLSTM_LIMITS_INIT; /* the model has passed its own limits already */
  limits.features = UINT64_C(1) << 30;
  limits.parameters = model->parameters;
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  desc.n_layers = 1;
  desc.layers = &model->layers[index];
  desc.weights = weights;
  desc.limits = &limits;
  desc.allocator = v->allocator;
  if (index == 0 && !head) {
    desc.embedding_size = model->embedding_size;
    desc.embedding = model->embedding;
    limits.ids = model->embedding_size;
  }
  if (head) {
    desc.head_size = model->head_size;
    oclstm_model_head(model, &desc.head_W, &desc.head_b);
  }
  return oclstm_model_create(&desc, &v->one, error);
}

static void close_pair(verification *v) {
  for (size_t side = 0; side < SIDES; ++side) {
    oclstm_state_destroy(&v->pair.state[side]);
    oclstm_plan_destroy(&v->pair.plan[side]);
  }
  oclstm_model_destroy(&v->one);
}

/* What is asked of the device; the reference has one way only, and its own memory. */
static oclstm_plan_desc side_desc(const verification *v, size_t side) {
  oclstm_plan_desc desc = v->desc.plan;
  if (side == REFERENCE) {
    desc.strategy = OCLSTM_STRATEGY_AUTO;
    desc.gemm = OCLSTM_GEMM_AUTO;
    desc.memory_bytes = 0;
  }
  desc.rows = v->desc.rows;
  desc.cells = 0;
  return desc;
}

static oclstm_status open_pair(verification *v, size_t index, bool head, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(one_layer(v, index, head, error));
  for (size_t side = 0; side < SIDES; ++side) {
    oclstm_error too_large = {OCLSTM_OK, 0, 0, ""};
    oclstm_plan_desc desc = side_desc(v, side);
    desc.steps = v->desc.steps;
    status = oclstm_plan_create(v->context[side], v->one, &desc, &v->pair.plan[side], &too_large);
    if (status == OCLSTM_E_DEVICE_MEMORY || status == OCLSTM_E_LIMIT) {
      desc.steps = 0; /* in chunks, then */
      status = oclstm_plan_create(v->context[side], v->one, &desc, &v->pair.plan[side], &too_large);
    }
    REQUIRE(status == OCLSTM_OK, status, "%s", too_large.text);
    TRY(oclstm_state_create(v->pair.plan[side], &v->pair.state[side], error));
  }
done:
  return status;
}

/* ---- the layers ---- */

static size_t y_count(const verification *v) {
  return v->desc.steps * v->desc.rows * oclstm_model_output_size(v->one);
}

static oclstm_status verify_layer(verification *v, size_t index, oclstm_verify_result *result,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__distance distance = {0};
  TRY(open_pair(v, index, false, error));
  for (size_t side = 0; side < SIDES; ++side) {
    TRY(oclstm__verify_run(&v->allocator, &v->pair, side, &v->desc, v->x, v->y[side], error));
  }
  oclstm__distance_add(&distance, v->y[DEVICE], v->y[REFERENCE], y_count(v));
  *result = oclstm__distance_judge(&v->desc, &distance);
  if (!result->passed) {
    distance = (oclstm__distance){0};
    TRY(oclstm__verify_resync(&v->allocator, &v->pair, &v->desc, v->x, &distance, error));
    *result = oclstm__distance_judge(&v->desc, &distance);
    result->resynchronised = 1;
  }
  memcpy(v->x, v->y[REFERENCE], y_count(v) * sizeof *v->x);
done:
  close_pair(v);
  return status;
}

/* The head alone, behind the reference's y of the last layer. */
static oclstm_status verify_head(verification *v, oclstm_verify_result *result, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__distance distance = {0.0, 0.0, 0.0};
  TRY(open_pair(v, v->model->n_layers - 1, true, error));
  size_t B = v->desc.rows, in = oclstm_layer_output_size(&v->one->layers[0]), out = v->one->head_size;
  for (size_t side = 0; side < SIDES; ++side) {
    size_t chunk = v->pair.plan[side]->desc.steps;
    for (size_t t = 0; t < v->desc.steps; t += chunk) {
      const oclstm__sweep pass = {
          .steps = oclstm__min(chunk, v->desc.steps - t),
          .layout = OCLSTM_TIME_MAJOR,
          .first_layer = 1,
          .head = true,
          .part = OCLSTM__WHOLE,
          .input = v->x + t * B * in,
          .output = v->y[side] + t * B * out,
      };
      TRY(oclstm__sweep_run(v->pair.plan[side], v->pair.state[side], &pass, error));
    }
  }
  oclstm__distance_add(&distance, v->y[DEVICE], v->y[REFERENCE], y_count(v));
  *result = oclstm__distance_judge(&v->desc, &distance);
done:
  close_pair(v);
  return status;
}

/* ---- the whole ---- */

static oclstm_status check(const oclstm_context *context, const oclstm_model *model,
                           const oclstm_verify_desc *desc, const oclstm_verify_result *results,
                           oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(context != NULL && model != NULL && results != NULL, OCLSTM_E_ARGUMENT,
          "context, model or results is NULL");
  REQUIRE(desc != NULL && desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT,
          "verify descriptor is NULL or of another version");
  bool embedding = model->embedding_size != 0;
  REQUIRE(embedding ? desc->ids != NULL && desc->x == NULL : desc->x != NULL && desc->ids == NULL,
          OCLSTM_E_ARGUMENT, "x %s and ids %s, the model has %s embedding",
          desc->x == NULL ? "NULL" : "given", desc->ids == NULL ? "NULL" : "given", embedding ? "an" : "no");
  REQUIRE(desc->rows > 0 && desc->steps > 0, OCLSTM_E_ARGUMENT, "%zu rows, %zu steps", desc->rows,
          desc->steps);
  REQUIRE((unsigned)desc->plan.precision <= OCLSTM_PRECISION_BF16, OCLSTM_E_ARGUMENT, "precision is %u",
          (unsigned)desc->plan.precision);
  for (size_t b = 0; desc->lengths != NULL && b < desc->rows; ++b) {
    REQUIRE(desc->lengths[b] >= 0 && (size_t)desc->lengths[b] <= desc->steps, OCLSTM_E_LENGTHS,
            "length of row %zu is %d, outside of 0 to %zu", b, (int)desc->lengths[b], desc->steps);
  }
done:
  return status;
}

static oclstm_status alloc_arrays(verification *v, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t width = oclstm__max(oclstm_model_input_size(v->model), v->model->head_size);
  size_t count = 0;
  for (size_t l = 0; l < v->model->n_layers; ++l) {
    width = oclstm__max(width, oclstm_layer_output_size(&v->model->layers[l]));
  }
  REQUIRE(oclstm__mul(v->desc.steps, v->desc.rows, &count) && oclstm__mul(count, width, &count),
          OCLSTM_E_LIMIT, "%zu steps, %zu rows, %zu features", v->desc.steps, v->desc.rows, width);
  float **arrays[] = {&v->x, &v->y[DEVICE], &v->y[REFERENCE]};
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; ++k) {
    *arrays[k] = oclstm__alloc(&v->allocator, count, sizeof **arrays[k]);
    REQUIRE(*arrays[k] != NULL, OCLSTM_E_MEMORY, "%zu steps, %zu rows, %zu features", v->desc.steps,
            v->desc.rows, width);
  }
  const void *x = v->desc.ids != NULL ? (const void *)v->desc.ids : v->desc.x;
  _Static_assert(sizeof(float) == sizeof(int32_t), "ids have the room of features");
  memcpy(v->x, x, v->desc.steps * v->desc.rows * oclstm_model_input_size(v->model) * sizeof *v->x);
done:
  return status;
}

/* Of float32 against double, contractive weights; of storage in 11 and in 8 bits of significand. */
typedef struct bounds {
  double relative_l2, max_absolute;
} bounds;
static const bounds BOUNDS[] = {
    [OCLSTM_PRECISION_F32] = {2e-6, 1e-5},
    [OCLSTM_PRECISION_F16] = {2e-3, 2e-3},
    [OCLSTM_PRECISION_BF16] = {1.6e-2, 1.6e-2},
};

static oclstm_status open_verification(verification *v, oclstm_context *context,
                                       const oclstm_verify_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_context_desc reference = OCLSTM_CONTEXT_DESC_INIT;
  v->context[DEVICE] = context;
  v->desc = *desc;
  const bounds *standard = &BOUNDS[desc->plan.precision];
  v->desc.max_relative_l2 = desc->max_relative_l2 > 0.0 ? desc->max_relative_l2 : standard->relative_l2;
  v->desc.max_absolute = desc->max_absolute > 0.0 ? desc->max_absolute : standard->max_absolute;
  v->allocator = oclstm__allocator(context->allocator);
  reference.device = "reference";
  reference.allocator = v->allocator;
  reference.log = context->log;
  TRY(oclstm_context_create(&reference, &v->context[REFERENCE], error));
  TRY(alloc_arrays(v, error));
done:
  return status;
}

static void close_verification(verification *v) {
  oclstm__free(&v->allocator, v->y[REFERENCE]);
  oclstm__free(&v->allocator, v->y[DEVICE]);
  oclstm__free(&v->allocator, v->x);
  oclstm_context_destroy(&v->context[REFERENCE]);
}

static oclstm_status mismatch(const oclstm_model *model, const oclstm_verify_result *results,
                              oclstm_error *error) {
  size_t n = model->n_layers + (model->head_size != 0);
  for (size_t k = 0; k < n; ++k) {
    if (!results[k].passed) {
      return oclstm__fail(error, OCLSTM_E_MISMATCH, "%s %zu: relative L2 %.3g, max abs %.3g",
                          k < model->n_layers ? "layer" : "head behind layer",
                          k < model->n_layers ? k : k - 1, results[k].relative_l2, results[k].max_absolute);
    }
  }
  return OCLSTM_OK;
}

oclstm_status oclstm_verify(oclstm_context *context, const oclstm_model *model,
                            const oclstm_verify_desc *desc, oclstm_verify_result *results,
                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  verification v = {.model = model};
  TRY(check(context, model, desc, results, error));
  TRY(open_verification(&v, context, desc, error));
  for (size_t l = 0; l < model->n_layers; ++l) {
    TRY(verify_layer(&v, l, &results[l], error));
  }
  if (model->head_size != 0) {
    TRY(verify_head(&v, &results[model->n_layers], error));
  }
  TRY(mismatch(model, results, error));
done:
  close_verification(&v);
  return status;
}
