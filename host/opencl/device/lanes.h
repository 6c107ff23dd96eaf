/* Queues beside the context's own, for work that may run at the same time.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_LANES_H
#define OCLSTM_OPENCL_LANES_H

#include "opencl/device/cl.h"

/* Makes the queues of lanes 1 .. n - 1, once a context. Thread-safe; whoever has called it may use them. */
oclstm_status oclstm__lanes_open(oclstm__cl *cl, size_t n, oclstm_error *error);
void oclstm__lanes_release(oclstm__cl *cl);
void oclstm__event_release(cl_event *event); /* *event may be NULL, and is afterwards */
cl_command_queue oclstm__lane(const oclstm__cl *cl, size_t lane);
/* *reached, the caller's to release: everything that is in the lane by now has ended. */
oclstm_status oclstm__lane_mark(const oclstm__cl *cl, size_t lane, cl_event *reached, oclstm_error *error);
/* What comes into the lane from now on waits for a mark, or NULL. */
oclstm_status oclstm__lane_await(const oclstm__cl *cl, size_t lane, cl_event mark, oclstm_error *error);
oclstm_status oclstm__lane_flush(const oclstm__cl *cl, size_t lane, oclstm_error *error);
/* Lane 0 goes on when what `ended` is of has ended; it is in that lane. Or in all lanes whose event is not NULL. */
oclstm_status oclstm__lane_join(const oclstm__cl *cl, size_t lane, cl_event ended, oclstm_error *error);
oclstm_status oclstm__lanes_join(const oclstm__cl *cl, const cl_event ended[OCLSTM__MOST_LANES],
                                 oclstm_error *error);
/* Behind a failure: waits for all of them as well as it can. */
void oclstm__lanes_settle(const oclstm__cl *cl, size_t n);
/* Waits for what has been enqueued, without a clFinish on a queue that may be the caller's. */
oclstm_status oclstm__cl_settle(const oclstm__cl *cl, oclstm_error *error);

#endif
