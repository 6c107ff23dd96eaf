/* From how many rows on one device beats the other: bisection over B for several T and H.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

static const uint64_t STEPS[] = {10, 100, 1000};
static const size_t SIZES[] = {64, 256, 1024};
/* No run is of more operations: it would be long on the slower device, and few rows decide where a step is large. */
static const double MOST_FLOPS = 1e11;
enum { N_STEPS = sizeof STEPS / sizeof STEPS[0], N_SIZES = sizeof SIZES / sizeof SIZES[0], MOST_ROWS = 256 };

typedef struct search {
  const bench_results *results;
  const bench_limits *limits;
  bench_columns pair; /* borrowed */
  uint64_t T;
  size_t H;
  bool stopped;
  char *why;
} search;

static bench_shape shape_of(const search *s, size_t B) {
  return (bench_shape){.list = "crossover",
                       .T = s->T,
                       .B = B,
                       .I = s->H,
                       .H = s->H,
                       .layers = 1,
                       .directions = 1,
                       .cell = OCLSTM_LSTM};
}

static size_t most_rows(const search *s) {
  const bench_shape one = shape_of(s, 1);
  const double rows = MOST_FLOPS / bench_flops(&one);
  return rows >= MOST_ROWS ? MOST_ROWS : rows > 2.0 ? (size_t)rows : 2;
}

/* Time of the first over time of the second with B rows; NaN when there is none. */
static double ratio_at(search *s, size_t B) {
  const bench_shape shape = shape_of(s, B);
  bench_outcome outcomes[2];
  bench_data data;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (bench_data_open(&data, &shape, s->results->seed, &error) != OCLSTM_OK) {
    (void)snprintf(s->why, BENCH_TEXT, "%.200s", error.text);
    return NAN;
  }
  s->stopped = !bench_rounds(&s->pair, &data, s->limits, outcomes);
  bench_data_close(&data);
  for (size_t k = 0; k < 2; ++k) {
    if (outcomes[k].state != BENCH_DONE || outcomes[k].n == 0) {
      (void)snprintf(s->why, BENCH_TEXT, "B %zu: %.60s %s: %.150s", B, s->pair.items[k].name,
                     bench_state_name(outcomes[k].state), outcomes[k].why);
      return NAN;
    }
  }
  return outcomes[0].seconds.median / outcomes[1].seconds.median;
}

/* The ratio is taken to fall as rows are added; where it does not, one of its crossings of 1 is found. */
static void find(search *s, bench_crossing *crossing) {
  *crossing =
      (bench_crossing){.T = s->T, .H = s->H, .most_rows = most_rows(s), .ratio_one = NAN, .ratio_most = NAN};
  s->why = crossing->why;
  crossing->ratio_one = ratio_at(s, 1);
  if (crossing->ratio_one < 1.0) {
    crossing->rows = 1;
  }
  if (!isfinite(crossing->ratio_one) || s->stopped) {
    return;
  }
  crossing->ratio_most = ratio_at(s, crossing->most_rows);
  if (crossing->rows == 1 || !(crossing->ratio_most < 1.0)) {
    return;
  }
  size_t slower = 1, faster = crossing->most_rows;
  while (faster - slower > 1 && !s->stopped) {
    /* In proportion while they are far apart, to a sixteenth of the answer. */
    size_t middle = (size_t)llround(sqrt((double)slower * (double)faster));
    middle = middle <= slower ? slower + 1 : middle >= faster ? faster - 1 : middle;
    double ratio = ratio_at(s, middle);
    if (!isfinite(ratio)) {
      return;
    }
    *(ratio < 1.0 ? &faster : &slower) = middle;
    if (faster - slower <= faster / 16) {
      break;
    }
  }
  crossing->rows = faster;
}

int bench_find_crossings(bench_results *results, const bench_limits *limits) {
  search s = {.results = results, .limits = limits};
  results->crossings = cli_calloc((size_t)N_STEPS * N_SIZES, sizeof *results->crossings);
  if (results->crossings == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "no memory for %d crossings", (int)(N_STEPS * N_SIZES));
  }
  s.pair = (bench_columns){2, 2, results->columns.items};
  for (size_t t = 0; t < N_STEPS; ++t) {
    for (size_t h = 0; h < N_SIZES; ++h) {
      s.T = STEPS[t];
      s.H = SIZES[h];
      find(&s, &results->crossings[results->n_crossings]);
      if (s.stopped) {
        return CLI_INTERRUPTED;
      }
      ++results->n_crossings;
    }
  }
  return CLI_DONE;
}
