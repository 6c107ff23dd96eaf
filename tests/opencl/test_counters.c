/* Launches, bytes and kernel times that a context counts.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"
#include "support.h"

enum { T = 7, B = 3 };
static const int32_t LENGTHS[B] = {2, T, 0};

/* Enough events that the kept ones are read on the way: 4096 are kept. */
enum { MANY = 700 };

typedef struct counted {
  oclstm_context *context;
  oclstm_model *model;
  oclstm_plan *plan;
  oclstm_state *state;
  test_job job;
  float *y, *cells;
} counted;

static counted open_counted(const test_network *network, int profiling) {
  counted c = {.model = make_network(network, options.seed)};
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  desc.device = options.device;
  desc.profiling = profiling;
  OK(oclstm_context_create(&desc, &c.context, &last_error));
  c.plan = make_plan(c.context, c.model, B, T, true);
  OK(oclstm_state_create(c.plan, &c.state, &last_error));
  c.job = make_job(c.model, T, B, options.seed);
  c.y = calloc(T * B * oclstm_model_output_size(c.model), sizeof *c.y);
  c.cells = calloc(T * B * cells_of(&c.job).W, sizeof *c.cells);
  assert_true(c.y != NULL && c.cells != NULL);
  return c;
}

static void close_counted(counted *c) {
  free(c->y);
  free(c->cells);
  free_job(&c->job);
  oclstm_state_destroy(&c->state);
  oclstm_plan_destroy(&c->plan);
  oclstm_context_destroy(&c->context);
  oclstm_model_destroy(&c->model);
}

static oclstm_io call_of(const counted *c, size_t steps) {
  oclstm_io io = OCLSTM_IO_INIT;
  io.steps = steps;
  io.x = c->job.x;
  io.y = c->y;
  return io;
}

static void run_steps(counted *c, size_t steps) {
  const oclstm_io io = call_of(c, steps);
  OK(oclstm_forward(c->plan, c->state, &io, &last_error));
}

static oclstm_counters count_call(counted *c, const oclstm_io *io) {
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  OK(oclstm_context_reset_counters(c->context, &last_error));
  OK(oclstm_forward(c->plan, c->state, io, &last_error));
  OK(oclstm_context_counters(c->context, &counters, &last_error));
  return counters;
}

static oclstm_counters count_steps(counted *c, size_t steps) {
  const oclstm_io io = call_of(c, steps);
  return count_call(c, &io);
}

/* Kernels that a step adds: none where a chunk is one launch, two where product and cell are apart. */
static uint64_t launches_of_a_step(const counted *c) {
  const char *strategy = oclstm_plan_get_info(c->plan)->strategy;
  return strcmp(strategy, "stepwise") == 0 ? 2 : strcmp(strategy, "fused-step") == 0 ? 1 : 0;
}

static void a_call_is_counted(void **unused) {
  (void)unused;
  counted c = open_counted(&FORWARD[3], 0);
  const oclstm_counters few = count_steps(&c, 2);
  const oclstm_counters all = count_steps(&c, T);
  assert_true(few.launches > 0);
  assert_int_equal(all.launches - few.launches, (T - 2) * launches_of_a_step(&c));
  assert_int_equal(all.timed_launches, 0);
  assert_int_equal(all.kernel_nanoseconds, 0);
  const bool clblast = strncmp(oclstm_plan_get_info(c.plan)->gemm, "clblast", 7) == 0;
  assert_true(clblast ? all.products > 0 && all.products <= all.launches : all.products == 0);
  close_counted(&c);
}

/* Where members of a slice meet, a call looks how that went, unless it does without. */
static uint64_t bytes_of_meetings(const counted *c) {
  const oclstm__cl_plan *plan = oclstm__cl_plan_of(c->plan);
  return plan->meets && plan->alone == 0
             ? plan->n_lanes * plan->n_places * OCLSTM__SYNC_WORDS * sizeof(cl_int)
             : 0;
}

/* Arrays that the device shares are not copied, but for those whose rows it has in the caller's order already, somewhere else:
 * time-major cells, and y of a head. Lengths, and the order of rows that comes of them, always are. */
static void check_bytes(counted *c, const oclstm_io *io) {
  const bool shares = atomic_load(&oclstm__cl_of(c->context)->sharing) == OCLSTM__SHARES;
  const bool in_time = io->layout == OCLSTM_TIME_MAJOR;
  const bool of_head = in_time && oclstm_model_head_size(c->model) != 0;
  const size_t rows = io->steps * B * sizeof(float);
  const uint64_t x = rows * oclstm_model_input_size(c->model);
  const uint64_t y = io->y != NULL ? rows * oclstm_model_output_size(c->model) : 0;
  const uint64_t cells = io->cells != NULL ? rows * cells_of(&c->job).W : 0;
  const uint64_t meetings = bytes_of_meetings(c);
  const oclstm_counters counters = count_call(c, io);
  assert_int_equal(counters.bytes_written,
                   (shares ? 0 : x) + (io->lengths != NULL ? 2 * B * sizeof *io->lengths : 0));
  assert_int_equal(counters.bytes_read,
                   (shares && !of_head ? 0 : y) + (shares && !in_time ? 0 : cells) + meetings);
}

static void check_calls(const test_network *network) {
  counted c = open_counted(network, 0);
  for (int k = 0; k < 16; k += options.small ? 5 : 1) {
    oclstm_io io = call_of(&c, k % 3 == 0 ? 2 : T);
    io.layout = k % 2 == 0 ? OCLSTM_TIME_MAJOR : OCLSTM_BATCH_MAJOR;
    io.lengths = k / 2 % 2 == 0 && io.steps == T ? LENGTHS : NULL;
    io.y = k / 4 % 2 == 0 ? c.y : NULL;
    io.cells = k / 8 % 2 == 0 ? c.cells : NULL;
    check_bytes(&c, &io);
  }
  close_counted(&c);
}

static void bytes_are_counted(void **unused) {
  (void)unused;
  check_calls(&FORWARD[2]); /* with a head */
  if (!options.small) {
    check_calls(&FORWARD[0]);
  }
}

static void counters_add_up_until_they_are_reset(void **unused) {
  (void)unused;
  counted c = open_counted(&FORWARD[3], 0);
  oclstm_counters twice = OCLSTM_COUNTERS_INIT, none = OCLSTM_COUNTERS_INIT;
  const oclstm_counters once = count_steps(&c, T);
  run_steps(&c, T);
  OK(oclstm_context_counters(c.context, &twice, &last_error));
  assert_int_equal(twice.launches, 2 * once.launches);
  assert_int_equal(twice.products, 2 * once.products);
  assert_int_equal(twice.bytes_read, 2 * once.bytes_read);
  assert_int_equal(twice.bytes_written, 2 * once.bytes_written);
  OK(oclstm_context_reset_counters(c.context, &last_error));
  OK(oclstm_context_counters(c.context, &none, &last_error));
  assert_int_equal(none.launches + none.products + none.bytes_read + none.bytes_written, 0);
  close_counted(&c);
}

static void profiled_kernels_have_times(void **unused) {
  (void)unused;
  counted c = open_counted(&FORWARD[3], 1);
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  OK(oclstm_context_reset_counters(c.context, &last_error));
  const size_t calls = options.small ? 2 : MANY;
  for (size_t k = 0; k < calls; ++k) {
    run_steps(&c, T);
  }
  OK(oclstm_context_counters(c.context, &counters, &last_error));
  assert_int_equal(counters.timed_launches, counters.launches);
  assert_true(counters.launches >= calls);
  assert_true(counters.kernel_nanoseconds > counters.launches);
  OK(oclstm_context_reset_counters(c.context, &last_error));
  OK(oclstm_context_counters(c.context, &counters, &last_error));
  assert_int_equal(counters.timed_launches + counters.kernel_nanoseconds, 0);
  close_counted(&c);
}

static void arguments_are_checked(void **unused) {
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  (void)unused;
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_counters(NULL, &counters, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_counters(device, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_reset_counters(NULL, &last_error));
  counters.struct_size = 1;
  FAILS(OCLSTM_E_ARGUMENT, "version", oclstm_context_counters(device, &counters, &last_error));
}

static void the_reference_counts_nothing(void **unused) {
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  (void)unused;
  counters.launches = 1;
  OK(oclstm_context_reset_counters(reference, &last_error));
  OK(oclstm_context_counters(reference, &counters, &last_error));
  assert_int_equal(counters.launches, 0);
  assert_int_equal(counters.struct_size, sizeof counters);
}

/* Orders of magnitude: what is measured is what is there, and small memory is not slower than large. */
static void peaks_are_measured(void **unused) {
  double flops = 0.0, near = 0.0, far = 0.0;
  (void)unused;
  OK(oclstm_context_peak_flops(device, &flops, &last_error));
  assert_true(flops > 1e6 && flops < 1e16);
  OK(oclstm_context_peak_read(device, 1 << 16, &near, &last_error));
  assert_true(near > 1e5 && near < 1e15);
  if (!options.small) {
    OK(oclstm_context_peak_read(device, 1 << 29, &far, &last_error));
    assert_true(far > 1e6 && far < 2.0 * near);
  }
  FAILS(OCLSTM_E_UNSUPPORTED, "reference", oclstm_context_peak_flops(reference, &flops, &last_error));
  FAILS(OCLSTM_E_UNSUPPORTED, "reference", oclstm_context_peak_read(reference, 64, &near, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_peak_flops(device, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "NULL", oclstm_context_peak_read(NULL, 64, &near, &last_error));
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_is_counted),
      cmocka_unit_test(bytes_are_counted),
      cmocka_unit_test(counters_add_up_until_they_are_reset),
      cmocka_unit_test(profiled_kernels_have_times),
      cmocka_unit_test(peaks_are_measured),
      cmocka_unit_test(arguments_are_checked),
      cmocka_unit_test(the_reference_counts_nothing),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.counters", tests, sizeof tests / sizeof tests[0]);
}
