/* What has been measured so far.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "report.h"

bool bench_results_push(bench_results *results, const bench_shape *shape, bench_outcome *outcomes) {
  if (results->n == results->room) {
    size_t room = 2 * results->room + 16;
    bench_record *more = realloc(results->records, room * sizeof *more);
    if (more == NULL) {
      return false;
    }
    results->records = more;
    results->room = room;
  }
  results->records[results->n++] = (bench_record){*shape, outcomes};
  return true;
}

void bench_results_close(bench_results *results) {
  for (size_t k = 0; k < results->n; ++k) {
    free(results->records[k].outcomes);
  }
  free(results->records);
  free(results->peaks);
  free(results->startups);
  free(results->crossings);
  bench_columns_close(&results->columns);
  *results = (bench_results){.n = 0};
}

const bench_record *bench_results_find(const bench_results *results, const bench_shape *shape) {
  for (size_t k = 0; k < results->n; ++k) {
    if (bench_shape_same(&results->records[k].shape, shape)) {
      return &results->records[k];
    }
  }
  return NULL;
}

double bench_ratio(const bench_results *results, const bench_record *record, size_t column) {
  for (size_t k = 0; k < results->columns.n; ++k) {
    if (results->columns.items[k].ours) {
      const bench_outcome *first = &record->outcomes[k];
      const bench_outcome *other = &record->outcomes[column];
      return first->state == BENCH_DONE && other->state == BENCH_DONE
                 ? first->seconds.median / other->seconds.median
                 : NAN;
    }
  }
  return NAN;
}

const char *bench_state_name(bench_state state) {
  static const char *const NAMES[] = {"done", "refused", "WRONG", "failed"};
  return NAMES[state];
}

const char *bench_reach_name(bench_reach reach) {
  static const char *const NAMES[] = {"reached", "not reached", "not measured"};
  return NAMES[reach];
}

const char *bench_commit(void) {
  return OCLSTM_BENCH_COMMIT;
}
