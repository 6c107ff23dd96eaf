/* The one table of limits on what files may ask for.
 * SPDX-License-Identifier: MIT */
#include "model/model.h"

static uint64_t or_default(uint64_t given, uint64_t fallback) {
  return given != 0 ? given : fallback;
}

/* Products of two feature counts and a gate count stay far from 2^64. */
static const uint64_t MOST_FEATURES = UINT64_C(1) << 28;

oclstm_limits oclstm__limits(const oclstm_limits *given) {
  static const oclstm_limits NONE = OCLSTM_LIMITS_INIT;
  const oclstm_limits *l = given != NULL ? given : &NONE;
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  limits.header_bytes = or_default(l->header_bytes, UINT64_C(16) << 20);
  limits.tensors = or_default(l->tensors, 65536);
  limits.features = or_default(l->features, 65536);
  limits.features = limits.features < MOST_FEATURES ? limits.features : MOST_FEATURES;
  limits.layers = or_default(l->layers, 256);
  limits.parameters = or_default(l->parameters, UINT64_C(1) << 34);
  limits.steps = or_default(l->steps, UINT64_C(1) << 40);
  limits.rows = or_default(l->rows, UINT64_C(1) << 24);
  limits.ids = or_default(l->ids, UINT64_C(1) << 24);
  limits.ids = limits.ids < INT32_MAX ? limits.ids : INT32_MAX; /* ids are int32 */
  limits.nodes = or_default(l->nodes, 65536);
  return limits;
}
