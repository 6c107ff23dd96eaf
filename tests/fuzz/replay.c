/* Runs a fuzz target over stored files, without libFuzzer: `replay FOLDER...`. Fails when a folder has no file.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

/* The file's bytes in memory that ends where they end, so that a sanitizer sees a read behind them. */
static int replay_file(const char *path) {
  struct stat about;
  FILE *file = fopen(path, "rb");
  if (file == NULL || stat(path, &about) != 0) {
    perror(path);
    exit(1);
  }
  size_t n = (size_t)about.st_size;
  uint8_t *bytes = malloc(n == 0 ? 1 : n);
  if (bytes == NULL || fread(bytes, 1, n, file) != n) {
    perror(path);
    exit(1);
  }
  (void)fclose(file);
  (void)fprintf(stderr, "%s\n", path); /* the last one named is the one that stopped the process */
  (void)LLVMFuzzerTestOneInput(bytes, n);
  free(bytes);
  return 1;
}

static int replay_folder(const char *folder) {
  int n = 0;
  DIR *listing = opendir(folder);
  if (listing == NULL) {
    perror(folder);
    exit(1);
  }
  for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    n += entry->d_name[0] != '.' ? replay_file(path) : 0;
  }
  (void)closedir(listing);
  return n;
}

int main(int argc, char **argv) {
  int sum = 0;
  for (int k = 1; k < argc; ++k) {
    int n = replay_folder(argv[k]);
    if (n == 0) {
      (void)fprintf(stderr, "%s: no file\n", argv[k]);
      return 1;
    }
    sum += n;
  }
  (void)printf("%d files replayed\n", sum);
  return sum == 0;
}
