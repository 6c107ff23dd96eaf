/* A barrier among work-groups of one launch, for kernels whose groups are resident at the same time (kernels/probe.cl asks the
 * device). OpenCL promises nothing of the kind, so nobody waits for ever: a group that has looked `spins` times in vain
 * calls the meeting off, and every member that has come, or comes later, leaves.
 *
 * Meeting place number p, of the members of slice p:
 *
 *   arrived  counts members as they come, never back: meeting number k is complete at members * (k + 1)
 *   stalled  not 0: called off
 *   seat     nothing of the slice's: of the group whose seat it is, 1 + the processor it was last seen on; 0: none;
 *            ON_THE_WAY: to another one
 *
 * Launches that run side by side have places of their own, and know all seats.
 *
 * A member can be one meeting ahead of what a member that is leaving has seen, no more; what has been complete is
 * arrived / members.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"
#include "system.cl"

/* Words of a meeting place: a cache line of its own. */
enum { SYNC_ARRIVED, SYNC_STALLED, SYNC_STALLS, SYNC_SEAT, SYNC_WORDS = 16, ON_THE_WAY = -1 };

typedef struct meeting {
  volatile __global int *places, *place; /* all of them; the one of this group's slice */
  int seat, seats;                       /* number of this group's; how many there are */
  int members, spins;
  volatile __local int *answer;
} meeting;

/* What a group has stored is there for the other groups before what follows. */
#ifdef __NV_CL_C_VERSION
#define DEVICE_FENCE() asm volatile("fence.acq_rel.gpu;" ::: "memory")
#else
#define DEVICE_FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#endif

/* On a CPU, the member that is waited for may be a thread without a processor, even this one: every YIELD_EVERY looks the
 * waiting thread offers its own. A look whose processor was given away takes as long as others like, another one some
 * nanoseconds; where there is a clock, PATIENCE of its ticks are what a look stands for. */
#define YIELD_EVERY 256
#define PATIENCE 256
#define COMPANY_TICKS 100000

/* Takes this group's seat. How many of the first n are taken; *shared: one of them by somebody else on this processor. */
INLINE int look_at_seats(const meeting *m, int n, bool *shared) {
  int here = 1 + processor();
  int taken = 0;
  m->places[m->seat * SYNC_WORDS + SYNC_SEAT] = here;
  *shared = false;
  for (int k = 0; k < n; ++k) {
    int seat = m->places[k * SYNC_WORDS + SYNC_SEAT];
    taken += seat != 0;
    *shared |= here > 0 && k != m->seat && seat == here;
  }
  return taken;
}

/* To a processor that is at nobody's seat. */
INLINE void leave_shared_seat(const meeting *m) {
  ulong taken[PROCESSOR_WORDS] = {0};
  for (int k = 0; k < m->seats; ++k) {
    int seat = m->places[k * SYNC_WORDS + SYNC_SEAT] - 1;
    if (seat >= 0) {
      taken[seat / 64] |= 1ul << seat % 64;
    }
  }
  m->places[m->seat * SYNC_WORDS + SYNC_SEAT] = ON_THE_WAY;
  leave_for_another(taken);
  m->places[m->seat * SYNC_WORDS + SYNC_SEAT] = 1 + processor();
}

/* Two threads on one processor take turns, three times as slow as side by side, and the system leaves them so for longer than
 * a launch takes. The one with the later seat goes where none of the others is. */
INLINE void take_own_seat(const meeting *m) {
  bool shared = false;
  if (IS_THREAD) {
    (void)look_at_seats(m, m->seat, &shared);
  }
  if (shared) {
    leave_shared_seat(m);
  }
}

/* At the beginning of launches whose groups do not meet: a seat, and looks until `company` seats are taken. On one processor the
 * one that runs is the one that can leave. Some may not come: COMPANY_TICKS are enough for a thread to be woken. */
INLINE void take_seat_in_company(const meeting *m, int company) {
  ulong since = ticks();
  bool shared = false;
  take_own_seat(m);
  while (HAS_CLOCK && look_at_seats(m, m->seats, &shared) < company && ticks() - since < COMPANY_TICKS) {
    yield();
  }
  if (shared) {
    leave_shared_seat(m);
  }
}

/* At the end of a launch. */
INLINE void leave_seat(const meeting *m) {
  m->places[m->seat * SYNC_WORDS + SYNC_SEAT] = 0;
}

/* Whether all members have come to meeting `number`, once this group has looked long enough. */
INLINE bool wait_for_members(const meeting *m, int number) {
  int wanted = m->members * (number + 1);
  ulong since = ticks();
  for (int n = 0; n < m->spins && m->place[SYNC_ARRIVED] < wanted && m->place[SYNC_STALLED] == 0; ++n) {
    if (n % YIELD_EVERY == YIELD_EVERY - 1) {
      take_own_seat(m);
      yield();
      n = HAS_CLOCK ? (int)min((ticks() - since) / PATIENCE, (ulong)m->spins) / YIELD_EVERY * YIELD_EVERY : n;
    }
  }
  return m->place[SYNC_ARRIVED] >= wanted;
}

/* This group comes to a meeting: what its items have stored so far is there for whoever has seen that all came. */
INLINE void come(const meeting *m) {
  MEET_IN_GROUP(CLK_GLOBAL_MEM_FENCE);
  if (get_local_id(0) == 0) {
    DEVICE_FENCE();
    atomic_inc(m->place + SYNC_ARRIVED);
  }
}

/* Whether meeting `number`, to which this group has come, came about; the same answer for all items of the group. */
INLINE bool await(const meeting *m, int number) {
  if (get_local_id(0) == 0) {
    if (!wait_for_members(m, number)) {
      m->place[SYNC_STALLED] = 1;
    }
    *m->answer = m->place[SYNC_STALLED] == 0;
    DEVICE_FENCE();
  }
  MEET_IN_GROUP(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
  return *m->answer != 0;
}

INLINE bool meet(const meeting *m, int number) {
  come(m);
  return await(m, number);
}
