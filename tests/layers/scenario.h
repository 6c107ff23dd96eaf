/* Everything a program does with the library on an OpenCL device, in one function: context, plan, state, runs, end.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_LAYERS_SCENARIO_H
#define OCLSTM_TESTS_LAYERS_SCENARIO_H

#include <CL/cl.h>

#include "oclstm/oclstm.h"

enum { SCENARIO_STEPS = 3, SCENARIO_ROWS = 2, SCENARIO_INPUT = 3, SCENARIO_HIDDEN = 5, SCENARIO_HEAD = 2 };
enum { SCENARIO_FLOATS = SCENARIO_STEPS * SCENARIO_ROWS * SCENARIO_HEAD };

typedef struct scenario {
  const char *name;
  oclstm_strategy strategy;
  oclstm_gemm gemm;
  int interop; /* on the caller's own queue and buffers */
  /* Where tests of faults take programs from: the disk and then the sources, sources onto an empty disk, the disk. */
  enum { BOTH, COLD_CACHE, WARM_CACHE } cache;
} scenario;

extern const scenario SCENARIOS[];

/* The caller's own OpenCL objects, made before anything is let fail. */
typedef struct own_objects {
  cl_context context;
  cl_device_id device;
  cl_command_queue queue;
  cl_mem x, y, lengths;
} own_objects;

/* How far a walk came: the function that gave the status. */
typedef enum stage {
  CONTEXT_CREATE,
  PLAN_CREATE,
  STATE_CREATE,
  STATE_SET,
  FORWARD,
  STATE_GET,
  N_STAGES
} stage;
extern const char *const STAGE_NAMES[N_STAGES];

const scenario *scenario_find(const char *name); /* NULL: none of that name */
oclstm_status scenario_model(oclstm_model **model, oclstm_error *error);
int own_objects_open(own_objects *own); /* 0 on success */
void own_objects_close(own_objects *own);

/* Walks through everything with `runs` forward calls; y receives what the last one gives. cache_dir may be NULL.
 * before_runs and after_runs, where given, are called round the forward calls. Nothing is left behind, however it ends. */
oclstm_status scenario_walk(const scenario *what, const oclstm_model *model, const own_objects *own,
                            const char *cache_dir, size_t runs, void (*before_runs)(void),
                            void (*after_runs)(void), float y[SCENARIO_FLOATS], stage *reached,
                            oclstm_error *error);

#endif
