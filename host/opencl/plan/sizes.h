/* How large the buffers of a plan are, and how many steps it takes at once.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_SIZES_H
#define OCLSTM_OPENCL_SIZES_H

#include "opencl/plan.h"

/* ---- sizes.c ---- */

/* Widest rows between layers, at the ends and in gx, in elements. */
typedef struct oclstm__widths {
  size_t activation, caller, gates, cells;
  size_t product; /* of a batch row within a step: widest vectors*UP */
  size_t between; /* of a batch row, from stages to the next ones, HP of all runners that have two */
} oclstm__widths;
oclstm__widths oclstm__plan_widths(const oclstm_model *model, bool cells);
/* Decides plan->base.desc.steps. E_DEVICE_MEMORY, E_LIMIT when even what is asked for does not fit. */
oclstm_status oclstm__decide_steps(oclstm__cl_plan *plan, oclstm_error *error);

/* ---- buffers.c ---- */

oclstm_status oclstm__buffers_create(oclstm__cl_plan *plan, oclstm_error *error);
/* Behind all choices: releases what is for others. */
oclstm_status oclstm__buffers_settle(oclstm__cl_plan *plan, oclstm_error *error);
void oclstm__buffers_release(oclstm__cl_plan *plan);

#endif
