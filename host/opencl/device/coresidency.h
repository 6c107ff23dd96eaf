/* How many work-groups a device runs at the same time, and so may meet.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_CORESIDENCY_H
#define OCLSTM_OPENCL_CORESIDENCY_H

#include "opencl/device/cl.h"

/* Work-groups of a launch that were seen to run at the same time, 1 where none were. Thread-safe. */
oclstm_status oclstm__coresident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error);

/* The same before the device was asked: one for each compute unit. */
size_t oclstm__likely_groups(const oclstm__cl *cl);

/* Words of a meeting place: kernels/sync.cl. */
enum { OCLSTM__SYNC_ARRIVED = 0, OCLSTM__SYNC_STALLED = 1, OCLSTM__SYNC_STALLS = 2, OCLSTM__SYNC_WORDS = 16 };

#endif
