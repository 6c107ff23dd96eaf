/* Arithmetic and memory peaks, by kernels that do nothing else.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "probe.h"

static void note(probe *p, const char *name, double value) {
  json_object_set_new(p->answer, name, json_real(value));
  fprintf(stderr, "  %-28s %10.1f\n", name, value);
}

/* Values of about 1 that no arithmetic can foresee: zeros need less power, and run faster. */
static cl_mem random_buffer(probe *p, size_t n) {
  unsigned state = 11;
  float *values = malloc(n * sizeof *values);
  for (size_t k = 0; values != NULL && k < n; ++k) {
    values[k] = 0.5F + (float)(probe_random(&state) % 65536) / 65536.0F;
  }
  cl_mem buffer = values != NULL ? probe_buffer(p, n * sizeof *values, values) : NULL;
  free(values);
  return buffer;
}

/* GFLOP/s of a kernel (x, turns) that does `per_item` operations a turn and work-item. */
static double rate(probe *p, cl_program program, const char *name, size_t items, size_t groups, size_t words,
                   double per_item, cl_int turns) {
  cl_mem x = random_buffer(p, groups * items * words);
  cl_kernel kernel = probe_kernel(p, program, name);
  double ms = -1.0;
  if (x != NULL && kernel != NULL &&
      probe_arguments(p, kernel, (argument[]){{sizeof x, &x}, {sizeof turns, &turns}}, 2)) {
    ms = probe_best(p, kernel, groups, items, p->quick ? 2 : 7);
  }
  probe_release(x);
  if (kernel != NULL) {
    clReleaseKernel(kernel);
  }
  return ms > 0.0 ? per_item * (double)(groups * items) * turns / ms * 1e-6 : 0.0;
}

static void arithmetic(probe *p) {
  cl_uint width = 1;
  char options[64];
  clGetDeviceInfo(p->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL);
  width = !p->cpu ? 1 : width >= 16 ? 16 : width >= 8 ? 8 : 4;
  snprintf(options, sizeof options, "-DVW=%u", (unsigned)width);
  json_t *where = json_object();
  json_object_set_new(p->answer, "peak_fma_build", where);
  cl_program program = probe_build(p, "peaks", options, where);
  if (program != NULL) {
    size_t items = p->cpu ? 1 : 256;
    size_t groups = p->units * (p->cpu ? 4 : 8);
    cl_int turns = p->quick ? 20000 : p->cpu ? 1000000 : 20000;
    note(p, "fma_gflops", rate(p, program, "peak_fma", items, groups, 16 * width, 32.0 * width, turns));
    clReleaseProgram(program);
  }
}

static void matrices(probe *p) {
  static const struct {
    const char *name, *options;
    double operations; /* of an instruction */
  } FORMATS[] = {{"mma_f16_gflops", "-DMMA=1", 2.0 * 16 * 8 * 16},
                 {"mma_bf16_gflops", "-DMMA=2", 2.0 * 16 * 8 * 16},
                 {"mma_tf32_gflops", "-DMMA=3", 2.0 * 16 * 8 * 8}};
  for (size_t k = 0; k < 3; ++k) {
    cl_program program = p->nvidia ? probe_build(p, "peaks", FORMATS[k].options, NULL) : NULL;
    if (program == NULL) {
      json_object_set_new(p->answer, FORMATS[k].name, p->nvidia ? json_null() : json_string("not NVIDIA"));
      continue;
    }
    note(p, FORMATS[k].name,
         rate(p, program, "peak_mma", 256, p->units * 4, 1, FORMATS[k].operations * 8.0 / 32.0, 20000));
    clReleaseProgram(program);
  }
}

/* Milliseconds of a kernel over `bytes` in two buffers of that size. */
static double over_memory(probe *p, cl_program program, const char *name, size_t bytes, size_t groups,
                          size_t items, cl_int turns) {
  cl_mem from = random_buffer(p, bytes / sizeof(float));
  cl_mem to = probe_buffer(p, bytes, NULL);
  cl_kernel kernel = probe_kernel(p, program, name);
  const cl_ulong n = bytes / 16;
  const argument arguments[] = {
      {sizeof from, &from}, {sizeof to, &to}, {sizeof n, &n}, {sizeof turns, &turns}};
  double ms = -1.0;
  if (from != NULL && to != NULL && kernel != NULL &&
      probe_arguments(p, kernel, arguments, turns > 0 ? 4 : 3)) {
    ms = probe_best(p, kernel, groups, items, p->quick ? 2 : 7);
  }
  probe_release(from);
  probe_release(to);
  if (kernel != NULL) {
    clReleaseKernel(kernel);
  }
  return ms;
}

static void memory(probe *p) {
  cl_program program = probe_build(p, "peaks", "", NULL);
  size_t items = p->cpu ? 64 : 256;
  size_t groups = p->units * (p->cpu ? 4 : 8);
  size_t step = groups * items * 32; /* bytes that all items read at once, in read_words */
  size_t large = p->quick ? (size_t)4 << 20 : p->cpu ? (size_t)256 << 20 : (size_t)1 << 30;
  size_t small = p->cpu ? (size_t)1 << 20 : (size_t)16 << 20;
  if (large > p->most_allocation) {
    large = p->most_allocation;
  }
  if (program == NULL) {
    return;
  }
  large = large / step * step;
  small = small / step > 0 ? small / step * step : step;
  double copied = over_memory(p, program, "copy_words", large, groups, items, 0);
  double read = over_memory(p, program, "read_words", large, groups, items, 1);
  const cl_int turns = p->quick ? 4 : 64;
  double cached = over_memory(p, program, "read_words", small, groups, items, turns);
  note(p, "copy_gb_s", 2.0 * (double)large / copied * 1e-6);
  note(p, "read_gb_s", (double)large / read * 1e-6);
  note(p, "read_small_gb_s", (double)small * turns / cached * 1e-6);
  json_object_set_new(p->answer, "large_bytes", json_integer((json_int_t)large));
  json_object_set_new(p->answer, "small_bytes", json_integer((json_int_t)small));
  clReleaseProgram(program);
}

void ask_peaks(probe *p) {
  arithmetic(p);
  matrices(p);
  memory(p);
}
