/* Making, reading and destroying models.
 * SPDX-License-Identifier: MIT */
#include "model/model.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* ---- making ---- */

static size_t stored_dtype_bytes(const oclstm_array *given) {
  return given->dtype == OCLSTM_F64 ? sizeof(double) : sizeof(float);
}

static oclstm_status copy_array(oclstm_model *model, const oclstm_array *given, size_t count,
                                const char *name, size_t layer, oclstm_array *copy, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(given->data != NULL, OCLSTM_E_MISSING, "%s of layer %zu is missing", name, layer);
  REQUIRE((unsigned)given->dtype <= OCLSTM_BF16, OCLSTM_E_DTYPE, "%s of layer %zu: weights cannot be %s",
          name, layer, oclstm__dtype_name(given->dtype));
  copy->dtype = given->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
  void *data = oclstm__alloc(&model->allocator, count, stored_dtype_bytes(given));
  REQUIRE(data != NULL, OCLSTM_E_MEMORY, "%s of layer %zu: %zu elements", name, layer, count);
  copy->data = data;
  if (copy->dtype == OCLSTM_F64) {
    memcpy(data, given->data, count * sizeof(double));
  } else {
    oclstm__array_f32(given, 0, count, data);
  }
  for (size_t k = 0; k < count; ++k) {
    double value = oclstm__array_at(copy, k);
    REQUIRE(isfinite(value), OCLSTM_E_NONFINITE, "%s of layer %zu: element %zu is %g", name, layer, k, value);
  }
  model->parameters += count;
done:
  return status;
}

static oclstm_status copy_direction(oclstm_model *model, size_t layer, size_t direction,
                                    const oclstm_weights *given, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(&model->layers[layer], specs);
  oclstm_weights from = *given;
  for (size_t k = 0; k < n; ++k) {
    TRY(copy_array(model, oclstm__spec_array(&specs[k], &from), oclstm__spec_count(&specs[k]), specs[k].name,
                   layer, oclstm__spec_array(&specs[k], &model->weights[2 * layer + direction]), error));
  }
done:
  return status;
}

static oclstm_status copy_weights(oclstm_model *model, const oclstm_model_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t l = 0; l < model->n_layers; ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(&model->layers[l]); ++d) {
      TRY(copy_direction(model, l, d, &desc->weights[2 * l + d], error));
    }
  }
  if (desc->head_size != 0) {
    size_t width = oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
    model->head_size = desc->head_size;
    TRY(copy_array(model, &desc->head_W, desc->head_size * width, "W of the head behind", model->n_layers - 1,
                   &model->head_W, error));
    if (desc->head_b.data != NULL) {
      TRY(copy_array(model, &desc->head_b, desc->head_size, "b of the head behind", model->n_layers - 1,
                     &model->head_b, error));
    }
  }
done:
  return status;
}

static oclstm_status copy_embedding(oclstm_model *model, const oclstm_model_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (desc->embedding_size != 0) {
    model->embedding_size = desc->embedding_size;
    TRY(copy_array(model, &desc->embedding, desc->embedding_size * model->layers[0].input_size,
                   "embedding in front", 0, &model->embedding, error));
  }
done:
  return status;
}

uint64_t oclstm_layer_parameters(const oclstm_layer *layer) {
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(layer, specs);
  uint64_t sum = 0;
  for (size_t k = 0; k < n; ++k) {
    sum += oclstm__spec_count(&specs[k]); /* features are at most 2^28: no overflow */
  }
  return sum * oclstm_layer_directions(layer);
}

static oclstm_status check_layers(const oclstm_model_desc *desc, const oclstm_limits *limits,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t parameters = 0; /* features are at most 2^28, ids 2^31: no product overflows */
  REQUIRE(desc->n_layers <= limits->layers, OCLSTM_E_LIMIT, "%zu layers, the limit is %llu", desc->n_layers,
          (unsigned long long)limits->layers);
  REQUIRE(desc->head_size <= limits->features, OCLSTM_E_LIMIT, "head_size is %zu, the limit is %llu",
          desc->head_size, (unsigned long long)limits->features);
  REQUIRE(desc->embedding_size <= limits->ids, OCLSTM_E_LIMIT, "embedding_size is %zu, the limit is %llu",
          desc->embedding_size, (unsigned long long)limits->ids);
  for (size_t l = 0; l < desc->n_layers; ++l) {
    const oclstm_layer *layer = &desc->layers[l];
    TRY(oclstm__layer_check(layer, l, limits, error));
    REQUIRE(l == 0 || layer->input_size == oclstm_layer_output_size(layer - 1), OCLSTM_E_SHAPE,
            "layer %zu takes %zu features, layer %zu gives %zu", l, layer->input_size, l - 1,
            oclstm_layer_output_size(layer - 1));
    parameters +=
        oclstm_layer_parameters(layer) + (l == 0 ? desc->embedding_size * (uint64_t)layer->input_size : 0);
    REQUIRE(parameters <= limits->parameters, OCLSTM_E_LIMIT,
            "%llu parameters up to layer %zu, the limit is %llu", (unsigned long long)parameters, l,
            (unsigned long long)limits->parameters);
  }
done:
  return status;
}

oclstm_status oclstm_model_create(const oclstm_model_desc *desc, oclstm_model **model, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_model *m = NULL;
  REQUIRE(model != NULL, OCLSTM_E_ARGUMENT, "model is NULL");
  *model = NULL;
  REQUIRE(desc != NULL && desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT,
          "desc is NULL or of another version");
  REQUIRE(desc->n_layers > 0 && desc->layers != NULL && desc->weights != NULL, OCLSTM_E_ARGUMENT,
          "a model needs layers and weights");
  REQUIRE(oclstm__allocator_valid(desc->allocator), OCLSTM_E_ARGUMENT,
          "allocator has one of its two functions");
  REQUIRE(desc->limits == NULL || desc->limits->struct_size == sizeof *desc->limits, OCLSTM_E_ARGUMENT,
          "limits are of another version");
  oclstm_limits limits = oclstm__limits(desc->limits);
  oclstm_allocator allocator = oclstm__allocator(desc->allocator);
  TRY(check_layers(desc, &limits, error));

  m = oclstm__alloc(&allocator, 1, sizeof *m);
  REQUIRE(m != NULL, OCLSTM_E_MEMORY, "model: %zu bytes", sizeof *m);
  m->allocator = allocator;
  m->layers = oclstm__alloc(&allocator, desc->n_layers, sizeof *m->layers);
  m->weights = oclstm__alloc(&allocator, 2 * desc->n_layers, sizeof *m->weights);
  REQUIRE(m->layers != NULL && m->weights != NULL, OCLSTM_E_MEMORY, "model: %zu layers", desc->n_layers);
  m->n_layers = desc->n_layers;
  memcpy(m->layers, desc->layers, desc->n_layers * sizeof *m->layers);
  TRY(copy_weights(m, desc, error));
  TRY(copy_embedding(m, desc, error));
  *model = m;
  m = NULL;
done:
  oclstm_model_destroy(&m);
  return status;
}

void oclstm_model_destroy(oclstm_model **model) {
  if (model == NULL || *model == NULL) {
    return;
  }
  oclstm_model *m = *model;
  oclstm_allocator allocator = m->allocator;
  for (size_t k = 0; m->weights != NULL && k < 2 * m->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    size_t n = oclstm__layer_arrays(&m->layers[k / 2], specs);
    for (size_t s = 0; s < n; ++s) {
      oclstm__free(&allocator, (void *)oclstm__spec_array(&specs[s], &m->weights[k])->data);
    }
  }
  oclstm__free(&allocator, (void *)m->head_W.data);
  oclstm__free(&allocator, (void *)m->head_b.data);
  oclstm__free(&allocator, (void *)m->embedding.data);
  oclstm__free(&allocator, m->weights);
  oclstm__free(&allocator, m->layers);
  oclstm__free(&allocator, m);
  *model = NULL;
}

/* ---- reading ---- */

size_t oclstm_model_n_layers(const oclstm_model *model) {
  return model->n_layers;
}

const oclstm_layer *oclstm_model_layer(const oclstm_model *model, size_t index) {
  return index < model->n_layers ? &model->layers[index] : NULL;
}

size_t oclstm_model_input_size(const oclstm_model *model) {
  return model->embedding_size != 0 ? 1 : model->layers[0].input_size;
}

size_t oclstm_model_output_size(const oclstm_model *model) {
  return model->head_size != 0 ? model->head_size
                               : oclstm_layer_output_size(&model->layers[model->n_layers - 1]);
}

size_t oclstm_model_head_size(const oclstm_model *model) {
  return model->head_size;
}

size_t oclstm_model_embedding_size(const oclstm_model *model) {
  return model->embedding_size;
}

oclstm_array oclstm_model_embedding(const oclstm_model *model) {
  return model->embedding;
}

uint64_t oclstm_model_parameters(const oclstm_model *model) {
  return model->parameters;
}

oclstm_weights oclstm_model_weights(const oclstm_model *model, size_t layer, size_t direction) {
  static const oclstm_weights NONE;
  return layer < model->n_layers && direction < 2 ? model->weights[2 * layer + direction] : NONE;
}

void oclstm_model_head(const oclstm_model *model, oclstm_array *W, oclstm_array *b) {
  *W = model->head_W;
  *b = model->head_b;
}

size_t oclstm_model_h_size(const oclstm_model *model) {
  size_t sum = 0;
  for (size_t l = 0; l < model->n_layers; ++l) {
    sum += oclstm_layer_directions(&model->layers[l]) * oclstm_layer_state_size(&model->layers[l]);
  }
  return sum;
}

size_t oclstm_model_c_size(const oclstm_model *model) {
  size_t sum = 0;
  for (size_t l = 0; l < model->n_layers; ++l) {
    sum += oclstm_layer_directions(&model->layers[l]) * oclstm__cell_size(&model->layers[l]);
  }
  return sum;
}
