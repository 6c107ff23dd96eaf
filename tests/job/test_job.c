/* Jobs against one long forward call: every mix of directions, chunk sizes, ragged rows, stores in memory and file.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "support.h"
#include "test.h"

enum { T = 100, B = 5, I = 3 };

/* ---- a job in memory, and its results ---- */

typedef struct results {
  float *y, *cells, *h, *c; /* [T,B,F], [T,B,D*H], and the state of B rows */
  size_t y_count, cells_count, h_count, c_count;
} results;

typedef struct setting {
  network_desc network;
  size_t chunk, plan_rows;
  bool ragged, cells;
  uint64_t memory_bytes; /* 0: default; 1: everything in a file */
} setting;

static const uint64_t LENGTHS[B] = {100, 37, 0, 64, 65};
static const int32_t LENGTHS32[B] = {100, 37, 0, 64, 65};

typedef struct memory_array {
  float *floats;
  size_t step;
  uint64_t fail_at; /* a read or write that touches this step fails */
  oclstm_status status;
} memory_array;

static oclstm_status touch(const memory_array *a, uint64_t first, size_t n) {
  return a->status != OCLSTM_OK && a->fail_at >= first && a->fail_at < first + n ? a->status : OCLSTM_OK;
}

static oclstm_status read_memory(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  const memory_array *a = user;
  (void)error;
  memcpy(to, a->floats + first * a->step, n * a->step * sizeof *a->floats);
  return touch(a, first, n);
}

static oclstm_status write_memory(void *user, uint64_t first, size_t n, const float *from,
                                  oclstm_error *error) {
  const memory_array *a = user;
  (void)error;
  memcpy(a->floats + first * a->step, from, n * a->step * sizeof *from);
  return touch(a, first, n);
}

static float *floats(size_t n, float value) {
  float *memory = malloc((n + 1) * sizeof *memory);
  assert_non_null(memory);
  for (size_t k = 0; k < n; ++k) {
    memory[k] = value;
  }
  return memory;
}

static size_t cells_width(const oclstm_model *model) {
  const oclstm_layer *last = oclstm_model_layer(model, oclstm_model_n_layers(model) - 1);
  return oclstm_layer_directions(last) * last->hidden_size;
}

/* Outputs begin as 77, so that a place that is not written shows. */
static results results_of(const oclstm_model *model) {
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

static void free_results(results *r) {
  free(r->y);
  free(r->cells);
  free(r->h);
  free(r->c);
}

/* ---- the two ways ---- */

typedef struct bench {
  counted_memory count;
  oclstm_model *model;
  oclstm_context *context;
  oclstm_plan *plan;
  oclstm_state *state;
  oclstm_error error;
} bench;

static void open_bench(bench *b, const network_desc *network, size_t rows, size_t steps, bool cells) {
  memset(b, 0, sizeof *b);
  oclstm_context_desc context = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc plan = OCLSTM_PLAN_DESC_INIT;
  context.device = options.device;
  context.allocator = counting_allocator(&b->count);
  plan.rows = rows;
  plan.steps = steps;
  plan.cells = cells;
  plan.strategy = options.strategy;
  plan.gemm = options.gemm;
  b->model = network_create(network);
  assert_ok(oclstm_context_create(&context, &b->context, &b->error), &b->error);
  assert_ok(oclstm_plan_create(b->context, b->model, &plan, &b->plan, &b->error), &b->error);
  assert_ok(oclstm_state_create(b->plan, &b->state, &b->error), &b->error);
}

static void close_bench(bench *b) {
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
    size_t H = cell ? layer->hidden_size : oclstm_layer_state_size(layer);
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
    size_t H = cell ? layer->hidden_size : oclstm_layer_state_size(layer);
    for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
      memcpy(to, from, B * H * sizeof *to);
      from += rows * H;
      to += B * H;
    }
  }
}

static void set_state(bench *b, size_t rows) {
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

static void get_state(bench *b, size_t rows, results *r) {
  float *wide_h = floats(rows * oclstm_model_h_size(b->model), 0.0F);
  float *wide_c = floats(rows * oclstm_model_c_size(b->model), 0.0F);
  assert_ok(oclstm_state_get(b->state, wide_h, wide_c, &b->error), &b->error);
  gather_state(b->model, rows, false, wide_h, r->h);
  gather_state(b->model, rows, true, wide_c, r->c);
  free(wide_h), free(wide_c);
}

/* NaN behind each row's length: padding is never read. */
static void fill_input(float *x, bool ragged) {
  random_fill(x, T * B * I, 3);
  for (size_t k = 0; ragged && k < T * B; ++k) {
    for (size_t i = 0; k / B >= LENGTHS[k % B] && i < I; ++i) {
      x[k * I + i] = NAN;
    }
  }
}

static results run_forward(const setting *s) {
  bench b;
  open_bench(&b, &s->network, B, T, s->cells);
  results r = results_of(b.model);
  float *x = floats(T * B * I, 0.0F);
  oclstm_io io = OCLSTM_IO_INIT;
  fill_input(x, s->ragged);
  set_state(&b, B);
  io.steps = T;
  io.x = x;
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
  open_bench(&b, &s->network, s->plan_rows, s->chunk, s->cells);
  results r = results_of(b.model);
  float *x = floats(T * B * I, 0.0F);
  fill_input(x, s->ragged);
  set_state(&b, s->plan_rows);
  memory_array from = {.floats = x, .step = B * I};
  memory_array to_y = {.floats = r.y, .step = r.y_count / T};
  memory_array to_cells = {.floats = r.cells, .step = r.cells_count / T};
  const oclstm_source source = {&from, B, T, I, s->ragged ? LENGTHS : NULL, read_memory};
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
 * rounds: there, networks that need one are close, not equal. */
static bool is_exact(const setting *s) {
  const char *layers = s->network.layers;
  bool one_walk = strspn(layers, "f") == strlen(layers) || strcmp(layers, "r") == 0;
  bool only_merges = strcmp(layers, "b") == 0 && s->network.head_size == 0;
  return strcmp(options.device, "reference") != 0 || one_walk || only_merges || s->chunk >= T;
}

static void compare(const setting *s, const char *what, const float *a, const float *b, size_t n) {
  bool exact = is_exact(s);
  for (size_t k = 0; k < n; ++k) {
    if (exact ? memcmp(&a[k], &b[k], sizeof *a) != 0 : !(fabsf(a[k] - b[k]) <= 2e-6F)) {
      fail_msg("network %s, chunk %zu, %s, %s, memory %llu: %s[%zu] is %.9g, in one call %.9g",
               s->network.layers, s->chunk, s->ragged ? "ragged" : "even", s->cells ? "cells" : "no cells",
               (unsigned long long)s->memory_bytes, what, k, (double)a[k], (double)b[k]);
    }
  }
}

static void check_setting(const setting *s, const results *whole) {
  results pieces = run_in_chunks(s);
  compare(s, "y", pieces.y, whole->y, whole->y_count);
  compare(s, "cells", pieces.cells, whole->cells, whole->cells_count);
  compare(s, "hn", pieces.h, whole->h, whole->h_count);
  compare(s, "cn", pieces.c, whole->c, whole->c_count);
  free_results(&pieces);
}

/* Ragged rows with cells take every chunk size; the other settings one each. On slow devices, networks with a head and
 * one chunk size. */
static void check_network(const char *layers, size_t head) {
  static const size_t CHUNKS[] = {64, 1, 7, T, 2 * T};
  setting s = {.network = {.layers = layers, .input_size = I, .head_size = head, .seed = 9}};
  for (int variant = 0; variant < 4 && (head != 0 || !options.small); ++variant) {
    size_t n = options.small || variant != 3 ? 1 : sizeof CHUNKS / sizeof CHUNKS[0];
    s.ragged = variant & 1;
    s.cells = variant & 2;
    s.chunk = T;
    results whole = run_forward(&s);
    for (size_t k = 0; k < n; ++k) {
      s.chunk = CHUNKS[k];
      s.memory_bytes = (k + (size_t)variant) % 2; /* in a file every other time */
      s.plan_rows = k % 3 == 0 ? B + 2 : B;       /* further rows of the plan have nothing to do */
      check_setting(&s, &whole);
    }
    free_results(&whole);
  }
}

static void job_of_forward_layers(void **unused) {
  (void)unused;
  check_network("fff", 4);
  check_network("f", 0);
}

static void job_of_reverse_layers(void **unused) {
  (void)unused;
  check_network("r", 0);
  check_network("r", 2);
  check_network("rr", 0);
}

static void job_of_a_bidirectional_layer(void **unused) {
  (void)unused;
  check_network("b", 0);
  check_network("b", 4);
}

static void job_of_stacked_bidirectional_layers(void **unused) {
  (void)unused;
  check_network("bb", 0);
  check_network("bbb", 3);
}

static void job_of_every_direction_mixed(void **unused) {
  (void)unused;
  check_network("fbfrb", 0);
  check_network("rbff", 2);
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

static counted_memory memory_of(const char *layers, uint64_t steps) {
  bench b;
  const network_desc network = {.layers = layers, .input_size = I, .seed = 9};
  endless e = {0, 0};
  const oclstm_source source = {&e, B, steps, I, NULL, read_endless};
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

static void job_memory_does_not_grow_with_time(void **unused) {
  (void)unused;
  const char *const networks[] = {"ff", "bb"};
  for (size_t k = 0; k < 2; ++k) {
    counted_memory small = memory_of(networks[k], 300),
                   large = memory_of(networks[k], options.small ? 600 : 6000);
    assert_int_equal(small.peak, large.peak);
    assert_int_equal(small.calls, large.calls);
  }
}

/* ---- stopping and failing ---- */

typedef struct watch {
  uint64_t done[64], total;
  size_t n, stop_after;
} watch;

static int watch_progress(void *user, const oclstm_job_progress *progress) {
  watch *w = user;
  assert_true(w->n < 64);
  assert_true(progress->seconds >= 0.0);
  w->done[w->n++] = progress->done;
  w->total = progress->total;
  return w->stop_after != 0 && w->n >= w->stop_after;
}

/* A bidirectional job of T steps in chunks of 40 whose source and sinks may fail. */
typedef struct failing {
  bench b;
  memory_array from, to;
  oclstm_source source;
  oclstm_sink y;
  watch watch;
  oclstm_job_desc job;
} failing;

static void open_failing(failing *f) {
  const network_desc network = {.layers = "b", .input_size = I, .seed = 9};
  memset(f, 0, sizeof *f);
  open_bench(&f->b, &network, B, 40, false);
  f->from = (memory_array){.floats = floats(T * B * I, 0.5F), .step = B * I};
  f->to = (memory_array){.floats = floats(T * B * 10, 0.0F), .step = B * 10};
  f->source = (oclstm_source){&f->from, B, T, I, NULL, read_memory};
  f->y = (oclstm_sink){&f->to, write_memory};
  const oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
  f->job = job;
  f->job.plan = f->b.plan;
  f->job.state = f->b.state;
  f->job.source = &f->source;
  f->job.y = &f->y;
  f->job.progress = watch_progress;
  f->job.user = &f->watch;
}

static void close_failing(failing *f) {
  free(f->from.floats);
  free(f->to.floats);
  close_bench(&f->b);
}

static void assert_refused(failing *f, oclstm_status expected, const char *text) {
  memset(&f->b.error, 0, sizeof f->b.error);
  assert_status(oclstm_job_run(&f->job, &f->b.error), expected);
  assert_int_equal(f->b.error.status, expected);
  if (strstr(f->b.error.text, text) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", f->b.error.text, text);
  }
}

static void job_progress_counts_both_walks(void **unused) {
  (void)unused;
  failing f;
  const uint64_t done[] = {20, 60, 100, 140, 180, 200};
  open_failing(&f);
  assert_ok(oclstm_job_run(&f.job, &f.b.error), &f.b.error);
  assert_int_equal(f.watch.n, 6);
  assert_memory_equal(f.watch.done, done, sizeof done);
  assert_int_equal(f.watch.total, 2 * T);
  close_failing(&f);
}

static void job_stops_when_told(void **unused) {
  (void)unused;
  failing f;
  open_failing(&f);
  f.watch.stop_after = 4;
  assert_refused(&f, OCLSTM_E_STOPPED, "stopped after 140 of 200 steps");
  assert_int_equal(f.watch.n, 4);
  close_failing(&f);
}

static void job_passes_errors_of_sources_and_sinks(void **unused) {
  (void)unused;
  failing f;
  open_failing(&f);
  f.from.fail_at = 50;
  f.from.status = OCLSTM_E_TRUNCATED;
  assert_refused(&f, OCLSTM_E_TRUNCATED, "the source failed at steps 40 to 80");
  f.from.status = OCLSTM_OK;
  f.to.fail_at = 99;
  f.to.status = OCLSTM_E_FULL;
  assert_refused(&f, OCLSTM_E_FULL, "the sink of y failed at steps 80 to 100");
  close_failing(&f);
}

static void job_refuses_what_does_not_fit(void **unused) {
  (void)unused;
  failing f;
  open_failing(&f);
  const uint64_t too_long[B] = {1, 2, 3, T + 1, 4};
  f.source.lengths = too_long;
  assert_refused(&f, OCLSTM_E_LENGTHS, "row 3 is 101");
  f.source.lengths = NULL;
  f.source.features = I + 1;
  assert_refused(&f, OCLSTM_E_SHAPE, "4 features, the network takes 3");
  f.source.features = I;
  f.source.rows = B + 1;
  assert_refused(&f, OCLSTM_E_ARGUMENT, "6 rows");
  f.source.rows = B;
  f.job.cells = &f.y;
  assert_refused(&f, OCLSTM_E_ARGUMENT, "without them");
  f.job.cells = NULL;
  f.job.memory_bytes = 16;
  assert_refused(&f, OCLSTM_E_MEMORY, "no scratch_dir");
  f.job.scratch_dir = "/nonexistent/folder";
  assert_refused(&f, OCLSTM_E_OPEN, "/nonexistent/folder");
  f.source.steps = UINT64_MAX / 2;
  assert_refused(&f, OCLSTM_E_LIMIT, "steps");
  close_failing(&f);
}

static void job_refuses_the_state_of_another_plan(void **unused) {
  (void)unused;
  failing f;
  bench other;
  const network_desc network = {.layers = "b", .input_size = I, .seed = 9};
  open_failing(&f);
  open_bench(&other, &network, B, 40, false);
  f.job.state = other.state;
  f.source.steps = 0; /* also when there is nothing to do */
  assert_refused(&f, OCLSTM_E_STATE, "5 rows");
  close_bench(&other);
  close_failing(&f);
}

static void job_of_no_steps_leaves_the_state(void **unused) {
  (void)unused;
  failing f;
  open_failing(&f);
  results before = results_of(f.b.model), after = results_of(f.b.model);
  set_state(&f.b, B);
  get_state(&f.b, B, &before);
  f.source.steps = 0;
  assert_ok(oclstm_job_run(&f.job, &f.b.error), &f.b.error);
  get_state(&f.b, B, &after);
  assert_memory_equal(before.h, after.h, before.h_count * sizeof(float));
  assert_memory_equal(before.c, after.c, before.c_count * sizeof(float));
  assert_int_equal(f.watch.n, 0);
  free_results(&before);
  free_results(&after);
  close_failing(&f);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(job_of_forward_layers),
      cmocka_unit_test(job_of_reverse_layers),
      cmocka_unit_test(job_of_a_bidirectional_layer),
      cmocka_unit_test(job_of_stacked_bidirectional_layers),
      cmocka_unit_test(job_of_every_direction_mixed),
      cmocka_unit_test(job_memory_does_not_grow_with_time),
      cmocka_unit_test(job_progress_counts_both_walks),
      cmocka_unit_test(job_stops_when_told),
      cmocka_unit_test(job_passes_errors_of_sources_and_sinks),
      cmocka_unit_test(job_refuses_what_does_not_fit),
      cmocka_unit_test(job_refuses_the_state_of_another_plan),
      cmocka_unit_test(job_of_no_steps_leaves_the_state),
  };
  read_options(argc, argv);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
