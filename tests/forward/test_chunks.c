/* A sequence fed in pieces is the sequence fed at once, bit for bit; and one run is like the next.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static size_t n_steps(void) {
  return options.small ? 5 : 37;
}

static void check_pieces(const test_job *job) {
  const struct {
    size_t plan_steps, piece;
  } ways[] = {{0, 3}, {1, 1}, {7, RANDOM_PIECES}, {0, 1}, {5, 5}, {64, 2}, {64, 0}};
  const size_t n = options.small ? 3 : sizeof ways / sizeof ways[0];
  test_result whole = run_job(device, job, 0, 0);
  for (size_t k = 0; k < n; ++k) {
    test_result pieces = run_job(device, job, ways[k].plan_steps, ways[k].piece);
    assert_results_same_bits(job, &whole, &pieces);
    free_result(&pieces);
  }
  free_result(&whole);
}

static void pieces_same_bits(void **unused) {
  (void)unused;
  for (size_t k = 0; k < n_forward(); ++k) {
    oclstm_model *model = make_network(&FORWARD[k], options.seed + k);
    test_job job = make_job(model, n_steps(), 3, options.seed);
    check_pieces(&job);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

static void pieces_ragged_same_bits(void **unused) {
  (void)unused;
  const int32_t lengths[] = {5, 0, 1000, 1, 6};
  for (size_t k = 0; k < n_forward(); ++k) {
    oclstm_model *model = make_network(&FORWARD[k], options.seed + k);
    test_job job = make_job(model, n_steps(), 5, options.seed);
    set_lengths(&job, lengths, 5);
    check_pieces(&job);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

static void runs_same_bits(void **unused) {
  (void)unused;
  for (size_t k = 0; k < n_bidirectional(); ++k) {
    oclstm_model *model = make_network(&BIDIRECTIONAL[k], options.seed + k);
    test_job job = make_job(model, n_steps(), 3, options.seed);
    test_result first = run_job(device, &job, 0, 0);
    test_result again = run_job(device, &job, 0, 0);
    test_result roomy = run_job(device, &job, 64, 0);
    assert_results_same_bits(&job, &first, &again);
    assert_results_same_bits(&job, &first, &roomy);
    free_result(&roomy);
    free_result(&again);
    free_result(&first);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* ---- layouts ---- */

/* [n,B,W] to [B,n,W]. */
static float *swap_axes(const float *from, size_t n, size_t B, size_t W) {
  float *to = calloc(n * B * W, sizeof *to);
  assert_non_null(to);
  for (size_t t = 0; t < n; ++t) {
    for (size_t b = 0; b < B; ++b) {
      memcpy(to + (b * n + t) * W, from + (t * B + b) * W, W * sizeof *to);
    }
  }
  return to;
}

static void check_layouts(const test_job *by_time) {
  const test_tensor y = y_of(by_time), cells = cells_of(by_time), hn = hn_of(by_time), cn = cn_of(by_time);
  test_job by_row = copy_job(by_time);
  free(by_row.x);
  by_row.x = swap_axes(by_time->x, by_time->T, by_time->B, oclstm_model_input_size(by_time->model));
  by_row.layout = OCLSTM_BATCH_MAJOR;
  test_result ref = run_job(device, by_time, 0, 0);
  test_result got = run_job(device, &by_row, by_time->T + 3, 0);
  float *got_y = swap_axes(got.y, by_time->B, by_time->T, y.W);
  float *got_cells = swap_axes(got.cells, by_time->B, by_time->T, cells.W);
  assert_same_bits(&y, ref.y, got_y);
  assert_same_bits(&cells, ref.cells, got_cells);
  assert_same_bits(&hn, ref.hn, got.hn);
  assert_same_bits(&cn, ref.cn, got.cn);
  free(got_y);
  free(got_cells);
  free_result(&got);
  free_result(&ref);
  free_job(&by_row);
}

static void layouts_same_bits(void **unused) {
  (void)unused;
  const int32_t lengths[] = {1000, 2, 0};
  for (size_t k = 0; k < n_bidirectional(); ++k) {
    oclstm_model *model = make_network(&BIDIRECTIONAL[k], options.seed + k);
    test_job job = make_job(model, n_steps(), 3, options.seed);
    check_layouts(&job);
    set_lengths(&job, lengths, 3);
    check_layouts(&job);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* ---- state ---- */

/* A float32 state goes out and in again unchanged: h and c, layers, directions and rows keep their places. */
static void state_round_trip(void **unused) {
  (void)unused;
  for (size_t k = 0; k < n_bidirectional(); ++k) {
    oclstm_model *model = make_network(&BIDIRECTIONAL[k], options.seed + k);
    test_job job = make_job(model, 1, 5, options.seed);
    const test_tensor hn = hn_of(&job), cn = cn_of(&job);
    oclstm_plan *plan = make_plan(device, model, job.B, 1, false);
    oclstm_state *state = NULL;
    float *h = calloc(hn.n * hn.B * hn.W, sizeof *h);
    float *c = calloc(cn.n * cn.B * cn.W, sizeof *c);
    assert_true(h != NULL && c != NULL);
    OK(oclstm_state_create(plan, &state, &last_error));
    OK(oclstm_state_set(state, job.h0, job.c0, &last_error));
    OK(oclstm_state_get(state, h, NULL, &last_error));
    OK(oclstm_state_get(state, NULL, c, &last_error));
    assert_same_bits(&hn, job.h0, h);
    assert_same_bits(&cn, job.c0, c);
    OK(oclstm_state_set(state, NULL, job.c0, &last_error)); /* NULL is zero */
    OK(oclstm_state_get(state, h, c, &last_error));
    for (size_t j = 0; j < hn.n * hn.B * hn.W; ++j) {
      assert_true(h[j] == 0.0F);
    }
    assert_same_bits(&cn, job.c0, c);
    oclstm_state_destroy(&state);
    oclstm_plan_destroy(&plan);
    free(c);
    free(h);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* The second half, started by hand from the state after the first half. The reference keeps its state in double, so
 * there the float32 copy is only close. */
static void state_carried_by_hand(void **unused) {
  (void)unused;
  for (size_t k = 0; k < n_forward(); ++k) {
    oclstm_model *model = make_network(&FORWARD[k], options.seed + k);
    test_job job_whole = make_job(model, n_steps(), 3, options.seed);
    test_job first = copy_job(&job_whole), second = copy_job(&job_whole);
    first.T = 3;
    second.T = n_steps() - 3;
    memcpy(second.x, x_row(&job_whole, 3, 0),
           second.T * 3 * oclstm_model_input_size(model) * sizeof *second.x);
    test_result whole = run_job(device, &job_whole, 0, 0);
    test_result before = run_job(device, &first, 0, 0);
    memcpy(second.h0, before.hn, 3 * oclstm_model_h_size(model) * sizeof *second.h0);
    memcpy(second.c0, before.cn, 3 * oclstm_model_c_size(model) * sizeof *second.c0);
    test_result after = run_job(device, &second, 0, 0);
    const test_tensor y = y_of(&second), hn = hn_of(&second), cn = cn_of(&second);
    const tolerance limit = device == reference ? FLOAT32 : (tolerance){0.0, 0.0};
    assert_close(&y, whole.y + 3 * 3 * y.W, after.y, limit);
    assert_close(&hn, whole.hn, after.hn, limit);
    assert_close(&cn, whole.cn, after.cn, limit);
    free_result(&after);
    free_result(&before);
    free_result(&whole);
    free_job(&second);
    free_job(&first);
    free_job(&job_whole);
    oclstm_model_destroy(&model);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_same_bits), cmocka_unit_test(pieces_ragged_same_bits),
      cmocka_unit_test(runs_same_bits),   cmocka_unit_test(layouts_same_bits),
      cmocka_unit_test(state_round_trip), cmocka_unit_test(state_carried_by_hand),
  };
  read_options(argc, argv);
  return run_device_tests("forward.chunks", tests, sizeof tests / sizeof tests[0]);
}
