/* oclstm cache: compiled programs and tuning answers on disk.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"

static void print_text(const char *folder, const oclstm_cache_info *info, bool cleared) {
  if (folder == NULL) {
    (void)printf("folder    none\n");
    return;
  }
  (void)printf("folder    %s\n", folder);
  (void)printf("%s %s: %zu programs, %zu tuning answers in %zu files", cleared ? "removed  " : "holds    ",
               cli_bytes(info->bytes).text, info->programs, info->answers, info->tuning_files);
  if (info->leftovers != 0) {
    (void)printf(", %zu unfinished files", info->leftovers);
  }
  (void)printf("\n");
}

static void print_json(const char *folder, const oclstm_cache_info *info, bool cleared) {
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "folder", folder);
  cli_json_bool(&json, "cleared", cleared);
  cli_json_integer(&json, "bytes", info->bytes);
  cli_json_integer(&json, "programs", info->programs);
  cli_json_integer(&json, "tuning_files", info->tuning_files);
  cli_json_integer(&json, "answers", info->answers);
  cli_json_integer(&json, "leftovers", info->leftovers);
  cli_json_end(&json, '}');
}

int cli_cache(const cli_options *options) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_cache_info info = {0, 0, 0, 0, 0};
  oclstm_status status = OCLSTM_OK;
  if (options->n_arguments != 0) {
    return cli_usage("cache takes no argument, found '%s'", options->arguments[0]);
  }
  char *folder = cli_cache_folder();
  if (folder != NULL) {
    status = options->clear ? oclstm_cache_clear(folder, &info, &error)
                            : oclstm_cache_examine(folder, &info, &error);
  }
  if (status == OCLSTM_OK) {
    (options->json ? print_json : print_text)(folder, &info, options->clear && folder != NULL);
  }
  free(folder);
  return status == OCLSTM_OK ? CLI_DONE : cli_report(&error, NULL);
}
