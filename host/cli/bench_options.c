/* What a command line of oclstm bench may not say together, or twice.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench_session.h"

/* The word that a list has twice; NULL: none. */
static const char *find_twice(const cli_list *list) {
  for (size_t k = 1; k < list->n; ++k) {
    for (size_t before = 0; before < k; ++before) {
      if (strcmp(list->values[before], list->values[k]) == 0) {
        return list->values[k];
      }
    }
  }
  return NULL;
}

static int check_lists(const cli_options *o) {
  const struct {
    const char *name;
    const cli_list *list;
  } lists[] = {{"device", &o->devices},
               {"strategy", &o->strategies},
               {"precision", &o->precisions},
               {"gemm", &o->gemms},
               {"peer", &o->peers}};
  for (size_t k = 0; k < sizeof lists / sizeof lists[0]; ++k) {
    const char *twice = find_twice(lists[k].list);
    if (twice != NULL) {
      return cli_usage("--%s: '%.150s' is given twice", lists[k].name, twice);
    }
  }
  return CLI_DONE;
}

/* It has shapes, columns and a number of rounds of its own. */
static int check_crossover(const cli_options *o) {
  const char *without = o->peers.n > 0           ? "--peer"
                        : o->reference           ? "--reference"
                        : o->onednn == ONEDNN_ON ? "--onednn on"
                        : o->startup             ? "--startup"
                        : o->seconds != 0        ? "--seconds"
                        : o->plot != NULL        ? "--plot"
                                                 : NULL;
  if (o->n_arguments > 0) {
    return cli_usage("--crossover has shapes of its own, found '%s'", o->arguments[0]);
  }
  if (without != NULL) {
    return cli_usage("--crossover and %s exclude each other", without);
  }
  if (o->devices.n < 2 && o->strategies.n < 2 && o->precisions.n < 2 && o->gemms.n < 2) {
    return cli_usage("--crossover needs two devices (or strategies, precisions, gemms)");
  }
  return CLI_DONE;
}

int cli_bench_check(const cli_options *o) {
  if (o->json && o->csv) {
    return cli_usage("--json and --csv exclude each other");
  }
  if (o->repeats > BENCH_SAMPLES) {
    return cli_usage("--repeats: '%llu' is more than %d", (unsigned long long)o->repeats, (int)BENCH_SAMPLES);
  }
  if (o->plot != NULL && bench_plot_terminal(o->plot) == NULL) {
    return cli_usage("--plot: '%s' is neither .png nor .svg", o->plot);
  }
  int code = check_lists(o);
  return code == CLI_DONE && o->crossover ? check_crossover(o) : code;
}
