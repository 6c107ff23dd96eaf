/* Networks of any cells cut into sweeps, layer by layer and chunk by chunk as jobs run them, are the network at once.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cell_table.h"
#include "engine/engine.h"

static cell_case CASES[MAX_CELL_CASES];

/* A network under way. */
typedef struct cut_job {
  const test_job *job;
  oclstm_plan *plan;
  oclstm_state *state;
  size_t chunk;
} cut_job;

/* Floats in a row of the arrays of a sweep. */
typedef struct widths {
  size_t input, other, output, cells;
} widths;

static float *new_rows(const test_job *job, size_t width) {
  float *array = calloc(job->T * job->B * width + 1, sizeof *array);
  assert_non_null(array);
  return array;
}

/* ---- one walk over the steps ---- */

/* Steps first .. of a sweep whose arrays are those of all steps. Ids have the size of floats. */
static void run_chunk(const cut_job *cut, oclstm__sweep sweep, size_t first, const widths *w) {
  const test_job *job = cut->job;
  const size_t row = first * job->B;
  const size_t left = job->T - first;
  int32_t lengths[16];
  assert_true(job->B <= 16);
  sweep.steps = left < cut->chunk ? left : cut->chunk;
  for (size_t b = 0; b < job->B; ++b) {
    const size_t length = (size_t)job->lengths[b] > first ? (size_t)job->lengths[b] - first : 0;
    lengths[b] = (int32_t)(length < sweep.steps ? length : sweep.steps);
  }
  sweep.lengths = lengths;
  sweep.input = (const float *)sweep.input + row * w->input;
  sweep.other = sweep.other != NULL ? sweep.other + row * w->other : NULL;
  sweep.output += row * w->output;
  sweep.cells = sweep.cells != NULL ? sweep.cells + row * w->cells : NULL;
  OK(oclstm__sweep_run(cut->plan, cut->state, &sweep, &last_error));
}

static void run_chunks(const cut_job *cut, const oclstm__sweep *sweep, bool descending, const widths *w) {
  const size_t n = (cut->job->T + cut->chunk - 1) / cut->chunk;
  for (size_t k = 0; k < n; ++k) {
    run_chunk(cut, *sweep, (descending ? n - 1 - k : k) * cut->chunk, w);
  }
}

/* ---- one layer ---- */

/* Both halves of a bidirectional layer. */
static void run_halves(const cut_job *cut, size_t l, const void *input, size_t width, float *y,
                       float *cells) {
  const oclstm_layer *layer = oclstm_model_layer(cut->job->model, l);
  const size_t R = oclstm_layer_state_size(layer), H = layer->hidden_size, rows = cut->job->T * cut->job->B;
  const bool wanted = cells != NULL;
  float *other = new_rows(cut->job, R), *half[2] = {new_rows(cut->job, H), new_rows(cut->job, H)};
  const oclstm__sweep reverse = {.first_layer = l,
                                 .n_layers = 1,
                                 .part = OCLSTM__REVERSE_HALF,
                                 .input = input,
                                 .output = other,
                                 .cells = wanted ? half[1] : NULL};
  const oclstm__sweep forward = {.first_layer = l,
                                 .n_layers = 1,
                                 .part = OCLSTM__FORWARD_HALF,
                                 .input = input,
                                 .other = other,
                                 .output = y,
                                 .cells = wanted ? half[0] : NULL};
  run_chunks(cut, &reverse, true, &(widths){width, 0, R, H});
  run_chunks(cut, &forward, false, &(widths){width, R, oclstm_layer_output_size(layer), H});
  for (size_t r = 0; wanted && r < rows; ++r) {
    memcpy(cells + r * 2 * H, half[0] + r * H, H * sizeof *cells);
    memcpy(cells + r * 2 * H + H, half[1] + r * H, H * sizeof *cells);
  }
  free(other);
  free(half[0]);
  free(half[1]);
}

/* y of layer l, from that of the layer before, or the job's input. */
static float *run_layer(const cut_job *cut, size_t l, const float *before, float *cells) {
  const test_job *job = cut->job;
  const oclstm_layer *layer = oclstm_model_layer(job->model, l);
  const void *first = job->ids != NULL ? (const void *)job->ids : job->x;
  const void *input = l == 0 ? first : before;
  const size_t width = l == 0 ? oclstm_model_input_size(job->model) : layer->input_size;
  float *y = new_rows(job, oclstm_layer_output_size(layer));
  if (layer->direction == OCLSTM_BIDIRECTIONAL) {
    run_halves(cut, l, input, width, y, cells);
  } else {
    const oclstm__sweep sweep = {
        .first_layer = l, .n_layers = 1, .input = input, .output = y, .cells = cells};
    run_chunks(cut, &sweep, layer->direction == OCLSTM_REVERSE,
               &(widths){width, 0, oclstm_layer_output_size(layer), layer->hidden_size});
  }
  return y;
}

/* The head alone, of y of the last layer. */
static float *run_head(const cut_job *cut, const float *before) {
  const oclstm_model *model = cut->job->model;
  const size_t n = oclstm_model_n_layers(model);
  const size_t width = oclstm_layer_output_size(oclstm_model_layer(model, n - 1));
  float *y = new_rows(cut->job, oclstm_model_output_size(model));
  const oclstm__sweep sweep = {.first_layer = n, .head = true, .input = before, .output = y};
  run_chunks(cut, &sweep, false, &(widths){width, 0, oclstm_model_output_size(model), 0});
  return y;
}

static test_result run_cut(oclstm_plan *plan, const test_job *job, size_t chunk) {
  const size_t n = oclstm_model_n_layers(job->model);
  const test_tensor hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  cut_job cut = {.job = job, .plan = plan, .chunk = chunk};
  test_result got = {.hn = calloc(hn.n * hn.B * hn.W, sizeof(float)),
                     .cn = calloc(cn.n * cn.B * cn.W + 1, sizeof(float)),
                     .cells = new_rows(job, cells.W)};
  assert_true(got.hn != NULL && got.cn != NULL);
  OK(oclstm_state_create(plan, &cut.state, &last_error));
  OK(oclstm_state_set(cut.state, job->h0, job->c0, &last_error));
  for (size_t l = 0; l <= n; ++l) {
    float *y = NULL;
    if (l < n) {
      y = run_layer(&cut, l, got.y, l + 1 == n && cells.W != 0 ? got.cells : NULL);
    } else if (oclstm_model_head_size(job->model) != 0) {
      y = run_head(&cut, got.y);
    } else {
      break;
    }
    free(got.y);
    got.y = y;
  }
  OK(oclstm_state_get(cut.state, got.hn, got.cn, &last_error));
  oclstm_state_destroy(&cut.state);
  return got;
}

/* ---- cases ---- */

static bool has(const cell_case *c, bool (*is)(const oclstm_layer *layer)) {
  for (size_t l = 0; l < c->n_layers; ++l) {
    if (is(&c->layers[l])) {
      return true;
    }
  }
  return false;
}

static bool is_bidirectional(const oclstm_layer *layer) {
  return layer->direction == OCLSTM_BIDIRECTIONAL;
}

/* Which must see a whole row to turn it round. */
static bool goes_backwards(const oclstm_layer *layer) {
  return layer->go_backwards != 0;
}

/* The reference rounds to float32 between sweeps and not between layers of one; devices round both. */
static void run_case(void **state) {
  const cell_case *c = *state;
  const int32_t lengths[] = {1000, 0, 2, 1, 3};
  const tolerance limit = device != reference ? (tolerance){0.0, 0.0} : FLOAT32;
  oclstm_model *model = make_layers(c->layers, c->n_layers, c->head, c->V, c->seed);
  const oclstm_plan_desc desc = plan_desc(device, model, c->B, c->T, true);
  if (expected_refusal(c) != NULL) {
    FAILS(OCLSTM_E_UNSUPPORTED, expected_refusal(c), oclstm_supports(device, model, &desc, &last_error));
    oclstm_model_destroy(&model);
    return;
  }
  test_job job = make_job(model, c->T, c->B, c->seed);
  set_lengths(&job, lengths, 5);
  oclstm_plan *plan = make_plan(device, model, c->B, c->T, true);
  test_result ref = run_plan(plan, &job, 0);
  for (size_t chunk = has(c, goes_backwards) ? c->T : 2; chunk <= c->T; chunk += c->T - 2) {
    test_result got = run_cut(plan, &job, chunk);
    assert_results_close(&job, &ref, &got, limit);
    free_result(&got);
  }
  free_result(&ref);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[MAX_CELL_CASES];
  read_options(argc, argv);
  const size_t n = make_cell_cases(CASES, options.small, options.seed);
  size_t n_tests = 0;
  for (size_t k = 0; k < n; ++k) {
    if (CASES[k].n_layers > 1 || has(&CASES[k], is_bidirectional)) {
      tests[n_tests++] = (struct CMUnitTest){CASES[k].name, run_case, NULL, NULL, &CASES[k]};
    }
  }
  return run_device_tests("forward.cells_sweeps", tests, n_tests);
}
