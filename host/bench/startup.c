/* From nothing to the first result, with an empty folder of compiled programs and with a filled one.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bench.h"

/* The size of the ECG example's network, and a second and a half of its signal. */
static const bench_shape SHAPE = {
    .list = "start-up", .T = 540, .B = 1, .I = 1, .H = 64, .layers = 2, .directions = 1, .cell = OCLSTM_LSTM};

static oclstm_status first_result(const bench_oclstm_desc *desc, const char *folder, bench_data *data,
                                  bench_startup *startup, oclstm_error *error) {
  oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  device.device = desc->device;
  device.cache_dir = folder;
  device.log = desc->log;
  limits.rows = SHAPE.B;
  limits.steps = (size_t)SHAPE.T;
  limits.precision = desc->precision;
  limits.strategy = desc->strategy;
  limits.gemm = desc->gemm;
  limits.tuning = desc->tuning;
  io.steps = limits.steps;
  io.x = data->x;
  io.y = data->y;
  double began = bench_now();
  oclstm_status status = oclstm_context_create(&device, &context, error);
  double opened = bench_now();
  status = status == OCLSTM_OK ? oclstm_plan_create(context, data->model, &limits, &plan, error) : status;
  status = status == OCLSTM_OK ? oclstm_state_create(plan, &state, error) : status;
  double planned = bench_now();
  status = status == OCLSTM_OK ? oclstm_forward(plan, state, &io, error) : status;
  *startup = (bench_startup){opened - began, planned - opened, bench_now() - planned};
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
  return status;
}

oclstm_status bench_measure_startup(const bench_oclstm_desc *desc, const char *temporary, bench_startup *cold,
                                    bench_startup *warm, oclstm_error *error) {
  bench_data data;
  char *folder = bench_folder_make(temporary);
  if (folder == NULL) {
    *error = (oclstm_error){.status = OCLSTM_E_WRITE};
    (void)snprintf(error->text, sizeof error->text, "no folder for compiled programs in %.200s", temporary);
    return OCLSTM_E_WRITE;
  }
  oclstm_status status = bench_data_open(&data, &SHAPE, 0, error);
  if (status == OCLSTM_OK) {
    status = first_result(desc, folder, &data, cold, error);
    status = status == OCLSTM_OK ? first_result(desc, folder, &data, warm, error) : status;
    bench_data_close(&data);
  }
  bench_folder_remove(&folder);
  return status;
}
