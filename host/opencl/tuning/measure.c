/* Timing the steps of a layer: two ways in turn, the median of each.
 * SPDX-License-Identifier: MIT */

#include <math.h>

#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/device/layout.h"
#include "opencl/gemm/gemm.h"
#include "opencl/plan.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/runner.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

enum { WARM_RUNS = 2, ALONE_RUNS = 3, LAUNCHES = 256 };
enum { MOST_STEPS = 4096, LEAST_ROUNDS = 3, MOST_ROUNDS = 32 };
/* Wanted of one timed run: far above what a clock, a launch and the waking of a device's threads take. */
static const double RUN_SECONDS = 4e-3;
static const double WAY_SECONDS = 8e-3;   /* wanted of one way in all */
static const double ENOUGH_SECONDS = 0.1; /* of both, after which two rounds must do */

static oclstm_status create_state(const oclstm__cl_plan *plan, const oclstm__runner *r,
                                  oclstm__cell_state *state, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  uint64_t bytes = 0; /* gone with the trial */
  size_t B = plan->base.desc.rows;
  size_t h = B * oclstm__padded_units(oclstm_layer_state_size(r->layer)) *
             oclstm__stored_bytes(plan->base.desc.precision);
  size_t c = B * oclstm__padded_units(oclstm__cell_size(r->layer)) * sizeof(float);
  TRY(oclstm__buffer_create(cl, h, "h", &state->h[0], &bytes, error));
  TRY(oclstm__buffer_create(cl, h, "h", &state->h[1], &bytes, error));
  if (c > 0) {
    TRY(oclstm__buffer_create(cl, c, "c", &state->c[0], &bytes, error));
    TRY(oclstm__buffer_create(cl, c, "c", &state->c[1], &bytes, error));
  }
done:
  return status;
}

oclstm_status oclstm__trial_open(oclstm__trial *trial, oclstm__cl_plan *plan, const oclstm__runner *r,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *trial = (oclstm__trial){.plan = plan, .steps = 1, .n_states = r->beside};
  trial->states = oclstm__alloc(&plan->base.context->allocator, r->beside, sizeof *trial->states);
  REQUIRE(trial->states != NULL, OCLSTM_E_MEMORY, "%zu states of a trial", r->beside);
  for (size_t k = 0; k < r->beside; ++k) {
    TRY(create_state(plan, r, &trial->states[k], error));
  }
done:
  return status;
}

void oclstm__trial_close(oclstm__trial *trial) {
  for (size_t k = 0; trial->states != NULL && k < trial->n_states; ++k) {
    oclstm__buffer_release(&trial->states[k].h[0]);
    oclstm__buffer_release(&trial->states[k].h[1]);
    oclstm__buffer_release(&trial->states[k].c[0]);
    oclstm__buffer_release(&trial->states[k].c[1]);
  }
  if (trial->states != NULL) {
    oclstm__free(&trial->plan->base.context->allocator, trial->states);
    trial->states = NULL;
  }
}

/* The steps in as many lanes as run side by side, of zeros all: what one of them writes between the others do too. */
static oclstm_status enqueue(const oclstm__trial *trial, oclstm__runner *r, size_t lanes,
                             oclstm__steps *steps, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(trial->plan);
  cl_event begun = NULL;
  cl_event ended[OCLSTM__MOST_LANES] = {NULL};
  TRY(lanes > 1 ? oclstm__lane_mark(cl, 0, &begun, error) : OCLSTM_OK);
  for (size_t k = lanes; k-- > 0;) {
    steps->turn = k > 0 ? (oclstm__turn){k, begun, &ended[k]} : OCLSTM__IN_ORDER;
    steps->state = &trial->states[k];
    steps->beside = (lanes - 1) * oclstm__groups_of(r);
    TRY(r->choice.strategy->run(trial->plan, r, steps, error));
  }
  TRY(oclstm__lanes_join(cl, ended, error));
done:
  oclstm__event_release(&begun);
  for (size_t k = 0; k < OCLSTM__MOST_LANES; ++k) {
    oclstm__event_release(&ended[k]);
  }
  return status;
}

/* n steps of x = 0 with their input projection, y going where the next layer's input would. Seconds of all; where several
 * of the kind run side by side, each one's share. */
static oclstm_status run(oclstm__trial *trial, oclstm__runner *r, size_t n, double *seconds,
                         oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__cl_plan *plan = trial->plan;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const size_t lanes = oclstm__lanes_of(plan, r);
  oclstm__steps steps = {.n = n,
                         .last = n,
                         .alone = lanes == 1,
                         .x = plan->activations[0],
                         .y = plan->activations[1],
                         .y_ld = oclstm_layer_output_size(r->layer),
                         .merge = OCLSTM_CONCAT,
                         .cells_ld = oclstm_layer_directions(r->layer) * r->layer->hidden_size};
  double began = oclstm__now();
  if (!oclstm__owns_input(plan, r->choice.strategy)) {
    TRY(oclstm__gemm_enqueue(r->input, steps.x, n * plan->base.desc.rows, oclstm__gx_of(plan, r), error));
  }
  TRY(enqueue(trial, r, lanes, &steps, error));
  TRY(oclstm__cl_settle(cl, error));
  *seconds = (oclstm__now() - began) / (double)lanes;
  if (n > 0) {
    *seconds *= oclstm__beside_price(plan, r, lanes, *seconds * (double)lanes / (double)n);
  }
  if (cl->timer.seconds != NULL) {
    *seconds = cl->timer.seconds(cl->timer.user, &r->choice, n, *seconds);
  }
done:
  return status;
}

oclstm_status oclstm__trial_warm(oclstm__trial *trial, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double unused = 0.0;
  for (int k = 0; k < WARM_RUNS; ++k) {
    TRY(run(trial, r, 1, &unused, error));
  }
done:
  return status;
}

oclstm_status oclstm__trial_scale(oclstm__trial *trial, oclstm__runner *r, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t most = oclstm__min(trial->plan->base.desc.steps, MOST_STEPS);
  size_t n = oclstm__min(most, 8);
  double seconds = 0.0;
  TRY(run(trial, r, n, &seconds, error));
  double wanted = seconds > 0.0 ? RUN_SECONDS * (double)n / seconds : (double)most;
  trial->steps = wanted < 1.0 ? 1 : wanted > (double)most ? most : (size_t)wanted;
done:
  return status;
}

oclstm_status oclstm__trial_alone(oclstm__trial *trial, oclstm__runner *r, double *seconds,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *seconds = INFINITY;
  for (int k = 0; k < ALONE_RUNS; ++k) {
    double taken = 0.0;
    TRY(run(trial, r, trial->steps, &taken, error));
    *seconds = fmin(*seconds, taken / (double)trial->steps);
  }
done:
  return status;
}

/* A chunk of no steps sets the arguments, and then its kernel has nothing to do. */
oclstm_status oclstm__trial_launch(oclstm__trial *trial, oclstm__runner *r, double *seconds,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(trial->plan);
  const oclstm__stage *stage = &r->stages[0];
  double unused = 0.0;
  *seconds = INFINITY;
  TRY(run(trial, r, 0, &unused, error));
  for (int k = 0; k < ALONE_RUNS; ++k) {
    double began = oclstm__now();
    for (int n = 0; n < LAUNCHES; ++n) {
      TRY(oclstm__enqueue_items(cl, stage->kernel[0], stage->lanes, stage->lanes, error));
    }
    TRY(oclstm__cl_settle(cl, error));
    *seconds = fmin(*seconds, (oclstm__now() - began) / LAUNCHES);
  }
  if (cl->timer.seconds != NULL) {
    *seconds = cl->timer.seconds(cl->timer.user, &r->choice, 0, *seconds);
  }
done:
  return status;
}

/* Of samples in no order, which are put in one: the middle one, of an even number the lower of two. */
static double median(double *samples, size_t n) {
  for (size_t k = 1; k < n; ++k) {
    double sample = samples[k];
    size_t at = k;
    for (; at > 0 && samples[at - 1] > sample; --at) {
      samples[at] = samples[at - 1];
    }
    samples[at] = sample;
  }
  return samples[(n - 1) / 2];
}

/* Medians, because some ways take much longer than at best in most of their runs: the threads of grid have to be woken
 * on processors of their own. */
oclstm_status oclstm__trial_run(oclstm__trial *trial, oclstm__runner *pair[2], double seconds[2],
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  double samples[2][MOST_ROUNDS];
  double spent = 0.0;
  for (size_t round = 0; round < MOST_ROUNDS; ++round) {
    for (size_t k = 0; k < 2; ++k) {
      size_t which = (round + k) % 2; /* each is first as often as second */
      double taken = 0.0;
      TRY(run(trial, pair[which], trial->steps, &taken, error));
      samples[which][round] = taken / (double)trial->steps;
      spent += taken;
    }
    for (size_t k = 0; k < 2; ++k) {
      seconds[k] = median(samples[k], round + 1);
    }
    bool clear = seconds[1] > OCLSTM__HOPELESS * seconds[0] || spent > ENOUGH_SECONDS;
    if ((round + 1 >= LEAST_ROUNDS && spent > 2.0 * WAY_SECONDS) || (round > 0 && clear)) {
      break;
    }
  }
done:
  return status;
}
