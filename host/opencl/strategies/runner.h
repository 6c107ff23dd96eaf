/* Runners: one direction of one layer, made ready to run.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_RUNNER_H
#define OCLSTM_OPENCL_RUNNER_H

#include "opencl/plan.h"

/* What it has whichever way its steps are run. */
oclstm_status oclstm__runner_create(oclstm__cl_plan *plan, size_t layer, size_t direction,
                                    oclstm_error *error);
/* Decides for one of the ways, on paper. What was made for another is released. */
void oclstm__runner_take(oclstm__cl_plan *plan, oclstm__runner *runner, size_t way, const char *reason);
/* Makes what the choice wants, unless measuring has left it made. */
oclstm_status oclstm__runner_make(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);
void oclstm__runner_release(oclstm__runner *runner);
/* Where a runner finds its input projection. */
cl_mem oclstm__gx_of(const oclstm__cl_plan *plan, const oclstm__runner *runner);
/* The provider's product with W_ih, for strategies that do not own theirs. */
oclstm_status oclstm__input_create(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);
/* Packs and compiles everything else of runner->choice. */
oclstm_status oclstm__stages_create(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);
void oclstm__stages_release(oclstm__runner *runner);

#endif
