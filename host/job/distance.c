/* How far two arrays are apart, and whether that is within the bounds.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "job/job.h"

/* Equal values, infinities and NaN in both places are no difference; NaN on one side is one that nothing passes. */
static double difference(double a, double b) {
  return a == b || (isnan(a) && isnan(b)) ? 0.0 : fabs(a - b);
}

void oclstm__distance_add(oclstm__distance *distance, const float *device, const float *reference, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    double a = (double)device[k], b = (double)reference[k];
    double d = difference(a, b);
    distance->difference2 += d * d;
    distance->reference2 += isfinite(b) ? b * b : 0.0;
    if (isnan(d) || d > distance->max_absolute) {
      distance->max_absolute = d;
    }
  }
}

oclstm_verify_result oclstm__distance_judge(const oclstm_verify_desc *desc,
                                            const oclstm__distance *distance) {
  oclstm_verify_result result = {.max_absolute = distance->max_absolute};
  if (distance->difference2 != 0.0) {
    result.relative_l2 = sqrt(distance->difference2 / distance->reference2);
  }
  result.passed = result.relative_l2 <= desc->max_relative_l2 && result.max_absolute <= desc->max_absolute;
  return result;
}
