/* Types, loads and stores of every kernel.
 *
 * SPDX-License-Identifier: MIT
 *
 * VW is the width of floatv, in units: 1 where a work-item is a lane of its own (GPUs), 4, 8 or 16 where a work-item
 * fills the vector registers of a core (CPUs). It divides the unit padding of 16 (host/opencl/device/layout.h).
 *
 * STORAGE is how weights, h and the rows between layers are kept: 0 float32, 1 float16, 2 bfloat16. All arithmetic is
 * float32: values are widened when they are loaded and rounded to nearest even when they are stored. float16 goes through
 * vload_half and vstore_half, which need no extension; a bfloat16 is the upper half of a float32.
 *
 * Sums must not depend on how a compiler likes to contract them: every product that is added goes through FMA, which
 * is one fused operation where the device has it in hardware and two rounded ones where it has not.
 */
#pragma once
#pragma OPENCL FP_CONTRACT OFF

#ifndef VW
#define VW 1 /* 1, 4, 8, 16 */
#endif
#ifndef LANES
#define LANES 1 /* work-items of a group, each with its own VW columns: 1 on CPUs; 16, 32, 64 on GPUs */
#endif
#define BLOCK (LANES * VW) /* columns of a vector, over the work-items of a group */
#ifndef STORAGE
#define STORAGE 0
#endif

/* Everything is one kernel in the end: constants that are arguments must become constants. */
#define INLINE static inline __attribute__((always_inline))

/* All items of a group have come here. One alone has nobody to wait for; kernels without barriers compile in half the time. */
#if LANES == 1
#define MEET_IN_GROUP(fence) mem_fence(fence)
#else
#define MEET_IN_GROUP(fence) barrier(fence)
#endif

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#if VW == 1
typedef float floatv;
typedef uint uintv;
#define LOADV(p) (*(p))
#define STOREV(v, p) (*(p) = (v))
#define LOAD_USHORTV(p) (*(p))
#define STORE_USHORTV(v, p) (*(p) = (v))
#define TO_UINTV(v) ((uint)(v))
#define TO_USHORTV(v) ((ushort)(v))
#define AS_FLOATV(v) as_float(v)
#define AS_UINTV(v) as_uint(v)
#define HALF_LOAD(p) vload_half(0, (p))
#define HALF_STORE(v, p) vstore_half_rte((v), 0, (p))
#else
typedef PASTE(float, VW) floatv;
typedef PASTE(uint, VW) uintv;
/* From and to global memory. One access of the whole vector, where some compilers make four of vload and vstore. */
typedef floatv floatv_at __attribute__((aligned(4)));
#define LOADV(p) (*(__global const floatv_at *)(p))
#define STOREV(v, p) (*(__global floatv_at *)(p) = (v))
typedef PASTE(ushort, VW) ushortv_at __attribute__((aligned(2)));
#define LOAD_USHORTV(p) (*(__global const ushortv_at *)(p))
#define STORE_USHORTV(v, p) (*(__global ushortv_at *)(p) = (v))
#define TO_UINTV(v) PASTE(convert_uint, VW)(v)
#define TO_USHORTV(v) PASTE(convert_ushort, VW)(v)
#define AS_FLOATV(v) PASTE(as_float, VW)(v)
#define AS_UINTV(v) PASTE(as_uint, VW)(v)
#define HALF_LOAD(p) PASTE(vload_half, VW)(0, (p))
#define HALF_STORE(v, p) PASTE(PASTE(vstore_half, VW), _rte)((v), 0, (p))
#endif

/* PoCL 3.1 says only through its compiler's own macros what the processor can do. */
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) fma((a), (b), (c))
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

/* ---- storage ---- */

/* A NaN keeps its sign and becomes quiet: rounding could carry it into an infinity. */
INLINE uintv bfloat_bits(floatv v) {
  uintv bits = AS_UINTV(v);
  uintv rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded;
}

#if STORAGE == 1
typedef half stored;
#if VW == 16 && defined(__AVX512F__)
/* PoCL 3.1 converts halves one by one and by arithmetic. The processor has an instruction for 16. */
enum { AS_IT_IS = 4, TO_NEAREST_EVEN = 0, ALL_16 = 0xffff };
INLINE float16 load_half16(__global const half *p) {
  short16 bits = as_short16(*(__global const ushortv_at *)p);
  return __builtin_ia32_vcvtph2ps512_mask(bits, (float16)(0.0f), ALL_16, AS_IT_IS);
}
INLINE float load_half(__global const half *p) {
  float4 v = __builtin_ia32_vcvtph2ps((short8)(*(__global const short *)p));
  return v.x;
}
INLINE void store_half16(float16 v, __global half *p) {
  short16 bits = __builtin_ia32_vcvtps2ph512_mask(v, TO_NEAREST_EVEN, (short16)(0), ALL_16);
  *(__global ushortv_at *)p = as_ushort16(bits);
}
#define LOAD_STORED(p) load_half16(p)
#define LOAD_ONE(p) load_half(p)
#define STORE_STORED(v, p) store_half16((v), (p))
#else
#define LOAD_STORED(p) HALF_LOAD(p)
#define LOAD_ONE(p) vload_half(0, (p))
#define STORE_STORED(v, p) HALF_STORE((v), (p))
#endif
#define STORE_ONE(v, p) vstore_half_rte((v), 0, (p))
#elif STORAGE == 2
typedef ushort stored;
#define LOAD_STORED(p) AS_FLOATV(TO_UINTV(LOAD_USHORTV(p)) << 16)
#define LOAD_ONE(p) as_float((uint)(*(p)) << 16)
#define STORE_STORED(v, p) STORE_USHORTV(TO_USHORTV(bfloat_bits(v)), (p))
INLINE void store_one(float v, __global ushort *p) {
  uint bits = as_uint(v);
  *p = (ushort)(isnan(v) ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
#define STORE_ONE(v, p) store_one((v), (p))
#else
typedef float stored;
#define LOAD_STORED(p) LOADV(p)
#define LOAD_ONE(p) (*(p))
#define STORE_STORED(v, p) STOREV((v), (p))
#define STORE_ONE(v, p) (*(p) = (v))
#endif

/* A loop that ends before VW: vectors of it, and copies, are never run and take most of what compiling takes. */
#define FEW_TIMES _Pragma("clang loop vectorize(disable) unroll(disable)")

/* Stores the first n of the VW elements of v: rows of y and of C are dense, their last vector may be partial. */
INLINE void store_partial(floatv v, int n, __global float *p) {
  if (n >= VW) {
    STOREV(v, p);
    return;
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)(v, 0, part);
  FEW_TIMES for (int k = 0; k < n; ++k) {
    p[k] = part[k];
  }
#endif
}

INLINE void store_partial_stored(floatv v, int n, __global stored *p) {
  if (n >= VW) {
    STORE_STORED(v, p);
    return;
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)(v, 0, part);
  FEW_TIMES for (int k = 0; k < n; ++k) {
    STORE_ONE(part[k], p + k);
  }
#endif
}

/* The first n of VW elements, the others 0. */
INLINE floatv load_partial(int n, __global const float *p) {
  if (n >= VW) {
    return LOADV(p);
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)((floatv)(0.0f), 0, part);
  FEW_TIMES for (int k = 0; k < n; ++k) {
    part[k] = p[k];
  }
  return PASTE(vload, VW)(0, part);
#else
  return 0.0f;
#endif
}

INLINE floatv load_partial_stored(int n, __global const stored *p) {
  if (n >= VW) {
    return LOAD_STORED(p);
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)((floatv)(0.0f), 0, part);
  FEW_TIMES for (int k = 0; k < n; ++k) {
    part[k] = LOAD_ONE(p + k);
  }
  return PASTE(vload, VW)(0, part);
#else
  return 0.0f;
#endif
}

/* ---- directions ---- */

/* How y of the two directions becomes one: oclstm_merge in oclstm_layer.h. a: the forward one. */
#define MERGE_CONCAT 0
#define MERGE_SUM 1
#define MERGE_MUL 2
#define MERGED(merge, a, b) \
  ((merge) == MERGE_SUM ? (a) + (b) : (merge) == MERGE_MUL ? (a) * (b) : 0.5f * ((a) + (b)))
