/* The input files: which they are, and that each is what the network takes. Every header is read before any work.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

oclstm_layout cli_layout(int given) {
  return given == OCLSTM_BATCH_MAJOR ? OCLSTM_BATCH_MAJOR : OCLSTM_TIME_MAJOR;
}

int cli_open_npy(const char *path, oclstm_npy **npy) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  return oclstm_npy_open(path, NULL, npy, &error) == OCLSTM_OK ? CLI_DONE : cli_report(&error, path);
}

/* ---- names ---- */

static int append_file(cli_inputs *inputs, size_t *room, char *path) {
  if (inputs->n_files == *room) {
    size_t more = *room != 0 ? 2 * *room : 16;
    cli_input *files = path != NULL ? realloc(inputs->files, more * sizeof *files) : NULL;
    if (files == NULL) {
      free(path);
      return cli_fail(OCLSTM_E_MEMORY, "%zu input files", more);
    }
    inputs->files = files;
    *room = more;
  }
  if (path == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "the name of an input file");
  }
  inputs->files[inputs->n_files++] = (cli_input){.path = path};
  return CLI_DONE;
}

static bool is_npy_name(const char *name) {
  size_t n = strlen(name);
  return name[0] != '.' && n > 4 && strcmp(name + n - 4, ".npy") == 0;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const cli_input *)a)->path, ((const cli_input *)b)->path);
}

static int list_folder(cli_inputs *inputs, size_t *room, const char *path) {
  int code = CLI_DONE;
  size_t before = inputs->n_files;
  size_t n = strlen(path);
  DIR *dir = opendir(path);
  if (dir == NULL) {
    return cli_fail(OCLSTM_E_OPEN, "%s: %s", path, strerror(errno));
  }
  for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    if (is_npy_name(entry->d_name)) {
      CHECK(append_file(inputs, room,
                        cli_format("%s%s%s", path, path[n - 1] == '/' ? "" : "/", entry->d_name)));
    }
  }
  if (inputs->n_files == before) {
    code = cli_fail(OCLSTM_E_OPEN, "%s: no .npy file in this folder", path);
    goto done;
  }
  qsort(inputs->files + before, inputs->n_files - before, sizeof *inputs->files, by_path);
done:
  (void)closedir(dir);
  return code;
}

static int by_base_name(const void *a, const void *b) {
  return strcmp(cli_base_name(*(const char *const *)a), cli_base_name(*(const char *const *)b));
}

/* Outputs have the names of the inputs, in one folder. */
static int check_names(const cli_inputs *inputs) {
  int code = CLI_DONE;
  const char **names = cli_calloc(inputs->n_files, sizeof *names);
  if (names == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "%zu input files", inputs->n_files);
  }
  for (size_t k = 0; k < inputs->n_files; ++k) {
    names[k] = inputs->files[k].path;
  }
  qsort(names, inputs->n_files, sizeof *names, by_base_name);
  for (size_t k = 1; k < inputs->n_files && code == CLI_DONE; ++k) {
    if (by_base_name(&names[k - 1], &names[k]) == 0) {
      code = cli_usage("%s and %s would have the same output: their file names are equal", names[k - 1],
                       names[k]);
    }
  }
  free(names);
  return code;
}

static int find_files(cli_inputs *inputs, const cli_options *options) {
  int code = CLI_DONE;
  size_t room = 0;
  inputs->several = options->n_arguments > 2 || cli_is_folder(options->arguments[1]);
  for (size_t k = 1; k < options->n_arguments; ++k) {
    const char *path = options->arguments[k];
    CHECK(cli_is_folder(path) ? list_folder(inputs, &room, path)
                              : append_file(inputs, &room, cli_format("%s", path)));
  }
  CHECK(check_names(inputs));
done:
  return code;
}

/* ---- shapes ---- */

static int fail_shape(const char *path, const char *expected, const oclstm_npy_info *info) {
  char found[128] = "[";
  for (size_t k = 0; k < info->rank; ++k) {
    size_t n = strlen(found);
    (void)snprintf(found + n, sizeof found - n, "%s%llu", k > 0 ? "," : "",
                   (unsigned long long)info->shape[k]);
  }
  return cli_fail(OCLSTM_E_SHAPE, "%s: expected %s, found %s]", path, expected, found);
}

/* What the network takes, in words: "[T,3] or [T,B,3]", "ids [T] or [T,B]". */
typedef struct shapes {
  char text[96];
} shapes;

static shapes accepted(const cli_inputs *inputs, bool batch_major, bool ids, size_t I) {
  shapes s;
  const char *axes = batch_major ? (inputs->several ? "1,T" : "B,T") : (inputs->several ? "T,1" : "T,B");
  if (ids) {
    (void)snprintf(s.text, sizeof s.text, "ids [T] or [%s]", axes);
  } else {
    (void)snprintf(s.text, sizeof s.text, "[T,%zu] or [%s,%zu]%s", I, axes, I, I == 1 ? " or [T]" : "");
  }
  return s;
}

/* T and B of a file. Ids have no axis of features. */
static int read_shape(cli_inputs *inputs, const cli_options *options, const oclstm_model *model,
                      cli_input *file, const oclstm_npy_info *info) {
  bool batch_major = cli_layout(options->layout) == OCLSTM_BATCH_MAJOR;
  bool ids = oclstm_model_embedding_size(model) != 0;
  size_t I = oclstm_model_input_size(model);
  size_t full = ids ? 2 : 3; /* the rank with an axis of rows */
  bool with_rows = info->rank == full;
  uint64_t features = ids || info->rank == 1 ? 1 : info->shape[full - (with_rows ? 1 : 2)];
  uint64_t rows = with_rows ? info->shape[batch_major ? 0 : 1] : 1;
  file->steps = info->shape[with_rows && batch_major ? 1 : 0];
  inputs->one_row = !with_rows;
  inputs->rows = inputs->several ? inputs->n_files : (size_t)rows;
  if (info->rank < 1 || info->rank > full || features != I || rows == 0 || (inputs->several && rows != 1)) {
    return fail_shape(file->path, accepted(inputs, batch_major, ids, I).text, info);
  }
  if (ids && info->dtype < OCLSTM_I8) {
    return cli_fail(OCLSTM_E_DTYPE,
                    "%s: the network takes ids, which are integers; found floating-point numbers",
                    file->path);
  }
  return CLI_DONE;
}

static int read_header(cli_inputs *inputs, const cli_options *options, const oclstm_model *model,
                       cli_input *file) {
  oclstm_npy *npy = NULL;
  int code = cli_open_npy(file->path, &npy);
  if (code == CLI_DONE) {
    code = read_shape(inputs, options, model, file, oclstm_npy_get_info(npy));
  }
  oclstm_npy_close(&npy);
  file->length = file->steps;
  inputs->steps = file->steps > inputs->steps ? file->steps : inputs->steps;
  return code;
}

/* ---- lengths ---- */

static int check_lengths(cli_inputs *inputs, const char *path) {
  for (size_t b = 0; b < inputs->rows; ++b) {
    uint64_t steps = inputs->files[inputs->several ? b : 0].steps;
    int64_t length = inputs->lengths[b];
    if (length < 0 || (uint64_t)length > steps) {
      return cli_fail(OCLSTM_E_LENGTHS, "%s: length of row %zu is %lld, outside of 0 to %llu", path, b,
                      (long long)length, (unsigned long long)steps);
    }
    if (inputs->several) {
      inputs->files[b].length = (uint64_t)length;
    }
  }
  return CLI_DONE;
}

static int read_lengths(cli_inputs *inputs, const char *path) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_npy *npy = NULL;
  char expected[32];
  int code = CLI_DONE;
  CHECK(cli_open_npy(path, &npy));
  const oclstm_npy_info *info = oclstm_npy_get_info(npy);
  (void)snprintf(expected, sizeof expected, "[%zu]", inputs->rows);
  if (info->dtype != OCLSTM_I32 && info->dtype != OCLSTM_I64) {
    code = cli_fail(OCLSTM_E_DTYPE, "%s: lengths are int32 or int64", path);
    goto done;
  }
  if (info->rank != 1 || info->shape[0] != inputs->rows) {
    code = fail_shape(path, expected, info);
    goto done;
  }
  inputs->lengths = cli_calloc(inputs->rows, sizeof *inputs->lengths);
  if (inputs->lengths == NULL) {
    code = cli_fail(OCLSTM_E_MEMORY, "lengths of %zu rows", inputs->rows);
    goto done;
  }
  if (oclstm_npy_read_i64(npy, 0, inputs->rows, inputs->lengths, &error) != OCLSTM_OK) {
    code = cli_report(&error, path);
    goto done;
  }
  CHECK(check_lengths(inputs, path));
done:
  oclstm_npy_close(&npy);
  return code;
}

/* ---- the whole ---- */

oclstm_status cli_open_source(oclstm_npy *const *arrays, size_t n, const cli_options *options,
                              const oclstm_model *model, const int64_t *lengths, oclstm_source *source,
                              oclstm_error *error) {
  oclstm_layout layout = cli_layout(options->layout);
  if (oclstm_model_embedding_size(model) != 0) {
    return oclstm_npy_source_create_ids(arrays, n, layout, lengths, source, error);
  }
  return oclstm_npy_source_create(arrays, n, layout, oclstm_model_input_size(model), lengths, source, error);
}

int cli_open_inputs(cli_inputs *inputs, const cli_options *options, const oclstm_model *model) {
  int code = CLI_DONE;
  CHECK(find_files(inputs, options));
  for (size_t k = 0; k < inputs->n_files; ++k) {
    CHECK(read_header(inputs, options, model, &inputs->files[k]));
  }
  if (options->lengths != NULL) {
    CHECK(read_lengths(inputs, options->lengths));
  }
done:
  return code;
}

void cli_close_inputs(cli_inputs *inputs) {
  for (size_t k = 0; k < inputs->n_files; ++k) {
    free(inputs->files[k].path);
  }
  free(inputs->files);
  free(inputs->lengths);
  *inputs = (cli_inputs){0};
}
