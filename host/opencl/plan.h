/* The OpenCL plan and state, and what a strategy does for them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_PLAN_H
#define OCLSTM_OPENCL_PLAN_H

#include "opencl/cell.h"
#include "opencl/cl.h"
#include "opencl/gemm.h"
#include "opencl/layout.h"
#include "opencl/program.h"
#include "opencl/tuning.h"

/* ---- state ---- */

/* h [B, RP], as the precision stores it, and c [B, HP] of one direction of one layer. Both alternate between two buffers:
 * h_{t-1} is read while h_t is written, and a step that was begun and not finished can be run again. h[current] and
 * c[current] are the state. A cell without c has NULL. */
typedef struct oclstm__cell_state {
  cl_mem h[2];
  cl_mem c[2];
  unsigned current;
} oclstm__cell_state;

typedef struct oclstm__cl_state {
  struct oclstm_state base;
  oclstm__cell_state *cells; /* [n_layers][2] */
  float *padded;             /* [B, widest HP] on the host: rows on their way in and out */
  uint64_t device_bytes;
} oclstm__cl_state;

/* ---- plan ---- */

/* One stage of a step, ready to run. */
typedef struct oclstm__stage {
  oclstm__stage_spec spec;
  size_t UP;           /* units, padded */
  size_t lda;          /* from row to row of what it multiplies */
  cl_kernel kernel[2]; /* two where h alternates between two buffers */
  oclstm__gemm *gemm;  /* stepwise: product [B, vectors*UP] */
  cl_mem W;            /* packed, for strategies with products of their own */
  size_t rows, panels; /* of a tile */
  size_t low_rows;     /* of lower tiles, for rows that do not fill high ones; 0: none */
  size_t lanes;        /* of a work-group */
} oclstm__stage;

/* One direction of one layer, ready to run. */
typedef struct oclstm__runner {
  const oclstm_layer *layer;
  size_t direction;
  size_t gates, HP;
  bool cells;              /* writes c of every step */
  oclstm__gemm *input;     /* gx [n*B, gates*HP] = x W_ih^T */
  cl_kernel norm_input;    /* HASTE: normalises gx */
  cl_mem params;           /* see opencl/cell.h */
  size_t slices, members;  /* rows, grid: see kernels/chunk.cl */
  oclstm__stage own_input; /* rows, grid on CPU devices: packed W_ih and its tiles; `input` is NULL then */
  cl_mem own_gx;
  size_t ahead;             /* steps that are projected at once */
  oclstm__candidate choice; /* what all of this is made for */
  size_t n_stages;
  oclstm__stage stages[OCLSTM__MAX_STAGES];
  oclstm__ways ways; /* what there was to choose from */
} oclstm__runner;

/* Rows between layers or behind the head, time-major. */
typedef struct oclstm__rows {
  cl_mem mem;
  bool stored; /* as the plan's precision stores them; otherwise float32 */
} oclstm__rows;

typedef struct oclstm__cl_plan {
  struct oclstm_plan base;
  const oclstm__gemm_provider *gemm;
  oclstm__runner *runners; /* [n_layers][2] */
  oclstm__gemm *head;
  cl_mem head_b;    /* [O], zeros where the head has none */
  cl_mem embedding; /* [V, I], stored */
  cl_mem caller;    /* rows, or ids, in the caller's layout, on their way in or out */
  cl_mem
      activations[2]; /* input and output of a layer in turn, [n*B, width] stored, rows padded to ROW_BLOCK */
  cl_mem gx;          /* [n*B, gates*HP] or of the head [n*B, O], f32, padded likewise */
  cl_mem cells;       /* [n*B, D*H] of the last layer */
  cl_mem product;     /* stepwise: [B, vectors*UP] of the widest stage */
  cl_mem middle, extra; /* [B, widest HP] from a stage to the next: stored, and f32 */
  cl_mem given_lengths; /* [B] i32, those of a call */
  cl_mem no_lengths;    /* [B] i32, each past every step: for calls without */
  cl_mem lengths;       /* one of the two, borrowed */
  cl_mem given_order;   /* [B] i32, the rows of a call by length, see order.c; */
  cl_mem no_order;      /* as they come: for calls without lengths, or with lengths on the device; */
  cl_mem order;         /* and one of the two, borrowed */
  cl_int *sorted;       /* given_order on the host */
  cl_mem places;        /* grid: where the members of a slice meet, see kernels/sync.cl */
  size_t n_places;
  cl_int *seen;          /* of the places, on the host */
  bool meets;            /* some layer's members do */
  cl_int stalls;         /* meetings called off so far */
  size_t penalty, alone; /* sweeps that do without for it: all, and those left */
  cl_int spins;          /* of one who waits there */
  cl_kernel pack_rows, gather_rows, head_bias;
  cl_kernel unpack_rows[2]; /* from f32; from what is stored */
  uint64_t device_bytes;
  size_t serial; /* of the context's plans: which answers are this plan's own */
  oclstm__memory memory;
} oclstm__cl_plan;

static inline oclstm__cl_plan *oclstm__cl_plan_of(const oclstm_plan *plan) {
  return (oclstm__cl_plan *)(void *)plan;
}
static inline oclstm__cl_state *oclstm__cl_state_of(const oclstm_state *state) {
  return (oclstm__cl_state *)(void *)state;
}
static inline oclstm__cl *oclstm__plan_cl(const oclstm__cl_plan *plan) {
  return oclstm__cl_of(plan->base.context);
}

/* ---- runner.c: one direction of one layer ---- */

oclstm_status oclstm__runner_create(oclstm__cl_plan *plan, size_t layer, size_t direction,
                                    oclstm_error *error);
void oclstm__runner_release(oclstm__runner *runner);
/* The provider's product with W_ih, for strategies that do not own theirs. */
oclstm_status oclstm__input_create(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);
/* Packs and compiles everything else of runner->choice. */
oclstm_status oclstm__stages_create(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);
void oclstm__stages_release(oclstm__runner *runner);

/* ---- strategies: strategies.c has the table, one file each the rest ---- */

/* The steps of one direction of one layer over a chunk. */
typedef struct oclstm__steps {
  size_t n;
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
  /* Enqueues all steps; gx holds the input projection. */
  oclstm_status (*run)(oclstm__cl_plan *plan, oclstm__runner *runner, const oclstm__steps *steps,
                       oclstm_error *error);
};

extern const oclstm__strategy oclstm__stepwise;
extern const oclstm__strategy oclstm__fused_step;
extern const oclstm__strategy oclstm__rows_strategy;
extern const oclstm__strategy oclstm__grid_strategy;
/* chunk.c: rows of the input projection that pass a panel of weights before the next one is read: enough to hide its
 * reading, few enough that what comes of them is still in a core's cache when it is wanted. */
enum { OCLSTM__PROJECTED_ROWS = 192 };
/* chunk.c: where members meet, before runners are made, and what is left of it behind them. */
#define OCLSTM__PLACES "meeting places"
oclstm_status oclstm__places_create(oclstm__cl_plan *plan, oclstm_error *error);
oclstm_status oclstm__places_settle(oclstm__cl_plan *plan, oclstm_error *error);
/* Behind a sweep of a plan with grid: where a meeting was called off, the plan does without meetings from now on. */
oclstm_status oclstm__check_meetings(oclstm__cl_plan *plan, oclstm_error *error);

/* The provider of products for a plan, with the reason in words. desc is supported.
 * E_UNSUPPORTED when CLBlast was asked for by name and refuses. */
oclstm_status oclstm__choose_gemm(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                  const oclstm__gemm_provider **gemm, char *why, size_t bytes,
                                  oclstm_error *error);
const oclstm__strategy *oclstm__strategy_by_id(oclstm_strategy id);
const oclstm__strategy *oclstm__strategy_at(size_t index); /* NULL behind the last */
/* Whether the strategy multiplies x by W_ih itself on this device. */
bool oclstm__owns_input(const oclstm__cl_plan *plan, const oclstm__strategy *strategy);

/* ---- panels.c: tiles of a stage, for strategies with kernels of their own ---- */

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
/* Sets consecutive arguments of a kernel from `first` on. */
typedef struct oclstm__arg {
  size_t bytes;
  const void *value;
} oclstm__arg;
oclstm_status oclstm__set_args(cl_kernel kernel, cl_uint first, const oclstm__arg *args, size_t n,
                               oclstm_error *error);
/* Enqueues a one-dimensional kernel over `items`, in groups of `local`. */
oclstm_status oclstm__enqueue_items(const oclstm__cl *cl, cl_kernel kernel, size_t items, size_t local,
                                    oclstm_error *error);

/* ---- sizes.c ---- */

/* Widest rows between layers, at the ends and in gx, in elements. */
typedef struct oclstm__widths {
  size_t activation, caller, gates, cells;
  size_t units, product; /* of a batch row within a step: widest HP, widest vectors*UP */
  bool between;          /* something goes from a stage to the next */
} oclstm__widths;
oclstm__widths oclstm__plan_widths(const oclstm_model *model, bool cells);
/* Decides plan->base.desc.steps. E_DEVICE_MEMORY, E_LIMIT when even what is asked for does not fit. */
oclstm_status oclstm__decide_steps(oclstm__cl_plan *plan, oclstm_error *error);
#define OCLSTM__GX "input projection" /* what gx is accounted as */
/* Releases gx where every runner makes its own, all but what the head needs. */
oclstm_status oclstm__settle_gx(oclstm__cl_plan *plan, oclstm_error *error);

/* ---- order.c ---- */
/* The numbers of n rows, longer ones first; as they come where lengths is NULL. */
void oclstm__order_rows(const int32_t *lengths, size_t n, cl_int *order);

/* ---- residency.c ---- */

/* Work-groups of a launch that were seen to run at the same time, 1 where none were. Thread-safe. */
oclstm_status oclstm__resident_groups(oclstm__cl *cl, size_t *groups, oclstm_error *error);

/* ---- supports.c ---- */

/* OK, or E_UNSUPPORTED with the reason: "strategy rows does not support ...". probe: a device that was not asked yet what it
 * runs at the same time is asked; otherwise it is taken to run all that it has units for. */
oclstm_status oclstm__strategy_serves(oclstm__cl *cl, oclstm_strategy strategy, const oclstm_layer *layer,
                                      bool probe, oclstm_error *error);

oclstm_status oclstm__cl_supports(const oclstm_context *context, const oclstm_model *model,
                                  const oclstm_plan_desc *desc, oclstm_error *error);

/* ---- context.c, plan.c, state.c ---- */

void oclstm__cl_context_destroy(oclstm_context *context);
oclstm_status oclstm__cl_plan_create(oclstm_context *context, const oclstm_model *model,
                                     const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error);
void oclstm__cl_plan_destroy(oclstm_plan *plan);
oclstm_status oclstm__cl_state_create(const oclstm_plan *plan, oclstm_state **state, oclstm_error *error);
void oclstm__cl_state_destroy(oclstm_state *state);
oclstm_status oclstm__cl_state_set(oclstm_state *state, const float *h, const float *c, oclstm_error *error);
oclstm_status oclstm__cl_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);

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
/* A kernel over rows of `width` elements, rows.cl's kind. */
oclstm_status oclstm__cl_items(const oclstm__cl_plan *plan, cl_kernel kernel, const oclstm__arg *args,
                               size_t n_args, size_t rows, size_t width, oclstm_error *error);

/* ---- walk.c, forward.c ---- */

/* The layers and the head of a sweep, from activations[0] to *result. */
oclstm_status oclstm__cl_walk(oclstm__cl_plan *plan, oclstm__cl_state *state, const oclstm__sweep *sweep,
                              oclstm__rows *result, oclstm_error *error);
/* Waits for what has been enqueued, without a clFinish on a queue that may be the caller's. */
oclstm_status oclstm__cl_settle(const oclstm__cl *cl, oclstm_error *error);
oclstm_status oclstm__cl_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                               oclstm_error *error);

#endif
