/* A barrier among work-groups of one launch, for kernels whose groups are resident at the same time (kernels/probe.cl asks the
 * device). OpenCL promises nothing of the kind, so nobody waits for ever: a group that has looked `spins` times in vain
 * calls the meeting off, and every member that has come, or comes later, leaves.
 *
 *   arrived  counts members as they come, never back: meeting number k is complete at members * (k + 1)
 *   stalled  not 0: called off
 *
 * A member can be one meeting ahead of what a member that is leaving has seen, no more; what has been complete is
 * arrived / members.
 *
 * SPDX-License-Identifier: MIT
 */
enum { SYNC_ARRIVED, SYNC_STALLED, SYNC_STALLS, SYNC_WORDS = 16 }; /* words of a meeting place: a cache line of its own */

/* What a group has stored is there for the other groups before what follows. */
#ifdef __NV_CL_C_VERSION
#define DEVICE_FENCE() asm volatile("fence.acq_rel.gpu;" ::: "memory")
#else
#define DEVICE_FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#endif

/* On a CPU, the member that is waited for may be a thread without a processor, even this one: every YIELD_EVERY looks the
 * waiting thread offers its own (sched_yield of the Linux ABI). */
#define YIELD_EVERY 256
INLINE void yield(void) {
#if defined(__x86_64__) && defined(__linux__)
  long result = 24;
  __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
#elif defined(__aarch64__) && defined(__linux__)
  register long number __asm__("x8") = 124;
  register long result __asm__("x0");
  __asm__ volatile("svc 0" : "=r"(result) : "r"(number) : "memory");
#endif
}

/* A look whose processor was given away takes as long as others like. Where there is a counter that goes on meanwhile, as many
 * of its ticks as PATIENCE looks take are enough; elsewhere it stands still. */
#define PATIENCE 256
INLINE ulong ticks(void) {
#if defined(__x86_64__)
  uint low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return ((ulong)high << 32) | low;
#else
  return 0;
#endif
}

/* Whether meeting `number` came about; the same answer for all items of the group. */
INLINE bool meet(volatile __global int *place, int members, int number, int spins, volatile __local int *answer) {
  barrier(CLK_GLOBAL_MEM_FENCE);
  if (get_local_id(0) == 0) {
    int wanted = members * (number + 1);
    DEVICE_FENCE();
    atomic_inc(place + SYNC_ARRIVED);
    ulong until = ticks() + (ulong)spins * PATIENCE;
    for (int n = 0; n < spins && place[SYNC_ARRIVED] < wanted && place[SYNC_STALLED] == 0; ++n) {
      if (n % YIELD_EVERY == YIELD_EVERY - 1) {
        yield();
        n = ticks() > until ? spins - 1 : n;
      }
    }
    if (place[SYNC_ARRIVED] < wanted) {
      place[SYNC_STALLED] = 1;
    }
    *answer = place[SYNC_STALLED] == 0;
    DEVICE_FENCE();
  }
  barrier(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
  return *answer != 0;
}
