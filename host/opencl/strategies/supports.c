/* What the descriptions can say and this engine does not compute. Each is refused by name, never ignored.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/gemm/gemm.h"
#include "opencl/strategies/strategy.h"

static oclstm_status grid_serves(oclstm__cl *cl, const oclstm_layer *layer, bool probe, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t groups = 2;
  if (oclstm__resident_alone(cl, layer)) {
    return OCLSTM_OK;
  }
  /* A step that is run again would be merged again. */
  REQUIRE(oclstm_layer_directions(layer) == 1 || layer->merge == OCLSTM_CONCAT, OCLSTM_E_UNSUPPORTED,
          "strategy grid does not support a merge of two directions other than concat");
  if (probe) {
    TRY(oclstm__coresident_groups(cl, &groups, error));
  } else if (cl->base.device.compute_units < 2 || atomic_load(&cl->coresident_groups) == 1) {
    groups = 1;
  }
  REQUIRE(groups > 1, OCLSTM_E_UNSUPPORTED,
          "strategy grid needs work-groups that run at the same time; on this device (%u compute units) they "
          "were not seen to",
          cl->base.device.compute_units);
done:
  return status;
}

oclstm_status oclstm__strategy_serves(oclstm__cl *cl, oclstm_strategy strategy, const oclstm_layer *layer,
                                      size_t B, bool probe, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t units = oclstm__max(cl->base.device.compute_units, 1);
  const bool chunk = strategy == OCLSTM_STRATEGY_ROWS || strategy == OCLSTM_STRATEGY_GRID;
  bool blocks = strategy != OCLSTM_STRATEGY_AUTO && strategy != OCLSTM_STRATEGY_STEPWISE;
  REQUIRE(!blocks || layer->layer_norm == OCLSTM_NORM_NONE, OCLSTM_E_UNSUPPORTED,
          "strategy %s does not support layer_norm, which needs whole rows between product and gates",
          oclstm__strategy_by_id(strategy)->name);
  REQUIRE(!chunk || oclstm__steps_of_launch(cl, layer, (B + units - 1) / units) > 0, OCLSTM_E_UNSUPPORTED,
          "strategy %s does not support H %zu, I %zu with %zu rows on %s, which ends a kernel behind %zu "
          "turns of "
          "its loops",
          oclstm__strategy_by_id(strategy)->name, layer->hidden_size, layer->input_size, B,
          cl->base.device.name, cl->most_turns);
  if (strategy == OCLSTM_STRATEGY_GRID) {
    TRY(grid_serves(cl, layer, probe, error));
  }
done:
  return status;
}

/* Of any layer, and of the head behind the last one. */
static oclstm_status products_serve(const oclstm__cl *cl, const oclstm_model *model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; l < model->n_layers; ++l) {
    const oclstm_layer *layer = &model->layers[l];
    const bool head = model->head_size != 0 && l + 1 == model->n_layers;
    const size_t K = oclstm__max(oclstm__max(layer->input_size, layer->hidden_size),
                                 head ? oclstm_layer_output_size(layer) : 0);
    REQUIRE(
        K <= oclstm__most_depth(cl), OCLSTM_E_UNSUPPORTED,
        "sums over %zu elements, in or behind layer %zu, are not supported on %s, which ends a kernel behind "
        "%zu turns of its loops; the limit is %zu",
        K, l, cl->base.device.name, cl->most_turns, oclstm__most_depth(cl));
  }
done:
  return status;
}

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char text[200];
  TRY(products_serve(oclstm__cl_of(context), model, error));
  for (size_t l = 0; l < model->n_layers; ++l) {
    TRY(oclstm__strategy_serves(oclstm__cl_of(context), desc->strategy, &model->layers[l], desc->rows, true,
                                error));
  }
  REQUIRE(desc->precision == OCLSTM_PRECISION_F32 || desc->gemm != OCLSTM_GEMM_CLBLAST, OCLSTM_E_UNSUPPORTED,
          "precision %s is not supported with CLBlast, which would add in 16 bits",
          desc->precision == OCLSTM_PRECISION_F16 ? "f16" : "bf16");
  REQUIRE(desc->gemm != OCLSTM_GEMM_MMA ||
              oclstm__mma_serves(oclstm__cl_of(context), desc->precision, text, sizeof text),
          OCLSTM_E_UNSUPPORTED, "%s", text);
  REQUIRE(desc->gemm != OCLSTM_GEMM_AMX ||
              oclstm__amx_serves(oclstm__cl_of(context), desc->precision, text, sizeof text),
          OCLSTM_E_UNSUPPORTED, "%s", text);
done:
  return status;
}
