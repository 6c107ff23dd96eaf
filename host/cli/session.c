/* The model, the device and the plan that a command line asks for.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_open_model(cli_session *session, const char *path) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  options.external_data = session->options->external_data;
  if (oclstm_model_load(path, &options, &session->model, &error) != OCLSTM_OK) {
    return cli_report(&error, path);
  }
  return CLI_DONE;
}

/* ---- device ---- */

const char *cli_environment(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

char *cli_cache_folder(void) {
  const char *given = cli_environment("OCLSTM_CACHE_DIR");
  const char *xdg = cli_environment("XDG_CACHE_HOME");
  const char *home = cli_environment("HOME");
  char *folder = NULL;
  if (given != NULL) {
    folder = strcmp(given, "off") == 0 ? NULL : cli_format("%s", given);
  } else if (xdg != NULL && xdg[0] == '/') { /* a relative one is to be ignored */
    folder = cli_format("%s/oclstm", xdg);
  } else if (home != NULL) {
    folder = cli_format("%s/.cache/oclstm", home);
  }
  char *above = folder != NULL ? cli_folder_of(folder) : NULL;
  bool made = false;
  if (above == NULL || !cli_make_folders(above, 0700, &made)) {
    free(folder);
    folder = NULL;
  }
  free(above);
  return folder;
}

oclstm_status cli_try_device(cli_session *session, oclstm_error *error) {
  const cli_options *options = session->options;
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  char *cache = cli_cache_folder();
  desc.device = options->device != NULL ? options->device : cli_environment("OCLSTM_DEVICE");
  desc.cache_dir = cache;
  desc.log = cli_log(&options->log_level);
  oclstm_status status = oclstm_context_create(&desc, &session->context, error);
  free(cache);
  return status;
}

int cli_open_device(cli_session *session) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  return cli_try_device(session, &error) == OCLSTM_OK ? CLI_DONE : cli_report(&error, NULL);
}

const char *cli_device_type(const oclstm_device_info *device) {
  static const char *const NAMES[] = {"gpu", "cpu", "other", "reference"};
  return (size_t)device->type < sizeof NAMES / sizeof NAMES[0] ? NAMES[device->type] : "other";
}

void cli_json_device(cli_json *json, const char *name, const oclstm_device_info *device) {
  cli_json_begin(json, name, '{');
  cli_json_string(json, "id", device->id);
  cli_json_string(json, "type", cli_device_type(device));
  cli_json_string(json, "name", device->name);
  cli_json_string(json, "platform", device->platform);
  cli_json_string(json, "version", device->version);
  cli_json_string(json, "driver", device->driver);
  cli_json_integer(json, "compute_units", device->compute_units);
  cli_json_integer(json, "memory_bytes", device->memory_bytes);
  cli_json_integer(json, "max_allocation_bytes", device->max_allocation_bytes);
  cli_json_integer(json, "local_bytes", device->local_bytes);
  cli_json_integer(json, "max_work_group", device->max_work_group);
  cli_json_bool(json, "usable", device->usable);
  cli_json_string(json, "why_not", device->usable ? NULL : device->why_not);
  cli_json_end(json, '}');
}

/* ---- plan ---- */

oclstm_plan_desc cli_plan_desc(const cli_options *options) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  desc.steps = (size_t)options->chunk;
  desc.precision = (oclstm_precision)options->precision;
  desc.strategy = (oclstm_strategy)options->strategy;
  desc.gemm = (oclstm_gemm)options->gemm;
  desc.tuning = (oclstm_tuning)options->tuning;
  desc.memory_bytes = options->memory;
  return desc;
}

int cli_report_plan(const cli_session *session, const oclstm_error *error) {
  int code = cli_report(error, NULL);
  if (error->status == OCLSTM_E_BUILD) {
    (void)fprintf(stderr, "%s\n", oclstm_context_build_log(session->context));
  }
  if (error->status == OCLSTM_E_UNSUPPORTED &&
      oclstm_supports(session->context, session->model, NULL, NULL) == OCLSTM_OK) {
    code = CLI_USAGE;
  }
  return code;
}

int cli_open_plan(cli_session *session, uint64_t rows, bool cells) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_plan_desc desc = cli_plan_desc(session->options);
  desc.rows = (size_t)rows;
  desc.cells = cells;
  oclstm_status status = oclstm_plan_create(session->context, session->model, &desc, &session->plan, &error);
  if (status == OCLSTM_OK) {
    status = oclstm_state_create(session->plan, &session->state, &error);
  }
  return status == OCLSTM_OK ? CLI_DONE : cli_report_plan(session, &error);
}

void cli_close(cli_session *session) {
  oclstm_state_destroy(&session->state);
  oclstm_plan_destroy(&session->plan);
  oclstm_context_destroy(&session->context);
  oclstm_model_destroy(&session->model);
}
