/* ecg prepare: a raw recording becomes a signal in mV and a folder of single heartbeats.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "ecg.h"

/* Scale of the recording: the MIT-BIH digitiser's 200 units a mV about 1024. */
static const float zero_units = 1024.0f, units_per_mv = 200.0f;

/* A pause over two seconds is a lost signal (or a reason to call for help), not a beat. */
enum { LONGEST_BEAT = 2 * ECG_RATE, PATH_SIZE = 4096 };

static void to_millivolts(ecg_signal *signal) {
  for (size_t n = 0; n < signal->count; n++) {
    signal->sample[n] = (signal->sample[n] - zero_units) / units_per_mv;
  }
}

static oclstm_status join(char path[PATH_SIZE], const char *dir, const char *name, oclstm_error *error) {
  const int length = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
  if (length < 0 || length >= PATH_SIZE) {
    return ecg_fail(error, OCLSTM_E_ARGUMENT, "path is too long: %.64s.../%s", dir, name);
  }
  return OCLSTM_OK;
}

static oclstm_status save_as(const char *dir, const char *name, const float *sample, size_t count,
                             oclstm_error *error) {
  char path[PATH_SIZE];
  oclstm_status status = join(path, dir, name, error);
  if (status == OCLSTM_OK) {
    status = ecg_signal_save(path, sample, count, error);
  }
  return status;
}

/* A beat is what lies from one R peak to the next. Its file is numbered by the peak it begins with. */
static oclstm_status save_beats(const char *out_dir, const ecg_signal *signal, const size_t *peaks,
                                size_t n_peaks, oclstm_error *error) {
  size_t n_beats = 0, shortest = LONGEST_BEAT, longest = 0;
  for (size_t b = 0; b + 1 < n_peaks; b++) {
    const size_t count = peaks[b + 1] - peaks[b];
    char name[32];
    oclstm_status status;
    if (count > LONGEST_BEAT) {
      continue;
    }
    snprintf(name, sizeof name, "beats/%04zu.npy", b);
    status = save_as(out_dir, name, signal->sample + peaks[b], count, error);
    if (status != OCLSTM_OK) {
      return status;
    }
    shortest = count < shortest ? count : shortest;
    longest = count > longest ? count : longest;
    n_beats++;
  }
  if (n_beats == 0) {
    return ecg_fail(error, OCLSTM_E_LENGTHS, "no heartbeat between %zu R peaks", n_peaks);
  }
  printf("beats: %zu of %zu to %zu samples, from %zu R peaks\n", n_beats, shortest, longest, n_peaks);
  return OCLSTM_OK;
}

/* Reads the recording (digitiser units, any integer or floating-point type) and writes OUT_DIR/signal.npy [T,1] in mV
 * and OUT_DIR/beats/NNNN.npy [T_b,1]. The folder OUT_DIR/beats must be there. */
oclstm_status ecg_prepare(const char *recording, const char *out_dir, oclstm_error *error) {
  ecg_signal signal = {0, NULL};
  size_t *peaks = NULL, n_peaks = 0;
  oclstm_status status = ecg_signal_load(recording, &signal, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  to_millivolts(&signal);
  printf("signal: %zu samples, %.1f s\n", signal.count, (double)signal.count / ECG_RATE);
  status = save_as(out_dir, "signal.npy", signal.sample, signal.count, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  status = ecg_find_r_peaks(&signal, &peaks, &n_peaks, error);
  if (status == OCLSTM_OK) {
    status = save_beats(out_dir, &signal, peaks, n_peaks, error);
  }
done:
  free(peaks);
  ecg_signal_free(&signal);
  return status;
}
