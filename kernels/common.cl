/* Types and loads shared by every kernel. The host puts this file in front of each of them.
 *
 * SPDX-License-Identifier: MIT
 *
 * VW is the width of floatv, in units: 1 where a work-item is a lane of its own (GPUs), 4, 8 or 16 where a work-item
 * fills the vector registers of a core (CPUs). It divides the unit padding of 16 (host/opencl/layout.h).
 *
 * Sums must not depend on how a compiler likes to contract them: every product that is added goes through FMA, which
 * is one fused operation where the device has it in hardware and two rounded ones where it has not.
 */
#pragma OPENCL FP_CONTRACT OFF

#ifndef VW
#define VW 1 /* 1, 4, 8, 16 */
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

#ifdef FP_FAST_FMAF
#define FMA(a, b, c) fma((a), (b), (c))
#else
#define FMA(a, b, c) ((a) * (b) + (c))
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
