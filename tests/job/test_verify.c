/* Verification: the reference agrees with itself, a broken device is found, a chaotic layer is resynchronised.
 *
 * The device under test is the reference behind an engine table of this file's own, which spoils its results.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "network.h"
#include "test.h"

enum { T = 500, B = 3, I = 4, MAX_RESULTS = MAX_LAYERS + 1 };

/* ---- a device with faults ---- */

static oclstm__engine faulty; /* the reference's table, but for what a test replaces */
static const oclstm__engine *the_reference;
static size_t spoiled_width; /* outputs this wide are spoiled; 0: none */
static float spoiled_by;

static oclstm_status spoil_output(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                  oclstm_error *error) {
  oclstm_status status = the_reference->sweep(plan, state, sweep, error);
  const oclstm_model *model = plan->model;
  size_t width = sweep->head ? model->head_size : oclstm_layer_output_size(&model->layers[0]);
  size_t width_in =
      sweep->n_layers > 0 ? model->layers[0].input_size : oclstm_layer_output_size(&model->layers[0]);
  for (size_t i = 0; i < width_in && model->embedding_size == 0; ++i) {
    assert_true(!isnan(((const float *)sweep->input)[i])); /* faults of one layer do not reach the next */
  }
  if (status == OCLSTM_OK && sweep->part != OCLSTM__REVERSE_HALF && width == spoiled_width) {
    sweep->output[width / 2] += spoiled_by;
  }
  return status;
}

/* c and h as float32 after every step, as on a device. */
static oclstm_status round_state(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                 oclstm_error *error) {
  size_t nh = plan->desc.rows * oclstm_model_h_size(plan->model);
  size_t nc = plan->desc.rows * oclstm_model_c_size(plan->model);
  float *h = malloc((nh + 1) * sizeof *h), *c = malloc((nc + 1) * sizeof *c);
  assert_non_null(h);
  assert_non_null(c);
  oclstm_status status = the_reference->sweep(plan, state, sweep, error);
  status = status == OCLSTM_OK ? the_reference->state_get(state, h, c, error) : status;
  status = status == OCLSTM_OK ? the_reference->state_set(state, h, c, error) : status;
  free(h);
  free(c);
  return status;
}

static oclstm_status plan_of_one_step(oclstm_context *context, const oclstm_model *model,
                                      const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error) {
  oclstm_plan_desc one = *desc;
  one.steps = 1;
  return the_reference->plan_create(context, model, &one, plan, error);
}

static oclstm_context *faulty_context(void) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  desc.device = "reference";
  assert_ok(oclstm_context_create(&desc, &context, &error), &error);
  the_reference = context->engine;
  faulty = *the_reference;
  context->engine = &faulty;
  spoiled_width = 0;
  return context;
}

/* ---- runs ---- */

static float x[T * B * I];
static const int32_t LENGTHS[B] = {T, T / 2, 0};
static oclstm_verify_result results[MAX_RESULTS];
static oclstm_error last_error;

static int32_t ids[T * B];

static oclstm_status verify_embedded(oclstm_context *context, const char *layers, size_t head, float scale,
                                     size_t embedding) {
  const network_desc network = {.layers = layers,
                                .input_size = I,
                                .head_size = head,
                                .scale = scale,
                                .seed = 17,
                                .embedding_size = embedding};
  oclstm_model *model = network_create(&network);
  oclstm_verify_desc desc = OCLSTM_VERIFY_DESC_INIT;
  random_fill(x, T * B * I, 4);
  memset(results, 0xff, sizeof results);
  memset(&last_error, 0, sizeof last_error);
  desc.rows = B;
  desc.steps = T;
  for (size_t k = 0; k < T * B; ++k) {
    ids[k] = k / B < (size_t)LENGTHS[k % B] ? (int32_t)(k * 7 % (embedding + (embedding == 0))) : -1;
  }
  desc.x = embedding == 0 ? x : NULL;
  desc.ids = embedding == 0 ? NULL : ids;
  desc.lengths = LENGTHS;
  oclstm_status status = oclstm_verify(context, model, &desc, results, &last_error);
  oclstm_model_destroy(&model);
  return status;
}

static oclstm_status verify(oclstm_context *context, const char *layers, size_t head, float scale) {
  return verify_embedded(context, layers, head, scale, 0);
}

static void verify_of_the_reference_finds_no_difference(void **unused) {
  (void)unused;
  oclstm_context *context = faulty_context();
  assert_ok(verify(context, "fbrb", 3, 0.0F), &last_error);
  for (size_t k = 0; k < 5; ++k) {
    assert_true(results[k].passed == 1 && results[k].resynchronised == 0);
    assert_true(results[k].max_absolute == 0.0 && results[k].relative_l2 == 0.0);
  }
  oclstm_context_destroy(&context);
}

/* Every kind of layer as a network of its own, which needs all of its arrays; chunks of one step cut them all. */
static void verify_of_every_kind_of_layer(void **unused) {
  (void)unused;
  static const char *const NETWORKS[] = {"fkS", "MAP", "pKg", "GnN", "htx", "ziG"};
  for (size_t k = 0; k < sizeof NETWORKS / sizeof NETWORKS[0]; ++k) {
    oclstm_context *context = faulty_context();
    assert_ok(verify_embedded(context, NETWORKS[k], 3, 0.0F, 11), &last_error);
    assert_true(results[3].passed == 1 && results[2].max_absolute == 0.0);
    faulty.sweep = round_state;
    faulty.plan_create = plan_of_one_step;
    assert_ok(verify_embedded(context, NETWORKS[k], 3, 0.0F, 11), &last_error);
    for (size_t l = 0; l < 3; ++l) {
      assert_true(results[l].passed == 1 && results[l].resynchronised == 0 && results[l].max_absolute > 0.0);
    }
    oclstm_context_destroy(&context);
  }
}

/* A device that is told another order of a row is found: y of "k" is 5 wide. */
static void verify_resynchronises_every_kind_of_layer(void **unused) {
  (void)unused;
  static const char *const NETWORKS[] = {"k", "K", "g", "n", "S", "P", "i"};
  static const size_t WIDTHS[] = {5, 3, 5, 5, 5, 6, 10};
  for (size_t k = 0; k < sizeof NETWORKS / sizeof NETWORKS[0]; ++k) {
    oclstm_context *context = faulty_context();
    faulty.sweep = spoil_output;
    faulty.plan_create = plan_of_one_step;
    spoiled_width = WIDTHS[k];
    spoiled_by = 1e-3F;
    assert_status(verify(context, NETWORKS[k], 0, 0.0F), OCLSTM_E_MISMATCH);
    assert_int_equal(results[0].resynchronised, 1);
    assert_true(results[0].max_absolute > 0.9e-3 && results[0].max_absolute < 1.1e-3);
    oclstm_context_destroy(&context);
  }
}

static oclstm_status verify_as(oclstm_context *context, oclstm_precision precision, float by) {
  const network_desc network = {.layers = "f", .input_size = I, .seed = 17};
  oclstm_model *model = network_create(&network);
  oclstm_verify_desc desc = OCLSTM_VERIFY_DESC_INIT;
  spoiled_width = 5;
  spoiled_by = by;
  desc.plan.precision = precision;
  desc.rows = B;
  desc.steps = T;
  desc.x = x;
  desc.lengths = LENGTHS;
  oclstm_status status = oclstm_verify(context, model, &desc, results, &last_error);
  oclstm_model_destroy(&model);
  return status;
}

static void verify_has_bounds_of_each_precision(void **unused) {
  (void)unused;
  static const float BOUNDS[] = {1e-5F, 2e-3F, 1.6e-2F};
  oclstm_context *context = faulty_context();
  faulty.sweep = spoil_output;
  random_fill(x, T * B * I, 4);
  for (int p = OCLSTM_PRECISION_F32; p <= OCLSTM_PRECISION_BF16; ++p) {
    assert_ok(verify_as(context, (oclstm_precision)p, 0.9F * BOUNDS[p]), &last_error);
    assert_status(verify_as(context, (oclstm_precision)p, 1.2F * BOUNDS[p]), OCLSTM_E_MISMATCH);
  }
  assert_status(verify_as(context, (oclstm_precision)3, 0.0F), OCLSTM_E_ARGUMENT);
  oclstm_context_destroy(&context);
}

/* Layers "fbf" are 5, 12 and 7 wide, the head 3. */
static void check_fault(size_t width, size_t index, float by) {
  oclstm_context *context = faulty_context();
  faulty.sweep = spoil_output;
  spoiled_width = width;
  spoiled_by = by;
  assert_status(verify(context, "fbf", 3, 0.0F), OCLSTM_E_MISMATCH);
  for (size_t k = 0; k < 4; ++k) {
    assert_int_equal(results[k].passed, k != index);
  }
  assert_true(isnan(by) ? isnan(results[index].max_absolute) : results[index].max_absolute > 0.9e-3);
  assert_int_equal(results[index].resynchronised, index < 3);
  assert_non_null(strstr(last_error.text, index < 3 ? "layer " : "head"));
  oclstm_context_destroy(&context);
}

static void verify_finds_a_broken_layer_and_only_that(void **unused) {
  (void)unused;
  check_fault(5, 0, 1e-3F);
  check_fault(12, 1, 1e-3F);
  check_fault(7, 2, -1e-3F);
  check_fault(3, 3, 1e-3F);
}

static void verify_lets_no_nan_pass(void **unused) {
  (void)unused;
  check_fault(5, 0, NAN);
  check_fault(12, 1, NAN);
  check_fault(3, 3, NAN);
}

static void verify_resynchronises_chaotic_layers(void **unused) {
  (void)unused;
  const char *const networks[] = {"f", "r", "b"};
  for (size_t k = 0; k < 3; ++k) {
    oclstm_context *context = faulty_context();
    faulty.sweep = round_state;
    faulty.plan_create = plan_of_one_step;
    assert_ok(verify(context, networks[k], 0, 0.0F), &last_error); /* a calm layer stays close by itself */
    assert_int_equal(results[0].resynchronised, 0);
    assert_true(results[0].max_absolute > 0.0);
    assert_ok(verify(context, networks[k], 0, 20.0F), &last_error);
    assert_int_equal(results[0].resynchronised, 1);
    assert_int_equal(results[0].passed, 1);
    oclstm_context_destroy(&context);
  }
}

/* ---- the order of single steps ---- */

enum { MAX_WATCHED = 4 * T };
static struct {
  const float *input;
  int part;
} watched[MAX_WATCHED];
static size_t n_watched;

static oclstm_status watch_steps(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                 oclstm_error *error) {
  assert_int_equal(sweep->steps, 1);
  assert_true(n_watched < MAX_WATCHED);
  watched[n_watched].input = sweep->input;
  watched[n_watched].part = sweep->part;
  ++n_watched;
  return spoil_output(plan, state, sweep, error);
}

/* The job comes first, T steps of each half; then the single steps: reverse halves from the last step on, forward
 * halves from the first. */
static void verify_steps_each_direction_in_its_order(void **unused) {
  (void)unused;
  oclstm_context *context = faulty_context();
  faulty.sweep = watch_steps;
  faulty.plan_create = plan_of_one_step;
  spoiled_width = 10;
  spoiled_by = 1.0F;
  n_watched = 0;
  assert_status(verify(context, "b", 0, 0.0F), OCLSTM_E_MISMATCH);
  assert_int_equal(n_watched, MAX_WATCHED);
  for (size_t k = 1; k < T; ++k) {
    assert_int_equal(watched[2 * T + k].part, OCLSTM__REVERSE_HALF);
    assert_ptr_equal(watched[2 * T + k].input, watched[2 * T + k - 1].input - B * I);
    assert_int_equal(watched[3 * T + k].part, OCLSTM__FORWARD_HALF);
    assert_ptr_equal(watched[3 * T + k].input, watched[3 * T + k - 1].input + B * I);
  }
  assert_ptr_equal(watched[3 * T].input, watched[3 * T - 1].input);
  oclstm_context_destroy(&context);
}

static void verify_resynchronised_still_finds_faults(void **unused) {
  (void)unused;
  oclstm_context *context = faulty_context();
  faulty.sweep = spoil_output;
  faulty.plan_create = plan_of_one_step;
  spoiled_width = 10;
  spoiled_by = 1e-3F;
  assert_status(verify(context, "b", 0, 20.0F), OCLSTM_E_MISMATCH);
  assert_int_equal(results[0].resynchronised, 1);
  assert_true(results[0].max_absolute > 0.9e-3 && results[0].max_absolute < 1.1e-3);
  oclstm_context_destroy(&context);
}

static void verify_refuses_bad_arguments(void **unused) {
  (void)unused;
  const network_desc network = {.layers = "f", .input_size = I, .seed = 17};
  oclstm_model *model = network_create(&network);
  oclstm_context *context = faulty_context();
  oclstm_verify_desc desc = OCLSTM_VERIFY_DESC_INIT;
  const int32_t lengths[B] = {0, T + 1, 0};
  desc.rows = B;
  desc.steps = T;
  assert_status(oclstm_verify(context, model, &desc, results, &last_error), OCLSTM_E_ARGUMENT);
  desc.x = x;
  desc.lengths = lengths;
  assert_status(oclstm_verify(context, model, &desc, results, &last_error), OCLSTM_E_LENGTHS);
  desc.lengths = NULL;
  desc.rows = 0;
  assert_status(oclstm_verify(context, model, &desc, results, &last_error), OCLSTM_E_ARGUMENT);
  desc.rows = B;
  assert_status(oclstm_verify(NULL, model, &desc, results, &last_error), OCLSTM_E_ARGUMENT);
  desc.ids = ids;
  assert_status(oclstm_verify(context, model, &desc, results, &last_error), OCLSTM_E_ARGUMENT);
  desc.ids = NULL;
  desc.struct_size = 3;
  assert_status(oclstm_verify(context, model, &desc, results, &last_error), OCLSTM_E_ARGUMENT);
  oclstm_context_destroy(&context);
  oclstm_model_destroy(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verify_of_the_reference_finds_no_difference),
      cmocka_unit_test(verify_of_every_kind_of_layer),
      cmocka_unit_test(verify_resynchronises_every_kind_of_layer),
      cmocka_unit_test(verify_has_bounds_of_each_precision),
      cmocka_unit_test(verify_finds_a_broken_layer_and_only_that),
      cmocka_unit_test(verify_lets_no_nan_pass),
      cmocka_unit_test(verify_resynchronises_chaotic_layers),
      cmocka_unit_test(verify_steps_each_direction_in_its_order),
      cmocka_unit_test(verify_resynchronised_still_finds_faults),
      cmocka_unit_test(verify_refuses_bad_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
