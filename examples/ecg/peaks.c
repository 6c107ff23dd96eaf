/* R peaks: where in an electrocardiogram the heart beats.
 * SPDX-License-Identifier: MIT
 *
 * The rule, in the spirit of Pan and Tompkins (IEEE Trans. Biomed. Eng. 32(3):230-236, 1985), for 360 Hz:
 *   1. slope energy: the squared difference over 17 ms, averaged over 100 ms about each sample. Ventricles are fast,
 *      so this stands out over T waves and over the slow wander of the electrodes, whatever the sign of the beat;
 *   2. threshold: a fifth of the median over all two-second stretches of their largest energy. A median, because
 *      some stretches hold a loose electrode instead of a heart;
 *   3. a beat is a sample over the threshold that no other sample within 250 ms exceeds (refractory period);
 *   4. its R peak is the largest sample within 50 ms.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ecg.h"

enum {
  SLOPE = 6,        /* samples: 17 ms */
  HALF_WINDOW = 18, /* 50 ms to each side */
  REFRACTORY = 90,  /* 250 ms */
  STRETCH = 720     /* two seconds */
};
static const double threshold_fraction = 0.2;

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t before(size_t n, size_t by) {
  return n > by ? n - by : 0;
}

/* Index of the largest value in [first, end); the earliest of equals. */
static size_t index_of_largest(const float *value, size_t first, size_t end) {
  size_t best = first;
  for (size_t n = first + 1; n < end; n++) {
    if (value[n] > value[best]) {
      best = n;
    }
  }
  return best;
}

/* Slope energy of every sample. The window's sum is kept in double and moved along with the window. */
static void slope_energy(const ecg_signal *x, float *energy) {
  double sum = 0.0;
  size_t first = 0, end = 0;
  for (size_t n = 0; n < x->count; n++) {
    for (; end < smaller(n + HALF_WINDOW, x->count); end++) {
      const double slope = end < SLOPE ? 0.0 : (double)x->sample[end] - x->sample[end - SLOPE];
      sum += slope * slope;
    }
    for (; first < before(n, HALF_WINDOW); first++) {
      const double slope = first < SLOPE ? 0.0 : (double)x->sample[first] - x->sample[first - SLOPE];
      sum -= slope * slope;
    }
    energy[n] = (float)(fmax(sum, 0.0) / (2 * HALF_WINDOW));
  }
}

static int compare_floats(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* scratch: one float a stretch. */
static double energy_threshold(const float *energy, size_t count, float *scratch) {
  size_t n_stretches = 0;
  for (size_t first = 0; first < count; first += STRETCH) {
    scratch[n_stretches++] = energy[index_of_largest(energy, first, smaller(first + STRETCH, count))];
  }
  qsort(scratch, n_stretches, sizeof *scratch, compare_floats);
  return threshold_fraction * scratch[n_stretches / 2];
}

/* peaks: room for one a refractory period. Returns how many there are. */
static size_t pick_peaks(const ecg_signal *x, const float *energy, double threshold, size_t *peaks) {
  size_t n_peaks = 0, blocked = 0; /* samples before `blocked` belong to the beat before */
  for (size_t n = 0; n < x->count; n++) {
    if (n < blocked || energy[n] <= threshold ||
        index_of_largest(energy, before(n, REFRACTORY), smaller(n + REFRACTORY + 1, x->count)) != n) {
      continue;
    }
    peaks[n_peaks++] =
        index_of_largest(x->sample, before(n, HALF_WINDOW), smaller(n + HALF_WINDOW, x->count));
    blocked = n + REFRACTORY;
  }
  return n_peaks;
}

oclstm_status ecg_find_r_peaks(const ecg_signal *signal, size_t **peaks, size_t *n_peaks,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  float *energy = malloc(signal->count * sizeof *energy);
  float *scratch = malloc((signal->count / STRETCH + 1) * sizeof *scratch);
  size_t *found = malloc((signal->count / REFRACTORY + 1) * sizeof *found);
  *peaks = NULL;
  *n_peaks = 0;
  if (energy == NULL || scratch == NULL || found == NULL) {
    status = ecg_fail(error, OCLSTM_E_MEMORY, "no memory to look for R peaks in %zu samples", signal->count);
    goto done;
  }
  slope_energy(signal, energy);
  *n_peaks = pick_peaks(signal, energy, energy_threshold(energy, signal->count, scratch), found);
  *peaks = found;
  found = NULL;
done:
  free(found);
  free(scratch);
  free(energy);
  return status;
}
