/* What states begin with, and what precision means to the reference.
 * SPDX-License-Identifier: MIT */
#include "support.h"

/* ---- states ---- */

static void expect(const float *got, size_t n, const float *from, size_t period) {
  for (size_t k = 0; k < n; ++k) {
    assert_true(got[k] == (from != NULL ? from[k % period] : 0.0F));
  }
}

/* LSTM (H 3, P 2), GRU (H 4), LSTM (H 2), of which the first two bring their own state; two rows. h is [2,2] [2,4] [2,2] and
 * c is [2,3] [2,2]: the layer in between has none. */
static void new_states_begin_with_the_models(void **unused) {
  (void)unused;
  const oclstm_layer layers[3] = {
      {.kind = OCLSTM_LSTM, .input_size = 2, .hidden_size = 3, .projection_size = 2, .initial_state = 1},
      {.kind = OCLSTM_GRU, .input_size = 2, .hidden_size = 4, .initial_state = 1},
      {.kind = OCLSTM_LSTM, .input_size = 4, .hidden_size = 2}};
  oclstm_model *model = make_layers(layers, 3, 0, 0, 1);
  const oclstm_weights first = oclstm_model_weights(model, 0, 0), second = oclstm_model_weights(model, 1, 0);
  const float ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const float one = 1.0F;
  float h[16], c[10];
  oclstm_plan *plan = make_plan(reference, model, 2, 1, false);
  oclstm_state *state = NULL;
  OK(oclstm_state_create(plan, &state, &last_error));
  for (int given = 0; given < 4; ++given) { /* neither, h, c, both; created, then set */
    if (given != 0) {
      OK(oclstm_state_set(state, (given & 1) != 0 ? ones : NULL, (given & 2) != 0 ? ones : NULL,
                          &last_error));
    }
    OK(oclstm_state_get(state, h, c, &last_error));
    const bool h_given = (given & 1) != 0, c_given = (given & 2) != 0;
    expect(h, 4, h_given ? &one : first.initial_h.data, h_given ? 1 : 2);
    expect(h + 4, 8, h_given ? &one : second.initial_h.data, h_given ? 1 : 4);
    expect(h + 12, 4, h_given ? &one : NULL, 1);
    expect(c, 6, c_given ? &one : first.initial_c.data, c_given ? 1 : 3);
    expect(c + 6, 4, c_given ? &one : NULL, 1);
  }
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

/* ---- precision ---- */

/* float16 and bfloat16 are storage on devices: here everything is double in all three. */
static void precision_changes_nothing(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], 1);
  test_job job = make_job(model, 4, 3, 1);
  test_result ref = run_job(reference, &job, 0, 0);
  for (int precision = OCLSTM_PRECISION_F16; precision <= OCLSTM_PRECISION_BF16; ++precision) {
    oclstm_plan_desc desc = plan_desc(reference, model, job.B, job.T, true);
    oclstm_plan *plan = NULL;
    desc.precision = (oclstm_precision)precision;
    OK(oclstm_plan_create(reference, model, &desc, &plan, &last_error));
    test_result got = run_plan(plan, &job, 0);
    assert_results_same_bits(&job, &ref, &got);
    free_result(&got);
    oclstm_plan_destroy(&plan);
  }
  free_result(&ref);
  free_job(&job);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_states_begin_with_the_models),
      cmocka_unit_test(precision_changes_nothing),
  };
  read_options(argc, argv);
  return run_device_tests("reference.states", tests, sizeof tests / sizeof tests[0]);
}
