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

static void write_data(FILE *to, const bench_results *r) {
  (void)fputs("$data << END\n", to);
  for (size_t n = 0; n < r->n; ++n) {
    char text[BENCH_TEXT];
    bench_shape_text(&r->records[n].shape, text);
    (void)fprintf(to, "\"%s\"", text);
    for (size_t k = 0; k < r->columns.n; ++k) {
      const bench_outcome *o = &r->records[n].outcomes[k];
      if (o->state == BENCH_DONE && o->n > 0) {
        (void)fprintf(to, " %.6g", bench_flops(&r->records[n].shape) / o->seconds.median * 1e-9);
      } else {
        (void)fputs(" NaN", to);
      }
    }
    (void)fputc('\n', to);
  }
  (void)fputs("END\n", to);
}

static void write_script(FILE *to, const bench_results *r, const char *path, const char *terminal) {
  const size_t width = 400 + 24 * (r->n * (r->columns.n + 1));
  (void)fputs("# Written by oclstm bench; run it again with: gnuplot THIS_FILE\n", to);
  write_data(to, r);
  (void)fprintf(to, "set terminal %s size %zu,700\nset output ", terminal, width < 4000 ? width : 4000);
  quote(to, path);
  (void)fputs(
      "\nset style data histogram\nset style histogram clustered gap 1\n"
      "set style fill solid 0.8 border -1\nset grid ytics\nset logscale y\nset ylabel 'GFLOP/s'\n"
      "set xtics rotate by -40 scale 0\nset key outside top center horizontal\nset title ",
      to);
  quote(to, r->machine.cpu);
  (void)fputs("\nplot ", to);
  for (size_t k = 0; k < r->columns.n; ++k) {
    (void)fprintf(to, "%s$data using %zu:xtic(1) title ", k > 0 ? ", \\\n     " : "", k + 2);
    quote(to, r->columns.items[k].name);
  }
  (void)fputc('\n', to);
}

int bench_write_plot(const bench_results *r, const char *path) {
  const char *terminal = bench_plot_terminal(path);
  int why = 0;
  char *script = cli_format("%s.gp", path);
  FILE *to = script != NULL ? fopen(script, "w") : NULL;
  if (to == NULL) {
    int code = cli_fail_output(OCLSTM_E_WRITE, "%s.gp: %s", path, strerror(errno));
    free(script);
    return code;
  }
  write_script(to, r, path, terminal);
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
