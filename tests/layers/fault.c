/* OpenCL layer that lets one call of one entry point fail.
 * SPDX-License-Identifier: MIT
 *
 * OCLSTM_FAULT=ENTRY:N:CODE lets the N-th call of ENTRY give CODE without reaching the implementation, and
 * ENTRY:N+:CODE every call from the N-th on. Tests that run under the layer can choose at any time: see layer.h.
 * Releases never fail: what an implementation refuses to release, nobody can. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "layer.h"

#define EXPORT __attribute__((visibility("default")))

static const cl_icd_dispatch *target;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char armed_entry[64]; /* "": nothing fails */
static unsigned long armed_nth, seen, fired;
static int armed_code, for_good;

EXPORT oclstm_layer_arm_function oclstm_layer_arm;
EXPORT void oclstm_layer_arm(const char *entry, unsigned long nth, int code) {
  pthread_mutex_lock(&lock);
  snprintf(armed_entry, sizeof armed_entry, "%s", entry != NULL ? entry : "");
  armed_nth = nth;
  armed_code = code;
  for_good = 0;
  seen = 0;
  fired = 0;
  pthread_mutex_unlock(&lock);
}

EXPORT oclstm_layer_fired_function oclstm_layer_fired;
EXPORT unsigned long oclstm_layer_fired(void) {
  pthread_mutex_lock(&lock);
  unsigned long result = fired;
  pthread_mutex_unlock(&lock);
  return result;
}

/* The code with which this call is to fail, or CL_SUCCESS. */
static cl_int failure(const char *entry) {
  cl_int code = CL_SUCCESS;
  pthread_mutex_lock(&lock);
  if (strcmp(entry, armed_entry) == 0) {
    ++seen;
    if (seen == armed_nth || (for_good && seen > armed_nth)) {
      ++fired;
      code = armed_code;
    }
  }
  pthread_mutex_unlock(&lock);
  return code;
}

static void arm_from_environment(void) {
  const char *spec = getenv("OCLSTM_FAULT");
  char entry[64];
  char nth[32];
  int code = 0;
  if (spec == NULL) {
    return;
  }
  if (sscanf(spec, "%63[^:]:%31[^:]:%d", entry, nth, &code) != 3 || code == 0 ||
      strtoul(nth, NULL, 10) == 0) {
    fprintf(stderr, "OCLSTM_FAULT is \"%s\", expected ENTRY:N:CODE\n", spec);
    abort();
  }
  oclstm_layer_arm(entry, strtoul(nth, NULL, 10), code);
  for_good = strchr(nth, '+') != NULL;
}

/* ---- entry points ---- */

#define FAULT_STATUS(name, parameters, arguments)                  \
  static cl_int CL_API_CALL fault_##name parameters {              \
    cl_int status = failure(#name);                                \
    return status != CL_SUCCESS ? status : target->name arguments; \
  }
#define FAULT_OBJECT(type, kind, name, parameters, arguments) \
  static type CL_API_CALL fault_##name parameters {           \
    cl_int status = failure(#name);                           \
    if (status == CL_SUCCESS) {                               \
      return target->name arguments;                          \
    }                                                         \
    if (code != NULL) {                                       \
      *code = status;                                         \
    }                                                         \
    return NULL;                                              \
  }
#define FAULT_RETAIN(type, kind, name) FAULT_STATUS(name, (type object), (object))
#define FAULT_RELEASE(type, kind, name)

ENTRIES_STATUS(FAULT_STATUS)
ENTRIES_EVENT(FAULT_STATUS)
ENTRIES_OBJECT(FAULT_OBJECT)
ENTRIES_COUNTED(FAULT_RETAIN, FAULT_RELEASE)
FAULT_OBJECT(void *, , clEnqueueMapBuffer, MAP_PARAMETERS, MAP_ARGUMENTS)

/* ---- the layer ---- */

static cl_icd_dispatch dispatch;

static void fill_dispatch(void) {
  dispatch = *target;
#define SET(name, ...) dispatch.name = fault_##name;
#define SET_OBJECT(type, kind, name, ...) dispatch.name = fault_##name;
  ENTRIES_STATUS(SET)
  ENTRIES_EVENT(SET)
  ENTRIES_OBJECT(SET_OBJECT)
  ENTRIES_COUNTED(SET_OBJECT, FAULT_RELEASE)
  dispatch.clEnqueueMapBuffer = fault_clEnqueueMapBuffer;
  arm_from_environment();
}

#include "layer_entry.h"
