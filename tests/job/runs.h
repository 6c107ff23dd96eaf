/* A network run in one forward call and as a job in chunks, and the comparison of the two.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_JOB_RUNS_H
#define TESTS_JOB_RUNS_H

#include "network.h"
#include "support.h"
#include "test.h"

enum { T = 100, B = 5, I = 3 };

/* Everything that one device needs for one plan; the memory is counted. */
typedef struct bench {
  counted_memory count;
  oclstm_model *model;
  oclstm_context *context; /* NULL: somebody else's */
  oclstm_plan *plan;
  oclstm_state *state;
  oclstm_error error;
} bench;

void open_bench(bench *b, const network_desc *network, size_t rows, size_t steps, bool cells);
void close_bench(bench *b);

typedef struct results {
  float *y, *cells, *h, *c; /* [T,B,F], [T,B,D*H], and the state of B rows */
  size_t y_count, cells_count, h_count, c_count;
} results;

results results_of(const oclstm_model *model); /* every place 77 */
void free_results(results *r);
/* The same random state in the first B of `rows` rows, whatever their number; and those rows back. */
void set_state(bench *b, size_t rows);
void get_state(bench *b, size_t rows, results *r);

/* [steps, step] in memory, as a source's or sink's user. */
typedef struct memory_array {
  float *floats;
  size_t step;
  uint64_t fail_at; /* a read or write that touches this step fails */
  oclstm_status status;
} memory_array;

oclstm_status read_memory(void *user, uint64_t first, size_t n, void *to, oclstm_error *error);
oclstm_status write_memory(void *user, uint64_t first, size_t n, const float *from, oclstm_error *error);
float *floats(size_t n, float value);

typedef struct setting {
  network_desc network;
  oclstm_context
      *context; /* all settings of a network have one: to make its programs takes longer than a run */
  size_t chunk, plan_rows;
  bool ragged, cells;
  bool fresh;            /* begins with the state as it is made, not with set_state */
  uint64_t memory_bytes; /* 0: default; 1: everything in a file */
} setting;

/* Runs a network in one call and in chunks of many sizes, ragged and with cells, and fails when they differ; when thorough,
 * also of rows of one length and without cells. */
void check_network(const network_desc *network, bool thorough);

/* Twenty times the steps take no more memory and no more allocations. */
void assert_bounded_memory(const char *layers, bool ragged);

#endif
