/* What the device can do at most: fused multiply-adds, matrix instructions, memory.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASM
#define ASM __asm__
#endif
#ifndef VW
#define VW 1
#endif
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#if VW == 1
typedef float floatv;
#define LOADV(p) (*(p))
#define STOREV(v, p) (*(p) = (v))
#else
typedef PASTE(float, VW) floatv;
#define LOADV(p) PASTE(vload, VW)(0, (p))
#define STOREV(v, p) PASTE(vstore, VW)((v), 0, (p))
#endif
enum { CHAINS = 16, WORDS_OF_ITEM = CHAINS * VW };

/* CHAINS independent chains an item, `turns` long: 2 * CHAINS * VW * turns operations. Launch: any. */
__kernel void peak_fma(__global float *x, int turns) {
  __global float *own = x + get_global_id(0) * WORDS_OF_ITEM;
  floatv v[CHAINS], a = (floatv)(x[0]), b = (floatv)(x[1]);
#pragma unroll
  for (int c = 0; c < CHAINS; ++c) {
    v[c] = LOADV(own + c * VW);
  }
  for (int k = 0; k < turns; ++k) {
#pragma unroll
    for (int c = 0; c < CHAINS; ++c) {
      v[c] = fma(v[c], a, b);
    }
  }
#pragma unroll
  for (int c = 0; c < CHAINS; ++c) {
    STOREV(v[c], own + c * VW);
  }
}

/* to[k] = from[k] for n elements of 16 bytes; n is a multiple of the number of items. */
__kernel void copy_words(__global const float4 *restrict from, __global float4 *restrict to, ulong n) {
  for (ulong k = get_global_id(0); k < n; k += get_global_size(0)) {
    to[k] = from[k];
  }
}

/* Reads n elements `turns` times over: from the second cache, when they fit in it. */
__kernel void read_words(__global const float4 *restrict from, __global float *sums, ulong n, int turns) {
  float4 s0 = (float4)(0.0f), s1 = (float4)(0.0f);
  for (int turn = 0; turn < turns; ++turn) {
    for (ulong k = get_global_id(0); k < n; k += 2 * get_global_size(0)) {
      s0 += from[k];
      s1 += from[k + get_global_size(0)];
    }
    s0 *= 0.5f;
  }
  s0 += s1;
  sums[get_global_id(0)] = s0.x + s0.y + s0.z + s0.w;
}

#ifdef MMA
/* CHAINS accumulators a warp; 2 * 16 * 8 * DEPTH * MMA_CHAINS operations a turn and warp. Launch: whole warps. */
enum { MMA_CHAINS = 8 };
__kernel void peak_mma(__global float *x, int turns) {
  uint lane = (uint)get_global_id(0) % 32;
  float d[MMA_CHAINS][4];
  uint a0 = as_uint(x[lane]), a1 = as_uint(x[lane + 32]), a2 = as_uint(x[lane + 64]), a3 = as_uint(x[lane + 96]);
#pragma unroll
  for (int c = 0; c < MMA_CHAINS; ++c) {
    d[c][0] = d[c][1] = d[c][2] = d[c][3] = 0.0f;
  }
  for (int k = 0; k < turns; ++k) {
#pragma unroll
    for (int c = 0; c < MMA_CHAINS; ++c) {
#define DO_MMA(shape)                                                                                       \
  ASM volatile("mma.sync.aligned." shape " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"           \
               : "+f"(d[c][0]), "+f"(d[c][1]), "+f"(d[c][2]), "+f"(d[c][3])                                 \
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(a1), "r"(a2))
#if MMA == 1
      DO_MMA("m16n8k16.row.col.f32.f16.f16.f32");
#elif MMA == 2
      DO_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
#else
      DO_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
#endif
    }
  }
  float sum = 0.0f;
#pragma unroll
  for (int c = 0; c < MMA_CHAINS; ++c) {
    sum += d[c][0] + d[c][1] + d[c][2] + d[c][3];
  }
  x[get_global_id(0)] = sum;
}
#endif
