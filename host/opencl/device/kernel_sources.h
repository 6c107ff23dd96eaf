/* The sources under kernels/, embedded at build time.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_KERNEL_SOURCES_H
#define OCLSTM_KERNEL_SOURCES_H

#include <stddef.h>
#include <string.h>

typedef struct oclstm__kernel_source {
  const char *stem; /* "gemm"; NULL ends the table */
  const char *const
      *texts; /* what a program of it is made of, itself last; each begins with a #line directive */
  unsigned n_texts;
} oclstm__kernel_source;

extern const oclstm__kernel_source oclstm__kernel_sources[];

/* NULL when there is none. */
static inline const oclstm__kernel_source *oclstm__find_kernel_source(const char *stem) {
  const oclstm__kernel_source *s = oclstm__kernel_sources;
  while (s->stem != NULL && strcmp(s->stem, stem) != 0) {
    ++s;
  }
  return s->stem != NULL ? s : NULL;
}

#endif
