/* Compiled programs on disk: one file each, named by a hash of its key, holding the whole key.
 *
 * A binary runs as native code in this process. So the folder must belong to us and be closed to others, and a file
 * counts only when its magic, its sizes, its full key and its checksum are right; otherwise the sources are compiled.
 *
 * File, little-endian: magic (8 bytes), key bytes (u64), binary bytes (u64), XXH3 of key and binary (u64), key, binary.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "opencl/device/cl.h"
#include "opencl/device/program.h"

static const char MAGIC[8] = {'o', 'c', 'l', 's', 't', 'm', 'b', '1'};
enum { MAX_PATH = 4096 };
static const uint64_t MAX_BINARY = UINT64_C(256) << 20;

typedef struct header {
  char magic[8];
  uint64_t key_bytes, binary_bytes, checksum;
} header;

bool oclstm__cache_dir_usable(const char *dir, const oclstm_log *log) {
  struct stat s;
  if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
    oclstm__log(log, OCLSTM_LOG_WARNING, "program cache %s: %s", dir, strerror(errno));
    return false;
  }
  if (stat(dir, &s) != 0 || !S_ISDIR(s.st_mode)) {
    oclstm__log(log, OCLSTM_LOG_WARNING, "program cache %s is not a folder", dir);
    return false;
  }
  if (s.st_uid != geteuid() || (s.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    oclstm__log(log, OCLSTM_LOG_WARNING, "program cache %s is not used: others own it or may write to it",
                dir);
    return false;
  }
  return true;
}

static bool file_path(const oclstm__cl *cl, const char *key, const char *suffix, char *path) {
  XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
  int n = snprintf(path, MAX_PATH, "%s/%016llx%016llx.bin%s", cl->cache_dir, (unsigned long long)hash.high64,
                   (unsigned long long)hash.low64, suffix);
  return n > 0 && n < MAX_PATH;
}

static uint64_t checksum_of(const char *key, const unsigned char *binary, size_t bytes) {
  return XXH3_64bits_withSeed(binary, bytes, XXH3_64bits(key, strlen(key)));
}

/* Reads what is behind the header and compares it with the key; the binary, or NULL. */
static unsigned char *read_body(const oclstm__cl *cl, FILE *file, const header *h, const char *key) {
  char kept[1024];
  size_t key_bytes = strlen(key);
  if (h->key_bytes != key_bytes || key_bytes > sizeof kept || fread(kept, 1, key_bytes, file) != key_bytes ||
      memcmp(kept, key, key_bytes) != 0) {
    return NULL;
  }
  size_t bytes = (size_t)h->binary_bytes;
  unsigned char *binary = oclstm__alloc(&cl->base.allocator, bytes, 1);
  if (binary != NULL && (fread(binary, 1, bytes, file) != bytes || fgetc(file) != EOF ||
                         checksum_of(key, binary, bytes) != h->checksum)) {
    oclstm__free(&cl->base.allocator, binary);
    binary = NULL;
  }
  return binary;
}

FILE *oclstm__cache_open(const char *path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  FILE *stream = file >= 0 ? fdopen(file, "rb") : NULL;
  if (file >= 0 && stream == NULL) {
    (void)close(file);
  }
  return stream;
}

unsigned char *oclstm__cache_load(const oclstm__cl *cl, const char *key, size_t *bytes) {
  char path[MAX_PATH];
  header h;
  unsigned char *binary = NULL;
  if (cl->cache_dir == NULL || !file_path(cl, key, "", path)) {
    return NULL;
  }
  FILE *file = oclstm__cache_open(path);
  if (file == NULL) {
    return NULL;
  }
  if (fread(&h, sizeof h, 1, file) == 1 && memcmp(h.magic, MAGIC, sizeof MAGIC) == 0 && h.binary_bytes > 0 &&
      h.binary_bytes <= MAX_BINARY) {
    binary = read_body(cl, file, &h, key);
  }
  (void)fclose(file);
  if (binary == NULL) {
    oclstm__log(&cl->base.log, OCLSTM_LOG_WARNING, "program cache: %s is not valid and will be replaced",
                path);
  } else {
    *bytes = (size_t)h.binary_bytes;
  }
  return binary;
}

bool oclstm__cache_store(const oclstm__cl *cl, const char *key, const unsigned char *binary, size_t bytes) {
  char path[MAX_PATH];
  char temporary[MAX_PATH];
  char suffix[32];
  header h = {.key_bytes = strlen(key), .binary_bytes = bytes, .checksum = checksum_of(key, binary, bytes)};
  memcpy(h.magic, MAGIC, sizeof MAGIC);
  (void)snprintf(suffix, sizeof suffix, ".%ld", (long)getpid());
  if (bytes > MAX_BINARY || !file_path(cl, key, "", path) || !file_path(cl, key, suffix, temporary)) {
    return false;
  }
  FILE *file = fopen(temporary, "wbx");
  if (file == NULL) {
    return false;
  }
  bool written = fwrite(&h, sizeof h, 1, file) == 1 && fwrite(key, 1, h.key_bytes, file) == h.key_bytes &&
                 fwrite(binary, 1, bytes, file) == bytes;
  written = fclose(file) == 0 && written;
  if (!written || rename(temporary, path) != 0) {
    (void)unlink(temporary);
    return false;
  }
  return true;
}
