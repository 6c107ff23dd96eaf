/* The order in which strategies with tiles of rows take the rows of a batch: longer ones first, so that the rows of a tile end
 * together and the product of a tile without any is left out.
 * SPDX-License-Identifier: MIT */
#include "opencl/plan/rows.h"

/* Whether row a comes behind row b. Equal lengths stay as they are. */
static bool comes_behind(const int32_t *lengths, cl_int a, cl_int b) {
  return lengths[a] != lengths[b] ? lengths[a] < lengths[b] : a > b;
}

/* Lets the element at `at` sink in a heap of n whose top comes behind all others. */
static void sink(const int32_t *lengths, cl_int *heap, size_t at, size_t n) {
  for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && comes_behind(lengths, heap[child + 1], heap[child])) {
      ++child;
    }
    if (!comes_behind(lengths, heap[child], heap[at])) {
      return;
    }
    cl_int swap = heap[child];
    heap[child] = heap[at];
    heap[at] = swap;
    at = child;
  }
}

/* Heapsort: qsort may allocate. */
void oclstm__order_rows(const int32_t *lengths, size_t n, cl_int *order) {
  for (size_t b = 0; b < n; ++b) {
    order[b] = (cl_int)b;
  }
  for (size_t k = n / 2; k > 0 && lengths != NULL; --k) {
    sink(lengths, order, k - 1, n);
  }
  for (size_t k = n; k > 1 && lengths != NULL; --k) {
    cl_int last = order[0];
    order[0] = order[k - 1];
    order[k - 1] = last;
    sink(lengths, order, 0, k - 1);
  }
}
