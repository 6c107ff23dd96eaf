/* Devices that end loops by themselves: how many steps a launch of all steps may have there.
 *
 * llvmpipe, Mesa's driver for CPUs, lets one work-item go through 65,535 turns of loops, all loops of a kernel together, and then
 * leaves them without a word (LP_MAX_TGSI_LOOP_ITERATIONS in Mesa's sources; tests/opencl/test_turns.c counts them). Launches of
 * chunk.cl are divided. In the other kernels one sum over K is nearly all that a work-item does: from K 65,536 on (float16:
 * between 40,000 and 60,000) results were seen to be wrong, so longer ones than are surely right are refused.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/strategies/stage.h"
#include "opencl/strategies/strategy.h"

enum {
  MOST_TURNS = 65535,
  MARGIN = 2,
  OF_A_PRODUCT = 4, /* turns that Mesa leaves of one k: loops that others unroll. 3.2 were counted at H 90 */
  OF_A_TILE = 8,
  OF_A_ROW = 16, /* who has the step, where y goes */
  OF_A_STEP = 128
};

size_t oclstm__most_turns(const oclstm_device_info *device) {
  return strncmp(device->name, "llvmpipe", strlen("llvmpipe")) == 0 ? MOST_TURNS : 0;
}

size_t oclstm__most_depth(const oclstm__cl *cl) {
  return cl->most_turns == 0 ? SIZE_MAX : cl->most_turns / OF_A_PRODUCT;
}

/* Of one stage, or of the input projection: blocks of units, each for all tiles of rows. */
static size_t turns_of_product(const oclstm__cl *cl, size_t vectors, size_t U, size_t K, size_t rows) {
  oclstm__stage s = {.spec = {.vectors = vectors, .U = U, .K = K}, .UP = oclstm__padded_units(U)};
  const size_t blocks = oclstm__unit_blocks(cl, s.UP);
  s.lanes = s.UP / (blocks * cl->vector_width);
  oclstm__tile_shape(cl, &s, rows);
  const size_t tiles = (rows + s.rows - 1) / s.rows;
  return (blocks + s.panels - 1) / s.panels * tiles * OF_A_PRODUCT * (K + OF_A_TILE);
}

static size_t turns_of_step(const oclstm__cl *cl, const oclstm_layer *layer, size_t rows) {
  oclstm__stage_spec stages[OCLSTM__MAX_STAGES];
  const size_t n = oclstm__stages(layer, stages);
  size_t turns =
      OF_A_STEP + OF_A_ROW * rows +
      turns_of_product(cl, oclstm__gates(layer->kind), layer->hidden_size, layer->input_size, rows);
  for (size_t k = 0; k < n; ++k) {
    turns += turns_of_product(cl, stages[k].vectors, stages[k].U, stages[k].K, rows);
  }
  return turns;
}

size_t oclstm__steps_of_launch(const oclstm__cl *cl, const oclstm_layer *layer, size_t rows) {
  return cl->most_turns == 0 ? SIZE_MAX : cl->most_turns / MARGIN / turns_of_step(cl, layer, rows);
}
