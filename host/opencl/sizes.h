/* How large the buffers of a plan are, and how many steps it takes at once.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_SIZES_H
#define OCLSTM_OPENCL_SIZES_H

#include "opencl/plan.h"

/* ---- sizes.c ---- */

/* Widest rows between layers, at the ends and in gx, in elements. */
typedef struct oclstm__widths {
  size_t activation, caller, gates, cells;
  size_t units, product; /* of a batch row within a step: widest HP, widest vectors*UP */
  bool between;          /* something goes from a stage to the next */
} oclstm__widths;
oclstm__widths oclstm__plan_widths(const oclstm_model *model, bool cells);
/* Decides plan->base.desc.steps. E_DEVICE_MEMORY, E_LIMIT when even what is asked for does not fit. */
oclstm_status oclstm__decide_steps(oclstm__cl_plan *plan, oclstm_error *error);
#define OCLSTM__GX "input projection" /* what gx is accounted as */
/* Releases gx where every runner makes its own, all but what the head needs. */
oclstm_status oclstm__settle_gx(oclstm__cl_plan *plan, oclstm_error *error);

#endif
