/* Folders for files of a while.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "cli/cli.h"

char *bench_folder_make(const char *temporary) {
  char *folder = cli_format("%s/oclstm-bench-XXXXXX", temporary);
  if (folder != NULL && mkdtemp(folder) == NULL) {
    free(folder);
    return NULL;
  }
  return folder;
}

void bench_folder_remove(char **folder) {
  DIR *open = *folder != NULL ? opendir(*folder) : NULL;
  for (const struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL;
       entry = readdir(open)) {
    char *path = cli_format("%s/%s", *folder, entry->d_name);
    if (path != NULL && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      (void)unlink(path);
    }
    free(path);
  }
  if (open != NULL) {
    (void)closedir(open);
    (void)rmdir(*folder);
  }
  free(*folder);
  *folder = NULL;
}
