/* What a device engine does for the public objects. There are two: host/opencl and host/reference.
 * engine.c checks arguments once, for both, and calls through the table.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_ENGINE_H
#define OCLSTM_ENGINE_H

#include <stdbool.h>

#include "model/model.h"
#include "oclstm/oclstm.h"

typedef struct oclstm__engine oclstm__engine;

/* Engines derive from these: their own structure begins with one of them. */
struct oclstm_context {
  const oclstm__engine *engine;
  oclstm_allocator allocator;
  oclstm_log log;
  oclstm_device_info device;
};

struct oclstm_plan {
  oclstm_context *context;
  const oclstm_model *model;
  oclstm_plan_desc desc; /* rows and steps as decided */
  oclstm_plan_info info;
};

struct oclstm_state {
  oclstm_context *context;
  const oclstm_model *model;
  size_t rows;
  oclstm_precision precision;
};

/* The part of a network that one walk over a chunk of steps computes: layers first_layer .. first_layer + n_layers - 1
 * and the head if asked for. A whole forward call is one sweep; a job cuts networks with reverse layers into several
 * (see host/job/sweeps.c). */
typedef struct oclstm__sweep {
  size_t steps;         /* n, at most plan->desc.steps */
  oclstm_layout layout; /* of input, other, output and cells */
  size_t first_layer, n_layers;
  /* The head too: first_layer + n_layers is the number of layers. With n_layers = 0 the head alone, of input. */
  bool head;
  /* WHOLE walks every layer in its own directions. The other two walk one direction of a bidirectional first layer:
   * REVERSE_HALF has n_layers = 1 and no head, and gives that direction's half of y and cells, [n,B,R] and [n,B,H].
   * FORWARD_HALF takes that half of y back in `other`, merges the two and goes on through the layers behind. */
  enum { OCLSTM__WHOLE, OCLSTM__REVERSE_HALF, OCLSTM__FORWARD_HALF } part;
  /* [n,B,input_size of the first layer]; when the sweep begins at layer 0 of a model with an embedding, ids [n,B]. */
  const void *input;
  const int32_t *lengths; /* [B] valid steps of this chunk, 0 .. n, or NULL: n */
  const float *other; /* FORWARD_HALF: [n,B,R]; apart from output, which may be written before it is read */
  /* y of the last layer or of the head [n,B,...], or NULL. A go_backwards layer gives row b's valid steps of this chunk in
   * the order of processing: step t at place lengths[b] - 1 - t. */
  float *output;
  /* c of every step of the last layer [n,B,D*H], or NULL; in FORWARD_HALF with one layer the forward half [n,B,H]. */
  float *cells;
} oclstm__sweep;

struct oclstm__engine {
  void (*context_destroy)(oclstm_context *context);
  const char *(*build_log)(const oclstm_context *context);
  /* Fills in everything behind struct_size. Both NULL: there is nothing to count. */
  oclstm_status (*counters)(oclstm_context *context, oclstm_counters *counters, oclstm_error *error);
  oclstm_status (*counters_reset)(oclstm_context *context, oclstm_error *error);
  /* Both NULL: not supported. */
  oclstm_status (*peak_flops)(oclstm_context *context, double *per_second, oclstm_error *error);
  oclstm_status (*peak_read)(oclstm_context *context, uint64_t bytes, double *per_second,
                             oclstm_error *error);
  /* OK, or E_UNSUPPORTED naming what is not. The description has been checked and its defaults filled in. */
  oclstm_status (*supports)(const oclstm_context *context, const oclstm_model *model,
                            const oclstm_plan_desc *desc, oclstm_error *error);
  /* desc: supported; rows filled in, steps 0 when the engine is to choose. */
  oclstm_status (*plan_create)(oclstm_context *context, const oclstm_model *model,
                               const oclstm_plan_desc *desc, oclstm_plan **plan, oclstm_error *error);
  void (*plan_destroy)(oclstm_plan *plan);
  /* What a plan decided; all three NULL in an engine that has nothing to choose. layer and direction are in range. */
  const oclstm_plan_layer *(*plan_layer)(const oclstm_plan *plan, size_t layer, size_t direction);
  const oclstm_plan_candidate *(*plan_candidate)(const oclstm_plan *plan, size_t layer, size_t direction,
                                                 size_t index);
  const oclstm_plan_memory *(*plan_memory)(const oclstm_plan *plan, size_t index);
  oclstm_status (*state_create)(const oclstm_plan *plan, oclstm_state **state, oclstm_error *error);
  void (*state_destroy)(oclstm_state *state);
  oclstm_status (*state_set)(oclstm_state *state, const float *h, const float *c, oclstm_error *error);
  oclstm_status (*state_get)(oclstm_state *state, float *h, float *c, oclstm_error *error);
  /* Blocks until output and cells are written. Allocates nothing. */
  oclstm_status (*sweep)(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                         oclstm_error *error);
};

/* What every forward call is checked for, wherever its arrays are. */
typedef struct oclstm__call {
  size_t steps;
  oclstm_layout layout;
  bool input, cells; /* given, wanted */
} oclstm__call;
oclstm_status oclstm__check_call(const oclstm_plan *plan, const oclstm_state *state, const oclstm__call *call,
                                 oclstm_error *error);

/* Checked entry to sweep for host/job: plan and state belong together, sizes and lengths are in range. */
oclstm_status oclstm__sweep_run(oclstm_plan *plan, oclstm_state *state, const oclstm__sweep *sweep,
                                oclstm_error *error);

/* Constructors of the two engines' contexts. `desc` has been checked. opencl: device is never "reference". */
oclstm_status oclstm__opencl_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                            oclstm_error *error);
oclstm_status oclstm__reference_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                               oclstm_error *error);
/* Device lists of the two engines: writes up to capacity entries from *count on and advances *count past all of them. */
oclstm_status oclstm__opencl_list_devices(oclstm_device_info *devices, size_t capacity, size_t *count,
                                          oclstm_error *error);
void oclstm__reference_device(oclstm_device_info *device);

#endif
