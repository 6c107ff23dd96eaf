/* oclstm devices: what can be used, and why a device cannot.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "cli.h"

static void print_device(const oclstm_device_info *d) {
  (void)printf("%-14s %-9s %s", d->id, cli_device_type(d), d->name);
  if (d->type == OCLSTM_DEVICE_REFERENCE) {
    (void)printf(" (double precision on the host)\n");
    return;
  }
  (void)printf("\n               platform %s, %s, driver %s\n", d->platform, d->version, d->driver);
  (void)printf("               %u compute units, memory %s, largest buffer %s, local memory %s\n",
               d->compute_units, cli_bytes(d->memory_bytes).text, cli_bytes(d->max_allocation_bytes).text,
               cli_bytes(d->local_bytes).text);
  if (!d->usable) {
    (void)printf("               cannot be used: %s\n", d->why_not);
  }
}

static void print_all(const cli_options *options, const oclstm_device_info *devices, size_t n) {
  if (!options->json) {
    for (size_t k = 0; k < n; ++k) {
      print_device(&devices[k]);
    }
    return;
  }
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_begin(&json, "devices", '[');
  for (size_t k = 0; k < n; ++k) {
    cli_json_device(&json, NULL, &devices[k]);
  }
  cli_json_end(&json, ']');
  cli_json_end(&json, '}');
}

int cli_devices(const cli_options *options) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_device_info *devices = NULL;
  size_t n = 0, room = 0;
  if (options->n_arguments != 0) {
    return cli_usage("devices takes no argument, found '%s'", options->arguments[0]);
  }
  oclstm_status status = oclstm_list_devices(NULL, 0, &room, &error);
  if (status == OCLSTM_OK) {
    devices = cli_calloc(room, sizeof *devices);
    if (devices == NULL) {
      return cli_fail(OCLSTM_E_MEMORY, "%zu devices", room);
    }
    status = oclstm_list_devices(devices, room, &n, &error);
  }
  if (status == OCLSTM_OK) {
    print_all(options, devices, n < room ? n : room);
  }
  free(devices);
  return status == OCLSTM_OK ? CLI_DONE : cli_report(&error, NULL);
}
