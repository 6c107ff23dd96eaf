/* Tiles, kernels and arguments of a stage: what the strategies share.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_STAGE_H
#define OCLSTM_OPENCL_STAGE_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/strategies/strategy.h"

/* ---- tiles.c: tiles of a stage, for strategies with kernels of their own ---- */

/* Blocks of UP padded units: what work-groups can share. */
size_t oclstm__unit_blocks(const oclstm__cl *cl, size_t UP);
/* Decides rows and panels of the stage's tiles where n batch rows are at hand. */
void oclstm__tile_shape(const oclstm__cl *cl, oclstm__stage *stage, size_t n);
/* Packs W [vectors*UP, K] for kernels/tile.cl into stage->W and decides stage->lanes. */
oclstm_status oclstm__upload_stage(oclstm__cl_plan *plan, oclstm__stage *stage, const float *W,
                                   oclstm_error *error);

/* ---- launch.c: what the strategies share ---- */

/* Makes the kernel of a stage: `name` of kernels/<stem>.cl as the runner's cell, with a tile of `rows` and `lanes`. */
oclstm_status oclstm__stage_kernel(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                   const oclstm__stage *stage, const char *stem, const char *name,
                                   cl_kernel *kernel, oclstm_error *error);
/* Sets all arguments of a stage's kernel but the step: `second` is the product or W; the state goes from its buffers
 * `in` to its buffers `out`. */
oclstm_status oclstm__stage_args(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                 const oclstm__stage *stage, cl_kernel kernel, cl_mem second, unsigned in,
                                 unsigned out, const oclstm__steps *steps, oclstm_error *error);
enum { OCLSTM__STEP_ARG = 14 };
enum { OCLSTM__SPINS = 1 << 24 };
/* Shape argument of kernels/stage.cl; the same members in the same order. */
typedef struct oclstm__step_shape {
  cl_int n, B, U, UP, K, lda, H, HP, gates, y_ld, y_column, cells_ld, cells_column, merge, backwards;
} oclstm__step_shape;
oclstm__step_shape oclstm__shape_of(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                    const oclstm__stage *stage, const oclstm__steps *steps);

#endif
