/* Rows of different lengths, and rows that must not touch each other.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static size_t n_steps(void) {
  return options.small ? 4 : 23;
}

/* Calls `check` with a job of each network, 5 rows. */
static void for_each_network(void (*check)(const test_job *job)) {
  for (size_t k = 0; k < n_forward() + n_bidirectional(); ++k) {
    const test_network *net = k < n_forward() ? &FORWARD[k] : &BIDIRECTIONAL[k - n_forward()];
    oclstm_model *model = make_network(net, options.seed + k);
    test_job job = make_job(model, n_steps(), 5, options.seed + k);
    check(&job);
    free_job(&job);
    oclstm_model_destroy(&model);
  }
}

/* ---- comparing one row of two batches ---- */

static void assert_same_row(const test_tensor *s, const float *ref, const float *got, size_t n, size_t b) {
  const test_tensor row = {s->name, s->axes, 1, 1, s->W};
  for (size_t t = 0; t < n; ++t) {
    size_t at = (t * s->B + b) * s->W;
    if (memcmp(ref + at, got + at, s->W * sizeof *ref) != 0) {
      print_error("%s differs at %c=%zu, %c=%zu, printed as 0,0:\n", s->name, s->axes[0], t, s->axes[1], b);
      assert_same_bits(&row, ref + at, got + at);
    }
  }
}

static void assert_zero_row(const test_tensor *s, const float *got, size_t first, size_t b) {
  for (size_t t = first; t < s->n; ++t) {
    for (size_t j = 0; j < s->W; ++j) {
      float value = got[(t * s->B + b) * s->W + j];
      if (value != 0.0F) {
        fail_msg("%s[t=%zu,b=%zu,j=%zu] is %g past the row's length %zu", s->name, t, b, j, (double)value,
                 first);
      }
    }
  }
}

/* Row b of both results, whole. */
static void assert_same_rows(const test_job *job, const test_result *ref, const test_result *got, size_t b) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  assert_same_row(&y, ref->y, got->y, y.n, b);
  assert_same_row(&hn, ref->hn, got->hn, hn.n, b);
  assert_same_row(&cn, ref->cn, got->cn, cn.n, b);
  assert_same_row(&cells, ref->cells, got->cells, cells.n, b);
}

/* ---- lengths ---- */

/* Row b of a ragged batch is row b of the batch cut to that row's length, and zeros behind. */
static void check_lengths(const test_job *ragged) {
  const test_tensor y = y_of(ragged), hn = hn_of(ragged), cn = cn_of(ragged), cells = cells_of(ragged);
  test_result got = run_job(device, ragged, 0, 0);
  for (size_t b = 0; b < ragged->B; ++b) {
    size_t length = (size_t)ragged->lengths[b];
    test_job cut = copy_job(ragged);
    free(cut.lengths);
    cut.lengths = NULL;
    cut.T = length;
    test_result ref = run_job(device, &cut, ragged->T, 0);
    assert_same_row(&y, ref.y, got.y, length, b);
    assert_same_row(&cells, ref.cells, got.cells, length, b);
    assert_same_row(&hn, ref.hn, got.hn, hn.n, b);
    assert_same_row(&cn, ref.cn, got.cn, cn.n, b);
    assert_zero_row(&y, got.y, length, b);
    assert_zero_row(&cells, got.cells, length, b);
    free_result(&ref);
    free_job(&cut);
  }
  free_result(&got);
}

static void check_orders(const test_job *job) {
  const int32_t orders[][5] = {{1000, 5, 3, 1, 0}, {0, 1, 2, 4, 1000}, {2, 1000, 0, 4, 0}, {0, 0, 0, 0, 0}};
  for (size_t k = 0; k < sizeof orders / sizeof orders[0]; ++k) {
    test_job ragged = copy_job(job);
    set_lengths(&ragged, orders[k], 5);
    check_lengths(&ragged);
    free_job(&ragged);
  }
}

static void lengths_in_any_order(void **unused) {
  (void)unused;
  for_each_network(check_orders);
}

static void check_full_lengths(const test_job *job) {
  const int32_t all = 1000000;
  test_job full = copy_job(job);
  set_lengths(&full, &all, 1);
  test_result ref = run_job(device, job, 0, 0);
  test_result got = run_job(device, &full, 0, 0);
  assert_results_same_bits(job, &ref, &got);
  free_result(&got);
  free_result(&ref);
  free_job(&full);
}

static void full_lengths_same_bits(void **unused) {
  (void)unused;
  for_each_network(check_full_lengths);
}

static void fill_padding(const test_job *job, float value) {
  for (size_t b = 0; b < job->B; ++b) {
    for (size_t t = (size_t)job->lengths[b]; t < job->T; ++t) {
      for (size_t k = 0; k < oclstm_model_input_size(job->model); ++k) {
        x_row(job, t, b)[k] = value;
      }
    }
  }
}

static void check_padding(const test_job *job) {
  const int32_t lengths[] = {3, 1000, 0, 1, 5};
  test_job ragged = copy_job(job);
  set_lengths(&ragged, lengths, 5);
  fill_padding(&ragged, 0.0F);
  test_result zeros = run_job(device, &ragged, 0, 0);
  fill_padding(&ragged, NAN);
  test_result nans = run_job(device, &ragged, 0, 0);
  fill_padding(&ragged, -INFINITY);
  test_result infs = run_job(device, &ragged, 0, 0);
  assert_results_same_bits(&ragged, &zeros, &nans);
  assert_results_same_bits(&ragged, &zeros, &infs);
  free_result(&infs);
  free_result(&nans);
  free_result(&zeros);
  free_job(&ragged);
}

static void padding_is_not_read(void **unused) {
  (void)unused;
  for_each_network(check_padding);
}

/* ---- neighbours ---- */

/* Row 2 gets the poison in x at one step or in its state; all other rows keep their bits. */
static void check_poison(const test_job *job, float value, bool in_state) {
  const size_t row = 2, step = 2;
  const test_tensor y = y_of(job);
  test_job poisoned = copy_job(job);
  if (in_state) {
    poisoned.h0[row * (oclstm_model_h_size(job->model) / hn_of(job).n)] = value;
  } else {
    x_row(&poisoned, step, row)[0] = value;
  }
  test_result clean = run_job(device, job, 0, 0);
  test_result got = run_job(device, &poisoned, 0, 0);
  for (size_t b = 0; b < job->B; ++b) {
    if (b != row) {
      assert_same_rows(job, &clean, &got, b);
    }
  }
  if (isnan(value)) { /* and it is not hidden where it belongs */
    assert_true(isnan(got.y[(step * y.B + row) * y.W]));
  }
  free_result(&got);
  free_result(&clean);
  free_job(&poisoned);
}

static void check_poisons(const test_job *job) {
  check_poison(job, NAN, false);
  check_poison(job, INFINITY, false);
  check_poison(job, -3e38F, false);
  check_poison(job, NAN, true);
}

static void nonfinite_stays_in_its_row(void **unused) {
  (void)unused;
  for_each_network(check_poisons);
}

static void check_neighbours(const test_job *job) {
  test_job other = make_job(job->model, job->T, job->B, options.seed + 99);
  const test_tensor hn = hn_of(job), cn = cn_of(job);
  const size_t row = 3;
  for (size_t t = 0; t < job->T; ++t) {
    memcpy(x_row(&other, t, row), x_row(job, t, row), oclstm_model_input_size(job->model) * sizeof *job->x);
  }
  for (size_t k = 0; k < hn.n; ++k) {
    size_t h = (k * hn.B + row) * hn.W, c = (k * cn.B + row) * cn.W;
    memcpy(other.h0 + h, job->h0 + h, hn.W * sizeof *job->h0);
    memcpy(other.c0 + c, job->c0 + c, cn.W * sizeof *job->c0);
  }
  test_result ref = run_job(device, job, 0, 0);
  test_result got = run_job(device, &other, 0, 0);
  assert_same_rows(job, &ref, &got, row);
  free_result(&got);
  free_result(&ref);
  free_job(&other);
}

static void neighbours_do_not_matter(void **unused) {
  (void)unused;
  for_each_network(check_neighbours);
}

/* Copies row 0 of an array [n,B,W] over all rows. */
static void repeat_first_row(float *array, size_t n, size_t B, size_t W) {
  for (size_t t = 0; t < n; ++t) {
    for (size_t b = 1; b < B; ++b) {
      memcpy(array + (t * B + b) * W, array + t * B * W, W * sizeof *array);
    }
  }
}

static void check_duplicates(const test_job *job) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  test_job same = copy_job(job);
  repeat_first_row(same.x, same.T, same.B, oclstm_model_input_size(job->model));
  repeat_first_row(same.h0, hn.n, hn.B, hn.W);
  repeat_first_row(same.c0, cn.n, cn.B, cn.W);
  test_result got = run_job(device, &same, 0, 0);
  test_result repeated = run_job(device, &same, 0, 0);
  repeat_first_row(repeated.y, y.n, y.B, y.W);
  repeat_first_row(repeated.hn, hn.n, hn.B, hn.W);
  repeat_first_row(repeated.cn, cn.n, cn.B, cn.W);
  repeat_first_row(repeated.cells, cells.n, cells.B, cells.W);
  assert_results_same_bits(&same, &repeated, &got);
  free_result(&repeated);
  free_result(&got);
  free_job(&same);
}

static void duplicate_rows_are_identical(void **unused) {
  (void)unused;
  for_each_network(check_duplicates);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths_in_any_order),     cmocka_unit_test(full_lengths_same_bits),
      cmocka_unit_test(padding_is_not_read),      cmocka_unit_test(nonfinite_stays_in_its_row),
      cmocka_unit_test(neighbours_do_not_matter), cmocka_unit_test(duplicate_rows_are_identical),
  };
  read_options(argc, argv);
  return run_device_tests("forward.ragged", tests, sizeof tests / sizeof tests[0]);
}
