/* Medians and quartiles of a few samples.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double part) {
  double place = part * (double)(n - 1);
  size_t below = (size_t)place;
  size_t above = below + 1 < n ? below + 1 : below;
  return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

bench_summary bench_summarise(const double *samples, size_t n) {
  double sorted[BENCH_SAMPLES];
  if (n == 0 || n > BENCH_SAMPLES) {
    return (bench_summary){NAN, NAN, NAN, NAN};
  }
  memcpy(sorted, samples, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, ascending);
  return (bench_summary){sorted[0], quantile(sorted, n, 0.25), quantile(sorted, n, 0.5),
                         quantile(sorted, n, 0.75)};
}

double bench_geometric_mean(const double *values, size_t n) {
  double sum = 0.0;
  for (size_t k = 0; k < n; ++k) {
    if (!(values[k] > 0.0)) {
      return NAN;
    }
    sum += log(values[k]);
  }
  return n > 0 ? exp(sum / (double)n) : NAN;
}
