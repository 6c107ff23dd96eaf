/* Running a plan: the state of a batch, and the forward call.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_FORWARD_H
#define OCLSTM_OCLSTM_FORWARD_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_plan.h"
#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oclstm_state oclstm_state;

/* Makes the state of plan's B rows: the model's initial state, or zeros. It may be used with every plan of the same
 * context, model, B and precision, and outlives the plan; context and model are borrowed until it is destroyed.
 * Returns OK; E_ARGUMENT; E_MEMORY; E_DEVICE_MEMORY; E_OPENCL; E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_state_create(const oclstm_plan *plan, oclstm_state **state,
                                             oclstm_error *error);
OCLSTM_API void oclstm_state_destroy(oclstm_state **state);

/* Sets or reads the state; a NULL array is the model's initial state, or zero, when setting, and skipped when reading.
 *   h  [L*D, B, R] f32   layers in order, a layer's forward direction before its reverse
 *   c  [L*D, B, H] f32
 * Where layers differ in size, the arrays are the layers' [D, B, R] (and [D, B, H]) one after another:
 * B * oclstm_model_h_size (and c_size) floats in all. Blocks until done. R = P or H.
 * Returns OK; E_ARGUMENT; E_OPENCL; E_DEVICE_LOST; E_MEMORY and E_DEVICE_MEMORY (drivers take memory when they need it).
 */
OCLSTM_API oclstm_status oclstm_state_set(oclstm_state *state, const float *h, const float *c,
                                          oclstm_error *error);
OCLSTM_API oclstm_status oclstm_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);

typedef enum oclstm_layout { OCLSTM_TIME_MAJOR, OCLSTM_BATCH_MAJOR } oclstm_layout;

/* The arrays of a call. x, ids and lengths may lie in the memory of y, in all of it or in a part: the results are as if they had
 * been copied before. cells overlaps none of the others. */
typedef struct oclstm_io {
  size_t struct_size;
  size_t steps;         /* T of this call, 0 to the plan's; with 0 nothing is written or advanced */
  oclstm_layout layout; /* of x, y and cells: [T,B,...] or [B,T,...] */
  const float *x;       /* [T,B,I]; NULL with an embedding */
  /* [B], or NULL: all T. Row b is read and advanced for lengths[b] steps of this call, 0 to T; behind them x may be
   * anything, y and cells are 0, and the state stays. The reverse direction starts at a row's own last step. */
  const int32_t *lengths;
  float *y;     /* [T,B,output size], or NULL */
  float *cells; /* [T,B,D*H]: c of every step of the last layer, or NULL; needs plan_desc.cells */
  const int32_t
      *ids; /* [T,B], each 0 to V-1, in place of x when the model has an embedding; NULL otherwise */
} oclstm_io;
#define OCLSTM_IO_INIT \
  { sizeof(oclstm_io), 0, OCLSTM_TIME_MAJOR, NULL, NULL, NULL, NULL, NULL }

/* Runs T steps of B rows and advances the state. Host arrays, borrowed for the call: nothing touches them outside of it,
 * and behind it they may be freed. Blocks until y is written. CPU devices whose memory is the host's use x, ids and y where
 * they lie, and cells that are batch-major, and copy nothing, but for y of a head, time-major; see docs/strategies.md. They
 * keep a buffer object over each of the last call's arrays, so that the same arrays again cost nothing.
 * A sequence fed in pieces of any size gives, bit for bit, what it gives in one piece, as long as no layer has a
 * reverse direction: that one sees only this call's steps (oclstm_job.h runs it over longer sequences). A row's
 * results do not depend on other rows: NaN or Inf stays in its row.
 * Returns OK; E_ARGUMENT (a NULL, a struct_size, more steps than the plan's, ids without an embedding or x with one, cells
 * of a plan made without them); E_STATE (state of another model, context, B or precision); E_LENGTHS; E_INDEX (an id of a
 * valid step; others are not looked at); E_OPENCL; E_DEVICE_LOST; E_MEMORY and E_DEVICE_MEMORY (the driver's, when it takes
 * memory only now). */
OCLSTM_API oclstm_status oclstm_forward(oclstm_plan *plan, oclstm_state *state, const oclstm_io *io,
                                        oclstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
