/* A program that leaves behind what it is told to: the test of the layers themselves.
 * SPDX-License-Identifier: MIT
 *
 * leaky [KIND...]   KIND: context queue mem program kernel event sampler retain unknown */
#include <CL/cl.h>
#include <stdio.h>
#include <string.h>

#include "layer.h"

static int n_kinds;
static char **kinds;

static int leaks(const char *kind) {
  for (int k = 0; k < n_kinds; ++k) {
    if (strcmp(kinds[k], kind) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Names the call that failed and gives the exit status for it: 2. */
static int failed(const char *call, cl_int code) {
  fprintf(stderr, "%s gave %d\n", call, code);
  return 2;
}

static int use_program(cl_context context, cl_device_id device) {
  const char *text = "__kernel void nothing(__global float *x) { x[0] = 1.0f; }";
  cl_int code = CL_SUCCESS;
  cl_program program = clCreateProgramWithSource(context, 1, &text, NULL, &code);
  if (program == NULL) {
    return failed("clCreateProgramWithSource", code);
  }
  code = clBuildProgram(program, 1, &device, "", NULL, NULL);
  if (code != CL_SUCCESS) {
    clReleaseProgram(program);
    return failed("clBuildProgram", code);
  }
  cl_kernel kernel = clCreateKernel(program, "nothing", &code);
  if (kernel != NULL && !leaks("kernel")) {
    clReleaseKernel(kernel);
  }
  if (leaks("unknown")) { /* made by an entry point that the balance layer does not stand in front of */
    clCreateKernelsInProgram(program, 1, &kernel, NULL);
    clReleaseKernel(kernel);
  }
  if (!leaks("program")) {
    clReleaseProgram(program);
  }
  return kernel != NULL ? 0 : failed("clCreateKernel", code);
}

static int use_queue(cl_context context, cl_command_queue queue) {
  float value = 1.0f;
  cl_event event = NULL;
  cl_int code = CL_SUCCESS;
  cl_mem mem = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof value, NULL, &code);
  if (mem == NULL) {
    return failed("clCreateBuffer", code);
  }
  code = clEnqueueWriteBuffer(queue, mem, CL_TRUE, 0, sizeof value, &value, 0, NULL, &event);
  if (event != NULL && !leaks("event")) {
    clReleaseEvent(event);
  }
  if (leaks("retain")) {
    clRetainMemObject(mem);
  }
  if (!leaks("mem")) {
    clReleaseMemObject(mem);
  }
  clFinish(queue);
  return code == CL_SUCCESS ? 0 : failed("clEnqueueWriteBuffer", code);
}

/* What the balance layer has to answer when asked from inside. */
static int ask_balance(void) {
  oclstm_layer_calls_function *calls =
      (oclstm_layer_calls_function *)oclstm__layer_symbol("oclstm_layer_calls");
  oclstm_layer_live_function *live = (oclstm_layer_live_function *)oclstm__layer_symbol("oclstm_layer_live");
  if (calls == NULL || live == NULL) {
    return 0; /* not under the layer */
  }
  printf("create %llu finish %llu live %ld mem %ld\n", calls("clCreate"), calls("clFinish"), live(NULL),
         live("mem"));
  return 0;
}

static int use_context(cl_context context, cl_device_id device) {
  cl_int code = CL_SUCCESS;
  cl_command_queue queue = clCreateCommandQueue(context, device, 0, &code);
  if (queue == NULL) {
    return failed("clCreateCommandQueue", code);
  }
  cl_sampler sampler = clCreateSampler(context, CL_FALSE, CL_ADDRESS_CLAMP, CL_FILTER_NEAREST, NULL);
  int result = use_queue(context, queue);
  result = result != 0 ? result : use_program(context, device);
  result = result != 0 ? result : ask_balance();
  if (sampler != NULL && !leaks("sampler")) {
    clReleaseSampler(sampler);
  }
  if (!leaks("queue")) {
    clReleaseCommandQueue(queue);
  }
  return result;
}

/* The first device there is, of whatever platform. */
static cl_int find_device(cl_device_id *device) {
  cl_platform_id platforms[16];
  cl_uint n_platforms = 0;
  cl_int code = clGetPlatformIDs(16, platforms, &n_platforms);
  if (code != CL_SUCCESS) {
    failed("clGetPlatformIDs", code);
    return code;
  }
  code = CL_DEVICE_NOT_FOUND;
  for (cl_uint k = 0; k < n_platforms && k < 16 && code == CL_DEVICE_NOT_FOUND; ++k) {
    code = clGetDeviceIDs(platforms[k], CL_DEVICE_TYPE_ALL, 1, device, NULL);
  }
  if (code != CL_SUCCESS) {
    failed("clGetDeviceIDs", code);
  }
  return code;
}

int main(int n, char **words) {
  cl_device_id device = NULL;
  cl_int code = find_device(&device);
  n_kinds = n - 1;
  kinds = words + 1;
  if (code != CL_SUCCESS) {
    return 2;
  }
  cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
  if (context == NULL) {
    return failed("clCreateContext", code);
  }
  int result = use_context(context, device);
  if (!leaks("context")) {
    clReleaseContext(context);
  }
  return result;
}
