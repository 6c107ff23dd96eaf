/* Rows of values such that every two values of two factors stand together in one of them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_COVERING_H
#define OCLSTM_TEST_COVERING_H

#include <stddef.h>
#include <stdint.h>

#include "cell_table.h"

enum { MAX_LEVELS = 12, MAX_ROWS = 400 };

typedef struct covering {
  size_t n_factors;
  size_t n_levels[MAX_FACTORS];
  size_t n_rows;
  unsigned char rows[MAX_ROWS][MAX_FACTORS]; /* the first one is all zeros */
} covering;

/* Fill in the rows for n_factors and n_levels. Greedy: no smallest set, but a small one. */
void cover_pairs(covering *c, uint64_t *seed);
void cover_singles(covering *c, uint64_t *seed);

#endif
