/* What the files of the program share. Functions return exit codes: 0, or what report.c says of a status; whoever
 * finds a failure prints it, once, and every caller passes the code on.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_CLI_CLI_H
#define OCLSTM_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "oclstm/oclstm_job.h"

enum {
  CLI_DONE = 0,
  CLI_FAILED = 1,   /* the check or the job failed */
  CLI_USAGE = 2,    /* the command line */
  CLI_BAD_FILE = 3, /* an input file or the model */
  CLI_DEVICE = 4,   /* device or driver */
  CLI_MEMORY = 5,   /* host or device memory */
  CLI_INTERRUPTED = 130
};

/* Passes a failure on; needs `int code` and a label `done`. */
#define CHECK(call)         \
  do {                      \
    code = (call);          \
    if (code != CLI_DONE) { \
      goto done;            \
    }                       \
  } while (0)

/* ---- options.c: the command line ---- */

enum {
  CLI_CMD_DEVICES = 1,
  CLI_CMD_INFO = 2,
  CLI_CMD_RUN = 4,
  CLI_CMD_VERIFY = 8,
  CLI_CMD_CONVERT = 16,
  CLI_CMD_BENCH = 32,
  CLI_CMD_TUNE = 64,
  CLI_CMD_CACHE = 128
};
enum { CLI_STRATEGIES = OCLSTM_STRATEGY_GRID + 1 };

/* The values of an option that may be given several times. */
enum { CLI_MOST_VALUES = 16 };
typedef struct cli_list {
  size_t n;
  const char *values[CLI_MOST_VALUES];
} cli_list;

typedef struct cli_options {
  const char *device;
  int precision, strategy, gemm; /* of oclstm_precision, oclstm_strategy, oclstm_gemm */
  int tuning;                    /* of oclstm_tuning */
  int layout, output_layout;     /* of oclstm_layout; -1: not given */
  int log_level;
  uint64_t chunk, batch, memory, steps, seed; /* 0: not given */
  const char *output, *lengths, *h0, *c0, *hn, *cn, *cells;
  const char *batches; /* of tune: "1,8,64" */
  bool json, quiet, plan, external_data, clear, help;
  /* bench */
  cli_list devices, strategies, precisions, gemms, peers;
  int onednn;
  uint64_t repeats, seconds, peer_timeout;
  const char *plot;
  bool csv, list, reference, crossover, startup, no_peaks;
  size_t n_arguments; /* what is no option */
  char **arguments;
} cli_options;

/* argv[0] is the subcommand. */
int cli_parse_options(unsigned command, int argc, char **argv, cli_options *options);
void cli_print_options(unsigned command, FILE *to); /* for --help */
const char *cli_precision_name(int precision);
const char *cli_strategy_name(int strategy);
const char *cli_gemm_name(int gemm);
int cli_precision_of(const char *name); /* of a valid name */
int cli_strategy_of(const char *name);
int cli_gemm_of(const char *name);
int cli_tuning_of(const char *name); /* -1: there is none */

/* ---- suggest.c ---- */

/* The candidate nearest to what was written, or NULL when none is near. */
const char *cli_suggest(const char *written, const char *const *candidates, size_t n);

/* ---- report.c: failures, exit codes, log ---- */

int cli_exit_code(oclstm_status status);
/* Prints "oclstm: E_SHAPE: text" and returns the exit code. `about` is a file name to put in front of a text that
 * does not name it, or NULL. */
int cli_report(const oclstm_error *error, const char *about);
int cli_fail(oclstm_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A failure to make or write an output is a failed job, whatever its status. */
int cli_report_output(const oclstm_error *error, const char *about);
int cli_fail_output(oclstm_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
oclstm_log cli_log(const int *level); /* lines up to *level, to stderr */
int cli_finish_stdout(void);          /* CLI_FAILED when something printed did not arrive */

/* ---- text.c ---- */

char *cli_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));   /* the caller's; NULL: no memory */
void *cli_calloc(size_t count, size_t size); /* NULL on overflow too; never NULL for a count of 0 */
const char *cli_base_name(const char *path);
char *cli_folder_of(const char *path);
bool cli_is_folder(const char *path);
/* Makes the folder and those above it; true if it is there at the end. *made: whether the last one is new. */
bool cli_make_folders(const char *path, unsigned mode, bool *made);
/* "1.5 GiB", in one of the caller's places. */
typedef struct cli_size {
  char text[32];
} cli_size;
cli_size cli_bytes(uint64_t bytes);

/* ---- json.c: one object to stdout ---- */

typedef struct cli_json {
  FILE *to;
  unsigned depth;
  bool comma;
} cli_json;

/* A NULL name is for the elements of an array, and for the outermost object. */
void cli_json_begin(cli_json *json, const char *name, char bracket);       /* '{' or '[' */
void cli_json_end(cli_json *json, char bracket);                           /* '}' or ']' */
void cli_json_string(cli_json *json, const char *name, const char *value); /* NULL: null */
void cli_json_integer(cli_json *json, const char *name, uint64_t value);
void cli_json_number(cli_json *json, const char *name, double value); /* null unless finite */
void cli_json_bool(cli_json *json, const char *name, bool value);
void cli_json_members(cli_json *json, const char *object); /* of JSON text, "{...}" */

/* ---- session.c: model, device, plan ---- */

typedef struct cli_session {
  const cli_options *options;
  oclstm_model *model;
  oclstm_context *context;
  oclstm_plan *plan;
  oclstm_state *state;
} cli_session;

int cli_open_model(cli_session *session, const char *path);
/* Folder of compiled programs, the caller's to free; NULL: none. The folders above it are made here. */
char *cli_cache_folder(void);
const char *cli_environment(const char *name); /* NULL also when it is empty */
int cli_open_device(cli_session *session);
oclstm_status cli_try_device(cli_session *session, oclstm_error *error); /* prints nothing */
oclstm_plan_desc cli_plan_desc(const cli_options *options);
int cli_open_plan(cli_session *session, uint64_t rows, bool cells);
/* Folder of compiled programs and tuning answers, the caller's to free; NULL: none. The folders above it are made here. */
char *cli_cache_folder(void);
/* A refusal is the command line's fault when the same plan without its options would do, else the model's. */
int cli_report_plan(const cli_session *session, const oclstm_error *error);
void cli_close(cli_session *session);
double cli_seconds(void); /* of the monotonic clock */
void cli_json_device(cli_json *json, const char *name, const oclstm_device_info *device);
const char *cli_device_type(const oclstm_device_info *device);

/* ---- progress.c: the line on the terminal, and interruptions ---- */

typedef struct cli_progress {
  bool visible;
  double began, shown;    /* seconds */
  uint64_t before, total; /* steps of the jobs done, and of all */
  uint64_t steps;         /* of the job that runs */
} cli_progress;

void cli_catch_signals(void);
bool cli_interrupted(void);
cli_progress cli_progress_open(const cli_options *options, uint64_t total);
int cli_progress_job(void *progress, const oclstm_job_progress *job); /* for oclstm_job_desc */
void cli_progress_clear(const cli_progress *progress);

/* ---- inputs.c: the sequences ---- */

typedef struct cli_input {
  char *path;
  uint64_t steps;  /* T of the file */
  uint64_t length; /* steps to run, at most T */
} cli_input;

typedef struct cli_inputs {
  bool several; /* a ragged batch: OUT is a folder */
  size_t n_files;
  cli_input *files;
  size_t rows;      /* B: of the array, or one a file */
  bool one_row;     /* the array has no axis of rows: y has none either */
  uint64_t steps;   /* of the longest */
  int64_t *lengths; /* [rows] of --lengths, or NULL */
} cli_inputs;

/* Finds the files and reads every header. */
int cli_open_inputs(cli_inputs *inputs, const cli_options *options, const oclstm_model *model);
void cli_close_inputs(cli_inputs *inputs);
int cli_open_npy(const char *path, oclstm_npy **npy);
oclstm_layout cli_layout(int given); /* the default when not given */
/* Features or ids, whichever the model takes; lengths [B] or NULL. */
oclstm_status cli_open_source(oclstm_npy *const *arrays, size_t n, const cli_options *options,
                              const oclstm_model *model, const int64_t *lengths, oclstm_source *source,
                              oclstm_error *error);

/* ---- states.c: h0, c0, hn, cn as [L*D, B, R] files ---- */

typedef struct cli_states {
  size_t rows;   /* B of the files */
  float *h, *c;  /* first the initial state, then row by row the final one; NULL where no option asks */
  bool given[2]; /* h0, c0: what is not given is the model's initial state */
} cli_states;

int cli_read_states(cli_states *states, const cli_session *session, size_t rows);
/* Rows order[0 .. n - 1] of the files are rows 0 .. n - 1 of the session's state. */
int cli_load_state(const cli_states *states, cli_session *session, const size_t *order, size_t n);
int cli_save_state(cli_states *states, cli_session *session, const size_t *order, size_t n);
/* hn and cn: created before the work, written behind it. */
int cli_create_state_files(const cli_options *options, const oclstm_model *model, size_t rows,
                           oclstm_npy *files[2]);
int cli_write_state_files(const cli_options *options, const cli_states *states, oclstm_npy *files[2]);
void cli_close_states(cli_states *states);

/* ---- ids.c: of networks with an embedding ---- */

/* Reads every valid id and fails at the first that the embedding does not have, before any work. */
int cli_check_ids(const cli_inputs *inputs, const cli_options *options, const oclstm_model *model);

/* ---- layers.c: what a layer is, for info ---- */

int cli_print_layer(size_t index, const oclstm_layer *layer);
int cli_json_layer(cli_json *json, const oclstm_layer *layer);

/* ---- explain.c: what a plan decided, for info and tune ---- */

void cli_print_plan(const oclstm_plan *plan, const oclstm_model *model);
void cli_json_plan(cli_json *json, const char *name, const oclstm_plan *plan, const oclstm_model *model);

/* ---- outputs.c: a folder of results, filled aside and moved in at the end ---- */

typedef struct cli_folder {
  const char *path;
  char *aside; /* a folder in it */
  bool made;   /* path is ours to remove */
} cli_folder;

int cli_open_folder(cli_folder *folder, const char *path);
/* Gives the names their place; the folder aside is gone then. */
int cli_commit_folder(cli_folder *folder, const cli_inputs *inputs);
/* Removes whatever was not committed. */
void cli_close_folder(cli_folder *folder, const cli_inputs *inputs);
int cli_create_npy(const char *path, size_t rank, const uint64_t *shape, oclstm_npy **npy);
int cli_commit_npy(oclstm_npy **npy, const char *path);

/* ---- run_batch.c and run_report.c ---- */

typedef struct cli_run {
  cli_session session;
  cli_inputs inputs;
  cli_states states;
  cli_folder y, cells;   /* of several inputs */
  oclstm_npy *single[2]; /* y and cells of one input, until all is written */
  oclstm_npy *final[2];  /* hn and cn */
  cli_progress progress;
  uint64_t steps, valid_steps;  /* walked by batches; of sequences */
  double began, started, ended; /* seconds: the program, the first job, the last */
} cli_run;

/* Files order[0 .. n - 1] through the plan; with one input, its only file. */
int cli_run_batch(cli_run *run, const size_t *order, size_t n);
void cli_report_run(const cli_run *run);

/* ---- the subcommands ---- */

int cli_devices(const cli_options *options);
int cli_info(const cli_options *options);
int cli_run_command(const cli_options *options);
int cli_verify(const cli_options *options);
int cli_convert(const cli_options *options);
int cli_bench(const cli_options *options);
int cli_tune(const cli_options *options);
int cli_cache(const cli_options *options);

#endif
