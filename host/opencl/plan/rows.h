/* Rows of a batch: from the caller's layout to ours and back, and their order by length.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_ROWS_H
#define OCLSTM_OPENCL_ROWS_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"

/* ---- rows.c: between the caller's layout and ours ---- */

/* Places in our rows of `ld` elements: from column `column` on, merged with what is there unless CONCAT. */
typedef struct oclstm__columns {
  cl_mem mem;
  size_t ld, column;
  oclstm_merge merge;
} oclstm__columns;
/* Rows of `width` floats from a caller's buffer, from float `first` on. */
oclstm_status oclstm__cl_pack(oclstm__cl_plan *plan, cl_mem from, size_t first, oclstm_layout layout,
                              size_t steps, size_t width, oclstm__columns to, oclstm_error *error);
/* Rows of the embedding by the ids in a caller's buffer, to `to`, the input of the first layer. */
oclstm_status oclstm__cl_gather(oclstm__cl_plan *plan, cl_mem ids, size_t first, oclstm_layout layout,
                                size_t steps, cl_mem to, oclstm_error *error);
oclstm_status oclstm__cl_unpack(oclstm__cl_plan *plan, oclstm__rows from, cl_mem to, size_t first,
                                oclstm_layout layout, size_t steps, size_t width, oclstm_error *error);
/* Whether the caller's floats in this layout are laid out as ours. */
bool oclstm__as_inside(const oclstm__cl_plan *plan, oclstm_layout layout);
/* A kernel over rows of `width` elements, rows.cl's kind. */
oclstm_status oclstm__cl_items(const oclstm__cl_plan *plan, cl_kernel kernel, const oclstm__arg *args,
                               size_t n_args, size_t rows, size_t width, oclstm_error *error);

/* ---- order.c ---- */
/* The numbers of n rows, longer ones first; as they come where lengths is NULL. */
void oclstm__order_rows(const int32_t *lengths, size_t n, cl_int *order);

#endif
