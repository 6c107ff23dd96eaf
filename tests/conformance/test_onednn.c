/* Layers on a device and in oneDNN: the vanilla LSTM, peepholes, projections, both GRUs, plain RNNs, in all directions that
 * both have. The weights, inputs and states are random and the same.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "onednn.h"

static const tolerance ONEDNN = {.rel_l2 = 1e-6, .max_abs = 1e-5};
enum { MAX_CASES = 64, MAX_NAME = 64 };

typedef struct case_line {
  char name[MAX_NAME];
  oclstm_layer layer;
  size_t T, B;
} case_line;

static case_line LINES[MAX_CASES];
static FILE *record;

/* ---- the cases ---- */

static const struct {
  const char *name;
  oclstm_layer layer;
} CELLS[] = {
    {"lstm", {.kind = OCLSTM_LSTM}},
    {"lstm_peephole", {.kind = OCLSTM_LSTM, .peephole = OCLSTM_PEEPHOLE_DIAGONAL}},
    {"lstm_projection", {.kind = OCLSTM_LSTM, .projection_size = 5}},
    {"lstm_peephole_projection",
     {.kind = OCLSTM_LSTM, .peephole = OCLSTM_PEEPHOLE_DIAGONAL, .projection_size = 5}},
    {"gru", {.kind = OCLSTM_GRU}},
    {"gru_linear_before_reset", {.kind = OCLSTM_GRU, .linear_before_reset = 1}},
    {"rnn_tanh", {.kind = OCLSTM_RNN}},
    {"rnn_relu",
     {.kind = OCLSTM_RNN,
      .activation = {{{OCLSTM_ACT_DEFAULT, 0, 0}, {OCLSTM_ACT_RELU, 0, 0}, {OCLSTM_ACT_DEFAULT, 0, 0}},
                     {{OCLSTM_ACT_DEFAULT, 0, 0}, {OCLSTM_ACT_RELU, 0, 0}, {OCLSTM_ACT_DEFAULT, 0, 0}}}}},
};
static const struct {
  const char *name;
  oclstm_direction direction;
  oclstm_merge merge;
} DIRECTIONS[] = {{"forward", OCLSTM_FORWARD, OCLSTM_CONCAT},
                  {"reverse", OCLSTM_REVERSE, OCLSTM_CONCAT},
                  {"concat", OCLSTM_BIDIRECTIONAL, OCLSTM_CONCAT},
                  {"sum", OCLSTM_BIDIRECTIONAL, OCLSTM_SUM}};
static const struct { size_t T, B, I, H; } SIZES[] = {{6, 3, 9, 8}, {3, 2, 4, 17}};

static size_t fill_lines(void) {
  size_t n = 0;
  for (size_t cell = 0; cell < sizeof CELLS / sizeof CELLS[0]; ++cell) {
    for (size_t d = 0; d < sizeof DIRECTIONS / sizeof DIRECTIONS[0]; ++d) {
      for (size_t s = 0; s < sizeof SIZES / sizeof SIZES[0]; ++s) {
        case_line *line = &LINES[n++];
        (void)snprintf(line->name, sizeof line->name, "%s_%s_%zu", CELLS[cell].name, DIRECTIONS[d].name, s);
        line->layer = CELLS[cell].layer;
        line->layer.bias = OCLSTM_BIAS_TWO;
        line->layer.direction = DIRECTIONS[d].direction;
        line->layer.merge = DIRECTIONS[d].merge;
        line->layer.input_size = SIZES[s].I;
        line->layer.hidden_size = SIZES[s].H;
        line->T = SIZES[s].T;
        line->B = SIZES[s].B;
      }
    }
  }
  return n;
}

/* ---- one case ---- */

static oclstm_array random_array(size_t count, float size, uint64_t *seed) {
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  fill_random(values, count, size, seed);
  return (oclstm_array){values, OCLSTM_F32};
}

static oclstm_weights random_weights(const oclstm_layer *layer, uint64_t *seed) {
  const size_t H = layer->hidden_size, I = layer->input_size, R = oclstm_layer_state_size(layer);
  const size_t GH = H * (layer->kind == OCLSTM_LSTM ? 4 : layer->kind == OCLSTM_GRU ? 3 : 1);
  oclstm_weights w = {.W_ih = random_array(GH * I, 0.5F, seed),
                      .W_hh = random_array(GH * R, 0.4F, seed),
                      .b_ih = random_array(GH, 0.8F, seed),
                      .b_hh = random_array(GH, 0.8F, seed)};
  if (layer->projection_size != 0) {
    w.W_hr = random_array(R * H, 0.5F, seed);
  }
  if (layer->peephole != OCLSTM_PEEPHOLE_NONE) {
    w.peephole = random_array(3 * H, 1.0F, seed);
  }
  return w;
}

static void free_weights(oclstm_weights *w) {
  const oclstm_array *arrays[] = {&w->W_ih, &w->W_hh, &w->b_ih, &w->b_hh, &w->W_hr, &w->peephole};
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; ++k) {
    free((void *)arrays[k]->data);
  }
}

static oclstm_model *make_model(const case_line *line, const oclstm_weights *weights) {
  oclstm_model_desc desc = OCLSTM_MODEL_DESC_INIT;
  oclstm_model *model = NULL;
  desc.n_layers = 1;
  desc.layers = &line->layer;
  desc.weights = weights;
  OK(oclstm_model_create(&desc, &model, &last_error));
  return model;
}

static float *new_floats(const test_tensor *s) {
  float *array = calloc(s->n * s->B * s->W + 1, sizeof *array);
  assert_non_null(array);
  return array;
}

static oclstm_status run_device(const oclstm_model *model, const test_job *job, test_result *got) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  desc.rows = job->B;
  desc.steps = job->T;
  desc.strategy = device == reference ? OCLSTM_STRATEGY_AUTO : options.strategy;
  desc.tuning = OCLSTM_TUNING_NONE;
  desc.gemm = device == reference ? OCLSTM_GEMM_AUTO : options.gemm;
  oclstm_status status = oclstm_plan_create(device, model, &desc, &plan, &last_error);
  if (status == OCLSTM_OK) {
    io.steps = job->T;
    io.x = job->x;
    io.y = got->y;
    OK(oclstm_state_create(plan, &state, &last_error));
    OK(oclstm_state_set(state, job->h0, job->c0, &last_error));
    OK(oclstm_forward(plan, state, &io, &last_error));
    OK(oclstm_state_get(state, got->hn, got->cn, &last_error));
    oclstm_state_destroy(&state);
    oclstm_plan_destroy(&plan);
  }
  return status;
}

static test_result new_result(const test_job *job) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job);
  return (test_result){.y = new_floats(&y), .hn = new_floats(&hn), .cn = new_floats(&cn)};
}

static void run_case(void **state) {
  const case_line *line = *state;
  uint64_t seed = options.seed + (uint64_t)(line - LINES);
  oclstm_weights weights[2] = {random_weights(&line->layer, &seed), {.W_ih = {NULL, OCLSTM_F32}}};
  if (line->layer.direction == OCLSTM_BIDIRECTIONAL) {
    weights[1] = random_weights(&line->layer, &seed);
  }
  oclstm_model *model = make_model(line, weights);
  test_job job = make_job(model, line->T, line->B, seed);
  test_result expected = new_result(&job), got = new_result(&job);
  const test_tensor y = y_of(&job), hn = hn_of(&job), cn = cn_of(&job);
  onednn_run(&(onednn_case){&line->layer, weights, &job}, &expected);
  OK(run_device(model, &job, &got));
  bool close = is_close(&y, expected.y, got.y, ONEDNN);
  close &= is_close(&hn, expected.hn, got.hn, ONEDNN);
  close &= is_close(&cn, expected.cn, got.cn, ONEDNN);
  if (record != NULL) {
    (void)fprintf(record, "%s %s\n", line->name, close ? "passed" : "failed");
  }
  free_result(&expected);
  free_result(&got);
  free_job(&job);
  oclstm_model_destroy(&model);
  free_weights(&weights[0]);
  free_weights(&weights[1]);
  assert_true(close);
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[MAX_CASES];
  read_options(argc, argv);
  record = options.record != NULL ? fopen(options.record, "w") : NULL;
  if (options.record != NULL && record == NULL) {
    print_error("%s cannot be written\n", options.record);
    return 2;
  }
  if (record != NULL) {
    (void)fprintf(record, "# version %s\n", onednn_version());
  }
  const size_t n = fill_lines();
  for (size_t k = 0; k < n; ++k) {
    tests[k] = (struct CMUnitTest){LINES[k].name, run_case, NULL, NULL, &LINES[k]};
  }
  const int failed = run_device_tests("onednn", tests, n);
  if (record != NULL && fclose(record) != 0) {
    print_error("%s cannot be written\n", options.record);
    return 1;
  }
  return failed;
}
