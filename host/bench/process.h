/* A program that answers line by line.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_PROCESS_H
#define OCLSTM_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct bench_process {
  pid_t id;     /* 0: none; also the id of its group */
  int to, from; /* its standard input and output */
  char *buffer; /* what has been read */
  size_t have, room;
  size_t given; /* of it, with the last answer */
} bench_process;

typedef enum bench_answer {
  BENCH_ANSWERED,
  BENCH_ENDED,     /* the program has closed its output, or does not take input any more */
  BENCH_UNASKED,   /* more than one line came for the line before */
  BENCH_TIMED_OUT, /* for taking the line, or for answering it */
  BENCH_TOO_LONG,  /* a line of more than a MiB, or no memory for it */
  BENCH_STOPPED
} bench_answer;

/* Runs `/bin/sh -c command` in a process group of its own, so that a terminal's interrupt is ours alone. 0, or an errno. */
int bench_process_open(bench_process *process, const char *command);
/* Sends a line (the newline is added) and waits for one, which is given without its newline and lives until the next call. */
bench_answer bench_process_ask(bench_process *process, const char *line, double timeout,
                               bool (*stopped)(void), char **answer);
/* Closes its input, waits up to `patience` seconds, then ends its group. *status, which may be NULL: as waitpid gives it when
 * the program ended by itself, otherwise -1. */
void bench_process_close(bench_process *process, double patience, int *status);
/* Runs a program by its name and waits: its exit status, or -1 with *error set to an errno when it cannot be started. */
int bench_process_run(const char *const *words, int *error);

#endif
