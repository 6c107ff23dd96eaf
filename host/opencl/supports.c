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

/* A step that is run again would be merged again. */
static bool merges_directions(const oclstm_model *model) {
  bool merges = false;
  for (size_t l = 0; l < model->n_layers; ++l) {
    const oclstm_layer *layer = &model->layers[l];
    merges |= oclstm_layer_directions(layer) == 2 && layer->merge != OCLSTM_CONCAT;
  }
  return merges;
}

static oclstm_status supports_grid(oclstm__cl *cl, const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t groups = 0;
  REQUIRE(!merges_directions(model), OCLSTM_E_UNSUPPORTED,
          "strategy grid does not support a merge of two directions other than concat");
  TRY(oclstm__resident_groups(cl, &groups, error));
  REQUIRE(groups > 1, OCLSTM_E_UNSUPPORTED,
          "strategy grid needs work-groups that run at the same time; on this device (%u compute units) they "
          "were not "
          "seen to",
          cl->base.device.compute_units);
done:
  return status;
}

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char text[200];
  static const char *const NAMES[] = {"auto", "stepwise", "fused-step", "rows", "grid"};
  bool blocks = desc->strategy != OCLSTM_STRATEGY_AUTO && desc->strategy != OCLSTM_STRATEGY_STEPWISE;
  REQUIRE(!blocks || !oclstm__has_norm(model), OCLSTM_E_UNSUPPORTED,
          "strategy %s does not support layer_norm, which needs whole rows between product and gates",
          NAMES[desc->strategy]);
  if (desc->strategy == OCLSTM_STRATEGY_GRID) {
    TRY(supports_grid(oclstm__cl_of(context), model, error));
  }
  REQUIRE(desc->precision == OCLSTM_PRECISION_F32 || desc->gemm != OCLSTM_GEMM_CLBLAST, OCLSTM_E_UNSUPPORTED,
          "precision %s is not supported with CLBlast, which would add in 16 bits",
          desc->precision == OCLSTM_PRECISION_F16 ? "f16" : "bf16");
  REQUIRE(desc->gemm != OCLSTM_GEMM_MMA ||
              oclstm__mma_serves(oclstm__cl_of(context), desc->precision, text, sizeof text),
          OCLSTM_E_UNSUPPORTED, "%s", text);
done:
  return status;
}
