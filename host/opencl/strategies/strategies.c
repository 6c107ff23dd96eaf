/* The table of strategies.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "opencl/plan.h"
#include "opencl/strategies/strategy.h"

/* In the order in which they are tried: one launch a step beats two on all but large GPUs. */
static const oclstm__strategy *const STRATEGIES[] = {&oclstm__fused_step, &oclstm__rows_strategy,
                                                     &oclstm__grid_strategy, &oclstm__stepwise};
enum { N_STRATEGIES = sizeof STRATEGIES / sizeof STRATEGIES[0] };

const oclstm__strategy *oclstm__strategy_at(size_t index) {
  return index < N_STRATEGIES ? STRATEGIES[index] : NULL;
}

const oclstm__strategy *oclstm__strategy_by_id(oclstm_strategy id) {
  for (size_t k = 0; k < N_STRATEGIES; ++k) {
    if (STRATEGIES[k]->id == id) {
      return STRATEGIES[k];
    }
  }
  assert(false && "what is not in the table was refused before");
  return NULL;
}

bool oclstm__owns_input(const oclstm__cl_plan *plan, const oclstm__strategy *strategy) {
  return strategy->prepare_input != NULL && oclstm__plan_cl(plan)->vector_width > 1;
}
