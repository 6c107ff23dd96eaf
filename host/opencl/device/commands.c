/* The commands of the library: every kernel, write and read goes through here and is counted, and events of kernels are kept
 * where the context was opened with profiling.
 * SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <time.h>

#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"

double oclstm__now(void) {
  struct timespec t = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { MOST_EVENTS = 4096 }; /* kept before their times are read */

struct oclstm__meter {
  atomic_uint_fast64_t launches, products, bytes_written, bytes_read;
  pthread_mutex_t lock; /* of what follows; taken with profiling only */
  size_t n_events;
  cl_event *events; /* [MOST_EVENTS]; NULL without profiling */
  uint64_t timed, nanoseconds;
};

static void count(atomic_uint_fast64_t *counter, uint64_t n) {
  (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

oclstm_status oclstm__meter_create(oclstm__cl *cl, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__meter *meter = oclstm__alloc(&cl->base.allocator, 1, sizeof *meter);
  REQUIRE(meter != NULL, OCLSTM_E_MEMORY, "counters: %zu bytes", sizeof *meter);
  (void)pthread_mutex_init(&meter->lock, NULL); /* does not fail with default attributes on Linux */
  cl->meter = meter;
done:
  return status;
}

oclstm_status oclstm__meter_profile(const oclstm__cl *cl, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl->meter->events = oclstm__alloc(&cl->base.allocator, MOST_EVENTS, sizeof *cl->meter->events);
  REQUIRE(cl->meter->events != NULL, OCLSTM_E_MEMORY, "%d events", (int)MOST_EVENTS);
done:
  return status;
}

static void release_events(oclstm__meter *meter) {
  for (size_t k = 0; k < meter->n_events; ++k) {
    (void)clReleaseEvent(meter->events[k]);
  }
  meter->n_events = 0;
}

void oclstm__meter_destroy(oclstm__cl *cl) {
  if (cl->meter != NULL) {
    release_events(cl->meter);
    (void)pthread_mutex_destroy(&cl->meter->lock);
    oclstm__free(&cl->base.allocator, cl->meter->events);
    oclstm__free(&cl->base.allocator, cl->meter);
    cl->meter = NULL;
  }
}

/* ---- events ---- */

/* Waits for the kept events and adds up their times. With the lock held; keeps nothing, whatever happens. */
static oclstm_status drain(oclstm__meter *meter, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (meter->n_events > 0) {
    CL(clWaitForEvents((cl_uint)meter->n_events, meter->events));
  }
  for (size_t k = 0; k < meter->n_events; ++k) {
    cl_ulong began = 0;
    cl_ulong ended = 0;
    CL(clGetEventProfilingInfo(meter->events[k], CL_PROFILING_COMMAND_START, sizeof began, &began, NULL));
    CL(clGetEventProfilingInfo(meter->events[k], CL_PROFILING_COMMAND_END, sizeof ended, &ended, NULL));
    meter->nanoseconds += ended > began ? ended - began : 0;
    ++meter->timed;
  }
done:
  release_events(meter);
  return status;
}

static oclstm_status keep(oclstm__meter *meter, cl_event event, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  (void)pthread_mutex_lock(&meter->lock);
  meter->events[meter->n_events++] = event;
  if (meter->n_events == MOST_EVENTS) {
    TRY(drain(meter, error));
  }
done:
  (void)pthread_mutex_unlock(&meter->lock);
  return status;
}

/* ---- commands ---- */

oclstm_status oclstm__cl_order(const oclstm__cl *cl, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (cl->out_of_order) {
    CL(clEnqueueBarrierWithWaitList(cl->queue, 0, NULL, NULL));
  }
done:
  return status;
}

oclstm_status oclstm__cl_enqueue(const oclstm__cl *cl, oclstm__turn turn, cl_kernel kernel,
                                 cl_uint dimensions, const size_t *global, const size_t *local,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_event event = NULL;
  cl_event *wanted = cl->meter->events != NULL || turn.done != NULL ? &event : NULL;
  const cl_uint n_wait = turn.behind != NULL;
  CL(clEnqueueNDRangeKernel(oclstm__lane(cl, turn.lane), kernel, dimensions, NULL, global, local, n_wait,
                            n_wait > 0 ? &turn.behind : NULL, wanted));
  count(&cl->meter->launches, 1);
  if (turn.done != NULL) {
    *turn.done = event;
  }
  if (cl->meter->events != NULL) {
    CL(turn.done != NULL ? clRetainEvent(event) : CL_SUCCESS);
    TRY(keep(cl->meter, event, error));
  }
  TRY(turn.lane == 0 ? oclstm__cl_order(cl, error) : OCLSTM_OK);
done:
  return status;
}

oclstm_status oclstm__set_args(cl_kernel kernel, cl_uint first, const oclstm__arg *args, size_t n,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < n; ++k) {
    CL(clSetKernelArg(kernel, first + (cl_uint)k, args[k].bytes, args[k].value));
  }
done:
  return status;
}

oclstm_status oclstm__enqueue_in_turn(const oclstm__cl *cl, oclstm__turn turn, cl_kernel kernel, size_t items,
                                      size_t local, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t global = oclstm__round_up(items, local);
  TRY(oclstm__cl_enqueue(cl, turn, kernel, 1, &global, &local, error));
done:
  return status;
}

oclstm_status oclstm__enqueue_items(const oclstm__cl *cl, cl_kernel kernel, size_t items, size_t local,
                                    oclstm_error *error) {
  return oclstm__enqueue_in_turn(cl, OCLSTM__IN_ORDER, kernel, items, local, error);
}

bool oclstm__cl_profiled(const oclstm__cl *cl) {
  return cl->meter->events != NULL;
}

oclstm_status oclstm__cl_product_called(const oclstm__cl *cl, size_t lane, cl_event event,
                                        oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  count(&cl->meter->launches, 1);
  count(&cl->meter->products, 1);
  if (event != NULL) {
    TRY(keep(cl->meter, event, error));
  }
  TRY(lane == 0 ? oclstm__cl_order(cl, error) : OCLSTM_OK);
done:
  return status;
}

oclstm_status oclstm__cl_write(const oclstm__cl *cl, cl_mem to, cl_bool blocking, size_t offset, size_t bytes,
                               const void *from, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  CL(clEnqueueWriteBuffer(cl->queue, to, blocking, offset, bytes, from, 0, NULL, NULL));
  count(&cl->meter->bytes_written, bytes);
done:
  return status;
}

oclstm_status oclstm__cl_read(const oclstm__cl *cl, cl_mem from, size_t bytes, void *to,
                              oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  CL(clEnqueueReadBuffer(cl->queue, from, CL_TRUE, 0, bytes, to, 0, NULL, NULL));
  count(&cl->meter->bytes_read, bytes);
done:
  return status;
}

/* ---- the engine ---- */

oclstm_status oclstm__cl_counters(oclstm_context *context, oclstm_counters *counters, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__meter *meter = oclstm__cl_of(context)->meter;
  (void)pthread_mutex_lock(&meter->lock);
  TRY(drain(meter, error));
  counters->launches = atomic_load_explicit(&meter->launches, memory_order_relaxed);
  counters->products = atomic_load_explicit(&meter->products, memory_order_relaxed);
  counters->bytes_written = atomic_load_explicit(&meter->bytes_written, memory_order_relaxed);
  counters->bytes_read = atomic_load_explicit(&meter->bytes_read, memory_order_relaxed);
  counters->timed_launches = meter->timed;
  counters->kernel_nanoseconds = meter->nanoseconds;
done:
  (void)pthread_mutex_unlock(&meter->lock);
  return status;
}

oclstm_status oclstm__cl_counters_reset(oclstm_context *context, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__meter *meter = oclstm__cl_of(context)->meter;
  (void)pthread_mutex_lock(&meter->lock);
  TRY(drain(meter, error));
  atomic_store_explicit(&meter->launches, 0, memory_order_relaxed);
  atomic_store_explicit(&meter->products, 0, memory_order_relaxed);
  atomic_store_explicit(&meter->bytes_written, 0, memory_order_relaxed);
  atomic_store_explicit(&meter->bytes_read, 0, memory_order_relaxed);
  meter->timed = 0;
  meter->nanoseconds = 0;
done:
  (void)pthread_mutex_unlock(&meter->lock);
  return status;
}
