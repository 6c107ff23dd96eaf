/* Whether the work-groups of a launch are resident at the same time: `members` groups try to meet `rounds` times (sync.cl).
 *
 *   place  [SYNC_WORDS] i32  all 0 before
 *   met    [members]    i32  out: meetings of each group that came about
 *
 * Launch: global = [LANES * members], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void probe(volatile __global int *place, __global int *met,
                                                                       int members, int rounds, int spins) {
  __local int answer;
  int number = 0;
  while (number < rounds && meet(place, members, number, spins, &answer)) {
    ++number;
  }
  if (get_local_id(0) == 0) {
    met[get_group_id(0)] = number;
  }
}
