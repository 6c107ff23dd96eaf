/* Pairwise covering: each new row begins with a pair that is missing and takes, factor by factor, the value that adds
 * most pairs with those already in the row (the idea of Cohen et al., The AETG system, 1997).
 * SPDX-License-Identifier: MIT */
#include "covering.h"

#include <string.h>

/* Which values have stood together; a single value stands with itself. */
static bool seen[MAX_FACTORS][MAX_LEVELS][MAX_FACTORS][MAX_LEVELS];

static void mark(const covering *c, const unsigned char *row) {
  for (size_t f = 0; f < c->n_factors; ++f) {
    for (size_t g = 0; g < c->n_factors; ++g) {
      seen[f][row[f]][g][row[g]] = true;
    }
  }
}

/* Pairs that value a of factor f would add to the row. */
static size_t gain(const covering *c, const unsigned char *row, const bool *is_set, size_t f, size_t a) {
  size_t n = !seen[f][a][f][a];
  for (size_t g = 0; g < c->n_factors; ++g) {
    n += is_set[g] && !seen[f][a][g][row[g]];
  }
  return n;
}

static void choose(const covering *c, unsigned char *row, bool *is_set, size_t f, uint64_t *seed) {
  const size_t from = (size_t)(next_random(seed) % c->n_levels[f]);
  size_t best = 0;
  row[f] = (unsigned char)from;
  for (size_t k = 0; k < c->n_levels[f]; ++k) {
    const size_t a = (from + k) % c->n_levels[f];
    const size_t n = gain(c, row, is_set, f, a);
    if (n > best) {
      best = n;
      row[f] = (unsigned char)a;
    }
  }
  is_set[f] = true;
}

static void add_row(covering *c, size_t f, size_t a, size_t g, size_t b, uint64_t *seed) {
  bool is_set[MAX_FACTORS] = {false};
  assert_true(c->n_rows < MAX_ROWS);
  unsigned char *row = c->rows[c->n_rows++];
  row[f] = (unsigned char)a;
  row[g] = (unsigned char)b;
  is_set[f] = is_set[g] = true;
  const size_t from = (size_t)(next_random(seed) % c->n_factors);
  for (size_t k = 0; k < c->n_factors; ++k) {
    const size_t other = (from + k) % c->n_factors;
    if (!is_set[other]) {
      choose(c, row, is_set, other, seed);
    }
  }
  mark(c, row);
}

static void begin(covering *c) {
  memset(seen, 0, sizeof seen);
  memset(c->rows, 0, sizeof c->rows);
  c->n_rows = 1;
  mark(c, c->rows[0]);
}

void cover_pairs(covering *c, uint64_t *seed) {
  begin(c);
  for (size_t f = 0; f < c->n_factors; ++f) {
    for (size_t g = f + 1; g < c->n_factors; ++g) {
      for (size_t k = 0; k < c->n_levels[f] * c->n_levels[g]; ++k) {
        const size_t a = k % c->n_levels[f], b = k / c->n_levels[f];
        if (!seen[f][a][g][b]) {
          add_row(c, f, a, g, b, seed);
        }
      }
    }
  }
}

void cover_singles(covering *c, uint64_t *seed) {
  begin(c);
  for (size_t f = 0; f < c->n_factors; ++f) {
    for (size_t a = 0; a < c->n_levels[f]; ++a) {
      if (!seen[f][a][f][a]) {
        add_row(c, f, a, f, a, seed);
      }
    }
  }
}
