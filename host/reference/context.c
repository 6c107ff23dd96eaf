/* The reference as a device: its context and its engine table.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "reference/reference.h"

void oclstm__reference_device(oclstm_device_info *device) {
  *device = (oclstm_device_info){
      .id = "reference",
      .type = OCLSTM_DEVICE_REFERENCE,
      .name = "reference",
      .platform = "host",
      .version = "double precision",
      .compute_units = 1,
      .max_work_group = 1,
      .usable = 1,
  };
  (void)snprintf(device->driver, sizeof device->driver, "%s", oclstm_version());
}

static void context_destroy(oclstm_context *context) {
  oclstm_allocator allocator = context->allocator;
  oclstm__free(&allocator, context);
}

static const char *build_log(const oclstm_context *context) {
  (void)context;
  return "";
}

/* Strategies and GEMM libraries are ways of a device; there is one way here. */
static oclstm_status supports(const oclstm_context *context, const oclstm_model *model,
                              const oclstm_plan_desc *desc, oclstm_error *error) {
  static const char *const STRATEGIES[] = {"auto", "stepwise", "fused-step", "rows", "grid"};
  static const char *const GEMMS[] = {"auto", "clblast", "plain", "mma", "amx"};
  oclstm_status status = OCLSTM_OK;
  (void)context;
  (void)model;
  REQUIRE(desc->strategy == OCLSTM_STRATEGY_AUTO, OCLSTM_E_UNSUPPORTED,
          "strategy %s is not supported: the reference has one way only", STRATEGIES[desc->strategy]);
  REQUIRE(desc->gemm == OCLSTM_GEMM_AUTO, OCLSTM_E_UNSUPPORTED,
          "gemm %s is not supported: the reference multiplies by itself", GEMMS[desc->gemm]);
done:
  return status;
}

static const oclstm__engine ENGINE = {
    .context_destroy = context_destroy,
    .build_log = build_log,
    .supports = supports,
    .plan_create = oclstm__reference_plan_create,
    .plan_destroy = oclstm__reference_plan_destroy,
    .state_create = oclstm__reference_state_create,
    .state_destroy = oclstm__reference_state_destroy,
    .state_set = oclstm__reference_state_set,
    .state_get = oclstm__reference_state_get,
    .sweep = oclstm__reference_sweep,
};

oclstm_status oclstm__reference_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_allocator allocator = oclstm__allocator(desc->allocator);
  oclstm_context *c = oclstm__alloc(&allocator, 1, sizeof *c);
  REQUIRE(c != NULL, OCLSTM_E_MEMORY, "context: %zu bytes", sizeof *c);
  c->engine = &ENGINE;
  c->allocator = allocator;
  c->log = desc->log;
  oclstm__reference_device(&c->device);
  *context = c;
done:
  return status;
}
