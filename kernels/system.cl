/* What a work-group that runs as a thread of a CPU may ask of its system: the system calls of the Linux ABI, the processor's
 * clock. Elsewhere these do nothing.
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"

#ifndef ASSEMBLY
#define ASSEMBLY 1 /* 0: the compiler takes none in kernels of this kind, host/opencl/device/assembly.c */
#endif
#if !ASSEMBLY
#define IS_THREAD 0
#elif defined(__x86_64__) && defined(__linux__)
#define IS_THREAD 1
enum { SYS_YIELD = 24, SYS_SET_AFFINITY = 203, SYS_GET_AFFINITY = 204 };
INLINE long system_call(long number, long first, long second, long third) {
  __asm__ volatile("syscall" : "+a"(number) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
  return number;
}
#elif defined(__aarch64__) && defined(__linux__)
#define IS_THREAD 1
enum { SYS_YIELD = 124, SYS_SET_AFFINITY = 122, SYS_GET_AFFINITY = 123 };
INLINE long system_call(long number, long first, long second, long third) {
  register long call __asm__("x8") = number;
  register long result __asm__("x0") = first;
  register long x1 __asm__("x1") = second;
  register long x2 __asm__("x2") = third;
  __asm__ volatile("svc 0" : "+r"(result) : "r"(call), "r"(x1), "r"(x2) : "memory");
  return result;
}
#else
#define IS_THREAD 0
#endif

/* Offers this thread's processor to others. */
INLINE void yield(void) {
#if IS_THREAD
  system_call(SYS_YIELD, 0, 0, 0);
#endif
}

/* Sends for the line of memory at an address, which this thread is going to write. */
#if IS_THREAD
#define SEND_FOR(pointer) __builtin_prefetch((const void *)(size_t)(pointer), 1)
#else
#define SEND_FOR(pointer)
#endif

/* A counter that goes on while a thread has no processor. */
#if defined(__x86_64__)
#define HAS_CLOCK 1
#else
#define HAS_CLOCK 0
#endif
INLINE ulong ticks(void) {
#if HAS_CLOCK
  return __builtin_readcyclecounter();
#else
  return 0;
#endif
}

/* The number of the processor that this thread is on, -1 where it cannot be told: Linux leaves it where RDTSCP finds it. */
INLINE int processor(void) {
#if IS_THREAD && defined(__x86_64__)
  uint number;
  (void)__builtin_ia32_rdtscp(&number);
  return (int)(number & 0xfff);
#else
  return -1;
#endif
}

/* Moves this thread to one of the processors that it is allowed and that is not in `taken`, if there is any; afterwards it is
 * allowed the same as before. */
enum { MOST_PROCESSORS = 4096, PROCESSOR_WORDS = MOST_PROCESSORS / 64 };
INLINE void leave_for_another(const ulong taken[PROCESSOR_WORDS]) {
#if IS_THREAD
  ulong allowed[PROCESSOR_WORDS], left[PROCESSOR_WORDS], any = 0;
  long bytes = system_call(SYS_GET_AFFINITY, 0, sizeof allowed, (long)allowed);
  for (int k = 0; k < bytes / 8; ++k) {
    left[k] = allowed[k] & ~taken[k];
    any |= left[k];
  }
  if (bytes > 0 && any != 0) {
    system_call(SYS_SET_AFFINITY, 0, bytes, (long)left);
    system_call(SYS_SET_AFFINITY, 0, bytes, (long)allowed);
  }
#endif
}
