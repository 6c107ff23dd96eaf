/* The OpenCL side of a context, and how its calls report failure.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_CL_H
#define OCLSTM_OPENCL_CL_H

#include <CL/cl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/error.h"
#include "core/memory.h"
#include "engine/engine.h"

typedef struct oclstm__program oclstm__program;
typedef struct oclstm__answer oclstm__answer;
typedef struct oclstm__candidate oclstm__candidate;

/* What a timed run counts as, in place of what the clock says, and, with 0 steps, a launch: for tests of the tuner. NULL: the
 * clock. */
typedef struct oclstm__timer {
  double (*seconds)(void *user, const oclstm__candidate *way, size_t steps, double measured);
  void *user;
} oclstm__timer;
typedef struct oclstm__meter oclstm__meter;

enum { OCLSTM__MOST_LANES = 8 };

typedef struct oclstm__cl {
  struct oclstm_context base;
  cl_device_id device;
  cl_context context;
  cl_command_queue queue;
  cl_command_queue
      lanes[OCLSTM__MOST_LANES]; /* [1] on: beside the queue, see lanes.c; NULL until a plan wants them */
  bool out_of_order;             /* of the caller's queue: a barrier goes behind every command */
  unsigned vector_width;         /* VW of the kernels */
  size_t max_lanes;              /* most LANES of the kernels: 1 on CPU devices */
  size_t most_turns;             /* of all loops of a kernel, see turns.c; 0: as many as there are */
  bool loops_take_assembly;      /* see assembly.c */
  bool twins;                    /* for tests: plain twins serve where matrix instructions are missing */
  char *cache_dir;               /* or NULL */
  oclstm__meter *meter;          /* what commands.c counts */
  atomic_uint
      sharing;      /* whether buffers over the caller's arrays are those, see borrow.c; 0: not asked yet */
  atomic_uint pair; /* of products of bfloat16, see pairs.c; 0: not asked yet */
  atomic_uint amx;  /* precisions, as bits, whose products were seen to be right, see amx.c */
  atomic_uint
      coresident_groups;  /* of a launch, that run at the same time; 0: not asked yet. See coresidency.c */
  pthread_mutex_t asking; /* held by who asks for them, for seconds; taken after `tuning`, before `lock` */
  pthread_mutex_t lock;   /* of what follows */
  oclstm__program *programs;
  char *build_log;
  pthread_mutex_t tuning;  /* of what follows, and of measuring: one at a time; taken before `lock` */
  oclstm__answer *answers; /* newest first */
  bool answers_loaded;
  size_t plans; /* so far */
  oclstm__timer timer;
} oclstm__cl;

static inline oclstm__cl *oclstm__cl_of(const oclstm_context *context) {
  return (oclstm__cl *)(void *)context;
}

/* ---- errors.c ---- */

/* Records "CALL: CL_NAME (code)" under the status that the code stands for; `call` may be a whole expression, what is
 * before its parenthesis is the name. */
oclstm_status oclstm__cl_error(oclstm_error *error, cl_int code, const char *call);
const char *oclstm__cl_code_name(cl_int code);

/* For calls that return their code. Needs status, error and done, as REQUIRE does. */
#define CL(call)                                         \
  do {                                                   \
    cl_int cl_code_ = (call);                            \
    if (cl_code_ != CL_SUCCESS) {                        \
      status = oclstm__cl_error(error, cl_code_, #call); \
      goto done;                                         \
    }                                                    \
  } while (0)

/* For calls that give an object and their code through &cl_code. Needs cl_int cl_code too. */
#define CL_OUT(object, call)                            \
  do {                                                  \
    (object) = (call);                                  \
    if (cl_code != CL_SUCCESS) {                        \
      (object) = NULL;                                  \
      status = oclstm__cl_error(error, cl_code, #call); \
      goto done;                                        \
    }                                                   \
  } while (0)

/* ---- devices.c ---- */

oclstm_status oclstm__cl_describe(cl_platform_id platform, cl_device_id device, oclstm_device_info *info,
                                  oclstm_error *error);
oclstm_status oclstm__cl_choose(const char *name, cl_platform_id *platform, cl_device_id *device,
                                oclstm_device_info *info, oclstm_error *error);

/* ---- commands.c: every command of the library, counted ---- */

/* Seconds, of a clock that never goes back. */
double oclstm__now(void);

/* Where a launch goes, what it waits for there besides what is in front of it, and who wants to know its end. */
typedef struct oclstm__turn {
  size_t lane;     /* see lanes.c; 0: the context's queue */
  cl_event behind; /* or NULL */
  cl_event *done;  /* out, the caller's to release; or NULL */
} oclstm__turn;
static const oclstm__turn OCLSTM__IN_ORDER = {0, NULL, NULL};
/* Of several launches in a row, those that are not the first and those that are not the last one's. */
static inline oclstm__turn oclstm__part_of_turn(oclstm__turn all, bool first, bool last) {
  return (oclstm__turn){all.lane, first ? all.behind : NULL, last ? all.done : NULL};
}

/* After every command: keeps the next one behind it on an out-of-order queue. */
oclstm_status oclstm__cl_order(const oclstm__cl *cl, oclstm_error *error);
/* The only launch of a kernel of ours, with oclstm__cl_order behind it. */
oclstm_status oclstm__cl_enqueue(const oclstm__cl *cl, oclstm__turn turn, cl_kernel kernel,
                                 cl_uint dimensions, const size_t *global, const size_t *local,
                                 oclstm_error *error);
/* Sets consecutive arguments of a kernel from `first` on. */
typedef struct oclstm__arg {
  size_t bytes;
  const void *value;
} oclstm__arg;
oclstm_status oclstm__set_args(cl_kernel kernel, cl_uint first, const oclstm__arg *args, size_t n,
                               oclstm_error *error);
/* Enqueues a one-dimensional kernel over `items`, in groups of `local`. */
oclstm_status oclstm__enqueue_in_turn(const oclstm__cl *cl, oclstm__turn turn, cl_kernel kernel, size_t items,
                                      size_t local, oclstm_error *error);
oclstm_status oclstm__enqueue_items(const oclstm__cl *cl, cl_kernel kernel, size_t items, size_t local,
                                    oclstm_error *error);
/* Behind a call of CLBlast, with oclstm__cl_order behind it. event: of the call where the context is profiled, then taken
 * over, or NULL. */
oclstm_status oclstm__cl_product_called(const oclstm__cl *cl, size_t lane, cl_event event,
                                        oclstm_error *error);
bool oclstm__cl_profiled(const oclstm__cl *cl);
/* Orders nothing behind it: a blocking one needs none. */
oclstm_status oclstm__cl_write(const oclstm__cl *cl, cl_mem to, cl_bool blocking, size_t offset, size_t bytes,
                               const void *from, oclstm_error *error);
/* From the buffer's beginning; blocks. */
oclstm_status oclstm__cl_read(const oclstm__cl *cl, cl_mem from, size_t bytes, void *to, oclstm_error *error);

oclstm_status oclstm__meter_create(oclstm__cl *cl, oclstm_error *error);
/* Events of kernels are kept from here on. The queue has CL_QUEUE_PROFILING_ENABLE. */
oclstm_status oclstm__meter_profile(const oclstm__cl *cl, oclstm_error *error);
void oclstm__meter_destroy(oclstm__cl *cl);
oclstm_status oclstm__cl_counters(oclstm_context *context, oclstm_counters *counters, oclstm_error *error);
oclstm_status oclstm__cl_counters_reset(oclstm_context *context, oclstm_error *error);

/* ---- peaks.c ---- */

oclstm_status oclstm__cl_peak_flops(oclstm_context *context, double *per_second, oclstm_error *error);
oclstm_status oclstm__cl_peak_read(oclstm_context *context, uint64_t bytes, double *per_second,
                                   oclstm_error *error);

/* ---- buffer.c ---- */

/* A buffer of `bytes`, filled with zeros so that the driver really takes the memory now. *total grows by bytes. */
oclstm_status oclstm__buffer_create(const oclstm__cl *cl, size_t bytes, const char *what, cl_mem *buffer,
                                    uint64_t *total, oclstm_error *error);
/* The same holding the given bytes. Blocks until they are written. */
oclstm_status oclstm__buffer_from(const oclstm__cl *cl, const void *values, size_t bytes, const char *what,
                                  cl_mem *buffer, uint64_t *total, oclstm_error *error);
/* The same holding n floats as a precision stores them. */
oclstm_status oclstm__buffer_stored(const oclstm__cl *cl, oclstm_precision precision, const float *values,
                                    size_t n, const char *what, cl_mem *buffer, uint64_t *total,
                                    oclstm_error *error);
/* Enqueues zeros over the first `bytes` of a buffer. */
oclstm_status oclstm__buffer_clear(const oclstm__cl *cl, cl_mem buffer, size_t bytes, oclstm_error *error);
void oclstm__buffer_release(cl_mem *buffer);

#endif
