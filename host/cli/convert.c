/* oclstm convert: a model from one file format to another.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

/* The format of OUT, by the end of its name. */
typedef struct format {
  const char *suffix;
  oclstm_status (*save)(const oclstm_model *model, const char *path, oclstm_error *error);
} format;

static const format FORMATS[] = {{".safetensors", oclstm_model_save}, {".onnx", oclstm_model_save_onnx}};

static const format *format_of(const char *path) {
  size_t n = strlen(path);
  for (size_t k = 0; k < sizeof FORMATS / sizeof FORMATS[0]; ++k) {
    size_t m = strlen(FORMATS[k].suffix);
    if (n > m && strcmp(path + n - m, FORMATS[k].suffix) == 0) {
      return &FORMATS[k];
    }
  }
  return NULL;
}

/* Also by another name or a link. */
static bool is_same_file(const char *a, const char *b) {
  struct stat first, second;
  return strcmp(a, b) == 0 || (stat(a, &first) == 0 && stat(b, &second) == 0 &&
                               first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

static int check_options(const cli_options *o) {
  if (o->n_arguments != 2) {
    return cli_usage("convert needs two files: oclstm convert IN OUT");
  }
  if (format_of(o->arguments[1]) == NULL) {
    return cli_usage("%s: the name of OUT says its format: .safetensors or .onnx", o->arguments[1]);
  }
  if (is_same_file(o->arguments[0], o->arguments[1])) {
    return cli_usage("%s and %s are the same file", o->arguments[0], o->arguments[1]);
  }
  return CLI_DONE;
}

static void report(const cli_options *o, const oclstm_model *model) {
  const char *name = format_of(o->arguments[1])->suffix + 1;
  if (!o->json) {
    (void)printf("%s: %s, %zu layers, %" PRIu64 " parameters\n", o->arguments[1], name,
                 oclstm_model_n_layers(model), oclstm_model_parameters(model));
    return;
  }
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "input", o->arguments[0]);
  cli_json_string(&json, "output", o->arguments[1]);
  cli_json_string(&json, "format", name);
  cli_json_integer(&json, "layers", oclstm_model_n_layers(model));
  cli_json_integer(&json, "parameters", oclstm_model_parameters(model));
  cli_json_end(&json, '}');
}

int cli_convert(const cli_options *options) {
  cli_session session = {.options = options};
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  int code = CLI_DONE;
  CHECK(check_options(options));
  CHECK(cli_open_model(&session, options->arguments[0]));
  if (format_of(options->arguments[1])->save(session.model, options->arguments[1], &error) != OCLSTM_OK) {
    bool unsayable = error.status == OCLSTM_E_UNSUPPORTED || error.status == OCLSTM_E_LIMIT;
    code = unsayable ? cli_report(&error, options->arguments[1]) /* the model's fault, not the file's */
                     : cli_report_output(&error, options->arguments[1]);
    goto done;
  }
  report(options, session.model);
done:
  cli_close(&session);
  return code;
}
