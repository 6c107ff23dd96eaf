/* The one table of options, for all subcommands.
 * SPDX-License-Identifier: MIT */
#include "option_table.h"

#include <string.h>

static const char *const PRECISIONS[] = {"f32", "f16", "bf16", NULL};
static const char *const STRATEGIES[] = {"auto", "stepwise", "fused-step", "rows", "grid", NULL};
static const char *const GEMMS[] = {"auto", "clblast", "plain", "mma", "amx", NULL};
static const char *const TUNINGS[] = {"default", "none", "again", NULL};
static const char *const LAYOUTS[] = {"tbi", "bti", NULL};
static const char *const FOUND[] = {"auto", "on", "off", NULL};
static const char *const LEVELS[] = {"error", "warning", "info", "debug", NULL};

const char *cli_precision_name(int precision) {
  return PRECISIONS[precision];
}

const char *cli_strategy_name(int strategy) {
  return STRATEGIES[strategy];
}

const char *cli_gemm_name(int gemm) {
  return GEMMS[gemm];
}

static int place_of(const char *name, const char *const *choices) {
  int place = 0;
  while (strcmp(name, choices[place]) != 0) {
    ++place;
  }
  return place;
}

int cli_precision_of(const char *name) {
  return place_of(name, PRECISIONS);
}

int cli_strategy_of(const char *name) {
  return place_of(name, STRATEGIES);
}

int cli_gemm_of(const char *name) {
  return place_of(name, GEMMS);
}

int cli_tuning_of(const char *name) {
  for (int k = 0; TUNINGS[k] != NULL; ++k) {
    if (strcmp(name, TUNINGS[k]) == 0) {
      return k;
    }
  }
  return -1;
}

#define AT(member) offsetof(cli_options, member)
enum {
  MAKES_PLANS = CLI_CMD_INFO | CLI_CMD_RUN | CLI_CMD_VERIFY,
  ON_DEVICE = MAKES_PLANS | CLI_CMD_TUNE,
  OF_MODEL = ON_DEVICE | CLI_CMD_CONVERT,
  ANY = CLI_CMD_DEVICES | CLI_CMD_CACHE | OF_MODEL | CLI_CMD_BENCH
};

const option_entry cli_option_table[] = {
    {"output", 'o', CLI_CMD_RUN, TEXT, AT(output), NULL, "OUT", "file of y, or folder for several inputs"},
    {"layout", 0, CLI_CMD_RUN | CLI_CMD_VERIFY, CHOICE, AT(layout), LAYOUTS, "tbi|bti",
     "axes of INPUT with rows; default tbi"},
    {"output-layout", 0, CLI_CMD_RUN, CHOICE, AT(output_layout), LAYOUTS, "tbi|bti",
     "axes of y and cells with rows; default tbi"},
    {"lengths", 0, CLI_CMD_RUN, TEXT, AT(lengths), NULL, "FILE.npy",
     "valid steps of each row, int32 or int64 [B]; zero is fine"},
    {"h0", 0, CLI_CMD_RUN, TEXT, AT(h0), NULL, "FILE.npy",
     "initial h [L*D,B,H or P]; default the model's, or zero"},
    {"c0", 0, CLI_CMD_RUN, TEXT, AT(c0), NULL, "FILE.npy",
     "initial c [L*D,B,H]; default the model's, or zero"},
    {"hn", 0, CLI_CMD_RUN, TEXT, AT(hn), NULL, "FILE.npy", "write the final h"},
    {"cn", 0, CLI_CMD_RUN, TEXT, AT(cn), NULL, "FILE.npy", "write the final c"},
    {"cells", 0, CLI_CMD_RUN, TEXT, AT(cells), NULL, "FILE.npy",
     "write c of every step of the last layer; a folder for several inputs"},
    {"steps", 0, CLI_CMD_VERIFY, COUNT, AT(steps), NULL, "STEPS",
     "steps to compare; default all of INPUT, or 100 random ones"},
    {"seed", 0, CLI_CMD_VERIFY | CLI_CMD_BENCH, NUMBER, AT(seed), NULL, "N", "of random numbers; default 0"},
    {"device", 0, CLI_CMD_BENCH, LIST, AT(devices), NULL, "NAME",
     "a device to run on, may be given several times: gpu, cpu, opencl:PLATFORM:DEVICE or part of a name"},
    {"strategy", 0, CLI_CMD_BENCH, LIST, AT(strategies), STRATEGIES, "NAME",
     "a strategy, may be given several times; default auto"},
    {"precision", 0, CLI_CMD_BENCH, LIST, AT(precisions), PRECISIONS, "f32|f16|bf16",
     "a precision of all columns, may be given several times; default f32"},
    {"gemm", 0, CLI_CMD_BENCH, LIST, AT(gemms), GEMMS, "auto|clblast|plain|mma|amx",
     "who multiplies, may be given several times; default auto"},
    {"peer", 0, CLI_CMD_BENCH, LIST, AT(peers), NULL, "COMMAND",
     "a program to be timed beside (docs/bench.md), may be given several times"},
    {"peer-timeout", 0, CLI_CMD_BENCH, COUNT, AT(peer_timeout), NULL, "SECONDS",
     "for one answer of a peer; default 300"},
    {"onednn", 0, CLI_CMD_BENCH, CHOICE, AT(onednn), FOUND, "auto|on|off",
     "oneDNN as a column; default auto: where this program was built with it"},
    {"reference", 0, CLI_CMD_BENCH, FLAG, AT(reference), NULL, NULL,
     "the double-precision reference as a column, for small shapes"},
    {"repeats", 0, CLI_CMD_BENCH, COUNT, AT(repeats), NULL, "N",
     "timed runs of a column and shape, at most 64; default 3 and more, by time"},
    {"seconds", 0, CLI_CMD_BENCH, COUNT, AT(seconds), NULL, "N",
     "of timed runs in all; default 40 for quick, otherwise 10 a shape"},
    {"crossover", 0, CLI_CMD_BENCH, FLAG, AT(crossover), NULL, NULL,
     "instead of shapes: from how many rows on the first device beats the second"},
    {"startup", 0, CLI_CMD_BENCH, FLAG, AT(startup), NULL, NULL,
     "also time from nothing to the first result; quick, full and targets do"},
    {"no-peaks", 0, CLI_CMD_BENCH, FLAG, AT(no_peaks), NULL, NULL,
     "do not measure the device's peaks: no share of the roofline"},
    {"memory", 0, CLI_CMD_BENCH, BYTES, AT(memory), NULL, "BYTES[K|M|G]",
     "device memory a plan may take; default half of the device's"},
    {"list", 0, CLI_CMD_BENCH, FLAG, AT(list), NULL, NULL,
     "print the lists, or the shapes given, and run nothing"},
    {"csv", 0, CLI_CMD_BENCH, FLAG, AT(csv), NULL, NULL, "results as comma-separated values"},
    {"plot", 0, CLI_CMD_BENCH, TEXT, AT(plot), NULL, "FILE.png|svg",
     "draw GFLOP/s with gnuplot; its script is FILE.gp"},
    {"plan", 0, CLI_CMD_INFO, FLAG, AT(plan), NULL, NULL, "make a plan and show what it decided"},
    {"allow-external-data", 0, OF_MODEL, FLAG, AT(external_data), NULL, NULL,
     "ONNX: weights may be in other files of the model's folder"},
    {"device", 0, ON_DEVICE, TEXT, AT(device), NULL, "NAME",
     "gpu, cpu, opencl:PLATFORM:DEVICE, part of a name, or reference"},
    {"precision", 0, ON_DEVICE, CHOICE, AT(precision), PRECISIONS, "f32|f16|bf16", "default f32"},
    {"strategy", 0, MAKES_PLANS, CHOICE, AT(strategy), STRATEGIES, "NAME",
     "auto, stepwise, fused-step, rows or grid; default auto"},
    {"gemm", 0, ON_DEVICE, CHOICE, AT(gemm), GEMMS, "auto|clblast|plain|mma|amx",
     "who multiplies; default auto"},
    {"tuning", 0, MAKES_PLANS | CLI_CMD_BENCH, CHOICE, AT(tuning), TUNINGS, "default|none|again",
     "of strategy auto: measure what is not known yet, nothing, or all"},
    {"chunk", 0, CLI_CMD_INFO | CLI_CMD_RUN | CLI_CMD_TUNE, COUNT, AT(chunk), NULL, "STEPS",
     "steps a call; default as many as fit, at most 4096"},
    {"batch", 0, MAKES_PLANS, COUNT, AT(batch), NULL, "ROWS",
     "rows at a time: several inputs 32, info 1, random input 4"},
    {"batch", 0, CLI_CMD_TUNE, TEXT, AT(batches), NULL, "ROWS,...",
     "rows at a time, one plan each; default 1"},
    {"clear", 0, CLI_CMD_CACHE, FLAG, AT(clear), NULL, NULL, "remove all of it"},
    {"memory", 0, ON_DEVICE, BYTES, AT(memory), NULL, "BYTES[K|M|G]", "device memory the plan may take"},
    {"resume", 0, CLI_CMD_RUN, UNAVAILABLE, 0, NULL, NULL, NULL},
    {"json", 0, ANY, FLAG, AT(json), NULL, NULL, "results as JSON"},
    {"quiet", 'q', CLI_CMD_RUN | CLI_CMD_VERIFY | CLI_CMD_BENCH, FLAG, AT(quiet), NULL, NULL,
     "no progress, no summary (JSON stays), no warnings"},
    {"log-level", 0, ON_DEVICE | CLI_CMD_BENCH, CHOICE, AT(log_level), LEVELS, "LEVEL",
     "error, warning, info or debug; default warning"},
    {"help", 'h', ANY, FLAG, AT(help), NULL, NULL, "this text"},
};
const size_t cli_option_count = sizeof cli_option_table / sizeof cli_option_table[0];
_Static_assert(sizeof cli_option_table / sizeof cli_option_table[0] <= CLI_OPTIONS,
               "CLI_OPTIONS is too small");

void cli_print_options(unsigned command, FILE *to) {
  for (size_t k = 0; k < cli_option_count; ++k) {
    const option_entry *o = &cli_option_table[k];
    if ((o->commands & command) != 0 && o->kind != UNAVAILABLE) {
      char left[64];
      (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
                     o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
                     o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
      (void)fprintf(to, "  %-32s %s\n", left, o->help);
    }
  }
}
