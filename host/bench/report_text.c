/* Results as aligned text.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "report.h"

/* A number in so many columns; a dash where there is none. */
static void number(FILE *to, int width, int digits, double value) {
  if (isfinite(value)) {
    (void)fprintf(to, " %*.*f", width, digits, value);
  } else {
    (void)fprintf(to, " %*s", width, "-");
  }
}

/* Digits so that small times are not rounded away. */
static int digits_of(double milliseconds) {
  return milliseconds < 0.1 ? 4 : milliseconds < 10.0 ? 3 : milliseconds < 1000.0 ? 2 : 1;
}

/* So many columns hold every column's name. */
static int name_width(const bench_results *r) {
  size_t width = 28;
  for (size_t k = 0; k < r->columns.n; ++k) {
    const size_t n = strlen(r->columns.items[k].name);
    width = n > width ? n : width;
  }
  return (int)width;
}

/* ---- the machine ---- */

static void print_peaks(FILE *to, const bench_peaks *peaks, const char *name) {
  (void)fprintf(to, "peaks    %s: %.1f GFLOP/s", name, peaks->flops * 1e-9);
  for (size_t k = 0; k < BENCH_LEVELS; ++k) {
    if (peaks->levels[k].per_second > 0.0) {
      (void)fprintf(to, ", %s %.1f GB/s (%s)", peaks->levels[k].name, peaks->levels[k].per_second * 1e-9,
                    cli_bytes(peaks->levels[k].bytes).text);
    }
  }
  (void)fputc('\n', to);
}

void bench_print_machine(FILE *to, const bench_results *r) {
  const char *commit = bench_commit();
  (void)fprintf(to, "oclstm %s%s%s, %s\n", oclstm_version(), commit[0] != '\0' ? " " : "", commit,
                r->machine.compiler);
  (void)fprintf(to, "machine  %s, %u processors, %s\n", r->machine.cpu, r->machine.processors,
                r->machine.system);
  const char *last = "";
  const int width = name_width(r);
  for (size_t k = 0; k < r->columns.n; ++k) {
    const bench_column *c = &r->columns.items[k];
    (void)fprintf(to, "column   %-*s %s%s%s\n", width, c->name, c->version, c->details[0] != '\0' ? ", " : "",
                  c->details);
  }
  for (size_t k = 0; k < r->columns.n; ++k) {
    if (r->columns.items[k].ours && r->peaks[k].known && strcmp(last, r->columns.items[k].details) != 0) {
      last = r->columns.items[k].details;
      print_peaks(to, &r->peaks[k], oclstm_context_device(bench_column_context(&r->columns.items[k]))->id);
    }
  }
}

/* ---- a shape ---- */

static void print_figures(FILE *to, const bench_results *r, const bench_record *record, size_t column) {
  const bench_column *c = &r->columns.items[column];
  const bench_shape *s = &record->shape;
  const bench_outcome *o = &record->outcomes[column];
  const double ms = 1e3 * o->seconds.median;
  const int digits = digits_of(ms);
  number(to, 10, digits, ms);
  number(to, 9, digits, 1e3 * o->seconds.lower);
  number(to, 9, digits, 1e3 * o->seconds.upper);
  number(to, 9, digits, 1e3 * o->seconds.min);
  number(to, 7, 3, bench_ratio(r, record, column));
  number(to, 10, 0, (double)s->T / o->seconds.median);
  number(to, 8, 2, bench_flops(s) / o->seconds.median * 1e-9);
  number(to, 7, 2, bench_weight_traffic(s, c->precision) / o->seconds.median * 1e-9);
  number(to, 6, 1, 100.0 * bench_roofline(&r->peaks[column], s, c->precision) / o->seconds.median);
  number(to, 9, digits, 1e3 * o->kernel_seconds);
  number(to, 9, 1, o->counted ? 1e3 * (double)o->counters.launches / (double)s->T : NAN);
  number(to, 8, 2, o->counted ? 1e-6 * (double)(o->counters.bytes_written + o->counters.bytes_read) : NAN);
  number(to, 8, 1, 1e3 * o->prepare_seconds);
  number(to, 8, 1, o->device_bytes > 0 ? (double)o->device_bytes / 1048576.0 : NAN);
  (void)fprintf(to, " %8.1e  %s%s%s\n", o->relative_l2, o->strategy, o->strategy[0] != '\0' ? ", " : "",
                o->gemm);
}

void bench_print_record(FILE *to, const bench_results *r, const bench_record *record) {
  char text[BENCH_TEXT];
  const int width = name_width(r);
  bench_shape_text(&record->shape, text);
  (void)fprintf(to, "\n%s  (%s, %.3g GFLOP, weights of h %s)\n", text, record->shape.list,
                bench_flops(&record->shape) * 1e-9,
                cli_bytes((uint64_t)bench_recurrent_bytes(&record->shape, OCLSTM_PRECISION_F32)).text);
  (void)fprintf(to, "  %-*s %10s %9s %9s %9s %7s %10s %8s %7s %6s %9s %9s %8s %8s %8s %8s\n", width, "",
                "median ms", "lower", "upper", "min", "ratio", "steps/s", "GFLOP/s", "GB/s", "roof%",
                "kernel ms", "launch/1k", "MB moved", "plan ms", "plan MiB", "rel L2");
  for (size_t k = 0; k < r->columns.n; ++k) {
    const bench_outcome *o = &record->outcomes[k];
    if (!bench_takes_part(&r->columns.items[k], &record->shape)) {
      continue;
    }
    (void)fprintf(to, "  %-*s", width, r->columns.items[k].name);
    if (o->state == BENCH_DONE && o->n > 0) {
      print_figures(to, r, record, k);
    } else {
      (void)fprintf(to, " %s: %s\n", bench_state_name(o->state), o->why);
    }
  }
}

/* ---- behind the shapes ---- */

static void print_startups(FILE *to, const bench_results *r) {
  const int width = name_width(r);
  (void)fprintf(
      to, "\nstart-up: two LSTM layers of H 64, from nothing to the first result, ms\n  %-*s %34s %34s\n",
      width, "", "programs compiled", "programs kept");
  (void)fprintf(to, "  %-*s %34s %34s\n", width, "", "context     plan  forward      sum",
                "context     plan  forward      sum");
  for (size_t k = 0; k < r->columns.n; ++k) {
    const bench_started *s = &r->startups[k];
    if (s->measured) {
      (void)fprintf(to, "  %-*s %10.1f %8.1f %8.1f %8.1f %10.1f %8.1f %8.1f %8.1f\n", width,
                    r->columns.items[k].name, 1e3 * s->cold.context, 1e3 * s->cold.plan,
                    1e3 * s->cold.forward, 1e3 * (s->cold.context + s->cold.plan + s->cold.forward),
                    1e3 * s->warm.context, 1e3 * s->warm.plan, 1e3 * s->warm.forward,
                    1e3 * (s->warm.context + s->warm.plan + s->warm.forward));
    } else if (s->why[0] != '\0') {
      (void)fprintf(to, "  %-*s %s\n", width, r->columns.items[k].name, s->why);
    }
  }
}

static void print_crossings(FILE *to, const bench_results *r) {
  (void)fprintf(to, "\ncrossover: rows from which %s is faster than %s (LSTM, I = H)\n",
                r->columns.items[0].name, r->columns.items[1].name);
  (void)fprintf(to, "  %8s %6s %10s %14s %14s\n", "T", "H", "rows", "ratio at B 1", "ratio at most");
  for (size_t k = 0; k < r->n_crossings; ++k) {
    const bench_crossing *c = &r->crossings[k];
    (void)fprintf(to, "  %8llu %6zu ", (unsigned long long)c->T, c->H);
    if (c->why[0] != '\0') {
      (void)fprintf(to, "%s\n", c->why);
    } else if (c->rows != 0) {
      (void)fprintf(to, "%10zu %14.3f %14.3f\n", c->rows, c->ratio_one, c->ratio_most);
    } else {
      (void)fprintf(to, "  over %4zu %14.3f %14.3f\n", c->most_rows, c->ratio_one, c->ratio_most);
    }
  }
}

static void print_targets(FILE *to, const bench_results *r) {
  (void)fprintf(to, "\ntargets: time ratios ours / peer\n");
  for (size_t k = 0; k < bench_target_count(); ++k) {
    const bench_target_result t = bench_target_evaluate(r, k);
    (void)fprintf(to, "  %-12s %-72s <= %4.2f", bench_reach_name(t.reach), t.text, t.wanted);
    number(to, 7, 3, t.measured);
    (void)fprintf(to, "  %s\n", t.why);
  }
}

void bench_print_end(FILE *to, const bench_results *r) {
  if (r->startups != NULL) {
    print_startups(to, r);
  }
  if (r->n_crossings > 0) {
    print_crossings(to, r);
  }
  if (r->targets) {
    print_targets(to, r);
  }
}
