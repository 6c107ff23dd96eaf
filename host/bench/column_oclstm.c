/* oclstm as a column: one device, one strategy, one precision. With the device "reference" also the reference.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli/cli.h"

/* The most that the reference, which is slow, is given. */
static const double REFERENCE_FLOPS = 2e9;

typedef struct oclstm_column {
  bench_oclstm_desc desc;
  oclstm_context *context;
  bench_data *data;
  oclstm_plan *plan;
  oclstm_state *state;
  size_t steps; /* of a call */
} oclstm_column;

static oclstm_column *self_of(const bench_column *column) {
  return column->self;
}

static bool report(bench_outcome *outcome, const oclstm_error *error) {
  bench_state state = error->status == OCLSTM_E_UNSUPPORTED || error->status == OCLSTM_E_LIMIT ||
                              error->status == OCLSTM_E_DEVICE_MEMORY
                          ? BENCH_REFUSED
                          : BENCH_FAILED;
  return bench_fail(outcome, state, "%s: %.200s", oclstm_status_name(error->status), error->text);
}

static void let_go(oclstm_plan **plan, oclstm_state **state) {
  oclstm_state_destroy(state);
  oclstm_plan_destroy(plan);
}

static void finish(bench_column *column) {
  oclstm_column *c = self_of(column);
  let_go(&c->plan, &c->state);
  c->data = NULL;
}

static void close_column(bench_column *column) {
  oclstm_column *c = self_of(column);
  finish(column);
  oclstm_context_destroy(&c->context);
  free(c);
  column->self = NULL;
}

/* ---- plans ---- */

/* All of T in one call where that fits; otherwise, for a forward network, as many steps as the plan chooses. */
static oclstm_status make_plan(const bench_oclstm_desc *desc, oclstm_context *context, const bench_data *data,
                               oclstm_plan **plan, oclstm_state **state, oclstm_error *error) {
  enum { MOST_STEPS = 4096 };
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  const uint64_t memory = oclstm_context_device(context)->memory_bytes;
  limits.rows = data->shape->B;
  limits.steps = (size_t)data->shape->T;
  limits.precision = desc->precision;
  limits.strategy = desc->strategy;
  limits.gemm = desc->gemm;
  limits.tuning = desc->tuning;
  limits.memory_bytes = desc->memory_bytes != 0 ? desc->memory_bytes : memory / 2;
  const bool in_pieces = data->shape->directions == 1 && data->lengths == NULL;
  if (in_pieces && data->shape->T > MOST_STEPS) {
    limits.steps = MOST_STEPS;
  }
  oclstm_status status = oclstm_plan_create(context, data->model, &limits, plan, error);
  if (in_pieces && (status == OCLSTM_E_DEVICE_MEMORY || status == OCLSTM_E_LIMIT)) {
    limits.steps = 0;
    status = oclstm_plan_create(context, data->model, &limits, plan, error);
  }
  return status == OCLSTM_OK ? oclstm_state_create(*plan, state, error) : status;
}

/* T steps in calls of at most `most`, over the steps that are held again and again. */
static oclstm_status forward(const bench_data *data, oclstm_plan *plan, oclstm_state *state, size_t most,
                             uint64_t T, oclstm_error *error) {
  const bench_shape *s = data->shape;
  oclstm_status status = OCLSTM_OK;
  uint64_t at = 0;
  for (uint64_t done = 0; done < T && status == OCLSTM_OK;) {
    oclstm_io io = OCLSTM_IO_INIT;
    uint64_t n = data->held - at < most ? data->held - at : most;
    n = T - done < n ? T - done : n;
    io.steps = (size_t)n;
    io.x = data->x + (size_t)at * s->B * s->I;
    io.y = data->y + (size_t)at * s->B * bench_width(s);
    io.lengths = data->lengths;
    status = oclstm_forward(plan, state, &io, error);
    done += n;
    at = at + n < data->held ? at + n : 0;
  }
  return status;
}

/* ---- the table ---- */

static bool prepare(bench_column *column, bench_data *data, bench_outcome *outcome) {
  oclstm_column *c = self_of(column);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  double began = bench_now();
  if (!column->ours && bench_flops(data->shape) > REFERENCE_FLOPS) {
    return bench_fail(outcome, BENCH_REFUSED, "%.3g GFLOP would take the reference too long",
                      bench_flops(data->shape) * 1e-9);
  }
  c->data = data;
  if (make_plan(&c->desc, c->context, data, &c->plan, &c->state, &error) != OCLSTM_OK) {
    return report(outcome, &error);
  }
  outcome->prepare_seconds = bench_now() - began;
  const oclstm_plan_info *info = oclstm_plan_get_info(c->plan);
  c->steps = info->steps < data->held ? info->steps : (size_t)data->held;
  outcome->device_bytes = info->device_bytes;
  (void)snprintf(outcome->strategy, sizeof outcome->strategy, "%s", info->strategy);
  (void)snprintf(outcome->gemm, sizeof outcome->gemm, "%s", info->gemm);
  outcome->calls = (data->shape->T + c->steps - 1) / c->steps;
  /* Steps that are gone over again would overwrite the first ones before they are compared. */
  if (forward(data, c->plan, c->state, c->steps, data->held, &error) != OCLSTM_OK) {
    return report(outcome, &error);
  }
  return true;
}

static bool run(bench_column *column, unsigned warm_up, double *seconds, bench_outcome *outcome) {
  oclstm_column *c = self_of(column);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_status status = OCLSTM_OK;
  const uint64_t T = c->data->shape->T;
  for (unsigned k = 0; k < warm_up && status == OCLSTM_OK; ++k) {
    status = forward(c->data, c->plan, c->state, c->steps, T, &error);
  }
  double began = bench_now();
  status = status == OCLSTM_OK ? forward(c->data, c->plan, c->state, c->steps, T, &error) : status;
  *seconds = bench_now() - began;
  return status == OCLSTM_OK ? true : report(outcome, &error);
}

/* The median over some runs of what their kernels took, by the device's clock. */
static oclstm_status profile_runs(const oclstm_column *c, oclstm_context *context, oclstm_plan *plan,
                                  oclstm_state *state, double *seconds, oclstm_error *error) {
  enum { MOST_RUNS = 5 };
  static const double ENOUGH_SECONDS = 0.5;
  double samples[MOST_RUNS];
  size_t n = 0;
  const double until = bench_now() + ENOUGH_SECONDS;
  oclstm_status status = OCLSTM_OK;
  while (status == OCLSTM_OK && n < MOST_RUNS && (n == 0 || bench_now() < until)) {
    oclstm_counters counters = OCLSTM_COUNTERS_INIT;
    status = oclstm_context_reset_counters(context, error);
    status = status == OCLSTM_OK ? forward(c->data, plan, state, c->steps, c->data->held, error) : status;
    status = status == OCLSTM_OK ? oclstm_context_counters(context, &counters, error) : status;
    samples[n++] = 1e-9 * (double)counters.kernel_nanoseconds;
  }
  *seconds = bench_summarise(samples, n).median * (double)c->data->shape->T / (double)c->data->held;
  return status;
}

/* Kernel time, from a context of its own whose queue keeps times, and a plan with the same answers. */
static oclstm_status profile(const oclstm_column *c, double *seconds, oclstm_error *error) {
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  bench_oclstm_desc desc = c->desc;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  desc.tuning = desc.tuning == OCLSTM_TUNING_AGAIN ? OCLSTM_TUNING_DEFAULT : desc.tuning;
  device.device = c->desc.device;
  device.cache_dir = c->desc.cache_dir;
  device.log = c->desc.log;
  device.profiling = 1;
  oclstm_status status = oclstm_context_create(&device, &context, error);
  status = status == OCLSTM_OK ? make_plan(&desc, context, c->data, &plan, &state, error) : status;
  status = status == OCLSTM_OK ? forward(c->data, plan, state, c->steps, c->data->held, error) : status;
  status = status == OCLSTM_OK ? profile_runs(c, context, plan, state, seconds, error) : status;
  let_go(&plan, &state);
  oclstm_context_destroy(&context);
  return status;
}

static void inspect(bench_column *column, bench_outcome *outcome) {
  oclstm_column *c = self_of(column);
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_counters counters = OCLSTM_COUNTERS_INIT;
  double seconds = 0.0;
  if (oclstm_context_reset_counters(c->context, &error) == OCLSTM_OK && run(column, 0, &seconds, outcome) &&
      oclstm_context_counters(c->context, &counters, &error) == OCLSTM_OK) {
    outcome->counters = counters;
    outcome->counted = column->ours;
  }
  if (column->ours && c->desc.profile && profile(c, &seconds, &error) == OCLSTM_OK) {
    outcome->kernel_seconds = seconds;
  }
}

static const bench_column_type OCLSTM_TYPE = {"oclstm", prepare, run, inspect, finish, close_column};

oclstm_context *bench_column_context(const bench_column *column) {
  return column->type == &OCLSTM_TYPE ? self_of(column)->context : NULL;
}

const bench_oclstm_desc *bench_column_desc(const bench_column *column) {
  return column->type == &OCLSTM_TYPE ? &self_of(column)->desc : NULL;
}

static void name_column(bench_column *column, const oclstm_column *c) {
  const bool chosen = c->desc.gemm != OCLSTM_GEMM_AUTO;
  const oclstm_device_info *device = oclstm_context_device(c->context);
  (void)snprintf(column->version, sizeof column->version, "%s", oclstm_version());
  (void)snprintf(column->details, sizeof column->details, "%s, %.60s, %.60s, %.60s", device->id, device->name,
                 device->platform, device->driver);
  if (device->type == OCLSTM_DEVICE_REFERENCE) {
    (void)snprintf(column->name, sizeof column->name, "reference");
  } else {
    (void)snprintf(column->name, sizeof column->name, "oclstm%s%s %s %s%s%s", c->desc.name_device ? " " : "",
                   c->desc.name_device ? device->id : "", cli_strategy_name((int)c->desc.strategy),
                   cli_precision_name((int)c->desc.precision), chosen ? " " : "",
                   chosen ? cli_gemm_name((int)c->desc.gemm) : "");
  }
}

oclstm_status bench_column_oclstm(bench_column *column, const bench_oclstm_desc *desc, oclstm_error *error) {
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_column *c = calloc(1, sizeof *c);
  if (c == NULL) {
    *error = (oclstm_error){.status = OCLSTM_E_MEMORY, .text = "no memory for a column"};
    return OCLSTM_E_MEMORY;
  }
  c->desc = *desc;
  device.device = desc->device;
  device.cache_dir = desc->cache_dir;
  device.log = desc->log;
  oclstm_status status = oclstm_context_create(&device, &c->context, error);
  if (status != OCLSTM_OK) {
    free(c);
    return status;
  }
  column->type = &OCLSTM_TYPE;
  column->self = c;
  column->precision = desc->precision;
  column->gemm = desc->gemm;
  column->ours = oclstm_context_device(c->context)->type != OCLSTM_DEVICE_REFERENCE;
  name_column(column, c);
  return OCLSTM_OK;
}
