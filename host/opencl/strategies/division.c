/* How a runner is divided among work-groups, and which part of a device's groups it may take.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/strategy.h"

enum { ROWS_WORTH_A_CHAIN = 4 }; /* of a group */

/* A group that runs has its share of everything else: a core and its cache, registers, local memory. So groups that run at the
 * same time are what runners share, and those that may run side by side get equal parts, or there would not be room for all of
 * them at once. Two kinds get all groups instead, and run one after the other:
 *
 * - What does not fit its part: W_hh that its registers do not hold (the caller looks), more members than it has groups.
 * - Layers of a chain with more rows a group than ROWS_WORTH_A_CHAIN. A chain takes time to fill and to empty, which is worth it
 *   where a layer would leave most of its tiles empty. */
size_t oclstm__part_of_groups(const oclstm__cl_plan *plan, const oclstm__runner *r, size_t groups) {
  const bool chain = r->layer->direction != OCLSTM_BIDIRECTIONAL;
  return chain && plan->base.desc.rows > ROWS_WORTH_A_CHAIN * groups ? groups
                                                                     : oclstm__max(groups / r->beside, 1);
}

/* rows needs no groups that run at the same time, so units are counted. grid shares units first: what one member reads of the
 * weights is what its cache has to hold. */
oclstm__division oclstm__divide_chunk(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                      const oclstm__candidate *way) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const bool grid = way->strategy == &oclstm__grid_strategy;
  const size_t groups = grid ? oclstm__likely_groups(cl) : oclstm__max(cl->base.device.compute_units, 1);
  const size_t members = grid ? oclstm__min(groups, way->groups) : 1;
  const size_t slices = oclstm__max(oclstm__part_of_groups(plan, r, groups) / members, 1);
  const size_t B = plan->base.desc.rows;
  return (oclstm__division){oclstm__min(slices, B), members, oclstm__min(groups / members, B)};
}

oclstm__division oclstm__divide(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                const oclstm__candidate *way) {
  oclstm__resident shape;
  if (way->strategy == &oclstm__grid_strategy && oclstm__resident_divide(plan, r, way, &shape)) {
    return (oclstm__division){shape.slices, shape.members, shape.slices};
  }
  if (way->strategy == &oclstm__grid_strategy || way->strategy == &oclstm__rows_strategy) {
    return oclstm__divide_chunk(plan, r, way);
  }
  return (oclstm__division){0, 0, 0};
}
