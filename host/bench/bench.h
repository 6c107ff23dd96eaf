/* What the files of `oclstm bench` share: shapes, data, columns, outcomes. Part of the program, not of the library.
 *
 * A shape is a piece of work; a column is somebody who can do it (oclstm on a device, oneDNN, a peer program). For each
 * shape every column prepares, is checked against the reference, and runs in turn with the others.
 *
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_BENCH_H
#define OCLSTM_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm.h"

enum {
  BENCH_NAME = 64,
  BENCH_TEXT = 256,
  BENCH_SAMPLES = 64, /* most timed runs of a column and shape */
  BENCH_DIRECTIONS = 2,
  BENCH_CHECKED_ROWS = 2 /* most rows that are compared with the reference */
};

/* ---- shapes.c: what is run ---- */

/* Lengths of rows. RAGGED falls from T to T/10; PADDED is what RAGGED costs without lengths: all T, of which only the
 * ragged steps count; EQUAL is as many steps as RAGGED, in rows of one length. */
typedef enum bench_rows { BENCH_WHOLE, BENCH_RAGGED, BENCH_PADDED, BENCH_EQUAL } bench_rows;

typedef struct bench_shape {
  const char *list; /* the list it is from; borrowed */
  uint64_t T;
  size_t B, I, H, layers, directions;
  oclstm_cell_kind cell;
  bool reset_first; /* a GRU whose reset comes before the product: linear_before_reset = 0 */
  bench_rows rows;
  unsigned precisions; /* bits 1 << oclstm_precision of columns that take part; 0: all */
} bench_shape;

typedef struct bench_shapes {
  size_t n, room;
  bench_shape *items;
} bench_shapes;

/* Adds a list by its name, or one shape "T,B,I,H[,CELL[,LAYERS[,DIRECTIONS[,ROWS]]]]". False with the reason in why. */
bool bench_shapes_add(bench_shapes *shapes, const char *text, char why[BENCH_TEXT]);
/* Adds one; false without memory. A shape that is there (of any list) is not added again, but its precisions are. */
bool bench_shapes_push(bench_shapes *shapes, const bench_shape *shape);
void bench_shapes_free(bench_shapes *shapes);
bool bench_shape_same(const bench_shape *a, const bench_shape *b);
/* "T 100 B 64 I 512 H 512 lstm"; also what is not the usual: layers, directions, rows. */
void bench_shape_text(const bench_shape *shape, char text[BENCH_TEXT]);
const char *bench_cell_name(const bench_shape *shape); /* as it is written: lstm, gru, gru0, rnn */
const char *bench_rows_name(bench_rows rows);

/* ---- lists.c ---- */

/* Adds the list of that name; *known is false when there is none. False without memory. */
bool bench_list_add(bench_shapes *shapes, const char *name, bool *known);
size_t bench_list_count(void);
const char *bench_list_name(size_t index);
const char *bench_list_purpose(size_t index);

/* ---- work.c: what a shape costs at least ---- */

size_t bench_gates(oclstm_cell_kind cell);    /* G: 4, 3, 1 */
size_t bench_width(const bench_shape *shape); /* of y: D*H */
size_t bench_layer_input(const bench_shape *shape, size_t layer);
uint64_t bench_length(const bench_shape *shape, size_t row);
uint64_t bench_valid_steps(const bench_shape *shape); /* of all rows together */
/* T of rows of one length that have, within rounding, as many steps as ragged ones of the shape's T. */
uint64_t bench_equal_steps(const bench_shape *shape);
/* 2 G H (I + H) a valid step, over layers and directions. */
double bench_flops(const bench_shape *shape);
double bench_stored_bytes(oclstm_precision precision); /* of a weight */
/* Bytes of W_hh of all layers and directions as a precision stores them. */
double bench_recurrent_bytes(const bench_shape *shape, oclstm_precision precision);
/* Bytes of weights that a run must read: every W_hh once a step, every W_ih once. */
double bench_weight_traffic(const bench_shape *shape, oclstm_precision precision);

/* ---- statistics.c ---- */

typedef struct bench_summary {
  double min, lower, median, upper; /* lower and upper quartile */
} bench_summary;

/* Quantiles are interpolated linearly between the two nearest of the n sorted samples. n = 0: all NaN. */
bench_summary bench_summarise(const double *samples, size_t n);
double bench_geometric_mean(const double *values, size_t n); /* NaN for n = 0, or when one is not positive */

/* ---- data.c: weights, rows and what the reference makes of them ---- */

typedef struct bench_weights {
  float *W_ih, *W_hh, *b_ih, *b_hh; /* [G*H, I] [G*H, H] [G*H] [G*H] */
} bench_weights;

typedef struct bench_data {
  const bench_shape *shape;
  /* Steps that x and y hold: T, or fewer when T steps would take too much memory; a run then goes over them again and
   * again, T steps in all, and y holds the last ones. */
  uint64_t held;
  float *x;               /* [held,B,I] */
  float *y;               /* [held,B,D*H]: where columns leave their result */
  int32_t *lengths;       /* [B] of a ragged shape, otherwise NULL */
  bench_weights *weights; /* [layers][2] */
  oclstm_model *model;
  size_t n_checked; /* rows that the reference computed */
  size_t checked[BENCH_CHECKED_ROWS];
  uint64_t checked_steps; /* of each, its first ones */
  float *expected;        /* [checked_steps, n_checked, D*H] */
} bench_data;

oclstm_status bench_data_open(bench_data *data, const bench_shape *shape, uint64_t seed, oclstm_error *error);
void bench_data_close(bench_data *data);

/* ---- columns ---- */

typedef enum bench_state {
  BENCH_DONE,
  BENCH_REFUSED, /* cannot do this shape, and says why */
  BENCH_WRONG,   /* its result is outside of the bounds: no figure */
  BENCH_FAILED   /* broke down */
} bench_state;

typedef struct bench_outcome {
  bench_state state;
  char why[BENCH_TEXT];
  size_t n;
  double samples[BENCH_SAMPLES]; /* seconds of one run */
  bench_summary seconds;
  double relative_l2, max_absolute; /* against the reference */
  double prepare_seconds;           /* NaN: not known */
  double kernel_seconds;            /* of a run that is profiled; NaN: not known */
  bool counted;
  oclstm_counters counters;                 /* of one run */
  uint64_t calls;                           /* of oclstm_forward in one run */
  uint64_t device_bytes;                    /* of the plan */
  uint64_t resident_before, resident_after; /* bytes of this process, before the rounds and behind them */
  char strategy[32], gemm[32];
} bench_outcome;

typedef struct bench_column bench_column;

/* Each returns false with the state and the reason in the outcome. */
typedef struct bench_column_type {
  const char *kind;
  /* Makes itself ready and runs once from a zero state; its first result is in data->y. */
  bool (*prepare)(bench_column *column, bench_data *data, bench_outcome *outcome);
  /* warm_up runs, then a timed one. */
  bool (*run)(bench_column *column, unsigned warm_up, double *seconds, bench_outcome *outcome);
  void (*inspect)(bench_column *column, bench_outcome *outcome); /* behind the timed runs; NULL: nothing */
  void (*finish)(bench_column *column);                          /* lets go of the shape; also without one */
  void (*close)(bench_column *column);
} bench_column_type;

struct bench_column {
  const bench_column_type *type;
  void *self;
  char name[BENCH_NAME];
  char version[BENCH_NAME];
  char details[BENCH_TEXT];
  oclstm_precision precision;
  oclstm_gemm gemm; /* of ours */
  bool ours;        /* oclstm, not the reference */
};

typedef struct bench_columns {
  size_t n, room;
  bench_column *items;
} bench_columns;

/* The place for one more, cleared; NULL without memory. */
bench_column *bench_columns_push(bench_columns *columns);
void bench_columns_close(bench_columns *columns);

/* Records the state and the words. False, to be returned. */
bool bench_fail(bench_outcome *outcome, bench_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Compares data->y with what the reference expects; false and BENCH_WRONG when it is outside of the precision's bounds. */
bool bench_check(const bench_data *data, oclstm_precision precision, bench_outcome *outcome);

/* ---- column_oclstm.c ---- */

typedef struct bench_oclstm_desc {
  const char *device; /* as in oclstm_context_desc */
  const char *cache_dir;
  oclstm_strategy strategy;
  oclstm_tuning tuning; /* of strategy auto */
  oclstm_precision precision;
  oclstm_gemm gemm;
  uint64_t memory_bytes; /* of a plan; 0: half of the device's */
  bool profile;          /* also measure kernel time */
  bool name_device;      /* in the column's name */
  oclstm_log log;
} bench_oclstm_desc;

oclstm_status bench_column_oclstm(bench_column *column, const bench_oclstm_desc *desc, oclstm_error *error);
/* NULL when the column is no oclstm column. Borrowed. */
oclstm_context *bench_column_context(const bench_column *column);
const bench_oclstm_desc *bench_column_desc(const bench_column *column);

/* ---- column_onednn.c ---- */

bool bench_onednn_available(void);
/* False when this oneDNN does not have the precision on this CPU. */
bool bench_column_onednn(bench_column *column, oclstm_precision precision, char why[BENCH_TEXT]);

/* ---- column_peer.c ---- */

typedef struct bench_peer bench_peer;
/* Starts a program and greets it; NULL with the reason in why. `temporary`: where its files get a folder. timeout: seconds of an
 * answer. */
bench_peer *bench_peer_open(const char *command, const char *temporary, double timeout, char why[BENCH_TEXT]);
void bench_peer_close(bench_peer **peer);
const char *bench_peer_name(const bench_peer *peer);
/* A column of the peer, which must outlive it; false without memory. */
bool bench_column_peer(bench_column *column, bench_peer *peer, oclstm_precision precision);

/* ---- folder.c ---- */

/* A new folder within that one, the caller's to remove; NULL without one. */
char *bench_folder_make(const char *temporary);
/* With the files in it. NULL is fine. */
void bench_folder_remove(char **folder);

/* ---- rounds.c ---- */

typedef struct bench_limits {
  size_t least_rounds, most_rounds;
  double seconds; /* of the rounds of one shape */
  double pause;   /* before each run: threads that wait by spinning go to sleep */
  bool (*stopped)(void);
} bench_limits;

/* Prepares, checks, times and inspects every column that takes part. outcomes [columns->n]. False when stopped. */
bool bench_rounds(const bench_columns *columns, bench_data *data, const bench_limits *limits,
                  bench_outcome *outcomes);
bool bench_takes_part(const bench_column *column, const bench_shape *shape);

/* ---- machine.c ---- */

typedef struct bench_machine {
  char cpu[BENCH_TEXT], system[BENCH_TEXT], compiler[BENCH_TEXT];
  unsigned processors;     /* that this process may use */
  uint64_t cache_bytes[3]; /* one of each: L1 data, L2, L3; 0: not known */
  size_t cache_shared[3];  /* by so many processors; 0: not known */
  bool amx;
} bench_machine;

bench_machine bench_machine_here(void);
/* Of "0-3,8" as Linux writes it, 5; 0 of anything else. */
size_t bench_count_processors(const char *list);
/* Bytes of all caches of a level (0: L1) that the processors have. */
uint64_t bench_all_caches(const bench_machine *machine, size_t level);
uint64_t bench_resident_bytes(void); /* 0: not known */
double bench_now(void);              /* seconds of the monotonic clock */

/* ---- peaks.c ---- */

enum { BENCH_LEVELS = 3 };
typedef struct bench_peaks {
  bool known;
  double flops;
  struct {
    const char *name;
    uint64_t fits;  /* so many bytes stay there */
    uint64_t bytes; /* that were read */
    double per_second;
  } levels[BENCH_LEVELS];
} bench_peaks;

oclstm_status bench_measure_peaks(oclstm_context *context, const bench_machine *machine, bench_peaks *peaks,
                                  oclstm_error *error);

/* ---- roofline.c ---- */

/* The longer of the time for the operations, and of that for reading every W_hh once a step and every W_ih once. NaN without
 * peaks. */
double bench_roofline(const bench_peaks *peaks, const bench_shape *shape, oclstm_precision precision);

/* ---- startup.c ---- */

typedef struct bench_startup {
  double context, plan, forward; /* seconds; their sum is from nothing to the first result */
} bench_startup;

/* With an empty folder of programs, and again with what the first left there. */
oclstm_status bench_measure_startup(const bench_oclstm_desc *desc, const char *temporary, bench_startup *cold,
                                    bench_startup *warm, oclstm_error *error);

#endif
