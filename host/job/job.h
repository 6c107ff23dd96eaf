/* What the files of this room share: the schedule of walks, the stores between them, and the walk over chunks.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_JOB_JOB_H
#define OCLSTM_JOB_JOB_H

#include <stdbool.h>

#include "engine/engine.h"
#include "oclstm/oclstm_job.h"

/* ---- sweeps.c: how a network is cut into walks over time ---- */

enum { OCLSTM__NO_WALK = SIZE_MAX }; /* as an input: the source; as `other`: none */

/* Which places in time a walk's results have. */
typedef enum oclstm__order {
  OCLSTM__ORDER_TIME,   /* step t at place t */
  OCLSTM__ORDER_MIRROR, /* step t at place T - 1 - t: a go_backwards layer whose rows are all T long */
  OCLSTM__ORDER_ROWS    /* step t of row b at place length_b - 1 - t: one whose rows differ in length */
} oclstm__order;

/* One pass over all chunks. Its output is kept in a store for later walks, or goes to the sinks when it is the last.
 * With n_layers = 0 it computes nothing and brings the results of the walk before it to the sinks. */
typedef struct oclstm__walk {
  size_t first_layer, n_layers;
  int part;         /* of oclstm__sweep: OCLSTM__WHOLE, ... */
  bool head;        /* computes the head behind the last layer */
  bool descending;  /* takes the chunks from the end */
  bool last_layer;  /* computes the network's last layer, or one direction of it */
  size_t input;     /* the walk whose output this one reads */
  size_t other;     /* FORWARD_HALF: the walk that left the reverse half of y */
  size_t last_use;  /* the last walk that reads this one's output */
  size_t width_in;  /* features of a row of its input; 1 where it is ids */
  size_t width_out; /* and of its output */
  oclstm__order order;
} oclstm__walk;

/* Room for this many walks is enough for a network of n layers. */
static inline size_t oclstm__max_walks(size_t n_layers) {
  return 2 * n_layers + 1;
}
/* Writes the walks of the model, in order, and returns how many. one_chunk: every step fits one chunk, which needs
 * no cutting. ragged: a row is shorter than T. */
size_t oclstm__schedule(const oclstm_model *model, bool one_chunk, bool ragged, oclstm__walk *walks);

/* ---- store.c: [T, floats] float32 between two walks, or [rows, T, width] behind one of ORDER_ROWS ---- */

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
  oclstm__store *stores;         /* [n_walks]: output of each walk but the last */
  oclstm__store cells_store;     /* cells that wait for a later walk: a reverse half, or ORDER_ROWS */
  float *input, *other, *output; /* input holds int32 ids where the network begins with an embedding */
  float *cells;                  /* [chunk, plan_rows, D*H] */
  float *cells_half[2]; /* [chunk, plan_rows, H] of the two directions, when they come from two walks */
  float *row;           /* [chunk, widest], one row of a chunk; NULL without a walk of ORDER_ROWS */
  int32_t *lengths;     /* [plan_rows], of the chunk */
  uint64_t done, total;
  double began; /* seconds of the monotonic clock */
} oclstm__job;

oclstm_status oclstm__job_walk(oclstm__job *job, size_t index, oclstm_error *error);
/* False for results that only a sink would take that is not there. */
bool oclstm__job_wants_output(const oclstm__job *job, const oclstm__walk *walk);
double oclstm__seconds(void); /* of the monotonic clock */

/* ---- rows.c: stores of ORDER_ROWS ---- */

/* A chunk's places in a sequence: first .. first + n - 1 of its steps. */
typedef struct oclstm__chunk {
  uint64_t first;
  size_t n;
} oclstm__chunk;

/* The valid steps of the chunk, in `from` [n, plan_rows, width] in the order of processing, to their places. */
oclstm_status oclstm__rows_write(oclstm__job *job, oclstm__store *store, oclstm__chunk at, const float *from,
                                 size_t width, oclstm_error *error);
/* Valid places of the chunk to `to` [n, rows_apart, width]; the others are left alone. */
oclstm_status oclstm__rows_read(oclstm__job *job, const oclstm__store *store, oclstm__chunk at, float *to,
                                size_t rows_apart, size_t width, oclstm_error *error);

/* ---- distance.c ---- */

/* Differences summed up: |a - b|^2, |b|^2 and the largest |a - b|; NaN anywhere stays. */
typedef struct oclstm__distance {
  double difference2, reference2, max_absolute;
} oclstm__distance;

void oclstm__distance_add(oclstm__distance *distance, const float *device, const float *reference, size_t n);
/* Passed or not, by the descriptor's bounds. */
oclstm_verify_result oclstm__distance_judge(const oclstm_verify_desc *desc, const oclstm__distance *distance);

/* ---- verify_run.c, verify_resync.c ---- */

/* One layer, on the device and on the reference. */
typedef struct oclstm__verify_pair {
  oclstm_plan *plan[2]; /* device, reference */
  oclstm_state *state[2];
} oclstm__verify_pair;

/* The one-layer model of one side over x [T,B,I] (or ids [T,B]) into y. */
oclstm_status oclstm__verify_run(const oclstm_allocator *allocator, const oclstm__verify_pair *pair,
                                 size_t side, const oclstm_verify_desc *desc, float *x, float *y,
                                 oclstm_error *error);
/* Steps a one-layer model through x [T,B,I], both states set to the reference's before every step. */
oclstm_status oclstm__verify_resync(const oclstm_allocator *allocator, const oclstm__verify_pair *pair,
                                    const oclstm_verify_desc *desc, const float *x,
                                    oclstm__distance *distance, oclstm_error *error);

#endif
