/* What the host pays for an enqueue, what the device needs between two kernels, and whether two queues overlap.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "probe.h"

enum { MOST_EVENTS = 2000 };

static void note(probe *p, const char *name, double value) {
  json_object_set_new(p->answer, name, json_real(value));
  fprintf(stderr, "  %-34s %10.3f\n", name, value);
}

/* Microseconds of the host for an enqueue, and of the whole for a kernel when very many wait in the queue. */
static void enqueues(probe *p, cl_kernel kernel, bool set_argument) {
  const int n = p->quick ? 100 : MOST_EVENTS;
  const size_t global = 64;
  double host[5], all[5];
  for (int run = 0; run < 5; ++run) {
    bool fine = true;
    clFinish(p->queue);
    double start = probe_now();
    for (int k = 0; fine && k < n; ++k) {
      const cl_int number = k;
      fine = (!set_argument || OK(clSetKernelArg(kernel, 1, sizeof number, &number))) &&
             OK(clEnqueueNDRangeKernel(p->queue, kernel, 1, NULL, &global, &global, 0, NULL, NULL));
    }
    double enqueued = probe_now();
    clFinish(p->queue);
    double finished = probe_now();
    if (!fine) {
      return;
    }
    host[run] = (enqueued - start) / n * 1e6;
    all[run] = (finished - start) / n * 1e6;
  }
  note(p, set_argument ? "enqueue_with_argument_host_us" : "enqueue_host_us", probe_median(host, 5));
  note(p, set_argument ? "kernel_in_stream_with_argument_us" : "kernel_in_stream_us", probe_median(all, 5));
}

/* Nanoseconds from the end of a kernel to the start of the next on one in-order queue, by the device's clock. */
static void gaps(probe *p, cl_kernel kernel) {
  const size_t n = p->quick ? 50 : 1000;
  const size_t global = 64;
  cl_event events[MOST_EVENTS];
  double gap[MOST_EVENTS];
  size_t made = 0;
  while (made < n &&
         OK(clEnqueueNDRangeKernel(p->queue, kernel, 1, NULL, &global, &global, 0, NULL, &events[made]))) {
    ++made;
  }
  clFinish(p->queue);
  size_t known = 0;
  for (size_t k = 0; k + 1 < made; ++k) {
    cl_ulong end = 0;
    cl_ulong start = 0;
    if (OK(clGetEventProfilingInfo(events[k], CL_PROFILING_COMMAND_END, sizeof end, &end, NULL)) &&
        OK(clGetEventProfilingInfo(events[k + 1], CL_PROFILING_COMMAND_START, sizeof start, &start, NULL))) {
      gap[known++] = (double)start - (double)end;
    }
  }
  for (size_t k = 0; k < made; ++k) {
    clReleaseEvent(events[k]);
  }
  if (known > 0) {
    note(p, "gap_between_kernels_ns", probe_median(gap, known));
    note(p, "gap_least_ns", gap[0]);
  }
}

/* Milliseconds for `kernels` kernels, each on the next of the queues. */
static double on_queues(probe *p, cl_command_queue *queues, size_t n_queues, cl_kernel kernel,
                        size_t kernels) {
  const size_t global = 64;
  double start = probe_now();
  for (size_t k = 0; k < kernels; ++k) {
    if (!OK(clEnqueueNDRangeKernel(queues[k % n_queues], kernel, 1, NULL, &global, &global, 0, NULL, NULL))) {
      return -1.0;
    }
  }
  for (size_t q = 0; q < n_queues; ++q) {
    clFlush(queues[q]);
  }
  for (size_t q = 0; q < n_queues; ++q) {
    clFinish(queues[q]);
  }
  return (probe_now() - start) * 1e3;
}

/* One group keeps one unit busy: two such kernels take the time of one when queues overlap. */
static void overlap(probe *p, const char *name, cl_command_queue_properties properties, size_t n_queues,
                    cl_kernel kernel) {
  cl_command_queue queues[2] = {NULL, NULL};
  cl_int code = CL_SUCCESS;
  double one[5], two[5];
  for (size_t q = 0; q < n_queues; ++q) {
    queues[q] = clCreateCommandQueue(p->context, p->device, properties, &code);
    if (!probe_ok(p, code, "clCreateCommandQueue")) {
      n_queues = q;
    }
  }
  for (int run = 0; n_queues > 0 && run < 5; ++run) {
    one[run] = on_queues(p, queues, 1, kernel, 1);
    two[run] = on_queues(p, queues, n_queues, kernel, 2);
  }
  if (n_queues > 0) {
    char full[64];
    double alone = probe_median(one, 5);
    snprintf(full, sizeof full, "%s_one_kernel_ms", name);
    note(p, full, alone);
    snprintf(full, sizeof full, "%s_two_kernels_ratio", name);
    note(p, full, probe_median(two, 5) / alone);
  }
  for (size_t q = 0; q < n_queues; ++q) {
    clReleaseCommandQueue(queues[q]);
  }
}

static void transfers(probe *p) {
  static const size_t BYTES[] = {4, 4096, 1 << 20, 64 << 20};
  const size_t n = p->quick ? 2 : 4;
  char *host = calloc(BYTES[3], 1);
  json_t *rows = json_array();
  json_object_set_new(p->answer, "transfers", rows);
  for (size_t s = 0; host != NULL && s < n; ++s) {
    cl_mem buffer = probe_buffer(p, BYTES[s], NULL);
    double read[9], write[9];
    for (int run = 0; buffer != NULL && run < 9; ++run) {
      double start = probe_now();
      probe_write(p, buffer, BYTES[s], host);
      double middle = probe_now();
      probe_read(p, buffer, BYTES[s], host);
      write[run] = (middle - start) * 1e6;
      read[run] = (probe_now() - middle) * 1e6;
    }
    if (buffer != NULL) {
      json_array_append_new(rows, json_pack("{s:I, s:f, s:f}", "bytes", (json_int_t)BYTES[s], "write_us",
                                            probe_median(write, 9), "read_us", probe_median(read, 9)));
    }
    probe_release(buffer);
  }
  free(host);
}

/* Kernels that depend on each other run in order: 100 additions of 1 make 100. */
static void check_order(probe *p, cl_program program, cl_mem counts) {
  const size_t global = 64;
  cl_uint sum = 0;
  cl_kernel kernel = probe_kernel(p, program, "count");
  if (kernel != NULL && probe_arguments(p, kernel, (argument[]){{sizeof counts, &counts}}, 1)) {
    for (int k = 0; k < 100; ++k) {
      OK(clEnqueueNDRangeKernel(p->queue, kernel, 1, NULL, &global, &global, 0, NULL, NULL));
    }
    gaps(p, kernel);
    probe_read(p, counts, sizeof sum, &sum);
    json_object_set_new(p->answer, "dependent_kernels_counted", json_integer(sum));
  }
  if (kernel != NULL) {
    clReleaseKernel(kernel);
  }
}

void ask_launch(probe *p) {
  cl_program program = probe_build(p, "launch", "", p->answer);
  cl_mem x = probe_buffer(p, 4096, NULL);
  cl_mem counts = probe_buffer(p, 4096, NULL);
  cl_kernel nothing = program != NULL ? probe_kernel(p, program, "nothing") : NULL;
  cl_kernel wait = program != NULL ? probe_kernel(p, program, "wait_a_while") : NULL;
  const cl_int zero = 0;
  const cl_int turns = p->quick ? 20000 : 2000000;
  if (x != NULL && counts != NULL && nothing != NULL && wait != NULL &&
      probe_arguments(p, nothing, (argument[]){{sizeof x, &x}, {sizeof zero, &zero}}, 2) &&
      probe_arguments(p, wait, (argument[]){{sizeof x, &x}, {sizeof turns, &turns}}, 2)) {
    enqueues(p, nothing, false);
    enqueues(p, nothing, true);
    check_order(p, program, counts);
    overlap(p, "two_queues", 0, 2, wait);
    overlap(p, "out_of_order", CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, 1, wait);
    transfers(p);
  }
  const cl_kernel kernels[] = {nothing, wait};
  for (size_t k = 0; k < 2; ++k) {
    if (kernels[k] != NULL) {
      clReleaseKernel(kernels[k]);
    }
  }
  probe_release(x);
  probe_release(counts);
  if (program != NULL) {
    clReleaseProgram(program);
  }
}
