/* What a device can do at most: fused multiply-adds in registers, and reads of memory. For `oclstm bench`, which holds its
 * figures against them.
 *
 *   peak_fma   CHAINS independent chains of n multiply-adds a work-item: 2 * CHAINS * VW * n operations.
 *              Enough chains to hide the latency of the units, few enough to stay in registers.
 *   peak_read  Each group reads its own slice of `blocks` * READS * LANES floatv, `passes` times.
 *   out [work-items] f32  sums, so that nothing can be left out
 *
 * Launch: global = [LANES * groups], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"

#define CHAINS 16
#define READS 8

/* The sum of a vector's elements would need a case for each width; this stores one element of each chain's sum. */
#if VW == 1
#define FIRST(v) (v)
#else
#define FIRST(v) ((v).s0)
#endif

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void peak_fma(__global float *restrict out, float a, float b,
                                                                          int n) {
  floatv chain[CHAINS];
#pragma unroll
  for (int k = 0; k < CHAINS; ++k) {
    chain[k] = (floatv)(b * (float)(k + (int)get_global_id(0)));
  }
  for (int i = 0; i < n; ++i) {
#pragma unroll
    for (int k = 0; k < CHAINS; ++k) {
      chain[k] = FMA(chain[k], (floatv)(a), (floatv)(b));
    }
  }
  floatv sum = chain[0];
#pragma unroll
  for (int k = 1; k < CHAINS; ++k) {
    sum += chain[k];
  }
  out[get_global_id(0)] = FIRST(sum);
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void peak_read(__global float *restrict out,
                                                                           __global const float *restrict from,
                                                                           int blocks, int passes) {
  floatv sum[READS];
  __global const float *slice =
      from + (size_t)get_group_id(0) * blocks * READS * LANES * VW + (size_t)get_local_id(0) * VW;
#pragma unroll
  for (int k = 0; k < READS; ++k) {
    sum[k] = (floatv)(0.0f);
  }
  for (int pass = 0; pass < passes; ++pass) {
    __global const float *p = slice;
    for (int i = 0; i < blocks; ++i) {
#pragma unroll
      for (int k = 0; k < READS; ++k) {
        sum[k] += LOADV(p + (size_t)k * LANES * VW);
      }
      p += (size_t)READS * LANES * VW;
    }
  }
#pragma unroll
  for (int k = 1; k < READS; ++k) {
    sum[0] += sum[k];
  }
  out[get_global_id(0)] = FIRST(sum[0]);
}
