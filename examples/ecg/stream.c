/* ecg stream: the network inside a program, fed as a monitor would feed it.
 * SPDX-License-Identifier: MIT
 *
 * All of oclstm's stages in the order in which a program meets them: model, context, plan, state, and then forward
 * for every tenth of a second of signal. The state remembers the heart between the calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ecg.h"

enum { BLOCK = ECG_RATE / 10 }; /* samples a call */

typedef struct network {
  oclstm_model *model;
  oclstm_context *context;
  oclstm_plan *plan;
  oclstm_state *state;
} network;

/* Once, before the signal begins: everything is loaded, decided, compiled and allocated here. */
static oclstm_status open_network(const char *model_path, const char *device, network *net,
                                  oclstm_error *error) {
  oclstm_context_desc device_desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
  oclstm_status status = oclstm_model_load(model_path, NULL, &net->model, error);
  if (status != OCLSTM_OK) {
    return status;
  }
  if (oclstm_model_input_size(net->model) != 1 || oclstm_model_output_size(net->model) != 1) {
    return ecg_fail(error, OCLSTM_E_SHAPE, "%s: expected 1 input and 1 output, found %zu and %zu", model_path,
                    oclstm_model_input_size(net->model), oclstm_model_output_size(net->model));
  }
  device_desc.device = device;
  status = oclstm_context_create(&device_desc, &net->context, error);
  if (status != OCLSTM_OK) {
    return status;
  }
  limits.rows = 1;
  limits.steps = BLOCK;
  limits.tuning = OCLSTM_TUNING_NONE; /* no folder to keep answers in, so nothing is measured at each start */
  status = oclstm_plan_create(net->context, net->model, &limits, &net->plan, error);
  if (status != OCLSTM_OK) {
    return status;
  }
  return oclstm_state_create(net->plan, &net->state, error);
}

/* In reverse; what was never made is NULL, which is fine. */
static void close_network(network *net) {
  oclstm_state_destroy(&net->state);
  oclstm_plan_destroy(&net->plan);
  oclstm_context_destroy(&net->context);
  oclstm_model_destroy(&net->model);
}

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Feeds the signal block by block. *slowest receives the longest call, in seconds. */
static oclstm_status feed(network *net, const ecg_signal *signal, float *forecast, double *slowest,
                          oclstm_error *error) {
  *slowest = 0.0;
  for (size_t n = 0; n < signal->count; n += BLOCK) {
    oclstm_io io = OCLSTM_IO_INIT;
    const double began = now();
    double took;
    oclstm_status status;
    io.steps = signal->count - n < BLOCK ? signal->count - n : BLOCK;
    io.x = signal->sample + n;
    io.y = forecast + n;
    status = oclstm_forward(net->plan, net->state, &io, error);
    if (status != OCLSTM_OK) {
      return status;
    }
    took = now() - began;
    *slowest = took > *slowest ? took : *slowest;
  }
  return OCLSTM_OK;
}

/* Reads a signal in mV and writes its forecast [T,1]; prints whether the device would have kept up. device NULL: the
 * default one. */
oclstm_status ecg_stream(const char *model_path, const char *signal_path, const char *forecast_path,
                         const char *device, oclstm_error *error) {
  network net = {NULL, NULL, NULL, NULL};
  ecg_signal signal = {0, NULL};
  float *forecast = NULL;
  double began, slowest;
  oclstm_status status = ecg_signal_load(signal_path, &signal, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  forecast = malloc(signal.count * sizeof *forecast);
  if (forecast == NULL) {
    status = ecg_fail(error, OCLSTM_E_MEMORY, "no memory for %zu samples", signal.count);
    goto done;
  }
  status = open_network(model_path, device, &net, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  began = now();
  status = feed(&net, &signal, forecast, &slowest, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  printf("stream: %s, %.0f times as fast as the heart; slowest call %.2f ms for %.0f ms of signal\n",
         oclstm_context_device(net.context)->name, (double)signal.count / ECG_RATE / (now() - began),
         1e3 * slowest, 1e3 * BLOCK / ECG_RATE);
  status = ecg_signal_save(forecast_path, forecast, signal.count, error);
done:
  close_network(&net);
  free(forecast);
  ecg_signal_free(&signal);
  return status;
}
