/* oclstm run: sequences from files through a network, in batches, to files.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { DEFAULT_BATCH = 32 };

/* ---- the command line ---- */

static int check_options(const cli_options *o) {
  if (o->n_arguments < 2) {
    return cli_usage("run needs a model and an input: oclstm run MODEL INPUT... -o OUT");
  }
  if (o->output == NULL) {
    return cli_usage("run needs an output: -o OUT");
  }
  const char *const outputs[] = {o->output, o->cells, o->hn, o->cn};
  static const char *const NAMES[] = {"--output", "--cells", "--hn", "--cn"};
  for (size_t a = 0; a < 4; ++a) {
    if (outputs[a] != NULL && strcmp(outputs[a], "-") == 0) {
      return cli_usage("%s: outputs are files, '-' is none", NAMES[a]);
    }
    for (size_t b = 0; b < a; ++b) {
      if (outputs[a] != NULL && outputs[b] != NULL && strcmp(outputs[a], outputs[b]) == 0) {
        return cli_usage("%s and %s are the same file, %s", NAMES[b], NAMES[a], outputs[a]);
      }
    }
  }
  return CLI_DONE;
}

/* Options that only one of the two kinds of runs has. */
static int check_kind(const cli_run *run) {
  const cli_options *o = run->session.options;
  const cli_inputs *inputs = &run->inputs;
  if (inputs->several && o->output_layout >= 0) {
    return cli_usage("--output-layout is for one input with rows: of several inputs, every y is [T,F]");
  }
  if (!inputs->several && inputs->one_row && o->output_layout >= 0) {
    return cli_usage("--output-layout is for inputs with an axis of rows: y of this one is [T,F]");
  }
  if (!inputs->several && o->batch != 0) {
    return cli_usage("--batch is for several inputs: one input is one batch of its own rows");
  }
  if (!inputs->several && cli_is_folder(o->output)) {
    return cli_usage("%s is a folder: the output of one input is a file", o->output);
  }
  return CLI_DONE;
}

/* ---- outputs ---- */

static int create_single(cli_run *run, const char *path, uint64_t features, oclstm_npy **npy) {
  const cli_inputs *in = &run->inputs;
  bool batch_major = cli_layout(run->session.options->output_layout) == OCLSTM_BATCH_MAJOR;
  const uint64_t rank2[2] = {in->steps, features};
  const uint64_t rank3[3] = {batch_major ? in->rows : in->steps, batch_major ? in->steps : in->rows,
                             features};
  return in->one_row ? cli_create_npy(path, 2, rank2, npy) : cli_create_npy(path, 3, rank3, npy);
}

static int create_outputs(cli_run *run) {
  const cli_options *o = run->session.options;
  const oclstm_model *model = run->session.model;
  const oclstm_layer *last = oclstm_model_layer(model, oclstm_model_n_layers(model) - 1);
  int code = CLI_DONE;
  if (run->inputs.several) {
    CHECK(cli_open_folder(&run->y, o->output));
    if (o->cells != NULL) {
      CHECK(cli_open_folder(&run->cells, o->cells));
    }
  } else {
    CHECK(create_single(run, o->output, oclstm_model_output_size(model), &run->single[0]));
    if (o->cells != NULL) {
      uint64_t features = oclstm_layer_directions(last) * last->hidden_size;
      CHECK(create_single(run, o->cells, features, &run->single[1]));
    }
  }
  CHECK(cli_create_state_files(o, model, run->inputs.rows, run->final));
done:
  return code;
}

/* Everything is written; what is left can hardly fail. */
static int commit_outputs(cli_run *run) {
  const cli_options *o = run->session.options;
  int code = CLI_DONE;
  CHECK(cli_write_state_files(o, &run->states, run->final));
  CHECK(cli_commit_npy(&run->single[0], o->output));
  CHECK(cli_commit_npy(&run->single[1], o->cells));
  CHECK(cli_commit_folder(&run->y, &run->inputs));
  CHECK(cli_commit_folder(&run->cells, &run->inputs));
  CHECK(cli_commit_npy(&run->final[0], o->hn));
  CHECK(cli_commit_npy(&run->final[1], o->cn));
done:
  return code;
}

static void close_run(cli_run *run) {
  cli_progress_clear(&run->progress);
  for (size_t k = 0; k < 2; ++k) {
    oclstm_npy_close(&run->single[k]);
    oclstm_npy_close(&run->final[k]);
  }
  cli_close_folder(&run->y, &run->inputs);
  cli_close_folder(&run->cells, &run->inputs);
  cli_close_states(&run->states);
  cli_close_inputs(&run->inputs);
  cli_close(&run->session);
}

/* ---- batches ---- */

typedef struct place {
  uint64_t length;
  size_t index;
} place;

/* Long ones first; equal ones in the order of the inputs. */
static int by_length(const void *a, const void *b) {
  const place *p = a, *q = b;
  if (p->length != q->length) {
    return p->length < q->length ? 1 : -1;
  }
  return (p->index > q->index) - (p->index < q->index);
}

/* Files of like lengths go together, so that little is padded. Results do not depend on it. */
static int sort_files(const cli_inputs *inputs, size_t *order) {
  place *places = cli_calloc(inputs->n_files, sizeof *places);
  if (places == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "%zu input files", inputs->n_files);
  }
  for (size_t k = 0; k < inputs->n_files; ++k) {
    places[k] = (place){inputs->files[k].length, k};
  }
  qsort(places, inputs->n_files, sizeof *places, by_length);
  for (size_t k = 0; k < inputs->n_files; ++k) {
    order[k] = places[k].index;
  }
  free(places);
  return CLI_DONE;
}

/* Rows of a batch, and the steps that all batches walk. */
static uint64_t total_steps(const cli_inputs *inputs, const size_t *order, size_t rows) {
  uint64_t sum = 0;
  for (size_t k = 0; k < inputs->n_files; k += rows) {
    sum += inputs->several ? inputs->files[order[k]].length : inputs->steps;
  }
  return sum;
}

static int run_batches(cli_run *run, const size_t *order, size_t n, size_t rows) {
  int code = CLI_DONE;
  run->steps = total_steps(&run->inputs, order, run->inputs.several ? rows : 1);
  run->started = cli_seconds();
  run->progress = cli_progress_open(run->session.options, run->steps);
  for (size_t k = 0; k < n; k += rows) {
    CHECK(cli_run_batch(run, order + k, n - k < rows ? n - k : rows));
  }
  run->ended = cli_seconds();
done:
  return code;
}

/* ---- the whole ---- */

/* Rows at a time. */
static size_t batch_rows(const cli_inputs *inputs, const cli_options *options) {
  size_t batch = options->batch != 0 ? (size_t)options->batch : DEFAULT_BATCH;
  return inputs->several && batch < inputs->rows ? batch : inputs->rows;
}

/* The order in which files, or rows of the one file, are run. */
static int make_order(const cli_inputs *inputs, size_t **order) {
  *order = cli_calloc(inputs->rows, sizeof **order);
  if (*order == NULL) {
    (void)cli_fail(OCLSTM_E_MEMORY, "%zu rows", inputs->rows);
    return CLI_MEMORY;
  }
  for (size_t b = 0; b < inputs->rows; ++b) {
    (*order)[b] = b;
  }
  return inputs->several ? sort_files(inputs, *order) : CLI_DONE;
}

static int run_job(cli_run *run, size_t **order) {
  const cli_options *o = run->session.options;
  const cli_inputs *inputs = &run->inputs;
  int code = CLI_DONE;
  CHECK(cli_open_model(&run->session, o->arguments[0]));
  CHECK(cli_open_inputs(&run->inputs, o, run->session.model));
  CHECK(check_kind(run));
  CHECK(cli_check_ids(inputs, o, run->session.model));
  CHECK(cli_read_states(&run->states, &run->session, inputs->rows));
  CHECK(cli_open_device(&run->session));
  CHECK(cli_open_plan(&run->session, batch_rows(inputs, o), o->cells != NULL));
  CHECK(create_outputs(run));
  CHECK(make_order(inputs, order));
  CHECK(run_batches(run, *order, inputs->rows, batch_rows(inputs, o)));
  CHECK(commit_outputs(run));
done:
  return code;
}

int cli_run_command(const cli_options *options) {
  cli_run run = {.session = {.options = options}, .began = cli_seconds()};
  size_t *order = NULL;
  int code = check_options(options);
  if (code != CLI_DONE) {
    return code;
  }
  cli_catch_signals();
  code = run_job(&run, &order);
  if (code == CLI_DONE) {
    cli_progress_clear(&run.progress);
    cli_report_run(&run);
  }
  free(order);
  close_run(&run);
  return code;
}
