/* OpenCL layer that keeps account of references: at the end of the process none may be left.
 * SPDX-License-Identifier: MIT
 *
 * Run a program with OPENCL_LAYERS=PATH_OF_THIS. What it leaves behind, or releases too often, is named on stderr and
 * makes the process exit with 86. Events that a command gives back count as created. With OCLSTM_LAYER_COUNTS=FILE
 * the number of calls of each entry point is written there at the end. Tests can ask at any time: see layer.h.
 *
 * Sanitizers do not see these leaks: implementations keep their objects in lists of their own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entries.h"
#include "layer.h"

#define EXPORT __attribute__((visibility("default")))
enum { EXIT_UNBALANCED = 86 };
enum { CONTEXT, QUEUE, MEM, PROGRAM, KERNEL, EVENT, SAMPLER, N_KINDS };
static const char *const KIND_NAMES[N_KINDS] = {"context", "queue", "mem",    "program",
                                                "kernel",  "event", "sampler"};

enum {
#define NAME(name, ...) CALL_##name,
#define NAME_OF_OBJECT(type, kind, name, ...) CALL_##name,
  ENTRIES_STATUS(NAME) ENTRIES_EVENT(NAME) ENTRIES_OBJECT(NAME_OF_OBJECT)
      ENTRIES_COUNTED(NAME_OF_OBJECT, NAME_OF_OBJECT) CALL_clEnqueueMapBuffer,
  N_CALLS
};
static const char *const CALL_NAMES[N_CALLS] = {
#undef NAME
#undef NAME_OF_OBJECT
#define NAME(name, ...) #name,
#define NAME_OF_OBJECT(type, kind, name, ...) #name,
    ENTRIES_STATUS(NAME) ENTRIES_EVENT(NAME) ENTRIES_OBJECT(NAME_OF_OBJECT)
        ENTRIES_COUNTED(NAME_OF_OBJECT, NAME_OF_OBJECT) "clEnqueueMapBuffer"};

typedef struct live_object {
  const void *handle;
  int kind;
  long references;
} live_object;

static const cl_icd_dispatch *target;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long calls[N_CALLS];
static live_object *live;
static size_t n_live, capacity;
static long over_released[N_KINDS];

/* ---- accounts ---- */

static void count_call(int call) {
  pthread_mutex_lock(&lock);
  ++calls[call];
  pthread_mutex_unlock(&lock);
}

/* The newest first: most objects do not live long. */
static live_object *find(const void *handle, int kind) {
  for (size_t k = n_live; k-- > 0;) {
    if (live[k].handle == handle && live[k].kind == kind) {
      return &live[k];
    }
  }
  return NULL;
}

static void add(const void *handle, int kind) {
  pthread_mutex_lock(&lock);
  live_object *object = find(handle, kind);
  if (object == NULL) {
    if (n_live == capacity) {
      capacity = capacity != 0 ? 2 * capacity : 256;
      live = realloc(live, capacity * sizeof *live);
      if (live == NULL) {
        abort();
      }
    }
    object = &live[n_live++];
    *object = (live_object){handle, kind, 0};
  }
  ++object->references;
  pthread_mutex_unlock(&lock);
}

static void drop(const void *handle, int kind) {
  pthread_mutex_lock(&lock);
  live_object *object = find(handle, kind);
  if (object == NULL) {
    ++over_released[kind];
  } else if (--object->references == 0) {
    *object = live[--n_live];
  }
  pthread_mutex_unlock(&lock);
}

EXPORT oclstm_layer_calls_function oclstm_layer_calls;
EXPORT unsigned long long oclstm_layer_calls(const char *prefix) {
  unsigned long long sum = 0;
  pthread_mutex_lock(&lock);
  for (int k = 0; k < N_CALLS; ++k) {
    sum += strncmp(CALL_NAMES[k], prefix, strlen(prefix)) == 0 ? calls[k] : 0;
  }
  pthread_mutex_unlock(&lock);
  return sum;
}

EXPORT oclstm_layer_entry_function oclstm_layer_entry;
EXPORT const char *oclstm_layer_entry(unsigned k, unsigned long long *to) {
  if (k >= N_CALLS) {
    return NULL;
  }
  pthread_mutex_lock(&lock);
  *to = calls[k];
  pthread_mutex_unlock(&lock);
  return CALL_NAMES[k];
}

EXPORT oclstm_layer_live_function oclstm_layer_live;
EXPORT long oclstm_layer_live(const char *kind) {
  long sum = 0;
  pthread_mutex_lock(&lock);
  for (size_t k = 0; k < n_live; ++k) {
    sum += kind == NULL || strcmp(KIND_NAMES[live[k].kind], kind) == 0 ? live[k].references : 0;
  }
  pthread_mutex_unlock(&lock);
  return sum;
}

/* ---- entry points ---- */

#define BALANCE_STATUS(name, parameters, arguments)     \
  static cl_int CL_API_CALL balance_##name parameters { \
    count_call(CALL_##name);                            \
    return target->name arguments;                      \
  }
#define BALANCE_EVENT(name, parameters, arguments)      \
  static cl_int CL_API_CALL balance_##name parameters { \
    count_call(CALL_##name);                            \
    cl_int status = target->name arguments;             \
    if (status == CL_SUCCESS && event != NULL) {        \
      add(*event, EVENT);                               \
    }                                                   \
    return status;                                      \
  }
#define BALANCE_OBJECT(type, kind, name, parameters, arguments) \
  static type CL_API_CALL balance_##name parameters {           \
    count_call(CALL_##name);                                    \
    type object = target->name arguments;                       \
    if (object != NULL) {                                       \
      add(object, kind);                                        \
    }                                                           \
    return object;                                              \
  }
#define BALANCE_RETAIN(type, kind, name)                  \
  static cl_int CL_API_CALL balance_##name(type object) { \
    count_call(CALL_##name);                              \
    cl_int status = target->name(object);                 \
    if (status == CL_SUCCESS) {                           \
      add(object, kind);                                  \
    }                                                     \
    return status;                                        \
  }
/* The account first: afterwards another thread may have been given an object with the same handle. */
#define BALANCE_RELEASE(type, kind, name)                 \
  static cl_int CL_API_CALL balance_##name(type object) { \
    count_call(CALL_##name);                              \
    drop(object, kind);                                   \
    return target->name(object);                          \
  }

ENTRIES_STATUS(BALANCE_STATUS)
ENTRIES_EVENT(BALANCE_EVENT)
ENTRIES_OBJECT(BALANCE_OBJECT)
ENTRIES_COUNTED(BALANCE_RETAIN, BALANCE_RELEASE)

static void *CL_API_CALL balance_clEnqueueMapBuffer MAP_PARAMETERS {
  count_call(CALL_clEnqueueMapBuffer);
  void *mapped = target->clEnqueueMapBuffer MAP_ARGUMENTS;
  if (mapped != NULL && event != NULL) {
    add(*event, EVENT);
  }
  return mapped;
}

/* ---- the layer ---- */

static void write_counts(const char *path) {
  FILE *file = fopen(path, "w");
  for (int k = 0; k < N_CALLS && file != NULL; ++k) {
    if (calls[k] != 0) {
      fprintf(file, "%s %llu\n", CALL_NAMES[k], calls[k]);
    }
  }
  if (file != NULL) {
    fclose(file);
  }
}

__attribute__((destructor)) static void report(void) {
  long left[N_KINDS] = {0};
  int unbalanced = 0;
  const char *path = getenv("OCLSTM_LAYER_COUNTS");
  if (path != NULL) {
    write_counts(path);
  }
  for (size_t k = 0; k < n_live; ++k) {
    left[live[k].kind] += live[k].references;
  }
  for (int kind = 0; kind < N_KINDS; ++kind) {
    if (left[kind] != 0 || over_released[kind] != 0) {
      fprintf(stderr, "OpenCL balance: %s: %ld left, %ld released too often\n", KIND_NAMES[kind], left[kind],
              over_released[kind]);
      unbalanced = 1;
    }
  }
  if (unbalanced) {
    fflush(NULL);
    _exit(EXIT_UNBALANCED);
  }
}

static cl_icd_dispatch dispatch;

static void fill_dispatch(void) {
  dispatch = *target;
#define SET(name, ...) dispatch.name = balance_##name;
#define SET_OBJECT(type, kind, name, ...) dispatch.name = balance_##name;
  ENTRIES_STATUS(SET)
  ENTRIES_EVENT(SET)
  ENTRIES_OBJECT(SET_OBJECT)
  ENTRIES_COUNTED(SET_OBJECT, SET_OBJECT)
  dispatch.clEnqueueMapBuffer = balance_clEnqueueMapBuffer;
}

#include "layer_entry.h"
