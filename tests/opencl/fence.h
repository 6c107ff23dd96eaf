/* Arrays with pages next to them that nobody may touch, for tests of what is read and written.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_FENCE_H
#define OCLSTM_TESTS_FENCE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fence_side {
  FENCE_BEHIND,   /* the array ends where a page does that must not be touched: so does an access behind it */
  FENCE_IN_FRONT, /* it begins behind one */
  FENCE_ODD_FLOATS, /* it begins one float behind one: at an odd multiple of 4 bytes */
  N_FENCE_SIDES
} fence_side;

/* What of the pages is not the array holds GUARD. */
typedef struct fence {
  char *pages;  /* the first of those that may be touched */
  size_t bytes; /* of those */
  float *at;
  size_t floats;
} fence;

fence make_fence(size_t floats, fence_side side);
/* The same at the address of one that was dropped, FENCE_IN_FRONT: other memory, all GUARD. */
fence make_fence_at(const fence *dropped, size_t floats);
/* From now on, whoever writes there faults. */
void make_read_only(const fence *f);
/* Nothing around the array has been written. */
void assert_fence(const fence *f);
/* Gives the memory back; the address stays reserved, and whoever touches it faults. */
void drop_fence(const fence *f);
/* And the address. */
void free_fence(fence *f);

#endif
