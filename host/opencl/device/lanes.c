/* Queues beside the context's own, for work that may run at the same time.
 *
 * Lane 0 is the context's queue, which may be the caller's; the others are in order. A plan forks from lane 0 and joins it
 * again within a call, so that nobody outside sees more than one queue. Whoever waits for a lane finds it flushed.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/lanes.h"
#include "opencl/device/cl.h"

cl_command_queue oclstm__lane(const oclstm__cl *cl, size_t lane) {
  return lane == 0 ? cl->queue : cl->lanes[lane];
}

oclstm_status oclstm__lanes_open(oclstm__cl *cl, size_t n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int cl_code = CL_SUCCESS;
  const cl_command_queue_properties profiling = oclstm__cl_profiled(cl) ? CL_QUEUE_PROFILING_ENABLE : 0;
  (void)pthread_mutex_lock(&cl->lock);
  for (size_t k = 1; k < n; ++k) {
    if (cl->lanes[k] == NULL) {
      CL_OUT(cl->lanes[k], clCreateCommandQueue(cl->context, cl->device, profiling, &cl_code));
    }
  }
done:
  (void)pthread_mutex_unlock(&cl->lock);
  return status;
}

void oclstm__lanes_release(oclstm__cl *cl) {
  for (size_t k = 1; k < OCLSTM__MOST_LANES; ++k) {
    if (cl->lanes[k] != NULL) {
      (void)clReleaseCommandQueue(cl->lanes[k]);
      cl->lanes[k] = NULL;
    }
  }
}

oclstm_status oclstm__lane_mark(const oclstm__cl *cl, size_t lane, cl_event *reached, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  CL(clEnqueueMarkerWithWaitList(oclstm__lane(cl, lane), 0, NULL, reached));
  CL(clFlush(oclstm__lane(cl, lane)));
done:
  return status;
}

void oclstm__event_release(cl_event *event) {
  if (*event != NULL) {
    (void)clReleaseEvent(*event);
    *event = NULL;
  }
}

oclstm_status oclstm__lane_flush(const oclstm__cl *cl, size_t lane, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  CL(clFlush(oclstm__lane(cl, lane)));
done:
  return status;
}

oclstm_status oclstm__lane_await(const oclstm__cl *cl, size_t lane, cl_event mark, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (mark != NULL) {
    CL(clEnqueueBarrierWithWaitList(oclstm__lane(cl, lane), 1, &mark, NULL));
  }
done:
  return status;
}

oclstm_status oclstm__lane_join(const oclstm__cl *cl, size_t lane, cl_event ended, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__lane_flush(cl, lane, error));
  TRY(oclstm__lane_await(cl, 0, ended, error));
done:
  return status;
}

oclstm_status oclstm__lanes_join(const oclstm__cl *cl, const cl_event ended[OCLSTM__MOST_LANES],
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 1; k < OCLSTM__MOST_LANES; ++k) {
    TRY(ended[k] != NULL ? oclstm__lane_join(cl, k, ended[k], error) : OCLSTM_OK);
  }
done:
  return status;
}

/* Waiting flushes. */
static oclstm_status settle(const oclstm__cl *cl, size_t lane, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_event all = NULL;
  CL(clEnqueueMarkerWithWaitList(oclstm__lane(cl, lane), 0, NULL, &all));
  CL(clWaitForEvents(1, &all));
done:
  oclstm__event_release(&all);
  return status;
}

oclstm_status oclstm__cl_settle(const oclstm__cl *cl, oclstm_error *error) {
  return settle(cl, 0, error);
}

void oclstm__lanes_settle(const oclstm__cl *cl, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    (void)settle(cl, k, NULL);
  }
}
