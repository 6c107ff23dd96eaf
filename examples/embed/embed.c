/* The shortest program that runs a network; the README shows it. SPDX-License-Identifier: MIT */
#include <oclstm/oclstm.h>
#include <stdio.h>

int main(int n, char **words) {
  float x[36] = {1.0F}, y[36] = {0.0F}; /* an impulse: 36 steps of one row of one feature */
  oclstm_model *model = NULL;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_error error = {.text = "usage: embed MODEL.safetensors"};
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_io io = {.struct_size = sizeof io, .steps = 36, .x = x, .y = y};
  int ok = n == 2 && oclstm_model_load(words[1], NULL, &model, &error) == OCLSTM_OK &&
           oclstm_context_create(NULL, &context, &error) == OCLSTM_OK &&
           oclstm_plan_create(context, model, &limits, &plan, &error) == OCLSTM_OK &&
           oclstm_state_create(plan, &state, &error) == OCLSTM_OK &&
           oclstm_forward(plan, state, &io, &error) == OCLSTM_OK;
  if (ok) {
    printf("y[35] = %g\n", (double)y[35]);
  } else {
    fprintf(stderr, "%s\n", error.text);
  }
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
  return !ok;
}
