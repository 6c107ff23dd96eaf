/* Whether tile_amx.cl may run here. The device answers for itself: its own processor, its own process. No instruction is tried
 * that might not be there.
 *
 *   answer  [1] i32  out: AMX_SERVES, or what is missing
 *
 * Tiles need the instructions (CPUID leaf 7: EDX bits 22, AMX_BF16, and 24, AMX_TILE), a system that keeps them for a thread
 * (XCR0 bits 17 and 18), and, on Linux, its permission, which arch_prctl gives to the whole process for good:
 * ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA, from Linux 5.16 on.
 *
 * Launch: global = [1], local = [1].
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"
#include "system.cl"

enum { AMX_NO_INSTRUCTIONS, AMX_NOT_KEPT, AMX_NOT_PERMITTED, AMX_SERVES }; /* as in host/opencl/gemm/amx.c */

#if IS_THREAD && defined(__x86_64__)
enum { SYS_ARCH_PRCTL = 158 };

INLINE uint4 cpuid(uint leaf) {
  uint4 r;
  __asm__ volatile("cpuid" : "=a"(r.x), "=b"(r.y), "=c"(r.z), "=d"(r.w) : "0"(leaf), "2"(0));
  return r;
}

INLINE int ask_amx(void) {
  const uint osxsave = 1u << 27;
  const uint instructions = 1u << 22 | 1u << 24;
  const uint kept = 1u << 17 | 1u << 18;
  uint low, high;
  if (cpuid(0).x < 7 || (cpuid(7).w & instructions) != instructions) {
    return AMX_NO_INSTRUCTIONS;
  }
  if ((cpuid(1).z & osxsave) == 0) {
    return AMX_NOT_KEPT;
  }
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & kept) != kept) {
    return AMX_NOT_KEPT;
  }
  return system_call(SYS_ARCH_PRCTL, 0x1023, 18, 0) == 0 ? AMX_SERVES : AMX_NOT_PERMITTED;
}
#else
INLINE int ask_amx(void) {
  return AMX_NO_INSTRUCTIONS;
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void probe_amx(__global int *answer) {
  *answer = ask_amx();
}
