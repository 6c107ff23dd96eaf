/* The columns that a command line of oclstm bench asks for.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench_session.h"

enum { PEER_SECONDS = 300 };

static int add_oclstm(bench_session *b, const bench_oclstm_desc *desc) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  bench_column *column = bench_columns_push(&b->results.columns);
  if (column == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "no memory for a column");
  }
  if (bench_column_oclstm(column, desc, &error) != OCLSTM_OK) {
    return cli_report(&error, NULL);
  }
  for (const bench_column *other = b->results.columns.items; other < column; ++other) {
    if (strcmp(other->name, column->name) == 0) {
      return cli_usage("--device: '%.150s' is a device that is there already: %s", desc->device,
                       column->details);
    }
  }
  return CLI_DONE;
}

/* What is measured when nothing is asked for; a target brings its precisions with it. */
static size_t choose(const cli_list *given, const char *const *standard, size_t n,
                     const char *const **values) {
  *values = given->n > 0 ? given->values : standard;
  return given->n > 0 ? given->n : n;
}

static size_t choose_precisions(const bench_session *b, const char *const **values) {
  static const char *const ALL[] = {"f32", "f16", "bf16"};
  return choose(&b->options->precisions, ALL, b->results.targets ? 3 : 1, values);
}

static int add_ours(bench_session *b) {
  const char *const standard[] = {cli_environment("OCLSTM_DEVICE")};
  static const char *const AUTO[] = {"auto"};
  const char *const *devices = NULL, *const *strategies = NULL, *const *precisions = NULL,
                    *const *gemms = NULL;
  const size_t n_devices = choose(&b->options->devices, standard, 1, &devices);
  const size_t n_strategies = choose(&b->options->strategies, AUTO, 1, &strategies);
  const size_t n_gemms = choose(&b->options->gemms, AUTO, 1, &gemms);
  const size_t n_precisions = choose_precisions(b, &precisions);
  const size_t n = n_devices * n_strategies * n_gemms * n_precisions;
  int code = CLI_DONE;
  /* Devices change fastest: crossover compares the first two columns. */
  for (size_t k = 0; k < n && code == CLI_DONE; ++k) {
    const bench_oclstm_desc desc = {
        .device = devices[k % n_devices],
        .cache_dir = b->cache,
        .tuning = (oclstm_tuning)b->options->tuning,
        .strategy = (oclstm_strategy)cli_strategy_of(strategies[k / n_devices % n_strategies]),
        .precision = (oclstm_precision)cli_precision_of(precisions[k / n_devices / n_strategies / n_gemms]),
        .gemm = (oclstm_gemm)cli_gemm_of(gemms[k / n_devices / n_strategies % n_gemms]),
        .memory_bytes = b->options->memory,
        .profile = !b->options->crossover,
        .name_device = n_devices > 1,
        .log = cli_log(&b->options->log_level)};
    code = add_oclstm(b, &desc);
  }
  return code;
}

static int add_onednn(bench_session *b, oclstm_precision precision) {
  char why[BENCH_TEXT] = "";
  if (b->options->onednn == ONEDNN_OFF || (b->options->onednn == ONEDNN_AUTO && !bench_onednn_available())) {
    return CLI_DONE;
  }
  bench_column *column = bench_columns_push(&b->results.columns);
  if (column == NULL || !bench_column_onednn(column, precision, why)) {
    return cli_usage("--onednn: %s", column != NULL ? why : "no memory for a column");
  }
  return CLI_DONE;
}

/* Results are told apart by the names of their columns. */
static bool is_name_taken(const bench_session *b, const char *name) {
  static const char *const OURS[] = {"oclstm", "onednn", "reference"};
  for (size_t k = 0; k < sizeof OURS / sizeof OURS[0]; ++k) {
    const size_t n = strlen(OURS[k]);
    if (strncmp(name, OURS[k], n) == 0 && (name[n] == ' ' || name[n] == '\0')) {
      return true;
    }
  }
  for (size_t k = 0; k + 1 < b->n_peers; ++k) {
    if (strcmp(bench_peer_name(b->peers[k]), name) == 0) {
      return true;
    }
  }
  return false;
}

static int open_peers(bench_session *b) {
  const double timeout = (double)(b->options->peer_timeout != 0 ? b->options->peer_timeout : PEER_SECONDS);
  for (size_t k = 0; k < b->options->peers.n; ++k) {
    char why[BENCH_TEXT] = "";
    b->peers[k] = bench_peer_open(b->options->peers.values[k], b->temporary, timeout, why);
    if (b->peers[k] == NULL) {
      if (cli_interrupted()) {
        return CLI_INTERRUPTED;
      }
      (void)cli_usage("--peer '%.150s': %s", b->options->peers.values[k], why);
      return CLI_FAILED;
    }
    ++b->n_peers;
    if (is_name_taken(b, bench_peer_name(b->peers[k]))) {
      (void)cli_usage("--peer '%.150s': another column is named '%s'", b->options->peers.values[k],
                      bench_peer_name(b->peers[k]));
      return CLI_FAILED;
    }
  }
  return CLI_DONE;
}

static int add_peers(bench_session *b, oclstm_precision precision) {
  for (size_t k = 0; k < b->n_peers; ++k) {
    bench_column *column = bench_columns_push(&b->results.columns);
    if (column == NULL || !bench_column_peer(column, b->peers[k], precision)) {
      return cli_fail(OCLSTM_E_MEMORY, "no memory for a column");
    }
  }
  return CLI_DONE;
}

int cli_bench_columns(bench_session *b) {
  const char *const *precisions = NULL;
  const size_t n_precisions = choose_precisions(b, &precisions);
  int code = CLI_DONE;
  CHECK(add_ours(b));
  if (!b->options->crossover) {
    CHECK(open_peers(b));
    for (size_t k = 0; k < n_precisions; ++k) {
      CHECK(add_onednn(b, (oclstm_precision)cli_precision_of(precisions[k])));
      CHECK(add_peers(b, (oclstm_precision)cli_precision_of(precisions[k])));
    }
    if (b->options->reference) {
      const bench_oclstm_desc reference = {.device = "reference", .log = cli_log(&b->options->log_level)};
      CHECK(add_oclstm(b, &reference));
    }
  }
done:
  return code;
}

/* ---- peaks ---- */

/* Once a device; columns that are not ours are held against the first CPU device. */
int cli_bench_peaks(bench_session *b) {
  bench_results *r = &b->results;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const bench_peaks *of_cpu = NULL;
  r->peaks = cli_calloc(r->columns.n, sizeof *r->peaks);
  if (r->peaks == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "no memory for peaks");
  }
  for (size_t k = 0; k < r->columns.n && !b->options->no_peaks && !b->options->crossover; ++k) {
    const bench_column *column = &r->columns.items[k];
    if (!column->ours) {
      continue;
    }
    const oclstm_device_info *device = oclstm_context_device(bench_column_context(column));
    for (size_t before = 0; before < k && !r->peaks[k].known; ++before) {
      if (r->columns.items[before].ours && strcmp(r->columns.items[before].details, column->details) == 0) {
        r->peaks[k] = r->peaks[before];
      }
    }
    if (!r->peaks[k].known &&
        bench_measure_peaks(bench_column_context(column), &r->machine, &r->peaks[k], &error) != OCLSTM_OK) {
      return cli_report(&error, NULL);
    }
    of_cpu = of_cpu == NULL && device->type == OCLSTM_DEVICE_CPU ? &r->peaks[k] : of_cpu;
  }
  for (size_t k = 0; k < r->columns.n && of_cpu != NULL; ++k) {
    r->peaks[k] = r->columns.items[k].ours ? r->peaks[k] : *of_cpu;
  }
  return CLI_DONE;
}
