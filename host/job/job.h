/* What the files of this room share: the schedule of walks, the stores between them, and the walk over chunks.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_JOB_JOB_H
#define OCLSTM_JOB_JOB_H

#include <stdbool.h>

#include "engine/engine.h"
#include "oclstm/oclstm_job.h"

/* ---- sweeps.c: how a network is cut into walks over time ---- */

enum { OCLSTM__NO_WALK = SIZE_MAX }; /* as an input: the source; as `other`: none */

/* One pass over all chunks. Its output is kept in a store for later walks, or goes to the sinks when it is the last. */
typedef struct oclstm__walk {
  size_t first_layer, n_layers;
  int part;         /* of oclstm__sweep: OCLSTM__WHOLE, ... */
  bool head;        /* computes the head behind the last layer */
  bool descending;  /* takes the chunks from the end */
  bool last_layer;  /* computes the network's last layer, or one direction of it */
  size_t input;     /* the walk whose output this one reads */
  size_t other;     /* FORWARD_HALF: the walk that left the reverse half of y */
  size_t last_use;  /* the last walk that reads this one's output */
  size_t width_in;  /* features of a row of its input */
  size_t width_out; /* and of its output */
} oclstm__walk;

/* Room for this many walks is enough for a network of n layers. */
static inline size_t oclstm__max_walks(size_t n_layers) {
  return 2 * n_layers;
}
/* Writes the walks of the model, in order, and returns how many. one_chunk: every step fits one chunk, which needs
 * no cutting. */
size_t oclstm__schedule(const oclstm_model *model, bool one_chunk, oclstm__walk *walks);

/* ---- store.c: [T, floats] float32 between two walks ---- */

/* What the stores of one job may still take of host memory, and where the rest goes. */
typedef struct oclstm__store_budget {
  const oclstm_allocator *allocator;
  uint64_t memory_left;    /* bytes */
  const char *scratch_dir; /* or NULL */
} oclstm__store_budget;

typedef struct oclstm__store {
  oclstm__store_budget *budget; /* NULL: not open */
  uint64_t bytes;
  size_t step_bytes;
  char *memory; /* or NULL, and then the file */
  int file;
} oclstm__store;

/* Zero-initialised stores may be closed. */
oclstm_status oclstm__store_open(oclstm__store *store, oclstm__store_budget *budget, uint64_t steps,
                                 size_t floats, oclstm_error *error);
oclstm_status oclstm__store_write(oclstm__store *store, uint64_t first, size_t n, const float *from,
                                  oclstm_error *error);
oclstm_status oclstm__store_read(const oclstm__store *store, uint64_t first, size_t n, float *to,
                                 oclstm_error *error);
void oclstm__store_close(oclstm__store *store);

/* ---- walk.c: one walk over the chunks ---- */

/* A running job. Buffers hold one chunk and have the plan's rows; sources, sinks and stores have the source's. */
typedef struct oclstm__job {
  const oclstm_job_desc *desc;
  const oclstm_model *model;
  oclstm_allocator allocator;
  oclstm__store_budget budget;
  size_t plan_rows, rows;
  size_t chunk; /* steps */
  uint64_t steps;
  size_t n_walks;
  oclstm__walk *walks;
  oclstm__store *stores;     /* [n_walks]: output of each walk but the last */
  oclstm__store cells_store; /* the reverse half of cells of a bidirectional last layer */
  float *input, *other, *output;
  float *cells;         /* [chunk, plan_rows, D*H] */
  float *cells_half[2]; /* [chunk, plan_rows, H] of the two directions, when they come from two walks */
  int32_t *lengths;     /* [plan_rows], of the chunk */
  uint64_t done, total;
  double began; /* seconds of the monotonic clock */
} oclstm__job;

oclstm_status oclstm__job_walk(oclstm__job *job, size_t index, oclstm_error *error);
double oclstm__seconds(void); /* of the monotonic clock */

/* ---- distance.c ---- */

/* Differences summed up: |a - b|^2, |b|^2 and the largest |a - b|; NaN anywhere stays. */
typedef struct oclstm__distance {
  double difference2, reference2, max_absolute;
} oclstm__distance;

void oclstm__distance_add(oclstm__distance *distance, const float *device, const float *reference, size_t n);
/* Passed or not, by the descriptor's bounds. */
oclstm_verify_result oclstm__distance_judge(const oclstm_verify_desc *desc, const oclstm__distance *distance);

/* ---- verify_resync.c ---- */

/* One layer, on the device and on the reference. */
typedef struct oclstm__verify_pair {
  oclstm_plan *plan[2]; /* device, reference */
  oclstm_state *state[2];
} oclstm__verify_pair;

/* Steps a one-layer model through x [T,B,I], both states set to the reference's before every step. */
oclstm_status oclstm__verify_resync(const oclstm_allocator *allocator, const oclstm__verify_pair *pair,
                                    const oclstm_verify_desc *desc, const float *x,
                                    oclstm__distance *distance, oclstm_error *error);

#endif
