/* One call of `oclstm bench`.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_CLI_BENCH_SESSION_H
#define OCLSTM_CLI_BENCH_SESSION_H

#include "bench/report.h"

enum { ONEDNN_AUTO, ONEDNN_ON, ONEDNN_OFF }; /* values of --onednn */

typedef struct bench_session {
  const cli_options *options;
  bench_shapes shapes;
  bench_results results;
  bool quick, standard;  /* the list quick alone; a list that measures start-up */
  char *cache;           /* folder of compiled programs */
  const char *temporary; /* folder for files of peers */
  bench_peer *peers[CLI_MOST_VALUES];
  size_t n_peers;
  bool visible; /* progress */
  double began; /* bench_now() */
} bench_session;

/* ---- bench_options.c ---- */

int cli_bench_check(const cli_options *options); /* CLI_DONE, or CLI_USAGE with the words printed */

/* ---- bench_columns.c ---- */

/* Exit codes. Columns first, then the peaks of their devices. */
int cli_bench_columns(bench_session *b);
int cli_bench_peaks(bench_session *b);

#endif
