/* The reference engine: plain loops in double precision on the host, the yardstick of every other engine.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_REFERENCE_H
#define OCLSTM_REFERENCE_H

#include "engine/engine.h"

/* ---- weights.c: one direction of one layer in double precision ---- */

/* Everything that one step of one row computes on its way, under the names that oclstm_layer's equations have. */
typedef struct oclstm__step {
  double *memory;  /* of all that follow */
  double *xw, *hw; /* [G*H]: x W_ih^T and h W_hh^T; of the Haste form gain and norm too */
  double *p;       /* [G*H]: pre-activations, clipped */
  double *gates;   /* [G*H]: behind their activations and the coupling */
  double *c_new;   /* [H]: before zoneout */
  double *seen;    /* [H]: what output() is given */
  double *m;       /* [H]: before the projection; of a GRU r h */
  double *h_new;   /* [R]: before zoneout */
} oclstm__step;

/* Matrices are transposed, so that the innermost loop runs over the gate rows. NULL: the layer has none. */
typedef struct oclstm__cell {
  const oclstm_layer *layer;
  oclstm_activation activation[OCLSTM_N_ROLES]; /* of this direction, defaults resolved */
  size_t I, H, R;                               /* sizes of x, c and h */
  size_t GH;                                    /* gate rows: G * H */
  double *W_ih;                                 /* [I, G*H] */
  double *W_hh;                                 /* [R, G*H] */
  double *b_ih, *b_hh;                          /* [G*H], zeros where there is none */
  double *W_hr;                                 /* [H, P] */
  double *peephole;                             /* [3*H] */
  double *norm_ih, *norm_hh;                    /* [4*H] */
  double *norm_c, *norm_c_bias;                 /* [H] */
  double *norm_gates;                           /* [4*H] */
  oclstm__step step;                            /* scratch */
} oclstm__cell;

/* Adds the bytes taken to *bytes. The layer is borrowed. On failure cell_destroy frees what was made. */
oclstm_status oclstm__cell_create(oclstm__cell *cell, const oclstm_allocator *allocator,
                                  const oclstm_layer *layer, size_t direction, const oclstm_weights *weights,
                                  uint64_t *bytes, oclstm_error *error);
void oclstm__cell_destroy(oclstm__cell *cell, const oclstm_allocator *allocator);

/* ---- activation.c ---- */

/* activation.kind is not the default. */
double oclstm__activate(oclstm_activation activation, double v);

/* ---- cell.c: the equations ---- */

/* One step of one row: x [I] in; h [R] and c [H] of the step before in, of this step out. GRU and RNN: c is not looked at. */
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
  double *c;               /* NULL when no layer has one */
} oclstm__reference_state;

oclstm_status oclstm__reference_state_create(const oclstm_plan *plan, oclstm_state **state,
                                             oclstm_error *error);
void oclstm__reference_state_destroy(oclstm_state *state);
oclstm_status oclstm__reference_state_set(oclstm_state *state, const float *h, const float *c,
                                          oclstm_error *error);
oclstm_status oclstm__reference_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);
/* Where h [B,R] and c [B,H] of one direction of one layer begin; c is NULL when no layer has one. */
void oclstm__reference_state_at(const oclstm__reference_state *state, size_t layer, size_t direction,
                                double **h, double **c);

/* ---- forward.c ---- */

oclstm_status oclstm__reference_sweep(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                      oclstm_error *error);

#endif
