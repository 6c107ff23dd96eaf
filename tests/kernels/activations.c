/* Programs of activations: see activations.h.
 * SPDX-License-Identifier: MIT */
#include "activations.h"

#include <stdio.h>

#include "opencl/device/kernel_sources.h"

static const char KERNEL[] =
    "__kernel void activations(__global const float *x, __global float *y, int kind, float alpha, float "
    "beta) {\n"
    "  size_t at = get_global_id(0) * VW;\n"
    "  STOREV(activated(kind, alpha, beta, LOADV(x + at)), y + at);\n"
    "}\n";

static void good(cl_int code, const char *call) {
  if (code != CL_SUCCESS) {
    fail_msg("%s: %s", call, oclstm__cl_code_name(code));
  }
}

activations open_activations(unsigned VW, size_t n, const char *between) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  activations a = {.VW = VW};
  const oclstm__kernel_source *source = oclstm__find_kernel_source("activation");
  assert_int_equal(source->n_texts, 2); /* common.cl, itself */
  const char *texts[] = {source->texts[0], between, source->texts[1], KERNEL};
  char flags[64];
  cl_int code = CL_SUCCESS;
  (void)snprintf(flags, sizeof flags, "-cl-std=CL1.2 -DVW=%u", VW);
  a.program = clCreateProgramWithSource(cl->context, 4, texts, NULL, &code);
  good(code, "clCreateProgramWithSource");
  good(clBuildProgram(a.program, 1, &cl->device, flags, NULL, NULL), "clBuildProgram");
  a.kernel = clCreateKernel(a.program, "activations", &code);
  good(code, "clCreateKernel");
  a.x = clCreateBuffer(cl->context, CL_MEM_READ_ONLY, n * sizeof(float), NULL, &code);
  good(code, "clCreateBuffer");
  a.y = clCreateBuffer(cl->context, CL_MEM_WRITE_ONLY, n * sizeof(float), NULL, &code);
  good(code, "clCreateBuffer");
  return a;
}

void close_activations(activations *a) {
  (void)clReleaseMemObject(a->x);
  (void)clReleaseMemObject(a->y);
  (void)clReleaseKernel(a->kernel);
  (void)clReleaseProgram(a->program);
}

void give(const activations *a, const float *x, size_t n) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  good(clEnqueueWriteBuffer(cl->queue, a->x, CL_FALSE, 0, n * sizeof *x, x, 0, NULL, NULL), "write");
}

void take(const activations *a, oclstm_activation f, float *y, size_t n) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  const cl_int kind = (cl_int)f.kind;
  const size_t items = n / a->VW;
  good(clSetKernelArg(a->kernel, 0, sizeof a->x, &a->x), "x");
  good(clSetKernelArg(a->kernel, 1, sizeof a->y, &a->y), "y");
  good(clSetKernelArg(a->kernel, 2, sizeof kind, &kind), "kind");
  good(clSetKernelArg(a->kernel, 3, sizeof f.alpha, &f.alpha), "alpha");
  good(clSetKernelArg(a->kernel, 4, sizeof f.beta, &f.beta), "beta");
  good(clEnqueueNDRangeKernel(cl->queue, a->kernel, 1, NULL, &items, NULL, 0, NULL, NULL), "launch");
  good(clEnqueueReadBuffer(cl->queue, a->y, CL_TRUE, 0, n * sizeof *y, y, 0, NULL, NULL), "read");
}
