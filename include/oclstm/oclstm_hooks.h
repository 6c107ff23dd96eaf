/* What the library asks of its caller: memory for its objects, and somewhere for its messages to go.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_HOOKS_H
#define OCLSTM_OCLSTM_HOOKS_H

#include <stddef.h>

#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Memory of the library's own objects. Both functions or neither, which is malloc and free. alloc is asked for one byte or
 * more, aligned as malloc aligns, and may return NULL, which becomes OCLSTM_E_MEMORY. Called from the threads that call the
 * library, so from several at once where they do. Copied; user has to outlive the object that was made with it. Memory that
 * OpenCL, CLBlast, the JSON parser or the checksum take for themselves does not come through here. */
typedef struct oclstm_allocator {
  void *(*alloc)(void *user, size_t bytes);
  void (*free)(void *user, void *pointer);
  void *user;
} oclstm_allocator;

typedef enum oclstm_log_level {
  OCLSTM_LOG_ERROR,
  OCLSTM_LOG_WARNING,
  OCLSTM_LOG_INFO,
  OCLSTM_LOG_DEBUG
} oclstm_log_level;

/* write gets one line of at most 511 bytes, without newline, good until it returns; it is called from the threads that call
 * the library, as an allocator is. The library itself never prints: without a hook, lines are dropped. */
typedef struct oclstm_log {
  void (*write)(void *user, oclstm_log_level level, const char *line);
  void *user;
} oclstm_log;

#ifdef __cplusplus
}
#endif

#endif
