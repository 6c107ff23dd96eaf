/* Steps of groups that exchange words and wait for each other once a step, in three ways and three kinds of access.
 *
 *   KIND 0  a counter: every group adds 1, and polls until all have
 *        1  a flag a group, polled in parallel: a work-item a flag
 *        2  no flag: a word travels with the number of its step, and is polled itself
 *   ACCESS 0 volatile   1 atomic functions   2 PTX: ld.acquire.gpu, red.release.gpu, st.release.gpu
 *
 *   sync   u32: counter at [0], flags from [64] on; zeros before
 *   words  KIND 0, 1: u32 [2][groups * n_words]; KIND 2: u64 with the step above and the word below
 *   report u32: [0] groups that gave up, [1] words that were wrong
 *
 * Every word of every group is read in every step by every group, and compared: a barrier that lets old words through
 * shows. Two halves of `words` suffice: who writes step s + 2 has seen all groups write s + 1, behind their reading of s.
 * Launch: global = groups * items, local = items.
 *
 * SPDX-License-Identifier: MIT */
#if KIND == 2 && ACCESS == 1
#pragma OPENCL EXTENSION cl_khr_int64_extended_atomics : enable
#endif
#ifndef ASM
#define ASM __asm__
#endif
#ifndef CLOBBER
#define CLOBBER : "memory"
#endif
enum { COUNTER = 0, FLAGS = 64 };

#if ACCESS == 0
#define LOAD(p) (*(volatile __global uint *)(p))
#define STORE(p, v) (*(volatile __global uint *)(p) = (v))
#define LOAD_FLAG(p) LOAD(p)
#define STORE_FLAG(p, v) STORE(p, v)
#define ARRIVE(p) ((void)atomic_inc(p))
#define LOAD_PAIR(p) (*(volatile __global ulong *)(p))
#define STORE_PAIR(p, v) (*(volatile __global ulong *)(p) = (v))
#define FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#elif ACCESS == 1
#define LOAD(p) (*(volatile __global uint *)(p))
#define STORE(p, v) (*(volatile __global uint *)(p) = (v))
#define LOAD_FLAG(p) atomic_or((p), 0u)
#define STORE_FLAG(p, v) ((void)atomic_xchg((p), (v)))
#define ARRIVE(p) ((void)atomic_inc(p))
#define LOAD_PAIR(p) atom_or((p), 0ul)
#define STORE_PAIR(p, v) ((void)atom_xchg((p), (v)))
#define FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#else
static inline uint ptx_load(__global uint *p) {
  uint v;
  ASM volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(p) CLOBBER);
  return v;
}
static inline uint ptx_acquire(__global uint *p) {
  uint v;
  ASM volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(p) CLOBBER);
  return v;
}
static inline void ptx_store(__global uint *p, uint v) {
  ASM volatile("st.relaxed.gpu.global.u32 [%0], %1;" : : "l"(p), "r"(v) CLOBBER);
}
static inline void ptx_release(__global uint *p, uint v) {
  ASM volatile("st.release.gpu.global.u32 [%0], %1;" : : "l"(p), "r"(v) CLOBBER);
}
static inline void ptx_arrive(__global uint *p) {
  ASM volatile("red.release.gpu.global.add.u32 [%0], 1;" : : "l"(p) CLOBBER);
}
static inline ulong ptx_load_pair(__global ulong *p) {
  ulong v;
  ASM volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(v) : "l"(p) CLOBBER);
  return v;
}
static inline void ptx_store_pair(__global ulong *p, ulong v) {
  ASM volatile("st.relaxed.gpu.global.u64 [%0], %1;" : : "l"(p), "l"(v) CLOBBER);
}
#define LOAD(p) ptx_load(p)
#define STORE(p, v) ptx_store((p), (v))
#define LOAD_FLAG(p) ptx_acquire(p)
#define STORE_FLAG(p, v) ptx_release((p), (v))
#define ARRIVE(p) ptx_arrive(p)
#define LOAD_PAIR(p) ptx_load_pair(p)
#define STORE_PAIR(p, v) ptx_store_pair((p), (v))
#define FENCE() /* the release and the acquire order what the group's barrier has gathered */
#endif

static inline uint expected(uint step, uint k) {
  return step * 2654435761u + k * 40503u;
}

#if KIND == 2
typedef ulong word;
static inline void publish(__global word *half_of_step, uint k, uint step) {
  STORE_PAIR(half_of_step + k, ((ulong)step << 32) | expected(step, k));
}
#else
typedef uint word;
static inline void publish(__global word *half_of_step, uint k, uint step) {
  STORE(half_of_step + k, expected(step, k));
}
#endif

/* Whether everybody came before the looks ran out; the group's barrier stands behind it. */
static inline bool arrive_and_wait(__global uint *sync, uint step, uint groups, uint polls) {
  bool came = true;
#if KIND == 0
  if (get_local_id(0) == 0) {
    uint left = polls;
    FENCE();
    ARRIVE(&sync[COUNTER]);
    while (left > 0 && LOAD_FLAG(&sync[COUNTER]) < step * groups) {
      --left;
    }
    FENCE();
    came = left > 0;
  }
#elif KIND == 1
  if (get_local_id(0) == 0) {
    FENCE();
    STORE_FLAG(&sync[FLAGS + get_group_id(0)], step);
  }
  for (uint g = (uint)get_local_id(0); g < groups; g += (uint)get_local_size(0)) {
    uint left = polls;
    while (left > 0 && LOAD_FLAG(&sync[FLAGS + g]) < step) {
      --left;
    }
    came = came && left > 0;
  }
  FENCE();
#endif
  return came;
}

/* Reads all words of a step; how many were wrong. */
static inline uint consume(__global word *half_of_step, uint n, uint step, uint polls, bool *came) {
  uint wrong = 0;
  for (uint k = (uint)get_local_id(0); k < n; k += (uint)get_local_size(0)) {
#if KIND == 2
    uint left = polls;
    ulong pair = LOAD_PAIR(half_of_step + k);
    while (left > 0 && (uint)(pair >> 32) < step) {
      pair = LOAD_PAIR(half_of_step + k);
      --left;
    }
    *came = *came && left > 0;
    wrong += (uint)pair != expected(step, k);
#else
    wrong += LOAD(half_of_step + k) != expected(step, k);
#endif
  }
  return wrong;
}

__kernel void barrier_steps(__global uint *sync, __global word *words, uint n_words, uint steps, uint polls,
                            __global uint *report) {
  __local uint given_up;
  uint groups = (uint)get_num_groups(0), n = groups * n_words, wrong = 0;
  uint own = (uint)get_group_id(0) * n_words;
  if (get_local_id(0) == 0) {
    given_up = 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint step = 1; step <= steps; ++step) {
    __global word *half_of_step = words + (step & 1u) * n;
    bool came = true;
    for (uint k = (uint)get_local_id(0); k < n_words; k += (uint)get_local_size(0)) {
      publish(half_of_step, own + k, step);
    }
#if KIND != 2
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    came = arrive_and_wait(sync, step, groups, polls);
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
#endif
    wrong += consume(half_of_step, n, step, polls, &came);
    if (!came) {
      given_up = 1;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (given_up) {
      break;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (get_local_id(0) == 0 && given_up) {
    atomic_inc(&report[0]);
  }
  if (wrong > 0) {
    atomic_add(&report[1], wrong);
  }
}
