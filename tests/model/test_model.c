/* Models from the caller's arrays: what is refused, with which status, and what a model says of itself.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { I = 3, H = 2, MOST = 4 * 8 * 8 };

static float ones[MOST];

/* A good description of one layer, to be spoilt in one place. */
typedef struct fixture {
  oclstm_layer layers[2];
  oclstm_weights weights[4];
  oclstm_limits limits;
  oclstm_model_desc desc;
} fixture;

static fixture good(void) {
  fixture f = {.limits = OCLSTM_LIMITS_INIT, .desc = OCLSTM_MODEL_DESC_INIT};
  for (size_t k = 0; k < 2; ++k) {
    f.layers[k] = (oclstm_layer){.input_size = k == 0 ? I : H, .hidden_size = H, .bias = OCLSTM_BIAS_TWO};
  }
  for (size_t k = 0; k < 4; ++k) {
    const oclstm_array array = {ones, OCLSTM_F32};
    f.weights[k] = (oclstm_weights){
        .W_ih = array, .W_hh = array, .b_ih = array, .b_hh = array, .W_hr = array, .peephole = array};
  }
  f.desc.n_layers = 1;
  return f;
}

static oclstm_status create(fixture *f) {
  oclstm_model *model = NULL;
  f->desc.layers = f->layers;
  f->desc.weights = f->weights;
  f->desc.limits = &f->limits;
  oclstm_status status = oclstm_model_create(&f->desc, &model, &last_error);
  assert_true((model != NULL) == (status == OCLSTM_OK));
  oclstm_model_destroy(&model);
  return status;
}

/* A fixture with one assignment made must fail with this status and these words. */
#define SPOILT(status, words, assignment) \
  do {                                    \
    fixture f = good();                   \
    assignment;                           \
    FAILS(status, words, create(&f));     \
  } while (0)

static void a_good_description_is_taken(void **unused) {
  (void)unused;
  fixture f = good();
  OK(create(&f));
}

static void arguments_out_of_range(void **unused) {
  (void)unused;
  SPOILT(OCLSTM_E_ARGUMENT, "version", f.desc.struct_size = 8);
  SPOILT(OCLSTM_E_ARGUMENT, "limits", f.limits.struct_size = 8);
  SPOILT(OCLSTM_E_ARGUMENT, "layers", f.desc.n_layers = 0);
  SPOILT(OCLSTM_E_ARGUMENT, "kind is 3", f.layers[0].kind = (oclstm_cell_kind)3);
  SPOILT(OCLSTM_E_ARGUMENT, "bias is 9", f.layers[0].bias = (oclstm_bias)9);
  SPOILT(OCLSTM_E_ARGUMENT, "direction is 7", f.layers[0].direction = (oclstm_direction)7);
  SPOILT(OCLSTM_E_ARGUMENT, "activation[1][2]",
         f.layers[0].activation[1][2].kind = (oclstm_activation_kind)12);
  SPOILT(OCLSTM_E_ARGUMENT, "alpha", f.layers[0].activation[0][0].alpha = NAN);
  SPOILT(OCLSTM_E_ARGUMENT, "clip_cell", f.layers[0].clip_cell = -1.0F);
  SPOILT(OCLSTM_E_ARGUMENT, "zoneout_h", f.layers[0].zoneout_h = NAN);
  SPOILT(OCLSTM_E_ARGUMENT, "dropout_input", f.layers[0].dropout_input = 1.5F);
}

/* Options that would be ignored are refused. */
static void options_that_do_not_go_together(void **unused) {
  (void)unused;
  SPOILT(OCLSTM_E_ARGUMENT, "peephole", f.layers[0].kind = OCLSTM_GRU;
         f.layers[0].peephole = OCLSTM_PEEPHOLE_DIAGONAL);
  SPOILT(OCLSTM_E_ARGUMENT, "linear_before_reset", f.layers[0].linear_before_reset = 1);
  SPOILT(OCLSTM_E_ARGUMENT, "go_backwards", f.layers[0].go_backwards = 1);
  SPOILT(OCLSTM_E_ARGUMENT, "merge", f.layers[0].merge = OCLSTM_SUM);
  SPOILT(OCLSTM_E_ARGUMENT, "clip_projection", f.layers[0].clip_projection = 1.0F);
}

static void sizes_that_do_not_fit(void **unused) {
  (void)unused;
  SPOILT(OCLSTM_E_SHAPE, "hidden_size is 0", f.layers[0].hidden_size = 0);
  SPOILT(OCLSTM_E_SHAPE, "input_size is 0", f.layers[0].input_size = 0);
  SPOILT(OCLSTM_E_SHAPE, "projection_size 3", f.layers[0].projection_size = 3);
  SPOILT(OCLSTM_E_SHAPE, "layer 1 takes 5", f.desc.n_layers = 2; f.layers[1].input_size = 5);
  SPOILT(OCLSTM_E_LIMIT, "limit is 65536", f.layers[0].hidden_size = 65537);
  SPOILT(OCLSTM_E_LIMIT, "layers", f.limits.layers = 1; f.desc.n_layers = 2);
  SPOILT(OCLSTM_E_LIMIT, "parameters", f.limits.parameters = 10);
  SPOILT(OCLSTM_E_LIMIT, "head_size", f.desc.head_size = 70000);
  /* however high the caller sets it: products of sizes must not overflow */
  SPOILT(OCLSTM_E_LIMIT, "limit is 268435456", f.limits.features = UINT64_MAX;
         f.layers[0].hidden_size = SIZE_MAX / 2);
  SPOILT(OCLSTM_E_LIMIT, "parameters", f.limits.features = UINT64_MAX; f.layers[0].hidden_size = 1 << 28);
}

static void arrays_that_will_not_do(void **unused) {
  static float odd[MOST];
  (void)unused;
  odd[5] = INFINITY;
  SPOILT(OCLSTM_E_MISSING, "W_hh of layer 0", f.weights[0].W_hh.data = NULL);
  SPOILT(OCLSTM_E_MISSING, "b_hh of layer 0", f.weights[0].b_hh.data = NULL);
  SPOILT(OCLSTM_E_MISSING, "head", f.desc.head_size = 1);
  SPOILT(OCLSTM_E_DTYPE, "I16", f.weights[0].W_ih.dtype = OCLSTM_I16);
  SPOILT(OCLSTM_E_NONFINITE, "element 5", f.weights[0].b_ih.data = odd);
}

static void a_model_says_what_it_is(void **unused) {
  (void)unused;
  fixture f = good();
  oclstm_model *model = NULL;
  f.layers[0].direction = OCLSTM_BIDIRECTIONAL;
  f.layers[1].input_size = 2 * H;
  f.desc.n_layers = 2;
  f.desc.head_size = 5;
  f.desc.head_W.data = ones;
  f.desc.layers = f.layers;
  f.desc.weights = f.weights;
  OK(oclstm_model_create(&f.desc, &model, &last_error));
  assert_int_equal(oclstm_model_n_layers(model), 2);
  assert_int_equal(oclstm_model_input_size(model), I);
  assert_int_equal(oclstm_model_output_size(model), 5);
  assert_int_equal(oclstm_model_h_size(model), 3 * H);
  assert_int_equal(oclstm_model_c_size(model), 3 * H);
  /* per direction 4H (I + H + 2), and the head without a bias */
  assert_int_equal(oclstm_model_parameters(model), 2 * 4 * H * (I + H + 2) + 4 * H * (2 * H + H + 2) + 5 * H);
  assert_null(oclstm_model_layer(model, 2));
  assert_non_null(oclstm_model_weights(model, 0, 1).W_hh.data);
  assert_null(oclstm_model_weights(model, 1, 1).W_hh.data);
  assert_null(oclstm_model_weights(model, 2, 0).W_hh.data);
  oclstm_model_destroy(&model);
  oclstm_model_destroy(&model);
  oclstm_model_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_description_is_taken),     cmocka_unit_test(arguments_out_of_range),
      cmocka_unit_test(options_that_do_not_go_together), cmocka_unit_test(sizes_that_do_not_fit),
      cmocka_unit_test(arrays_that_will_not_do),         cmocka_unit_test(a_model_says_what_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
