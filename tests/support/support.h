/* What the tests share: options, devices, seeded networks and inputs, runs, and comparisons that say where.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_SUPPORT_H
#define OCLSTM_TEST_SUPPORT_H

/* cmocka wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "oclstm/oclstm.h"

/* ---- options.c: what is tested ---- */

typedef struct test_options {
  const char *device; /* as in oclstm_context_desc */
  oclstm_strategy strategy;
  oclstm_gemm gemm;
  oclstm_precision precision; /* of plans that do not say */
  size_t lanes;               /* not 0: the device is taken for a GPU with work-groups of so many */
  bool amx;                   /* see amx.c */
  bool small;                 /* shapes for devices that are slow: oclgrind, software GPUs */
  uint64_t seed;
  const char *cases;  /* folder of case files, for tests that read them */
  const char *only;   /* pattern of test or case names, or NULL */
  const char *except; /* the same, of those left out */
  const char *record; /* file that says what became of each case, or NULL */
} test_options;

extern test_options options;

/* Reads --device, --strategy, --gemm, --precision, --amx, --lanes, --small, --seed, --cases, --only, --except and --record; exits
 * with status 2 on anything else. */
void read_options(int argc, char **argv);
/* The options again, as a command line. */
const char *option_text(void);

/* Runs the tests that --only lets through, with the devices open. What main returns: not 0 when one failed or none ran. */
int run_device_tests(const char *group, const struct CMUnitTest *tests, size_t n);

/* ---- run.c: devices, and networks run on them ---- */

extern oclstm_context *device;    /* the one under test */
extern oclstm_context *reference; /* the same object when the reference is under test */

int open_devices(void **unused); /* as a group's setup and teardown */
int close_devices(void **unused);
/* The same with a cache folder for the group's contexts, which ends with it. */
extern char cache_folder[];
int open_devices_and_cache(void **unused);
int close_devices_and_cache(void **unused);

extern oclstm_error last_error;
#define OK(call) check_ok((call), #call, __FILE__, __LINE__)
/* The call fails with this status, and its message contains the text. */
#define FAILS(status, text, call) check_fails((call), (status), (text), #call, __FILE__, __LINE__)
void check_ok(oclstm_status status, const char *call, const char *file, int line);
void check_fails(oclstm_status status, oclstm_status expected, const char *text, const char *call,
                 const char *file, int line);

/* The description of a plan under the options' strategy and gemm (on the reference: its own), and such a plan. Without a c
 * in the last layer there are no cells to ask for. */
oclstm_plan_desc plan_desc(const oclstm_context *context, const oclstm_model *model, size_t rows,
                           size_t steps, bool cells);
oclstm_plan *make_plan(oclstm_context *context, const oclstm_model *model, size_t rows, size_t steps,
                       bool cells);

/* A batch of sequences through a network. Arrays are the test's own to change before the run. */
typedef struct test_job {
  const oclstm_model *model;
  size_t T, B;
  oclstm_layout layout;
  float *x;         /* [T,B,I] or [B,T,I] */
  int32_t *ids;     /* [T,B] or [B,T], in place of x when the model has an embedding; otherwise NULL */
  int32_t *lengths; /* [B], or NULL */
  float *h0, *c0;
} test_job;

/* What came of it. */
typedef struct test_result {
  float *y, *hn, *cn, *cells;
} test_result;

/* Random x (or ids), h0 and c0 from the seed; time-major, all of length T. */
test_job make_job(const oclstm_model *model, size_t T, size_t B, uint64_t seed);
test_job copy_job(const test_job *job);
void free_job(test_job *job);
/* Gives row b the length lengths[b % n], at most T. */
void set_lengths(test_job *job, const int32_t *lengths, size_t n);
/* Row (t, b) of x. */
float *x_row(const test_job *job, size_t t, size_t b);
/* Runs the job by a plan of plan_steps (0: T), `piece` steps at a time (0: as many as the plan takes; RANDOM_PIECES: 0
 * to plan_steps at a time, from the options' seed). Pieces need a time-major job. */
enum { RANDOM_PIECES = 1 << 30 };
test_result run_job(oclstm_context *context, const test_job *job, size_t plan_steps, size_t piece);
/* The same by a plan that is there: its steps are what a piece of 0 takes. */
test_result run_plan(oclstm_plan *plan, const test_job *job, size_t piece);
void free_result(test_result *result);

/* ---- amx.c ---- */

/* Has the device take AMX as there, the processor's or, where it has none, that of amx_emulator.h; says which. Exits with 77, a
 * skip, where the device cannot run such kernels. --gemm auto takes it for bf16, --gemm amx always. */
void force_amx(void);
/* The tests, run like that; freed by the caller. */
const struct CMUnitTest *tests_under_amx(const struct CMUnitTest *tests, size_t n);
/* Whether it is the emulator's. */
extern bool amx_is_emulated;

/* ---- network.c ---- */

/* A network of equal layers with random weights, U(-1,1) * scale / sqrt(H). */
typedef struct test_network {
  size_t layers, I, H;
  oclstm_direction direction;
  bool forward_behind; /* the layers behind the first one are forward */
  oclstm_bias bias;
  size_t head;        /* 0: none */
  double scale;       /* 0: no weights but zeros */
  double forget_bias; /* added to the forget gate's rows of b_ih */
} test_network;
oclstm_model *make_network(const test_network *network, uint64_t seed);
/* The shape that timings and long runs use: one layer, forward, I 64, H 128, two biases. */
extern const test_network HOUSE;
/* Forward networks of several shapes, for what must hold of each; the first is a small one of two layers. */
extern const test_network FORWARD[];
size_t n_forward(void); /* fewer with --small */
/* The same with both directions. */
extern const test_network BIDIRECTIONAL[];
size_t n_bidirectional(void);

/* ---- layers.c ---- */

/* A network of these layers with random weights, other ones for every gate and direction; V: ids of an embedding in front,
 * 0 for none. */
oclstm_model *make_layers(const oclstm_layer *layers, size_t n, size_t head, size_t V, uint64_t seed);

/* ---- random.c: splitmix64 ---- */

uint64_t next_random(uint64_t *seed);
double random_unit(uint64_t *seed);                                /* in [0, 1) */
void fill_random(float *to, size_t n, float size, uint64_t *seed); /* U(-size, size) */

/* ---- compare.c: two arrays [n,B,W]; failures print y[t=3,b=1,j=17] ref .. got .. ---- */

typedef struct test_tensor {
  const char *name;
  const char *axes; /* one letter for each of n, B and W: "tbj" */
  size_t n, B, W;
} test_tensor;

/* The tensors of a job: y in the job's layout, cells (of width 0 when the last layer has no c), hn and cn. Where layers
 * differ in size, those two are one row of everything. */
test_tensor y_of(const test_job *job);
test_tensor hn_of(const test_job *job);
test_tensor cn_of(const test_job *job);
test_tensor cells_of(const test_job *job);

typedef struct tolerance {
  double rel_l2;  /* ||got - ref|| / ||ref|| */
  double max_abs; /* of got - ref */
} tolerance;
/* float32 of contractive networks against double. */
extern const tolerance FLOAT32;

/* True when within tolerance; otherwise prints the worst element. NaN is never within it. */
bool is_close(const test_tensor *shape, const float *ref, const float *got, tolerance limit);
void assert_close(const test_tensor *shape, const float *ref, const float *got, tolerance limit);
void assert_same_bits(const test_tensor *shape, const float *ref, const float *got);
/* All of y, hn, cn and cells. */
void assert_results_close(const test_job *job, const test_result *ref, const test_result *got,
                          tolerance limit);
/* A random job of T steps and B rows by the plan is what the reference makes of it. */
void assert_plan_close(oclstm_plan *plan, const oclstm_model *model, size_t T, size_t B, tolerance limit);
void assert_results_same_bits(const test_job *job, const test_result *ref, const test_result *got);

#endif
