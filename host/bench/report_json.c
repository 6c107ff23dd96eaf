/* Results as one JSON object; docs/bench.md describes it.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "report.h"

static const char *precision_name(oclstm_precision precision) {
  return cli_precision_name((int)precision);
}

static void write_machine(cli_json *json, const bench_results *r) {
  static const char *const CACHES[] = {"L1", "L2", "L3"};
  cli_json_begin(json, "machine", '{');
  cli_json_string(json, "cpu", r->machine.cpu);
  cli_json_integer(json, "processors", r->machine.processors);
  cli_json_string(json, "system", r->machine.system);
  cli_json_string(json, "compiler", r->machine.compiler);
  cli_json_bool(json, "amx", r->machine.amx);
  cli_json_begin(json, "cache_bytes", '{');
  for (size_t k = 0; k < sizeof CACHES / sizeof CACHES[0]; ++k) {
    cli_json_integer(json, CACHES[k], r->machine.cache_bytes[k]);
  }
  cli_json_end(json, '}');
  cli_json_end(json, '}');
}

static void write_peaks(cli_json *json, const bench_peaks *peaks) {
  cli_json_begin(json, "peaks", '{');
  cli_json_number(json, "flops_per_second", peaks->flops);
  cli_json_begin(json, "reads", '[');
  for (size_t k = 0; k < BENCH_LEVELS; ++k) {
    if (peaks->levels[k].per_second > 0.0) {
      cli_json_begin(json, NULL, '{');
      cli_json_string(json, "level", peaks->levels[k].name);
      cli_json_number(json, "keeps",
                      peaks->levels[k].fits < UINT64_MAX ? (double)peaks->levels[k].fits : NAN);
      cli_json_integer(json, "bytes", peaks->levels[k].bytes);
      cli_json_number(json, "bytes_per_second", peaks->levels[k].per_second);
      cli_json_end(json, '}');
    }
  }
  cli_json_end(json, ']');
  cli_json_end(json, '}');
}

static void write_startup(cli_json *json, const char *name, const bench_startup *s) {
  cli_json_begin(json, name, '{');
  cli_json_number(json, "context_seconds", s->context);
  cli_json_number(json, "plan_seconds", s->plan);
  cli_json_number(json, "forward_seconds", s->forward);
  cli_json_end(json, '}');
}

/* Nothing of columns that are not ours. */
static void write_startups(cli_json *json, const bench_started *s) {
  if (s->measured) {
    write_startup(json, "cold_start", &s->cold);
    write_startup(json, "warm_start", &s->warm);
  } else if (s->why[0] != '\0') {
    cli_json_string(json, "no_start", s->why);
  }
}

static void write_columns(cli_json *json, const bench_results *r) {
  cli_json_begin(json, "columns", '[');
  for (size_t k = 0; k < r->columns.n; ++k) {
    const bench_column *c = &r->columns.items[k];
    oclstm_context *context = bench_column_context(c);
    cli_json_begin(json, NULL, '{');
    cli_json_string(json, "name", c->name);
    cli_json_string(json, "kind", c->type->kind);
    cli_json_string(json, "version", c->version);
    cli_json_string(json, "details", c->details);
    cli_json_string(json, "precision", precision_name(c->precision));
    if (context != NULL) {
      cli_json_device(json, "device", oclstm_context_device(context));
      cli_json_string(json, "strategy", cli_strategy_name((int)bench_column_desc(c)->strategy));
      cli_json_string(json, "gemm", cli_gemm_name((int)c->gemm));
    }
    if (r->peaks[k].known) {
      write_peaks(json, &r->peaks[k]);
    }
    if (r->startups != NULL) {
      write_startups(json, &r->startups[k]);
    }
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
}

/* ---- shapes ---- */

static void write_samples(cli_json *json, const bench_outcome *o) {
  cli_json_number(json, "median_seconds", o->seconds.median);
  cli_json_number(json, "lower_quartile_seconds", o->seconds.lower);
  cli_json_number(json, "upper_quartile_seconds", o->seconds.upper);
  cli_json_number(json, "min_seconds", o->seconds.min);
  cli_json_begin(json, "samples", '[');
  for (size_t k = 0; k < o->n; ++k) {
    cli_json_number(json, NULL, o->samples[k]);
  }
  cli_json_end(json, ']');
}

static void write_derived(cli_json *json, const bench_results *r, const bench_record *record, size_t column) {
  const bench_shape *s = &record->shape;
  const bench_outcome *o = &record->outcomes[column];
  const oclstm_precision precision = r->columns.items[column].precision;
  const double seconds = o->seconds.median;
  cli_json_number(json, "ratio", bench_ratio(r, record, column));
  cli_json_number(json, "steps_per_second", (double)s->T / seconds);
  cli_json_number(json, "valid_steps_per_second", (double)bench_valid_steps(s) / seconds);
  cli_json_number(json, "gflops", bench_flops(s) / seconds * 1e-9);
  cli_json_number(json, "gigabytes_per_second", bench_weight_traffic(s, precision) / seconds * 1e-9);
  cli_json_number(json, "roofline_seconds", bench_roofline(&r->peaks[column], s, precision));
  cli_json_number(json, "share_of_roofline", bench_roofline(&r->peaks[column], s, precision) / seconds);
}

static void write_inside(cli_json *json, const bench_record *record, const bench_outcome *o) {
  cli_json_number(json, "prepare_seconds", o->prepare_seconds);
  cli_json_number(json, "kernel_seconds", o->kernel_seconds);
  if (o->strategy[0] != '\0') {
    cli_json_string(json, "strategy", o->strategy);
    cli_json_string(json, "gemm", o->gemm);
    cli_json_integer(json, "device_bytes", o->device_bytes);
    cli_json_integer(json, "calls", o->calls);
  }
  if (o->counted) {
    cli_json_integer(json, "launches", o->counters.launches);
    cli_json_number(json, "launches_per_1000_steps",
                    1e3 * (double)o->counters.launches / (double)record->shape.T);
    cli_json_integer(json, "products", o->counters.products);
    cli_json_integer(json, "bytes_written", o->counters.bytes_written);
    cli_json_integer(json, "bytes_read", o->counters.bytes_read);
  }
  cli_json_integer(json, "resident_bytes_before", o->resident_before);
  cli_json_integer(json, "resident_bytes_after", o->resident_after);
}

static void write_outcome(cli_json *json, const bench_results *r, const bench_record *record, size_t column) {
  const bench_outcome *o = &record->outcomes[column];
  cli_json_begin(json, NULL, '{');
  cli_json_string(json, "column", r->columns.items[column].name);
  cli_json_string(json, "state", bench_state_name(o->state));
  cli_json_string(json, "why", o->why[0] != '\0' ? o->why : NULL);
  if (o->state == BENCH_DONE || o->state == BENCH_WRONG) {
    cli_json_number(json, "relative_l2", o->relative_l2);
    cli_json_number(json, "max_absolute", o->max_absolute);
  }
  if (o->state == BENCH_DONE && o->n > 0) {
    write_samples(json, o);
    write_derived(json, r, record, column);
    write_inside(json, record, o);
  }
  cli_json_end(json, '}');
}

static void write_record(cli_json *json, const bench_results *r, const bench_record *record) {
  const bench_shape *s = &record->shape;
  cli_json_begin(json, NULL, '{');
  cli_json_string(json, "list", s->list);
  cli_json_integer(json, "T", s->T);
  cli_json_integer(json, "B", s->B);
  cli_json_integer(json, "I", s->I);
  cli_json_integer(json, "H", s->H);
  cli_json_integer(json, "layers", s->layers);
  cli_json_integer(json, "directions", s->directions);
  cli_json_string(json, "cell", bench_cell_name(s));
  cli_json_string(json, "rows", bench_rows_name(s->rows));
  cli_json_integer(json, "valid_steps", bench_valid_steps(s));
  cli_json_number(json, "flops", bench_flops(s));
  cli_json_begin(json, "results", '[');
  for (size_t k = 0; k < r->columns.n; ++k) {
    if (bench_takes_part(&r->columns.items[k], s)) {
      write_outcome(json, r, record, k);
    }
  }
  cli_json_end(json, ']');
  cli_json_end(json, '}');
}

/* ---- behind the shapes ---- */

static void write_crossings(cli_json *json, const bench_results *r) {
  cli_json_begin(json, "crossover", '[');
  for (size_t k = 0; k < r->n_crossings; ++k) {
    const bench_crossing *c = &r->crossings[k];
    cli_json_begin(json, NULL, '{');
    cli_json_integer(json, "T", c->T);
    cli_json_integer(json, "H", c->H);
    cli_json_string(json, "why", c->why[0] != '\0' ? c->why : NULL);
    cli_json_number(json, "rows", c->rows > 0 ? (double)c->rows : NAN);
    cli_json_integer(json, "most_rows", c->most_rows);
    cli_json_number(json, "ratio_one_row", c->ratio_one);
    cli_json_number(json, "ratio_most_rows", c->ratio_most);
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
}

static void write_targets(cli_json *json, const bench_results *r) {
  cli_json_begin(json, "targets", '[');
  for (size_t k = 0; k < bench_target_count(); ++k) {
    const bench_target_result t = bench_target_evaluate(r, k);
    cli_json_begin(json, NULL, '{');
    cli_json_string(json, "target", t.text);
    cli_json_number(json, "wanted", t.wanted);
    cli_json_number(json, "measured", t.measured);
    cli_json_string(json, "reach", bench_reach_name(t.reach));
    cli_json_string(json, "why", t.why);
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
}

void bench_write_json(FILE *to, const bench_results *r) {
  cli_json json = {.to = to};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "commit", bench_commit()[0] != '\0' ? bench_commit() : NULL);
  cli_json_integer(&json, "seed", r->seed);
  write_machine(&json, r);
  write_columns(&json, r);
  cli_json_begin(&json, "shapes", '[');
  for (size_t k = 0; k < r->n; ++k) {
    write_record(&json, r, &r->records[k]);
  }
  cli_json_end(&json, ']');
  if (r->n_crossings > 0) {
    write_crossings(&json, r);
  }
  if (r->targets) {
    write_targets(&json, r);
  }
  cli_json_end(&json, '}');
}
