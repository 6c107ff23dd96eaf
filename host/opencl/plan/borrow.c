/* The caller's arrays as they lie: buffers over host memory, on devices whose memory it is.
 *
 * A copy of x and one of y take a fifth of the time of small layers, and one thread's. OpenCL lets an implementation of
 * CL_MEM_USE_HOST_PTR copy as well, so the device is asked by an experiment. Where it does not, a buffer touches its array in
 * commands that name it and at no other time, and may be kept over calls, for the next one with the same array: whether the
 * caller has freed it meanwhile is nobody's business.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"

static cl_mem buffer_over(const oclstm__cl *cl, const void *array, size_t bytes) {
  cl_int code = CL_SUCCESS;
  cl_mem mem = clCreateBuffer(cl->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes,
                              (void *)(uintptr_t)array, &code);
  return code == CL_SUCCESS ? mem : NULL;
}

/* What the host writes behind the buffers' making is what the device reads, and what it writes is there without being
 * asked for. The arrays begin where no allocator would let them. */
static bool shares(const oclstm__cl *cl) {
  enum { N = 1000 };
  float from[N + 1] = {0};
  float to[N + 1] = {0};
  const size_t bytes = N * sizeof(float);
  cl_mem a = buffer_over(cl, from + 1, bytes);
  cl_mem b = buffer_over(cl, to + 1, bytes);
  bool good = a != NULL && b != NULL;
  for (int round = 1; good && round <= 2; ++round) {
    for (int k = 1; k <= N; ++k) {
      from[k] = (float)(round * k);
    }
    good = clEnqueueCopyBuffer(cl->queue, a, b, 0, 0, bytes, 0, NULL, NULL) == CL_SUCCESS;
    good &= oclstm__cl_settle(cl, NULL) == OCLSTM_OK;
    for (int k = 1; k <= N; ++k) {
      good &= to[k] == (float)(round * k);
    }
  }
  if (!good) {
    (void)oclstm__cl_settle(cl, NULL); /* the arrays end here */
  }
  oclstm__buffer_release(&a);
  oclstm__buffer_release(&b);
  return good;
}

void oclstm__ask_sharing(oclstm__cl *cl) {
  if (atomic_load(&cl->sharing) == OCLSTM__SHARING_UNKNOWN) {
    /* llvmpipe would pass the trial; speed is not what it is for. */
    bool cpu = cl->base.device.type == OCLSTM_DEVICE_CPU && cl->most_turns == 0;
    atomic_store(&cl->sharing, cpu && shares(cl) ? OCLSTM__SHARES : OCLSTM__COPIES);
  }
}

cl_mem oclstm__borrow(const oclstm__cl_plan *plan, oclstm__borrowed *slot, const void *array, size_t bytes) {
  oclstm__cl *cl = oclstm__plan_cl(plan);
  if (array == NULL || bytes == 0 || atomic_load(&cl->sharing) != OCLSTM__SHARES) {
    return NULL;
  }
  if (slot->mem == NULL || slot->array != array || slot->bytes < bytes) {
    oclstm__buffer_release(&slot->mem);
    *slot = (oclstm__borrowed){array, bytes, buffer_over(cl, array, bytes)};
  }
  return slot->mem;
}
