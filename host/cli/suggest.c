/* "Did you mean": the nearest of some names.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli.h"

enum { LONGEST = 32 };

static size_t min3(size_t a, size_t b, size_t c) {
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

/* Letters to insert, delete or replace, or neighbours to swap: the restricted distance of Damerau and Levenshtein.
 * Long words are far from everything. */
static size_t distance(const char *a, const char *b) {
  size_t rows[3][LONGEST + 1]; /* of prefixes of a: the last two, and the one that is being filled */
  size_t na = strlen(a), nb = strlen(b);
  if (na > LONGEST || nb > LONGEST) {
    return LONGEST;
  }
  for (size_t j = 0; j <= nb; ++j) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= na; ++i) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= nb; ++j) {
      row[j] = min3(above[j - 1] + (a[i - 1] != b[j - 1]), above[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = min3(row[j], two_above[j - 2] + 1, row[j]);
      }
    }
  }
  return rows[na % 3][nb];
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
