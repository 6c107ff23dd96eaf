/* The caller's arrays where they lie: whatever arrays they are and become, results have the bits of a call that copies them,
 * and nothing else is touched.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "borrower.h"
#include "fence.h"
#include "support.h"

static const int32_t LENGTHS[B] = {3, 23, 0, 1, 17};

/* ---- what is touched ---- */

typedef struct arrays {
  fence x, y, cells;
} arrays;

static arrays make_arrays(const subject *s, size_t T, fence_side side) {
  return (arrays){make_fence(T * B * s->I, side), make_fence(T * B * s->O, side),
                  make_fence(T * B * s->C, side)};
}

static void free_arrays(arrays *a) {
  fence *const all[] = {&a->x, &a->y, &a->cells};
  for (size_t k = 0; k < 3; ++k) {
    assert_fence(all[k]);
    free_fence(all[k]);
  }
}

/* Behind the lengths there is what no sum survives. Ids stay: each has a row of the embedding. */
static void spoil_padding(const test_job *job) {
  for (size_t t = 0; t < job->T; ++t) {
    for (size_t b = 0; b < B && job->ids == NULL; ++b) {
      for (size_t k = 0; t >= (size_t)job->lengths[b] && k < oclstm_model_input_size(job->model); ++k) {
        x_row(job, t, b)[k] = NAN;
      }
    }
  }
}

/* One call between fences; x cannot be written. */
static void check_fenced(subject *s, oclstm_layout layout, fence_side side, bool ragged, bool y, bool cells) {
  const size_t T = most_steps();
  test_job job = next_job(s, T, layout);
  arrays a = make_arrays(s, T, side);
  if (ragged) {
    set_lengths(&job, LENGTHS, B);
  }
  test_result expected = expected_of(s, &job);
  if (ragged) {
    spoil_padding(&job);
  }
  put_input(s, &job, a.x.at);
  make_read_only(&a.x);
  assert_call(s, &job, &expected, a.x.at, y ? a.y.at : NULL, cells ? a.cells.at : NULL);
  assert_memory_equal(a.x.at, input_of(&job), T * B * s->I * sizeof(float));
  free_arrays(&a);
  free_result(&expected);
  free_job(&job);
}

static void nothing_around_is_touched(subject *s) {
  for (int layout = OCLSTM_TIME_MAJOR; layout <= OCLSTM_BATCH_MAJOR; ++layout) {
    for (int side = 0; side < N_FENCE_SIDES; ++side) {
      if (!options.small) {
        check_fenced(s, (oclstm_layout)layout, (fence_side)side, false, true, side != FENCE_IN_FRONT);
      }
      check_fenced(s, (oclstm_layout)layout, (fence_side)side, true, side != FENCE_IN_FRONT, true);
    }
    check_fenced(s, (oclstm_layout)layout, FENCE_BEHIND, true, true, false);
    check_fenced(s, (oclstm_layout)layout, FENCE_BEHIND, false, false, false);
  }
}

/* ---- which arrays ---- */

/* Fewer steps, then more again. */
static size_t steps_of(size_t round) {
  static const size_t LEFT_OUT[] = {2, 0, 3, 0, 1};
  return most_steps() - LEFT_OUT[round % 5];
}

static void the_same_arrays_in_many_calls(subject *s) {
  arrays a = make_arrays(s, most_steps(), FENCE_ODD_FLOATS);
  for (size_t round = 0; round < (options.small ? 4 : 20); ++round) {
    test_job job = next_job(s, steps_of(round), round % 7 == 3 ? OCLSTM_BATCH_MAJOR : OCLSTM_TIME_MAJOR);
    check_call(s, &job, a.x.at, a.y.at, a.cells.at);
    free_job(&job);
  }
  free_arrays(&a);
}

/* Each is gone before the next call. */
static void other_arrays_in_every_call(subject *s) {
  for (size_t round = 0; round < (options.small ? 3 : 10); ++round) {
    const size_t T = steps_of(round);
    test_job job = next_job(s, T, round % 3 == 2 ? OCLSTM_BATCH_MAJOR : OCLSTM_TIME_MAJOR);
    arrays a = make_arrays(s, T, (fence_side)(round % N_FENCE_SIDES));
    check_call(s, &job, a.x.at, a.y.at, a.cells.at);
    free_arrays(&a);
    free_job(&job);
  }
}

/* As an allocator does that gets memory back and gives it out again. x and y change places. */
static void other_arrays_at_the_same_addresses(subject *s) {
  const size_t widest = most_steps() * B * (s->I > s->O ? s->I : s->O);
  fence homes[] = {make_fence(widest, FENCE_IN_FRONT), make_fence(widest, FENCE_IN_FRONT)};
  for (size_t round = 0; round < (options.small ? 4 : 10); ++round) {
    const size_t T = steps_of(round);
    test_job job = next_job(s, T, OCLSTM_TIME_MAJOR);
    drop_fence(&homes[0]);
    drop_fence(&homes[1]);
    const fence x = make_fence_at(&homes[round / 2 % 2], T * B * s->I);
    const fence y = make_fence_at(&homes[1 - round / 2 % 2], T * B * s->O);
    check_call(s, &job, x.at, y.at, NULL);
    assert_fence(&x);
    assert_fence(&y);
    free_job(&job);
  }
  free_fence(&homes[0]);
  free_fence(&homes[1]);
}

/* ---- arrays that overlap ---- */

/* x and y begin so many floats behind the beginning of one memory; lengths, where y is. */
static void check_overlap(subject *s, oclstm_layout layout, size_t x_at, size_t y_at, bool ragged) {
  const size_t T = most_steps();
  test_job job = next_job(s, T, layout);
  fence memory = make_fence(x_at + T * B * s->I + y_at + T * B * s->O, FENCE_IN_FRONT);
  fence cells = make_fence(T * B * s->C, FENCE_BEHIND);
  if (ragged) {
    set_lengths(&job, LENGTHS, B);
  }
  test_result expected = expected_of(s, &job);
  put_input(s, &job, memory.at + x_at);
  test_job called = job;
  if (ragged) {
    called.lengths = memcpy(memory.at + y_at, job.lengths, B * sizeof *job.lengths);
  }
  assert_call(s, &called, &expected, memory.at + x_at, memory.at + y_at, cells.at);
  assert_fence(&memory);
  assert_fence(&cells);
  free_fence(&memory);
  free_fence(&cells);
  free_result(&expected);
  free_job(&job);
}

static void x_and_y_overlap(subject *s) {
  const size_t x = most_steps() * B * s->I, y = most_steps() * B * s->O;
  for (int layout = OCLSTM_TIME_MAJOR; layout <= OCLSTM_BATCH_MAJOR; ++layout) {
    check_overlap(s, (oclstm_layout)layout, 0, 0, false);
    check_overlap(s, (oclstm_layout)layout, 0, 1, false);
    check_overlap(s, (oclstm_layout)layout, 0, x - 1, false);
    check_overlap(s, (oclstm_layout)layout, 0, x / 2, false);
    check_overlap(s, (oclstm_layout)layout, 1, 0, false);
    check_overlap(s, (oclstm_layout)layout, y / 2, 0, false);
    check_overlap(s, (oclstm_layout)layout, y - 1, 0, false);
    check_overlap(s, (oclstm_layout)layout, 0, x, true);
    check_overlap(s, (oclstm_layout)layout, y, 0, true);
  }
}

/* ---- none ---- */

/* Nobody may touch what is given. */
static void no_steps(subject *s) {
  test_job job = next_job(s, 0, OCLSTM_TIME_MAJOR);
  fence f = make_fence(1, FENCE_BEHIND);
  test_result same = expected_of(s, &job);
  drop_fence(&f);
  assert_call(s, &job, &same, f.at, f.at, f.at);
  free_fence(&f);
  free_result(&same);
  free_job(&job);
}

/* ---- networks ---- */

/* The plans end behind the last of the arrays. False: nothing was checked. */
static bool check_network(oclstm_model *model, oclstm_precision precision) {
  subject s;
  if (!open_subject(&s, model, precision)) {
    return false;
  }
  nothing_around_is_touched(&s);
  the_same_arrays_in_many_calls(&s);
  other_arrays_in_every_call(&s);
  other_arrays_at_the_same_addresses(&s);
  x_and_y_overlap(&s);
  no_steps(&s);
  close_subject(&s);
  return true;
}

/* What oclgrind can follow: it takes buffers for uninitialised that the host has written in part. */
static void whole_arrays(void **unused) {
  subject s;
  (void)unused;
  assert_true(open_subject(&s, make_network(&FORWARD[2], options.seed), OCLSTM_PRECISION_F32));
  nothing_around_is_touched(&s);
  close_subject(&s);
}

static void check_random(const test_network *network, oclstm_precision precision) {
  const bool checked = check_network(make_network(network, options.seed), precision);
  assert_true(checked || precision != OCLSTM_PRECISION_F32);
}

static void two_layers(void **unused) {
  (void)unused;
  check_random(&FORWARD[0], OCLSTM_PRECISION_F32);
}

static void a_layer_and_a_head(void **unused) {
  (void)unused;
  check_random(&FORWARD[2], OCLSTM_PRECISION_F32);
}

static void both_directions(void **unused) {
  (void)unused;
  check_random(&BIDIRECTIONAL[0], OCLSTM_PRECISION_F32);
}

/* Several rows fill a vector, and a call takes its time. */
static void a_wide_layer(void **unused) {
  (void)unused;
  check_random(&HOUSE, OCLSTM_PRECISION_F32);
}

static oclstm_layer layer_of(size_t I, oclstm_direction direction) {
  return (oclstm_layer){.input_size = I,
                        .hidden_size = 6,
                        .bias = OCLSTM_BIAS_TWO,
                        .direction = direction,
                        .merge = direction == OCLSTM_BIDIRECTIONAL ? OCLSTM_SUM : OCLSTM_CONCAT};
}

static void ids(void **unused) {
  const oclstm_layer layer = layer_of(4, OCLSTM_FORWARD);
  (void)unused;
  assert_true(check_network(make_layers(&layer, 1, 0, 9, options.seed), OCLSTM_PRECISION_F32));
}

/* One layer: the second direction reads x when the first has written y. Refused by grid. */
static void a_sum_of_directions(void **unused) {
  const oclstm_layer layer = layer_of(4, OCLSTM_BIDIRECTIONAL);
  (void)unused;
  const bool checked = check_network(make_layers(&layer, 1, 0, 0, options.seed), OCLSTM_PRECISION_F32);
  assert_true(checked || options.strategy == OCLSTM_STRATEGY_GRID);
}

/* Refused by CLBlast. */
static void sixteen_bits(void **unused) {
  (void)unused;
  check_random(&FORWARD[0], OCLSTM_PRECISION_F16);
  check_random(&FORWARD[2], OCLSTM_PRECISION_BF16);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_layers),
      cmocka_unit_test(a_layer_and_a_head),
      cmocka_unit_test(both_directions),
      cmocka_unit_test(a_wide_layer),
      cmocka_unit_test(ids),
      cmocka_unit_test(a_sum_of_directions),
      cmocka_unit_test(sixteen_bits),
      cmocka_unit_test(whole_arrays),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.borrow", tests, sizeof tests / sizeof tests[0]);
}
