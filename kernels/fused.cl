/* Product and cell of a stage together, a tile of batch rows and units at a time: step.cl and chunk.cl.
 *
 * DEFINE_STAGE(name, KIND_OF_STAGE, ROWS, VECTORS, PANELS) defines
 *
 *   name(p, W, rows, first, first_block, end_block)
 *
 * which runs the stage for ROWS rows of a slice from row `first` on, and PANELS blocks of units from first_block on, less than
 * end_block; W: the stage's panels. A macro for the reason that tile.cl gives.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"
#include "stage.cl"
#include "tile.cl"
#include "tile_amx.cl"

/* Whether any of rows i .. end - 1 has a step p->t. Where none has, the product is not needed. */
INLINE bool is_any_active(const stage *p, slice rows, int i, int end) {
  bool any = false;
  for (; i < end; ++i) {
    any |= is_active(p, batch_row(p, rows, i));
  }
  return any;
}

/* The cells of a tile, from its product. Where a work-item fills a core, one copy of the cell serves all rows: the product
 * waits in the nearest cache, and compiling takes a fraction. Where it is a lane, the product stays in registers. */
#if LANES > 1 || VW == 1
#define FOR_CELLS _Pragma("unroll")
#else
#define FOR_CELLS _Pragma("nounroll")
#endif

#define DEFINE_STAGE(name, KIND_OF_STAGE, ROWS, VECTORS, PANELS)                                                      \
  DEFINE_TILE(name##_product, ROWS, VECTORS, PANELS)                                                                  \
  INLINE void name(const stage *p, __global const stored *W, slice rows, int first, int first_block, int end_block) { \
    floatv a[ROWS][(VECTORS) * (PANELS)];                                                                             \
    size_t row[ROWS];                                                                                                 \
    _Pragma("unroll") for (int r = 0; r < (ROWS); ++r) {                                                              \
      row[r] = (size_t)batch_row(p, rows, first + r) * p->s.lda;                                                      \
    }                                                                                                                 \
    if (is_any_active(p, rows, first, min(first + (ROWS), rows.n))) {                                                 \
      name##_product(a, MULTIPLIED(p, KIND_OF_STAGE), row, W, p->s.K, first_block, end_block);                        \
    }                                                                                                                 \
    floatv copy[(ROWS) * (PANELS) * (VECTORS)];                                                                       \
    _Pragma("unroll") for (int n = 0; n < (BY_MEMORY(ROWS) ? 0 : (ROWS) * (PANELS) * (VECTORS)); ++n) {               \
      copy[n] = a[n / ((PANELS) * (VECTORS))][n % ((PANELS) * (VECTORS))];                                            \
    }                                                                                                                 \
    const floatv *product = BY_MEMORY(ROWS) ? &a[0][0] : copy;                                                        \
    FOR_CELLS for (int n = 0; n < (ROWS) * (PANELS); ++n) {                                                           \
      int r = n / (PANELS);                                                                                           \
      int q = n % (PANELS);                                                                                           \
      if (first + r < rows.n && first_block + q < end_block) {                                                        \
        run_stage(p, KIND_OF_STAGE, product + n * (VECTORS), first + r, batch_row(p, rows, first + r),                \
                  (first_block + q) * BLOCK + (int)get_local_id(0) * VW);                                             \
      }                                                                                                               \
    }                                                                                                                 \
  }
