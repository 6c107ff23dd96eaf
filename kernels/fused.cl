/* Product and cell of a stage together, a tile of batch rows and units at a time: step.cl and chunk.cl.
 *
 * DEFINE_STAGE(name, KIND_OF_STAGE, ROWS, VECTORS, PANELS) defines
 *
 *   name(p, W, first_row, end_row, first_block, end_block)
 *
 * which runs the stage for ROWS batch rows from first_row on, less than end_row, and PANELS blocks of units from first_block
 * on, less than end_block; W: the stage's panels. A macro for the reason that tile.cl gives.
 *
 * SPDX-License-Identifier: MIT
 */

/* Whether any of rows first .. end - 1 has a step p->t. Where none has, the product is not needed. */
INLINE bool is_any_active(const stage *p, int first, int end) {
  bool any = false;
  for (int b = first; b < end; ++b) {
    any |= is_active(p, b);
  }
  return any;
}

#define DEFINE_STAGE(name, KIND_OF_STAGE, ROWS, VECTORS, PANELS)                                                      \
  DEFINE_TILE(name##_product, ROWS, VECTORS, PANELS)                                                                  \
  INLINE void name(const stage *p, __global const stored *W, int first_row, int end_row, int first_block,             \
                   int end_block) {                                                                                   \
    floatv a[ROWS][(VECTORS) * (PANELS)];                                                                             \
    size_t row[ROWS];                                                                                                 \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      row[r] = (size_t)min(first_row + r, end_row - 1) * p->s.lda;                                                    \
    }                                                                                                                 \
    if (is_any_active(p, first_row, min(first_row + (ROWS), end_row))) {                                              \
      name##_product(a, MULTIPLIED(p, KIND_OF_STAGE), row, W, p->s.K, first_block, end_block);                        \
    }                                                                                                                 \
    _Pragma("unroll") for (int n = 0; n < (ROWS) * (PANELS); ++n) {                                                   \
      int r = n / (PANELS);                                                                                           \
      int q = n % (PANELS);                                                                                           \
      if (first_row + r < end_row && first_block + q < end_block) {                                                   \
        run_stage(p, KIND_OF_STAGE, a[r] + q * (VECTORS), first_row + r,                                              \
                  (first_block + q) * BLOCK + (int)get_local_id(0) * VW);                                             \
      }                                                                                                               \
    }                                                                                                                 \
  }
