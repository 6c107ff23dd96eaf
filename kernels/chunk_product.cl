/* What a group of chunk.cl multiplies: its rows and units of a step, and its own input projection.
 *
 * With -DINPUT=1 a group makes the input projection of its own units and rows by itself, `ahead` steps at a time, into a
 * part of gx that nobody else reads; then it is in the cache when it is wanted.
 *
 *   x      [n*B, I]  stored  input of the layer
 *   W_in   packed      stored  panels [UP / BLOCK][I][GATES][BLOCK]
 *   gx     [groups][ahead * most rows of a slice][most blocks of a group][GATES][BLOCK] f32
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "cell.cl"
#include "common.cl"
#include "fused.cl"
#include "stage.cl"
#include "tile.cl"

#ifndef SECOND /* STAGE_ of a second stage */
#define SECOND 0
#define SECOND_VECTORS 1
#define SECOND_PANELS 1
#endif
#if SECOND
#define STAGES 2
#else
#define STAGES 1
#endif
#ifndef LOW_ROWS /* of lower tiles, for rows that do not fill high ones */
#define LOW_ROWS ROWS
#endif
#ifndef INPUT_ROWS
#define INPUT_ROWS 1
#define INPUT_PANELS 1
#endif

/* What a work-group has of every step. */
typedef struct share {
  slice rows;
  int active;     /* rows that may have this step: the first ones */
  int high;       /* of all rows: those that are left to high tiles */
  int first, end; /* blocks of units */
  bool turned;
} share;

INLINE share share_of(int group, int members, int slices, int B, int blocks) {
  int number = group / members;
  int member = group - number * members;
  share mine = {{number, slices, (B - number + slices - 1) / slices}, -1, 0, blocks * member / members,
                blocks * (member + 1) / members, false};
  return mine;
}

/* How many of the rows, the first ones, may have step t: where they are in order, those that have it. `before` of them had one
 * of its neighbours. */
INLINE int count_active(const stage *p, slice rows, int t, int before, int sorted) {
  int n = before;
  if (!sorted) {
    return rows.n;
  }
  while (n > 0 && t >= p->lengths[batch_row(p, rows, n - 1)]) {
    --n;
  }
  while (n < rows.n && t < p->lengths[batch_row(p, rows, n)]) {
    ++n;
  }
  return n;
}

/* High tiles for n rows, so that fewest rows of all tiles are empty; then fewest tiles are low. */
INLINE int high_tiles(int n) {
  int best = (n + ROWS - 1) / ROWS;
  int least = best * ROWS;
  for (int tiles = best - 1; LOW_ROWS != ROWS && tiles >= 0 && tiles >= best - 3; --tiles) {
    int rows = tiles * ROWS + (n - tiles * ROWS + LOW_ROWS - 1) / LOW_ROWS * LOW_ROWS;
    if (rows < least) {
      best = tiles;
      least = rows;
    }
  }
  return best;
}

/* Before a step: which rows have it, and which tiles they get. Rows behind those go to whatever tile comes; it finds nothing
 * to multiply. */
INLINE void count_rows(const stage *p, share *mine, int sorted) {
  int active = count_active(p, mine->rows, p->t, max(mine->active, 0), sorted);
  if (active != mine->active) {
    mine->active = active;
    mine->high = high_tiles(active) * ROWS;
  }
}

/* One stage of a step: this member's blocks of units, each for all rows of the slice, so that a panel of weights is read
 * once. Every other step goes through them backwards: what was read last is in the cache still. */
#define DEFINE_SHARE(name, KIND_OF_STAGE, VECTORS, PANELS)                                                            \
  DEFINE_STAGE(name##_high, KIND_OF_STAGE, ROWS, VECTORS, PANELS)                                                     \
  DEFINE_STAGE(name##_low, KIND_OF_STAGE, LOW_ROWS, VECTORS, PANELS)                                                  \
  INLINE void name(const stage *p, __global const stored *W, const share *mine) {                                     \
    int turns = (mine->end - mine->first + (PANELS)-1) / (PANELS);                                                    \
    for (int n = 0; n < turns; ++n) {                                                                                 \
      int block = mine->first + (mine->turned ? turns - 1 - n : n) * (PANELS);                                        \
      int i = 0;                                                                                                      \
      for (; LOW_ROWS != ROWS && i < mine->high; i += ROWS) {                                                         \
        name##_high(p, W, mine->rows, i, block, mine->end);                                                           \
      }                                                                                                               \
      for (; i < mine->rows.n; i += LOW_ROWS) {                                                                       \
        name##_low(p, W, mine->rows, i, block, mine->end);                                                            \
      }                                                                                                               \
    }                                                                                                                 \
  }
DEFINE_SHARE(run_first, STAGE, VECTORS, PANELS)
#if SECOND
DEFINE_SHARE(run_second, SECOND, SECOND_VECTORS, SECOND_PANELS)
#endif

#if INPUT
typedef struct projection {
  __global const stored *x, *W;
  __global float *gx;
  int I, reverse, sorted;
  int ahead, last, end; /* what is projected at once; steps of the launch, of those that are projected, end before these */
} projection;

DEFINE_TILE(input_product, INPUT_ROWS, GATES, INPUT_PANELS)

/* Where the projection is: row i of the slice, at step number `step` of those projected at once, which `active` rows have. */
typedef struct cursor {
  int step, i, active;
} cursor;

INLINE int time_of(const projection *in, const stage *p, int step) {
  return in->reverse ? p->s.n - 1 - step : step;
}

/* To the first row that has a step, from the cursor on. */
INLINE void settle(cursor *at, const projection *in, const stage *p, const share *mine, int k) {
  while (at->i >= at->active && k + at->step < in->end) {
    ++at->step;
    at->i = 0;
    at->active = count_active(p, mine->rows, time_of(in, p, k + at->step), at->active, in->sorted);
  }
}

/* INPUT_ROWS rows of the projection of steps k on, from the cursor on, and `INPUT_PANELS` blocks. */
INLINE void project_tile(const projection *in, const stage *p, const share *mine, int k, cursor *at, int block) {
  size_t found[INPUT_ROWS];
  size_t row[INPUT_ROWS];
  int place[INPUT_ROWS];
  floatv a[INPUT_ROWS][GATES * INPUT_PANELS];
  int rows = 0;
  /* One copy of the search, whose results wait in memory: unrolled, it is most of what compiling takes. */
#pragma nounroll
  for (int r = 0; r < INPUT_ROWS; ++r) {
    if (k + at->step < in->end) {
      int t = time_of(in, p, k + at->step);
      found[r] = ((size_t)t * p->s.B + batch_row(p, mine->rows, at->i)) * in->I;
      place[r] = at->step * mine->rows.n + at->i;
      rows = r + 1;
      ++at->i;
      settle(at, in, p, mine, k);
    } else {
      found[r] = found[max(r - 1, 0)];
      place[r] = 0;
    }
  }
#pragma unroll
  for (int r = 0; r < INPUT_ROWS; ++r) {
    row[r] = found[r];
  }
  input_product(a, in->x, row, in->W, in->I, block, mine->end);
#pragma unroll
  for (int r = 0; r < INPUT_ROWS; ++r) {
    __global float *gx = in->gx + (size_t)place[r] * p->own_units * GATES + get_local_id(0) * VW;
#pragma unroll
    for (int c = 0; c < GATES * INPUT_PANELS; ++c) {
      if (r < rows && block + c / GATES < mine->end) {
        STOREV(a[r][c], gx + ((size_t)(block - mine->first) * GATES + c) * BLOCK);
      }
    }
  }
}

/* The input projection of steps k .. in->end - 1. */
INLINE void project(const projection *in, const stage *p, const share *mine, int k) {
  for (int block = mine->first; block < mine->end; block += INPUT_PANELS) {
    cursor at = {0, 0, count_active(p, mine->rows, time_of(in, p, k), 0, in->sorted)};
    settle(&at, in, p, mine, k);
    while (k + at.step < in->end) {
      project_tile(in, p, mine, k, &at, block);
    }
  }
}

/* p->gx becomes that of step k, which is projected with those behind it where it is not yet. */
INLINE void enter_input(projection *in, stage *p, const share *mine, int k) {
  if (k >= in->end) {
    in->end = min(k + in->ahead, in->last);
    project(in, p, mine, k);
    p->gx = in->gx;
  } else {
    p->gx += (size_t)(mine->rows.n) * p->own_units * GATES;
  }
}
#endif
