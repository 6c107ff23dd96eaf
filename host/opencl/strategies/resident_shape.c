/* How a layer is divided among work-groups that keep W_hh in registers: kernels/resident.cl. docs/gpu.md has the arithmetic.
 * SPDX-License-Identifier: MIT */
#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/strategy.h"

enum {
  MOST_WARPS = 8,
  MMA_CHUNK = 16, /* batch rows: two tiles of the instruction */
  FMA_CHUNK = 8,  /* or half of that where local memory is short */
  UNIT_STEP = 4,  /* units of a group are a multiple: a line of tiles has four gates of so many */
  /* Registers of a work-item, of 255: weights, and all that grows with the shape; ptxas spills beyond. */
  MOST_WEIGHTS = 144,
  MOST_HELD = 210,
  REGISTERS_OF_PAIR = 32, /* what ptxas makes of a pair of unit and batch row: c, h, inputs, addresses */
  LOCAL_BYTES = 48 << 10, /* what NVIDIA gives a group of OpenCL */
  OTHER_LOCAL_BYTES = 64  /* of the kernel, besides sums and tile and a word a chunk */
};

/* ---- shapes ---- */

static size_t divided(size_t n, size_t by) {
  return (n + by - 1) / by;
}

/* Warps and their part of K, of H alone: a row's sum must not depend on how many rows there are. */
static void divide_depth(const oclstm__cl *cl, size_t H, oclstm__resident *s) {
  const size_t step = s->mma ? 32 : 4;
  const size_t least = s->mma ? 32 : 8;
  s->warps = MOST_WARPS;
  while (s->warps > 1 &&
         (s->warps / 2 * least >= H || s->warps * OCLSTM__WARP > cl->base.device.max_work_group)) {
    s->warps /= 2;
  }
  s->depth = oclstm__round_up(divided(H, s->warps), step);
}

size_t oclstm__resident_lines(const oclstm__resident *s, size_t gates) {
  return divided(gates * s->units, s->mma ? 16 : OCLSTM__WARP);
}

static size_t weight_registers(const oclstm__resident *s, size_t gates) {
  return s->mma ? 8 * oclstm__resident_lines(s, gates) * (s->depth / 32)
                : oclstm__resident_lines(s, gates) * s->depth;
}

static size_t local_bytes(const oclstm__resident *s, size_t gates) {
  size_t line =
      s->mma ? 16 * oclstm__resident_lines(s, gates) + 4 : OCLSTM__WARP * oclstm__resident_lines(s, gates);
  size_t tile = s->mma ? (s->twin ? s->warps * OCLSTM__WARP * 6 : 0) : s->chunk * s->warps * s->depth;
  return (s->warps * s->chunk * line + tile + s->chunks) * sizeof(float) + OTHER_LOCAL_BYTES;
}

static size_t held_registers(const oclstm__resident *s, size_t gates) {
  size_t pairs = s->chunks * divided(s->units * s->filled, s->warps * OCLSTM__WARP);
  size_t sums = (s->mma ? 4 : 1) * oclstm__resident_lines(s, gates);
  return weight_registers(s, gates) + REGISTERS_OF_PAIR * pairs + sums;
}

/* Slices of B rows for groups of which s->members share the units. */
static void divide_rows(oclstm__resident *s, size_t groups, size_t B, size_t chunk) {
  s->chunk = chunk;
  s->slices = oclstm__max(oclstm__min(groups / s->members, divided(B, chunk)), 1);
  const size_t rows = divided(B, s->slices);
  s->chunks = divided(rows, chunk);
  s->filled = oclstm__min(rows, chunk);
}

bool oclstm__resident_shape(const oclstm__cl *cl, const oclstm_layer *layer, bool mma, size_t B,
                            size_t groups, size_t members, oclstm__resident *s) {
  const size_t gates = oclstm__gates(layer->kind);
  const size_t UP = oclstm__padded_units(layer->hidden_size);
  const size_t room = oclstm__min((size_t)cl->base.device.local_bytes, LOCAL_BYTES);
  oclstm__stage_spec stages[OCLSTM__MAX_STAGES];
  char text[160];
  *s = (oclstm__resident){.mma = mma, .twin = !oclstm__mma_device(cl, text, sizeof text)};
  if (cl->vector_width > 1 || oclstm__stages(layer, stages) > 1 || layer->layer_norm != OCLSTM_NORM_NONE) {
    return false;
  }
  divide_depth(cl, layer->hidden_size, s);
  s->units = oclstm__min(oclstm__round_up(divided(UP, members), UNIT_STEP), UP);
  s->members = divided(UP, s->units);
  divide_rows(s, groups, B, mma ? MMA_CHUNK : FMA_CHUNK);
  if (!mma && local_bytes(s, gates) > room) {
    divide_rows(s, groups, B, FMA_CHUNK / 2);
  }
  s->ahead = held_registers(s, gates) <= MOST_HELD;
  return s->members <= groups && weight_registers(s, gates) <= MOST_WEIGHTS && local_bytes(s, gates) <= room;
}

bool oclstm__resident_alone(const oclstm__cl *cl, const oclstm_layer *layer) {
  oclstm__resident s;
  return oclstm__resident_shape(cl, layer, false, 1, 1, 1, &s) &&
         oclstm__resident_shape(cl, layer, true, 1, 1, 1, &s);
}

/* Groups for a runner: its part of them, or all where the layer does not fit that. */
static size_t budget(const oclstm__cl_plan *plan, const oclstm__runner *r) {
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const size_t all = oclstm__likely_groups(cl);
  const size_t part = oclstm__part_of_groups(plan, r, all);
  oclstm__resident s;
  return oclstm__resident_shape(cl, r->layer, plan->gemm == &oclstm__gemm_mma, plan->base.desc.rows, part,
                                part, &s)
             ? part
             : all;
}

bool oclstm__resident_divide(const oclstm__cl_plan *plan, const oclstm__runner *r,
                             const oclstm__candidate *way, oclstm__resident *s) {
  const size_t groups = budget(plan, r);
  return oclstm__resident_shape(oclstm__plan_cl(plan), r->layer, plan->gemm == &oclstm__gemm_mma,
                                plan->base.desc.rows, groups,
                                oclstm__max(oclstm__min(way->groups, groups), 1), s);
}

/* One group that needs no meetings where it holds all units; then as many slices as there are chunks of rows, each with as many
 * groups as are left, then half as many, and so on: the more slices, the less each group reads of h in a step. */
size_t oclstm__resident_candidates(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                   oclstm__candidate list[OCLSTM__MAX_OF_STRATEGY]) {
  oclstm__cl *cl = oclstm__plan_cl(plan);
  const size_t B = plan->base.desc.rows;
  const bool mma = plan->gemm == &oclstm__gemm_mma;
  const size_t groups = budget(plan, r);
  oclstm__resident s;
  size_t n = 0;
  size_t slices = oclstm__min(divided(B, mma ? MMA_CHUNK : FMA_CHUNK), groups);
  if (oclstm__resident_shape(cl, r->layer, mma, B, groups, 1, &s)) {
    list[n++] = (oclstm__candidate){.strategy = &oclstm__grid_strategy, .groups = 1};
  }
  for (; slices > 0 && n < OCLSTM__MAX_OF_STRATEGY; slices /= 2) {
    bool fits = oclstm__resident_shape(cl, r->layer, mma, B, groups, groups / slices, &s);
    if (fits && (n == 0 || list[n - 1].groups < s.members)) {
      list[n++] = (oclstm__candidate){.strategy = &oclstm__grid_strategy, .groups = s.members};
    }
  }
  return n;
}

/* ---- weights ---- */

/* Where element k of row `row` of a member's rows of W lies: kernels/resident.cl. */
size_t oclstm__resident_place(const oclstm__resident *s, size_t gates, size_t member, size_t row, size_t k) {
  const size_t warp = member * s->warps + k / s->depth;
  const size_t at = k % s->depth;
  if (s->mma) {
    const size_t tile = warp * oclstm__resident_lines(s, gates) + row / 16;
    const size_t half = (tile * (s->depth / 32) + at / 32) * 2 + at % 8 / 4;
    const size_t lane = row % 8 * 4 + at % 32 / 8;
    return (half * OCLSTM__WARP + lane) * 8 + at % 4 / 2 * 4 + row % 16 / 8 * 2 + k % 2;
  }
  const size_t line = warp * oclstm__resident_lines(s, gates) + row / OCLSTM__WARP;
  return ((line * (s->depth / 4) + at / 4) * OCLSTM__WARP + row % OCLSTM__WARP) * 4 + k % 4;
}
