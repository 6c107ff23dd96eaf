/* Lets the first, second, ... call of one OpenCL entry point fail, until a whole walk through the library passes without.
 * SPDX-License-Identifier: MIT
 *
 *   faults SCENARIO ENTRY CODE CACHE_DIR     under the layers balance and fault
 *
 * Whatever fails: no crash, a status that the header documents for the function that gave it, an error that says so,
 * no OpenCL object left; or, where the library knows another way, the right result. */
#include <clblast_c.h>
#include <math.h>
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

typedef struct layers {
  oclstm_layer_arm_function *arm;
  oclstm_layer_fired_function *fired;
  oclstm_layer_live_function *live;
} layers;

typedef struct trial {
  const scenario *what;
  const oclstm_model *model;
  const own_objects *own;
  const char *entry, *cache_dir;
  int code;
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

/* Each time from nothing: no program in CLBlast's own cache, which holds contexts alive too, and none on disk unless
 * it is the warm cache that is looked at. */
static void forget(const trial *t) {
  char command[1200];
  CLBlastClearCache();
  if (t->what->cache == COLD_CACHE) {
    (void)snprintf(command, sizeof command, "rm -f '%s'/*", t->cache_dir);
    if (system(command) != 0) {
      exit(2);
    }
  }
}

/* 1 when the walk did something that it should not, with words about it. */
static int walk(const trial *t, const layers *l, unsigned long nth, unsigned long *fired) {
  float y[SCENARIO_FLOATS] = {0};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  stage reached = CONTEXT_CREATE;
  int wrong = 0;
  memcpy(y, t->expected, sizeof y); /* for the read that is the caller's own */
  long live_before = l->live(NULL);
  l->arm(t->entry, nth, t->code);
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

static int try_all(const trial *t, const layers *l) {
  unsigned long nth = 1;
  unsigned long fired = 1;
  int wrong = 0;
  unsigned long tried = 0;
  for (; fired != 0 && nth <= MOST_CALLS; nth += 1 + nth / EACH) {
    wrong += walk(t, l, nth, &fired);
    tried += fired != 0;
    fflush(stdout);
  }
  printf("%s: %lu calls of %s failed one by one, %d wrong\n", t->what->name, tried, t->entry, wrong);
  if (tried == 0 || fired != 0) {
    printf("that is %s\n", tried == 0 ? "none: nothing was tested" : "without end");
    return 1;
  }
  return wrong != 0;
}

static int find_layers(layers *l) {
  l->arm = (oclstm_layer_arm_function *)oclstm__layer_symbol("oclstm_layer_arm");
  l->fired = (oclstm_layer_fired_function *)oclstm__layer_symbol("oclstm_layer_fired");
  l->live = (oclstm_layer_live_function *)oclstm__layer_symbol("oclstm_layer_live");
  return l->arm != NULL && l->fired != NULL && l->live != NULL;
}

int main(int n, char **words) {
  layers l;
  own_objects own;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  stage reached = CONTEXT_CREATE;
  if (n != 5 || scenario_find(words[1]) == NULL || !find_layers(&l)) {
    fprintf(stderr, "faults SCENARIO ENTRY CODE CACHE_DIR, under the layers balance and fault\n");
    return 2;
  }
  if (own_objects_open(&own) != 0) {
    fprintf(stderr, "no OpenCL device\n");
    return 1;
  }
  trial t = {scenario_find(words[1]), NULL, &own, words[2], NULL, atoi(words[3]), {0}};
  t.cache_dir = t.what->cache != NO_CACHE ? words[4] : NULL;
  oclstm_status status = scenario_model(&model, &error);
  t.model = model;
  if (status == OCLSTM_OK) {
    status = scenario_walk(t.what, model, &own, t.cache_dir, 2, NULL, NULL, t.expected, &reached, &error);
    forget(&t);
  }
  int result = 1;
  if (status == OCLSTM_OK) {
    result = try_all(&t, &l);
  } else {
    printf("nothing failed on purpose, yet %s\n", error.text);
  }
  oclstm_model_destroy(&model);
  own_objects_close(&own);
  return result;
}
