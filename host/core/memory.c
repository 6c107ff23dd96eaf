/* Allocation through the caller's hooks; the log.
 * SPDX-License-Identifier: MIT */
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *alloc_with_malloc(void *user, size_t bytes) {
  (void)user;
  return malloc(bytes);
}

static void free_with_free(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

bool oclstm__allocator_valid(oclstm_allocator given) {
  return (given.alloc == NULL) == (given.free == NULL);
}

oclstm_allocator oclstm__allocator(oclstm_allocator given) {
  static const oclstm_allocator LIBC = {alloc_with_malloc, free_with_free, NULL};
  return given.alloc != NULL ? given : LIBC;
}

void *oclstm__alloc(const oclstm_allocator *allocator, size_t count, size_t size) {
  size_t bytes = 0;
  if (!oclstm__mul(count, size, &bytes) || bytes == 0) {
    return NULL;
  }
  void *memory = allocator->alloc(allocator->user, bytes);
  if (memory != NULL) {
    memset(memory, 0, bytes);
  }
  return memory;
}

char *oclstm__strdup(const oclstm_allocator *allocator, const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = oclstm__alloc(allocator, n, 1);
  if (copy != NULL) {
    memcpy(copy, text, n);
  }
  return copy;
}

void oclstm__free(const oclstm_allocator *allocator, void *pointer) {
  if (pointer != NULL) {
    allocator->free(allocator->user, pointer);
  }
}

void oclstm__log(const oclstm_log *log, oclstm_log_level level, const char *format, ...) {
  if (log == NULL || log->write == NULL) {
    return;
  }
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  log->write(log->user, level, line);
}
