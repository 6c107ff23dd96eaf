/* Output files and folders. A folder's results are written aside, in a folder within it, and get their places when all
 * of them are there.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

int cli_create_npy(const char *path, size_t rank, const uint64_t *shape, oclstm_npy **npy) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (oclstm_npy_create(path, rank, shape, npy, &error) != OCLSTM_OK) {
    return cli_report_output(&error, path);
  }
  return CLI_DONE;
}

int cli_commit_npy(oclstm_npy **npy, const char *path) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (*npy != NULL && oclstm_npy_commit(npy, &error) != OCLSTM_OK) {
    return cli_report_output(&error, path);
  }
  return CLI_DONE;
}

/* ---- folders ---- */

int cli_open_folder(cli_folder *folder, const char *path) {
  *folder = (cli_folder){.path = path};
  if (!cli_make_folders(path, 0777, &folder->made)) {
    return cli_fail_output(OCLSTM_E_OPEN, "%s: the folder cannot be made: %s", path, strerror(errno));
  }
  char *aside = cli_format("%s/.oclstm-XXXXXX", path);
  if (aside == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "the name of a folder");
  }
  if (mkdtemp(aside) == NULL) {
    int reason = errno;
    free(aside);
    return cli_fail_output(OCLSTM_E_OPEN, "%s: the folder cannot be written to: %s", path, strerror(reason));
  }
  folder->aside = aside;
  return CLI_DONE;
}

/* A file of the folder aside, and its place. */
static bool file_names(const cli_folder *folder, const cli_input *file, char **from, char **to) {
  const char *name = cli_base_name(file->path);
  *from = cli_format("%s/%s", folder->aside, name);
  *to = cli_format("%s/%s", folder->path, name);
  return *from != NULL && *to != NULL;
}

int cli_commit_folder(cli_folder *folder, const cli_inputs *inputs) {
  int code = CLI_DONE;
  if (folder->aside == NULL) {
    return CLI_DONE;
  }
  for (size_t k = 0; k < inputs->n_files && code == CLI_DONE; ++k) {
    char *from = NULL, *to = NULL;
    if (!file_names(folder, &inputs->files[k], &from, &to)) {
      code = cli_fail(OCLSTM_E_MEMORY, "the name of an output");
    } else if (rename(from, to) != 0) {
      code = cli_fail_output(OCLSTM_E_WRITE, "%s: %s", to, strerror(errno));
    }
    free(from);
    free(to);
  }
  if (code == CLI_DONE) {
    (void)rmdir(folder->aside);
    free(folder->aside);
    *folder = (cli_folder){0};
  }
  return code;
}

void cli_close_folder(cli_folder *folder, const cli_inputs *inputs) {
  for (size_t k = 0; folder->aside != NULL && k < inputs->n_files; ++k) {
    char *from = NULL, *to = NULL;
    if (file_names(folder, &inputs->files[k], &from, &to)) {
      (void)unlink(from);
    }
    free(from);
    free(to);
  }
  if (folder->aside != NULL) {
    (void)rmdir(folder->aside);
    free(folder->aside);
  }
  if (folder->made) {
    (void)rmdir(folder->path);
  }
  *folder = (cli_folder){0};
}
