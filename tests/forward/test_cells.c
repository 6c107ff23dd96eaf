/* Every cell that a description can say: the device against the reference, the reference against the equations.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_oracle.h"
#include "cell_table.h"

static cell_case CASES[MAX_CELL_CASES];
static size_t n_cases, n_run, n_refused;
static bool failed[MAX_CELL_CASES];

static const tolerance DEVICE = {.rel_l2 = 1e-6, .max_abs = 1e-5};
/* A norm divides by the deviation: where that is small, float32's rounding of what is normalised grows by up to 1/sqrt(eps). */
static const tolerance NORMED = {.rel_l2 = 1e-5, .max_abs = 3e-5};
static const tolerance REFERENCE = {.rel_l2 = 2e-7,
                                    .max_abs = 1e-5}; /* both are double and rounded to float32 */

/* ---- jobs ---- */

/* Ragged rows, one of them empty; what lies past a row's length would show. */
static test_job ragged_job(const cell_case *c, const oclstm_model *model) {
  const int32_t lengths[] = {1000, 0, 2, 1, 3};
  test_job job = make_job(model, c->T, c->B, c->seed);
  set_lengths(&job, lengths, 5);
  for (size_t b = 0; b < job.B; ++b) {
    for (size_t t = (size_t)job.lengths[b]; t < job.T; ++t) {
      for (size_t k = 0; k < oclstm_model_input_size(model); ++k) {
        x_row(&job, t, b)[k] = NAN;
      }
      if (job.ids != NULL) {
        job.ids[t * job.B + b] = INT32_MAX;
      }
    }
  }
  return job;
}

/* The same with other neighbours of row b: other values, and NaN in the one behind it. */
static test_job other_neighbours(const test_job *job, size_t b) {
  test_job other = copy_job(job);
  uint64_t seed = options.seed + 5;
  const size_t V = oclstm_model_embedding_size(job->model);
  for (size_t k = 0; k < job->T * job->B; ++k) {
    float *x = x_row(job, k / job->B, k % job->B), *to = x_row(&other, k / job->B, k % job->B);
    fill_random(to, oclstm_model_input_size(job->model), k % job->B == (b + 1) % job->B ? NAN : 1.0F, &seed);
    if (k % job->B == b) {
      memcpy(to, x, oclstm_model_input_size(job->model) * sizeof *x);
    } else if (V != 0 && k / job->B < (size_t)job->lengths[k % job->B]) {
      other.ids[k] = (int32_t)(next_random(&seed) % V);
    }
  }
  return other;
}

/* ---- checks, which say what is wrong and go on ---- */

static bool results_close(const test_job *job, const test_result *ref, const test_result *got,
                          tolerance limit) {
  const test_tensor y = y_of(job), hn = hn_of(job), cn = cn_of(job), cells = cells_of(job);
  bool close = is_close(&y, ref->y, got->y, limit);
  close &= is_close(&hn, ref->hn, got->hn, limit);
  close &= is_close(&cn, ref->cn, got->cn, limit);
  return is_close(&cells, ref->cells, got->cells, limit) && close;
}

static bool same_bits(const char *what, const float *ref, const float *got, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    if (memcmp(&ref[k], &got[k], sizeof *ref) != 0) {
      print_error("%s: element %zu ref %.9g got %.9g\n", what, k, (double)ref[k], (double)got[k]);
      return false;
    }
  }
  return true;
}

static bool same_results(const char *what, const test_job *job, const test_result *ref,
                         const test_result *got) {
  const test_tensor y = y_of(job), cells = cells_of(job);
  bool same = same_bits(what, ref->y, got->y, y.n * y.B * y.W);
  same &= same_bits(what, ref->cells, got->cells, cells.n * cells.B * cells.W);
  same &= same_bits(what, ref->hn, got->hn, job->B * oclstm_model_h_size(job->model));
  return same_bits(what, ref->cn, got->cn, job->B * oclstm_model_c_size(job->model)) && same;
}

static bool only_forward(const cell_case *c) {
  for (size_t l = 0; l < c->n_layers; ++l) {
    if (c->layers[l].direction != OCLSTM_FORWARD) {
      return false;
    }
  }
  return true;
}

static tolerance limit_of(const oclstm_model *model) {
  tolerance limit = device == reference ? REFERENCE : DEVICE;
  for (size_t l = 0; l < oclstm_model_n_layers(model) && device != reference; ++l) {
    limit = oclstm_model_layer(model, l)->layer_norm != OCLSTM_NORM_NONE ? NORMED : limit;
  }
  return limit;
}

static bool check_values(oclstm_plan *plan, const test_job *job) {
  test_result got = run_plan(plan, job, 0);
  test_result ref = device == reference ? oracle_job(job) : run_job(reference, job, 0, 0);
  bool close = results_close(job, &ref, &got, limit_of(job->model));
  free_result(&ref);
  free_result(&got);
  return close;
}

static bool check_pieces(oclstm_plan *plan, const test_job *job) {
  test_result whole = run_plan(plan, job, 0);
  test_result pieces = run_plan(plan, job, 1);
  bool same = same_results("in pieces", job, &whole, &pieces);
  free_result(&pieces);
  free_result(&whole);
  return same;
}

static bool check_neighbours(oclstm_plan *plan, const test_job *job) {
  const test_tensor y = y_of(job), cells = cells_of(job);
  test_result ref = run_plan(plan, job, 0);
  bool same = true;
  for (size_t b = 0; b < job->B; b += 2) {
    test_job other = other_neighbours(job, b);
    test_result got = run_plan(plan, &other, 0);
    for (size_t t = 0; t < job->T; ++t) {
      const size_t row = t * job->B + b;
      same &= same_bits("y beside other rows", ref.y + row * y.W, got.y + row * y.W, y.W);
      same &=
          same_bits("cells beside other rows", ref.cells + row * cells.W, got.cells + row * cells.W, cells.W);
    }
    free_result(&got);
    free_job(&other);
  }
  free_result(&ref);
  return same;
}

/* ---- one case ---- */

static bool run_checks(const cell_case *c, const oclstm_model *model) {
  test_job job = ragged_job(c, model);
  oclstm_plan *plan = make_plan(device, model, c->B, c->T, true);
  bool good = check_values(plan, &job);
  if (only_forward(c)) {
    good &= check_pieces(plan, &job);
  }
  good &= check_neighbours(plan, &job);
  free(job.h0); /* which leaves h to the model, and then c too */
  job.h0 = NULL;
  good &= check_values(plan, &job);
  free(job.c0);
  job.c0 = NULL;
  good &= check_values(plan, &job);
  oclstm_plan_destroy(&plan);
  free_job(&job);
  return good;
}

static void run_case(void **state) {
  const cell_case *c = *state;
  oclstm_model *model = make_layers(c->layers, c->n_layers, c->head, c->V, c->seed);
  const oclstm_plan_desc desc = plan_desc(device, model, c->B, c->T, true);
  const char *refusal = expected_refusal(c);
  failed[c - CASES] = true; /* until the end is reached */
  ++n_run;
  if (refusal != NULL) {
    FAILS(OCLSTM_E_UNSUPPORTED, refusal, oclstm_supports(device, model, &desc, &last_error));
    ++n_refused;
  } else {
    OK(oclstm_supports(device, model, &desc, &last_error));
    assert_true(run_checks(c, model));
  }
  failed[c - CASES] = false;
  oclstm_model_destroy(&model);
}

static int report_case(void **state) {
  const cell_case *c = *state;
  char text[1024];
  if (failed[c - CASES]) {
    describe_cell(c, text, sizeof text);
    print_error("FAILED  %s: %s\n", c->name, text);
  }
  return 0;
}

static bool is_of(const cell_case *c, oclstm_cell_kind kind) {
  return c->n_layers == 1 && c->layers[0].kind == kind;
}

/* Values of fields with which every case of one layer failed, others being good: where to look first. */
static void report_fields(oclstm_cell_kind kind) {
  size_t n_good = 0;
  for (size_t k = 0; k < n_cases; ++k) {
    n_good += is_of(&CASES[k], kind) && !failed[k];
  }
  if (n_good == 0) {
    print_error("kind %d: every case failed\n", (int)kind);
    return;
  }
  for (size_t f = 0; f < n_factors(kind); ++f) {
    for (size_t a = 0; a < n_levels(kind, f); ++a) {
      size_t n = 0, n_failed = 0;
      for (size_t k = 0; k < n_cases; ++k) {
        const bool has = is_of(&CASES[k], kind) && CASES[k].levels[0][f] == a;
        n += has;
        n_failed += has && failed[k];
      }
      if (n > 0 && n_failed == n) {
        print_error("kind %d: all %zu cases with %s=%s failed\n", (int)kind, n, factor_name(kind, f),
                    level_name(kind, f, a));
      }
    }
  }
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[MAX_CELL_CASES];
  read_options(argc, argv);
  n_cases = make_cell_cases(CASES, options.small, options.seed);
  const size_t n_tour = make_cell_tour(CASES + n_cases, options.seed);
  for (size_t k = 0; k < n_cases + n_tour; ++k) {
    tests[k] = (struct CMUnitTest){CASES[k].name, run_case, NULL, report_case, &CASES[k]};
  }
  int status = run_device_tests("forward.cells", tests, n_cases + n_tour);
  for (int kind = 0; kind < 3 && status != 0; ++kind) {
    report_fields((oclstm_cell_kind)kind);
  }
  print_message("descriptions: %zu run, %zu of them refused by name\n", n_run, n_refused);
  return status;
}
