/* The shortest time that a machine's arithmetic and memory allow for a shape.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "bench.h"

/* Reading so many bytes, of which each level keeps what it has room for, the nearest first. No cache does better. */
static double read_seconds(const bench_peaks *peaks, double bytes) {
  double seconds = 0.0;
  for (size_t k = 0; k < BENCH_LEVELS; ++k) {
    if (peaks->levels[k].per_second > 0.0) {
      const double kept = fmin(bytes, (double)peaks->levels[k].fits);
      seconds += kept / peaks->levels[k].per_second;
      bytes -= kept;
    }
  }
  return seconds;
}

/* Layers and directions may go one after the other, and then each has the caches for itself. */
double bench_roofline(const bench_peaks *peaks, const bench_shape *s, oclstm_precision precision) {
  if (!peaks->known) {
    return NAN;
  }
  const double rows = (double)(bench_gates(s->cell) * s->H), stored = bench_stored_bytes(precision);
  const double arithmetic = bench_flops(s) / peaks->flops;
  double traffic = 0.0;
  for (size_t l = 0; l < s->layers; ++l) {
    const double a_direction = (double)s->T * read_seconds(peaks, stored * rows * (double)s->H) +
                               read_seconds(peaks, stored * rows * (double)bench_layer_input(s, l));
    traffic += (double)s->directions * a_direction;
  }
  return fmax(arithmetic, traffic);
}
