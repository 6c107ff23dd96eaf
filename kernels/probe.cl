/* Whether the work-groups of a launch are resident at the same time: `members` groups try to meet `rounds` times (sync.cl).
 *
 *   places  [members][SYNC_WORDS] i32  all 0 before; they meet at the first
 *   met     [members]             i32  out: meetings of each group that came about
 *
 * Launch: global = [LANES * members], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"
#include "sync.cl"

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void probe(volatile __global int *places, __global int *met,
                                                                       int members, int rounds, int spins) {
  __local int answer;
  const meeting together = {places, places, (int)get_group_id(0), members, members, spins, &answer};
  int number = 0;
  while (number < rounds && meet(&together, number)) {
    ++number;
  }
  if (get_local_id(0) == 0) {
    met[get_group_id(0)] = number;
  }
}
