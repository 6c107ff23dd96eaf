/* The reference engine: plain loops in double precision on the host, the yardstick of every other engine.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_REFERENCE_H
#define OCLSTM_REFERENCE_H

#include "engine/engine.h"

/* ---- cell.c: the equations of one step, and the weights they need ---- */

/* One direction of one layer. Weights are transposed, so that the innermost loop runs over the gate rows. */
typedef struct oclstm__cell {
  size_t I, H, R; /* sizes of x, c and h */
  size_t GH;      /* gate rows: G * H */
  double *W_ih;   /* [I, G*H] */
  double *W_hh;   /* [R, G*H] */
  double *bias;   /* [G*H], b_ih + b_hh; zeros without bias */
  double *gates;  /* [G*H], scratch of one step */
} oclstm__cell;

/* Adds the bytes taken to *bytes. On failure cell_destroy frees what was made. */
oclstm_status oclstm__cell_create(oclstm__cell *cell, const oclstm_allocator *allocator,
                                  const oclstm_layer *layer, const oclstm_weights *weights, uint64_t *bytes,
                                  oclstm_error *error);
void oclstm__cell_destroy(oclstm__cell *cell, const oclstm_allocator *allocator);
/* One step of one row: x [I] in; h [R] and c [H] of the step before in, of this step out. */
void oclstm__cell_step(const oclstm__cell *cell, const double *x, double *h, double *c);

/* ---- plan.c ---- */

typedef struct oclstm__reference_plan {
  oclstm_plan base;
  oclstm__cell *cells;  /* [n_layers][2] */
  double *head_W;       /* [O, width], NULL without a head */
  double *head_b;       /* [O], zeros without a bias */
  double *x;            /* [I], one row of the input */
  size_t width;         /* of the widest layer or head */
  double *sequences[2]; /* [steps,B,width]: what goes from a layer to the next, in turns */
  const double *output; /* of the last sweep that gave one: the double values behind `output`, [n,B,...] */
} oclstm__reference_plan;

oclstm_status oclstm__reference_plan_create(oclstm_context *context, const oclstm_model *model,
                                            const oclstm_plan_desc *desc, oclstm_plan **plan,
                                            oclstm_error *error);
void oclstm__reference_plan_destroy(oclstm_plan *plan);

/* ---- state.c ---- */

typedef struct oclstm__reference_state {
  oclstm_state base;
  size_t h_count, c_count; /* of all rows */
  double *h;               /* as in oclstm_state_set, in double: chunks lose nothing between calls */
  double *c;
} oclstm__reference_state;

oclstm_status oclstm__reference_state_create(const oclstm_plan *plan, oclstm_state **state,
                                             oclstm_error *error);
void oclstm__reference_state_destroy(oclstm_state *state);
oclstm_status oclstm__reference_state_set(oclstm_state *state, const float *h, const float *c,
                                          oclstm_error *error);
oclstm_status oclstm__reference_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);
/* Where h [B,R] and c [B,H] of one direction of one layer begin. */
void oclstm__reference_state_at(const oclstm__reference_state *state, size_t layer, size_t direction,
                                double **h, double **c);

/* ---- forward.c ---- */

oclstm_status oclstm__reference_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                      oclstm_error *error);

#endif
