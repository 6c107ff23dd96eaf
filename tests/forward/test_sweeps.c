/* A bidirectional network cut into sweeps over chunks, as jobs run it, is the network run at once.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "support.h"

/* One layer walked in chunks: all of its reverse direction from the end, then its forward direction from the start,
 * which also takes the layers behind it along. */
typedef struct cut_job {
  const test_job *job;
  oclstm_plan *plan;
  oclstm_state *state;
  size_t chunk;
} cut_job;

static void lengths_of_chunk(const test_job *job, size_t first, size_t n, int32_t *lengths) {
  for (size_t b = 0; b < job->B; ++b) {
    size_t length = job->lengths != NULL ? (size_t)job->lengths[b] : job->T;
    size_t left = length > first ? length - first : 0;
    lengths[b] = (int32_t)(left < n ? left : n);
  }
}

/* Runs `sweep` on steps first .. first + n - 1; its arrays are those of all T steps, of the given widths. */
static void run_chunk(const cut_job *cut, oclstm__sweep sweep, size_t first, size_t widths[4]) {
  const size_t B = cut->job->B;
  const size_t left = cut->job->T - first;
  int32_t *lengths = calloc(B, sizeof *lengths);
  assert_non_null(lengths);
  sweep.steps = left < cut->chunk ? left : cut->chunk;
  lengths_of_chunk(cut->job, first, sweep.steps, lengths);
  sweep.lengths = lengths;
  sweep.input = (const float *)sweep.input + first * B * widths[0];
  sweep.other = sweep.other != NULL ? sweep.other + first * B * widths[1] : NULL;
  sweep.output += first * B * widths[2];
  sweep.cells = sweep.cells != NULL ? sweep.cells + first * B * widths[3] : NULL;
  OK(oclstm__sweep_run(cut->plan, cut->state, &sweep, &last_error));
  free(lengths);
}

/* Layer l in two sweeps a chunk; layers l .. l + n - 1 and the head go along with the forward half. Returns y; cells
 * (n = 1) receives c of both directions. */
static float *run_layer(const cut_job *cut, size_t l, size_t n, bool head, const float *input, float *cells) {
  const oclstm_model *model = cut->job->model;
  const oclstm_layer *layer = oclstm_model_layer(model, l);
  const size_t H = layer->hidden_size, rows = cut->job->T * cut->job->B;
  const size_t width =
      head ? oclstm_model_output_size(model) : oclstm_layer_output_size(oclstm_model_layer(model, l + n - 1));
  float *half = calloc(rows * H, sizeof *half), *y = calloc(rows * width, sizeof *y);
  float *half_cells[2] = {calloc(rows * H, sizeof *half), calloc(rows * H, sizeof *half)};
  assert_true(half != NULL && y != NULL && half_cells[0] != NULL && half_cells[1] != NULL);
  oclstm__sweep reverse = {.first_layer = l,
                           .n_layers = 1,
                           .part = OCLSTM__REVERSE_HALF,
                           .input = input,
                           .output = half,
                           .cells = half_cells[1]};
  oclstm__sweep forward = {.first_layer = l,
                           .n_layers = n,
                           .head = head,
                           .part = OCLSTM__FORWARD_HALF,
                           .input = input,
                           .other = half,
                           .output = y,
                           .cells = n == 1 ? half_cells[0] : NULL};
  size_t n_chunks = (cut->job->T + cut->chunk - 1) / cut->chunk;
  for (size_t k = n_chunks; k-- > 0;) {
    run_chunk(cut, reverse, k * cut->chunk, (size_t[4]){layer->input_size, 0, H, H});
  }
  for (size_t k = 0; k < n_chunks; ++k) {
    run_chunk(cut, forward, k * cut->chunk, (size_t[4]){layer->input_size, H, width, H});
  }
  for (size_t r = 0; n == 1 && r < rows; ++r) {
    memcpy(cells + r * 2 * H, half_cells[0] + r * H, H * sizeof *cells);
    memcpy(cells + r * 2 * H + H, half_cells[1] + r * H, H * sizeof *cells);
  }
  free(half);
  free(half_cells[0]);
  free(half_cells[1]);
  return y;
}

static test_result run_cut(const test_job *job, size_t chunk) {
  const oclstm_model *model = job->model;
  const size_t n_layers = oclstm_model_n_layers(model);
  const test_tensor cells = cells_of(job);
  const bool head = oclstm_model_head_size(model) != 0;
  cut_job cut = {.job = job, .plan = make_plan(device, model, job->B, chunk, true), .chunk = chunk};
  test_result got = {.hn = calloc(job->B * oclstm_model_h_size(model), sizeof(float)),
                     .cn = calloc(job->B * oclstm_model_c_size(model), sizeof(float)),
                     .cells = calloc(cells.n * cells.B * cells.W, sizeof(float))};
  assert_true(got.hn != NULL && got.cn != NULL && got.cells != NULL);
  OK(oclstm_state_create(cut.plan, &cut.state, &last_error));
  OK(oclstm_state_set(cut.state, job->h0, job->c0, &last_error));
  if (n_layers > 1 && oclstm_model_layer(model, 1)->direction == OCLSTM_FORWARD) {
    got.y = run_layer(&cut, 0, n_layers, head, job->x, NULL);
  } else {
    for (size_t l = 0; l < n_layers; ++l) {
      float *y = run_layer(&cut, l, 1, head && l + 1 == n_layers, l == 0 ? job->x : got.y, got.cells);
      free(got.y);
      got.y = y;
    }
  }
  OK(oclstm_state_get(cut.state, got.hn, got.cn, &last_error));
  oclstm_state_destroy(&cut.state);
  oclstm_plan_destroy(&cut.plan);
  return got;
}

/* The reference rounds to float32 what goes between sweeps and not what goes between layers of one sweep; devices
 * round both. */
static void check_cut(const test_job *job, size_t chunk) {
  const bool exact = device != reference ||
                     (oclstm_model_n_layers(job->model) == 1 && oclstm_model_head_size(job->model) == 0);
  const tolerance limit = exact ? (tolerance){0.0, 0.0} : FLOAT32;
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  test_result ref = run_job(device, job, 0, 0);
  test_result got = run_cut(job, chunk);
  assert_close(&y, ref.y, got.y, limit);
  assert_close(&hn, ref.hn, got.hn, limit);
  assert_close(&cn, ref.cn, got.cn, limit);
  if (cells.W == 2 * oclstm_model_layer(job->model, 0)->hidden_size) {
    assert_close(&cells, ref.cells, got.cells, limit);
  }
  free_result(&got);
  free_result(&ref);
}

static void check_network(const test_network *net, uint64_t seed) {
  const int32_t lengths[] = {1000, 0, 3, 8, 1};
  oclstm_model *model = make_network(net, seed);
  test_job job = make_job(model, options.small ? 3 : 19, 5, seed);
  for (size_t pass = options.small ? 1 : 0; pass < 2; ++pass) {
    if (pass == 1) {
      set_lengths(&job, lengths, 5);
    }
    check_cut(&job, 2);
    if (!options.small) {
      check_cut(&job, job.T);
      check_cut(&job, 5);
      check_cut(&job, 1);
    }
  }
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void sweeps_are_the_whole(void **unused) {
  (void)unused;
  const test_network plain = {
      .layers = 1, .I = 3, .H = 9, .direction = OCLSTM_BIDIRECTIONAL, .bias = OCLSTM_BIAS_ONE, .scale = 2.0};
  check_network(&plain, options.seed);
  for (size_t k = 0; k < n_bidirectional(); ++k) {
    check_network(&BIDIRECTIONAL[k], options.seed + k);
  }
}

/* Forward layers one by one, a sweep each. */
static void layer_by_layer(void **unused) {
  (void)unused;
  oclstm_model *model = make_network(&FORWARD[0], options.seed);
  test_job job = make_job(model, 6, 3, options.seed);
  test_result ref = run_job(device, &job, 0, 0);
  oclstm_plan *plan = make_plan(device, model, job.B, job.T, true);
  oclstm_state *state = NULL;
  const size_t H = FORWARD[0].H, count = job.T * job.B * H;
  float *between = calloc(count, sizeof *between), *y = calloc(count, sizeof *y);
  assert_true(between != NULL && y != NULL);
  OK(oclstm_state_create(plan, &state, &last_error));
  OK(oclstm_state_set(state, job.h0, job.c0, &last_error));
  oclstm__sweep sweep = {.steps = job.T, .n_layers = 1, .input = job.x, .output = between};
  OK(oclstm__sweep_run(plan, state, &sweep, &last_error));
  sweep.first_layer = 1;
  sweep.input = between;
  sweep.output = y;
  OK(oclstm__sweep_run(plan, state, &sweep, &last_error));
  const test_tensor shape = y_of(&job);
  assert_close(&shape, ref.y, y, device == reference ? FLOAT32 : (tolerance){0.0, 0.0});
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  free(between);
  free(y);
  free_result(&ref);
  free_job(&job);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sweeps_are_the_whole),
      cmocka_unit_test(layer_by_layer),
  };
  read_options(argc, argv);
  return run_device_tests("forward.sweeps", tests, sizeof tests / sizeof tests[0]);
}
