/* Who multiplies, for a plan.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"

/* So few rows leave so much of AMX's tiles empty that plain products are as fast. */
enum { ROWS_TOO_FEW_FOR_AMX = 3 };

/* What is stored in 16 bits is multiplied by the device's matrix instructions where it has them; otherwise NULL. */
static const oclstm__gemm_provider *by_instructions(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                                    char *why_not, size_t bytes) {
  oclstm_device_type type = cl->base.device.type;
  bool automatic = desc->gemm == OCLSTM_GEMM_AUTO && desc->precision != OCLSTM_PRECISION_F32;
  bool mma = desc->gemm == OCLSTM_GEMM_MMA || (automatic && type == OCLSTM_DEVICE_GPU);
  bool amx = desc->gemm == OCLSTM_GEMM_AMX ||
             (automatic && type == OCLSTM_DEVICE_CPU && desc->precision == OCLSTM_PRECISION_BF16 &&
              desc->rows > ROWS_TOO_FEW_FOR_AMX);
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
