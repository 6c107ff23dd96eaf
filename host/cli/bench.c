/* oclstm bench: speed, side by side with peers.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_session.h"

enum { LEAST_ROUNDS = 3, QUICK_SECONDS = 45, SHAPE_SECONDS = 10 };
static const double PAUSE =
    0.005; /* seconds before each timed run: threads that wait by spinning go to sleep */

/* ---- shapes ---- */

static int read_shapes(bench_session *b) {
  static char QUICK[] = "quick";
  static char *standard[] = {QUICK};
  const cli_options *o = b->options;
  char **words = o->n_arguments > 0 ? o->arguments : standard;
  const size_t n = o->n_arguments > 0 ? o->n_arguments : 1;
  b->quick = n == 1 && strcmp(words[0], "quick") == 0;
  for (size_t k = 0; k < n; ++k) {
    char why[BENCH_TEXT] = "";
    bool targets = strcmp(words[k], "targets") == 0;
    b->results.targets = b->results.targets || targets;
    b->standard = b->standard || targets || strcmp(words[k], "quick") == 0 || strcmp(words[k], "full") == 0;
    if (targets ? !bench_targets_push(&b->shapes) : !bench_shapes_add(&b->shapes, words[k], why)) {
      return cli_usage("%s", why[0] != '\0' ? why : "no memory for the shapes of the targets");
    }
  }
  return CLI_DONE;
}

static int print_lists(const bench_session *b) {
  char text[BENCH_TEXT];
  if (b->options->n_arguments == 0) {
    for (size_t k = 0; k < bench_list_count(); ++k) {
      (void)printf("%-20s %s\n", bench_list_name(k), bench_list_purpose(k));
    }
    (void)printf("%-20s %s\n", "targets", "what the project's targets need, and whether they are reached");
    return CLI_DONE;
  }
  for (size_t k = 0; k < b->shapes.n; ++k) {
    bench_shape_text(&b->shapes.items[k], text);
    (void)printf("%-20s %s\n", b->shapes.items[k].list, text);
  }
  return CLI_DONE;
}

/* ---- runs ---- */

static void show(const bench_session *b, size_t done, const bench_shape *shape) {
  char text[BENCH_TEXT] = "";
  if (b->visible) {
    if (shape != NULL) {
      bench_shape_text(shape, text);
      (void)fprintf(stderr, "\r%zu/%zu  %-70s", done + 1, b->shapes.n, text);
    } else {
      (void)fprintf(stderr, "\r%80s\r", "");
    }
    (void)fflush(stderr);
  }
}

static bool to_text(const bench_session *b) {
  return !b->options->json && !b->options->csv;
}

static int run_shape(bench_session *b, const bench_shape *shape, double seconds) {
  bench_results *r = &b->results;
  const cli_options *o = b->options;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const bench_limits limits = {.least_rounds = o->repeats != 0 ? (size_t)o->repeats : LEAST_ROUNDS,
                               .most_rounds = o->repeats != 0 ? (size_t)o->repeats : BENCH_SAMPLES,
                               .seconds = seconds,
                               .pause = PAUSE,
                               .stopped = cli_interrupted};
  bench_data data;
  bench_outcome *outcomes = cli_calloc(r->columns.n, sizeof *outcomes);
  if (outcomes == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "no memory for the outcomes");
  }
  if (bench_data_open(&data, shape, o->seed, &error) != OCLSTM_OK) {
    free(outcomes);
    return cli_report(&error, NULL);
  }
  bool going = bench_rounds(&r->columns, &data, &limits, outcomes);
  bench_data_close(&data);
  if (!going) {
    free(outcomes);
    return CLI_INTERRUPTED;
  }
  if (!bench_results_push(r, shape, outcomes)) {
    free(outcomes);
    return cli_fail(OCLSTM_E_MEMORY, "no memory for the results");
  }
  return CLI_DONE;
}

/* What is left of the time for all shapes, in equal parts. Of quick's, peers and peaks have had theirs already. */
static double seconds_of(const bench_session *b, size_t shape, double began) {
  const cli_options *o = b->options;
  double all = o->seconds != 0 ? (double)o->seconds : b->quick ? QUICK_SECONDS : 0.0;
  double left = all - (bench_now() - (o->seconds != 0 ? began : b->began));
  return all > 0.0 ? (left > 0.0 ? left : 0.0) / (double)(b->shapes.n - shape) : SHAPE_SECONDS;
}

static int run_shapes(bench_session *b) {
  const double began = bench_now();
  int code = CLI_DONE;
  for (size_t k = 0; k < b->shapes.n; ++k) {
    show(b, k, &b->shapes.items[k]);
    code = run_shape(b, &b->shapes.items[k], seconds_of(b, k, began));
    show(b, k, NULL);
    if (code != CLI_DONE) {
      break;
    }
    if (to_text(b)) {
      bench_print_record(stdout, &b->results, &b->results.records[b->results.n - 1]);
      (void)fflush(stdout);
    }
  }
  return code;
}

static int run_startups(bench_session *b) {
  bench_results *r = &b->results;
  r->startups = cli_calloc(r->columns.n, sizeof *r->startups);
  if (r->startups == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "no memory for start-ups");
  }
  for (size_t k = 0; k < r->columns.n; ++k) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    bench_started *s = &r->startups[k];
    if (!r->columns.items[k].ours) {
      continue;
    }
    s->measured = bench_measure_startup(bench_column_desc(&r->columns.items[k]), b->temporary, &s->cold,
                                        &s->warm, &error) == OCLSTM_OK;
    if (!s->measured) {
      (void)snprintf(s->why, sizeof s->why, "%.240s", error.text);
    }
    if (cli_interrupted()) {
      return CLI_INTERRUPTED;
    }
  }
  return CLI_DONE;
}

static int run_crossover(bench_session *b) {
  const cli_options *o = b->options;
  const bench_limits limits = {.least_rounds = o->repeats != 0 ? (size_t)o->repeats : LEAST_ROUNDS,
                               .most_rounds = o->repeats != 0 ? (size_t)o->repeats : LEAST_ROUNDS,
                               .pause = PAUSE,
                               .stopped = cli_interrupted};
  return bench_find_crossings(&b->results, &limits);
}

/* ---- the command ---- */

static bool is_wrong(const bench_results *r) {
  for (size_t n = 0; n < r->n; ++n) {
    for (size_t k = 0; k < r->columns.n; ++k) {
      bench_state state = r->records[n].outcomes[k].state;
      if (state == BENCH_WRONG || state == BENCH_FAILED) {
        return true;
      }
    }
  }
  return false;
}

static int print_results(const bench_session *b) {
  if (b->options->json) {
    bench_write_json(stdout, &b->results);
  } else if (b->options->csv) {
    bench_write_csv(stdout, &b->results);
  } else {
    bench_print_end(stdout, &b->results);
  }
  return b->options->plot != NULL ? bench_write_plot(&b->results, b->options->plot) : CLI_DONE;
}

static int measure(bench_session *b) {
  const cli_options *o = b->options;
  int code = CLI_DONE;
  CHECK(cli_bench_columns(b));
  CHECK(cli_bench_peaks(b));
  if (to_text(b)) {
    bench_print_machine(stdout, &b->results);
    (void)fflush(stdout);
  }
  if (o->crossover) {
    code = run_crossover(b);
  } else {
    code = run_shapes(b);
    if (code == CLI_DONE && (o->startup || b->standard)) {
      code = run_startups(b);
    }
  }
  /* What an interruption or a failure leaves is printed, and the code says so. */
  if (code == CLI_DONE || code == CLI_INTERRUPTED || b->results.n > 0 || b->results.n_crossings > 0) {
    int printed = print_results(b);
    code = code != CLI_DONE ? code : printed;
  }
  if (code == CLI_DONE && is_wrong(&b->results)) {
    code = CLI_FAILED;
  }
done:
  return code;
}

static void close_session(bench_session *b) {
  bench_results_close(&b->results);
  for (size_t k = 0; k < b->n_peers; ++k) {
    bench_peer_close(&b->peers[k]);
  }
  bench_shapes_free(&b->shapes);
  free(b->cache);
}

int cli_bench(const cli_options *options) {
  bench_session b = {.options = options, .began = bench_now()};
  int code = cli_bench_check(options);
  code = code == CLI_DONE ? read_shapes(&b) : code;
  if (code == CLI_DONE && options->list) {
    code = print_lists(&b);
  } else if (code == CLI_DONE) {
    cli_catch_signals();
    b.cache = cli_cache_folder();
    b.temporary = cli_environment("TMPDIR") != NULL ? cli_environment("TMPDIR") : "/tmp";
    b.visible = !options->quiet && isatty(STDERR_FILENO) != 0;
    b.results.machine = bench_machine_here();
    b.results.seed = options->seed;
    code = measure(&b);
  }
  close_session(&b);
  return code;
}
