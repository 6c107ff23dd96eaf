/* What oneDNN makes of one layer, through its C API, in float32 on its CPU engine.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_ONEDNN_H
#define OCLSTM_TEST_ONEDNN_H

#include "support.h"

/* One layer with two biases, its arrays as in oclstm_weights, and a batch of which all rows are whole. */
typedef struct onednn_case {
  const oclstm_layer *layer;
  const oclstm_weights *weights; /* [2], F32 */
  const test_job *job;           /* time-major */
} onednn_case;

/* Fills in y, hn and cn, whose arrays are there; cells are left alone. Fails the running test where oneDNN does. */
void onednn_run(const onednn_case *c, test_result *result);
/* "2.6.3" */
const char *onednn_version(void);

#endif
