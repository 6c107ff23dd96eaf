/* Allocation through the caller's hooks, and sizes that cannot overflow unseen.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_CORE_MEMORY_H
#define OCLSTM_CORE_MEMORY_H

#include <stdbool.h>

#include "oclstm/oclstm.h"

/* Hooks as given, or malloc and free when both are NULL. Check with allocator_valid first. */
oclstm_allocator oclstm__allocator(oclstm_allocator given);
bool oclstm__allocator_valid(oclstm_allocator given);

/* Zeroed memory for count elements of `size` bytes, NULL when it overflows, is refused or is empty (count = 0). */
void *oclstm__alloc(const oclstm_allocator *allocator, size_t count, size_t size);
char *oclstm__strdup(const oclstm_allocator *allocator, const char *text);
void oclstm__free(const oclstm_allocator *allocator, void *pointer);

/* *product = a * b (or a + b); false when it does not fit. */
static inline bool oclstm__mul(size_t a, size_t b, size_t *product) {
  return !__builtin_mul_overflow(a, b, product);
}
static inline bool oclstm__add(size_t a, size_t b, size_t *sum) {
  return !__builtin_add_overflow(a, b, sum);
}
static inline bool oclstm__mul64(uint64_t a, uint64_t b, uint64_t *product) {
  return !__builtin_mul_overflow(a, b, product);
}

static inline size_t oclstm__round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
static inline size_t oclstm__min(size_t a, size_t b) {
  return a < b ? a : b;
}
static inline size_t oclstm__max(size_t a, size_t b) {
  return a > b ? a : b;
}

/* One line to the log hook, if there is one. */
void oclstm__log(const oclstm_log *log, oclstm_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
