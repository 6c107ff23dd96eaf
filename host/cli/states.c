/* h0, c0, hn and cn: [L*D, B, R] files, and the rows of a batch in them.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { H, C };

/* Blocks are the directions of the layers: L*D of them, each [B, size]. */
static size_t n_blocks(const oclstm_model *model) {
  size_t n = 0;
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    n += oclstm_layer_directions(oclstm_model_layer(model, l));
  }
  return n;
}

static size_t layer_size(const oclstm_layer *layer, int which) {
  size_t cells = layer->kind == OCLSTM_LSTM ? layer->hidden_size : 0;
  return which == H ? oclstm_layer_state_size(layer) : cells;
}

/* The blocks' common size; a file cannot hold blocks of several. */
static int block_size(const oclstm_model *model, int which, const char *option, size_t *size) {
  *size = layer_size(oclstm_model_layer(model, 0), which);
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    size_t other = layer_size(oclstm_model_layer(model, l), which);
    if (other == 0) {
      return cli_usage("%s: layer %zu is a %s, which has no c", option, l,
                       oclstm_model_layer(model, l)->kind == OCLSTM_GRU ? "GRU" : "plain RNN");
    }
    if (other != *size) {
      return cli_usage("%s: layers 0 and %zu differ in size (%zu, %zu): there is no array of both", option, l,
                       *size, other);
    }
  }
  return CLI_DONE;
}

/* ---- reading ---- */

static int check_shape(const oclstm_npy_info *info, const char *path, size_t blocks, size_t rows,
                       size_t size) {
  const uint64_t *s = info->shape;
  if (info->rank != 3 || s[0] != blocks || s[1] != rows || s[2] != size) {
    return cli_fail(OCLSTM_E_SHAPE, "%s: expected [%zu,%zu,%zu], found rank %zu, [%llu,%llu,%llu]", path,
                    blocks, rows, size, info->rank, (unsigned long long)s[0], (unsigned long long)s[1],
                    (unsigned long long)s[2]);
  }
  return CLI_DONE;
}

static int read_file(const cli_session *session, int which, const char *path, const char *option, size_t rows,
                     float *to) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_npy *npy = NULL;
  size_t size = 0, blocks = n_blocks(session->model);
  int code = CLI_DONE;
  CHECK(block_size(session->model, which, option, &size));
  CHECK(cli_open_npy(path, &npy));
  CHECK(check_shape(oclstm_npy_get_info(npy), path, blocks, rows, size));
  if (oclstm_npy_read_f32(npy, 0, blocks * rows * size, to, &error) != OCLSTM_OK) {
    code = cli_report(&error, path);
  }
done:
  oclstm_npy_close(&npy);
  return code;
}

static int alloc_rows(size_t rows, size_t floats, float **to) {
  bool fits = floats == 0 || rows <= SIZE_MAX / floats;
  *to = fits ? cli_calloc(rows * floats, sizeof **to) : NULL;
  if (*to == NULL) {
    (void)cli_fail(OCLSTM_E_MEMORY, "state of %zu rows, %zu floats each", rows, floats);
    return CLI_MEMORY;
  }
  return CLI_DONE;
}

int cli_read_states(cli_states *states, const cli_session *session, size_t rows) {
  const cli_options *o = session->options;
  int code = CLI_DONE;
  *states = (cli_states){.rows = rows, .given = {o->h0 != NULL, o->c0 != NULL}};
  if (o->h0 == NULL && o->c0 == NULL && o->hn == NULL && o->cn == NULL) {
    return CLI_DONE;
  }
  const char *const paths[] = {o->h0, o->c0, o->hn, o->cn};
  static const char *const NAMES[] = {"--h0", "--c0", "--hn", "--cn"};
  for (int k = 0; k < 4; ++k) {
    size_t size = 0;
    CHECK(paths[k] != NULL ? block_size(session->model, k % 2, NAMES[k], &size) : CLI_DONE);
  }
  CHECK(alloc_rows(rows, oclstm_model_h_size(session->model), &states->h));
  CHECK(alloc_rows(rows, oclstm_model_c_size(session->model), &states->c));
  if (o->h0 != NULL) {
    CHECK(read_file(session, H, o->h0, "--h0", rows, states->h));
  }
  if (o->c0 != NULL) {
    CHECK(read_file(session, C, o->c0, "--c0", rows, states->c));
  }
done:
  return code;
}

void cli_close_states(cli_states *states) {
  free(states->h);
  free(states->c);
  *states = (cli_states){0};
}

/* ---- rows of a batch ---- */

/* Copies between all rows of the files and the plan's rows, block by block. */
static void copy_rows(const oclstm_model *model, int which, float *all, size_t all_rows, float *batch,
                      size_t batch_rows, const size_t *order, size_t n, bool to_batch) {
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(model, l);
    size_t size = layer_size(layer, which);
    for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
      for (size_t b = 0; b < n; ++b) {
        float *in_all = all + order[b] * size, *in_batch = batch + b * size;
        memcpy(to_batch ? in_batch : in_all, to_batch ? in_all : in_batch, size * sizeof(float));
      }
      all += all_rows * size;
      batch += batch_rows * size;
    }
  }
}

/* h and c of the plan's rows, and the two copies in one direction. */
static int exchange(const cli_states *states, cli_session *session, const size_t *order, size_t n,
                    bool to_batch) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  const oclstm_model *model = session->model;
  size_t rows = oclstm_plan_get_info(session->plan)->rows;
  float *h = NULL, *c = NULL;
  oclstm_status status = OCLSTM_OK;
  int code = CLI_DONE;
  CHECK(alloc_rows(rows, oclstm_model_h_size(model), &h));
  CHECK(alloc_rows(rows, oclstm_model_c_size(model), &c));
  if (!to_batch) {
    status = oclstm_state_get(session->state, h, c, &error);
  }
  if (status == OCLSTM_OK) {
    copy_rows(model, H, states->h, states->rows, h, rows, order, n, to_batch);
    copy_rows(model, C, states->c, states->rows, c, rows, order, n, to_batch);
  }
  if (to_batch) {
    status =
        oclstm_state_set(session->state, states->given[H] ? h : NULL, states->given[C] ? c : NULL, &error);
  }
  if (status != OCLSTM_OK) {
    code = cli_report(&error, NULL);
  }
done:
  free(h);
  free(c);
  return code;
}

int cli_load_state(const cli_states *states, cli_session *session, const size_t *order, size_t n) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (states->h != NULL && states->c != NULL) {
    return exchange(states, session, order, n, true);
  }
  return oclstm_state_set(session->state, NULL, NULL, &error) == OCLSTM_OK ? CLI_DONE
                                                                           : cli_report(&error, NULL);
}

int cli_save_state(cli_states *states, cli_session *session, const size_t *order, size_t n) {
  return states->h != NULL && states->c != NULL ? exchange(states, session, order, n, false) : CLI_DONE;
}

/* ---- writing ---- */

int cli_create_state_files(const cli_options *options, const oclstm_model *model, size_t rows,
                           oclstm_npy *files[2]) {
  const char *const paths[2] = {options->hn, options->cn};
  static const char *const NAMES[2] = {"--hn", "--cn"};
  int code = CLI_DONE;
  for (int which = H; which <= C; ++which) {
    size_t size = 0;
    if (paths[which] != NULL) {
      CHECK(block_size(model, which, NAMES[which], &size));
      const uint64_t shape[3] = {n_blocks(model), rows, size};
      CHECK(cli_create_npy(paths[which], 3, shape, &files[which]));
    }
  }
done:
  return code;
}

int cli_write_state_files(const cli_options *options, const cli_states *states, oclstm_npy *files[2]) {
  const char *const paths[2] = {options->hn, options->cn};
  const float *const values[2] = {states->h, states->c};
  for (int which = H; which <= C; ++which) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    if (files[which] == NULL) {
      continue;
    }
    size_t count = (size_t)oclstm_npy_get_info(files[which])->count;
    if (oclstm_npy_write_f32(files[which], 0, count, values[which], &error) != OCLSTM_OK) {
      return cli_report_output(&error, paths[which]);
    }
  }
  return CLI_DONE;
}
