/* Another program as a column: the protocol of docs/bench.md.
 * SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench.h"
#include "cli/cli.h"
#include "peer_files.h"
#include "process.h"

enum { MOST_WHY = 201 }; /* of a peer's words, with the end */

struct bench_peer {
  bench_process process;
  char *folder;
  double timeout;
  char gone[BENCH_TEXT]; /* why it is out; empty: it is not */
  char name[32], version[BENCH_NAME], details[BENCH_TEXT];
  json_int_t prepared; /* counts prepares */
};

typedef struct peer_column {
  bench_peer *peer;
  bench_shape shape; /* whose files are there */
  bool files;
  json_int_t id; /* of its prepare: another precision's may have come behind it */
} peer_column;

/* ---- one request, one answer ---- */

static bool drop(bench_peer *peer, const char *format, const char *word) {
  (void)snprintf(peer->gone, sizeof peer->gone, format, word);
  bench_process_close(&peer->process, 0.0, NULL);
  return false;
}

/* It has a moment to end after its output has. */
static bool drop_ended(bench_peer *peer) {
  int status = -1;
  bench_process_close(&peer->process, 1.0, &status);
  const char *how = status == -1        ? "closed its output"
                    : WIFEXITED(status) ? "ended with status"
                                        : "ended by signal";
  (void)snprintf(peer->gone, sizeof peer->gone, "the peer has %s", how);
  if (status != -1) {
    const size_t n = strlen(peer->gone);
    (void)snprintf(peer->gone + n, sizeof peer->gone - n, " %d",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  }
  return false;
}

/* *answer is the caller's to json_decref; NULL when the peer is out, with peer->gone saying why. Steals the request. */
static bool ask(bench_peer *peer, json_t *request, json_t **answer) {
  char *line = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
  char *text = NULL;
  json_error_t error;
  json_decref(request);
  *answer = NULL;
  if (line == NULL) {
    (void)snprintf(peer->gone, sizeof peer->gone, "no memory for a request");
    return false;
  }
  bench_answer how = bench_process_ask(&peer->process, line, peer->timeout, cli_interrupted, &text);
  free(line);
  switch (how) {
    case BENCH_ANSWERED: break;
    case BENCH_ENDED: return drop_ended(peer);
    case BENCH_UNASKED: return drop(peer, "it printed more than one line for an answer%s", "");
    case BENCH_TIMED_OUT: return drop(peer, "no answer in time (--peer-timeout)%s", "");
    case BENCH_TOO_LONG: return drop(peer, "an answer of more than a MiB%s", "");
    case BENCH_STOPPED: return drop(peer, "interrupted%s", "");
  }
  *answer = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(*answer) || !json_is_boolean(json_object_get(*answer, "ok"))) {
    json_decref(*answer);
    *answer = NULL;
    return drop(peer, "its answer is no object with \"ok\": %.100s", text);
  }
  return true;
}

static const char *text_of(const json_t *answer, const char *member, const char *otherwise) {
  const char *text = json_string_value(json_object_get(answer, member));
  return text != NULL ? text : otherwise;
}

/* A peer's words stand in tables: one line, whole characters, at most so many bytes with the end. */
static void copy_text(char *to, size_t bytes, const char *from) {
  size_t n = strlen(from);
  n = n < bytes ? n : bytes - 1;
  while (n > 0 && from[n] != '\0' && ((unsigned char)from[n] & 0xC0) == 0x80) {
    --n;
  }
  for (size_t k = 0; k < n; ++k) {
    to[k] = (unsigned char)from[k] < 0x20 || from[k] == 0x7F ? ' ' : from[k];
  }
  to[n] = '\0';
}

static bool is_ok(const json_t *answer) {
  return json_is_true(json_object_get(answer, "ok"));
}

/* ---- the column ---- */

static peer_column *self_of(const bench_column *column) {
  return column->self;
}

static void finish(bench_column *column) {
  peer_column *c = self_of(column);
  if (c->files) {
    bench_peer_remove(c->peer->folder, &c->shape);
    c->files = false;
  }
}

static void close_column(bench_column *column) {
  finish(column);
  free(column->self);
  column->self = NULL;
}

static json_t *describe(const bench_data *data, oclstm_precision precision, json_int_t id) {
  static const char *const PRECISIONS[] = {"f32", "f16", "bf16"};
  static const char *const CELLS[] = {"lstm", "gru", "rnn"};
  const bench_shape *s = data->shape;
  json_t *lengths = data->lengths != NULL ? json_array() : json_null();
  for (size_t b = 0; data->lengths != NULL && b < s->B; ++b) {
    (void)json_array_append_new(lengths, json_integer(data->lengths[b]));
  }
  return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:o}", "op", "prepare", "id", id,
                   "cell", CELLS[s->cell], "T", (json_int_t)s->T, "B", (json_int_t)s->B, "I",
                   (json_int_t)s->I, "H", (json_int_t)s->H, "layers", (json_int_t)s->layers, "directions",
                   (json_int_t)s->directions, "linear_before_reset", !s->reset_first, "precision",
                   PRECISIONS[precision], "lengths", lengths);
}

static bool take_result(peer_column *c, bench_data *data, const json_t *answer, bench_outcome *outcome) {
  char why[BENCH_TEXT];
  const json_t *prepared = json_object_get(answer, "prepare_ns");
  if (!is_ok(answer)) {
    copy_text(why, MOST_WHY, text_of(answer, "why", "it says no"));
    return bench_fail(outcome, BENCH_REFUSED, "%s", why);
  }
  if (json_is_number(prepared) && json_number_value(prepared) >= 0.0) {
    outcome->prepare_seconds = 1e-9 * json_number_value(prepared);
  }
  return bench_peer_read(c->peer->folder, data, why) ? true : bench_fail(outcome, BENCH_FAILED, "%s", why);
}

static bool prepare(bench_column *column, bench_data *data, bench_outcome *outcome) {
  peer_column *c = self_of(column);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  json_t *answer = NULL;
  if (c->peer->gone[0] != '\0') {
    return bench_fail(outcome, BENCH_FAILED, "%s", c->peer->gone);
  }
  if (data->held < data->shape->T) {
    return bench_fail(outcome, BENCH_REFUSED, "T steps at once would take too much memory");
  }
  json_t *request = describe(data, column->precision, ++c->peer->prepared);
  c->id = c->peer->prepared;
  c->shape = *data->shape;
  c->files = true;
  if (request == NULL || bench_peer_write(c->peer->folder, data, request, &error) != OCLSTM_OK) {
    json_decref(request);
    return bench_fail(outcome, BENCH_FAILED, "its files: %.200s", error.text);
  }
  if (!ask(c->peer, request, &answer)) {
    return bench_fail(outcome, BENCH_FAILED, "%s", c->peer->gone);
  }
  bool good = take_result(c, data, answer, outcome);
  json_decref(answer);
  return good;
}

static bool run(bench_column *column, unsigned warm_up, double *seconds, bench_outcome *outcome) {
  peer_column *c = self_of(column);
  json_t *answer = NULL;
  json_t *request =
      json_pack("{s:s, s:I, s:i, s:i}", "op", "time", "id", c->id, "warm_up", (int)warm_up, "repeats", 1);
  if (!ask(c->peer, request, &answer)) {
    return bench_fail(outcome, BENCH_FAILED, "%s", c->peer->gone);
  }
  const json_t *ns = json_array_get(json_object_get(answer, "ns"), 0);
  bool good = is_ok(answer) && json_is_number(ns) && json_number_value(ns) >= 1.0;
  *seconds = good ? 1e-9 * json_number_value(ns) : 0.0;
  if (!good) {
    char why[MOST_WHY];
    copy_text(why, sizeof why, text_of(answer, "why", "\"ns\" has no number from 1 on"));
    (void)bench_fail(outcome, BENCH_FAILED, "no time: %s", why);
  }
  json_decref(answer);
  return good;
}

static const bench_column_type PEER_TYPE = {"peer", prepare, run, NULL, finish, close_column};

bool bench_column_peer(bench_column *column, bench_peer *peer, oclstm_precision precision) {
  static const char *const PRECISIONS[] = {"f32", "f16", "bf16"};
  peer_column *c = calloc(1, sizeof *c);
  if (c == NULL) {
    return false;
  }
  c->peer = peer;
  column->type = &PEER_TYPE;
  column->self = c;
  column->precision = precision;
  (void)snprintf(column->name, sizeof column->name, "%s %s", peer->name, PRECISIONS[precision]);
  (void)snprintf(column->version, sizeof column->version, "%s", peer->version);
  (void)snprintf(column->details, sizeof column->details, "%s", peer->details);
  return true;
}

/* ---- the program ---- */

static bool greet(bench_peer *peer, unsigned threads, char why[BENCH_TEXT]) {
  json_t *answer = NULL;
  if (!ask(peer, json_pack("{s:s, s:i, s:i}", "op", "hello", "protocol", 1, "threads", (int)threads),
           &answer)) {
    (void)snprintf(why, BENCH_TEXT, "%s", peer->gone);
    return false;
  }
  bool good = is_ok(answer);
  if (good) {
    copy_text(peer->name, sizeof peer->name, text_of(answer, "name", ""));
    copy_text(peer->version, sizeof peer->version, text_of(answer, "version", ""));
    copy_text(peer->details, sizeof peer->details, text_of(answer, "details", ""));
  } else {
    copy_text(why, MOST_WHY, text_of(answer, "why", "it says no"));
  }
  json_decref(answer);
  if (good && peer->name[0] == '\0') {
    (void)snprintf(why, BENCH_TEXT, "it has no name");
    return false;
  }
  return good;
}

bench_peer *bench_peer_open(const char *command, const char *temporary, double timeout,
                            char why[BENCH_TEXT]) {
  bench_peer *peer = calloc(1, sizeof *peer);
  if (peer == NULL || (peer->folder = bench_folder_make(temporary)) == NULL) {
    (void)snprintf(why, BENCH_TEXT, "no folder for its files in %.150s", temporary);
    free(peer);
    return NULL;
  }
  peer->timeout = timeout;
  int code = bench_process_open(&peer->process, command);
  if (code != 0) {
    (void)snprintf(why, BENCH_TEXT, "it cannot be started: %.150s", strerror(code));
  }
  if (code != 0 || !greet(peer, bench_machine_here().processors, why)) {
    bench_peer_close(&peer);
  }
  return peer;
}

const char *bench_peer_name(const bench_peer *peer) {
  return peer->name;
}

void bench_peer_close(bench_peer **peer) {
  bench_peer *p = *peer;
  json_t *answer = NULL;
  if (p == NULL) {
    return;
  }
  p->timeout = 5.0;
  if (p->process.id != 0 && p->gone[0] == '\0' && !cli_interrupted() &&
      ask(p, json_pack("{s:s}", "op", "quit"), &answer)) {
    json_decref(answer);
  }
  bench_process_close(&p->process, cli_interrupted() ? 0.0 : 5.0, NULL);
  bench_folder_remove(&p->folder);
  free(p);
  *peer = NULL;
}
