/* The matrix instruction of NVIDIA GPUs for elements of 16 bits, and its plain twin: gemm_mma.cl and resident.cl.
 *
 * PTX 1 uses the instruction (compute capability 8.0). PTX 0 is the twin: lanes exchange their registers through local
 * memory and do the same sums, so that all that is around the instruction can be tried on any device.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"

#ifndef PTX
#define PTX 0
#endif

/* One element in the lower 16 bits. */
INLINE float widen(uint bits) {
#if STORAGE == 1
  ushort one = (ushort)(bits & 0xffffu);
  return vload_half(0, (const __private half *)&one);
#else
  return as_float(bits << 16);
#endif
}

/* d + the two products of a word of A and a word of W, the lower first. */
INLINE float add_pair(float d, uint a, uint w) {
  return FMA(widen(a >> 16), widen(w >> 16), FMA(widen(a & 0xffffu), widen(w & 0xffffu), d));
}

/* The lower n of 8 elements, the others 0. */
INLINE uint4 first_of(uint4 words, int n) {
  uint4 from = (uint4)(0, 2, 4, 6);
  uint4 kept = (uint4)((uint)max(n, 0));
  uint4 lower = kept > from ? (uint4)(0xffffu) : (uint4)(0u);
  uint4 upper = kept > from + 1u ? (uint4)(0xffff0000u) : (uint4)(0u);
  return words & (lower | upper);
}

/* d += 16 by 16 of A times 16 by 8 of W. Lane 4 g + t holds rows g and g + 8 of A, columns 2 t, 2 t + 1 and those 8 further
 * on, as a.x (g), a.y (g + 8), a.z (g, further), a.w (g + 8, further); of W row g, the same columns, as b0 and b1; of the
 * sums rows g (d[0], d[1]) and g + 8 (d[2], d[3]), columns 2 t and 2 t + 1. PTX ISA, "Matrix Fragments for mma.m16n8k16".
 * exchange: 6 words an item, for the twin. */
#define EXCHANGE_WORDS 6
#if PTX
INLINE void mma(float d[4], uint4 a, uint b0, uint b1, __local uint *exchange) {
#if STORAGE == 1
  __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#else
  __asm__ volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#endif
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                   : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}
#else
INLINE void mma(float d[4], uint4 a, uint b0, uint b1, __local uint *exchange) {
  uint item = (uint)get_local_id(0), lane = item % 32, warp = item - lane, g = lane / 4, t = lane % 4;
  __local uint *own = exchange + item * EXCHANGE_WORDS;
  own[0] = a.x;
  own[1] = a.y;
  own[2] = a.z;
  own[3] = a.w;
  own[4] = b0;
  own[5] = b1;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int further = 0; further < 2; ++further) {
    for (uint s = 0; s < 4; ++s) {
      __local const uint *from_A = exchange + (warp + g * 4 + s) * EXCHANGE_WORDS + 2 * further;
      uint w0 = exchange[(warp + (2 * t) * 4 + s) * EXCHANGE_WORDS + 4 + further];
      uint w1 = exchange[(warp + (2 * t + 1) * 4 + s) * EXCHANGE_WORDS + 4 + further];
      d[0] = add_pair(d[0], from_A[0], w0);
      d[1] = add_pair(d[1], from_A[0], w1);
      d[2] = add_pair(d[2], from_A[1], w0);
      d[3] = add_pair(d[3], from_A[1], w1);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}
#endif

/* Loops around a product: the twin has barriers in it, and compilers for CPUs double a kernel at each. */
#if PTX
#define UNROLL_MMA _Pragma("unroll")
#else
#define UNROLL_MMA _Pragma("nounroll")
#endif
