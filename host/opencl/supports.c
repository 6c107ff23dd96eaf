/* What the descriptions can say and this engine does not compute. Each is refused by name, never ignored.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "opencl/plan.h"

bool oclstm__has_norm(const oclstm_model *model) {
  bool has = false;
  for (size_t l = 0; l < model->n_layers; ++l) {
    has |= model->layers[l].layer_norm != OCLSTM_NORM_NONE;
  }
  return has;
}

bool oclstm__has_two_stages(const oclstm_model *model) {
  bool has = false;
  for (size_t l = 0; l < model->n_layers; ++l) {
    oclstm__stage_spec stages[OCLSTM__MAX_STAGES];
    has |= oclstm__stages(&model->layers[l], stages) > 1;
  }
  return has;
}

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char text[200];
  bool rows = desc->strategy == OCLSTM_STRATEGY_ROWS;
  bool blocks = rows || desc->strategy == OCLSTM_STRATEGY_FUSED_STEP; /* of units, a work-group each */
  REQUIRE(desc->strategy != OCLSTM_STRATEGY_GRID, OCLSTM_E_UNSUPPORTED, "strategy grid is not supported");
  REQUIRE(!blocks || !oclstm__has_norm(model), OCLSTM_E_UNSUPPORTED,
          "strategy %s does not support layer_norm, which needs whole rows between product and gates",
          rows ? "rows" : "fused-step");
  REQUIRE(!rows || !oclstm__has_two_stages(model), OCLSTM_E_UNSUPPORTED,
          "strategy rows does not support a second product a step: a projection, or a GRU without "
          "linear_before_reset");
  REQUIRE(desc->precision == OCLSTM_PRECISION_F32 || desc->gemm != OCLSTM_GEMM_CLBLAST, OCLSTM_E_UNSUPPORTED,
          "precision %s is not supported with CLBlast, which would add in 16 bits",
          desc->precision == OCLSTM_PRECISION_F16 ? "f16" : "bf16");
  REQUIRE(desc->gemm != OCLSTM_GEMM_MMA ||
              oclstm__mma_serves(oclstm__cl_of(context), desc->precision, text, sizeof text),
          OCLSTM_E_UNSUPPORTED, "%s", text);
done:
  return status;
}
