/* Who runs when: columns of this test write down what they are asked for.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

enum { N = 3 };

typedef struct fake {
  char name;
  bool wrong;          /* its result is */
  int breaks_at;       /* this run of it fails; 0: none */
  double seconds;      /* that it says a run takes */
  unsigned warm_up[8]; /* of each run */
  int runs, finished;
} fake;

static char history[256]; /* P: prepare, R: run, each with the column's name before it */
static int stop_at;       /* so many entries end all; 0: none */

static void note(const fake *f, char what) {
  const size_t n = strlen(history);
  (void)snprintf(history + n, sizeof history - n, "%s%c%c", n > 0 ? " " : "", f->name, what);
}

static bool stopped(void) {
  return stop_at > 0 && strlen(history) + 1 >= 3 * (size_t)stop_at;
}

static bool prepare(bench_column *column, bench_data *data, bench_outcome *outcome) {
  const fake *f = column->self;
  (void)outcome;
  note(f, 'P');
  assert_true(isnan(data->y[0])); /* nobody's result is there to be taken for one's own */
  data->y[0] = f->wrong ? 0.6F : 0.5F;
  return true;
}

static bool run(bench_column *column, unsigned warm_up, double *seconds, bench_outcome *outcome) {
  fake *f = column->self;
  note(f, 'R');
  f->warm_up[f->runs++] = warm_up;
  *seconds = f->seconds;
  return f->runs == f->breaks_at ? bench_fail(outcome, BENCH_FAILED, "broke") : true;
}

static void finish(bench_column *column) {
  ++((fake *)column->self)->finished;
}

static const bench_column_type TYPE = {"fake", prepare, run, NULL, finish, NULL};
static const bench_shape SHAPE = {
    .T = 1, .B = 1, .I = 1, .H = 1, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM};

static bool go(fake fakes[N], size_t rounds, bench_outcome outcomes[N]) {
  bench_column items[N];
  float y = 0.0F, expected = 0.5F;
  bench_data data = {
      .shape = &SHAPE, .held = 1, .y = &y, .n_checked = 1, .checked_steps = 1, .expected = &expected};
  const bench_limits limits = {.least_rounds = rounds, .most_rounds = rounds, .stopped = stopped};
  for (size_t k = 0; k < N; ++k) {
    fakes[k].name = (char)('a' + k);
    items[k] = (bench_column){.type = &TYPE, .self = &fakes[k]};
  }
  const bench_columns columns = {N, N, items};
  history[0] = '\0';
  return bench_rounds(&columns, &data, &limits, outcomes);
}

static void columns_take_turns_and_another_begins_each_round(void **unused) {
  fake fakes[N] = {{.seconds = 1.0}, {.seconds = 2.0}, {.seconds = 3.0}};
  bench_outcome outcomes[N];
  (void)unused;
  stop_at = 0;
  assert_true(go(fakes, 3, outcomes));
  assert_string_equal(history, "aP aR bP bR cP cR aR bR cR bR cR aR cR aR bR");
  for (size_t k = 0; k < N; ++k) {
    assert_int_equal(outcomes[k].n, 3);
    assert_true(outcomes[k].seconds.median == fakes[k].seconds);
    assert_int_equal(fakes[k].finished, 1);
  }
}

/* Twenty milliseconds of them, and none before what takes as long itself. */
static void short_runs_are_warmed_up_for_longer(void **unused) {
  fake fakes[N] = {{.seconds = 0.02}, {.seconds = 0.006}, {.seconds = 1e-6}};
  bench_outcome outcomes[N];
  (void)unused;
  stop_at = 0;
  assert_true(go(fakes, 1, outcomes));
  assert_int_equal(fakes[0].warm_up[1], 0);
  assert_int_equal(fakes[1].warm_up[1], 4);
  assert_int_equal(fakes[2].warm_up[1], 50);
}

static void who_is_wrong_is_not_timed_and_who_breaks_leaves(void **unused) {
  fake fakes[N] = {{.seconds = 1.0}, {.seconds = 1.0, .wrong = true}, {.seconds = 1.0, .breaks_at = 2}};
  bench_outcome outcomes[N];
  (void)unused;
  stop_at = 0;
  assert_true(go(fakes, 3, outcomes));
  assert_string_equal(history, "aP aR bP cP cR aR cR aR aR");
  assert_int_equal(outcomes[1].state, BENCH_WRONG);
  assert_int_equal(outcomes[2].state, BENCH_FAILED);
  assert_true(outcomes[0].n == 3 && isnan(outcomes[1].seconds.median) && isnan(outcomes[2].seconds.median));
  assert_true(fakes[1].finished == 1 && fakes[2].finished == 1);
}

/* Making ready may take minutes: who has not begun does not begin. */
static void an_interrupt_ends_the_preparations(void **unused) {
  fake fakes[N] = {{.seconds = 1.0}, {.seconds = 1.0}, {.seconds = 1.0}};
  bench_outcome outcomes[N];
  (void)unused;
  stop_at = 2;
  assert_false(go(fakes, 3, outcomes));
  assert_string_equal(history, "aP aR");
  assert_int_equal(fakes[0].finished, 1);
  stop_at = 8;
  assert_false(go(fakes, 3, outcomes));
  assert_string_equal(history, "aP aR bP bR cP cR aR bR");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_take_turns_and_another_begins_each_round),
      cmocka_unit_test(short_runs_are_warmed_up_for_longer),
      cmocka_unit_test(who_is_wrong_is_not_timed_and_who_breaks_leaves),
      cmocka_unit_test(an_interrupt_ends_the_preparations),
  };
  return cmocka_run_group_tests_name("bench.rounds", tests, NULL, NULL);
}
