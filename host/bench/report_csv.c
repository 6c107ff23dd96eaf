/* Results as comma-separated values, one line a shape and column.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "report.h"

static void quote(FILE *to, const char *value) {
  (void)fputc('"', to);
  for (; *value != '\0'; ++value) {
    if (*value == '"') {
      (void)fputc('"', to);
    }
    (void)fputc(*value, to);
  }
  (void)fputc('"', to);
}

static void text(FILE *to, const char *value) {
  quote(to, value);
  (void)fputc(',', to);
}

static void last_text(FILE *to, const char *value) {
  quote(to, value);
  (void)fputc('\n', to);
}

static void number(FILE *to, double value) {
  if (isfinite(value)) {
    (void)fprintf(to, "%.9g", value);
  }
  (void)fputc(',', to);
}

static void write_shape(FILE *to, const bench_shape *s) {
  text(to, s->list);
  (void)fprintf(to, "%llu,%zu,%zu,%zu,%zu,%zu,%s,%s,%llu,", (unsigned long long)s->T, s->B, s->I, s->H,
                s->layers, s->directions, bench_cell_name(s), bench_rows_name(s->rows),
                (unsigned long long)bench_valid_steps(s));
}

static void write_line(FILE *to, const bench_results *r, const bench_record *record, size_t column) {
  const bench_shape *s = &record->shape;
  const bench_outcome *o = &record->outcomes[column];
  const oclstm_precision precision = r->columns.items[column].precision;
  const double seconds = o->state == BENCH_DONE ? o->seconds.median : NAN;
  write_shape(to, s);
  text(to, r->columns.items[column].name);
  text(to, bench_state_name(o->state));
  text(to, o->why);
  number(to, seconds);
  number(to, o->state == BENCH_DONE ? o->seconds.lower : NAN);
  number(to, o->state == BENCH_DONE ? o->seconds.upper : NAN);
  number(to, o->state == BENCH_DONE ? o->seconds.min : NAN);
  number(to, (double)o->n);
  number(to, bench_ratio(r, record, column));
  number(to, (double)s->T / seconds);
  number(to, bench_flops(s) / seconds * 1e-9);
  number(to, bench_weight_traffic(s, precision) / seconds * 1e-9);
  number(to, bench_roofline(&r->peaks[column], s, precision) / seconds);
  number(to, o->kernel_seconds);
  number(to, o->counted ? (double)o->counters.launches : NAN);
  number(to, o->counted ? (double)o->counters.bytes_written : NAN);
  number(to, o->counted ? (double)o->counters.bytes_read : NAN);
  number(to, o->prepare_seconds);
  number(to, o->device_bytes > 0 ? (double)o->device_bytes : NAN);
  number(to, o->relative_l2);
  last_text(to, o->strategy);
}

static void write_crossings(FILE *to, const bench_results *r) {
  (void)fputs("first,second,T,H,rows,most_rows,ratio_one_row,ratio_most_rows,why\n", to);
  for (size_t k = 0; k < r->n_crossings; ++k) {
    const bench_crossing *c = &r->crossings[k];
    text(to, r->columns.items[0].name);
    text(to, r->columns.items[1].name);
    (void)fprintf(to, "%llu,%zu,", (unsigned long long)c->T, c->H);
    number(to, c->rows > 0 ? (double)c->rows : NAN);
    number(to, (double)c->most_rows);
    number(to, c->ratio_one);
    number(to, c->ratio_most);
    last_text(to, c->why);
  }
}

void bench_write_csv(FILE *to, const bench_results *r) {
  if (r->crossings != NULL) {
    write_crossings(to, r);
    return;
  }
  (void)fputs(
      "list,T,B,I,H,layers,directions,cell,rows,valid_steps,column,state,why,median_seconds,lower_seconds,"
      "upper_seconds,min_seconds,samples,ratio,steps_per_second,gflops,gigabytes_per_second,share_of_"
      "roofline,"
      "kernel_seconds,launches,bytes_written,bytes_read,prepare_seconds,device_bytes,relative_l2,strategy\n",
      to);
  for (size_t n = 0; n < r->n; ++n) {
    for (size_t k = 0; k < r->columns.n; ++k) {
      if (bench_takes_part(&r->columns.items[k], &r->records[n].shape)) {
        write_line(to, r, &r->records[n], k);
      }
    }
  }
}
