/* A network run in one forward call and as a job in chunks, and the comparison of the two.
 * SPDX-License-Identifier: MIT */
#include "runs.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"

static const uint64_t LENGTHS[B] = {100, 37, 0, 64, 65};
static const int32_t LENGTHS32[B] = {100, 37, 0, 64, 65};

static oclstm_status touch(const memory_array *a, uint64_t first, size_t n) {
  return a->status != OCLSTM_OK && a->fail_at >= first && a->fail_at < first + n ? a->status : OCLSTM_OK;
}

oclstm_status read_memory(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  const memory_array *a = user;
  (void)error;
  memcpy(to, a->floats + first * a->step, n * a->step * sizeof *a->floats);
  return touch(a, first, n);
}

oclstm_status write_memory(void *user, uint64_t first, size_t n, const float *from, oclstm_error *error) {
  const memory_array *a = user;
  (void)error;
  memcpy(a->floats + first * a->step, from, n * a->step * sizeof *from);
  return touch(a, first, n);
}

float *floats(size_t n, float value) {
  float *memory = malloc((n + 1) * sizeof *memory);
  assert_non_null(memory);
  for (size_t k = 0; k < n; ++k) {
    memory[k] = value;
  }
  return memory;
}

static size_t cells_width(const oclstm_model *model) {
  const oclstm_layer *last = oclstm_model_layer(model, oclstm_model_n_layers(model) - 1);
  return oclstm_layer_directions(last) * oclstm__cell_size(last);
}

/* Outputs begin as 77, so that a place that is not written shows. */
results results_of(const oclstm_model *model) {
  results r = {.y_count = T * B * oclstm_model_output_size(model),
               .cells_count = T * B * cells_width(model),
               .h_count = B * oclstm_model_h_size(model),
               .c_count = B * oclstm_model_c_size(model)};
  r.y = floats(r.y_count, 77.0F);
  r.cells = floats(r.cells_count, 77.0F);
  r.h = floats(r.h_count, 77.0F);
  r.c = floats(r.c_count, 77.0F);
  return r;
}

void free_results(results *r) {
  free(r->y);
  free(r->cells);
  free(r->h);
  free(r->c);
}

/* ---- the two ways ---- */

/* Compiled programs of this process: the same few are wanted again and again. */
static char programs_folder[] = "/tmp/oclstm-test-programs-XXXXXX";

static void remove_programs(void) {
  DIR *folder = opendir(programs_folder);
  for (struct dirent *entry = folder != NULL ? readdir(folder) : NULL; entry != NULL;
       entry = readdir(folder)) {
    char path[sizeof programs_folder + sizeof entry->d_name + 1];
    (void)snprintf(path, sizeof path, "%s/%s", programs_folder, entry->d_name);
    (void)unlink(path);
  }
  (void)(folder != NULL && closedir(folder));
  (void)rmdir(programs_folder);
}

static const char *programs(void) {
  static bool made;
  if (!made) {
    assert_non_null(mkdtemp(programs_folder));
    assert_int_equal(atexit(remove_programs), 0);
    made = true;
  }
  return programs_folder;
}

static oclstm_context *open_context(counted_memory *count, oclstm_error *error) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = options.device;
  desc.allocator = counting_allocator(count);
  desc.cache_dir = programs();
  assert_ok(oclstm_context_create(&desc, &context, error), error);
  return context;
}

static void open_plan(bench *b, oclstm_context *context, const network_desc *network, size_t rows,
                      size_t steps, bool cells) {
  oclstm_plan_desc plan = OCLSTM_PLAN_DESC_INIT;
  plan.rows = rows;
  plan.steps = steps;
  plan.cells = cells;
  plan.strategy = options.strategy;
  plan.tuning = OCLSTM_TUNING_NONE;
  plan.gemm = options.gemm;
  b->model = network_create(network);
  assert_ok(oclstm_plan_create(context, b->model, &plan, &b->plan, &b->error), &b->error);
  assert_ok(oclstm_state_create(b->plan, &b->state, &b->error), &b->error);
}

void open_bench(bench *b, const network_desc *network, size_t rows, size_t steps, bool cells) {
  memset(b, 0, sizeof *b);
  b->context = open_context(&b->count, &b->error);
  open_plan(b, b->context, network, rows, steps, cells);
}

static void open_run(bench *b, const setting *s, size_t rows, size_t steps) {
  memset(b, 0, sizeof *b);
  open_plan(b, s->context, &s->network, rows, steps, s->cells);
}

void close_bench(bench *b) {
  oclstm_state_destroy(&b->state);
  oclstm_plan_destroy(&b->plan);
  oclstm_context_destroy(&b->context);
  oclstm_model_destroy(&b->model);
  assert_int_equal(b->count.now, 0);
}

/* The state of `rows` rows, of which the first B are the same in every setting: random_fill per layer block would
 * differ with the row count, so the values are made for B rows and spread. */
static void spread_state(const oclstm_model *model, size_t rows, bool cell, const float *from, float *to) {
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(model, l);
    size_t H = cell ? oclstm__cell_size(layer) : oclstm_layer_state_size(layer);
    for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
      memcpy(to, from, B * H * sizeof *to);
      to += rows * H;
      from += B * H;
    }
  }
}

static void gather_state(const oclstm_model *model, size_t rows, bool cell, const float *from, float *to) {
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(model, l);
    size_t H = cell ? oclstm__cell_size(layer) : oclstm_layer_state_size(layer);
    for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
      memcpy(to, from, B * H * sizeof *to);
      from += rows * H;
      to += B * H;
    }
  }
}

void set_state(bench *b, size_t rows) {
  size_t nh = oclstm_model_h_size(b->model), nc = oclstm_model_c_size(b->model);
  float *h = floats(B * nh, 0.0F), *c = floats(B * nc, 0.0F);
  float *wide_h = floats(rows * nh, 0.0F), *wide_c = floats(rows * nc, 0.0F);
  random_fill(h, B * nh, 21);
  random_fill(c, B * nc, 22);
  spread_state(b->model, rows, false, h, wide_h);
  spread_state(b->model, rows, true, c, wide_c);
  assert_ok(oclstm_state_set(b->state, wide_h, wide_c, &b->error), &b->error);
  free(h), free(c), free(wide_h), free(wide_c);
}

void get_state(bench *b, size_t rows, results *r) {
  float *wide_h = floats(rows * oclstm_model_h_size(b->model), 0.0F);
  float *wide_c = floats(rows * oclstm_model_c_size(b->model), 0.0F);
  assert_ok(oclstm_state_get(b->state, wide_h, wide_c, &b->error), &b->error);
  gather_state(b->model, rows, false, wide_h, r->h);
  gather_state(b->model, rows, true, wide_c, r->c);
  free(wide_h), free(wide_c);
}

/* NaN behind each row's length, or an id that no embedding has: padding is never read. */
static float *make_input(const oclstm_model *model, bool ragged) {
  size_t width = oclstm_model_input_size(model), V = oclstm_model_embedding_size(model);
  float *x = floats(T * B * width, 0.0F);
  random_fill(x, T * B * width, 3);
  for (size_t k = 0; k < T * B * width; ++k) {
    bool padding = ragged && k / width / B >= LENGTHS[k / width % B];
    int32_t id = padding ? INT32_MIN : (int32_t)(k * 7 % (V != 0 ? V : 1));
    x[k] = padding ? NAN : x[k];
    if (V != 0) {
      memcpy(&x[k], &id, sizeof id);
    }
  }
  return x;
}

static results run_forward(const setting *s) {
  bench b;
  open_run(&b, s, B, T);
  results r = results_of(b.model);
  float *x = make_input(b.model, s->ragged);
  bool ids = s->network.embedding_size != 0;
  oclstm_io io = OCLSTM_IO_INIT;
  if (!s->fresh) {
    set_state(&b, B);
  }
  io.steps = T;
  io.x = ids ? NULL : x;
  io.ids = ids ? (const void *)x : NULL;
  io.lengths = s->ragged ? LENGTHS32 : NULL;
  io.y = r.y;
  io.cells = s->cells ? r.cells : NULL;
  assert_ok(oclstm_forward(b.plan, b.state, &io, &b.error), &b.error);
  get_state(&b, B, &r);
  free(x);
  close_bench(&b);
  return r;
}

static results run_in_chunks(const setting *s) {
  bench b;
  open_run(&b, s, s->plan_rows, s->chunk);
  results r = results_of(b.model);
  size_t width = oclstm_model_input_size(b.model);
  float *x = make_input(b.model, s->ragged);
  if (!s->fresh) {
    set_state(&b, s->plan_rows);
  }
  memory_array from = {.floats = x, .step = B * width};
  memory_array to_y = {.floats = r.y, .step = r.y_count / T};
  memory_array to_cells = {.floats = r.cells, .step = r.cells_count / T};
  const oclstm_source source = {&from, B, T, width, s->ragged ? LENGTHS : NULL, read_memory};
  const oclstm_sink y = {&to_y, write_memory}, cells = {&to_cells, write_memory};
  oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
  job.plan = b.plan;
  job.state = b.state;
  job.source = &source;
  job.y = &y;
  job.cells = s->cells ? &cells : NULL;
  job.memory_bytes = s->memory_bytes;
  job.scratch_dir = "/tmp";
  assert_ok(oclstm_job_run(&job, &b.error), &b.error);
  get_state(&b, s->plan_rows, &r);
  free(x);
  close_bench(&b);
  return r;
}

/* ---- comparisons ---- */

/* Devices hold float32 between layers, as stores do. The reference holds double, which a store between two walks
 * rounds: there, networks that compute on from a store are close, not equal. */
static bool is_exact(const setting *s, const oclstm_model *model) {
  const oclstm_layer *first = oclstm_model_layer(model, 0);
  size_t n = oclstm_model_n_layers(model);
  bool all_forward = true;
  for (size_t l = 0; l < n; ++l) {
    all_forward = all_forward && oclstm_model_layer(model, l)->direction == OCLSTM_FORWARD;
  }
  bool one_way = n == 1 && first->direction == OCLSTM_REVERSE;
  bool copied = n == 1 && first->merge == OCLSTM_CONCAT && s->network.head_size == 0;
  return strcmp(options.device, "reference") != 0 || all_forward || one_way || copied || s->chunk >= T;
}

static void compare(const setting *s, bool exact, const char *what, const float *a, const float *b,
                    size_t n) {
  for (size_t k = 0; k < n; ++k) {
    if (exact ? memcmp(&a[k], &b[k], sizeof *a) != 0 : !(fabsf(a[k] - b[k]) <= 2e-6F)) {
      fail_msg("network %s, head %zu, chunk %zu, %s, %s, memory %llu: %s[%zu] is %.9g, in one call %.9g",
               s->network.layers, s->network.head_size, s->chunk, s->ragged ? "ragged" : "even",
               s->cells ? "cells" : "no cells", (unsigned long long)s->memory_bytes, what, k, (double)a[k],
               (double)b[k]);
    }
  }
}

static void check_setting(const setting *s, bool exact, const results *whole) {
  results pieces = run_in_chunks(s);
  compare(s, exact, "y", pieces.y, whole->y, whole->y_count);
  compare(s, exact, "cells", pieces.cells, whole->cells, whole->cells_count);
  compare(s, exact, "hn", pieces.h, whole->h, whole->h_count);
  compare(s, exact, "cn", pieces.c, whole->c, whole->c_count);
  free_results(&pieces);
}

/* Ragged rows with cells take every chunk size; the other settings one each. On slow devices, networks with a head and
 * one chunk size. */
void check_network(const network_desc *network, bool thorough) {
  static const size_t CHUNKS[] = {64, 1, 7, T, 2 * T};
  counted_memory count = {0};
  oclstm_error error;
  setting s = {.network = *network, .context = open_context(&count, &error)};
  oclstm_model *model = network_create(network);
  bool has_cells = cells_width(model) != 0;
  int full = has_cells ? 3 : 1; /* ragged, and with cells if there are any */
  for (int variant = thorough ? 0 : full; variant <= full && (network->head_size != 0 || !options.small);
       ++variant) {
    size_t n = options.small || variant != full ? 1 : sizeof CHUNKS / sizeof CHUNKS[0];
    s.ragged = variant & 1;
    s.cells = variant & 2;
    s.fresh =
        strpbrk(network->layers, "iG") != NULL && variant != 2; /* those that have a state of their own */
    s.chunk = T;
    results whole = run_forward(&s);
    for (size_t k = 0; k < n; ++k) {
      s.chunk = CHUNKS[k];
      s.memory_bytes = (k + (size_t)variant) % 2; /* in a file every other time */
      s.plan_rows = k % 3 == 0 ? B + 2 : B;       /* further rows of the plan have nothing to do */
      check_setting(&s, is_exact(&s, model), &whole);
    }
    free_results(&whole);
  }
  oclstm_model_destroy(&model);
  oclstm_context_destroy(&s.context);
  assert_int_equal(count.now, 0); /* whatever the plans and states took */
}

/* ---- memory ---- */

typedef struct endless {
  uint64_t steps_read, steps_written;
} endless;

static oclstm_status read_endless(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  (void)error;
  ((endless *)user)->steps_read += n;
  random_fill(to, n * B * I, (uint32_t)first);
  return OCLSTM_OK;
}

static oclstm_status write_endless(void *user, uint64_t first, size_t n, const float *from,
                                   oclstm_error *error) {
  (void)first;
  (void)from;
  (void)error;
  ((endless *)user)->steps_written += n;
  return OCLSTM_OK;
}

static counted_memory memory_of(const char *layers, bool ragged, uint64_t steps) {
  bench b;
  const network_desc network = {.layers = layers, .input_size = I, .seed = 9};
  endless e = {0, 0};
  const uint64_t lengths[B] = {steps, steps / 3, 0, steps - 1, 17};
  const oclstm_source source = {&e, B, steps, I, ragged ? lengths : NULL, read_endless};
  const oclstm_sink y = {&e, write_endless};
  oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
  open_bench(&b, &network, B, 16, false);
  job.plan = b.plan;
  job.state = b.state;
  job.source = &source;
  job.y = &y;
  job.memory_bytes = 1024;
  job.scratch_dir = "/tmp";
  assert_ok(oclstm_job_run(&job, &b.error), &b.error);
  counted_memory count = b.count;
  assert_int_equal(e.steps_written, steps);
  assert_int_equal(e.steps_read, steps * (layers[0] == 'b' ? 2 : 1));
  close_bench(&b);
  return count;
}

void assert_bounded_memory(const char *layers, bool ragged) {
  (void)memory_of(layers, ragged, 300); /* from here on the programs are there */
  counted_memory small = memory_of(layers, ragged, 300);
  counted_memory large = memory_of(layers, ragged, options.small ? 600 : 6000);
  assert_int_equal(small.peak, large.peak);
  assert_int_equal(small.calls, large.calls);
}
