/* Two layers in two directions with a head, ragged rows, run on the library's own context or on the caller's.
 * SPDX-License-Identifier: MIT */
#include "scenario.h"

#include <string.h>

#include "oclstm/oclstm_opencl.h"

const scenario SCENARIOS[] = {
    {"clblast", OCLSTM_STRATEGY_STEPWISE, OCLSTM_GEMM_CLBLAST, 0, BOTH},
    {"plain", OCLSTM_STRATEGY_STEPWISE, OCLSTM_GEMM_PLAIN, 0, BOTH},
    {"cold", OCLSTM_STRATEGY_STEPWISE, OCLSTM_GEMM_PLAIN, 0, COLD_CACHE},
    {"warm", OCLSTM_STRATEGY_STEPWISE, OCLSTM_GEMM_PLAIN, 0, WARM_CACHE},
    {"fused", OCLSTM_STRATEGY_FUSED_STEP, OCLSTM_GEMM_PLAIN, 0, BOTH},
    {"rows", OCLSTM_STRATEGY_ROWS, OCLSTM_GEMM_PLAIN, 0, BOTH},
    {"interop", OCLSTM_STRATEGY_FUSED_STEP, OCLSTM_GEMM_PLAIN, 1, BOTH},
    {NULL, OCLSTM_STRATEGY_AUTO, OCLSTM_GEMM_AUTO, 0, BOTH},
};

const char *const STAGE_NAMES[N_STAGES] = {"context_create", "plan_create", "state_create",
                                           "state_set",      "forward",     "state_get"};

enum { LAYERS = 2, WIDEST = 2 * SCENARIO_HIDDEN, MATRIX = 4 * SCENARIO_HIDDEN * WIDEST, STATE_FLOATS = 256 };
static const int32_t LENGTHS[SCENARIO_ROWS] = {3, 2};

const scenario *scenario_find(const char *name) {
  const scenario *s = SCENARIOS;
  while (s->name != NULL && strcmp(s->name, name) != 0) {
    ++s;
  }
  return s->name != NULL ? s : NULL;
}

/* Numbers between -0.5 and 0.5 without pattern. */
static void fill(float *values, size_t n) {
  uint32_t x = 12345;
  for (size_t k = 0; k < n; ++k) {
    x = x * 1664525u + 1013904223u;
    values[k] = (float)(x >> 8) / 16777216.0f - 0.5f;
  }
}

oclstm_status scenario_model(oclstm_model **model, oclstm_error *error) {
  float numbers[MATRIX];
  oclstm_layer layers[LAYERS];
  oclstm_weights weights[LAYERS][2];
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  const oclstm_array array = {numbers, OCLSTM_F32};
  fill(numbers, MATRIX);
  memset(layers, 0, sizeof layers);
  memset(weights, 0, sizeof weights);
  for (int l = 0; l < LAYERS; ++l) {
    layers[l].input_size = l == 0 ? SCENARIO_INPUT : 2 * SCENARIO_HIDDEN;
    layers[l].hidden_size = SCENARIO_HIDDEN;
    layers[l].bias = OCLSTM_BIAS_TWO;
    layers[l].direction = OCLSTM_BIDIRECTIONAL;
    for (int d = 0; d < 2; ++d) {
      weights[l][d] = (oclstm_weights){.W_ih = array, .W_hh = array, .b_ih = array, .b_hh = array};
    }
  }
  desc.n_layers = LAYERS;
  desc.layers = layers;
  desc.weights = weights[0];
  desc.head_size = SCENARIO_HEAD;
  desc.head_W = array;
  desc.head_b = array;
  return oclstm_model_create(&desc, model, error);
}

/* ---- the caller's own objects ---- */

static int first_device(cl_device_id *device) {
  cl_platform_id platforms[16];
  cl_uint n = 0;
  int found = 0;
  if (clGetPlatformIDs(16, platforms, &n) != CL_SUCCESS) {
    return 0;
  }
  for (cl_uint k = 0; k < n && k < 16 && !found; ++k) {
    found = clGetDeviceIDs(platforms[k], CL_DEVICE_TYPE_ALL, 1, device, NULL) == CL_SUCCESS;
  }
  return found;
}

int own_objects_open(own_objects *own) {
  float x[SCENARIO_STEPS * SCENARIO_ROWS * SCENARIO_INPUT];
  memset(own, 0, sizeof *own);
  fill(x, sizeof x / sizeof x[0]);
  if (!first_device(&own->device)) {
    return 1;
  }
  own->context = clCreateContext(NULL, 1, &own->device, NULL, NULL, NULL);
  own->queue = clCreateCommandQueue(own->context, own->device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
  own->x = clCreateBuffer(own->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof x, x, NULL);
  own->y = clCreateBuffer(own->context, CL_MEM_READ_WRITE, SCENARIO_FLOATS * sizeof(float), NULL, NULL);
  own->lengths = clCreateBuffer(own->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof LENGTHS,
                                (void *)(uintptr_t)LENGTHS, NULL);
  return own->context == NULL || own->queue == NULL || own->x == NULL || own->y == NULL ||
         own->lengths == NULL;
}

void own_objects_close(own_objects *own) {
  clReleaseMemObject(own->lengths);
  clReleaseMemObject(own->y);
  clReleaseMemObject(own->x);
  clReleaseCommandQueue(own->queue);
  clReleaseContext(own->context);
}

/* ---- the walk ---- */

typedef struct objects {
  oclstm_context *context;
  oclstm_plan *plan;
  oclstm_state *state;
} objects;

static oclstm_status create_context(const scenario *what, const own_objects *own, const char *cache_dir,
                                    oclstm_context **context, oclstm_error *error) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_opencl_desc foreign = OCLSTM_OPENCL_DESC_INIT;
  if (what->interop) {
    foreign.context = own->context;
    foreign.device = own->device;
    foreign.queue = own->queue;
    foreign.cache_dir = cache_dir;
    return oclstm_context_create_opencl(&foreign, context, error);
  }
  desc.cache_dir = cache_dir;
  return oclstm_context_create(&desc, context, error);
}

static oclstm_status create_plan(const scenario *what, const oclstm_model *model, objects *o,
                                 oclstm_error *error) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.rows = SCENARIO_ROWS;
  desc.steps = SCENARIO_STEPS;
  desc.strategy = what->strategy;
  desc.tuning = OCLSTM_TUNING_NONE;
  desc.gemm = what->gemm;
  return oclstm_plan_create(o->context, model, &desc, &o->plan, error);
}

/* Host arrays in batch-major order, so that rows are turned round on the device. */
static oclstm_status forward_host(objects *o, float *y, oclstm_error *error) {
  float x[SCENARIO_STEPS * SCENARIO_ROWS * SCENARIO_INPUT];
  oclstm_io io = OCLSTM_IO_INIT;
  fill(x, sizeof x / sizeof x[0]);
  io.steps = SCENARIO_STEPS;
  io.layout = OCLSTM_BATCH_MAJOR;
  io.x = x;
  io.lengths = LENGTHS;
  io.y = y;
  return oclstm_forward(o->plan, o->state, &io, error);
}

static oclstm_status forward_own(objects *o, const own_objects *own, float *y, oclstm_error *error) {
  oclstm_opencl_io io = OCLSTM_OPENCL_IO_INIT;
  cl_event done = NULL;
  io.steps = SCENARIO_STEPS;
  io.layout = OCLSTM_BATCH_MAJOR;
  io.x.mem = own->x;
  io.lengths.mem = own->lengths;
  io.y.mem = own->y;
  io.event = &done;
  oclstm_status status = oclstm_forward_opencl(o->plan, o->state, &io, error);
  if (status == OCLSTM_OK) { /* reading is the caller's: where it is let fail, y stays what it was */
    (void)clEnqueueReadBuffer(own->queue, own->y, CL_TRUE, 0, SCENARIO_FLOATS * sizeof *y, y, 1, &done, NULL);
  }
  if (done != NULL) {
    (void)clReleaseEvent(done);
  }
  return status;
}

static oclstm_status run(const scenario *what, const own_objects *own, objects *o, size_t runs, float *y,
                         stage *reached, oclstm_error *error) {
  float h[STATE_FLOATS] = {0};
  float c[STATE_FLOATS] = {0};
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < runs && status == OCLSTM_OK; ++k) {
    *reached = STATE_SET; /* once from the host and once as zeros on the device */
    status = oclstm_state_set(o->state, k % 2 == 0 ? h : NULL, k % 2 == 0 ? c : NULL, error);
    if (status == OCLSTM_OK) {
      *reached = FORWARD;
      status = what->interop ? forward_own(o, own, y, error) : forward_host(o, y, error);
    }
  }
  if (status == OCLSTM_OK) {
    *reached = STATE_GET;
    status = oclstm_state_get(o->state, h, c, error);
  }
  return status;
}

oclstm_status scenario_walk(const scenario *what, const oclstm_model *model, const own_objects *own,
                            const char *cache_dir, size_t runs, void (*before_runs)(void),
                            void (*after_runs)(void), float y[SCENARIO_FLOATS], stage *reached,
                            oclstm_error *error) {
  objects o = {NULL, NULL, NULL};
  *reached = CONTEXT_CREATE;
  oclstm_status status = create_context(what, own, cache_dir, &o.context, error);
  if (status == OCLSTM_OK) {
    *reached = PLAN_CREATE;
    status = create_plan(what, model, &o, error);
  }
  if (status == OCLSTM_OK) {
    *reached = STATE_CREATE;
    status = oclstm_state_create(o.plan, &o.state, error);
  }
  if (status == OCLSTM_OK) {
    if (before_runs != NULL) {
      before_runs();
    }
    status = run(what, own, &o, runs, y, reached, error);
    if (after_runs != NULL) {
      after_runs();
    }
  }
  oclstm_state_destroy(&o.state);
  oclstm_plan_destroy(&o.plan);
  oclstm_context_destroy(&o.context);
  return status;
}
