/* What every question needs: buffers, programs, runs, and errors that are recorded instead of ending the program.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opencl/device/kernel_sources.h"
#include "probe.h"

bool probe_ok(probe *p, cl_int code, const char *call) {
  if (code == CL_SUCCESS) {
    return true;
  }
  json_t *errors = json_object_get(p->answer, "errors");
  if (errors == NULL) {
    errors = json_array();
    json_object_set_new(p->answer, "errors", errors);
  }
  json_array_append_new(errors, json_sprintf("%.*s: %d", (int)strcspn(call, "("), call, (int)code));
  fprintf(stderr, "gpu_probe: %.*s: %d\n", (int)strcspn(call, "("), call, (int)code);
  return false;
}

/* ---- programs ---- */

static void keep_log(probe *p, cl_program program, json_t *where) {
  size_t bytes = 0;
  if (where == NULL ||
      clGetProgramBuildInfo(program, p->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS ||
      bytes < 2) {
    return;
  }
  char *log = calloc(bytes + 1, 1);
  if (log != NULL && clGetProgramBuildInfo(program, p->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) == 0) {
    json_t *text = json_stringn_nocheck(log, strnlen(log, 4000));
    json_object_set_new(where, "log", text);
  }
  free(log);
}

static cl_int build_once(probe *p, const char *stem, const char *options, json_t *where,
                         cl_program *program) {
  cl_int code = CL_SUCCESS;
  char all[512];
  const oclstm__kernel_source *source = oclstm__find_kernel_source(stem);
  snprintf(all, sizeof all, "-cl-std=CL1.2 %s%s", p->nvidia ? "-cl-nv-verbose " : "", options);
  *program =
      clCreateProgramWithSource(p->context, source->n_texts, (const char **)source->texts, NULL, &code);
  if (code == CL_SUCCESS) {
    code = clBuildProgram(*program, 1, &p->device, all, NULL, NULL);
    keep_log(p, *program, where);
  }
  if (code != CL_SUCCESS && *program != NULL) {
    clReleaseProgram(*program);
    *program = NULL;
  }
  return code;
}

/* Compilers differ in how inline PTX is spelt. */
static const char *const SPELLINGS[] = {"-DASM=asm", "-DCLOBBER=", "-DASM=asm -DCLOBBER="};

cl_program probe_build(probe *p, const char *stem, const char *options, json_t *where) {
  cl_program program = NULL;
  cl_int code = build_once(p, stem, options, where, &program);
  for (size_t k = 0; code != CL_SUCCESS && p->nvidia && k < sizeof SPELLINGS / sizeof SPELLINGS[0]; ++k) {
    char spelt[256];
    snprintf(spelt, sizeof spelt, "%s %s", options, SPELLINGS[k]);
    code = build_once(p, stem, spelt, NULL, &program);
    if (code == CL_SUCCESS && where != NULL) {
      json_object_set_new(where, "built_with", json_string(SPELLINGS[k]));
    }
  }
  if (where != NULL) {
    json_object_set_new(where, "build", code == CL_SUCCESS ? json_string("ok") : json_integer(code));
  }
  return program;
}

cl_kernel probe_kernel(probe *p, cl_program program, const char *name) {
  cl_int code = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(program, name, &code);
  return probe_ok(p, code, "clCreateKernel") ? kernel : NULL;
}

/* NVIDIA's binary is the text that its assembler takes. */
static void note_target(const char *text, json_t *where) {
  static const char *const LINES[] = {".version ", ".target "};
  for (size_t k = 0; k < 2; ++k) {
    const char *line = strstr(text, LINES[k]);
    if (line != NULL) {
      const char *value = line + strlen(LINES[k]);
      json_object_set_new(where, k == 0 ? "ptx_version" : "ptx_target",
                          json_stringn_nocheck(value, strcspn(value, "\n")));
    }
  }
}

void probe_keep_binary(probe *p, cl_program program, const char *name, json_t *where) {
  size_t bytes = 0;
  if (!OK(clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL)) || bytes == 0) {
    return;
  }
  unsigned char *binary = calloc(bytes + 1, 1);
  if (binary != NULL &&
      OK(clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, (void *)&binary, NULL))) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.bin", p->folder != NULL ? p->folder : "", name);
    FILE *file = p->folder != NULL ? fopen(path, "wb") : NULL;
    if (file != NULL) {
      fwrite(binary, 1, bytes, file);
      fclose(file);
    }
    json_object_set_new(where, "binary_bytes", json_integer((json_int_t)bytes));
    note_target((const char *)binary, where);
  }
  free(binary);
}

/* ---- buffers ---- */

/* Zeros up to this many bytes are written: oclgrind does not see that a fill is one too. */
enum { WRITTEN_BYTES = 1 << 20 };

cl_mem probe_buffer(probe *p, size_t bytes, const void *values) {
  cl_int code = CL_SUCCESS;
  cl_mem buffer = clCreateBuffer(p->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
  if (!probe_ok(p, code, "clCreateBuffer")) {
    return NULL;
  }
  const cl_uint zero = 0;
  void *zeros = values == NULL && bytes <= WRITTEN_BYTES ? calloc(bytes, 1) : NULL;
  values = values != NULL ? values : zeros;
  bool filled = values != NULL
                    ? probe_write(p, buffer, bytes, values)
                    : OK(clEnqueueFillBuffer(p->queue, buffer, &zero, sizeof zero, 0, bytes, 0, NULL, NULL));
  free(zeros);
  if (!filled) {
    clReleaseMemObject(buffer);
    return NULL;
  }
  return buffer;
}

bool probe_read(probe *p, cl_mem from, size_t bytes, void *to) {
  return OK(clEnqueueReadBuffer(p->queue, from, CL_TRUE, 0, bytes, to, 0, NULL, NULL));
}

bool probe_write(probe *p, cl_mem to, size_t bytes, const void *values) {
  return OK(clEnqueueWriteBuffer(p->queue, to, CL_TRUE, 0, bytes, values, 0, NULL, NULL));
}

void probe_release(cl_mem buffer) {
  if (buffer != NULL) {
    clReleaseMemObject(buffer);
  }
}

/* ---- runs ---- */

bool probe_arguments(probe *p, cl_kernel kernel, const argument *arguments, cl_uint n) {
  bool set = true;
  for (cl_uint k = 0; set && k < n; ++k) {
    set = OK(clSetKernelArg(kernel, k, arguments[k].bytes, arguments[k].value));
  }
  return set;
}

double probe_run(probe *p, cl_kernel kernel, size_t groups, size_t items) {
  const size_t global = groups * items;
  cl_event event = NULL;
  cl_ulong start = 0;
  cl_ulong end = 0;
  if (!OK(clEnqueueNDRangeKernel(p->queue, kernel, 1, NULL, &global, &items, 0, NULL, &event))) {
    return -1.0;
  }
  bool timed = OK(clWaitForEvents(1, &event)) &&
               OK(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL)) &&
               OK(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL));
  clReleaseEvent(event);
  return timed ? (double)(end - start) * 1e-6 : -1.0;
}

double probe_best(probe *p, cl_kernel kernel, size_t groups, size_t items, int runs) {
  double best = -1.0;
  for (int k = 0; k < runs; ++k) {
    double ms = probe_run(p, kernel, groups, items);
    if (ms < 0.0) {
      return ms;
    }
    best = best < 0.0 || ms < best ? ms : best;
  }
  return best;
}

double probe_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return x < y ? -1 : x > y;
}

double probe_median(double *values, size_t n) {
  qsort(values, n, sizeof *values, by_value);
  return values[n / 2];
}

unsigned probe_random(unsigned *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}
