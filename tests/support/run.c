/* Devices under test, and networks run on them.
 * SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "opencl/device/cl.h"

oclstm_context *device;
oclstm_context *reference;
oclstm_error last_error;

/* ---- calls ---- */

void check_ok(oclstm_status status, const char *call, const char *file, int line) {
  if (status != OCLSTM_OK) {
    print_error("%s: %s: %s\n", call, oclstm_status_name(status), last_error.text);
    _fail(file, line);
  }
}

void check_fails(oclstm_status status, oclstm_status expected, const char *text, const char *call,
                 const char *file, int line) {
  if (status != expected || last_error.status != expected || strstr(last_error.text, text) == NULL) {
    print_error("%s: expected %s with \"%s\", found %s: %s\n", call, oclstm_status_name(expected), text,
                oclstm_status_name(status), last_error.text);
    _fail(file, line);
  }
  memset(&last_error, 0, sizeof last_error);
}

/* ---- devices ---- */

static oclstm_context *open_device(const char *name) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = name;
  OK(oclstm_context_create(&desc, &context, &last_error));
  return context;
}

/* Kernels are made as for a GPU: a work-item is a lane, and matrix instructions are there by their plain twins. */
static void take_for_gpu(oclstm__cl *cl) {
  cl->base.device.type = OCLSTM_DEVICE_GPU;
  cl->vector_width = 1;
  cl->max_lanes = options.lanes;
  cl->twins = true;
}

int open_devices(void **unused) {
  (void)unused;
  reference = open_device("reference");
  device = strcmp(options.device, "reference") == 0 ? reference : open_device(options.device);
  if (options.lanes != 0) {
    take_for_gpu(oclstm__cl_of(device));
  }
  const oclstm_device_info *info = oclstm_context_device(device);
  print_message("device %s: %s, %s; %s\n", info->id, info->name, info->driver, option_text());
  if (options.amx) {
    force_amx();
  }
  return 0;
}

int close_devices(void **unused) {
  (void)unused;
  if (device == reference) {
    device = NULL;
  }
  oclstm_context_destroy(&device);
  oclstm_context_destroy(&reference);
  return 0;
}

char cache_folder[] = "oclstm-cache-XXXXXX";

int open_devices_and_cache(void **unused) {
  return mkdtemp(cache_folder) == NULL || open_devices(unused) != 0;
}

int close_devices_and_cache(void **unused) {
  oclstm_cache_info info;
  bool removed =
      oclstm_cache_clear(cache_folder, &info, &last_error) == OCLSTM_OK && rmdir(cache_folder) == 0;
  return !removed || close_devices(unused) != 0;
}

oclstm_plan_desc plan_desc(const oclstm_context *context, const oclstm_model *model, size_t rows,
                           size_t steps, bool cells) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.rows = rows;
  desc.steps = steps;
  desc.tuning = OCLSTM_TUNING_NONE; /* what is tested must not depend on a clock */
  desc.cells = cells && oclstm__cell_size(oclstm_model_layer(model, oclstm_model_n_layers(model) - 1)) != 0;
  if (context != reference) {
    desc.strategy = options.strategy;
    desc.precision = options.precision;
    desc.gemm = options.gemm;
  }
  return desc;
}

oclstm_plan *make_plan(oclstm_context *context, const oclstm_model *model, size_t rows, size_t steps,
                       bool cells) {
  const oclstm_plan_desc desc = plan_desc(context, model, rows, steps, cells);
  oclstm_plan *plan = NULL;
  OK(oclstm_plan_create(context, model, &desc, &plan, &last_error));
  return plan;
}

/* ---- jobs ---- */

static float *new_floats(size_t count) {
  float *array = calloc(count != 0 ? count : 1, sizeof *array);
  assert_non_null(array);
  return array;
}

test_job make_job(const oclstm_model *model, size_t T, size_t B, uint64_t seed) {
  size_t x_count = T * B * oclstm_model_input_size(model);
  size_t h_count = B * oclstm_model_h_size(model);
  size_t c_count = B * oclstm_model_c_size(model);
  test_job job = {.model = model,
                  .T = T,
                  .B = B,
                  .x = new_floats(x_count),
                  .h0 = new_floats(h_count),
                  .c0 = new_floats(c_count)};
  fill_random(job.x, x_count, 1.0F, &seed);
  fill_random(job.h0, h_count, 0.9F, &seed);
  fill_random(job.c0, c_count, 1.5F, &seed);
  if (oclstm_model_embedding_size(model) != 0) {
    job.ids = calloc(T * B != 0 ? T * B : 1, sizeof *job.ids);
    assert_non_null(job.ids);
    for (size_t k = 0; k < T * B; ++k) {
      job.ids[k] = (int32_t)(next_random(&seed) % oclstm_model_embedding_size(model));
    }
  }
  return job;
}

static void *copy_bytes(const void *from, size_t bytes) {
  void *copy = from != NULL ? new_floats(bytes / sizeof(float)) : NULL;
  if (copy != NULL) {
    memcpy(copy, from, bytes);
  }
  return copy;
}

test_job copy_job(const test_job *from) {
  test_job copy = *from;
  copy.x = copy_bytes(from->x, from->T * from->B * oclstm_model_input_size(from->model) * sizeof *from->x);
  copy.ids = copy_bytes(from->ids, from->T * from->B * sizeof *from->ids);
  copy.lengths = copy_bytes(from->lengths, from->B * sizeof *from->lengths);
  copy.h0 = copy_bytes(from->h0, from->B * oclstm_model_h_size(from->model) * sizeof *from->h0);
  copy.c0 = copy_bytes(from->c0, from->B * oclstm_model_c_size(from->model) * sizeof *from->c0);
  return copy;
}

void set_lengths(test_job *job, const int32_t *lengths, size_t n) {
  free(job->lengths);
  job->lengths = calloc(job->B, sizeof *job->lengths);
  assert_non_null(job->lengths);
  for (size_t b = 0; b < job->B; ++b) {
    int32_t length = lengths[b % n];
    job->lengths[b] = (size_t)length < job->T ? length : (int32_t)job->T;
  }
}

float *x_row(const test_job *job, size_t t, size_t b) {
  size_t row = job->layout == OCLSTM_TIME_MAJOR ? t * job->B + b : b * job->T + t;
  return job->x + row * oclstm_model_input_size(job->model);
}

void free_job(test_job *job) {
  free(job->x);
  free(job->ids);
  free(job->lengths);
  free(job->h0);
  free(job->c0);
  memset(job, 0, sizeof *job);
}

void free_result(test_result *result) {
  free(result->y);
  free(result->hn);
  free(result->cn);
  free(result->cells);
  memset(result, 0, sizeof *result);
}

/* What the outputs hold before a run: no run may leave it standing. */
static float *new_dirty(size_t count) {
  float *array = new_floats(count);
  for (size_t k = 0; k < count; ++k) {
    array[k] = -12345.0F;
  }
  return array;
}

static size_t piece_length(size_t piece, size_t plan_steps, size_t left, uint64_t *seed) {
  size_t n = piece;
  if (piece == RANDOM_PIECES) {
    n = (size_t)(next_random(seed) % (plan_steps + 1));
  } else if (piece == 0) {
    n = plan_steps;
  }
  return n < left ? n : left;
}

/* Valid steps of each row in first .. first + n - 1. */
static void piece_lengths(const test_job *job, size_t first, size_t n, int32_t *lengths) {
  for (size_t b = 0; b < job->B; ++b) {
    int64_t left = (int64_t)job->lengths[b] - (int64_t)first;
    lengths[b] = (int32_t)(left < 0 ? 0 : left > (int64_t)n ? (int64_t)n : left);
  }
}

/* Steps first .. first + n - 1 of the job. */
static oclstm_io piece_of(const test_job *job, const test_result *result, size_t first, size_t n) {
  const test_tensor y = y_of(job), cells = cells_of(job);
  const size_t row = first * job->B;
  oclstm_io io = OCLSTM_IO_INIT;
  io.steps = n;
  io.layout = job->layout;
  io.x = job->ids == NULL ? job->x + row * oclstm_model_input_size(job->model) : NULL;
  io.ids = job->ids != NULL ? job->ids + row : NULL;
  io.y = result->y + row * y.W;
  io.cells = cells.W != 0 ? result->cells + row * cells.W : NULL;
  return io;
}

test_result run_plan(oclstm_plan *plan, const test_job *job, size_t piece) {
  const test_tensor y = y_of(job), cells = cells_of(job);
  test_result result = {.y = new_dirty(y.n * y.B * y.W),
                        .hn = new_dirty(job->B * oclstm_model_h_size(job->model)),
                        .cn = new_dirty(job->B * oclstm_model_c_size(job->model)),
                        .cells = new_dirty(cells.n * cells.B * cells.W)};
  const size_t plan_steps = oclstm_plan_get_info(plan)->steps;
  int32_t *lengths = calloc(job->B, sizeof *lengths);
  uint64_t seed = options.seed;
  oclstm_state *state = NULL;
  assert_non_null(lengths);
  assert_true(job->layout == OCLSTM_TIME_MAJOR || (piece == 0 && plan_steps >= job->T));
  OK(oclstm_state_create(plan, &state, &last_error));
  OK(oclstm_state_set(state, job->h0, job->c0, &last_error));
  for (size_t first = 0, n; first < job->T; first += n) {
    n = piece_length(piece, plan_steps, job->T - first, &seed);
    oclstm_io io = piece_of(job, &result, first, n);
    if (job->lengths != NULL) {
      piece_lengths(job, first, n, lengths);
      io.lengths = lengths;
    }
    OK(oclstm_forward(plan, state, &io, &last_error));
  }
  OK(oclstm_state_get(state, result.hn, result.cn, &last_error));
  oclstm_state_destroy(&state);
  free(lengths);
  return result;
}

test_result run_job(oclstm_context *context, const test_job *job, size_t plan_steps, size_t piece) {
  oclstm_plan *plan = make_plan(context, job->model, job->B, plan_steps != 0 ? plan_steps : job->T, true);
  test_result result = run_plan(plan, job, piece);
  oclstm_plan_destroy(&plan);
  return result;
}

void assert_plan_close(oclstm_plan *plan, const oclstm_model *model, size_t T, size_t B, tolerance limit) {
  test_job job = make_job(model, T, B, options.seed);
  test_result got = run_plan(plan, &job, 0);
  test_result expected = run_job(reference, &job, 0, 0);
  assert_results_close(&job, &expected, &got, limit);
  free_result(&expected);
  free_result(&got);
  free_job(&job);
}
