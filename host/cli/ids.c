/* Ids of the inputs against the embedding, before any work: a job that finds a foreign one after hours helps nobody.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "cli.h"

enum { PIECE = 1 << 16 };

/* What is looked at: one file, its source, and room for some of its steps. */
typedef struct check {
  const char *path;
  oclstm_source source;
  size_t ids; /* of the embedding */
  size_t steps;
  int32_t *piece; /* [steps, rows] */
} check;

/* Behind a row's length stand zeros, or ids of steps that have been looked at: no other than the embedding has. */
static int check_piece(const check *c, uint64_t first, size_t n) {
  for (size_t k = 0; k < n * c->source.rows; ++k) {
    uint64_t step = first + k / c->source.rows;
    size_t row = k % c->source.rows;
    if (c->piece[k] < 0 || (size_t)c->piece[k] >= c->ids) {
      return cli_fail(OCLSTM_E_INDEX, "%s: id %ld at step %llu of row %zu, the embedding has %zu rows",
                      c->path, (long)c->piece[k], (unsigned long long)step, row, c->ids);
    }
  }
  return CLI_DONE;
}

static int check_source(check *c) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  int code = CLI_DONE;
  c->steps = c->source.rows < PIECE ? PIECE / c->source.rows : 1;
  c->piece = cli_calloc(c->steps, c->source.rows * sizeof *c->piece);
  if (c->piece == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "ids of %zu rows", c->source.rows);
  }
  for (uint64_t t = 0; t < c->source.steps; t += c->steps) {
    size_t n = c->source.steps - t < c->steps ? (size_t)(c->source.steps - t) : c->steps;
    if (c->source.read(c->source.user, t, n, c->piece, &error) != OCLSTM_OK) {
      code = cli_report(&error, c->path);
      goto done;
    }
    CHECK(check_piece(c, t, n));
  }
done:
  free(c->piece);
  return code;
}

static int check_file(const char *path, const cli_options *options, const oclstm_model *model,
                      const int64_t *lengths) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_npy *npy = NULL;
  check c = {.path = path, .ids = oclstm_model_embedding_size(model)};
  int code = CLI_DONE;
  CHECK(cli_open_npy(path, &npy));
  if (cli_open_source(&npy, 1, options, model, lengths, &c.source, &error) != OCLSTM_OK) {
    code = cli_report(&error, path);
    goto done;
  }
  CHECK(check_source(&c));
done:
  oclstm_npy_source_destroy(&c.source);
  oclstm_npy_close(&npy);
  return code;
}

int cli_check_ids(const cli_inputs *inputs, const cli_options *options, const oclstm_model *model) {
  int code = CLI_DONE;
  for (size_t k = 0; oclstm_model_embedding_size(model) != 0 && k < inputs->n_files; ++k) {
    const int64_t *lengths = inputs->lengths != NULL ? inputs->lengths + (inputs->several ? k : 0) : NULL;
    CHECK(check_file(inputs->files[k].path, options, model, lengths));
  }
done:
  return code;
}
