/* Results of a whole run, and how they are written.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_REPORT_H
#define OCLSTM_BENCH_REPORT_H

#include <stdio.h>

#include "bench.h"
#include "cli/cli.h"

/* One shape and what became of it, in the order of the columns. */
typedef struct bench_record {
  bench_shape shape;
  bench_outcome *outcomes;
} bench_record;

typedef struct bench_started {
  bool measured;
  char why[BENCH_TEXT];
  bench_startup cold, warm;
} bench_started;

/* From how many rows on the first device is the faster one; 0: not up to most_rows. */
typedef struct bench_crossing {
  uint64_t T;
  size_t H, rows, most_rows;
  double ratio_one, ratio_most; /* time of the first over the second with one row, and with most_rows */
  char why[BENCH_TEXT];         /* not measured; otherwise empty */
} bench_crossing;

typedef struct bench_results {
  bench_machine machine;
  uint64_t seed;
  bench_columns columns;
  bench_peaks *peaks; /* [columns.n] */
  size_t n, room;
  bench_record *records;
  bench_started *startups; /* [columns.n], or NULL */
  size_t n_crossings;
  bench_crossing *crossings;
  bool targets; /* asked for */
} bench_results;

/* Takes the outcomes over; false without memory. */
bool bench_results_push(bench_results *results, const bench_shape *shape, bench_outcome *outcomes);
void bench_results_close(bench_results *results);
const bench_record *bench_results_find(const bench_results *results, const bench_shape *shape);
/* Time of the record's first oclstm column over this one's; NaN when either has none. */
double bench_ratio(const bench_results *results, const bench_record *record, size_t column);
const char *bench_state_name(bench_state state);
const char *bench_commit(void); /* of the sources, when they were configured; "" when it is not known */

/* ---- report_text.c ---- */

void bench_print_machine(FILE *to, const bench_results *results);
void bench_print_record(FILE *to, const bench_results *results, const bench_record *record);
void bench_print_end(FILE *to, const bench_results *results); /* start-up, crossings, targets */

/* ---- report_json.c, report_csv.c, report_plot.c ---- */

void bench_write_json(FILE *to, const bench_results *results);
void bench_write_csv(FILE *to, const bench_results *results);
/* Writes PATH.gp, a script that holds its data, and runs gnuplot on it. An exit code; prints what fails. */
const char *bench_plot_terminal(const char *path); /* of gnuplot, by the name of the picture; or NULL */
int bench_write_plot(const bench_results *results, const char *path);

/* ---- targets.c ---- */

typedef enum bench_reach { BENCH_REACHED, BENCH_NOT_REACHED, BENCH_NOT_MEASURED } bench_reach;
typedef struct bench_target_result {
  const char *text;
  double wanted, measured; /* ratios */
  bench_reach reach;
  char why[BENCH_TEXT]; /* the shape that decides, or what is missing */
} bench_target_result;

size_t bench_target_count(void);
bool bench_targets_push(bench_shapes *shapes); /* every shape that a target needs */
bench_target_result bench_target_evaluate(const bench_results *results, size_t index);
const char *bench_reach_name(bench_reach reach);

/* ---- crossover.c ---- */

/* The first two columns, which are oclstm columns, against each other. An exit code. */
int bench_find_crossings(bench_results *results, const bench_limits *limits);

#endif
