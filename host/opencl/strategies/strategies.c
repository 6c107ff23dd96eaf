/* The table of strategies, and who multiplies.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"
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

/* Fewer rows leave so much of AMX's tiles empty that plain products are as fast. */
enum { FEW_ROWS = 3 };

/* What is stored in 16 bits is multiplied by the device's matrix instructions where it has them; otherwise NULL. */
static const oclstm__gemm_provider *by_instructions(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                                    char *why_not, size_t bytes) {
  oclstm_device_type type = cl->base.device.type;
  bool automatic = desc->gemm == OCLSTM_GEMM_AUTO && desc->precision != OCLSTM_PRECISION_F32;
  bool mma = desc->gemm == OCLSTM_GEMM_MMA || (automatic && type == OCLSTM_DEVICE_GPU);
  bool amx =
      desc->gemm == OCLSTM_GEMM_AMX || (automatic && type == OCLSTM_DEVICE_CPU &&
                                        desc->precision == OCLSTM_PRECISION_BF16 && desc->rows > FEW_ROWS);
  if (mma && oclstm__mma_serves(cl, desc->precision, why_not, bytes)) {
    return &oclstm__gemm_mma;
  }
  return amx && oclstm__amx_serves(cl, desc->precision, why_not, bytes) ? &oclstm__gemm_amx : NULL;
}

/* AUTO in float32: CLBlast where it serves, except where a strategy that was not asked for by name runs on a CPU device:
 * our own product is several times faster there (docs/strategies.md). In 16 bits: matrix instructions, or our own. */
oclstm_status oclstm__choose_gemm(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                  const oclstm__gemm_provider **gemm, char *why, size_t bytes,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool own_is_faster =
      cl->base.device.type == OCLSTM_DEVICE_CPU && desc->strategy != OCLSTM_STRATEGY_STEPWISE;
  why[0] = '\0';
  const oclstm__gemm_provider *instructions = by_instructions(cl, desc, why, bytes);
  *gemm = instructions != NULL ? instructions : &oclstm__gemm_plain;
  if (instructions != NULL) {
    why[0] = '\0';
  } else if (desc->gemm == OCLSTM_GEMM_PLAIN) {
    (void)snprintf(why, bytes, "as asked");
  } else if (desc->precision != OCLSTM_PRECISION_F32) {
    if (why[0] == '\0') {
      (void)snprintf(why, bytes, "CLBlast would add in 16 bits");
    }
  } else if (desc->gemm == OCLSTM_GEMM_AUTO && own_is_faster) {
    (void)snprintf(why, bytes, "faster than CLBlast on a CPU device");
  } else if (oclstm__clblast_serves(cl, why, bytes)) {
    *gemm = &oclstm__gemm_clblast;
  } else {
    oclstm__log(&cl->base.log, OCLSTM_LOG_WARNING, "%s", why);
    REQUIRE(desc->gemm != OCLSTM_GEMM_CLBLAST, OCLSTM_E_UNSUPPORTED, "%s", why);
  }
done:
  return status;
}
