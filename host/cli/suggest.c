/* "Did you mean": the nearest of some names.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli.h"

enum { LONGEST = 32 };

static size_t min3(size_t a, size_t b, size_t c) {
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

/* Levenshtein's distance: letters to insert, delete or replace. Long words are far from everything. */
static size_t distance(const char *a, const char *b) {
  size_t row[LONGEST + 1];
  size_t na = strlen(a), nb = strlen(b);
  if (na > LONGEST || nb > LONGEST) {
    return LONGEST;
  }
  for (size_t j = 0; j <= nb; ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= na; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= nb; ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = min3(replaced, row[j] + 1, row[j - 1] + 1);
    }
  }
  return row[nb];
}

const char *cli_suggest(const char *written, const char *const *candidates, size_t n) {
  const char *nearest = NULL;
  size_t least = strlen(written) < 4 ? 2 : 3; /* one letter wrong in a short word, two in others */
  for (size_t k = 0; k < n; ++k) {
    size_t d = distance(written, candidates[k]);
    if (d < least) {
      least = d;
      nearest = candidates[k];
    }
  }
  return nearest;
}
