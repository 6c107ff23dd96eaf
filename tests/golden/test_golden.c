/* Every case of a folder against what PyTorch computed in float64; tests/golden/README.md has the files.
 * SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_file.h"
#include "reference/reference.h"

/* Patterns of the names of cases that OpenCL devices do not compute: each must be refused by name, and is counted. */
static const char *const REFUSED_ON_OPENCL[] = {NULL};

enum { MAX_CASES = 1024, MAX_NAME = 100, MAX_PATH = 600 };
static const double REFERENCE_DOUBLE = 1e-12; /* max abs, of the reference's own double values */
static const tolerance REFERENCE_FLOAT = {.rel_l2 = 1e-6, .max_abs = 1e-5};

typedef struct golden_case {
  char name[MAX_NAME];
  oclstm_layout layout;
  bool passed;
} golden_case;

static golden_case CASES[MAX_CASES];
static const char *program;
static size_t n_run, n_passed, n_refused;

/* ---- one case ---- */

/* A case under way. */
typedef struct trial {
  case_file io;
  oclstm_model *model;
  test_job job;
  oclstm_plan *plan;
  oclstm_state *state;
  test_result expected, got;
} trial;

static size_t count_of(const test_tensor *s) {
  return s->n * s->B * s->W;
}

static float *new_floats(const test_tensor *s) {
  float *array = malloc(count_of(s) * sizeof *array + 1);
  assert_non_null(array);
  return array;
}

/* Tensors of c are there when the network has a c. */
static float *floats_if(const trial *t, const char *name, const char *dtype, size_t count) {
  return count != 0 ? case_floats(&t->io, name, dtype, count) : NULL;
}

static void open_job(trial *t, const golden_case *c) {
  const bool by_row = c->layout == OCLSTM_BATCH_MAJOR;
  test_job *job = &t->job;
  job->model = t->model;
  job->layout = c->layout;
  job->T = case_axis(&t->io, "x", by_row ? 1 : 0);
  job->B = case_axis(&t->io, "x", by_row ? 0 : 1);
  job->x = case_floats(&t->io, "x", "F32", job->T * job->B * oclstm_model_input_size(t->model));
  job->h0 = case_floats(&t->io, "h0", "F32", job->B * oclstm_model_h_size(t->model));
  job->c0 = floats_if(t, "c0", "F32", job->B * oclstm_model_c_size(t->model));
  if (has_case_tensor(&t->io, "lengths")) {
    const void *lengths = case_data(&t->io, "lengths", "I32", job->B);
    job->lengths = calloc(job->B, sizeof *job->lengths);
    assert_non_null(job->lengths);
    memcpy(job->lengths, lengths, job->B * sizeof *job->lengths);
  }
}

static void open_trial(trial *t, const golden_case *c) {
  char path[MAX_PATH];
  (void)snprintf(path, sizeof path, "%s/%s.model.safetensors", options.cases, c->name);
  OK(oclstm_model_load(path, NULL, &t->model, &last_error));
  (void)snprintf(path, sizeof path, "%s/%s.io.safetensors", options.cases, c->name);
  t->io = open_case_file(path);
  open_job(t, c);
  const test_tensor y = y_of(&t->job), hn = hn_of(&t->job), cn = cn_of(&t->job), cells = cells_of(&t->job);
  t->expected = (test_result){.y = case_floats(&t->io, "y", "F64", count_of(&y)),
                              .hn = case_floats(&t->io, "hn", "F64", count_of(&hn)),
                              .cn = floats_if(t, "cn", "F64", count_of(&cn)),
                              .cells = floats_if(t, "cells", "F64", count_of(&cells))};
  t->got = (test_result){new_floats(&y), new_floats(&hn), new_floats(&cn), new_floats(&cells)};
}

static void run_trial(trial *t) {
  oclstm_io io = OCLSTM_IO_INIT;
  t->plan = make_plan(device, t->model, t->job.B, t->job.T, true);
  OK(oclstm_state_create(t->plan, &t->state, &last_error));
  OK(oclstm_state_set(t->state, t->job.h0, t->job.c0, &last_error));
  io.steps = t->job.T;
  io.layout = t->job.layout;
  io.x = t->job.x;
  io.lengths = t->job.lengths;
  io.y = t->got.y;
  io.cells = t->expected.cells != NULL ? t->got.cells : NULL;
  OK(oclstm_forward(t->plan, t->state, &io, &last_error));
  OK(oclstm_state_get(t->state, t->got.hn, t->got.cn, &last_error));
}

static void close_trial(trial *t) {
  oclstm_state_destroy(&t->state);
  oclstm_plan_destroy(&t->plan);
  free_result(&t->expected);
  free_result(&t->got);
  free_job(&t->job);
  close_case_file(&t->io);
  oclstm_model_destroy(&t->model);
}

/* ---- the reference's double values, before they are rounded ---- */

static bool is_close_double(const trial *t, const char *name, size_t count, const double *got) {
  const unsigned char *expected = case_data(&t->io, name, "F64", count);
  for (size_t k = 0; k < count; ++k) {
    double value;
    memcpy(&value, expected + k * sizeof value, sizeof value);
    if (!(fabs(got[k] - value) <= REFERENCE_DOUBLE)) {
      print_error("%s: element %zu: ref %.17g got %.17g as double\n", name, k, value, got[k]);
      return false;
    }
  }
  return true;
}

static bool is_reference_close(const trial *t) {
  const oclstm__reference_plan *plan = (const oclstm__reference_plan *)t->plan;
  const oclstm__reference_state *state = (const oclstm__reference_state *)t->state;
  const test_tensor y = y_of(&t->job);
  bool close = is_close_double(t, "hn", state->h_count, state->h);
  close &= state->c_count == 0 || is_close_double(t, "cn", state->c_count, state->c);
  if (t->job.layout == OCLSTM_TIME_MAJOR) { /* which the plan's own sequence always is */
    close &= is_close_double(t, "y", count_of(&y), plan->output);
  }
  return close;
}

/* ---- all cases ---- */

static bool is_refused(const golden_case *c) {
  for (size_t k = 0; device != reference && REFUSED_ON_OPENCL[k] != NULL; ++k) {
    if (fnmatch(REFUSED_ON_OPENCL[k], c->name, 0) == 0) {
      return true;
    }
  }
  return false;
}

/* Every value is a sum of terms of order one, and as uncertain as they are. Where terms cancel, the sum is small and its relative
 * error is not: in a tensor of few values, none of the others makes up for that. One output of 0.064 was seen 2.2e-7 off. So the
 * relative error is that of a norm of 1 or more; zeros, which padding is, stay exact. */
static bool is_near(const test_tensor *shape, const float *expected, const float *got, tolerance limit) {
  double sum = 0.0;
  for (size_t k = 0; k < count_of(shape); ++k) {
    sum += (double)expected[k] * (double)expected[k];
  }
  limit.rel_l2 /= sum > 0.0 && sum < 1.0 ? sqrt(sum) : 1.0;
  return is_close(shape, expected, got, limit);
}

static bool passes(trial *t) {
  const tolerance limit = device == reference ? REFERENCE_FLOAT : FLOAT32;
  const test_tensor y = y_of(&t->job), hn = hn_of(&t->job), cn = cn_of(&t->job), cells = cells_of(&t->job);
  run_trial(t);
  bool close = is_near(&y, t->expected.y, t->got.y, limit);
  close &= is_near(&hn, t->expected.hn, t->got.hn, limit);
  close &= is_near(&cn, t->expected.cn, t->got.cn, limit);
  close &= is_near(&cells, t->expected.cells, t->got.cells, limit);
  return close && (device != reference || is_reference_close(t));
}

static void run_case(void **state) {
  golden_case *c = *state;
  trial t = {.model = NULL};
  bool good = true;
  ++n_run;
  open_trial(&t, c);
  if (is_refused(c)) {
    const oclstm_plan_desc desc = plan_desc(device, t.model, t.job.B, t.job.T, true);
    FAILS(OCLSTM_E_UNSUPPORTED, "is not supported", oclstm_supports(device, t.model, &desc, &last_error));
    ++n_refused;
  } else {
    good = passes(&t);
  }
  close_trial(&t);
  assert_true(good);
  c->passed = true;
  ++n_passed;
}

static int report_case(void **state) {
  const golden_case *c = *state;
  if (!c->passed) {
    print_error("FAILED  %-28s again: %s %s --cases %s --only %s\n", c->name, program, option_text(),
                options.cases, c->name);
  }
  return 0;
}

/* Lines of "NAME LAYOUT SIZE". */
static size_t read_index(struct CMUnitTest *tests) {
  char path[MAX_PATH], line[256], layout[8], size[8];
  (void)snprintf(path, sizeof path, "%s/index.txt", options.cases);
  FILE *file = fopen(path, "r");
  size_t n = 0;
  if (file == NULL) {
    print_error("%s cannot be opened\n", path);
    exit(1);
  }
  while (fgets(line, sizeof line, file) != NULL) {
    golden_case *c = &CASES[n];
    if (n == MAX_CASES || sscanf(line, "%99s %7s %7s", c->name, layout, size) != 3) {
      print_error("%s: line %zu is not NAME LAYOUT SIZE, or one too many\n", path, n + 1);
      exit(1);
    }
    c->layout = strcmp(layout, "bti") == 0 ? OCLSTM_BATCH_MAJOR : OCLSTM_TIME_MAJOR;
    if (!options.small || strcmp(size, "small") == 0) {
      tests[n] = (struct CMUnitTest){c->name, run_case, NULL, report_case, c};
      ++n;
    }
  }
  (void)fclose(file);
  return n;
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[MAX_CASES];
  read_options(argc, argv);
  program = argv[0];
  if (options.cases == NULL) {
    print_error("--cases FOLDER is missing\n");
    return 2;
  }
  int failed = _cmocka_run_group_tests("golden", tests, read_index(tests), open_devices, close_devices);
  print_message("cases: %zu run, %zu failed, %zu refused by name\n", n_run, n_run - n_passed, n_refused);
  return failed == 0 && n_run > 0 && n_passed == n_run ? 0 : 1;
}
