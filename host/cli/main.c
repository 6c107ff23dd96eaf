/* oclstm: LSTM networks on any OpenCL device, from the command line.
 * SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>

#include "cli.h"

typedef struct command {
  const char *name;
  unsigned bit;
  int (*run)(const cli_options *options); /* NULL: part of the command line, not of this version */
  const char *arguments;
  const char *purpose;
  const char *details;
} command;

static const command COMMANDS[] = {
    {"devices", CLI_CMD_DEVICES, cli_devices, "", "list what can be used, and why a device cannot", ""},
    {"info", CLI_CMD_INFO, cli_info, "MODEL", "layers, cells, shapes, parameters, memory",
     "Without a usable device the model is described all the same, unless --device or --plan asks for "
     "one.\n"},
    {"run", CLI_CMD_RUN, cli_run_command, "MODEL INPUT... -o OUT", "run sequences through a network",
     "INPUT is a .npy file, [T], [T,I] or [T,B,I]; OUT is then the file of y: [T,F] for the first two,\n"
     "[T,B,F] for the third, F being D*H, D*P or the head's size. A network with an embedding takes ids,\n"
     "int32 or int64, [T] or [T,B], and gives [T,F] or [T,B,F]. Several files, or a folder (its *.npy, in "
     "the\n"
     "order of their names), are a ragged batch of one row each: OUT is then a folder with the same names, "
     "and\n"
     "every y is [T,F]. Rows past their length are zero in y; hn and cn, [L*D,B,H or P] and [L*D,B,H], hold "
     "the\n"
     "last valid step's. Outputs replace what has their name when all is done; after a failure or an\n"
     "interruption nothing is left of them.\n"},
    {"verify", CLI_CMD_VERIFY, cli_verify, "MODEL [INPUT]",
     "compare a device with the reference, layer by layer",
     "INPUT is a .npy file as for run; without it, random rows of several lengths are used. Each layer is "
     "given\n"
     "the reference's input. A layer outside of the bounds is run again with the state set to the "
     "reference's\n"
     "before each step, and marked \"resynchronised\". Exit code 1: a layer fails.\n"},
    {"convert", CLI_CMD_CONVERT, cli_convert, "IN OUT", "write a model in another file format",
     "IN is safetensors or ONNX, by its content; OUT is .safetensors or .onnx, by its name, and replaces "
     "what has\n"
     "that name when all is done. What a format cannot say is refused by name.\n"},
    {"tune", CLI_CMD_TUNE, cli_tune, "MODEL", "measure ahead of time which strategy is fastest",
     "Measures every layer anew for each number of rows, and keeps the answers beside the compiled programs, "
     "where\n"
     "strategy auto finds them. Best on a machine that has nothing else to do.\n"},
    {"cache", CLI_CMD_CACHE, cli_cache, "", "show or clear compiled programs and tuning answers", ""},
    {"bench", CLI_CMD_BENCH, cli_bench, "[SHAPES]...",
     "speed, side by side with peers, correctness checked first",
     "SHAPES are names of lists (--list shows them; default quick) and shapes\n"
     "T,B,I,H[,lstm|gru|gru0|rnn[,LAYERS[,DIRECTIONS[,ROWS]]]]. Columns are oclstm on every device, strategy "
     "and "
     "precision "
     "asked\n"
     "for, oneDNN, and peers. Each is compared with the reference before it is timed; one that is wrong has "
     "no\n"
     "figure. Runs take turns; figures are medians with quartiles; `ratio` is the time of the first oclstm "
     "column\n"
     "over that of the row. docs/bench.md has the formulas. Exit code 1: a column is wrong or failed.\n"},
    {"train", 0, NULL, NULL, NULL, NULL},
    {"inspect", 0, NULL, NULL, NULL, NULL},
};
enum { N_COMMANDS = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_help(FILE *to) {
  (void)fputs("usage: oclstm COMMAND [OPTION]... [ARGUMENT]...\n\nLSTM networks on any OpenCL device.\n\n",
              to);
  for (size_t k = 0; k < N_COMMANDS; ++k) {
    if (COMMANDS[k].run != NULL) {
      (void)fprintf(to, "  %-8s %-22s %s\n", COMMANDS[k].name, COMMANDS[k].arguments, COMMANDS[k].purpose);
    }
  }
  (void)fputs(
      "\n  oclstm COMMAND --help     the options of a command\n"
      "  oclstm --version          the version\n\n"
      "Environment: OCLSTM_DEVICE (default of --device), OCLSTM_TUNING (default of --tuning),\n"
      "OCLSTM_CACHE_DIR (folder of compiled programs and tuning answers, or \"off\"; default\n"
      "$XDG_CACHE_HOME/oclstm or ~/.cache/oclstm), TMPDIR, NO_COLOR.\n"
      "Exit codes: 0 done, 1 the check or job failed, 2 usage, 3 bad input file or model, 4 device or\n"
      "driver, 5 out of memory, 130 interrupted.\n",
      to);
}

static void print_command_help(const command *c) {
  (void)printf("usage: oclstm %s%s%s [OPTION]...\n\nPurpose: %s.\n%s%s\nOptions:\n", c->name,
               c->arguments[0] != '\0' ? " " : "", c->arguments, c->purpose,
               c->details[0] != '\0' ? "\n" : "", c->details);
  cli_print_options(c->bit, stdout);
}

static const command *find_command(const char *name) {
  for (size_t k = 0; k < N_COMMANDS; ++k) {
    if (strcmp(name, COMMANDS[k].name) == 0) {
      return &COMMANDS[k];
    }
  }
  return NULL;
}

static int unknown_command(const char *name) {
  const char *names[N_COMMANDS];
  size_t n = 0;
  for (size_t k = 0; k < N_COMMANDS; ++k) {
    if (COMMANDS[k].run != NULL) {
      names[n++] = COMMANDS[k].name;
    }
  }
  const char *near = cli_suggest(name, names, n);
  return near != NULL ? cli_usage("unknown command '%s'; did you mean '%s'?", name, near)
                      : cli_usage("unknown command '%s'; see 'oclstm --help'", name);
}

static int run_command(const command *c, int argc, char **argv) {
  cli_options options;
  int code = cli_parse_options(c->bit, argc, argv, &options);
  if (code != CLI_DONE) {
    return code;
  }
  if (options.help) {
    print_command_help(c);
    return CLI_DONE;
  }
  return c->run(&options);
}

static int dispatch(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return CLI_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    print_help(stdout);
    return CLI_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    (void)printf("oclstm %s\n", oclstm_version());
    return CLI_DONE;
  }
  if (argv[1][0] == '-') {
    return cli_usage("unknown option '%s'; see 'oclstm --help'", argv[1]);
  }
  const command *c = find_command(argv[1]);
  if (c == NULL) {
    return unknown_command(argv[1]);
  }
  if (c->run == NULL) {
    return cli_usage("'%s' is not available in this version", c->name);
  }
  return run_command(c, argc - 1, argv + 1);
}

int main(int argc, char **argv) {
  /* A write that fails is an error to be named, not the end of the process. */
  (void)signal(SIGXFSZ, SIG_IGN);
  (void)signal(SIGPIPE, SIG_IGN);
  int code = dispatch(argc, argv);
  int printed = cli_finish_stdout();
  return code != CLI_DONE ? code : printed;
}
