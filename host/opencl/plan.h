/* What the folders share: plans and states, runners and the ways to run them, and what they hold.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_PLAN_H
#define OCLSTM_OPENCL_PLAN_H

#include "opencl/cell.h"
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"

typedef struct oclstm__strategy oclstm__strategy;

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

/* ---- what there is to choose from ---- */

/* One way to run the steps of one direction of one layer. */
typedef struct oclstm__candidate {
  const oclstm__strategy *strategy;
  size_t groups; /* work-groups that share the units of a layer; 0: the strategy does not share them */
} oclstm__candidate;

enum { OCLSTM__MAX_OF_STRATEGY = 4, OCLSTM__MAX_WAYS = 16 };

/* The ways of a runner, in the order of the rule of thumb, and what became of them. Ways with a refusal have a strategy
 * and nothing else. */
typedef struct oclstm__ways {
  size_t n;
  oclstm__candidate way[OCLSTM__MAX_WAYS];
  oclstm_plan_candidate shown[OCLSTM__MAX_WAYS];
  oclstm_plan_layer layer;
} oclstm__ways;

/* Device memory by purpose: what a plan's device_bytes have grown by since the last account goes under a name. */
enum { OCLSTM__MAX_PURPOSES = 16 };
typedef struct oclstm__memory {
  size_t n;
  oclstm_plan_memory of[OCLSTM__MAX_PURPOSES];
  uint64_t accounted;
} oclstm__memory;

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
  bool tiled;          /* by AMX, in tiles of its rows */
} oclstm__stage;

/* Strategy grid with W_hh in registers: how a layer is divided. kernels/resident.cl says what the words mean. */
typedef struct oclstm__resident {
  bool mma, twin; /* by matrix instructions; without NVIDIA's instructions */
  bool ahead;     /* X_AHEAD */
  size_t units, members, warps, depth;
  size_t chunk, filled;  /* batch rows of a chunk, and those of them that there are in any */
  size_t chunks, slices; /* of a slice; of the batch */
  cl_mem W;
  cl_kernel kernel; /* NULL: kernels/chunk.cl runs all steps */
} oclstm__resident;

/* One direction of one layer, ready to run. */
typedef struct oclstm__runner {
  const oclstm_layer *layer;
  size_t direction;
  size_t gates, HP;
  bool cells;                /* writes c of every step */
  oclstm__gemm *input;       /* gx [n*B, gates*HP] = x W_ih^T */
  cl_kernel norm_input;      /* HASTE: normalises gx */
  cl_mem params;             /* see opencl/cell.h */
  cl_mem middle, extra;      /* [B, HP] from a stage to the next, where something goes: stored, and f32 */
  size_t beside;             /* runners that may run side by side, this one among them */
  size_t slices, members;    /* rows, grid: see kernels/chunk.cl */
  size_t all_slices;         /* where nothing runs beside it: of all groups, not of its part of them */
  size_t at_once;            /* steps of a launch, at most */
  oclstm__resident resident; /* grid on GPUs */
  oclstm__stage own_input;   /* rows, grid on CPU devices: packed W_ih and its tiles; `input` is NULL then */
  cl_mem own_gx;
  oclstm__candidate choice; /* what all of this is made for */
  uint64_t stage_bytes;     /* on the device, of what the choice decides; 0: not made yet */
  uint64_t input_bytes;     /* of `input` */
  size_t n_stages;
  oclstm__stage stages[OCLSTM__MAX_STAGES];
  oclstm__ways ways; /* what there was to choose from */
} oclstm__runner;

/* Rows between layers or behind the head, time-major. */
typedef struct oclstm__rows {
  cl_mem mem;
  bool stored; /* as the plan's precision stores them; otherwise float32 */
} oclstm__rows;

/* An array of the caller's, as a buffer: borrow.c. */
typedef struct oclstm__borrowed {
  const void *array;
  size_t bytes;
  cl_mem mem; /* NULL: none yet, or none to be had */
} oclstm__borrowed;

typedef struct oclstm__cl_plan {
  struct oclstm_plan base;
  const oclstm__gemm_provider *gemm;
  oclstm__runner *runners; /* [n_layers][2] */
  oclstm__gemm *head;
  cl_mem head_b;    /* [O], zeros where the head has none */
  cl_mem embedding; /* [V, I], stored */
  cl_mem caller;    /* rows, or ids, in the caller's layout, on their way in or out */
  oclstm__borrowed borrowed_x, borrowed_y, borrowed_cells; /* of the last call */
  /* Rows in front of, between and behind layers in turn, [n*B, width] stored, padded to ROW_BLOCK: two, or one more than the
   * layers that run side by side. */
  size_t n_activations;
  uint64_t activation_bytes; /* of each */
  cl_mem activations[OCLSTM__MOST_LANES + 1];
  /* [n*B, gates*HP] or of the head [n*B, O], f32, padded likewise: one, or as many as run side by side. */
  size_t n_gx;
  uint64_t gx_bytes; /* of each */
  cl_mem gx[OCLSTM__MOST_LANES];
  cl_mem cells;          /* [n*B, D*H] of the last layer */
  cl_mem product;        /* stepwise: [B, vectors*UP] of the widest stage */
  cl_mem given_lengths;  /* [B] i32, those of a call */
  cl_mem no_lengths;     /* [B] i32, each past every step: for calls without */
  cl_mem lengths;        /* one of the two, borrowed */
  cl_mem given_order;    /* [B] i32, the rows of a call by length, see order.c; */
  cl_mem no_order;       /* as they come: for calls without lengths, or with lengths on the device; */
  cl_mem order;          /* and one of the two, borrowed */
  cl_int *sorted;        /* given_order on the host */
  size_t n_lanes;        /* 1, or what may run side by side */
  size_t block;          /* for tests: steps that layers are behind each other; 0: the plan's choice */
  cl_mem places;         /* rows, grid: [n_lanes][n_places], see kernels/sync.cl */
  size_t n_places;       /* of a lane */
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

#endif
