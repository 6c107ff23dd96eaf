/* Types and loads shared by every kernel. The host puts this file in front of each of them.
 *
 * SPDX-License-Identifier: MIT
 *
 * VW is the width of floatv, in units: 1 where a work-item is a lane of its own (GPUs), 4, 8 or 16 where a work-item
 * fills the vector registers of a core (CPUs). It divides the unit padding of 16 (host/opencl/layout.h).
 *
 * STORAGE is how weights, h and the rows between layers are kept: 0 float32, 1 float16, 2 bfloat16. All arithmetic is
 * float32: values are widened when they are loaded and rounded to nearest even when they are stored. float16 goes through
 * vload_half and vstore_half, which need no extension; a bfloat16 is the upper half of a float32.
 *
 * Sums must not depend on how a compiler likes to contract them: every product that is added goes through FMA, which
 * is one fused operation where the device has it in hardware and two rounded ones where it has not.
 */
#pragma OPENCL FP_CONTRACT OFF

#ifndef VW
#define VW 1 /* 1, 4, 8, 16 */
#endif
#ifndef LANES
#define LANES 1 /* work-items of a group, each with its own VW columns: 1 on CPUs; 16, 32, 64 on GPUs */
#endif
#ifndef STORAGE
#define STORAGE 0
#endif

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#if VW == 1
typedef float floatv;
typedef uint uintv;
#define LOADV(p) (*(p))
#define STOREV(v, p) (*(p) = (v))
#define TO_UINTV(v) ((uint)(v))
#define TO_USHORTV(v) ((ushort)(v))
#define AS_FLOATV(v) as_float(v)
#define AS_UINTV(v) as_uint(v)
#define HALF_LOAD(p) vload_half(0, (p))
#define HALF_STORE(v, p) vstore_half_rte((v), 0, (p))
#else
typedef PASTE(float, VW) floatv;
typedef PASTE(uint, VW) uintv;
#define LOADV(p) PASTE(vload, VW)(0, (p))
#define STOREV(v, p) PASTE(vstore, VW)((v), 0, (p))
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
static inline uintv bfloat_bits(floatv v) {
  uintv bits = AS_UINTV(v);
  uintv rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded;
}

#if STORAGE == 1
typedef half stored;
#define LOAD_STORED(p) HALF_LOAD(p)
#define LOAD_ONE(p) vload_half(0, (p))
#define STORE_STORED(v, p) HALF_STORE((v), (p))
#define STORE_ONE(v, p) vstore_half_rte((v), 0, (p))
#elif STORAGE == 2
typedef ushort stored;
#define LOAD_STORED(p) AS_FLOATV(TO_UINTV(LOADV(p)) << 16)
#define LOAD_ONE(p) as_float((uint)(*(p)) << 16)
#define STORE_STORED(v, p) STOREV(TO_USHORTV(bfloat_bits(v)), (p))
static inline void store_one(float v, __global ushort *p) {
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

/* Stores the first n of the VW elements of v: rows of y and of C are dense, their last vector may be partial. */
static inline void store_partial(floatv v, int n, __global float *p) {
  if (n >= VW) {
    STOREV(v, p);
    return;
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)(v, 0, part);
  for (int k = 0; k < n; ++k) {
    p[k] = part[k];
  }
#endif
}

static inline void store_partial_stored(floatv v, int n, __global stored *p) {
  if (n >= VW) {
    STORE_STORED(v, p);
    return;
  }
#if VW > 1
  float part[VW];
  PASTE(vstore, VW)(v, 0, part);
  for (int k = 0; k < n; ++k) {
    STORE_ONE(part[k], p + k);
  }
#endif
}

/* The first n of VW elements, the others 0. */
static inline floatv load_partial_stored(int n, __global const stored *p) {
  if (n >= VW) {
    return LOAD_STORED(p);
  }
#if VW > 1
  float part[VW];
  for (int k = 0; k < VW; ++k) {
    part[k] = k < n ? LOAD_ONE(p + k) : 0.0f;
  }
  return PASTE(vload, VW)(0, part);
#else
  return 0.0f;
#endif
}

/* ---- directions ---- */

/* How y of the two directions becomes one: oclstm_merge in oclstm.h. a: the forward one. */
#define MERGE_CONCAT 0
#define MERGE_SUM 1
#define MERGE_MUL 2
#define MERGED(merge, a, b) \
  ((merge) == MERGE_SUM ? (a) + (b) : (merge) == MERGE_MUL ? (a) * (b) : 0.5f * ((a) + (b)))
