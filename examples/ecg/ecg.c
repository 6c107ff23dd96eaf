/* ecg: the electrocardiogram example's program, on oclstm's public headers alone.
 * SPDX-License-Identifier: MIT */
#include "ecg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ecg prepare RECORDING OUT_DIR\n"
    "         writes OUT_DIR/signal.npy (the recording in mV, [T,1]) and OUT_DIR/beats/NNNN.npy (one a "
    "heartbeat)\n"
    "       ecg report SIGNAL FORECAST HORIZON OUT_DIR\n"
    "         compares a forecast HORIZON samples ahead with what came; writes OUT_DIR/forecast.txt and\n"
    "         OUT_DIR/surprises.txt for gnuplot\n"
    "       ecg stream MODEL SIGNAL FORECAST [DEVICE]\n"
    "         makes the forecast as a monitor would, a tenth of a second at a time\n";

static int parse_horizon(const char *text, size_t *horizon) {
  char *end;
  long value = strtol(text, &end, 10);
  *horizon = (size_t)value;
  return end != text && *end == '\0' && value >= 1 && value <= ECG_RATE;
}

/* Returns 1 when the arguments are a command, whose status is then in *status. */
static int run_command(int argc, char **argv, oclstm_status *status, oclstm_error *error) {
  const char *command = argc > 1 ? argv[1] : "";
  size_t horizon;
  if (strcmp(command, "prepare") == 0 && argc == 4) {
    *status = ecg_prepare(argv[2], argv[3], error);
  } else if (strcmp(command, "report") == 0 && argc == 6 && parse_horizon(argv[4], &horizon)) {
    *status = ecg_report(argv[2], argv[3], horizon, argv[5], error);
  } else if (strcmp(command, "stream") == 0 && (argc == 5 || argc == 6)) {
    *status = ecg_stream(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : NULL, error);
  } else {
    return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_status status = OCLSTM_OK;
  if (!run_command(argc, argv, &status, &error)) {
    fputs(usage, stderr);
    return 2;
  }
  if (status != OCLSTM_OK) {
    fprintf(stderr, "ecg: %s: %s\n", oclstm_status_text(status), error.text);
    return 1;
  }
  if (fflush(stdout) != 0) {
    perror("ecg: standard output");
    return 1;
  }
  return 0;
}
