/* Do all groups of a launch run at the same time? Each arrives and waits, no longer than `polls` looks, for the others.
 *
 *   state[0]  groups that have arrived        state[1]  groups that gave up
 *   values    [items * LIVE] f32, held in registers meanwhile; sums [groups * items]
 *
 * Launch: global = groups * items, local = items; `words` words of local memory a group.
 *
 * SPDX-License-Identifier: MIT */
#ifndef LIVE
#define LIVE 1
#endif
#ifndef PAUSE
#define PAUSE 0 /* turns of nothing between two looks: on a CPU, looks of several cores hinder each other */
#endif
__kernel void coresidency(__global uint *state, uint groups, uint polls, __global float *values, __global float *sums,
                          __local uint *words, uint n_words) {
  float live[LIVE];
  uint lane = (uint)get_local_id(0), items = (uint)get_local_size(0);
#pragma unroll
  for (int k = 0; k < LIVE; ++k) {
    live[k] = values[k * items + lane];
  }
  for (uint k = lane; k < n_words; k += items) {
    words[k] = k;
  }
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  if (lane == 0) {
    uint left = polls;
    atomic_inc(&state[0]);
    while (left > 0 && atomic_or(&state[0], 0u) < groups) {
      for (volatile uint turn = 0; turn < PAUSE; ++turn) {
      }
      --left;
    }
    if (left == 0) {
      atomic_inc(&state[1]);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  float sum = (float)words[(lane * 37u) % n_words];
#pragma unroll
  for (int k = 0; k < LIVE; ++k) {
    sum += live[k] * (float)(k + 1);
  }
  sums[get_global_id(0)] = sum;
}
