/* The table of strategies, the choice among them, and what they share.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>

#include "opencl/plan.h"

static const oclstm__strategy *const STRATEGIES[] = {&oclstm__stepwise, &oclstm__fused_step,
                                                     &oclstm__rows_strategy, &oclstm__grid_strategy};

static const oclstm__strategy *by_id(oclstm_strategy id) {
  for (size_t k = 0; k < sizeof STRATEGIES / sizeof STRATEGIES[0]; ++k) {
    if (STRATEGIES[k]->id == id) {
      return STRATEGIES[k];
    }
  }
  return NULL;
}

/* One kernel a step beats two wherever the step is bound by launches or by reading W_hh; a GPU with many rows has enough
 * arithmetic in a step for CLBlast's product to win. */
enum { FEW_ROWS = 16 };

static const oclstm__strategy *automatic(const oclstm__cl *cl, const oclstm_model *model,
                                         const oclstm_plan_desc *desc, const char **why) {
  if (oclstm__has_norm(model)) {
    *why = "stepwise: layer_norm needs whole rows between product and gates";
    return &oclstm__stepwise;
  }
  if (cl->base.device.type == OCLSTM_DEVICE_CPU) {
    *why = "fused-step: a CPU device";
    return &oclstm__fused_step;
  }
  if (desc->rows <= FEW_ROWS) {
    *why = "fused-step: few rows, a step is bound by its launches";
    return &oclstm__fused_step;
  }
  *why = "stepwise: many rows, a step is bound by its product";
  return &oclstm__stepwise;
}

/* What is stored in 16 bits is multiplied by the device's matrix instructions where it has them. */
static bool by_instructions(oclstm__cl *cl, const oclstm_plan_desc *desc, char *why_not, size_t bytes) {
  bool wanted = desc->gemm == OCLSTM_GEMM_MMA ||
                (desc->gemm == OCLSTM_GEMM_AUTO && desc->precision != OCLSTM_PRECISION_F32 &&
                 cl->base.device.type == OCLSTM_DEVICE_GPU);
  return wanted && oclstm__mma_serves(cl, desc->precision, why_not, bytes);
}

/* AUTO in float32: CLBlast where it serves, except where a strategy that was not asked for by name runs on a CPU device:
 * our own product is several times faster there (docs/strategies.md). In 16 bits: matrix instructions, or our own. */
static oclstm_status choose_gemm(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                 const oclstm__strategy *strategy, const oclstm__gemm_provider **gemm,
                                 char *why_not, size_t bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool own_is_faster = cl->base.device.type == OCLSTM_DEVICE_CPU &&
                       (strategy->id != OCLSTM_STRATEGY_STEPWISE || desc->strategy == OCLSTM_STRATEGY_AUTO);
  *gemm = &oclstm__gemm_plain;
  why_not[0] = '\0';
  if (by_instructions(cl, desc, why_not, bytes)) {
    *gemm = &oclstm__gemm_mma;
  } else if (desc->gemm == OCLSTM_GEMM_PLAIN) {
    (void)snprintf(why_not, bytes, "as asked");
  } else if (desc->precision != OCLSTM_PRECISION_F32) {
    if (why_not[0] == '\0') {
      (void)snprintf(why_not, bytes, "CLBlast would add in 16 bits");
    }
  } else if (desc->gemm == OCLSTM_GEMM_AUTO && own_is_faster) {
    (void)snprintf(why_not, bytes, "faster than CLBlast on a CPU device");
  } else if (oclstm__clblast_serves(cl, why_not, bytes)) {
    *gemm = &oclstm__gemm_clblast;
  } else {
    oclstm__log(&cl->base.log, OCLSTM_LOG_WARNING, "%s", why_not);
    REQUIRE(desc->gemm != OCLSTM_GEMM_CLBLAST, OCLSTM_E_UNSUPPORTED, "%s", why_not);
  }
done:
  return status;
}

oclstm_status oclstm__choose_strategy(oclstm__cl *cl, const oclstm_model *model, const oclstm_plan_desc *desc,
                                      const oclstm__strategy **strategy, const oclstm__gemm_provider **gemm,
                                      char *reason, size_t bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const char *why = "as asked";
  char why_gemm[200];
  *strategy =
      desc->strategy == OCLSTM_STRATEGY_AUTO ? automatic(cl, model, desc, &why) : by_id(desc->strategy);
  assert(*strategy != NULL && "what is not in the table was refused before");
  TRY(choose_gemm(cl, desc, *strategy, gemm, why_gemm, sizeof why_gemm, error));
  (void)snprintf(reason, bytes, "%s; products by %s%s%s", why, (*gemm)->name, why_gemm[0] != '\0' ? ": " : "",
                 why_gemm);
done:
  return status;
}
