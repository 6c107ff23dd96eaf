/* In place of the column of oneDNN where it was not found when this program was built.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bench.h"

bool bench_onednn_available(void) {
  return false;
}

bool bench_column_onednn(bench_column *column, oclstm_precision precision, char why[BENCH_TEXT]) {
  (void)column;
  (void)precision;
  (void)snprintf(why, BENCH_TEXT, "this program was built without oneDNN");
  return false;
}
