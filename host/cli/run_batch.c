/* One batch: its files are opened, run as a job and written.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What one batch holds. Arrays have a place for each file. */
typedef struct batch {
  size_t n_files;
  oclstm_npy **x, **y, **cells;
  char **y_paths, **cells_paths;
  int64_t *lengths; /* or NULL */
  oclstm_source source;
  oclstm_sink y_sink, cells_sink;
} batch;

static void free_paths(char **paths, size_t n) {
  for (size_t k = 0; paths != NULL && k < n; ++k) {
    free(paths[k]);
  }
  free(paths);
}

static void close_arrays(oclstm_npy **arrays, size_t n) {
  for (size_t k = 0; arrays != NULL && k < n; ++k) {
    oclstm_npy_close(&arrays[k]);
  }
  free(arrays);
}

static void close_batch(batch *b) {
  oclstm_npy_sink_destroy(&b->cells_sink);
  oclstm_npy_sink_destroy(&b->y_sink);
  oclstm_npy_source_destroy(&b->source);
  close_arrays(b->x, b->n_files);
  close_arrays(b->y, b->n_files);
  close_arrays(b->cells, b->n_files);
  free_paths(b->y_paths, b->n_files);
  free_paths(b->cells_paths, b->n_files);
  free(b->lengths);
}

static int alloc_batch(batch *b, size_t n_files) {
  b->n_files = n_files;
  b->x = cli_calloc(n_files, sizeof(oclstm_npy *));
  b->y = cli_calloc(n_files, sizeof(oclstm_npy *));
  b->cells = cli_calloc(n_files, sizeof(oclstm_npy *));
  b->y_paths = cli_calloc(n_files, sizeof(char *));
  b->cells_paths = cli_calloc(n_files, sizeof(char *));
  bool good =
      b->x != NULL && b->y != NULL && b->cells != NULL && b->y_paths != NULL && b->cells_paths != NULL;
  return good ? CLI_DONE : cli_fail(OCLSTM_E_MEMORY, "batch of %zu files", n_files);
}

/* ---- source ---- */

static int open_source(cli_run *run, batch *b, const size_t *order, size_t rows) {
  const cli_inputs *inputs = &run->inputs;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  int code = CLI_DONE;
  for (size_t k = 0; k < b->n_files; ++k) {
    CHECK(cli_open_npy(inputs->files[inputs->several ? order[k] : 0].path, &b->x[k]));
  }
  if (inputs->lengths != NULL) {
    b->lengths = cli_calloc(rows, sizeof *b->lengths);
    if (b->lengths == NULL) {
      code = cli_fail(OCLSTM_E_MEMORY, "lengths of %zu rows", rows);
      goto done;
    }
    for (size_t r = 0; r < rows; ++r) {
      b->lengths[r] = inputs->lengths[order[r]];
    }
  }
  if (cli_open_source(b->x, b->n_files, run->session.options, run->session.model, b->lengths, &b->source,
                      &error) != OCLSTM_OK) {
    code = cli_report(&error, NULL);
  }
done:
  return code;
}

/* ---- sinks ---- */

/* Files of a folder of results, one per row. */
static int create_files(const cli_folder *folder, const cli_inputs *inputs, const size_t *order, size_t n,
                        uint64_t features, oclstm_npy **arrays, char **paths) {
  int code = CLI_DONE;
  for (size_t k = 0; k < n; ++k) {
    const cli_input *file = &inputs->files[order[k]];
    const uint64_t shape[2] = {file->steps, features};
    paths[k] = cli_format("%s/%s", folder->aside, cli_base_name(file->path));
    if (paths[k] == NULL) {
      code = cli_fail(OCLSTM_E_MEMORY, "the name of an output");
      goto done;
    }
    CHECK(cli_create_npy(paths[k], 2, shape, &arrays[k]));
  }
done:
  return code;
}

static int make_sink(cli_run *run, oclstm_npy *const *arrays, size_t n, size_t rows, size_t features,
                     oclstm_sink *sink) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (oclstm_npy_sink_create(arrays, n, cli_layout(run->session.options->output_layout), rows, features, sink,
                             &error) != OCLSTM_OK) {
    return cli_report(&error, NULL);
  }
  return CLI_DONE;
}

static int open_sinks(cli_run *run, batch *b, const size_t *order, size_t rows) {
  const oclstm_model *model = run->session.model;
  const oclstm_layer *last = oclstm_model_layer(model, oclstm_model_n_layers(model) - 1);
  size_t features = oclstm_model_output_size(model);
  size_t cells = oclstm_layer_directions(last) * last->hidden_size;
  bool several = run->inputs.several;
  int code = CLI_DONE;
  if (several) {
    CHECK(create_files(&run->y, &run->inputs, order, b->n_files, features, b->y, b->y_paths));
  }
  CHECK(make_sink(run, several ? b->y : &run->single[0], b->n_files, rows, features, &b->y_sink));
  if (run->session.options->cells != NULL) {
    if (several) {
      CHECK(create_files(&run->cells, &run->inputs, order, b->n_files, cells, b->cells, b->cells_paths));
    }
    CHECK(make_sink(run, several ? b->cells : &run->single[1], b->n_files, rows, cells, &b->cells_sink));
  }
done:
  return code;
}

static int commit_files(batch *b) {
  int code = CLI_DONE;
  for (size_t k = 0; k < b->n_files; ++k) {
    CHECK(cli_commit_npy(&b->y[k], b->y_paths[k]));
    CHECK(cli_commit_npy(&b->cells[k], b->cells_paths[k]));
  }
done:
  return code;
}

/* ---- the job ---- */

/* What lies between layers goes beside the outputs when it is large: there is room for large things. */
static char *scratch_folder(const cli_run *run) {
  const char *given = getenv("TMPDIR");
  if (given != NULL && given[0] != '\0') {
    return cli_format("%s", given);
  }
  return run->inputs.several ? cli_format("%s", run->y.path) : cli_folder_of(run->session.options->output);
}

static int report_job(const oclstm_error *error) {
  if (error->status == OCLSTM_E_STOPPED) {
    return cli_fail(OCLSTM_E_STOPPED, "interrupted");
  }
  return cli_report(error, NULL);
}

static int run_source(cli_run *run, const batch *b) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
  char *scratch = scratch_folder(run);
  job.plan = run->session.plan;
  job.state = run->session.state;
  job.source = &b->source;
  job.y = &b->y_sink;
  job.cells = b->cells_sink.write != NULL ? &b->cells_sink : NULL;
  job.scratch_dir = scratch;
  job.progress = cli_progress_job;
  job.user = &run->progress;
  run->progress.steps = b->source.steps;
  oclstm_status status = oclstm_job_run(&job, &error);
  run->progress.before += b->source.steps;
  for (size_t r = 0; r < b->source.rows; ++r) {
    run->valid_steps += b->source.lengths != NULL ? b->source.lengths[r] : b->source.steps;
  }
  free(scratch);
  if (status != OCLSTM_OK) {
    cli_progress_clear(&run->progress);
    return report_job(&error);
  }
  return CLI_DONE;
}

int cli_run_batch(cli_run *run, const size_t *order, size_t n) {
  batch b = {0};
  int code = CLI_DONE;
  if (cli_interrupted()) {
    return cli_fail(OCLSTM_E_STOPPED, "interrupted");
  }
  CHECK(alloc_batch(&b, run->inputs.several ? n : 1));
  CHECK(open_source(run, &b, order, n));
  CHECK(open_sinks(run, &b, order, n));
  CHECK(cli_load_state(&run->states, &run->session, order, n));
  CHECK(run_source(run, &b));
  CHECK(cli_save_state(&run->states, &run->session, order, n));
  CHECK(commit_files(&b));
done:
  close_batch(&b);
  return code;
}
