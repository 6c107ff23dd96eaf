/* The table of strategies, the choice among them, and what they share.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>

#include "opencl/plan.h"

static const oclstm__strategy *const STRATEGIES[] = {&oclstm__stepwise, &oclstm__fused_step};

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

static const oclstm__strategy *automatic(const oclstm__cl *cl, const oclstm_plan_desc *desc,
                                         const char **why) {
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

/* AUTO: CLBlast where it serves, except that the strategies of our own kernels use our own product on CPU devices, where
 * it is several times faster (docs/strategies.md). */
static oclstm_status choose_gemm(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                 const oclstm__strategy *strategy, const oclstm__gemm_provider **gemm,
                                 char *why_not, size_t bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool own_is_faster = cl->base.device.type == OCLSTM_DEVICE_CPU && strategy->id != OCLSTM_STRATEGY_STEPWISE;
  *gemm = &oclstm__gemm_plain;
  why_not[0] = '\0';
  if (desc->gemm == OCLSTM_GEMM_PLAIN) {
    (void)snprintf(why_not, bytes, "as asked");
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

oclstm_status oclstm__choose_strategy(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                      const oclstm__strategy **strategy, const oclstm__gemm_provider **gemm,
                                      char *reason, size_t bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const char *why = "as asked";
  char why_gemm[200];
  *strategy = desc->strategy == OCLSTM_STRATEGY_AUTO ? automatic(cl, desc, &why) : by_id(desc->strategy);
  assert(*strategy != NULL && "what is not in the table was refused before");
  TRY(choose_gemm(cl, desc, *strategy, gemm, why_gemm, sizeof why_gemm, error));
  (void)snprintf(reason, bytes, "%s; products by %s%s%s", why, (*gemm)->name, why_gemm[0] != '\0' ? ": " : "",
                 why_gemm);
done:
  return status;
}

oclstm__step_shape oclstm__step_shape_of(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                         const oclstm__steps *steps) {
  const oclstm__step_shape shape = {
      (cl_int)plan->base.desc.rows, (cl_int)runner->layer->hidden_size,
      (cl_int)runner->HP,           (cl_int)steps->y_ld,
      (cl_int)steps->y_column,      (cl_int)steps->cells_ld,
      (cl_int)steps->cells_column,
  };
  return shape;
}

oclstm_status oclstm__set_args(cl_kernel kernel, cl_uint first, const oclstm__arg *args, size_t n,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < n; ++k) {
    CL(clSetKernelArg(kernel, first + (cl_uint)k, args[k].bytes, args[k].value));
  }
done:
  return status;
}

oclstm_status oclstm__enqueue_items(const oclstm__cl *cl, cl_kernel kernel, size_t items, size_t local,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t global = oclstm__round_up(items, local);
  CL(clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL));
  TRY(oclstm__cl_order(cl, error));
done:
  return status;
}
