/* oclstm tune: measures ahead of time what strategy auto asks for.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { MOST_BATCHES = 64 };

typedef struct batches {
  size_t n;
  uint64_t rows[MOST_BATCHES];
} batches;

/* "1,8,64": whole numbers from 1 on. */
static int read_batches(const char *text, batches *list) {
  const char *at = text != NULL ? text : "1";
  for (;;) {
    char *end = NULL;
    bool digit = at[0] >= '0' && at[0] <= '9'; /* strtoull would take signs and blanks */
    unsigned long long rows = digit ? strtoull(at, &end, 10) : 0;
    if (rows == 0 || rows > UINT32_MAX || (*end != '\0' && *end != ',') || list->n == MOST_BATCHES) {
      return cli_usage("--batch: '%s' is not a list of whole numbers such as 1,8,64", text);
    }
    list->rows[list->n++] = rows;
    if (*end == '\0') {
      return CLI_DONE;
    }
    at = end + 1;
  }
}

static int tune_rows(cli_session *session, uint64_t rows, cli_json *json) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_plan_desc desc = cli_plan_desc(session->options);
  desc.rows = (size_t)rows;
  desc.tuning = OCLSTM_TUNING_AGAIN;
  if (oclstm_plan_create(session->context, session->model, &desc, &session->plan, &error) != OCLSTM_OK) {
    return cli_report_plan(session, &error);
  }
  if (json != NULL) {
    cli_json_plan(json, NULL, session->plan, session->model);
  } else {
    cli_print_plan(session->plan, session->model);
  }
  oclstm_plan_destroy(&session->plan);
  return CLI_DONE;
}

static int tune_all(cli_session *session, const batches *list) {
  const cli_options *options = session->options;
  cli_json json = {.to = stdout};
  int code = CLI_DONE;
  CHECK(cli_open_model(session, options->arguments[0]));
  CHECK(cli_open_device(session));
  if (oclstm_context_device(session->context)->type == OCLSTM_DEVICE_REFERENCE) {
    return cli_usage("tune: the reference has no strategies to choose from");
  }
  if (options->json) {
    cli_json_begin(&json, NULL, '{');
    cli_json_string(&json, "version", oclstm_version());
    cli_json_string(&json, "model", options->arguments[0]);
    cli_json_device(&json, "device", oclstm_context_device(session->context));
    cli_json_begin(&json, "plans", '[');
  }
  for (size_t k = 0; k < list->n && code == CLI_DONE; ++k) {
    code = tune_rows(session, list->rows[k], options->json ? &json : NULL);
  }
  if (options->json) {
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
  }
done:
  return code;
}

/* The library only warns of a folder that takes no file; here answers that are not kept are a failure. */
static int check_folder(const char *folder) {
  char *path = cli_format("%s/oclstm-XXXXXX", folder);
  const int file = path != NULL ? mkstemp(path) : -1;
  const int code =
      file >= 0 ? CLI_DONE
                : cli_fail_output(OCLSTM_E_WRITE, "answers are not kept: %s: %s", folder, strerror(errno));
  if (file >= 0) {
    (void)close(file);
    (void)unlink(path);
  }
  free(path);
  return code;
}

int cli_tune(const cli_options *options) {
  cli_session session = {.options = options};
  batches list = {.n = 0};
  int code = CLI_DONE;
  if (options->n_arguments != 1) {
    return cli_usage("tune needs one model: oclstm tune MODEL");
  }
  char *folder = cli_cache_folder();
  if (folder == NULL) {
    return cli_usage("tune keeps its answers in a folder, and OCLSTM_CACHE_DIR names none");
  }
  CHECK(read_batches(options->batches, &list));
  CHECK(tune_all(&session, &list));
  CHECK(check_folder(folder));
done:
  cli_close(&session);
  free(folder);
  return code;
}
