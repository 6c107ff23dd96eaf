/* gpu_probe: measured answers about one OpenCL device, a question a run, as text and as JSON.
 *
 * A question that cannot be asked on this device, a kernel that does not build and a spin that gives up are answers:
 * they are recorded, and the program goes on.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_GPU_PROBE_H
#define OCLSTM_BENCH_GPU_PROBE_H

#include <CL/cl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct probe {
  cl_platform_id platform;
  cl_device_id device;
  cl_context context;
  cl_command_queue queue; /* in order, with profiling */
  bool nvidia, cpu, quick;
  cl_uint units;
  size_t most_items; /* of a work-group */
  cl_ulong local_bytes, memory_bytes, most_allocation;
  const char *folder; /* for program binaries and build logs; NULL: they are not kept */
  json_t *answer;     /* an object; every question fills in its own */
} probe;

/* ---- tools.c ---- */

/* Whether a call went well; what went wrong is appended to the answer's "errors". */
bool probe_ok(probe *p, cl_int code, const char *call);
#define OK(call) probe_ok(p, (call), #call)

/* Builds STEM.cl with -D options. NULL when it does not build. `where`, which may be NULL, receives "build": "ok" or the
 * code, and "log" where the compiler said something. */
cl_program probe_build(probe *p, const char *stem, const char *options, json_t *where);
cl_kernel probe_kernel(probe *p, cl_program program, const char *name);
/* Zeros, or the given bytes. */
cl_mem probe_buffer(probe *p, size_t bytes, const void *values);
bool probe_read(probe *p, cl_mem from, size_t bytes, void *to);
bool probe_write(probe *p, cl_mem to, size_t bytes, const void *values);
void probe_release(cl_mem buffer);

typedef struct argument {
  size_t bytes;
  const void *value; /* NULL: local memory */
} argument;
bool probe_arguments(probe *p, cl_kernel kernel, const argument *arguments, cl_uint n);
/* Runs `groups` groups of `items` and waits; milliseconds by the device's clock, negative when it failed. */
double probe_run(probe *p, cl_kernel kernel, size_t groups, size_t items);
/* The least of several runs: what the machine does when nothing disturbs it. */
double probe_best(probe *p, cl_kernel kernel, size_t groups, size_t items, int runs);
double probe_now(void); /* seconds */
double probe_median(double *values, size_t n);
unsigned probe_random(unsigned *state);
/* Keeps the binary as FOLDER/name.bin, and notes what NVIDIA's says it was made for. */
void probe_keep_binary(probe *p, cl_program program, const char *name, json_t *where);

/* ---- the questions ---- */

void ask_device(probe *p);
void ask_coresidency(probe *p);
void ask_barrier(probe *p);
void ask_ptx(probe *p);
void ask_launch(probe *p);
void ask_clblast(probe *p);
void ask_peaks(probe *p);

#endif
