/* Threads that share a model and a context, each with plans and states of its own: no race, and one result.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { THREADS = 6, ROUNDS = 4, T = 12, B = 3, H = 20, I = 5 };

/* cmocka's assertions belong to the main thread: workers only say how far they came. */
typedef struct worker {
  pthread_t thread;
  const oclstm_model *model;
  const float *x;
  oclstm_status status;
  float y[T * B * H];
} worker;

static void *work(void *user) {
  worker *w = user;
  for (int round = 0; round < ROUNDS && w->status == OCLSTM_OK; ++round) {
    oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
    oclstm_io io = OCLSTM_IO_INIT;
    oclstm_plan *plan = NULL;
    oclstm_state *state = NULL;
    desc.rows = B;
    desc.steps = T;
    desc.strategy = options.strategy;
    desc.tuning = OCLSTM_TUNING_NONE;
    desc.gemm = options.gemm;
    io.steps = T;
    io.x = w->x;
    io.y = w->y;
    w->status = oclstm_plan_create(device, w->model, &desc, &plan, NULL);
    if (w->status == OCLSTM_OK) {
      w->status = oclstm_state_create(plan, &state, NULL);
    }
    if (w->status == OCLSTM_OK) {
      w->status = oclstm_forward(plan, state, &io, NULL);
    }
    oclstm_state_destroy(&state);
    oclstm_plan_destroy(&plan);
  }
  return NULL;
}

static void threads_share_a_model_and_a_context(void **unused) {
  static const test_network NETWORK = {.layers = 1, .I = I, .H = H, .bias = OCLSTM_BIAS_TWO, .scale = 1.0};
  static worker workers[THREADS];
  oclstm_model *model = make_network(&NETWORK, options.seed);
  test_job job = make_job(model, T, B, options.seed);
  (void)unused;
  for (int k = 0; k < THREADS; ++k) {
    workers[k] = (worker){.model = model, .x = job.x};
    assert_int_equal(pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
  }
  for (int k = 0; k < THREADS; ++k) {
    assert_int_equal(pthread_join(workers[k].thread, NULL), 0);
  }
  memset(job.h0, 0, B * oclstm_model_h_size(model) * sizeof *job.h0);
  memset(job.c0, 0, B * oclstm_model_c_size(model) * sizeof *job.c0);
  test_result alone = run_job(device, &job, 0, 0);
  for (int k = 0; k < THREADS; ++k) {
    assert_int_equal(workers[k].status, OCLSTM_OK);
    assert_memory_equal(workers[k].y, alone.y, sizeof workers[k].y);
  }
  free_result(&alone);
  free_job(&job);
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_a_model_and_a_context)};
  read_options(argc, argv);
  return run_device_tests("opencl.threads", tests, 1);
}
