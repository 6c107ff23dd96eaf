/* What the demonstration left behind is what PyTorch computes with the same weights, and beats do not mix.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oclstm/oclstm_job.h"

/* RMS errors, relative. Both sides compute in float32; over a minute the differences average out. */
static const double error_tolerance = 1e-4;
/* Single forecasts, mV: after five minutes of recurrence against PyTorch, and between two ways of running oclstm. */
static const double tail_tolerance = 2e-5, beat_tolerance = 1e-5;
enum { TAIL = 720, FEWEST_BEATS = 450, BEAT_STRIDE = 20 };

typedef struct array {
  size_t count;
  float *value;
} array;

/* A .npy of shape [T] or [T,1]. */
static array load(const char *path) {
  array a;
  oclstm_npy *npy;
  oclstm_error error = {0};
  if (oclstm_npy_open(path, NULL, &npy, &error) != OCLSTM_OK) {
    fail_msg("%s", error.text);
  }
  const oclstm_npy_info *info = oclstm_npy_get_info(npy);
  a.count = (size_t)info->count;
  assert_int_equal(info->shape[0], a.count);
  a.value = malloc(a.count * sizeof *a.value);
  assert_non_null(a.value);
  assert_int_equal(oclstm_npy_read_f32(npy, 0, a.count, a.value, &error), OCLSTM_OK);
  oclstm_npy_close(&npy);
  return a;
}

static void assert_near(const char *what, const float *expected, const float *found, size_t count,
                        double tolerance) {
  for (size_t n = 0; n < count; n++) {
    const double difference = fabs((double)expected[n] - found[n]);
    if (!(difference <= tolerance)) {
      fail_msg("%s, sample %zu: expected %.7f, found %.7f", what, n, (double)expected[n], (double)found[n]);
    }
  }
}

/* The number behind `label` at the beginning of a line of what the demonstration printed; NaN without one. */
static double reported(const char *label) {
  FILE *file = fopen(ECG_OUT "/report.txt", "r");
  char line[256];
  double value = NAN;
  assert_non_null(file);
  while (fgets(line, sizeof line, file) != NULL) {
    const char *text = line + strspn(line, " ");
    if (strncmp(text, label, strlen(label)) == 0) {
      value = strtod(text + strlen(label), NULL);
    }
  }
  fclose(file);
  return value;
}

static void assert_reported(const char *label, double expected, double tolerance) {
  const double found = reported(label);
  if (!(fabs(found - expected) <= tolerance * expected)) {
    fail_msg("%s: expected %.8f, found %.8f", label, expected, found);
  }
}

static void errors_are_pytorchs(void **unused) {
  FILE *file = fopen(ECG_EXPECTED "/expected.txt", "r");
  char line[128], *at = line;
  (void)unused;
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  fclose(file);
  const double horizon = strtod(at, &at), forecast = strtod(at, &at), same = strtod(at, &at);
  assert_true(forecast > 0.0 && forecast < 0.5 * same); /* the network has learnt something */
  assert_reported("forecast ", 1e3 * horizon / 360.0, 0.02);
  assert_reported("RMS error, forecast ", forecast, error_tolerance);
  assert_reported("RMS error, \"same as now\" ", same, error_tolerance);
}

/* h and c at the end of the recording are the result of 108,000 steps. */
static void last_forecasts_are_pytorchs(void **unused) {
  array expected = load(ECG_EXPECTED "/pytorch_tail.npy"), found = load(ECG_OUT "/forecast.npy");
  (void)unused;
  assert_int_equal(expected.count, TAIL);
  assert_int_equal(found.count, 108000);
  assert_near("end of the recording", expected.value, found.value + found.count - TAIL, TAIL, tail_tolerance);
  free(found.value);
  free(expected.value);
}

static void stream_is_the_recordings_forecast(void **unused) {
  array job = load(ECG_OUT "/forecast.npy"), stream = load(ECG_OUT "/stream.npy");
  (void)unused;
  assert_int_equal(stream.count, job.count);
  assert_near("stream", job.value, stream.value, job.count, tail_tolerance);
  free(stream.value);
  free(job.value);
}

static int is_npy(const char *name) {
  const size_t length = strlen(name);
  return length > 4 && strcmp(name + length - 4, ".npy") == 0;
}

/* Calls visit for every beat, with the paths of the beat and of its forecast; returns how many there are. */
static size_t for_each_beat(void (*visit)(size_t index, const char *beat, const char *forecast, void *user),
                            void *user) {
  DIR *dir = opendir(ECG_OUT "/beats");
  struct dirent *entry;
  size_t n = 0;
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL) {
    if (is_npy(entry->d_name)) {
      char beat[4096], forecast[4096];
      snprintf(beat, sizeof beat, ECG_OUT "/beats/%s", entry->d_name);
      snprintf(forecast, sizeof forecast, ECG_OUT "/beats_forecast/%s", entry->d_name);
      visit(n++, beat, forecast, user);
    }
  }
  closedir(dir);
  return n;
}

static size_t count_files(const char *path) {
  DIR *dir = opendir(path);
  struct dirent *entry;
  size_t n = 0;
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL) {
    n += entry->d_name[0] != '.';
  }
  closedir(dir);
  return n;
}

static void same_length(size_t index, const char *beat, const char *forecast, void *user) {
  array x = load(beat), y = load(forecast);
  size_t *total = user;
  (void)index;
  assert_int_equal(x.count, y.count);
  *total += x.count;
  free(x.value);
  free(y.value);
}

static void every_beat_has_a_forecast_of_its_length(void **unused) {
  size_t total = 0;
  const size_t n_beats = for_each_beat(same_length, &total);
  (void)unused;
  assert_true(n_beats >= FEWEST_BEATS && n_beats <= 600);
  assert_int_equal(count_files(ECG_OUT "/beats_forecast"), n_beats);
  assert_true(total >= 95000 && total <= 108000); /* beats cover nearly all of the recording */
}

typedef struct network {
  oclstm_model *model;
  oclstm_context *context;
} network;

/* One beat as a batch of its own, in a plan of one row. */
static void alone_is_the_same(size_t index, const char *beat, const char *forecast, void *user) {
  network *net = user;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan;
  oclstm_state *state;
  oclstm_io io = OCLSTM_IO_INIT;
  if (index % BEAT_STRIDE != 0) {
    return;
  }
  array x = load(beat), y = load(forecast);
  float *alone = malloc(x.count * sizeof *alone);
  assert_non_null(alone);
  limits.rows = 1;
  limits.steps = x.count;
  limits.tuning = OCLSTM_TUNING_NONE;
  assert_int_equal(oclstm_plan_create(net->context, net->model, &limits, &plan, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_state_create(plan, &state, NULL), OCLSTM_OK);
  io.steps = x.count;
  io.x = x.value;
  io.y = alone;
  assert_int_equal(oclstm_forward(plan, state, &io, NULL), OCLSTM_OK);
  assert_near(beat, alone, y.value, x.count, beat_tolerance);
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  free(alone);
  free(x.value);
  free(y.value);
}

static void beats_forecasts_are_those_of_each_beat_alone(void **unused) {
  network net;
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  (void)unused;
  device.device = getenv("OCLSTM_DEVICE"); /* the device that the demonstration ran on */
  assert_int_equal(oclstm_model_load(ECG_EXAMPLE "/ecg_forecaster.safetensors", NULL, &net.model, NULL),
                   OCLSTM_OK);
  assert_int_equal(oclstm_context_create(&device, &net.context, NULL), OCLSTM_OK);
  for_each_beat(alone_is_the_same, &net);
  oclstm_context_destroy(&net.context);
  oclstm_model_destroy(&net.model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_are_pytorchs),
      cmocka_unit_test(last_forecasts_are_pytorchs),
      cmocka_unit_test(stream_is_the_recordings_forecast),
      cmocka_unit_test(every_beat_has_a_forecast_of_its_length),
      cmocka_unit_test(beats_forecasts_are_those_of_each_beat_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
