/* What a strategy does for a plan, and which of them serves what.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_STRATEGY_H
#define OCLSTM_OPENCL_STRATEGY_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"

/* The steps of one direction of one layer over a chunk. */
typedef struct oclstm__steps {
  size_t n;
  size_t first, last; /* rows, grid: numbers, in the order of processing, of those to run; others run all */
  oclstm__turn turn;  /* rows, grid: as of all their launches together; others run in order */
  size_t beside;      /* work-groups in other lanes that begin when these do */
  bool alone; /* rows, grid: on all groups that the device runs at the same time, not on the runner's part */
  bool reverse; /* from step n-1 down to 0 */
  oclstm__cell_state *state;
  cl_mem y; /* [n*B, y_ld] stored, columns from y_column on */
  size_t y_ld, y_column;
  oclstm_merge merge;            /* with what is in y; CONCAT: written over */
  cl_mem x;                      /* [n*B, I] stored */
  size_t cells_ld, cells_column; /* in plan->cells, where runner->cells */
} oclstm__steps;

struct oclstm__strategy {
  oclstm_strategy id;
  const char *name;
  /* Lists ways to run a runner whose stages have their specs, the likeliest first: what prepare finds in runner->choice.
   * The first is taken where nothing is measured. Returns how many, 1 at least. NULL: there is one, and nothing to say of it. */
  size_t (*candidates)(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                       oclstm__candidate list[OCLSTM__MAX_OF_STRATEGY]);
  /* Kernels that a chunk of `steps` enqueues. */
  size_t (*launches)(const oclstm__runner *runner, size_t steps);
  /* Packs W_ih [gates*HP, I] for a strategy that makes the input projection itself on this device; NULL: none does. */
  oclstm_status (*prepare_input)(oclstm__cl_plan *plan, oclstm__runner *runner, const float *W_ih,
                                 oclstm_error *error);
  /* Packs W [vectors*UP, K] of one stage and makes its kernels. What it has made so far is released with the runner. */
  oclstm_status (*prepare)(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm__stage *stage,
                           const float *W, oclstm_error *error);
  /* Enqueues the steps; gx holds the input projection. */
  oclstm_status (*run)(oclstm__cl_plan *plan, oclstm__runner *runner, const oclstm__steps *steps,
                       oclstm_error *error);
};

extern const oclstm__strategy oclstm__stepwise;
extern const oclstm__strategy oclstm__fused_step;
extern const oclstm__strategy oclstm__rows_strategy;
extern const oclstm__strategy oclstm__grid_strategy;

/* ---- strategies.c: the table ---- */

const oclstm__strategy *oclstm__strategy_by_id(oclstm_strategy id);
const oclstm__strategy *oclstm__strategy_at(size_t index); /* NULL behind the last */
/* Whether the strategy multiplies x by W_ih itself on this device. */
bool oclstm__owns_input(const oclstm__cl_plan *plan, const oclstm__strategy *strategy);

/* Whether a plan may run all steps of a chunk in one launch: by rows or grid, asked for by name or not. */
static inline bool oclstm__may_chunk(const oclstm_plan_desc *desc) {
  return desc->strategy != OCLSTM_STRATEGY_STEPWISE && desc->strategy != OCLSTM_STRATEGY_FUSED_STEP;
}

/* ---- chunk.c: rows and grid ---- */

/* Rows of the input projection that pass a panel of weights before the next one is read: enough to hide its
 * reading, few enough that what comes of them is still in a core's cache when it is wanted. */
enum { OCLSTM__PROJECTED_ROWS = 192 };

/* ---- places.c ---- */

/* Where members meet, before runners are made, and what is left of it behind them. */
#define OCLSTM__PLACES "meeting places"
oclstm_status oclstm__places_create(oclstm__cl_plan *plan, oclstm_error *error);
oclstm_status oclstm__places_settle(oclstm__cl_plan *plan, oclstm_error *error);
size_t oclstm__places_bytes(const oclstm__cl_plan *plan);
/* Arguments of a launch: its places, of all seats; who shares what; its steps. */
typedef struct oclstm__meeting {
  cl_int place, seats, slices, members, first, last;
} oclstm__meeting;
oclstm__meeting oclstm__meeting_of(const oclstm__cl_plan *plan, const oclstm__steps *steps, size_t slices,
                                   size_t members);
/* Behind a sweep of a plan with grid: where a meeting was called off, the plan does without meetings for some sweeps. *waited
 * becomes true where everything enqueued has ended by now. */
oclstm_status oclstm__check_meetings(oclstm__cl_plan *plan, bool *waited, oclstm_error *error);

/* ---- turns.c ---- */

size_t oclstm__most_turns(const oclstm_device_info *device);
/* Most elements that a sum of a product may have. */
size_t oclstm__most_depth(const oclstm__cl *cl);
/* Steps that a launch of rows or grid may have, for slices of so many rows: SIZE_MAX on all devices but those that end
 * loops by themselves, and 0 where they would end within a step. */
size_t oclstm__steps_of_launch(const oclstm__cl *cl, const oclstm_layer *layer, size_t rows);

/* ---- resident_shape.c, resident.c: grid where a work-item is a lane ---- */

enum { OCLSTM__WARP = 32 };
/* Divides a layer among at most `groups` groups, so that `members` or fewer share the units of each slice of B batch rows.
 * false: the weights do not fit their registers and local memory, or the layer is none of one stage. W and kernel are NULL. */
bool oclstm__resident_shape(const oclstm__cl *cl, const oclstm_layer *layer, bool mma, size_t B,
                            size_t groups, size_t members, oclstm__resident *shape);
/* Whether one group can hold the whole layer, whoever multiplies: then nobody has to meet. */
bool oclstm__resident_alone(const oclstm__cl *cl, const oclstm_layer *layer);
/* The same for a way of grid, among the groups that the runner may take. */
bool oclstm__resident_divide(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                             const oclstm__candidate *way, oclstm__resident *shape);
/* 0 where chunk.cl has to run the layer. */
size_t oclstm__resident_candidates(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                                   oclstm__candidate list[OCLSTM__MAX_OF_STRATEGY]);
/* Tiles or rows of lanes that the weights of a group are. */
size_t oclstm__resident_lines(const oclstm__resident *shape, size_t gates);
/* Where element k of row `row` of a member's rows of W lies: kernels/resident.cl. */
size_t oclstm__resident_place(const oclstm__resident *shape, size_t gates, size_t member, size_t row,
                              size_t k);
/* Packs W [gates*UP, K] for runner->choice and makes the kernel. runner->resident.kernel stays NULL where the layer does not
 * fit, or where the device was seen not to run the groups at the same time. */
oclstm_status oclstm__resident_create(oclstm__cl_plan *plan, oclstm__runner *runner, const float *W,
                                      oclstm_error *error);
void oclstm__resident_release(oclstm__runner *runner);
size_t oclstm__resident_launches(size_t steps);
/* Enqueues all steps. Where a meeting was called off, the rest is left to chunk.cl. */
oclstm_status oclstm__resident_run(oclstm__cl_plan *plan, const oclstm__runner *runner,
                                   const oclstm__steps *steps, oclstm__turn turn, oclstm_error *error);

/* ---- supports.c ---- */

/* OK, or E_UNSUPPORTED with the reason: "strategy rows does not support ...". B: batch rows. probe: a device that was not asked
 * yet what it runs at the same time is asked; otherwise it is taken to run all that it has units for. */
oclstm_status oclstm__strategy_serves(oclstm__cl *cl, oclstm_strategy strategy, const oclstm_layer *layer,
                                      size_t B, bool probe, oclstm_error *error);

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error);

#endif
