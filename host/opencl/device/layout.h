/* How weights and states lie on the device.
 *
 * Hidden units are padded to a multiple of 16, so that a vector of VW units never straddles two gates or the end of a
 * row. HP is H padded, RP is R. Gate rows of weights and vectors become [G*HP, ...] with zeros in the padding.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_LAYOUT_H
#define OCLSTM_OPENCL_LAYOUT_H

#include "core/memory.h"
#include "model/model.h"

enum {
  OCLSTM__UNIT_PADDING = 16,
  /* Rows that the input projection multiplies at once, always the same number: CLBlast chooses its kernel by the size of
   * the product, and a row's bits must not depend on how many steps came with it. 256 rows fill a large GPU with
   * W_ih of 4 * 256 columns, and cost a CPU nothing, which has its own product. */
  OCLSTM__ROW_BLOCK = 256
};

static inline size_t oclstm__padded_units(size_t H) {
  return oclstm__round_up(H, OCLSTM__UNIT_PADDING);
}

/* Blocks of H rows of an array [..., columns], from block `first` on, as float32 [blocks*HP, columns]; columns is 1 for
 * a vector. NULL: no memory. */
float *oclstm__pad_blocks(const oclstm_allocator *allocator, const oclstm_array *array, size_t first,
                          size_t blocks, size_t H, size_t columns);

/* Packs W [N, K] for kernels/tile.cl: panels [n_panels][padded K / pair][vectors][block][pair]. Column v*block + u of
 * panel p is row p * panel_stride + v * vector_stride + u of W, zero when that is N or more; elements behind K are zero.
 * By -DPAIRED: pair is 1, 2, 2, 2; K is padded to a multiple of 1, 2, 32, 32.
 * A product takes consecutive rows: panel_stride vectors*block, vector_stride block.
 * A stage takes its gates of a block of units: panel_stride block, vector_stride HP. */
enum { OCLSTM__AMX_DEPTH = 32, OCLSTM__AMX_TERMS = 3 };
typedef struct oclstm__panels {
  size_t N, K, n_panels, vectors, block, panel_stride, vector_stride;
  unsigned paired;
} oclstm__panels;
static inline size_t oclstm__padded_depth(size_t K, unsigned paired) {
  return oclstm__round_up(K, paired == 0 ? 1 : paired == 1 ? 2 : OCLSTM__AMX_DEPTH);
}
static inline size_t oclstm__panels_count(const oclstm__panels *p) {
  return p->n_panels * oclstm__padded_depth(p->K, p->paired) * p->vectors * p->block;
}
void oclstm__pack_panels(const oclstm__panels *panels, const float *W, float *packed);
/* -DPAIRED=3: packed weights, which are float32, as sums of three bfloat16 each, exactly: of every 32 k of a panel all first
 * terms, all second, all third, and in these k and k + 16 side by side. `to` has room for AMX_TERMS times as many. */
void oclstm__split_panels(const oclstm__panels *panels, const float *packed, uint16_t *to);

/* Bytes of an element of what a precision stores: STORAGE of kernels/common.cl. */
static inline size_t oclstm__stored_bytes(oclstm_precision precision) {
  return precision == OCLSTM_PRECISION_F32 ? sizeof(float) : sizeof(uint16_t);
}
/* n floats as they are stored, and back. `to` may be `from`: stored elements are never wider. */
void oclstm__to_stored(oclstm_precision precision, const float *from, size_t n, void *to);
void oclstm__from_stored(oclstm_precision precision, const void *from, size_t n, float *to);

#endif
