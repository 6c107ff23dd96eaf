/* What every column shares: its place, its failures, and the comparison of its result with the reference's.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

bench_column *bench_columns_push(bench_columns *columns) {
  if (columns->n == columns->room) {
    size_t room = 2 * columns->room + 8;
    bench_column *more = realloc(columns->items, room * sizeof *more);
    if (more == NULL) {
      return NULL;
    }
    columns->items = more;
    columns->room = room;
  }
  bench_column *column = &columns->items[columns->n++];
  *column = (bench_column){.type = NULL};
  return column;
}

void bench_columns_close(bench_columns *columns) {
  for (size_t k = 0; k < columns->n; ++k) {
    if (columns->items[k].type != NULL) {
      columns->items[k].type->close(&columns->items[k]);
    }
  }
  free(columns->items);
  *columns = (bench_columns){0, 0, NULL};
}

bool bench_fail(bench_outcome *outcome, bench_state state, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  outcome->state = state;
  (void)vsnprintf(outcome->why, sizeof outcome->why, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- right or wrong ---- */

/* Those of `oclstm verify`. */
static const struct {
  double relative_l2, max_absolute;
} BOUNDS[] = {
    [OCLSTM_PRECISION_F32] = {2e-6, 1e-5},
    [OCLSTM_PRECISION_F16] = {2e-3, 2e-3},
    [OCLSTM_PRECISION_BF16] = {1.6e-2, 1.6e-2},
};

/* How far y is from what is expected, over the checked rows and steps. A value that is not finite is infinitely far. */
static void measure_distance(const bench_data *data, bench_outcome *outcome) {
  const size_t W = bench_width(data->shape), n = data->n_checked;
  double error = 0.0, size = 0.0, most = 0.0;
  for (size_t t = 0; t < data->checked_steps; ++t) {
    for (size_t b = 0; b < n; ++b) {
      const float *expected = data->expected + (t * n + b) * W;
      const float *got = data->y + (t * data->shape->B + data->checked[b]) * W;
      for (size_t j = 0; j < W; ++j) {
        double distance = fabs((double)got[j] - (double)expected[j]);
        distance = isfinite(distance) ? distance : INFINITY;
        error += distance * distance;
        size += (double)expected[j] * (double)expected[j];
        most = distance > most ? distance : most;
      }
    }
  }
  outcome->relative_l2 = size > 0.0 ? sqrt(error / size) : error > 0.0 ? INFINITY : 0.0;
  outcome->max_absolute = most;
}

bool bench_check(const bench_data *data, oclstm_precision precision, bench_outcome *outcome) {
  measure_distance(data, outcome);
  if (outcome->relative_l2 <= BOUNDS[precision].relative_l2 &&
      outcome->max_absolute <= BOUNDS[precision].max_absolute) {
    return true;
  }
  return bench_fail(outcome, BENCH_WRONG,
                    "relative L2 %.2g and max abs %.2g from the reference, allowed are %.2g and %.2g",
                    outcome->relative_l2, outcome->max_absolute, BOUNDS[precision].relative_l2,
                    BOUNDS[precision].max_absolute);
}
