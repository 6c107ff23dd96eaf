/* The progress line on a terminal, and interruptions: a signal is noted, and the job stops after its chunk.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t interrupted; /* the one thing that a signal handler may touch */

static void note_signal(int number) {
  (void)number;
  interrupted = 1;
}

void cli_catch_signals(void) {
  struct sigaction action = {.sa_handler = note_signal};
  action.sa_flags = (int)(SA_RESTART | SA_RESETHAND); /* a second signal ends the process */
  (void)sigemptyset(&action.sa_mask);
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void) {
  return interrupted != 0;
}

double cli_seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

cli_progress cli_progress_open(const cli_options *options, uint64_t total) {
  bool visible = !options->quiet && isatty(STDERR_FILENO) != 0;
  return (cli_progress){.visible = visible, .began = cli_seconds(), .total = total};
}

/* NO_COLOR asks for no escape sequences: the line is then overwritten with blanks instead. */
static const char *line_end(void) {
  const char *no_color = getenv("NO_COLOR");
  return no_color != NULL && no_color[0] != '\0' ? "          " : "\033[K";
}

static void show(cli_progress *p, uint64_t walked) {
  double now = cli_seconds();
  uint64_t done = walked < p->total ? walked : p->total;
  double elapsed = now - p->began;
  double rate = elapsed > 0.0 ? (double)done / elapsed : 0.0;
  double left = rate > 0.0 ? (double)(p->total - done) / rate : 0.0;
  uint64_t seconds = (uint64_t)left;
  if (now - p->shown < 0.1) {
    return;
  }
  p->shown = now;
  (void)fprintf(stderr, "\r%" PRIu64 "/%" PRIu64 " steps  %.3g steps/s  %" PRIu64 ":%02u:%02u left%s", done,
                p->total, rate, seconds / 3600, (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60),
                line_end());
  (void)fflush(stderr);
}

int cli_progress_job(void *progress, const oclstm_job_progress *job) {
  cli_progress *p = progress;
  if (p->visible && job->total > 0) {
    /* A job of several walks over time shows the part of them that is done. */
    double part = (double)job->done / (double)job->total;
    show(p, p->before + (uint64_t)(part * (double)p->steps));
  }
  return cli_interrupted();
}

void cli_progress_clear(const cli_progress *progress) {
  if (progress->visible && progress->shown > 0.0) {
    (void)fprintf(stderr, "\r%70s\r", "");
    (void)fflush(stderr);
  }
}
