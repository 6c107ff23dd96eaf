/* Results as a picture: GFLOP/s of every column and shape, by gnuplot.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "report.h"

const char *bench_plot_terminal(const char *path) {
  const char *dot = strrchr(path, '.');
  if (dot != NULL && strcmp(dot, ".png") == 0) {
    return "png";
  }
  return dot != NULL && strcmp(dot, ".svg") == 0 ? "svg" : NULL;
}

/* In gnuplot's single quotes a quote is written twice. */
static void quote(FILE *to, const char *text) {
  (void)fputc('\'', to);
  for (; *text != '\0'; ++text) {
    (void)fputs(*text == '\'' ? "''" : (const char[]){*text, '\0'}, to);
  }
  (void)fputc('\'', to);
}

/* GFLOP/s of a record in so many seconds. */
static double speed(const bench_record *record, double seconds) {
  return bench_flops(&record->shape) / seconds * 1e-9;
}

static bool has_figure(const bench_results *r, size_t column) {
  for (size_t n = 0; n < r->n; ++n) {
    const bench_outcome *o = &r->records[n].outcomes[column];
    if (o->state == BENCH_DONE && o->n > 0) {
      return true;
    }
  }
  return false;
}

/* Powers of ten below and above everything that is drawn; false: nothing is. */
static bool find_range(const bench_results *r, double *least, double *most) {
  *least = INFINITY;
  *most = 0.0;
  for (size_t n = 0; n < r->n; ++n) {
    for (size_t k = 0; k < r->columns.n; ++k) {
      const bench_outcome *o = &r->records[n].outcomes[k];
      if (o->state == BENCH_DONE && o->n > 0) {
        *least = fmin(*least, speed(&r->records[n], o->seconds.upper));
        *most = fmax(*most, speed(&r->records[n], o->seconds.lower));
      }
    }
  }
  *least = pow(10.0, ceil(log10(*least)) - 1.0);
  *most = pow(10.0, floor(log10(*most)) + 1.0);
  return *most > *least && isfinite(*most) && *least > 0.0;
}

/* A line a shape: its name, and the median, lower and upper quartile of each column. */
static void write_data(FILE *to, const bench_results *r) {
  (void)fputs("$data << END\n", to);
  for (size_t n = 0; n < r->n; ++n) {
    char text[BENCH_TEXT];
    bench_shape_text(&r->records[n].shape, text);
    (void)fprintf(to, "\"%s\"", text);
    for (size_t k = 0; k < r->columns.n; ++k) {
      const bench_outcome *o = &r->records[n].outcomes[k];
      if (o->state == BENCH_DONE && o->n > 0) {
        (void)fprintf(to, " %.6g %.6g %.6g", speed(&r->records[n], o->seconds.median),
                      speed(&r->records[n], o->seconds.upper), speed(&r->records[n], o->seconds.lower));
      } else {
        (void)fputs(" NaN NaN NaN", to);
      }
    }
    (void)fputc('\n', to);
  }
  (void)fputs("END\n", to);
}

/* Names are printed as they are: in gnuplot's enhanced text '_', '^' and '@' would be orders. */
static void write_script(FILE *to, const bench_results *r, const char *path, double least, double most) {
  const size_t width = 500 + 24 * (r->n * (r->columns.n + 1));
  (void)fputs("# Written by oclstm bench; run it again with: gnuplot THIS_FILE\n", to);
  write_data(to, r);
  (void)fprintf(to, "set terminal %s noenhanced size %zu,700\nset output ", bench_plot_terminal(path),
                width < 4000 ? width : 4000);
  quote(to, path);
  (void)fprintf(
      to,
      "\nset style data histogram\nset style histogram errorbars gap 1 lw 1\n"
      "set style fill solid 0.8 border -1\nset grid ytics\nset logscale y\nset yrange [%g:%g]\n"
      "set ylabel 'GFLOP/s: median and quartiles'\nset xtics rotate by -40 scale 0\nset bmargin 15\n"
      "set rmargin 20\nset key outside top center horizontal\nset title ",
      least, most);
  quote(to, r->machine.cpu);
  (void)fputs("\nplot ", to);
  const char *separator = "";
  for (size_t k = 0; k < r->columns.n; ++k) {
    const size_t at = 3 * k + 2;
    if (!has_figure(r, k)) {
      continue; /* gnuplot draws nothing at all then */
    }
    (void)fprintf(to, "%s$data using %zu:%zu:%zu:xtic(1) title ", separator, at, at + 1, at + 2);
    quote(to, r->columns.items[k].name);
    separator = ", \\\n     ";
  }
  (void)fputc('\n', to);
}

int bench_write_plot(const bench_results *r, const char *path) {
  int why = 0;
  double least = 0.0, most = 0.0;
  if (!find_range(r, &least, &most)) {
    return cli_fail_output(OCLSTM_E_WRITE, "%s: there is no figure to draw", path);
  }
  char *script = cli_format("%s.gp", path);
  FILE *to = script != NULL ? fopen(script, "w") : NULL;
  if (to == NULL) {
    int code = cli_fail_output(OCLSTM_E_WRITE, "%s.gp: %s", path, strerror(errno));
    free(script);
    return code;
  }
  write_script(to, r, path, least, most);
  bool written = ferror(to) == 0;
  written = fclose(to) == 0 && written;
  const char *words[] = {"gnuplot", script, NULL};
  int ended = written ? bench_process_run(words, &why) : 0;
  int code = CLI_DONE;
  if (!written) {
    code = cli_fail_output(OCLSTM_E_WRITE, "%s: %s", script, strerror(errno));
  } else if (ended < 0) {
    code = cli_fail_output(OCLSTM_E_WRITE,
                           "gnuplot, which --plot needs, cannot be started: %s; its script is %s",
                           strerror(why), script);
  } else if (ended != 0) {
    code = cli_fail_output(OCLSTM_E_WRITE, "gnuplot ended with status %d; its script is %s", ended, script);
  }
  free(script);
  return code;
}
