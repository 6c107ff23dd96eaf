/* How many work-groups run at the same time, by their size, their local memory and their registers.
 * SPDX-License-Identifier: MIT */
#include "probe.h"

/* Looks before a group gives up: tenths of a second, with a pause between two looks on a CPU, where the operating system
 * may have something better to do than to run the other group. */
enum { LOOKS = 200 * 1000, LOOKS_CPU = 500 * 1000 };

static const char *pause_of(const probe *p) {
  return p->cpu ? " -DPAUSE=500" : "";
}

/* Whether `groups` groups of a kernel all met. */
static bool met(probe *p, cl_kernel kernel, cl_uint groups, size_t items, size_t local_bytes) {
  const cl_uint polls = p->cpu ? LOOKS_CPU : LOOKS;
  const cl_uint n_words = (cl_uint)(local_bytes / sizeof(cl_uint));
  cl_uint counts[2] = {0, 1};
  cl_mem state = probe_buffer(p, sizeof counts, NULL);
  cl_mem values = probe_buffer(p, items * 256 * sizeof(cl_float), NULL);
  cl_mem sums = probe_buffer(p, groups * items * sizeof(cl_float), NULL);
  const argument arguments[] = {{sizeof state, &state},    {sizeof groups, &groups}, {sizeof polls, &polls},
                                {sizeof values, &values},  {sizeof sums, &sums},     {local_bytes, NULL},
                                {sizeof n_words, &n_words}};
  bool ran = state != NULL && values != NULL && sums != NULL && probe_arguments(p, kernel, arguments, 7) &&
             probe_run(p, kernel, groups, items) >= 0.0 && probe_read(p, state, sizeof counts, counts);
  probe_release(state);
  probe_release(values);
  probe_release(sums);
  return ran && counts[0] == groups && counts[1] == 0;
}

static void search(probe *p, size_t items, size_t local_bytes, int live, json_t *rows) {
  char options[96];
  snprintf(options, sizeof options, "-DLIVE=%d%s", live, pause_of(p));
  json_t *row = json_pack("{s:I, s:I, s:i}", "items", (json_int_t)items, "local_bytes",
                          (json_int_t)local_bytes, "live_floats", live);
  json_array_append_new(rows, row);
  cl_program program = probe_build(p, "coresidency", options, row);
  cl_kernel kernel = program != NULL ? probe_kernel(p, program, "coresidency") : NULL;
  cl_uint most = 0;
  if (kernel != NULL) {
    const cl_uint per_unit = p->quick ? 2 : 32;
    for (cl_uint k = 1; k <= per_unit && met(p, kernel, k * p->units, items, local_bytes); ++k) {
      most = k;
    }
    size_t allowed = 0;
    cl_ulong spilled = 0;
    clGetKernelWorkGroupInfo(kernel, p->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof allowed, &allowed, NULL);
    clGetKernelWorkGroupInfo(kernel, p->device, CL_KERNEL_PRIVATE_MEM_SIZE, sizeof spilled, &spilled, NULL);
    json_object_set_new(row, "kernel_most_items", json_integer((json_int_t)allowed));
    json_object_set_new(row, "private_bytes", json_integer((json_int_t)spilled));
    clReleaseKernel(kernel);
  }
  if (program != NULL) {
    clReleaseProgram(program);
  }
  json_object_set_new(row, "groups_per_unit", json_integer(most));
  fprintf(stderr, "  items %5zu  local %6zu B  live floats %3d  groups a unit %u\n", items, local_bytes, live,
          most);
}

/* One group more than fit must be seen to fail: otherwise the question answers itself. */
static void control(probe *p, json_t *rows) {
  const json_t *first = json_array_get(rows, 0);
  json_int_t most = json_integer_value(json_object_get(first, "groups_per_unit"));
  cl_program program = probe_build(p, "coresidency", pause_of(p), NULL);
  cl_kernel kernel = program != NULL ? probe_kernel(p, program, "coresidency") : NULL;
  if (kernel != NULL) {
    cl_uint groups = (cl_uint)most * p->units + 1;
    size_t items = (size_t)json_integer_value(json_object_get(first, "items"));
    bool all =
        met(p, kernel, groups, items, (size_t)json_integer_value(json_object_get(first, "local_bytes")));
    json_object_set_new(p->answer, "one_more_meets", json_boolean(all));
    clReleaseKernel(kernel);
  }
  if (program != NULL) {
    clReleaseProgram(program);
  }
}

void ask_coresidency(probe *p) {
  static const size_t ITEMS[] = {128, 256, 512, 1024};
  static const size_t LOCAL[] = {1024, 16384, 32768, 49152};
  static const int LIVE[] = {64, 128, 160, 200};
  json_t *rows = json_array();
  json_object_set_new(p->answer, "groups", rows);
  if (p->quick || p->cpu) {
    search(p, 1, 1024, 1, rows);
    if (p->most_items >= 16) {
      search(p, 16, 4096, 4, rows);
    }
    control(p, rows);
    return;
  }
  for (size_t i = 0; i < 4; ++i) {
    for (size_t m = 0; m < 4 && ITEMS[i] <= p->most_items; ++m) {
      if (LOCAL[m] <= p->local_bytes) {
        search(p, ITEMS[i], LOCAL[m], 1, rows);
      }
    }
  }
  for (size_t i = 0; i < 3; ++i) { /* weights in registers: 1024 items have 64 registers each, no more */
    for (size_t k = 0; k < 4 && ITEMS[i] <= p->most_items; ++k) {
      search(p, ITEMS[i], 49152, LIVE[k], rows);
    }
  }
  control(p, rows);
}
