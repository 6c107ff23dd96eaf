/* Weights, h and rows between layers in 16 bits: what is rounded, where, and how far results go.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support.h"

static const oclstm_precision PRECISIONS[] = {OCLSTM_PRECISION_F16, OCLSTM_PRECISION_BF16};
enum { N_PRECISIONS = 2 };

static float rounded(oclstm_precision precision, float value) {
  return precision == OCLSTM_PRECISION_F16 ? oclstm__half_float(oclstm__half_bits(value))
                                           : oclstm__bfloat_float(oclstm__bfloat_bits(value));
}

/* Half the distance of neighbours, relative to the larger numbers of a binade; float16 has subnormals below 2^-14. */
static double half_ulp(oclstm_precision precision, double value) {
  int exponent = 0;
  (void)frexp(value, &exponent);
  if (precision == OCLSTM_PRECISION_BF16) {
    return ldexp(1.0, exponent - 9);
  }
  return ldexp(1.0, (exponent < -13 ? -13 : exponent) - 12);
}

static void round_floats(oclstm_precision precision, float *values, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    values[k] = rounded(precision, values[k]);
  }
}

/* ---- a model whose matrices hold what the device stores ---- */

static void round_array(oclstm_precision precision, oclstm_array *array, size_t n) {
  float *values = malloc((n + 1) * sizeof *values);
  assert_non_null(values);
  oclstm__array_f32(array, 0, n, values);
  round_floats(precision, values, n);
  *array = (oclstm_array){values, OCLSTM_F32};
}

static oclstm_model *rounded_model(const oclstm_model *model, oclstm_precision precision) {
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_weights *weights = calloc(2 * model->n_layers, sizeof *weights);
  oclstm_model *result = NULL;
  assert_non_null(weights);
  memcpy(weights, model->weights, 2 * model->n_layers * sizeof *weights);
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    const oclstm_layer *layer = &model->layers[k / 2];
    size_t n = k % 2 < oclstm_layer_directions(layer) ? oclstm__layer_arrays(layer, specs) : 0;
    for (size_t s = 0; s < n; ++s) {
      if (specs[s].columns != 0) {
        round_array(precision, oclstm__spec_array(&specs[s], &weights[k]), oclstm__spec_count(&specs[s]));
      }
    }
  }
  desc.n_layers = model->n_layers;
  desc.layers = model->layers;
  desc.weights = weights;
  OK(oclstm_model_create(&desc, &result, &last_error));
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
    const oclstm_layer *layer = &model->layers[k / 2];
    size_t n = k % 2 < oclstm_layer_directions(layer) ? oclstm__layer_arrays(layer, specs) : 0;
    for (size_t s = 0; s < n; ++s) {
      if (specs[s].columns != 0) {
        free((void *)oclstm__spec_array(&specs[s], &weights[k])->data);
      }
    }
  }
  free(weights);
  return result;
}

static oclstm_plan *plan_of(const oclstm_model *model, oclstm_precision precision, size_t B, size_t T) {
  oclstm_plan_desc desc = plan_desc(device, model, B, T, true);
  oclstm_plan *plan = NULL;
  desc.precision = precision;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  assert_string_equal(oclstm_plan_get_info(plan)->precision,
                      precision == OCLSTM_PRECISION_F16 ? "f16" : "bf16");
  return plan;
}

/* ---- one step: each rounding where it belongs, and none elsewhere ---- */

typedef struct step_case {
  const char *name;
  oclstm_layer layer;
  double between; /* half ulps of 1 that h is off where a stage's result is stored in between */
} step_case;

#define SIZES .input_size = 19, .hidden_size = 33, .bias = OCLSTM_BIAS_TWO
static const step_case STEPS[] = {
    {"lstm", {.kind = OCLSTM_LSTM, SIZES}, 0.0},
    {"lstm with peephole and zoneout",
     {.kind = OCLSTM_LSTM, SIZES, .peephole = OCLSTM_PEEPHOLE_DIAGONAL, .zoneout_h = 0.1F, .zoneout_c = 0.2F},
     0.0},
    {"lstm with projection", {.kind = OCLSTM_LSTM, SIZES, .projection_size = 21}, 2.0},
    {"gru", {.kind = OCLSTM_GRU, SIZES, .linear_before_reset = 1}, 0.0},
    {"gru, reset before", {.kind = OCLSTM_GRU, SIZES}, 2.0},
    {"rnn", {.kind = OCLSTM_RNN, SIZES}, 0.0},
};

static void assert_rounded(oclstm_precision precision, const char *name, const float *ref, const float *got,
                           size_t n, double between) {
  size_t inexact = 0;
  for (size_t k = 0; k < n; ++k) {
    double expected = (double)ref[k];
    double difference = fabs((double)got[k] - expected);
    assert_true(rounded(precision, got[k]) == got[k]);
    inexact += got[k] != ref[k];
    double bound = 1.01 * half_ulp(precision, expected) + between * half_ulp(precision, 1.0) + 1e-6;
    if (!(difference <= bound)) {
      fail_msg("%s, precision %d: h[%zu] ref %.9g got %.9g, the bound is %.3g", name, (int)precision, k,
               expected, (double)got[k], bound);
    }
  }
  assert_true(inexact > n / 2); /* or nothing was rounded at all */
}

static void one_step(const step_case *c, oclstm_precision precision) {
  enum { B = 7 };
  oclstm_model *model = make_layers(&c->layer, 1, 0, 0, options.seed);
  oclstm_model *stored = rounded_model(model, precision);
  test_job job = make_job(model, 1, B, options.seed);
  test_job exact = copy_job(&job);
  exact.model = stored;
  round_floats(precision, exact.x, B * oclstm_model_input_size(model));
  round_floats(precision, exact.h0, B * oclstm_model_h_size(model));
  oclstm_plan *plan = plan_of(model, precision, B, 1);
  test_result got = run_plan(plan, &job, 0);
  test_result ref = run_job(reference, &exact, 0, 0);
  const test_tensor cn = cn_of(&job);
  assert_close(&cn, ref.cn, got.cn, FLOAT32); /* c is float32 and only its inputs were rounded */
  assert_rounded(precision, c->name, ref.hn, got.hn, B * oclstm_model_h_size(model), c->between);
  assert_memory_equal(got.y, got.hn, B * oclstm_model_h_size(model) * sizeof(float));
  free_result(&ref);
  free_result(&got);
  oclstm_plan_destroy(&plan);
  free_job(&exact);
  free_job(&job);
  oclstm_model_destroy(&stored);
  oclstm_model_destroy(&model);
}

static void a_step_rounds_weights_x_and_h_and_nothing_else(void **unused) {
  (void)unused;
  for (size_t k = 0; k < sizeof STEPS / sizeof STEPS[0]; ++k) {
    for (size_t p = options.amx; p < N_PRECISIONS; ++p) { /* AMX has no float16 */
      one_step(&STEPS[k], PRECISIONS[p]);
    }
  }
}

/* ---- many steps ---- */

/* DESIGN: max abs 2e-3 with float16. bfloat16 has 8 times its distance between neighbours. */
static const double BOUNDS[N_PRECISIONS] = {2e-3, 1.6e-2};

static void long_runs_stay_within_bounds(void **unused) {
  (void)unused;
  const test_network network = {
      .layers = 2, .I = 24, .H = 64, .bias = OCLSTM_BIAS_TWO, .head = 5, .scale = 1.0};
  oclstm_model *model = make_network(&network, options.seed);
  test_job job = make_job(model, options.small ? 20 : 500, 3, options.seed);
  test_result ref = run_job(reference, &job, 0, 0);
  for (size_t p = 0; p < N_PRECISIONS; ++p) {
    oclstm_plan *plan = plan_of(model, PRECISIONS[p], job.B, 7);
    test_result got = run_plan(plan, &job, 0);
    assert_results_close(&job, &ref, &got, (tolerance){.rel_l2 = 4.0 * BOUNDS[p], .max_abs = BOUNDS[p]});
    free_result(&got);
    oclstm_plan_destroy(&plan);
  }
  free_result(&ref);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void pieces_give_the_same_bits(void **unused) {
  (void)unused;
  for (size_t p = 0; p < N_PRECISIONS; ++p) {
    oclstm_model *model = make_network(&FORWARD[0], options.seed);
    test_job job = make_job(model, 9, 3, options.seed);
    oclstm_plan *plan = plan_of(model, PRECISIONS[p], job.B, job.T);
    test_result whole = run_plan(plan, &job, 0);
    test_result pieces = run_plan(plan, &job, 2);
    assert_results_same_bits(&job, &whole, &pieces);
    free_result(&pieces);
    free_result(&whole);
    oclstm_plan_destroy(&plan);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* ---- what belongs together ---- */

static void a_state_has_a_precision(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], options.seed);
  oclstm_plan *half = plan_of(model, OCLSTM_PRECISION_F16, 1, 1);
  oclstm_plan *full = make_plan(device, model, 1, 1, true);
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  float x[64] = {0};
  OK(oclstm_state_create(half, &state, &last_error));
  io.steps = 1;
  io.x = x;
  OK(oclstm_forward(half, state, &io, &last_error));
  FAILS(OCLSTM_E_STATE, "precision", oclstm_forward(full, state, &io, &last_error));
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&full);
  oclstm_plan_destroy(&half);
  oclstm_model_destroy(&model);
}

static void clblast_is_refused_by_name(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], options.seed);
  oclstm_plan_desc desc = plan_desc(device, model, 1, 1, false);
  desc.precision = OCLSTM_PRECISION_BF16;
  desc.gemm = OCLSTM_GEMM_CLBLAST;
  FAILS(OCLSTM_E_UNSUPPORTED, "precision bf16", oclstm_supports(device, model, &desc, &last_error));
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_rounds_weights_x_and_h_and_nothing_else),
      cmocka_unit_test(long_runs_stay_within_bounds),
      cmocka_unit_test(pieces_give_the_same_bits),
      cmocka_unit_test(a_state_has_a_precision),
      cmocka_unit_test(clblast_is_refused_by_name),
  };
  read_options(argc, argv);
  return run_device_tests("forward.precision", tests, sizeof tests / sizeof tests[0]);
}
