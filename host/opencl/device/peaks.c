/* The peaks of a device, measured: multiply-adds and reads. kernels/peak.cl.
 * SPDX-License-Identifier: MIT */
#include <limits.h>

#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/device/program.h"

enum {
  CHAINS = 16,         /* of kernels/peak.cl */
  READS = 8,           /* likewise */
  GROUPS_OF_A_UNIT = 8 /* where a group does not fill a compute unit */
};
static const double SHORTEST = 0.02; /* seconds of a launch that is timed */
enum { LAUNCHES = 12 };              /* of which the fastest counts */

typedef struct peak {
  oclstm__cl *cl;
  size_t lanes, groups;
  cl_kernel kernel;
  cl_uint last; /* argument: how often */
  cl_mem out, from;
} peak;

static oclstm_status open_peak(peak *p, oclstm__cl *cl, const char *kernel, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t ignored = 0;
  size_t units = oclstm__max(cl->base.device.compute_units, 1);
  *p = (peak){.cl = cl, .lanes = cl->max_lanes};
  p->groups = cl->max_lanes == 1 ? units : units * GROUPS_OF_A_UNIT;
  const oclstm__build build = {
      .stem = "peak", .VW = cl->vector_width, .ROWS = 1, .LANES = (unsigned)p->lanes, .VECTORS = 1};
  TRY(oclstm__kernel_create(cl, &build, kernel, &p->kernel, error));
  TRY(oclstm__buffer_create(cl, p->groups * p->lanes * sizeof(float), "sums", &p->out, &ignored, error));
  CL(clSetKernelArg(p->kernel, 0, sizeof p->out, &p->out));
done:
  return status;
}

static void close_peak(peak *p) {
  oclstm__kernel_release(&p->kernel);
  oclstm__buffer_release(&p->out);
  oclstm__buffer_release(&p->from);
}

static oclstm_status time_launch(const peak *p, cl_int n, double *seconds, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t global = p->groups * p->lanes;
  REQUIRE(p->cl->most_turns == 0, OCLSTM_E_UNSUPPORTED, "%s ends a kernel behind %zu turns of its loops",
          p->cl->base.device.name, p->cl->most_turns);
  CL(clSetKernelArg(p->kernel, p->last, sizeof n, &n));
  double began = oclstm__now();
  TRY(oclstm__cl_enqueue(p->cl, OCLSTM__IN_ORDER, p->kernel, 1, &global, &p->lanes, error));
  TRY(oclstm__cl_settle(p->cl, error));
  *seconds = oclstm__now() - began;
done:
  return status;
}

/* Doubles the work until a launch is long enough, then takes the fastest of several. `work` is that of n = 1. */
static oclstm_status measure(const peak *p, double work, double *per_second, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double seconds = 0.0;
  cl_int n = 1;
  TRY(time_launch(p, n, &seconds, error));
  do {
    TRY(time_launch(p, n, &seconds, error));
    n = seconds < SHORTEST && n <= INT_MAX / 2 ? 2 * n : n;
  } while (seconds < SHORTEST && n <= INT_MAX / 2);
  for (int k = 0; k < LAUNCHES; ++k) {
    double again = 0.0;
    TRY(time_launch(p, n, &again, error));
    seconds = again < seconds ? again : seconds;
  }
  *per_second = work * n / seconds;
done:
  return status;
}

oclstm_status oclstm__cl_peak_flops(oclstm_context *context, double *per_second, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const cl_float a = 0.999F;
  const cl_float b = 0.001F;
  peak p = {.cl = NULL};
  TRY(open_peak(&p, oclstm__cl_of(context), "peak_fma", error));
  CL(clSetKernelArg(p.kernel, 1, sizeof a, &a));
  CL(clSetKernelArg(p.kernel, 2, sizeof b, &b));
  p.last = 3;
  TRY(measure(&p, 2.0 * CHAINS * (double)(p.groups * p.lanes) * p.cl->vector_width, per_second, error));
done:
  close_peak(&p);
  return status;
}

oclstm_status oclstm__cl_peak_read(oclstm_context *context, uint64_t bytes, double *per_second,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t ignored = 0;
  peak p = {.cl = NULL};
  TRY(open_peak(&p, oclstm__cl_of(context), "peak_read", error));
  const uint64_t block = (uint64_t)p.groups * READS * p.lanes * p.cl->vector_width * sizeof(float);
  REQUIRE(bytes / block <= INT_MAX && bytes <= SIZE_MAX, OCLSTM_E_LIMIT, "%llu bytes to read",
          (unsigned long long)bytes);
  const cl_int blocks = (cl_int)oclstm__max((size_t)(bytes / block), 1);
  TRY(oclstm__buffer_create(p.cl, (size_t)(block * (uint64_t)blocks), "memory to read", &p.from, &ignored,
                            error));
  CL(clSetKernelArg(p.kernel, 1, sizeof p.from, &p.from));
  CL(clSetKernelArg(p.kernel, 2, sizeof blocks, &blocks));
  p.last = 3;
  TRY(measure(&p, (double)(block * (uint64_t)blocks), per_second, error));
done:
  close_peak(&p);
  return status;
}
