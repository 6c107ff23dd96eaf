/* A program of somebody else's: one unit, one step, and the number that pencil and paper give.
 * SPDX-License-Identifier: MIT
 *
 * With W_ih = (1, 1, 1, 1), no recurrent weights and no bias, x = 1 gives c = sigmoid(1) tanh(1) and
 * y = sigmoid(1) tanh(c). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <oclstm/oclstm.h>

static const float ONES[4] = {1.0f, 1.0f, 1.0f, 1.0f};
static const float ZEROS[4] = {0.0f, 0.0f, 0.0f, 0.0f};

static oclstm_status make_model(oclstm_model **model, oclstm_error *error) {
  oclstm_layer layer;
  oclstm_weights weights[2];
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  memset(&layer, 0, sizeof layer);
  memset(weights, 0, sizeof weights);
  layer.input_size = 1;
  layer.hidden_size = 1;
  weights[0].W_ih.data = ONES;
  weights[0].W_hh.data = ZEROS;
  desc.n_layers = 1;
  desc.layers = &layer;
  desc.weights = weights;
  return oclstm_model_create(&desc, model, error);
}

static oclstm_status run(const oclstm_model *model, float x, float *y, oclstm_error *error) {
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_io io = OCLSTM_IO_INIT;
  oclstm_status status;
  device.device = "reference";
  limits.steps = 1;
  io.steps = 1;
  io.x = &x;
  io.y = y;
  status = oclstm_context_create(&device, &context, error);
  if (status == OCLSTM_OK) {
    status = oclstm_plan_create(context, model, &limits, &plan, error);
  }
  if (status == OCLSTM_OK) {
    status = oclstm_state_create(plan, &state, error);
  }
  if (status == OCLSTM_OK) {
    status = oclstm_forward(plan, state, &io, error);
  }
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return status;
}

int main(void) {
  oclstm_model *model = NULL;
  oclstm_error error;
  float y = 0.0f;
  double gate = 1.0 / (1.0 + exp(-1.0));
  double expected = gate * tanh(gate * tanh(1.0));
  oclstm_status status;
  memset(&error, 0, sizeof error);
  if (strcmp(oclstm_version(), OCLSTM_VERSION_STRING) != 0) {
    fprintf(stderr, "library %s, headers %s\n", oclstm_version(), OCLSTM_VERSION_STRING);
    return 1;
  }
  status = make_model(&model, &error);
  if (status == OCLSTM_OK) {
    status = run(model, 1.0f, &y, &error);
  }
  oclstm_model_destroy(&model);
  if (status != OCLSTM_OK) {
    fprintf(stderr, "%s: %s\n", oclstm_status_name(status), error.text);
    return 1;
  }
  printf("y = %.9g, expected %.9g\n", y, expected);
  return fabs(y - expected) < 1e-7 ? 0 : 1;
}
