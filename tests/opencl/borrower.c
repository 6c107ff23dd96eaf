/* Calls of a plan that may use the caller's arrays, against one that copies them.
 * SPDX-License-Identifier: MIT */
#include "borrower.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/plan.h"
#include "opencl/plan/calls.h"

size_t most_steps(void) {
  return options.small ? 4 : 23;
}

/* Sets what the device was seen to be; returns what that was before. The reference has no such choice. */
static unsigned set_sharing(unsigned sharing) {
  return device != reference ? atomic_exchange(&oclstm__cl_of(device)->sharing, sharing) : sharing;
}

static void say_which(void) {
  const bool shares = device != reference && atomic_load(&oclstm__cl_of(device)->sharing) == OCLSTM__SHARES;
  print_message("arrays are %s\n", shares ? "used where they lie" : "copied");
}

bool open_subject(subject *s, oclstm_model *model, oclstm_precision precision) {
  *s = (subject){.model = model, .seed = options.seed};
  oclstm_plan_desc desc = plan_desc(device, model, B, most_steps(), true);
  desc.precision = precision != OCLSTM_PRECISION_F32 && device != reference ? precision : desc.precision;
  const oclstm_status serves = oclstm_supports(device, model, &desc, &last_error);
  if (serves == OCLSTM_E_UNSUPPORTED) {
    print_message("left out: %s\n", last_error.text);
    oclstm_model_destroy(&s->model);
    return false;
  }
  OK(oclstm_plan_create(device, model, &desc, &s->plan, &last_error));
  OK(oclstm_plan_create(device, model, &desc, &s->copying, &last_error));
  say_which();
  const test_job job = {.model = model, .T = 1, .B = B};
  s->I = oclstm_model_embedding_size(model) != 0 ? 1 : oclstm_model_input_size(model);
  s->O = y_of(&job).W;
  s->C = cells_of(&job).W;
  return true;
}

void close_subject(subject *s) {
  oclstm_plan_destroy(&s->plan);
  oclstm_plan_destroy(&s->copying);
  oclstm_model_destroy(&s->model);
}

test_job next_job(subject *s, size_t T, oclstm_layout layout) {
  test_job job = make_job(s->model, T, B, next_random(&s->seed));
  job.layout = layout;
  return job;
}

const void *input_of(const test_job *job) {
  return job->ids != NULL ? (const void *)job->ids : job->x;
}

/* ---- one call ---- */

void put_input(const subject *s, const test_job *job, float *x) {
  memcpy(x, input_of(job), job->T * B * s->I * sizeof *x);
}

void assert_call(const subject *s, const test_job *job, const test_result *expected, const void *x, float *y,
                 float *cells) {
  const test_tensor y_is = y_of(job), cells_are = cells_of(job), hn_is = hn_of(job), cn_is = cn_of(job);
  float *hn = calloc(B * oclstm_model_h_size(s->model), sizeof *hn);
  float *cn = calloc(B * oclstm_model_c_size(s->model), sizeof *cn);
  oclstm_state *state = NULL;
  oclstm_io io = OCLSTM_IO_INIT;
  assert_true(hn != NULL && cn != NULL);
  io.steps = job->T;
  io.layout = job->layout;
  io.x = job->ids == NULL ? x : NULL;
  io.ids = job->ids != NULL ? x : NULL;
  io.lengths = job->lengths;
  io.y = y;
  io.cells = cells;
  OK(oclstm_state_create(s->plan, &state, &last_error));
  OK(oclstm_state_set(state, job->h0, job->c0, &last_error));
  OK(oclstm_forward(s->plan, state, &io, &last_error));
  if (y != NULL) {
    assert_same_bits(&y_is, expected->y, y);
  }
  if (cells != NULL) {
    assert_same_bits(&cells_are, expected->cells, cells);
  }
  OK(oclstm_state_get(state, hn, cn, &last_error));
  assert_same_bits(&hn_is, expected->hn, hn);
  assert_same_bits(&cn_is, expected->cn, cn);
  oclstm_state_destroy(&state);
  free(hn);
  free(cn);
}

test_result expected_of(const subject *s, const test_job *job) {
  const unsigned seen = set_sharing(OCLSTM__COPIES);
  test_result result = run_plan(s->copying, job, 0);
  (void)set_sharing(seen);
  return result;
}

/* Where the device shares memory, the plan has a buffer over the whole of the array, which it used. */
static void assert_borrowed(const oclstm__borrowed *slot, const void *array, size_t bytes) {
  void *over = NULL;
  size_t size = 0;
  if (device == reference || atomic_load(&oclstm__cl_of(device)->sharing) != OCLSTM__SHARES || bytes == 0) {
    return;
  }
  assert_int_equal(clGetMemObjectInfo(slot->mem, CL_MEM_HOST_PTR, sizeof over, &over, NULL), CL_SUCCESS);
  assert_int_equal(clGetMemObjectInfo(slot->mem, CL_MEM_SIZE, sizeof size, &size, NULL), CL_SUCCESS);
  assert_ptr_equal(over, array);
  assert_true(size >= bytes);
}

void check_call(const subject *s, const test_job *job, float *x, float *y, float *cells) {
  test_result expected = expected_of(s, job);
  put_input(s, job, x);
  assert_call(s, job, &expected, x, y, cells);
  const oclstm__cl_plan *plan = oclstm__cl_plan_of(s->plan);
  assert_borrowed(&plan->borrowed_x, x, job->T * B * s->I * sizeof *x);
  if (job->layout == OCLSTM_BATCH_MAJOR || oclstm_model_head_size(s->model) == 0) {
    assert_borrowed(&plan->borrowed_y, y, job->T * B * s->O * sizeof *y);
  }
  free_result(&expected);
}
