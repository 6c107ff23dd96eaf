/* Lets one OpenCL call after another fail, until a whole walk through the library passes without.
 * SPDX-License-Identifier: MIT
 *
 *   faults SCENARIO LEAST CACHE_DIR     under the layers balance and fault
 *
 * A walk in which nothing fails shows which entry points are called, CLBlast's calls included; then the first, second, ...
 * call of each of them fails. LEAST is how many entry points that has to be, so that the test cannot run dry.
 * Where programs come from the disk or from sources, only their own entry points can tell: all the others are tried with
 * programs from the disk alone, where a walk takes a fifth of the time.
 * Whatever fails: no crash, a status that the header documents for the function that gave it, an error that says so,
 * no OpenCL object left; or, where the library knows another way, the right result. */
#include <clblast_c.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"
#include "scenario.h"

/* Of an entry point that is called very often, each of the first calls, then ever fewer of the later ones. */
enum { MOST_CALLS = 20000, EACH = 12 };
static const float TOLERANCE = 1e-5f;

/* What the header allows each function to return, besides OK. */
static const oclstm_status DOCUMENTED[N_STAGES][8] = {
    [CONTEXT_CREATE] = {OCLSTM_E_PLATFORM, OCLSTM_E_DEVICE, OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST,
                        OCLSTM_E_MEMORY},
    [PLAN_CREATE] = {OCLSTM_E_UNSUPPORTED, OCLSTM_E_LIMIT, OCLSTM_E_DEVICE_MEMORY, OCLSTM_E_MEMORY,
                     OCLSTM_E_BUILD, OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST},
    [STATE_CREATE] = {OCLSTM_E_MEMORY, OCLSTM_E_DEVICE_MEMORY, OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST},
    [STATE_SET] = {OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST, OCLSTM_E_MEMORY, OCLSTM_E_DEVICE_MEMORY},
    [FORWARD] = {OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST, OCLSTM_E_MEMORY, OCLSTM_E_DEVICE_MEMORY},
    [STATE_GET] = {OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST, OCLSTM_E_MEMORY, OCLSTM_E_DEVICE_MEMORY},
};

/* Codes that any call may give, in turn, and those of calls that may need memory. -9999 is NVIDIA's own. */
static const int CODES[] = {-5, -6, -9999, -30};
static const int MEMORY_CODES[] = {-4, -5, -9999, -6, -1121};

typedef struct layers {
  oclstm_layer_entry_function *entry;
  oclstm_layer_arm_function *arm;
  oclstm_layer_fired_function *fired;
  oclstm_layer_live_function *live;
} layers;

typedef struct trial {
  const scenario *what;
  const oclstm_model *model;
  const own_objects *own;
  const char *entry, *cache_dir; /* no cache_dir: programs come from sources */
  bool cold;                     /* what is in cache_dir is removed behind every walk */
  float expected[SCENARIO_FLOATS];
} trial;

static int documented(stage where, oclstm_status status) {
  for (size_t k = 0; k < sizeof DOCUMENTED[0] / sizeof DOCUMENTED[0][0]; ++k) {
    if (DOCUMENTED[where][k] == status) {
      return 1;
    }
  }
  return 0;
}

static int same(const float *y, const float *expected) {
  for (size_t k = 0; k < SCENARIO_FLOATS; ++k) {
    if (!(fabsf(y[k] - expected[k]) <= TOLERANCE)) {
      return 0;
    }
  }
  return 1;
}

/* Each time from nothing: no program in CLBlast's own cache, which holds contexts alive too, and none on disk where the
 * cache is to be cold. */
static void forget(const trial *t) {
  char command[1200];
  CLBlastClearCache();
  if (t->cold) {
    (void)snprintf(command, sizeof command, "rm -f '%s'/*", t->cache_dir);
    if (system(command) != 0) {
      exit(2);
    }
  }
}

static int code_for(const char *entry, unsigned long nth) {
  if (strncmp(entry, "clEnqueue", strlen("clEnqueue")) == 0 || strcmp(entry, "clCreateBuffer") == 0) {
    return MEMORY_CODES[nth % (sizeof MEMORY_CODES / sizeof MEMORY_CODES[0])];
  }
  return CODES[nth % (sizeof CODES / sizeof CODES[0])];
}

/* 1 when the walk did something that it should not, with words about it. */
static int walk(const trial *t, const layers *l, unsigned long nth, unsigned long *fired) {
  float y[SCENARIO_FLOATS] = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  stage reached = CONTEXT_CREATE;
  int wrong = 0;
  memcpy(y, t->expected, sizeof y); /* for the read that is the caller's own */
  long live_before = l->live(NULL);
  l->arm(t->entry, nth, code_for(t->entry, nth));
  oclstm_status status =
      scenario_walk(t->what, t->model, t->own, t->cache_dir, 2, NULL, NULL, y, &reached, &error);
  *fired = l->fired();
  l->arm(NULL, 0, 0);
  forget(t);
  const char *where = STAGE_NAMES[reached];
  if (status == OCLSTM_OK && !same(y, t->expected)) {
    printf("call %lu of %s: status OK, another result\n", nth, t->entry);
    wrong = 1;
  }
  if (status != OCLSTM_OK && (*fired == 0 || !documented(reached, status))) {
    printf("call %lu of %s: %s gives %s, which is not documented for it: %s\n", nth, t->entry, where,
           oclstm_status_name(status), error.text);
    wrong = 1;
  }
  if (status != OCLSTM_OK && (error.status != status || error.text[0] == '\0')) {
    printf("call %lu of %s: %s gives %s, its error says %s \"%s\"\n", nth, t->entry, where,
           oclstm_status_name(status), oclstm_status_name(error.status), error.text);
    wrong = 1;
  }
  if (l->live(NULL) != live_before) {
    printf("call %lu of %s: %s in %s leaves %ld references\n", nth, t->entry, oclstm_status_name(status),
           where, l->live(NULL) - live_before);
    wrong = 1;
  }
  return wrong;
}

/* All calls of one entry point. */
static int try_entry(const trial *t, const layers *l) {
  unsigned long nth = 1;
  unsigned long fired = 1;
  unsigned long tried = 0;
  int wrong = 0;
  for (; fired != 0 && nth <= MOST_CALLS; nth += 1 + nth / EACH) {
    wrong += walk(t, l, nth, &fired);
    tried += fired != 0;
    fflush(stdout);
  }
  printf("%-30s %4lu calls failed one by one, %d wrong%s\n", t->entry, tried, wrong,
         fired != 0 ? ", without end" : "");
  return wrong + (fired != 0 || tried == 0);
}

/* From sources (and onto the disk), only what has to do with programs. */
static int may_fail(const trial *t, const char *entry) {
  const bool from_disk = t->cache_dir != NULL && !t->cold;
  return strncmp(entry, "clRelease", strlen("clRelease")) != 0 &&
         (from_disk || strstr(entry, "Program") != NULL);
}

enum { MOST_ENTRIES = 128 };

/* The walk in which nothing fails: what is expected, and (in called) which entry points it takes. */
static oclstm_status learn(trial *t, const layers *l, int called[MOST_ENTRIES], oclstm_error *error) {
  unsigned long long before[MOST_ENTRIES] = {0};
  stage reached = CONTEXT_CREATE;
  if (t->cache_dir != NULL && !t->cold) {
    (void)scenario_walk(t->what, t->model, t->own, t->cache_dir, 1, NULL, NULL, t->expected, &reached, error);
  }
  for (unsigned k = 0; k < MOST_ENTRIES && l->entry(k, &before[k]) != NULL; ++k) {
  }
  oclstm_status status =
      scenario_walk(t->what, t->model, t->own, t->cache_dir, 2, NULL, NULL, t->expected, &reached, error);
  forget(t);
  for (unsigned k = 0; k < MOST_ENTRIES; ++k) {
    unsigned long long calls = 0;
    const char *entry = l->entry(k, &calls);
    called[k] = entry != NULL && calls > before[k] && may_fail(t, entry);
  }
  return status;
}

/* Every entry point, with programs from where the trial says. Returns how many there were. */
static int try_all(trial *t, const layers *l, int *wrong) {
  int called[MOST_ENTRIES];
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  int entries = 0;
  if (learn(t, l, called, &error) != OCLSTM_OK) {
    printf("nothing failed on purpose, yet %s\n", error.text);
    *wrong += 1;
    return 0;
  }
  for (unsigned k = 0; k < MOST_ENTRIES; ++k) {
    unsigned long long ignored = 0;
    if (called[k]) {
      t->entry = l->entry(k, &ignored);
      *wrong += try_entry(t, l);
      ++entries;
    }
  }
  return entries;
}

/* Programs from the disk, then from sources: not kept, or kept anew each time. */
static int try_both(trial *t, const layers *l, const char *cache_dir, int least) {
  int wrong = 0;
  int entries = 0;
  if (t->what->cache != COLD_CACHE) {
    t->cache_dir = cache_dir;
    entries += try_all(t, l, &wrong);
  }
  if (t->what->cache != WARM_CACHE) {
    t->cold = t->what->cache == COLD_CACHE;
    t->cache_dir = t->cold ? cache_dir : NULL;
    entries += try_all(t, l, &wrong);
  }
  printf("%s: %d entry points, at least %d expected\n", t->what->name, entries, least);
  return wrong != 0 || entries < least;
}

static int find_layers(layers *l) {
  l->entry = (oclstm_layer_entry_function *)oclstm__layer_symbol("oclstm_layer_entry");
  l->arm = (oclstm_layer_arm_function *)oclstm__layer_symbol("oclstm_layer_arm");
  l->fired = (oclstm_layer_fired_function *)oclstm__layer_symbol("oclstm_layer_fired");
  l->live = (oclstm_layer_live_function *)oclstm__layer_symbol("oclstm_layer_live");
  return l->entry != NULL && l->arm != NULL && l->fired != NULL && l->live != NULL;
}

int main(int n, char **words) {
  layers l;
  own_objects own;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (n != 4 || scenario_find(words[1]) == NULL || !find_layers(&l)) {
    fprintf(stderr, "faults SCENARIO LEAST CACHE_DIR, under the layers balance and fault\n");
    return 2;
  }
  if (own_objects_open(&own) != 0) {
    fprintf(stderr, "no OpenCL device\n");
    return 1;
  }
  trial t = {.what = scenario_find(words[1]), .own = &own};
  int result = 1;
  if (scenario_model(&model, &error) == OCLSTM_OK) {
    t.model = model;
    result = try_both(&t, &l, words[3], atoi(words[2]));
  } else {
    printf("%s\n", error.text);
  }
  oclstm_model_destroy(&model);
  own_objects_close(&own);
  return result;
}
