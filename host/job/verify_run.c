/* One layer over the whole of its input, as a job over arrays in memory.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

typedef struct array {
  float *floats;
  size_t step; /* floats of one step */
} array;

static oclstm_status read_array(void *user, uint64_t first, size_t n, void *to, oclstm_error *error) {
  const array *a = user;
  (void)error;
  memcpy(to, a->floats + first * a->step, n * a->step * sizeof *a->floats);
  return OCLSTM_OK;
}

static oclstm_status write_array(void *user, uint64_t first, size_t n, const float *from,
                                 oclstm_error *error) {
  const array *a = user;
  (void)error;
  memcpy(a->floats + first * a->step, from, n * a->step * sizeof *from);
  return OCLSTM_OK;
}

/* A one-layer model's whole input is a step's width times T, ids or features. */
static oclstm_status run_side(const oclstm__verify_pair *pair, size_t side, const oclstm_verify_desc *desc,
                              const uint64_t *lengths, float *x, float *y, oclstm_error *error) {
  const oclstm_model *model = pair->plan[side]->model;
  size_t B = desc->rows, width = oclstm_model_input_size(model);
  array from = {x, B * width}, to = {y, B * oclstm_model_output_size(model)};
  const oclstm_source source = {&from, B, desc->steps, width, lengths, read_array};
  const oclstm_sink sink = {&to, write_array};
  oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
  job.plan = pair->plan[side];
  job.state = pair->state[side];
  job.source = &source;
  job.y = &sink;
  job.memory_bytes = UINT64_MAX;
  return oclstm_job_run(&job, error);
}

oclstm_status oclstm__verify_run(const oclstm_allocator *allocator, const oclstm__verify_pair *pair,
                                 size_t side, const oclstm_verify_desc *desc, float *x, float *y,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  uint64_t *lengths = oclstm__alloc(allocator, desc->rows, sizeof *lengths);
  REQUIRE(lengths != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", desc->rows);
  for (size_t b = 0; b < desc->rows; ++b) {
    lengths[b] = desc->lengths != NULL ? (uint64_t)desc->lengths[b] : desc->steps;
  }
  TRY(run_side(pair, side, desc, lengths, x, y, error));
done:
  oclstm__free(allocator, lengths);
  return status;
}
