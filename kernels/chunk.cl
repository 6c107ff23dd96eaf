/* All steps of a chunk in one launch: strategies rows and grid.
 *
 * The batch rows are dealt out to `slices`, which have nothing to tell each other. A slice belongs to `members`
 * work-groups, which share its units and meet behind every stage of a step (sync.cl). rows has one member a slice, and no
 * meetings.
 *
 * What it reads and writes is named in stage.cl and chunk_product.cl; W is packed as for step_fused, W_second is the second
 * stage's. A launch runs steps number first .. last - 1 of the chunk, in the order of processing. h and c alternate between
 * even and odd, of which the first of these steps reads even. So a step that was not finished, because a meeting was called
 * off, is whole again: `resume` is the number of members of such a launch, and this one, with one member a slice, goes on
 * from what its members had finished and leaves the places as they were before. Each place counts how often that was needed.
 *
 *   sorted  not 0: `order` has longer rows first; those that have a step are then the first ones of a slice
 *   places  [seats][SYNC_WORDS] i32  those of this launch, from first_place on, all 0 before one that is no resumption
 *   company  groups, those of launches beside this one among them, that begin together if they can; 0: at once
 *
 * Launch: global = [LANES * members * slices], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */
#include "chunk_product.cl"
#include "common.cl"
#include "stage.cl"
#include "sync.cl"
#include "system.cl"
#include "tile_amx.cl"

/* Step number k of the chunk, of a launch that began with `first`. */
INLINE void enter_step(stage *p, share *mine, const in_turn *buffers, const step_shape *s, int first, int k, int reverse) {
  p->s = *s;
  take_turn(p, buffers, first, k, reverse);
  mine->turned = (k & 1) != 0;
}

/* A group comes to a meeting when all that it has stored is there: it would wait for every line of y on its way from memory. So
 * lines are sent for FETCHED_STEPS ahead, unless those are many: then steps are long. */
enum { FETCHED_STEPS = 8, FETCHED_ROWS = 4, LINE = 64 / sizeof(stored) };
INLINE void send_for_y(const stage *p, const share *mine, int reverse) {
  int t = reverse ? p->t - FETCHED_STEPS : p->t + FETCHED_STEPS;
  int end = min(mine->end * BLOCK, p->s.U);
  for (int i = 0; i < mine->rows.n && mine->rows.n <= FETCHED_ROWS && t >= 0 && t < p->s.n; ++i) {
    __global stored *y = p->y + ((size_t)t * p->s.B + batch_row(p, mine->rows, i)) * p->s.y_ld + p->s.y_column;
    for (int j = mine->first * BLOCK; j < end; j += LINE) {
      SEND_FOR(y + j);
    }
  }
}

/* Behind a stage: all items of the group, then all members of the slice. */
INLINE bool leave_stage(const meeting *m, int number) {
  if (m->members == 1) {
    MEET_IN_GROUP(CLK_GLOBAL_MEM_FENCE);
    return true;
  }
  return meet(m, number);
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void chunk(
    __global float *gx, __global const stored *W, __global const float *params, __global const int *lengths,
    __global const int *order, __global stored *h_even, __global stored *h_odd, __global float *c_even, __global float *c_odd,
    __global stored *middle, __global float *extra, __global stored *y, __global float *cells, const step_shape s,
    int reverse, __global const stored *W_second, const step_shape second, volatile __global int *places,
    int first_place, int seats, int company, int slices, int members, int first, int last, int spins, int sorted,
    int resume, __global const stored *x, __global const stored *W_in, int I, int ahead) {
  __local int answer;
  int group = (int)get_group_id(0);
  volatile __global int *place = places + (first_place + group / members) * SYNC_WORDS;
  const meeting together = {places, place, first_place + group, seats, members, spins, &answer};
  const in_turn buffers = {{h_even, h_odd}, {c_even, c_odd}};
  share mine = share_of(group, members, slices, s.B, s.UP / BLOCK);
  stage p = {s, 0, gx, params, lengths, order, h_even, h_odd, c_even, c_odd, middle, extra, y, cells};
  int k = first + (resume > 0 ? place[SYNC_ARRIVED] / (resume * STAGES) : 0);
#if INPUT
  size_t most = (size_t)((s.UP / BLOCK + members - 1) / members) * GATES * BLOCK * ahead * ((s.B + slices - 1) / slices);
  projection in = {x, W_in, gx + group * most, I, reverse, sorted, ahead, last, k};
  p.first_unit = mine.first * BLOCK;
  p.own_units = (mine.end - mine.first) * BLOCK;
#endif
  MEET_IN_GROUP(CLK_GLOBAL_MEM_FENCE); /* place was read */
  if (resume > 0 && get_local_id(0) == 0) {
    place[SYNC_STALLS] += k < last;
    place[SYNC_ARRIVED] = 0;
    place[SYNC_STALLED] = 0;
  }
  if (get_local_id(0) == 0) {
    take_seat_in_company(&together, company);
  }
  BEGIN_TILES();
  for (bool complete = true; complete && k < last; ++k) {
    enter_step(&p, &mine, &buffers, &s, first, k, reverse);
    count_rows(&p, &mine, sorted);
#if INPUT
    enter_input(&in, &p, &mine, k);
#endif
    if (members > 1) {
      send_for_y(&p, &mine, reverse);
    }
    run_first(&p, W, &mine);
    complete = leave_stage(&together, STAGES * (k - first));
#if SECOND
    if (complete) {
      share second_share = share_of(group, members, slices, s.B, second.UP / BLOCK);
      second_share.turned = mine.turned;
      second_share.high = mine.high;
      p.s = second;
      run_second(&p, W_second, &second_share);
      complete = leave_stage(&together, STAGES * (k - first) + 1);
    }
#endif
  }
  END_TILES();
  if (get_local_id(0) == 0) {
    leave_seat(&together);
  }
}
