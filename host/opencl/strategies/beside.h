/* Directions and layers that run side by side: which they are, what each has of the device, and the queues that they run in.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_BESIDE_H
#define OCLSTM_OPENCL_BESIDE_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/strategy.h"

/* ---- lanes.c ---- */

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

/* ---- division.c ---- */

/* Of so many groups that run at the same time, those that are one runner's where others may run beside it. */
size_t oclstm__part_of_groups(const oclstm__cl_plan *plan, const oclstm__runner *runner, size_t groups);
/* Slices of rows, and members that share the units of each: kernels/chunk.cl and resident.cl. 0, 0: a strategy with
 * neither. */
typedef struct oclstm__division {
  size_t slices, members;
  size_t all_slices; /* of all groups, not of the runner's part */
} oclstm__division;
/* What a way comes to, on paper: nothing has to be made, nor the device asked. */
oclstm__division oclstm__divide(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                const oclstm__candidate *way);
/* What chunk.cl runs for a way of rows or grid. */
oclstm__division oclstm__divide_chunk(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                      const oclstm__candidate *way);

/* ---- beside.c ---- */

/* Whether layer l can run a block of steps behind layer l - 1, as far as they themselves say. */
bool oclstm__follows(const oclstm_model *model, size_t l);
/* How many runners, this layer's among them, depend on each other so little that they may run side by side. 1: none. */
size_t oclstm__beside(const oclstm__cl_plan *plan, size_t layer);
/* The most of all layers: decides plan->n_lanes, n_activations and n_gx, and opens the lanes. */
oclstm_status oclstm__decide_lanes(oclstm__cl_plan *plan, oclstm_error *error);
/* Of a step on the runner's part of the groups: as it was measured, or from the arithmetic of a core. */
double oclstm__seconds_of_step(const oclstm__cl_plan *plan, const oclstm__runner *runner);
/* Work-groups of a launch, of rows or grid. */
size_t oclstm__groups_of(const oclstm__runner *runner);
/* How many launches like the runner's, which is made, the device runs at the same time, of those that may. */
size_t oclstm__lanes_of(const oclstm__cl_plan *plan, const oclstm__runner *runner);
/* Whether that would be more than one of a way, on paper. */
bool oclstm__leaves_room(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                         const oclstm__candidate *way);
/* Whether n steps that nothing runs beside are worth all groups. */
bool oclstm__takes_all(const oclstm__cl_plan *plan, const oclstm__runner *runner, size_t n);
/* Whether the two directions of a layer run side by side. */
bool oclstm__directions_beside(const oclstm__cl_plan *plan, size_t layer);
/* How many layers, from this one on and at most `most`, run side by side, each some steps behind the one before. */
size_t oclstm__chain(const oclstm__cl_plan *plan, size_t layer, size_t most);
/* What running side by side costs besides, filling and emptying a chain for one, as a factor of the time of a step, which is
 * `step` seconds alone. */
double oclstm__beside_price(const oclstm__cl_plan *plan, const oclstm__runner *runner, size_t lanes,
                            double step);
/* Lanes of so many layers. */
size_t oclstm__chain_lanes(const oclstm__cl_plan *plan, size_t layer, size_t length);
/* Steps that a layer of a chain is behind the one before, of n; n: they do not run side by side. */
size_t oclstm__chain_block(const oclstm__cl_plan *plan, size_t layer, size_t length, size_t n);

#endif
