/* One shape through all columns: ready, right, then timed in turn, so that what disturbs the machine disturbs all alike.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <time.h>

#include "bench.h"

/* Before each timed run untimed ones take about so long: threads are awake, caches are filled, clocks are up. */
static const double WARM_UP_SECONDS = 0.02;
enum { MOST_WARM_UPS = 50 };

bool bench_takes_part(const bench_column *column, const bench_shape *shape) {
  return shape->precisions == 0 || (shape->precisions & 1U << column->precision) != 0;
}

static void rest(double seconds) {
  struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
  (void)nanosleep(&time, NULL);
}

static unsigned warm_ups(double seconds) {
  double runs = seconds > 0.0 ? ceil(WARM_UP_SECONDS / seconds) : MOST_WARM_UPS;
  return seconds >= WARM_UP_SECONDS ? 0 : runs < MOST_WARM_UPS ? (unsigned)runs : MOST_WARM_UPS;
}

/* ---- before the rounds ---- */

static void make_ready(bench_column *column, bench_data *data, bench_outcome *outcome) {
  double first = 0.0;
  *outcome = (bench_outcome){.state = BENCH_DONE, .prepare_seconds = NAN, .kernel_seconds = NAN};
  if (!bench_takes_part(column, data->shape)) {
    (void)bench_fail(outcome, BENCH_REFUSED, "this precision is not asked for here");
    return;
  }
  /* So that what a column leaves alone is not taken for the result of the one before it. */
  const size_t n = (size_t)data->held * data->shape->B * bench_width(data->shape);
  for (size_t k = 0; k < n; ++k) {
    data->y[k] = NAN;
  }
  bool good = column->type->prepare(column, data, outcome) && bench_check(data, column->precision, outcome) &&
              column->type->run(column, 0, &first, outcome);
  outcome->samples[0] = first; /* until there are better ones: how long a run takes, for warm-ups */
  if (!good) {
    column->type->finish(column);
  }
}

/* ---- the rounds ---- */

static void run_one(bench_column *column, const bench_limits *limits, bench_outcome *outcome) {
  double seconds = 0.0;
  double before = outcome->samples[outcome->n > 0 ? outcome->n - 1 : 0];
  rest(limits->pause);
  if (!column->type->run(column, warm_ups(before), &seconds, outcome)) {
    column->type->finish(column);
    return;
  }
  outcome->samples[outcome->n++] = seconds;
}

static bool run_rounds(const bench_columns *columns, const bench_limits *limits, bench_outcome *outcomes) {
  const double began = bench_now();
  const size_t most = limits->most_rounds < BENCH_SAMPLES ? limits->most_rounds : BENCH_SAMPLES;
  for (size_t round = 0; round < most; ++round) {
    if (round >= limits->least_rounds && bench_now() - began >= limits->seconds) {
      break;
    }
    for (size_t k = 0; k < columns->n; ++k) {
      size_t turn = (k + round) % columns->n; /* nobody is always behind the same neighbour's leavings */
      if (outcomes[turn].state == BENCH_DONE) {
        run_one(&columns->items[turn], limits, &outcomes[turn]);
      }
      if (limits->stopped()) {
        return false;
      }
    }
  }
  return true;
}

bool bench_rounds(const bench_columns *columns, bench_data *data, const bench_limits *limits,
                  bench_outcome *outcomes) {
  bool going = true;
  for (size_t k = 0; k < columns->n; ++k) {
    if (going) {
      make_ready(&columns->items[k], data, &outcomes[k]);
      going = !limits->stopped();
    } else {
      (void)bench_fail(&outcomes[k], BENCH_REFUSED, "interrupted");
    }
  }
  const uint64_t before = bench_resident_bytes(); /* of all columns together, each having run */
  going = going && run_rounds(columns, limits, outcomes);
  const uint64_t after = bench_resident_bytes();
  for (size_t k = 0; k < columns->n; ++k) {
    bench_outcome *outcome = &outcomes[k];
    outcome->seconds = bench_summarise(outcome->samples, outcome->state == BENCH_DONE ? outcome->n : 0);
    outcome->resident_before = before;
    outcome->resident_after = after;
    if (outcome->state != BENCH_DONE) {
      continue;
    }
    if (going && columns->items[k].type->inspect != NULL) {
      columns->items[k].type->inspect(&columns->items[k], outcome);
    }
    columns->items[k].type->finish(&columns->items[k]);
    going = going && !limits->stopped();
  }
  return going;
}
