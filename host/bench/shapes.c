/* Shapes as they are written on the command line.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char *const CELLS[] = {"lstm", "gru", "rnn", "gru0"}; /* the first three as oclstm_cell_kind */
enum { N_CELLS = sizeof CELLS / sizeof CELLS[0] };

const char *bench_cell_name(const bench_shape *s) {
  return CELLS[s->reset_first ? N_CELLS - 1 : (size_t)s->cell];
}

const char *bench_rows_name(bench_rows rows) {
  static const char *const NAMES[] = {"whole", "ragged", "padded", "equal"};
  return NAMES[rows];
}

void bench_shape_text(const bench_shape *s, char text[BENCH_TEXT]) {
  char more[64] = "";
  if (s->layers > 1 || s->directions > 1) {
    (void)snprintf(more, sizeof more, " x%zu%s", s->layers, s->directions > 1 ? " bidirectional" : "");
  }
  (void)snprintf(text, BENCH_TEXT, "T %llu B %zu I %zu H %zu %s%s%s%s", (unsigned long long)s->T, s->B, s->I,
                 s->H, bench_cell_name(s), more, s->rows != BENCH_WHOLE ? " " : "",
                 s->rows != BENCH_WHOLE ? bench_rows_name(s->rows) : "");
}

bool bench_shape_same(const bench_shape *a, const bench_shape *b) {
  return a->T == b->T && a->B == b->B && a->I == b->I && a->H == b->H && a->layers == b->layers &&
         a->directions == b->directions && a->cell == b->cell && a->reset_first == b->reset_first &&
         a->rows == b->rows;
}

bool bench_shapes_push(bench_shapes *shapes, const bench_shape *shape) {
  for (size_t k = 0; k < shapes->n; ++k) {
    bench_shape *there = &shapes->items[k];
    if (bench_shape_same(there, shape)) {
      there->precisions =
          there->precisions == 0 || shape->precisions == 0 ? 0 : there->precisions | shape->precisions;
      return true;
    }
  }
  if (shapes->n == shapes->room) {
    size_t room = 2 * shapes->room + 16;
    bench_shape *more = realloc(shapes->items, room * sizeof *more);
    if (more == NULL) {
      return false;
    }
    shapes->items = more;
    shapes->room = room;
  }
  shapes->items[shapes->n++] = *shape;
  return true;
}

void bench_shapes_free(bench_shapes *shapes) {
  free(shapes->items);
  *shapes = (bench_shapes){0, 0, NULL};
}

/* ---- T,B,I,H[,CELL[,LAYERS[,DIRECTIONS[,ROWS]]]] ---- */

enum { MOST_WORD = 40 };

/* Takes what is before the next comma off *text, which is NULL behind the last word. Too long a word is no number and no name:
 * its beginning is given, with dots that say so. */
static void next_word(const char **text, char word[MOST_WORD]) {
  const size_t n = strcspn(*text, ",");
  const bool fits = n < MOST_WORD;
  (void)snprintf(word, MOST_WORD, "%.*s%s", (int)(fits ? n : MOST_WORD - 4), *text, fits ? "" : "...");
  *text = (*text)[n] == ',' ? *text + n + 1 : NULL;
}

static bool read_size(const char *word, const char *name, uint64_t most, uint64_t *value,
                      char why[BENCH_TEXT]) {
  char *end = NULL;
  errno = 0;
  *value = isdigit((unsigned char)word[0]) ? strtoull(word, &end, 10) : 0;
  if (end == NULL || *end != '\0' || errno != 0 || *value == 0 || *value > most) {
    (void)snprintf(why, BENCH_TEXT, "%s is '%s', not a whole number from 1 to %llu", name, word,
                   (unsigned long long)most);
    return false;
  }
  return true;
}

static bool read_cell(const char *word, bench_shape *shape, char why[BENCH_TEXT]) {
  for (size_t k = 0; k < N_CELLS; ++k) {
    if (strcmp(word, CELLS[k]) == 0) {
      shape->reset_first = k == N_CELLS - 1;
      shape->cell = shape->reset_first ? OCLSTM_GRU : (oclstm_cell_kind)k;
      return true;
    }
  }
  (void)snprintf(why, BENCH_TEXT, "the cell is '%s', not lstm, gru, gru0 or rnn", word);
  return false;
}

static bool read_rows(const char *word, bench_shape *shape, char why[BENCH_TEXT]) {
  for (int k = BENCH_WHOLE; k <= BENCH_EQUAL; ++k) {
    if (strcmp(word, bench_rows_name((bench_rows)k)) == 0) {
      shape->rows = (bench_rows)k;
      return true;
    }
  }
  (void)snprintf(why, BENCH_TEXT, "the rows are '%s', not whole, ragged, padded or equal", word);
  return false;
}

/* Weights of a shape stay below 2^32 elements, rows of a step below 2^31. */
static bool is_reasonable(const bench_shape *s, char why[BENCH_TEXT]) {
  double parameters = 0.0;
  for (size_t l = 0; l < s->layers; ++l) {
    parameters +=
        (double)(s->directions * bench_gates(s->cell) * s->H) * (double)(bench_layer_input(s, l) + s->H + 2);
  }
  if (parameters > 4294967296.0 ||
      (double)s->B * (double)(s->I > bench_width(s) ? s->I : bench_width(s)) > 2147483648.0) {
    char text[BENCH_TEXT];
    bench_shape_text(s, text);
    (void)snprintf(why, BENCH_TEXT, "%.120s: %.0f parameters and %zu rows are more than bench takes", text,
                   parameters, s->B);
    return false;
  }
  return true;
}

static bool read_shape(const char *text, bench_shape *shape, char why[BENCH_TEXT]) {
  static const struct {
    const char *name;
    uint64_t most;
  } SIZES[] = {{"T", 1000000000}, {"B", 1 << 20}, {"I", 65536},      {"H", 65536},
               {"CELL", 0},       {"LAYERS", 64}, {"DIRECTIONS", 2}, {"ROWS", 0}};
  enum { N_SIZES = sizeof SIZES / sizeof SIZES[0], LEAST = 4, CELL = 4, ROWS = 7 };
  uint64_t sizes[N_SIZES] = {0, 0, 0, 0, 0, 1, 1, 0};
  size_t n = 0;
  *shape = (bench_shape){.list = "given", .cell = OCLSTM_LSTM};
  for (; text != NULL && n < N_SIZES; ++n) {
    char word[MOST_WORD];
    next_word(&text, word);
    if (n == CELL   ? !read_cell(word, shape, why)
        : n == ROWS ? !read_rows(word, shape, why)
                    : !read_size(word, SIZES[n].name, SIZES[n].most, &sizes[n], why)) {
      return false;
    }
  }
  if (n < LEAST || text != NULL) {
    (void)snprintf(why, BENCH_TEXT, "a shape is T,B,I,H[,CELL[,LAYERS[,DIRECTIONS[,ROWS]]]]: %s",
                   n < LEAST ? "too few numbers" : "too many words");
    return false;
  }
  shape->T = sizes[0];
  shape->B = (size_t)sizes[1];
  shape->I = (size_t)sizes[2];
  shape->H = (size_t)sizes[3];
  shape->layers = (size_t)sizes[5];
  shape->directions = (size_t)sizes[6];
  shape->T = shape->rows == BENCH_EQUAL ? bench_equal_steps(shape) : shape->T;
  return is_reasonable(shape, why);
}

bool bench_shapes_add(bench_shapes *shapes, const char *text, char why[BENCH_TEXT]) {
  bench_shape shape;
  bool known = false;
  if (!bench_list_add(shapes, text, &known)) {
    (void)snprintf(why, BENCH_TEXT, "no memory for the shapes of '%.100s'", text);
    return false;
  }
  if (known) {
    return true;
  }
  if (!isdigit((unsigned char)text[0]) && strchr(text, ',') == NULL) {
    (void)snprintf(why, BENCH_TEXT, "there is no list '%.100s'; see 'oclstm bench --list'", text);
    return false;
  }
  if (!read_shape(text, &shape, why)) {
    return false;
  }
  if (!bench_shapes_push(shapes, &shape)) {
    (void)snprintf(why, BENCH_TEXT, "no memory for the shape '%.100s'", text);
    return false;
  }
  return true;
}
