/* A run makes, builds and finishes nothing, but for a buffer over each of the caller's arrays when it first comes: a thousand
 * runs are counted.
 * SPDX-License-Identifier: MIT
 *
 *   quiet_runs SCENARIO     under the layer balance */
#include <stdio.h>
#include <string.h>

#include "layer.h"
#include "scenario.h"

enum { RUNS = 1000 };

static oclstm_layer_calls_function *calls;

/* Entry points that no run may call. CLBlast makes a kernel object for each of its products and releases it again. */
static const char *const QUIET[] = {"clCreate", "clBuild", "clCompile", "clLink", "clFinish"};
enum { N_QUIET = sizeof QUIET / sizeof QUIET[0] };
enum { KERNELS = N_QUIET, BUFFERS, N_COUNTED };
static unsigned long long before[N_COUNTED], after[N_COUNTED];

/* x and y are the same in all runs. */
enum { ARRAYS = 2 };

static void count(unsigned long long *to) {
  for (size_t k = 0; k < N_QUIET; ++k) {
    to[k] = calls(QUIET[k]);
  }
  to[KERNELS] = calls("clCreateKernel");
  to[BUFFERS] = calls("clCreateBuffer");
}

static void count_before(void) {
  count(before);
}

static void count_after(void) {
  count(after);
}

static int report(const scenario *what) {
  int wrong = 0;
  unsigned long long kernels = what->gemm == OCLSTM_GEMM_CLBLAST ? after[KERNELS] - before[KERNELS] : 0;
  unsigned long long buffers = after[BUFFERS] - before[BUFFERS];
  for (size_t k = 0; k < N_QUIET; ++k) {
    unsigned long long made = after[k] - before[k] - (k == 0 ? kernels + buffers : 0);
    printf("%d runs: %llu calls of %s...\n", RUNS, made, QUIET[k]);
    wrong |= made != 0;
  }
  printf("%d runs: %llu buffers over %d arrays\n", RUNS, buffers, what->interop ? 0 : (int)ARRAYS);
  return wrong || buffers > (what->interop ? 0 : ARRAYS);
}

int main(int n, char **words) {
  float y[SCENARIO_FLOATS];
  own_objects own;
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  stage reached = CONTEXT_CREATE;
  const scenario *what = n == 2 ? scenario_find(words[1]) : NULL;
  calls = (oclstm_layer_calls_function *)oclstm__layer_symbol("oclstm_layer_calls");
  if (what == NULL || calls == NULL || own_objects_open(&own) != 0) {
    fprintf(stderr, "quiet_runs SCENARIO, under the layer balance and with a device\n");
    return 2;
  }
  oclstm_status status = scenario_model(&model, &error);
  if (status == OCLSTM_OK) {
    status = scenario_walk(what, model, &own, NULL, RUNS, count_before, count_after, y, &reached, &error);
  }
  int result = 1;
  if (status == OCLSTM_OK) {
    result = report(what);
  } else {
    printf("%s: %s\n", STAGE_NAMES[reached], error.text);
  }
  oclstm_model_destroy(&model);
  own_objects_close(&own);
  return result;
}
