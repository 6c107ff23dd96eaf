/* Every vector of a folder on a device, against the results that the vector holds; docs/vectors.md has the files.
 * Networks made by other programs while a test runs come as folders of the same kind.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"
#include "vector_file.h"

static vector_line LINES[MAX_CASES];
static size_t n_run, n_right;
static FILE *record;

/* A case under way. */
typedef struct trial {
  const vector_line *line;
  case_file file;
  oclstm_model *model;
  oclstm_plan *plan;
  oclstm_state *state;
  size_t T, B;
  oclstm_io io;
  float *x, *h0, *c0;
  int32_t *ids, *lengths;
  float *y, *hn, *cn, *cells; /* what came out */
  bool close;
  char why[600]; /* the first thing that was not */
} trial;

/* ---- comparison ---- */

/* Where the value of a result lies: the file's own order, or the reference's, which is time-major. */
typedef struct result {
  const char *name;
  size_t count;
  const float *floats;   /* one of the two */
  const double *doubles; /* [T,B,W] */
  size_t T, B;           /* set: doubles are compared with a batch-major tensor */
} result;

static double value_of(const result *r, size_t k) {
  if (r->doubles == NULL) {
    return (double)r->floats[k];
  }
  const size_t W = r->T != 0 ? r->count / (r->T * r->B) : 0;
  return r->doubles[r->T != 0 ? (k / W % r->T * r->B + k / W / r->T) * W + k % W : k];
}

/* Relative L2; a difference where all should be zero is infinite, and NaN is never within a bound. */
static double distance(const trial *t, const result *r) {
  const unsigned char *expected = case_data(&t->file, r->name, "F64", r->count);
  double error = 0.0;
  double norm = 0.0;
  for (size_t k = 0; k < r->count; ++k) {
    double value;
    memcpy(&value, expected + k * sizeof value, sizeof value);
    const double difference = value_of(r, k) - value;
    error += difference * difference;
    norm += value * value;
  }
  return error == 0.0 ? 0.0 : sqrt(error / norm);
}

static void compare(trial *t, const result *r, double bound) {
  if (!has_case_tensor(&t->file, r->name)) {
    return;
  }
  const double found = distance(t, r);
  if (!(found <= bound) && t->close) {
    t->close = false;
    (void)snprintf(t->why, sizeof t->why, "%s%s: relative L2 %.3g, at most %.3g", r->name,
                   r->doubles != NULL ? " in double" : "", found, bound);
  }
}

static void compare_all(trial *t) {
  const size_t y = vector_count(&t->file, "y"), hn = t->B * oclstm_model_h_size(t->model);
  const size_t cn = t->B * oclstm_model_c_size(t->model), cells = vector_count(&t->file, "cells");
  const bool by_row = t->line->layout == OCLSTM_BATCH_MAJOR;
  t->close = true;
  compare(t, &(result){.name = "y", .count = y, .floats = t->y}, t->line->float32);
  compare(t, &(result){.name = "hn", .count = hn, .floats = t->hn}, t->line->float32);
  compare(t, &(result){.name = "cn", .count = cn, .floats = t->cn}, t->line->float32);
  compare(t, &(result){.name = "cells", .count = cells, .floats = t->cells}, t->line->float32);
  if (device == reference) {
    const oclstm__reference_plan *plan = (const oclstm__reference_plan *)t->plan;
    const oclstm__reference_state *state = (const oclstm__reference_state *)t->state;
    const result double_y = {"y", y, NULL, plan->output, by_row ? t->T : 0, by_row ? t->B : 0};
    compare(t, &double_y, t->line->float64);
    compare(t, &(result){.name = "hn", .count = hn, .doubles = state->h}, t->line->float64);
    compare(t, &(result){.name = "cn", .count = cn, .doubles = state->c}, t->line->float64);
  }
}

/* ---- one case ---- */

static float *new_dirty(size_t count) {
  float *array = malloc((count + 1) * sizeof *array);
  assert_non_null(array);
  for (size_t k = 0; k < count; ++k) {
    array[k] = -12345.0F; /* that no run may leave standing */
  }
  return array;
}

static void open_arrays(trial *t) {
  const char *input = has_case_tensor(&t->file, "ids") ? "ids" : "x";
  const bool by_row = t->line->layout == OCLSTM_BATCH_MAJOR;
  t->T = case_axis(&t->file, input, by_row ? 1 : 0);
  t->B = case_axis(&t->file, input, by_row ? 0 : 1);
  t->x = vector_copy(&t->file, "x", "F32", t->T * t->B * oclstm_model_input_size(t->model));
  t->ids = vector_copy(&t->file, "ids", "I32", t->T * t->B);
  t->lengths = vector_copy(&t->file, "lengths", "I32", t->B);
  t->h0 = vector_copy(&t->file, "h0", "F32", t->B * oclstm_model_h_size(t->model));
  t->c0 = vector_copy(&t->file, "c0", "F32", t->B * oclstm_model_c_size(t->model));
  t->y = new_dirty(t->T * t->B * oclstm_model_output_size(t->model));
  t->hn = new_dirty(t->B * oclstm_model_h_size(t->model));
  t->cn = new_dirty(t->B * oclstm_model_c_size(t->model));
  t->cells = has_case_tensor(&t->file, "cells") ? new_dirty(vector_count(&t->file, "cells")) : NULL;
  t->io = (oclstm_io)OCLSTM_IO_INIT;
  t->io.steps = t->T;
  t->io.layout = t->line->layout;
  t->io.x = t->x;
  t->io.ids = t->ids;
  t->io.lengths = t->lengths;
  t->io.y = t->y;
  t->io.cells = t->cells;
}

static oclstm_status open_plan(trial *t) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.rows = t->B;
  desc.steps = t->T;
  desc.cells = t->cells != NULL;
  if (device != reference) {
    desc.strategy = options.strategy;
    desc.tuning = OCLSTM_TUNING_NONE;
    desc.gemm = options.gemm;
  }
  return oclstm_plan_create(device, t->model, &desc, &t->plan, &last_error);
}

static void open_trial(trial *t) {
  char path[MAX_PATH];
  (void)snprintf(path, sizeof path, "%s/%s.safetensors", options.cases, t->line->name);
  t->file = open_case_file(path);
}

static oclstm_status run_trial(trial *t) {
  oclstm_status status = load_vector_model(options.cases, t->line->name, &t->file, &t->model, &last_error);
  if (status == OCLSTM_OK) {
    open_arrays(t);
    status = open_plan(t);
  }
  if (status == OCLSTM_OK) {
    OK(oclstm_state_create(t->plan, &t->state, &last_error));
    OK(oclstm_state_set(t->state, t->h0, t->c0, &last_error));
    OK(oclstm_forward(t->plan, t->state, &t->io, &last_error));
    OK(oclstm_state_get(t->state, t->hn, t->cn, &last_error));
    compare_all(t);
  }
  return status;
}

static void close_trial(trial *t) {
  float *floats[] = {t->x, t->h0, t->c0, t->y, t->hn, t->cn, t->cells};
  oclstm_state_destroy(&t->state);
  oclstm_plan_destroy(&t->plan);
  oclstm_model_destroy(&t->model);
  for (size_t k = 0; k < sizeof floats / sizeof floats[0]; ++k) {
    free(floats[k]);
  }
  free(t->ids);
  free(t->lengths);
  close_case_file(&t->file);
}

/* What became of it: "passed", "refused" or "failed", and whether that is what the index expects. */
static const char *outcome(trial *t, oclstm_status status, bool *right) {
  if (status != OCLSTM_OK) {
    (void)snprintf(t->why, sizeof t->why, "%s %s", oclstm_status_name(status), last_error.text);
  }
  if (status == OCLSTM_E_UNSUPPORTED) {
    /* A strategy that was asked for may refuse what another runs. */
    const bool by_strategy = device != reference && strstr(last_error.text, "strategy") != NULL;
    *right =
        by_strategy || (t->line->expect == EXPECT_REFUSE && strstr(last_error.text, t->line->word) != NULL);
    return "refused";
  }
  if (status == OCLSTM_OK && (t->line->expect == EXPECT_DIFFER || t->line->expect == EXPECT_EITHER)) {
    *right = !t->close || t->line->expect == EXPECT_EITHER;
    return t->close ? "unnoticed" : "noticed";
  }
  *right = status == OCLSTM_OK && t->close && t->line->expect == EXPECT_RUN;
  return status == OCLSTM_OK && t->close ? "passed" : "failed";
}

static void run_case(void **state) {
  trial t = {.line = *state};
  bool right = false;
  ++n_run;
  open_trial(&t);
  const oclstm_status status = run_trial(&t);
  const char *became = outcome(&t, status, &right);
  if (record != NULL) {
    (void)fprintf(record, "%s %s %s\n", t.line->name, became, t.why);
  }
  if (!right) {
    print_error("%s %s: %s; again: %s --cases %s --only %s\n", t.line->name, became, t.why, option_text(),
                options.cases, t.line->name);
  }
  n_right += right;
  close_trial(&t);
  assert_true(right);
}

static bool open_record(void) {
  record = options.record != NULL ? fopen(options.record, "w") : NULL;
  if (options.record != NULL && record == NULL) {
    print_error("%s cannot be written\n", options.record);
  }
  return options.record == NULL || record != NULL;
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[MAX_CASES];
  read_options(argc, argv);
  if (options.cases == NULL || !open_record()) {
    print_error("--cases FOLDER is missing, or --record is no file\n");
    return 2;
  }
  const size_t n = read_vector_index(options.cases, options.small, LINES);
  for (size_t k = 0; k < n; ++k) {
    tests[k] = (struct CMUnitTest){LINES[k].name, run_case, NULL, NULL, &LINES[k]};
  }
  int failed = _cmocka_run_group_tests("vectors", tests, n, open_devices, close_devices);
  print_message("vectors: %zu run, %zu as expected\n", n_run, n_right);
  if (record != NULL && fclose(record) != 0) {
    print_error("%s cannot be written\n", options.record);
    return 1;
  }
  return failed == 0 && n_run > 0 && n_right == n_run ? 0 : 1;
}
