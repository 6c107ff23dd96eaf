/* How many work-groups of a launch a device runs at the same time: asked by kernels/probe.cl, once a context.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/coresidency.h"

#include "opencl/device/cl.h"
#include "opencl/device/program.h"

enum {
  TRIES = 3,       /* on a loaded machine a group was once not begun for seconds */
  ROUNDS = 200,    /* meetings: an order of groups that happens to work does not last so long */
  SPINS = 1 << 22, /* tenths of a second by the clock of a CPU, where a meeting takes microseconds */
  MORE = 16,       /* times as many behind a try of less than SHORT seconds */
  MOST_GROUPS = 1024
};
static const double SHORT = 0.25;

/* *good: all groups were at all meetings. */
static oclstm_status try_groups(oclstm__cl *cl, cl_int groups, cl_int spins, bool *good,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_kernel kernel = NULL;
  cl_mem places = NULL;
  cl_mem met = NULL;
  uint64_t bytes = 0;
  cl_int seen[MOST_GROUPS];
  const cl_int numbers[] = {groups, ROUNDS, spins};
  const size_t lanes = cl->max_lanes;
  const oclstm__build build = {.stem = "probe", .LANES = (unsigned)lanes};
  TRY(oclstm__buffer_create(cl, (size_t)groups * OCLSTM__SYNC_WORDS * sizeof(cl_int), "probe", &places,
                            &bytes, error));
  TRY(oclstm__buffer_create(cl, (size_t)groups * sizeof(cl_int), "probe", &met, &bytes, error));
  TRY(oclstm__kernel_create(cl, &build, "probe", &kernel, error));
  const oclstm__arg args[] = {{sizeof places, &places},
                              {sizeof met, &met},
                              {sizeof(cl_int), &numbers[0]},
                              {sizeof(cl_int), &numbers[1]},
                              {sizeof(cl_int), &numbers[2]}};
  TRY(oclstm__set_args(kernel, 0, args, sizeof args / sizeof args[0], error));
  TRY(oclstm__enqueue_items(cl, kernel, (size_t)groups * lanes, lanes, error));
  TRY(oclstm__cl_read(cl, met, (size_t)groups * sizeof(cl_int), seen, error));
  *good = true;
  for (cl_int k = 0; k < groups; ++k) {
    *good &= seen[k] == ROUNDS;
  }
done:
  oclstm__kernel_release(&kernel);
  oclstm__buffer_release(&met);
  oclstm__buffer_release(&places);
  return status;
}

/* Kernels that Intel compiles for CPUs have no clock: what they count is looks, SPINS of which are over in 0.1 s. Threads of a
 * loaded machine were begun later than that. */
static oclstm_status try_often(oclstm__cl *cl, cl_int groups, bool *good, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int spins = SPINS;
  for (int k = 0; k < TRIES && !*good; ++k) {
    const double began = oclstm__now();
    TRY(try_groups(cl, groups, spins, good, error));
    spins = spins == SPINS && oclstm__now() - began < SHORT ? SPINS * MORE : spins;
  }
done:
  return status;
}

/* Once; several that ask at the same time would take each other's processors, and have answers of their own. */
oclstm_status oclstm__coresident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  (void)pthread_mutex_lock(&cl->asking);
  if (atomic_load(&cl->coresident_groups) == 0) {
    const size_t units = oclstm__min(oclstm__max(cl->base.device.compute_units, 1), MOST_GROUPS);
    bool good = units == 1;
    TRY(try_often(cl, (cl_int)units, &good, error));
    atomic_store(&cl->coresident_groups, good ? (unsigned)units : 1U);
    if (!good) {
      oclstm__log(&cl->base.log, OCLSTM_LOG_INFO, "%zu work-groups do not run at the same time", units);
    }
  }
  *groups = atomic_load(&cl->coresident_groups);
done:
  (void)pthread_mutex_unlock(&cl->asking);
  return status;
}

size_t oclstm__likely_groups(const oclstm__cl *cl) {
  const size_t asked = atomic_load(&cl->coresident_groups);
  return asked != 0 ? asked : oclstm__max(cl->base.device.compute_units, 1);
}
