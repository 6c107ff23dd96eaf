/* The one table of options, for all subcommands, and the getopt_long round it.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- kinds of values ---- */

typedef enum value_kind { FLAG, TEXT, CHOICE, COUNT, NUMBER, BYTES, UNAVAILABLE } value_kind;

static const char *const PRECISIONS[] = {"f32", "f16", "bf16", NULL};
static const char *const STRATEGIES[] = {"auto", "stepwise", "fused-step", "rows", "grid", NULL};
static const char *const GEMMS[] = {"auto", "clblast", "plain", "mma", NULL};
static const char *const LAYOUTS[] = {"tbi", "bti", NULL};
static const char *const LEVELS[] = {"error", "warning", "info", "debug", NULL};

const char *cli_precision_name(int precision) {
  return PRECISIONS[precision];
}

const char *cli_strategy_name(int strategy) {
  return STRATEGIES[strategy];
}

typedef struct option_entry {
  const char *name;
  char letter; /* or 0 */
  unsigned commands;
  value_kind kind;
  size_t member;              /* of cli_options */
  const char *const *choices; /* CHOICE: their places are the values */
  const char *argument;
  const char *help;
} option_entry;

#define AT(member) offsetof(cli_options, member)
enum {
  ON_DEVICE = CLI_CMD_INFO | CLI_CMD_RUN | CLI_CMD_VERIFY,
  OF_MODEL = ON_DEVICE | CLI_CMD_CONVERT,
  ANY = CLI_CMD_DEVICES | OF_MODEL
};

static const option_entry OPTIONS[] = {
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
    {"seed", 0, CLI_CMD_VERIFY, NUMBER, AT(seed), NULL, "N", "of the random input; default 0"},
    {"plan", 0, CLI_CMD_INFO, FLAG, AT(plan), NULL, NULL, "make a plan and show what it decided"},
    {"allow-external-data", 0, OF_MODEL, FLAG, AT(external_data), NULL, NULL,
     "ONNX: weights may be in other files of the model's folder"},
    {"device", 0, ON_DEVICE, TEXT, AT(device), NULL, "NAME",
     "gpu, cpu, opencl:PLATFORM:DEVICE, part of a name, or reference"},
    {"precision", 0, ON_DEVICE, CHOICE, AT(precision), PRECISIONS, "f32|f16|bf16", "default f32"},
    {"strategy", 0, ON_DEVICE, CHOICE, AT(strategy), STRATEGIES, "NAME",
     "auto, stepwise, fused-step, rows or grid; default auto"},
    {"gemm", 0, ON_DEVICE, CHOICE, AT(gemm), GEMMS, "auto|clblast|plain|mma", "who multiplies; default auto"},
    {"chunk", 0, CLI_CMD_INFO | CLI_CMD_RUN, COUNT, AT(chunk), NULL, "STEPS",
     "steps a call; default as many as fit, at most 4096"},
    {"batch", 0, ON_DEVICE, COUNT, AT(batch), NULL, "ROWS",
     "rows at a time: several inputs 32, info 1, random input 4"},
    {"memory", 0, ON_DEVICE, BYTES, AT(memory), NULL, "BYTES[K|M|G]", "device memory the plan may take"},
    {"resume", 0, CLI_CMD_RUN, UNAVAILABLE, 0, NULL, NULL, NULL},
    {"json", 0, ANY, FLAG, AT(json), NULL, NULL, "results as JSON"},
    {"quiet", 'q', CLI_CMD_RUN | CLI_CMD_VERIFY, FLAG, AT(quiet), NULL, NULL,
     "no progress, no summary (JSON stays), no warnings"},
    {"log-level", 0, ON_DEVICE, CHOICE, AT(log_level), LEVELS, "LEVEL",
     "error, warning, info or debug; default warning"},
    {"help", 'h', ANY, FLAG, AT(help), NULL, NULL, "this text"},
};
enum { N_OPTIONS = sizeof OPTIONS / sizeof OPTIONS[0], FIRST_LONG = 256 };

void cli_print_options(unsigned command, FILE *to) {
  for (size_t k = 0; k < N_OPTIONS; ++k) {
    const option_entry *o = &OPTIONS[k];
    if ((o->commands & command) != 0 && o->kind != UNAVAILABLE) {
      char left[64];
      (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
                     o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
                     o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
      (void)fprintf(to, "  %-32s %s\n", left, o->help);
    }
  }
}

/* ---- reading values ---- */

/* Digits only: strtoull would take signs and blanks. */
static bool read_digits(const char *text, uint64_t *value, const char **end) {
  char *stop = NULL;
  if (!isdigit((unsigned char)text[0])) {
    return false;
  }
  errno = 0;
  *value = strtoull(text, &stop, 10);
  *end = stop;
  return errno == 0;
}

static bool read_bytes(const char *text, uint64_t *bytes) {
  const char *end = NULL;
  unsigned shift = 0;
  if (!read_digits(text, bytes, &end)) {
    return false;
  }
  switch (*end) {
    case 'K': shift = 10; break;
    case 'M': shift = 20; break;
    case 'G': shift = 30; break;
    default: break;
  }
  if (end[shift != 0] != '\0' || *bytes == 0 || *bytes > UINT64_MAX >> shift) {
    return false;
  }
  *bytes <<= shift;
  return true;
}

static int read_choice(const option_entry *o, const char *text, int *value) {
  size_t n = 0;
  for (; o->choices[n] != NULL; ++n) {
    if (strcmp(text, o->choices[n]) == 0) {
      *value = (int)n;
      return CLI_DONE;
    }
  }
  const char *near = cli_suggest(text, o->choices, n);
  return near != NULL ? cli_usage("--%s: unknown value '%s'; did you mean '%s'?", o->name, text, near)
                      : cli_usage("--%s: unknown value '%s'; expected %s", o->name, text, o->argument);
}

static int read_number(const option_entry *o, const char *text, uint64_t least, uint64_t *value) {
  const char *end = "";
  if (!read_digits(text, value, &end) || *end != '\0' || *value < least || *value > SIZE_MAX) {
    return cli_usage("--%s: '%s' is not a whole number from %llu on", o->name, text,
                     (unsigned long long)least);
  }
  return CLI_DONE;
}

static int read_value(const option_entry *o, const char *text, cli_options *options) {
  void *member = (char *)options + o->member;
  switch (o->kind) {
    case FLAG: *(bool *)member = true; return CLI_DONE;
    case CHOICE: return read_choice(o, text, member);
    case COUNT: return read_number(o, text, 1, member);
    case NUMBER: return read_number(o, text, 0, member);
    case BYTES:
      return read_bytes(text, member)
                 ? CLI_DONE
                 : cli_usage("--%s: '%s' is not a size such as 512M (K, M and G are powers of 1024)", o->name,
                             text);
    case UNAVAILABLE: return cli_usage("--%s is not available in this version", o->name);
    case TEXT: break;
  }
  if (text[0] == '\0') {
    return cli_usage("--%s: the value is empty", o->name);
  }
  *(const char **)member = text;
  return CLI_DONE;
}

/* ---- getopt_long ---- */

typedef struct getopt_tables {
  struct option longs[N_OPTIONS + 1];
  char shorts[2 * N_OPTIONS + 2];
  const char *names[N_OPTIONS];
  size_t n;
} getopt_tables;

static void fill_tables(unsigned command, getopt_tables *tables) {
  size_t at = 0;
  memset(tables, 0, sizeof *tables);
  tables->shorts[at++] = ':';
  for (size_t k = 0; k < N_OPTIONS; ++k) {
    const option_entry *o = &OPTIONS[k];
    if ((o->commands & command) == 0) {
      continue;
    }
    int has_value = o->argument != NULL ? required_argument : no_argument;
    tables->longs[tables->n] = (struct option){o->name, has_value, NULL, FIRST_LONG + (int)k};
    tables->names[tables->n++] = o->name;
    if (o->letter != 0) {
      tables->shorts[at++] = o->letter;
      if (has_value == required_argument) {
        tables->shorts[at++] = ':';
      }
    }
  }
}

static const option_entry *find_option(int found) {
  for (size_t k = 0; k < N_OPTIONS; ++k) {
    if (found == FIRST_LONG + (int)k || (OPTIONS[k].letter != 0 && found == OPTIONS[k].letter)) {
      return &OPTIONS[k];
    }
  }
  return NULL;
}

static int unknown_option(const getopt_tables *tables, const char *command, const char *written) {
  char name[64] = "";
  if (optopt > 0 && optopt < FIRST_LONG) {
    return cli_usage("unknown option '-%c'; see 'oclstm %s --help'", isprint(optopt) ? optopt : '?', command);
  }
  if (optopt >= FIRST_LONG) {
    return cli_usage("--%s takes no value", find_option(optopt)->name);
  }
  (void)snprintf(name, sizeof name, "%s", written + 2);
  name[strcspn(name, "=")] = '\0';
  const char *near = cli_suggest(name, tables->names, tables->n);
  return near != NULL ? cli_usage("unknown option '--%s'; did you mean '--%s'?", name, near)
                      : cli_usage("unknown option '--%s'; see 'oclstm %s --help'", name, command);
}

static int missing_value(void) {
  const option_entry *o = find_option(optopt);
  return cli_usage("--%s needs a value: %s", o->name, o->argument);
}

int cli_parse_options(unsigned command, int argc, char **argv, cli_options *options) {
  getopt_tables tables;
  int found = 0;
  *options = (cli_options){.layout = -1, .output_layout = -1, .log_level = OCLSTM_LOG_WARNING};
  fill_tables(command, &tables);
  opterr = 0;
  optind = 1;
  while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
    if (found == '?') {
      return unknown_option(&tables, argv[0], argv[optind - 1]);
    }
    if (found == ':') {
      return missing_value();
    }
    int code = read_value(find_option(found), optarg, options);
    if (code != CLI_DONE) {
      return code;
    }
  }
  options->log_level =
      options->quiet && options->log_level == OCLSTM_LOG_WARNING ? OCLSTM_LOG_ERROR : options->log_level;
  options->n_arguments = (size_t)(argc - optind);
  options->arguments = argv + optind;
  return CLI_DONE;
}
