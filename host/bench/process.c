/* A program that answers line by line.
 * SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

extern char **environ; /* POSIX has it in no header */

enum { MOST_LINE = 1 << 20 };

/* ---- start ---- */

/* Both ends are closed on exec: the child gets its ends as 0 and 1. */
static int open_pipe(int ends[2]) {
  if (pipe(ends) != 0) {
    ends[0] = ends[1] = -1;
    return errno;
  }
  return fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

/* A program that neither reads nor writes must not keep us from looking at the clock. */
static int do_not_wait(int end) {
  return fcntl(end, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

static void close_end(int *end) {
  if (*end >= 0) {
    (void)close(*end);
    *end = -1;
  }
}

/* What this program ignores or catches has its usual meaning again in the child. */
static int set_attributes(posix_spawnattr_t *attributes, bool own_group) {
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGPIPE);
  (void)sigaddset(&signals, SIGXFSZ);
  int code = posix_spawnattr_setsigdefault(attributes, &signals);
  code = code == 0 ? posix_spawnattr_setpgroup(attributes, 0) : code;
  short flags = (short)(POSIX_SPAWN_SETSIGDEF | (own_group ? POSIX_SPAWN_SETPGROUP : 0));
  return code == 0 ? posix_spawnattr_setflags(attributes, flags) : code;
}

static int spawn_shell(pid_t *id, const char *command, int in, int out) {
  static char SHELL[] = "sh", OPTION[] = "-c";
  char *words[] = {SHELL, OPTION, (char *)command, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) {
    return code;
  }
  code = posix_spawnattr_init(&attributes);
  if (code == 0) {
    code = set_attributes(&attributes, true);
    code = code == 0 ? posix_spawn_file_actions_adddup2(&actions, in, 0) : code;
    code = code == 0 ? posix_spawn_file_actions_adddup2(&actions, out, 1) : code;
    code = code == 0 ? posix_spawn(id, "/bin/sh", &actions, &attributes, words, environ) : code;
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return code;
}

int bench_process_open(bench_process *process, const char *command) {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  *process = (bench_process){.to = -1, .from = -1};
  int code = open_pipe(in);
  code = code == 0 ? open_pipe(out) : code;
  code = code == 0 ? do_not_wait(in[1]) : code;
  code = code == 0 ? do_not_wait(out[0]) : code;
  code = code == 0 ? spawn_shell(&process->id, command, in[0], out[1]) : code;
  if (code == 0) {
    process->to = in[1];
    process->from = out[0];
    in[1] = out[0] = -1;
  } else {
    process->id = 0;
  }
  for (int k = 0; k < 2; ++k) {
    close_end(&in[k]);
    close_end(&out[k]);
  }
  return code;
}

/* ---- talk ---- */

/* Waits for one of the events, or a little while. */
static bench_answer wait_until_ready(int file, short events, double until, bool (*stopped)(void)) {
  const double left = until - bench_now();
  struct pollfd ready = {.fd = file, .events = events};
  if (stopped()) {
    return BENCH_STOPPED;
  }
  if (left <= 0.0) {
    return BENCH_TIMED_OUT;
  }
  (void)poll(&ready, 1, left > 0.2 ? 200 : (int)(1000.0 * left) + 1);
  return BENCH_ANSWERED;
}

static bench_answer send_all(int to, const char *bytes, size_t n, double until, bool (*stopped)(void)) {
  while (n > 0) {
    ssize_t sent = write(to, bytes, n);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) {
      return BENCH_ENDED;
    }
    if (sent >= 0) {
      bytes += sent;
      n -= (size_t)sent;
      continue;
    }
    bench_answer how = wait_until_ready(to, POLLOUT, until, stopped);
    if (how != BENCH_ANSWERED) {
      return how;
    }
  }
  return BENCH_ANSWERED;
}

static bool make_room(bench_process *process) {
  if (process->have + 1 < process->room) {
    return true;
  }
  size_t room = process->room != 0 ? 2 * process->room : 4096;
  char *more = room <= MOST_LINE ? realloc(process->buffer, room) : NULL;
  if (more == NULL) {
    return false;
  }
  process->buffer = more;
  process->room = room;
  return true;
}

/* Reads until there is a newline; its place in *end. */
static bench_answer read_line(bench_process *process, double until, bool (*stopped)(void), size_t *end) {
  for (size_t seen = 0;;) {
    char *newline = process->have > seen ? memchr(process->buffer + seen, '\n', process->have - seen) : NULL;
    if (newline != NULL) {
      *end = (size_t)(newline - process->buffer);
      return BENCH_ANSWERED;
    }
    seen = process->have;
    bench_answer how = wait_until_ready(process->from, POLLIN, until, stopped);
    if (how != BENCH_ANSWERED) {
      return how;
    }
    if (!make_room(process)) {
      return BENCH_TOO_LONG;
    }
    ssize_t got = read(process->from, process->buffer + process->have, process->room - process->have - 1);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
      return BENCH_ENDED;
    }
    process->have += got > 0 ? (size_t)got : 0;
  }
}

/* A line that is still there would be taken for the answer to the next request. */
static bool has_more(const bench_process *process) {
  struct pollfd ready = {.fd = process->from, .events = POLLIN};
  return process->have > process->given || (poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0);
}

bench_answer bench_process_ask(bench_process *process, const char *line, double timeout,
                               bool (*stopped)(void), char **answer) {
  const double until = bench_now() + timeout;
  size_t end = 0;
  if (has_more(process)) {
    return BENCH_UNASKED;
  }
  process->have = process->given = 0;
  bench_answer how = send_all(process->to, line, strlen(line), until, stopped);
  how = how == BENCH_ANSWERED ? send_all(process->to, "\n", 1, until, stopped) : how;
  how = how == BENCH_ANSWERED ? read_line(process, until, stopped, &end) : how;
  if (how == BENCH_ANSWERED) {
    process->buffer[end] = '\0';
    process->given = end + 1;
    *answer = process->buffer;
  }
  return how;
}

/* ---- end ---- */

static bool has_ended(pid_t id, int *status) {
  pid_t got = waitpid(id, status, WNOHANG);
  return got == id || (got < 0 && errno == ECHILD);
}

static bool wait_for(pid_t id, double patience, int *status) {
  const struct timespec nap = {0, 10000000};
  for (double until = bench_now() + patience; bench_now() < until;) {
    if (has_ended(id, status)) {
      return true;
    }
    (void)nanosleep(&nap, NULL);
  }
  return has_ended(id, status);
}

void bench_process_close(bench_process *process, double patience, int *status) {
  int ended = -1, ignored = 0;
  close_end(&process->to);
  if (process->id != 0 && !wait_for(process->id, patience, &ended)) {
    ended = -1;
    (void)kill(-process->id, SIGTERM);
    if (!wait_for(process->id, 1.0, &ignored)) {
      (void)kill(-process->id, SIGKILL);
      (void)waitpid(process->id, NULL, 0);
    }
  }
  if (status != NULL) {
    *status = ended;
  }
  close_end(&process->from);
  free(process->buffer);
  *process = (bench_process){.to = -1, .from = -1};
}

int bench_process_run(const char *const *words, int *error) {
  posix_spawnattr_t attributes;
  pid_t id = 0;
  int status = 0;
  *error = posix_spawnattr_init(&attributes);
  if (*error == 0) {
    *error = set_attributes(&attributes, false);
    *error = *error == 0 ? posix_spawnp(&id, words[0], NULL, &attributes, (char **)words, environ) : *error;
    (void)posix_spawnattr_destroy(&attributes);
  }
  if (*error != 0) {
    return -1;
  }
  while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
