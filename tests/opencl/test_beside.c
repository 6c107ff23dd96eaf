/* Directions and layers that run side by side: the bits are those of one after the other, whatever waits for whom.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"
#include "support.h"

enum { T = 41, B = 3, ROUNDS = 3 };
static const int32_t LENGTHS[B] = {T, 9, T - 2};
static const size_t BLOCKS[] = {1, 2, 5, 16, 40};
enum { N_BLOCKS = sizeof BLOCKS / sizeof BLOCKS[0] };

static oclstm__cl_plan *inside(oclstm_plan *plan) {
  return oclstm__cl_plan_of(plan);
}

/* From now on everything of the plan runs one after the other. */
static void forbid(oclstm_plan *plan, const oclstm_model *model) {
  for (size_t k = 0; k < 2 * model->n_layers; ++k) {
    inside(plan)->runners[k].beside = 1;
  }
}

typedef struct pair {
  oclstm_model *model;
  oclstm_plan *plan, *alone;
  test_job job;
} pair;

static pair open_pair(oclstm_model *model, bool ragged) {
  pair p = {.model = model, .job = make_job(model, T, B, options.seed)};
  if (ragged) {
    set_lengths(&p.job, LENGTHS, B);
  }
  p.plan = make_plan(device, model, B, T, true);
  p.alone = make_plan(device, model, B, T, true);
  forbid(p.alone, model);
  return p;
}

static void close_pair(pair *p) {
  oclstm_plan_destroy(&p->plan);
  oclstm_plan_destroy(&p->alone);
  free_job(&p->job);
  oclstm_model_destroy(&p->model);
}

/* Several times: what does not wait for what it needs may still be lucky. */
static void check_same(const pair *p, size_t piece) {
  test_result expected = run_plan(p->alone, &p->job, piece);
  for (int round = 0; round < ROUNDS; ++round) {
    test_result got = run_plan(p->plan, &p->job, piece);
    assert_results_same_bits(&p->job, &expected, &got);
    free_result(&got);
  }
  free_result(&expected);
}

static oclstm_layer layer_of(oclstm_cell_kind kind, size_t I, size_t H, oclstm_direction direction) {
  return (oclstm_layer){
      .kind = kind, .input_size = I, .hidden_size = H, .direction = direction, .bias = OCLSTM_BIAS_TWO};
}

/* ---- layers ---- */

/* Layers of unlike sizes and cells: the second one takes longest, the last but one has two stages. A group of lanes holds no more
 * of a layer than 32 units and one stage. */
static oclstm_model *make_stack(oclstm_direction direction) {
  const bool lanes = options.lanes > 0;
  oclstm_layer layers[] = {
      layer_of(OCLSTM_LSTM, 7, 24, direction),
      layer_of(OCLSTM_LSTM, 24, lanes ? 30 : 90, direction),
      layer_of(OCLSTM_GRU, lanes ? 30 : 90, 20, direction),
      layer_of(OCLSTM_LSTM, 20, lanes ? 12 : 33, direction),
      layer_of(OCLSTM_RNN, 12, 17, direction),
  };
  layers[2].linear_before_reset = lanes;
  layers[3].projection_size = lanes ? 0 : 12;
  return make_layers(layers, sizeof layers / sizeof layers[0], 4, 0, options.seed);
}

static void check_stack(oclstm_direction direction, bool ragged) {
  pair p = open_pair(make_stack(direction), ragged);
  const bool chained = oclstm__lanes_of(inside(p.plan), &inside(p.plan)->runners[0]) > 1;
  assert_int_equal(oclstm__chain(inside(p.plan), 0, 5), chained ? 5 : 1);
  assert_int_equal(oclstm__chain(inside(p.plan), 2, 2), chained ? 2 : 1);
  assert_int_equal(oclstm__chain(inside(p.alone), 0, 5), 1);
  assert_int_equal(inside(p.plan)->n_activations, chained ? 6 : 2);
  assert_int_equal(oclstm_plan_get_layer(p.plan, 3, 0)->beside, chained ? 5 : 1);
  for (size_t k = 0; k < N_BLOCKS; ++k) {
    inside(p.plan)->block = BLOCKS[k];
    check_same(&p, 0);
    check_same(&p, 13);
  }
  close_pair(&p);
}

static void layers_in_a_chain(void **unused) {
  (void)unused;
  check_stack(OCLSTM_FORWARD, false);
  check_stack(OCLSTM_FORWARD, true);
}

static void layers_in_reverse(void **unused) {
  (void)unused;
  check_stack(OCLSTM_REVERSE, true);
}

/* What does not follow the layer in front: the other way round, its rows turned round. */
static void layers_that_wait(void **unused) {
  (void)unused;
  oclstm_layer layers[] = {
      layer_of(OCLSTM_LSTM, 6, 20, OCLSTM_FORWARD), layer_of(OCLSTM_LSTM, 20, 20, OCLSTM_REVERSE),
      layer_of(OCLSTM_LSTM, 20, 20, OCLSTM_REVERSE), layer_of(OCLSTM_LSTM, 20, 20, OCLSTM_BIDIRECTIONAL),
      layer_of(OCLSTM_LSTM, 40, 20, OCLSTM_FORWARD)};
  layers[1].go_backwards = 1;
  pair p = open_pair(make_layers(layers, 5, 0, 0, options.seed), true);
  for (size_t l = 0; l < 5; ++l) {
    assert_int_equal(oclstm__chain(inside(p.plan), l, 5 - l), 1);
  }
  check_same(&p, 0);
  close_pair(&p);
}

/* More layers than lanes. */
static void a_long_chain(void **unused) {
  (void)unused;
  oclstm_layer layers[11];
  for (size_t l = 0; l < 11; ++l) {
    layers[l] = layer_of(OCLSTM_LSTM, 16, 16, OCLSTM_FORWARD);
  }
  pair p = open_pair(make_layers(layers, 11, 0, 0, options.seed), true);
  const size_t first = oclstm__chain(inside(p.plan), 0, 11);
  assert_true(first == 1 || first == OCLSTM__MOST_LANES);
  inside(p.plan)->block = 4;
  check_same(&p, 0);
  close_pair(&p);
}

/* ---- directions ---- */

static void check_directions(oclstm_merge merge, bool ragged) {
  oclstm_layer layers[] = {layer_of(OCLSTM_LSTM, 9, 70, OCLSTM_BIDIRECTIONAL),
                           layer_of(OCLSTM_GRU, 140, 18, OCLSTM_BIDIRECTIONAL)};
  layers[0].merge = merge;
  layers[1].input_size = merge == OCLSTM_CONCAT ? 140 : 70;
  pair p = open_pair(make_layers(layers, 2, 3, 0, options.seed), ragged);
  if (merge != OCLSTM_CONCAT) {
    assert_false(oclstm__directions_beside(inside(p.plan), 0)); /* the second needs what the first has left */
  }
  assert_false(oclstm__directions_beside(inside(p.alone), 1));
  check_same(&p, 0);
  close_pair(&p);
}

static void two_directions(void **unused) {
  (void)unused;
  check_directions(OCLSTM_CONCAT, false);
  check_directions(OCLSTM_CONCAT, true);
}

static void two_directions_merged(void **unused) {
  (void)unused;
  if (options.strategy == OCLSTM_STRATEGY_ROWS) { /* grid refuses them */
    check_directions(OCLSTM_SUM, true);
  }
}

/* Rows of one runner leave the other units to those beside it. */
static void rows_run_beside(void **unused) {
  (void)unused;
  oclstm_model *model = make_stack(OCLSTM_FORWARD);
  oclstm_plan *plan = make_plan(device, model, B, T, true);
  const size_t units = oclstm__plan_cl(inside(plan))->base.device.compute_units;
  if (options.strategy == OCLSTM_STRATEGY_ROWS && units > 1) {
    assert_int_equal(inside(plan)->runners[0].beside, 5);
    assert_true(oclstm__lanes_of(inside(plan), &inside(plan)->runners[0]) > 1);
  }
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

/* ---- agreement ---- */

static size_t way_of(const oclstm__runner *r, const oclstm__strategy *strategy) {
  size_t k = 0;
  while (r->ways.way[k].strategy != strategy) {
    assert_true(++k < r->ways.n);
  }
  return k;
}

/* As if it had been measured, and the faster way chosen and made. */
static void pretend(oclstm_plan *plan, size_t runner, double rows, double grid) {
  oclstm__runner *r = &inside(plan)->runners[runner];
  const size_t ways[] = {way_of(r, &oclstm__rows_strategy), way_of(r, &oclstm__grid_strategy)};
  const size_t best = ways[grid < rows];
  r->ways.shown[ways[0]].microseconds = rows;
  r->ways.shown[ways[1]].microseconds = grid;
  r->ways.shown[ways[0]].verdict = r->ways.shown[ways[1]].verdict = OCLSTM_VERDICT_SLOWER;
  oclstm__runner_take(inside(plan), r, best, "measured");
  OK(oclstm__runner_make(inside(plan), r, &last_error));
}

/* Two that were measured apart: one left room for the other, which took all. What is faster in all decides for both. */
static void check_agreement(oclstm_model *model, size_t second, const double rows[2], const double grid[2],
                            const oclstm__strategy *expected) {
  pair p = open_pair(model, true);
  pretend(p.plan, 0, rows[0], grid[0]);
  pretend(p.plan, second, rows[1], grid[1]);
  oclstm__agree(inside(p.plan));
  OK(oclstm__runner_make(inside(p.plan), &inside(p.plan)->runners[0], &last_error));
  OK(oclstm__runner_make(inside(p.plan), &inside(p.plan)->runners[second], &last_error));
  assert_ptr_equal(inside(p.plan)->runners[0].choice.strategy, expected);
  assert_ptr_equal(inside(p.plan)->runners[second].choice.strategy, expected);
  assert_string_equal(oclstm_plan_get_layer(p.plan, 0, 0)->strategy, expected->name);
  check_same(&p, 0);
  close_pair(&p);
}

/* What a way that was not taken left behind: its product with W_ih, which rows does not want. */
static void check_leftovers(oclstm_model *model) {
  pair p = open_pair(model, true);
  oclstm__runner *r = &inside(p.plan)->runners[2];
  const uint64_t bytes = inside(p.plan)->device_bytes;
  pretend(p.plan, 0, 1.0, 9.0);
  pretend(p.plan, 2, 2.0, 9.0);
  oclstm__runner_take(inside(p.plan), r, way_of(r, &oclstm__fused_step), "measured");
  OK(oclstm__runner_make(inside(p.plan), r, &last_error));
  assert_non_null(r->input);
  r->ways.shown[way_of(r, &oclstm__rows_strategy)].verdict = OCLSTM_VERDICT_SLOWER;
  oclstm__agree(inside(p.plan));
  OK(oclstm__runner_make(inside(p.plan), r, &last_error));
  assert_ptr_equal(r->choice.strategy, &oclstm__rows_strategy);
  assert_null(r->input);
  assert_int_equal(inside(p.plan)->device_bytes, bytes);
  check_same(&p, 0);
  close_pair(&p);
}

static void those_beside_each_other_agree(void **unused) {
  (void)unused;
  static const double A[] = {1.0, 1.0}, B_[] = {1.0, 3.0}, C[] = {2.0, 0.5};
  const oclstm_layer stack[] = {layer_of(OCLSTM_LSTM, 7, 40, OCLSTM_FORWARD),
                                layer_of(OCLSTM_LSTM, 40, 40, OCLSTM_FORWARD)};
  const oclstm_layer both = layer_of(OCLSTM_LSTM, 7, 40, OCLSTM_BIDIRECTIONAL);
  if (options.strategy != OCLSTM_STRATEGY_ROWS) {
    return;
  }
  check_leftovers(make_layers(stack, 2, 0, 0, options.seed));
  check_agreement(make_layers(stack, 2, 0, 0, options.seed), 2, A, C, &oclstm__rows_strategy);
  check_agreement(make_layers(stack, 2, 0, 0, options.seed), 2, B_, C, &oclstm__grid_strategy);
  check_agreement(make_layers(&both, 1, 0, 0, options.seed), 1, A, C, &oclstm__rows_strategy);
  check_agreement(make_layers(&both, 1, 0, 0, options.seed), 1, B_, C, &oclstm__grid_strategy);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_in_a_chain), cmocka_unit_test(layers_in_reverse),
      cmocka_unit_test(layers_that_wait),  cmocka_unit_test(a_long_chain),
      cmocka_unit_test(two_directions),    cmocka_unit_test(two_directions_merged),
      cmocka_unit_test(rows_run_beside),   cmocka_unit_test(those_beside_each_other_agree)};
  read_options(argc, argv);
  return run_device_tests("opencl.beside", tests, sizeof tests / sizeof tests[0]);
}
