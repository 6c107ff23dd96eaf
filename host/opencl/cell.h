/* What a cell's description means on a device: stages, options and parameters of kernels/cell.cl.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_CELL_H
#define OCLSTM_OPENCL_CELL_H

#include "model/model.h"

enum { OCLSTM__MAX_STAGES = 2, OCLSTM__CELL_OPTIONS = 640 };

/* One product of a step and what follows it; see kernels/cell.cl. */
typedef struct oclstm__stage_spec {
  int number;         /* STAGE_ of kernels/cell.cl */
  size_t matrix;      /* offset of W_hh or W_hr in oclstm_weights */
  size_t first_block; /* of its rows, in blocks of U */
  size_t vectors;     /* blocks: gates of this stage */
  size_t U, K;        /* units that come out, elements that go in */
  bool multiplies_h;  /* otherwise what the stage before left in `middle` */
} oclstm__stage_spec;

/* The stages of a step of the layer; returns how many. */
size_t oclstm__stages(const oclstm_layer *layer, oclstm__stage_spec specs[OCLSTM__MAX_STAGES]);
/* Writes the -D options that make kernels/cell.cl this direction's cell at one stage. */
void oclstm__cell_options(const oclstm_layer *layer, size_t direction, const oclstm__stage_spec *spec,
                          char options[OCLSTM__CELL_OPTIONS]);
/* The vectors that belong to units, [rows, HP]: `params` of kernels/cell.cl. NULL: no memory. */
float *oclstm__cell_params(const oclstm_allocator *allocator, const oclstm_layer *layer,
                           const oclstm_weights *weights, size_t *rows);

#endif
