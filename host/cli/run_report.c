/* What a run did: a few lines, or JSON.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <sys/resource.h>

#include "cli.h"

/* Bytes; 0 when the system does not say. */
static uint64_t peak_memory(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) {
    return 0;
  }
#ifdef __APPLE__
  return (uint64_t)usage.ru_maxrss;
#else
  return (uint64_t)usage.ru_maxrss * 1024; /* Linux and the BSDs count in KiB */
#endif
}

static double rate(const cli_run *run) {
  double seconds = run->ended - run->started;
  return seconds > 0.0 ? (double)run->valid_steps / seconds : 0.0;
}

static void print_json(const cli_run *run) {
  const oclstm_plan_info *plan = oclstm_plan_get_info(run->session.plan);
  const cli_options *o = run->session.options;
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "model", o->arguments[0]);
  cli_json_string(&json, "output", o->output);
  cli_json_device(&json, "device", oclstm_context_device(run->session.context));
  cli_json_string(&json, "precision", plan->precision);
  cli_json_string(&json, "strategy", plan->strategy);
  cli_json_string(&json, "gemm", plan->gemm);
  cli_json_string(&json, "reason", plan->reason);
  cli_json_integer(&json, "files", run->inputs.n_files);
  cli_json_integer(&json, "rows", run->inputs.rows);
  cli_json_integer(&json, "steps", run->inputs.steps);
  cli_json_integer(&json, "valid_steps", run->valid_steps);
  cli_json_integer(&json, "batch", plan->rows);
  cli_json_integer(&json, "chunk", plan->steps);
  cli_json_number(&json, "seconds", run->ended - run->started);
  cli_json_number(&json, "steps_per_second", rate(run));
  cli_json_number(&json, "startup_seconds", run->started - run->began);
  cli_json_integer(&json, "device_bytes", plan->device_bytes);
  cli_json_integer(&json, "host_peak_bytes", peak_memory());
  cli_json_end(&json, '}');
}

static void print_text(const cli_run *run) {
  const oclstm_plan_info *plan = oclstm_plan_get_info(run->session.plan);
  const oclstm_device_info *device = oclstm_context_device(run->session.context);
  (void)printf("device    %s (%s)\n", device->name, device->id);
  (void)printf("plan      %s, %s, gemm %s, %zu rows, %zu steps a call\n", plan->strategy, plan->precision,
               plan->gemm, plan->rows, plan->steps);
  (void)printf("input     %zu rows, %" PRIu64 " steps, %" PRIu64 " of them valid in all rows together\n",
               run->inputs.rows, run->inputs.steps, run->valid_steps);
  (void)printf("time      %.3f s, %.4g steps/s, start-up %.3f s\n", run->ended - run->started, rate(run),
               run->started - run->began);
  (void)printf("memory    device %s, host peak %s\n", cli_bytes(plan->device_bytes).text,
               cli_bytes(peak_memory()).text);
}

void cli_report_run(const cli_run *run) {
  if (run->session.options->json) {
    print_json(run);
  } else if (!run->session.options->quiet) {
    print_text(run);
  }
}
