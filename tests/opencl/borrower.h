/* One network with two plans of it: one that may use the caller's arrays where they lie, one that copies them.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_BORROWER_H
#define OCLSTM_TESTS_BORROWER_H

#include "support.h"

enum { B = 5 };
size_t most_steps(void);

typedef struct subject {
  oclstm_model *model;
  oclstm_plan *plan, *copying; /* of most_steps, with cells */
  size_t I, O, C;              /* floats, or ids, in a row of x; in one of y, of cells */
  uint64_t seed;               /* of x */
} subject;

/* Takes the model. False: the device or the strategy does not serve it. */
bool open_subject(subject *s, oclstm_model *model, oclstm_precision precision);
void close_subject(subject *s);

/* Other contents at every call. */
test_job next_job(subject *s, size_t T, oclstm_layout layout);
/* Its x or ids. */
const void *input_of(const test_job *job);
void put_input(const subject *s, const test_job *job, float *x);

/* By the plan that copies, from arrays of its own. */
test_result expected_of(const subject *s, const test_job *job);
/* The job, whose input is at x, gives the result at y and cells, either NULL: not wanted. */
void assert_call(const subject *s, const test_job *job, const test_result *expected, const void *x, float *y,
                 float *cells);
/* Both, with the job's input written to x before. */
void check_call(const subject *s, const test_job *job, float *x, float *y, float *cells);

#endif
