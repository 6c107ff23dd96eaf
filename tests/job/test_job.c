/* Jobs against one long forward call: every mix of directions, chunk sizes, ragged rows, stores in memory and file.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

static void check(const char *layers, size_t head) {
  const network_desc network = {.layers = layers, .input_size = I, .head_size = head, .seed = 9};
  check_network(&network, true);
}

static void job_of_forward_layers(void **unused) {
  (void)unused;
  check("fff", 4);
  check("f", 0);
}

static void job_of_reverse_layers(void **unused) {
  (void)unused;
  check("r", 0);
  check("r", 2);
  check("rr", 0);
}

static void job_of_a_bidirectional_layer(void **unused) {
  (void)unused;
  check("b", 0);
  check("b", 4);
}

static void job_of_stacked_bidirectional_layers(void **unused) {
  (void)unused;
  check("bb", 0);
  check("bbb", 3);
}

static void job_of_every_direction_mixed(void **unused) {
  (void)unused;
  check("fbfrb", 0);
  check("rbff", 2);
}

/* ---- memory ---- */

static void job_memory_does_not_grow_with_time(void **unused) {
  (void)unused;
  assert_bounded_memory("ff", false);
  assert_bounded_memory("bb", false);
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
