/* Directions and layers that run side by side: which they are, and what each has of the device.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_BESIDE_H
#define OCLSTM_OPENCL_BESIDE_H

#include "opencl/plan.h"

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
