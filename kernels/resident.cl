/* Strategy grid where a work-item is a lane: one launch a chunk, W_hh in registers from the first step to the last. For cells
 * of one stage.
 *
 * As in chunk.cl, batch rows are dealt out to `slices`, and the `members` of a slice share its units and meet behind every
 * step (sync.cl). A member owns UNITS units, all gates of them: ROWS_OF_W rows of W_hh, row number gate * UNITS + unit. Each
 * of its WARPS warps keeps the part of them for DEPTH elements of K in registers. In a step a warp multiplies its part by h
 * of CHUNK batch rows after the other, read past the first cache; the warps' sums meet in local memory, where an item
 * finds all gates of the pairs of unit and batch row that are its own, and finishes their cells.
 *
 * With -DX_AHEAD=1 c and h of those pairs stay in registers, and their x W_ih^T of the next step is on its way while the group
 * waits for the others. c and h are stored all the same: where a meeting was called off, chunk.cl goes on from there.
 *
 * A launch runs steps number first .. last - 1 of the chunk, of those from `begin` on; one behind another goes on counting
 * meetings, and does nothing where one was called off. With `rehearsals` all groups of the launch meet so often at the first
 * place, and that is all: what they are then, they are at the same time.
 *
 * Launch: global = [32 * WARPS * members * slices], local = [32 * WARPS]. W: resident_product.cl.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cell.cl"
#include "common.cl"
#include "mma.cl"
#include "resident_product.cl"
#include "stage.cl"
#include "sync.cl"

#if VW == 1
#ifndef MEETS
#define MEETS 1 /* members > 1 */
#endif
#define OWN ((UNITS * FILLED + ITEMS - 1) / ITEMS) /* pairs of unit and batch row of an item, in a chunk */

/* ---- pairs of unit and batch row ---- */

/* What a group has of the layer. */
typedef struct member {
  slice rows;
  int first_unit;
} member;

/* Pair `number` of this item in a chunk: row of the chunk, number of the unit in the group. */
INLINE int row_of_pair(int number) {
  return (int)(((uint)get_local_id(0) + number * ITEMS) / UNITS);
}
INLINE int unit_of_pair(int number) {
  return (int)(((uint)get_local_id(0) + number * ITEMS) % UNITS);
}

/* Whether there is such a row and such a unit. */
INLINE bool is_pair(const stage *p, const member *mine, int chunk, int number) {
  int row = row_of_pair(number);
  return row < FILLED && chunk * CHUNK + row < mine->rows.n && mine->first_unit + unit_of_pair(number) < p->s.UP;
}

/* The sums of all gates. */
INLINE void gather(float a[GATES], int number, __local const float *sums) {
  __local const float *from = sums + row_of_pair(number) * LINE + unit_of_pair(number);
#pragma unroll
  for (int gate = 0; gate < GATES; ++gate) {
    a[gate] = 0.0f;
#pragma unroll
    for (int warp = 0; warp < WARPS; ++warp) {
      a[gate] += from[warp * CHUNK * LINE + gate * UNITS];
    }
  }
}

#if X_AHEAD
/* What an item keeps of a pair: batch row, its length, x of a step. */
typedef struct pair {
  int b, length;
  float x[GATES], h, c;
} pair;

INLINE void load_state(pair *own, const stage *p, const member *mine, int chunk, int number) {
  bool is = is_pair(p, mine, chunk, number);
  int unit = mine->first_unit + unit_of_pair(number);
  own->b = batch_row(p, mine->rows, chunk * CHUNK + row_of_pair(number));
  own->length = is ? p->lengths[own->b] : 0;
  own->h = own->c = 0.0f;
  if (is) {
    own->h = LOAD_STORED(p->h_in + (size_t)own->b * p->s.UP + unit);
#if KIND == LSTM
    own->c = p->c_in[(size_t)own->b * p->s.HP + unit];
#endif
  }
}

/* What step p->t takes of the input projection. */
INLINE void load_input(pair *own, const stage *p, int unit) {
#pragma unroll
  for (int gate = 0; gate < GATES; ++gate) {
    own->x[gate] = p->t < own->length ? p->gx[(((size_t)p->t * p->s.B + own->b) * GATES + gate) * p->s.HP + unit] : 0.0f;
  }
}

INLINE void finish(pair *own, const stage *p, const float *a, int unit) {
  const unit_input in = {own->x, p->params + unit, 1, p->s.HP};
  bool active = p->t < own->length;
  float h_new = 0.0f;
#if KIND == LSTM
  if (active) {
    h_new = lstm_cell(a, in, &own->c);
  }
  store_c(p, own->c, active, own->b, unit);
#elif KIND == GRU
  if (active) {
    h_new = gru_cell(a, in, own->h);
  }
#else
  if (active) {
    h_new = rnn_cell(a[0], in);
  }
#endif
  own->h = next_h(p, own->h, h_new, active, own->b, unit);
}
#define KEPT_CHUNKS CHUNKS
#define FOR_CHUNKS UNROLL
#define FOR_PAIRS(call)                                                    \
  UNROLL                                                                   \
  for (int n = 0; n < CHUNKS * OWN; ++n) {                                 \
    int unit = mine.first_unit + unit_of_pair(n % OWN);                    \
    call;                                                                  \
  }
#else
typedef int pair;
#define KEPT_CHUNKS 1
#define FOR_CHUNKS _Pragma("nounroll")
#define FOR_PAIRS(call)
#endif

/* ---- a group ---- */

/* One chunk of batch rows at step p->t. */
INLINE void run_chunk(const weights *w, const stage *p, const member *mine, pair *pairs, int chunk,
                      volatile __local const int *longest, const parts *to) {
  const chunk_rows c = {mine->rows, chunk, longest};
  multiply(w, p, &c, to);
  MEET_IN_GROUP(CLK_LOCAL_MEM_FENCE);
  UNROLL
  for (int own = 0; own < OWN; ++own) {
    if (is_pair(p, mine, chunk, own)) {
      float a[GATES] = {0.0f};
      int unit = mine->first_unit + unit_of_pair(own);
      if (is_wanted(p, &c)) {
        gather(a, own, to->sums);
      }
#if X_AHEAD
      finish(&pairs[own], p, a, unit);
#else
      int i = chunk * CHUNK + row_of_pair(own);
      run_stage(p, STAGE_CELL, a, i, batch_row(p, mine->rows, i), unit);
#endif
    }
  }
  MEET_IN_GROUP(CLK_LOCAL_MEM_FENCE);
}

/* The longest row of each chunk: behind it nothing is multiplied. */
INLINE void find_longest(__local int *longest, const stage *p, slice rows) {
  for (int chunk = (int)get_local_id(0); chunk < CHUNKS; chunk += ITEMS) {
    int most = 0;
    for (int i = 0; i < CHUNK; ++i) {
      most = max(most, p->lengths[batch_row(p, rows, chunk * CHUNK + i)]);
    }
    longest[chunk] = most;
  }
}

/* All groups of the launch meet at the first place. */
INLINE void rehearse(meeting all, int first_place, int groups, int rehearsals) {
  all.place = all.places + first_place * SYNC_WORDS;
  all.members = groups;
  for (int k = 0, met = 1; met && k < rehearsals; ++k) {
    met = meet(&all, k);
  }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void resident(
    __global float *gx, __global const stored *W, __global const float *params, __global const int *lengths,
    __global const int *order, __global stored *h_even, __global stored *h_odd, __global float *c_even, __global float *c_odd,
    __global stored *middle, __global float *extra, __global stored *y, __global float *cells, const step_shape s, int reverse,
    volatile __global int *places, int first_place, int seats, int slices, int members, int begin, int first, int last,
    int spins, int rehearsals) {
  __local float sums[WARPS * CHUNK * LINE];
  __local int longest[CHUNKS], answer;
#if !MMA
  __local float4 tile[CHUNK * TILE_LINE / 4];
  const parts to = {sums, tile};
#elif PTX
  const parts to = {sums, 0};
#else
  __local uint exchange[ITEMS * EXCHANGE_WORDS];
  const parts to = {sums, exchange};
#endif
  int group = (int)get_group_id(0), number = group / members, seat = first_place + group;
  const meeting together = {places, places + (first_place + number) * SYNC_WORDS, seat, seats, members, spins, &answer};
  const in_turn buffers = {{h_even, h_odd}, {c_even, c_odd}};
  const member mine = {{number, slices, (s.B - number + slices - 1) / slices}, (group - number * members) * UNITS};
  stage p = {s, 0, gx, params, lengths, order, h_even, h_odd, c_even, c_odd, middle, extra, y, cells};
  weights w;
  pair pairs[KEPT_CHUNKS * OWN];
  load_weights(&w, W, group - number * members);
  if (get_local_id(0) == 0) {
    answer = together.place[SYNC_STALLED] == 0;
  }
  find_longest(longest, &p, mine.rows);
  MEET_IN_GROUP(CLK_LOCAL_MEM_FENCE);
  bool complete = answer != 0 && first < last;
#if MEETS
  if (rehearsals > 0) {
    rehearse(together, first_place, members * slices, rehearsals);
    return;
  }
#endif
  take_turn(&p, &buffers, begin, first, reverse);
  FOR_PAIRS(load_state(&pairs[n], &p, &mine, n / OWN, n % OWN))
  FOR_PAIRS(load_input(&pairs[n], &p, unit))
  for (int k = first; complete && k < last; ++k) {
    take_turn(&p, &buffers, begin, k, reverse);
    FOR_CHUNKS
    for (int chunk = 0; chunk < CHUNKS; ++chunk) {
      run_chunk(&w, &p, &mine, pairs + chunk % KEPT_CHUNKS * OWN, chunk, longest + chunk, &to);
    }
#if MEETS
    come(&together);
#endif
    if (k + 1 < last) { /* on its way while the others arrive */
      take_turn(&p, &buffers, begin, k + 1, reverse);
      FOR_PAIRS(load_input(&pairs[n], &p, unit))
    }
#if MEETS
    complete = await(&together, k - begin);
#else
    MEET_IN_GROUP(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
#endif
  }
}
#endif
