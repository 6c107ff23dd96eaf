/* Large weights make the recurrence chaotic in any float32 arithmetic, so each step starts from the reference's state.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "support.h"

typedef struct side {
  oclstm_plan *plan;
  oclstm_state *state;
  float *y, *h, *c;
} side;

static side open_side(oclstm_context *context, const test_job *job) {
  side s = {.plan = make_plan(context, job->model, job->B, 1, false),
            .y = calloc(job->B * oclstm_model_output_size(job->model), sizeof(float)),
            .h = calloc(job->B * oclstm_model_h_size(job->model), sizeof(float)),
            .c = calloc(job->B * oclstm_model_c_size(job->model), sizeof(float))};
  assert_true(s.y != NULL && s.h != NULL && s.c != NULL);
  OK(oclstm_state_create(s.plan, &s.state, &last_error));
  return s;
}

static void close_side(side *s) {
  oclstm_state_destroy(&s->state);
  oclstm_plan_destroy(&s->plan);
  free(s->y);
  free(s->h);
  free(s->c);
}

static void step(side *s, const float *x, const float *h, const float *c) {
  oclstm_io io = OCLSTM_IO_INIT;
  io.steps = 1;
  io.x = x;
  io.y = s->y;
  OK(oclstm_state_set(s->state, h, c, &last_error));
  OK(oclstm_forward(s->plan, s->state, &io, &last_error));
  OK(oclstm_state_get(s->state, s->h, s->c, &last_error));
}

static void check(double scale, double forget_bias) {
  const tolerance limit = {.rel_l2 = 1.0, .max_abs = 2e-5};
  test_network net = HOUSE;
  net.layers = 2;
  net.scale = scale;
  net.forget_bias = forget_bias;
  if (options.small) {
    net.I = 9;
    net.H = 18;
  }
  oclstm_model *model = make_network(&net, options.seed);
  test_job job = make_job(model, options.small ? 5 : 100, 3, options.seed);
  const test_tensor hn = hn_of(&job), cn = cn_of(&job), y = {"y", "tbj", 1, job.B, net.H};
  assert_ptr_not_equal(device, reference); /* which would agree with itself */
  side ref = open_side(reference, &job);
  side got = open_side(device, &job);
  const float *h = job.h0, *c = job.c0;
  for (size_t t = 0; t < job.T; ++t) {
    step(&got, x_row(&job, t, 0), h, c);
    step(&ref, x_row(&job, t, 0), h, c);
    if (!is_close(&y, ref.y, got.y, limit) || !is_close(&hn, ref.h, got.h, limit) ||
        !is_close(&cn, ref.c, got.c, limit)) {
      fail_msg("step %zu, weights scaled %g times, forget bias %g", t, scale, forget_bias);
    }
    h = ref.h;
    c = ref.c;
  }
  close_side(&got);
  close_side(&ref);
  free_job(&job);
  oclstm_model_destroy(&model);
}

static void weights_times_12(void **unused) {
  (void)unused;
  check(12.0, 0.0);
}

static void weights_times_30(void **unused) {
  (void)unused;
  check(30.0, 0.0);
}

static void forget_bias_6(void **unused) {
  (void)unused;
  check(1.0, 6.0);
  check(12.0, 6.0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_times_12),
      cmocka_unit_test(weights_times_30),
      cmocka_unit_test(forget_bias_6),
  };
  read_options(argc, argv);
  return run_device_tests("forward.resync", tests, sizeof tests / sizeof tests[0]);
}
