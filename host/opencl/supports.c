/* What the descriptions can say and this engine does not compute. Each is refused by name, never ignored.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "opencl/plan.h"

static const char *unbuilt_in_cell(const oclstm_layer *layer) {
  const struct {
    bool present;
    const char *name;
  } parts[] = {
      {layer->kind == OCLSTM_GRU, "kind gru"},
      {layer->kind == OCLSTM_RNN, "kind rnn"},
      {layer->projection_size != 0, "projection"},
      {layer->peephole != OCLSTM_PEEPHOLE_NONE, "peephole"},
      {layer->coupling != OCLSTM_COUPLING_NONE, "coupling"},
      {layer->layer_norm != OCLSTM_NORM_NONE, "layer_norm"},
      {layer->clip_preactivation > 0.0F, "clip_preactivation"},
      {layer->clip_cell > 0.0F, "clip_cell"},
      {layer->clip_projection > 0.0F, "clip_projection"},
      {layer->merge != OCLSTM_CONCAT, "merge other than concat"},
      {layer->go_backwards != 0, "go_backwards"},
      {layer->zoneout_h > 0.0F || layer->zoneout_c > 0.0F, "zoneout"},
      {layer->dropout_input > 0.0F || layer->dropout_output > 0.0F || layer->dropout_recurrent > 0.0F ||
           layer->dropout_weights > 0.0F,
       "dropout"},
      {layer->initial_state != 0, "initial_state"},
  };
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; ++k) {
    if (parts[k].present) {
      return parts[k].name;
    }
  }
  return NULL;
}

static bool has_default_activations(const oclstm_layer *layer) {
  for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
    for (size_t role = 0; role < OCLSTM_N_ROLES; ++role) {
      oclstm_activation_kind standard = role == OCLSTM_ROLE_GATE ? OCLSTM_ACT_SIGMOID : OCLSTM_ACT_TANH;
      oclstm_activation_kind kind = layer->activation[d][role].kind;
      if (kind != OCLSTM_ACT_DEFAULT && kind != standard) {
        return false;
      }
    }
  }
  return true;
}

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  (void)context;
  REQUIRE(model->embedding_size == 0, OCLSTM_E_UNSUPPORTED, "an embedding is not supported");
  for (size_t l = 0; l < model->n_layers; ++l) {
    const char *name = unbuilt_in_cell(&model->layers[l]);
    REQUIRE(name == NULL, OCLSTM_E_UNSUPPORTED, "layer %zu: %s is not supported", l, name);
    REQUIRE(has_default_activations(&model->layers[l]), OCLSTM_E_UNSUPPORTED,
            "layer %zu: activation other than sigmoid, tanh, tanh is not supported", l);
  }
  REQUIRE(desc->precision == OCLSTM_PRECISION_F32, OCLSTM_E_UNSUPPORTED, "precision %s is not supported",
          desc->precision == OCLSTM_PRECISION_F16 ? "f16" : "bf16");
  REQUIRE(desc->strategy != OCLSTM_STRATEGY_ROWS, OCLSTM_E_UNSUPPORTED, "strategy rows is not supported");
  REQUIRE(desc->strategy != OCLSTM_STRATEGY_GRID, OCLSTM_E_UNSUPPORTED, "strategy grid is not supported");
done:
  return status;
}
