/* What a plan says of itself: choices, reasons, memory.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_EXPLAIN_H
#define OCLSTM_OPENCL_EXPLAIN_H

#include "opencl/plan.h"

#define OCLSTM__LAYER_WEIGHTS "weights of layers"
void oclstm__account(oclstm__cl_plan *plan, const char *purpose);
/* Everything under a name is released; or so many bytes of it. */
void oclstm__discharge(oclstm__cl_plan *plan, const char *purpose);
void oclstm__credit(oclstm__cl_plan *plan, const char *purpose, uint64_t bytes);
/* Writes "why" of one of the ways. */
void oclstm__judge(oclstm__runner *runner, size_t way, oclstm_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether one of the ways takes part and has not been judged yet. */
bool oclstm__is_open(const oclstm__runner *runner, size_t way);
#define OCLSTM__BETTER 0.97 /* of the time: less than this is what runs differ by */
/* The verdict on all that were measured and are not the best. */
void oclstm__judge_losers(oclstm__runner *runner, size_t best);
/* Fills what the plan says of a runner that is made. */
void oclstm__explain_choice(const oclstm__cl_plan *plan, oclstm__runner *runner);
/* What plan->base.info says of all runners. */
void oclstm__explain_plan(oclstm__cl_plan *plan, const char *why_gemm);
const oclstm_plan_layer *oclstm__cl_plan_layer(const oclstm_plan *plan, size_t layer, size_t direction);
const oclstm_plan_candidate *oclstm__cl_plan_candidate(const oclstm_plan *plan, size_t layer,
                                                       size_t direction, size_t index);
const oclstm_plan_memory *oclstm__cl_plan_memory(const oclstm_plan *plan, size_t index);

#endif
