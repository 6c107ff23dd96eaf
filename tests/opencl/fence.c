/* Arrays between pages that nobody may touch, by mmap.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "fence.h"

#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

/* Of no network here a result, and not 0, which is what memory holds that nobody has written. */
static const float GUARD = -54321.0F;

static size_t page_bytes(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t bytes) {
  const size_t page = page_bytes();
  return (bytes + page - 1) / page * page;
}

static void open_pages(fence *f, size_t skip) {
  float *all = (float *)(void *)f->pages;
  assert_int_equal(mprotect(f->pages, f->bytes, PROT_READ | PROT_WRITE), 0);
  f->at = all + skip;
  for (size_t k = 0; k < f->bytes / sizeof *all; ++k) {
    all[k] = GUARD;
  }
}

fence make_fence(size_t floats, fence_side side) {
  const size_t page = page_bytes();
  fence f = {.bytes = whole_pages((floats + 1) * sizeof(float)), .floats = floats};
  char *all = mmap(NULL, f.bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(all != MAP_FAILED);
  f.pages = all + page;
  open_pages(&f, side == FENCE_BEHIND ? f.bytes / sizeof(float) - floats : side == FENCE_ODD_FLOATS);
  return f;
}

fence make_fence_at(const fence *dropped, size_t floats) {
  fence f = {.pages = dropped->pages, .bytes = whole_pages(floats * sizeof(float)), .floats = floats};
  assert_true(f.bytes <= dropped->bytes);
  open_pages(&f, 0);
  return f;
}

void make_read_only(const fence *f) {
  assert_int_equal(mprotect(f->pages, f->bytes, PROT_READ), 0);
}

void assert_fence(const fence *f) {
  const float *all = (const float *)(const void *)f->pages;
  for (size_t k = 0; k < f->bytes / sizeof *all; ++k) {
    if ((&all[k] < f->at || &all[k] >= f->at + f->floats) && all[k] != GUARD) {
      fail_msg("%g was written %td floats from the beginning of an array of %zu", (double)all[k],
               &all[k] - f->at, f->floats);
    }
  }
}

void drop_fence(const fence *f) {
  char *again = mmap(f->pages, f->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  assert_ptr_equal(again, f->pages);
}

void free_fence(fence *f) {
  const size_t page = page_bytes();
  if (f->pages != NULL) {
    assert_int_equal(munmap(f->pages - page, f->bytes + 2 * page), 0);
  }
  *f = (fence){.pages = NULL};
}
