/* Which way the steps of a layer are run: listing them, deciding, measuring, and the answers that are kept.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_TUNING_H
#define OCLSTM_OPENCL_TUNING_H

#include "opencl/device/cl.h"
#include "opencl/plan.h"

/* ---- candidates.c ---- */

/* Fills runner->ways: way 0 is the rule of thumb's, or that of the strategy asked for. Returns why. What may be measured
 * has no reason against it. probe: as of oclstm__strategy_serves. */
const char *oclstm__list_ways(const oclstm__cl_plan *plan, oclstm__runner *runner, bool probe);

/* ---- contest.c: measuring ---- */

enum {
  OCLSTM__MOST_MEASURED = 4
};                           /* of a runner: each may have to be compiled, which takes up to a second */
#define OCLSTM__HOPELESS 2.0 /* times the best: not worth another round, or another way of the strategy */
/* Measures the open ways and makes runner->choice the best of them, which it leaves made; the answer is kept. Way 0 is
 * open. */
oclstm_status oclstm__contest(oclstm__cl_plan *plan, oclstm__runner *runner, oclstm_error *error);

/* ---- decide.c: deciding ---- */

/* Decides the choices of all runners: by name, by the rule of thumb, by kept answers, or by measuring, and so that those that
 * might run side by side agree. Nothing is made, but for what is measured. */
oclstm_status oclstm__decide(oclstm__cl_plan *plan, oclstm_error *error);

/* ---- agreement.c ---- */

/* Where some of those that might run side by side left room for the others and some did not, all take what is faster in all. */
void oclstm__agree(oclstm__cl_plan *plan);

/* ---- measure.c: two ways against each other ---- */

/* Stages of a runner run on zeros, in the plan's own buffers, with a state of their own. */
typedef struct oclstm__trial {
  oclstm__cl_plan *plan;
  struct oclstm__cell_state *states; /* one a lane */
  size_t n_states;
  size_t steps; /* of one timed run */
} oclstm__trial;

oclstm_status oclstm__trial_open(oclstm__trial *trial, oclstm__cl_plan *plan, const oclstm__runner *runner,
                                 oclstm_error *error);
void oclstm__trial_close(oclstm__trial *trial);
/* The first run of a way, not timed: drivers compile and allocate then. */
oclstm_status oclstm__trial_warm(oclstm__trial *trial, oclstm__runner *runner, oclstm_error *error);
/* Decides trial->steps so that one run of this way takes a few milliseconds. */
oclstm_status oclstm__trial_scale(oclstm__trial *trial, oclstm__runner *runner, oclstm_error *error);
/* Seconds of a step, the least of a few runs. */
oclstm_status oclstm__trial_alone(oclstm__trial *trial, oclstm__runner *runner, double *seconds,
                                  oclstm_error *error);
/* Seconds that a launch takes behind another one, whatever its kernel does. runner: of a strategy without launches a step. */
oclstm_status oclstm__trial_launch(oclstm__trial *trial, oclstm__runner *runner, double *seconds,
                                   oclstm_error *error);
/* Seconds of a step of either, the median of several runs in turn. */
oclstm_status oclstm__trial_run(oclstm__trial *trial, oclstm__runner *pair[2], double seconds[2],
                                oclstm_error *error);

/* ---- answers.c: what was measured, in the context; answers_file.c: the same on disk ---- */

enum { OCLSTM__ANSWER_KEY = 256 };

typedef struct oclstm__timing {
  char strategy[32];
  size_t groups;
  double microseconds; /* a step */
} oclstm__timing;

typedef struct oclstm__answer {
  struct oclstm__answer *next;
  char key[OCLSTM__ANSWER_KEY];
  size_t serial; /* of the plan that measured it; 0: from disk */
  size_t n, best;
  oclstm__timing timings[OCLSTM__MOST_MEASURED];
} oclstm__answer;

/* Everything that decides an answer besides device, driver and kernels, in one line: shapes in classes. */
void oclstm__answer_key(const oclstm__cl_plan *plan, const oclstm__runner *runner,
                        char key[OCLSTM__ANSWER_KEY]);
/* These run with the tuning lock held. The first question reads the file. */
const oclstm__answer *oclstm__answer_find(oclstm__cl *cl, const char *key);
/* Keeps a copy in place of what is known under its key, and writes the file. No memory: it is not kept. */
void oclstm__answer_keep(oclstm__cl *cl, const oclstm__answer *answer);
void oclstm__answers_release(oclstm__cl *cl);
/* Adds a copy unless the key is known. */
bool oclstm__answer_add(oclstm__cl *cl, const oclstm__answer *answer);

/* Adds the file's answers that are not known yet; a file that is damaged or another device's adds none, and the log says
 * so. */
void oclstm__answers_load(oclstm__cl *cl);
/* Writes all answers, with those that another process has written meanwhile. */
void oclstm__answers_store(oclstm__cl *cl);
/* Whether the bytes are a whole file of answers, of whatever device, and how many it has. */
bool oclstm__answers_count(const char *text, size_t bytes, size_t *n);

#endif
