/* The tuner's answers on disk: one small text file a device, driver and set of kernels, beside the compiled programs.
 *
 *   oclstm-tuning 2
 *   device PLATFORM | NAME | VERSION | DRIVER | ENGINE
 *   key lstm I64 H64 ...
 *   * grid 2 1930000             the choice: strategy, groups, picoseconds a step
 *   - fused-step 0 10600000      what else was measured
 *   sum XXH3 of all bytes above
 *
 * It may come from anyone: what is damaged, or another device's, is ignored and written anew. Two processes that write at the
 * same time may lose an answer, which is then measured again; none ever reads half a file.
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "opencl/device/cl.h"
#include "opencl/device/kernel_sources.h"
#include "opencl/device/program.h"
#include "opencl/tuning/tuning.h"

enum { MAX_PATH = 4096, MAX_IDENTITY = 900, MAX_FILE = 1 << 20, MAX_ANSWERS = 1024, BYTES_OF_ANSWER = 700 };
static const char MAGIC[] = "oclstm-tuning 2\n";
static const double PICO = 1e6; /* picoseconds in a microsecond */

/* ---- which file ---- */

/* One line. Another version of the kernels, or of this format, is another engine with a file of its own. */
static void write_identity(const oclstm__cl *cl, char identity[MAX_IDENTITY]) {
  const oclstm_device_info *d = &cl->base.device;
  XXH64_hash_t hash = XXH3_64bits(MAGIC, strlen(MAGIC));
  for (const oclstm__kernel_source *s = oclstm__kernel_sources; s->stem != NULL; ++s) {
    const char *text = s->texts[s->n_texts - 1];
    hash = XXH3_64bits_withSeed(text, strlen(text), hash);
  }
  (void)snprintf(identity, MAX_IDENTITY, "%s | %s | %s | %s | oclstm %s %016llx", d->platform, d->name,
                 d->version, d->driver, OCLSTM_VERSION_STRING, (unsigned long long)hash);
  for (char *p = identity; *p != '\0'; ++p) {
    *p = iscntrl((unsigned char)*p) ? ' ' : *p;
  }
}

static bool file_path(const oclstm__cl *cl, const char *identity, const char *suffix, char path[MAX_PATH]) {
  XXH128_hash_t hash = XXH3_128bits(identity, strlen(identity));
  int n = snprintf(path, MAX_PATH, "%s/%016llx%016llx.tuning%s", cl->cache_dir,
                   (unsigned long long)hash.high64, (unsigned long long)hash.low64, suffix);
  return n > 0 && n < MAX_PATH;
}

/* ---- reading ---- */

typedef struct reader {
  const char *at, *end;
} reader;

/* Goes past the text if it stands there. */
static bool skip(reader *in, const char *text) {
  size_t n = strlen(text);
  if ((size_t)(in->end - in->at) < n || memcmp(in->at, text, n) != 0) {
    return false;
  }
  in->at += n;
  return true;
}

/* Everything up to `stop`, which is passed too. */
static bool read_until(reader *in, char stop, char *text, size_t bytes) {
  const char *found = memchr(in->at, stop, (size_t)(in->end - in->at));
  size_t n = found != NULL ? (size_t)(found - in->at) : bytes;
  if (n >= bytes || memchr(in->at, '\0', n) != NULL) {
    return false;
  }
  memcpy(text, in->at, n);
  text[n] = '\0';
  in->at = found + 1;
  return true;
}

static bool read_number(reader *in, char stop, uint64_t *value) {
  char digits[20];
  if (!read_until(in, stop, digits, sizeof digits) || digits[0] == '\0' ||
      strspn(digits, "0123456789") != strlen(digits)) {
    return false;
  }
  *value = strtoull(digits, NULL, 10); /* 19 digits fit */
  return true;
}

static bool read_timing(reader *in, oclstm__timing *t) {
  uint64_t groups = 0, time = 0;
  if (!read_until(in, ' ', t->strategy, sizeof t->strategy) || !read_number(in, ' ', &groups) ||
      !read_number(in, '\n', &time) || time == 0) {
    return false;
  }
  t->groups = (size_t)groups;
  t->microseconds = (double)time / PICO;
  return true;
}

static bool read_answer(reader *in, oclstm__answer *answer) {
  size_t chosen = 0;
  *answer = (oclstm__answer){.serial = 0};
  if (!skip(in, "key ") || !read_until(in, '\n', answer->key, sizeof answer->key)) {
    return false;
  }
  while (answer->n < OCLSTM__MOST_MEASURED) {
    bool best = skip(in, "* ");
    if (!best && !skip(in, "- ")) {
      break;
    }
    answer->best = best ? answer->n : answer->best;
    chosen += best;
    if (!read_timing(in, &answer->timings[answer->n++])) {
      return false;
    }
  }
  return chosen == 1;
}

/* Where the last line begins, when its sum is right. */
static const char *find_sum(const char *text, size_t bytes) {
  enum { SUM_LINE = 4 + 16 + 1 };
  char line[SUM_LINE + 1];
  if (bytes < SUM_LINE) {
    return NULL;
  }
  size_t n = bytes - SUM_LINE;
  (void)snprintf(line, sizeof line, "sum %016llx\n", (unsigned long long)XXH3_64bits(text, n));
  return memcmp(text + n, line, SUM_LINE) == 0 ? text + n : NULL;
}

/* Calls take for every answer of a file that is whole: identity NULL takes any device's. */
static bool read_all(const char *text, size_t bytes, const char *identity,
                     bool (*take)(void *user, const oclstm__answer *answer), void *user) {
  char device[MAX_IDENTITY];
  const char *end = find_sum(text, bytes);
  reader in = {text, end};
  if (end == NULL || !skip(&in, MAGIC) || !skip(&in, "device ") ||
      !read_until(&in, '\n', device, sizeof device) || (identity != NULL && strcmp(device, identity) != 0)) {
    return false;
  }
  while (in.at < in.end) {
    oclstm__answer answer;
    if (!read_answer(&in, &answer) || !take(user, &answer)) {
      return false;
    }
  }
  return true;
}

static bool count_one(void *user, const oclstm__answer *answer) {
  (void)answer;
  ++*(size_t *)user;
  return true;
}

bool oclstm__answers_count(const char *text, size_t bytes, size_t *n) {
  *n = 0;
  return read_all(text, bytes, NULL, count_one, n);
}

static bool take_one(void *user, const oclstm__answer *answer) {
  return oclstm__answer_add(user, answer);
}

static bool nothing(void *user, const oclstm__answer *answer) {
  (void)user;
  (void)answer;
  return true;
}

/* Nothing of a file counts before all of it is found good. */
static void load_text(oclstm__cl *cl, const char *text, size_t bytes, const char *identity,
                      const char *path) {
  if (!read_all(text, bytes, identity, nothing, NULL)) {
    oclstm__log(&cl->base.log, OCLSTM_LOG_WARNING, "tuning answers: %s is not valid and will be replaced",
                path);
    return;
  }
  (void)read_all(text, bytes, identity, take_one, cl);
}

void oclstm__answers_load(oclstm__cl *cl) {
  char identity[MAX_IDENTITY];
  char path[MAX_PATH];
  if (cl->cache_dir == NULL) {
    return;
  }
  write_identity(cl, identity);
  FILE *file = file_path(cl, identity, "", path) ? oclstm__cache_open(path) : NULL;
  if (file == NULL) {
    return;
  }
  char *text = oclstm__alloc(&cl->base.allocator, MAX_FILE + 1, 1);
  if (text != NULL) {
    size_t bytes = fread(text, 1, MAX_FILE + 1, file); /* one byte more: longer than any that we write */
    load_text(cl, text, bytes <= MAX_FILE ? bytes : 0, identity, path);
  }
  oclstm__free(&cl->base.allocator, text);
  (void)fclose(file);
}

/* ---- writing ---- */

static size_t write_answer(const oclstm__answer *answer, char *text, size_t bytes) {
  size_t used = (size_t)snprintf(text, bytes, "key %s\n", answer->key);
  for (size_t k = 0; k < answer->n; ++k) {
    const oclstm__timing *t = &answer->timings[k];
    double picoseconds = t->microseconds * PICO;
    used +=
        (size_t)snprintf(text + used, bytes - used, "%c %s %zu %llu\n", k == answer->best ? '*' : '-',
                         t->strategy, t->groups, (unsigned long long)(picoseconds < 1.0 ? 1.0 : picoseconds));
  }
  return used;
}

/* The whole file, in memory of `bytes`, which is enough. */
static size_t write_text(const oclstm__cl *cl, const char *identity, char *text, size_t bytes) {
  size_t used = (size_t)snprintf(text, bytes, "%sdevice %s\n", MAGIC, identity);
  size_t n = 0;
  for (const oclstm__answer *a = cl->answers; a != NULL && n < MAX_ANSWERS; a = a->next, ++n) {
    used += write_answer(a, text + used, bytes - used);
  }
  used += (size_t)snprintf(text + used, bytes - used, "sum %016llx\n",
                           (unsigned long long)XXH3_64bits(text, used));
  return used;
}

static bool replace_file(const char *temporary, const char *path, const char *text, size_t bytes) {
  FILE *file = fopen(temporary, "wbx");
  if (file == NULL) {
    return false;
  }
  bool written = fwrite(text, 1, bytes, file) == bytes;
  written = fclose(file) == 0 && written;
  if (!written || rename(temporary, path) != 0) {
    (void)unlink(temporary);
    return false;
  }
  return true;
}

void oclstm__answers_store(oclstm__cl *cl) {
  char identity[MAX_IDENTITY];
  char path[MAX_PATH];
  char temporary[MAX_PATH];
  char suffix[32];
  if (cl->cache_dir == NULL) {
    return;
  }
  oclstm__answers_load(cl);
  size_t bytes = sizeof MAGIC + MAX_IDENTITY + 64;
  size_t n = 0;
  for (const oclstm__answer *a = cl->answers; a != NULL && n < MAX_ANSWERS; a = a->next, ++n) {
    bytes += BYTES_OF_ANSWER;
  }
  write_identity(cl, identity);
  (void)snprintf(suffix, sizeof suffix, ".%ld", (long)getpid());
  char *text = oclstm__alloc(&cl->base.allocator, bytes, 1);
  bool stored = text != NULL && file_path(cl, identity, "", path) &&
                file_path(cl, identity, suffix, temporary) &&
                replace_file(temporary, path, text, write_text(cl, identity, text, bytes));
  oclstm__free(&cl->base.allocator, text);
  if (!stored) {
    oclstm__log(&cl->base.log, OCLSTM_LOG_WARNING, "tuning answers cannot be written to %s", cl->cache_dir);
  }
}
