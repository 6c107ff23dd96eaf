/* The R peak rule on a signal whose beats are known: wander, T waves, noise and a loose electrode.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecg.h"

enum { COUNT = 60 * ECG_RATE, N_BEATS = 80, RISE = 10, T_WAVE = 60, FIRST = 300, LOOSE = 15000 };

/* Beat b comes 215 to 274 samples after the one before, in no simple order. */
static size_t beat_at(size_t b) {
  size_t at = FIRST;
  for (size_t k = 0; k < b; k++) {
    at += 215 + (k * 37) % 60;
  }
  return at;
}

/* A triangle of 1 mV (the QRS complex), then half a sine of 0.4 mV over 167 ms (the T wave). */
static void add_beat(float *x, size_t at) {
  for (size_t n = 0; n < RISE; n++) {
    const float height = 1.0f - (float)n / RISE;
    x[at + n] += height;
    if (n > 0) {
      x[at - n] += height;
    }
  }
  for (size_t n = 0; n < T_WAVE; n++) {
    x[at + 70 + n] += (float)(0.4 * sin(3.14159265 * (double)n / T_WAVE));
  }
}

static ecg_signal make_signal(void) {
  ecg_signal signal = {COUNT, calloc(COUNT, sizeof(float))};
  assert_non_null(signal.sample);
  for (size_t b = 0; b < N_BEATS; b++) {
    add_beat(signal.sample, beat_at(b));
  }
  for (size_t n = 0; n < COUNT; n++) {
    signal.sample[n] += (float)(0.8 * sin(2.0 * 3.14159265 * 0.3 * (double)n / ECG_RATE));
  }
  return signal;
}

static void assert_peaks_found(const ecg_signal *signal) {
  size_t *peaks, n_peaks;
  oclstm_error error = {0};
  assert_int_equal(ecg_find_r_peaks(signal, &peaks, &n_peaks, &error), OCLSTM_OK);
  assert_int_equal(n_peaks, N_BEATS);
  for (size_t b = 0; b < N_BEATS; b++) {
    assert_true(peaks[b] >= beat_at(b) - 1 && peaks[b] <= beat_at(b) + 1);
  }
  free(peaks);
}

static void finds_every_beat_and_no_t_wave(void **unused) {
  ecg_signal signal = make_signal();
  (void)unused;
  assert_peaks_found(&signal);
  ecg_signal_free(&signal);
}

/* Slow but ten times as high as a beat: neither a beat nor a reason to lose the others. */
static void survives_a_loose_electrode(void **unused) {
  ecg_signal signal = make_signal();
  (void)unused;
  for (size_t n = LOOSE; n < LOOSE + 1800; n++) {
    signal.sample[n] += (float)(5.0 - 5.0 * cos(2.0 * 3.14159265 * (double)(n - LOOSE) / 1800));
  }
  assert_peaks_found(&signal);
  ecg_signal_free(&signal);
}

/* A burst fifty times as strong in energy must not raise the threshold over the beats. */
static void a_violent_stretch_hides_only_itself(void **unused) {
  ecg_signal signal = make_signal();
  size_t *peaks, n_peaks, kept = 0;
  oclstm_error error = {0};
  (void)unused;
  for (size_t n = LOOSE; n < LOOSE + 360; n++) {
    signal.sample[n] += n % 12 < 6 ? 4.0f : -4.0f;
  }
  assert_int_equal(ecg_find_r_peaks(&signal, &peaks, &n_peaks, &error), OCLSTM_OK);
  for (size_t b = 0; b < N_BEATS; b++) {
    const size_t at = beat_at(b);
    for (size_t k = 0; k < n_peaks && (at < LOOSE - 200 || at > LOOSE + 560); k++) {
      kept += peaks[k] + 1 >= at && peaks[k] <= at + 1;
    }
  }
  assert_true(kept >= N_BEATS - 5 && kept <= N_BEATS);
  free(peaks);
  ecg_signal_free(&signal);
}

static void nothing_beats_in_a_flat_line(void **unused) {
  float line[1000] = {0};
  const ecg_signal flat = {1000, line}, single = {1, line};
  size_t *peaks, n_peaks;
  oclstm_error error = {0};
  (void)unused;
  assert_int_equal(ecg_find_r_peaks(&flat, &peaks, &n_peaks, &error), OCLSTM_OK);
  assert_int_equal(n_peaks, 0);
  free(peaks);
  assert_int_equal(ecg_find_r_peaks(&single, &peaks, &n_peaks, &error), OCLSTM_OK);
  assert_int_equal(n_peaks, 0);
  free(peaks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_beat_and_no_t_wave),
      cmocka_unit_test(survives_a_loose_electrode),
      cmocka_unit_test(a_violent_stretch_hides_only_itself),
      cmocka_unit_test(nothing_beats_in_a_flat_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
