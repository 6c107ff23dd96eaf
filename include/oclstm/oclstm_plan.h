/* Plans: a model made ready to run on a context, and what was decided on the way.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_PLAN_H
#define OCLSTM_OCLSTM_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_device.h"
#include "oclstm/oclstm_model.h"
#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What weights, h, and the rows between layers are stored as on the device. Sums, pre-activations and c are float32 in all
 * three, and so are the caller's arrays. Rounding is to nearest even; docs/cells.md has the measured bounds. The reference
 * is double in all three. */
typedef enum oclstm_precision {
  OCLSTM_PRECISION_F32,
  OCLSTM_PRECISION_F16,
  OCLSTM_PRECISION_BF16
} oclstm_precision;

/* Ways through time; see docs/strategies.md. */
typedef enum oclstm_strategy {
  OCLSTM_STRATEGY_AUTO,
  OCLSTM_STRATEGY_STEPWISE,   /* a step = one GEMM and one kernel for the four gates */
  OCLSTM_STRATEGY_FUSED_STEP, /* a step = one kernel */
  OCLSTM_STRATEGY_ROWS,       /* a chunk = one kernel; work-groups own batch rows */
  OCLSTM_STRATEGY_GRID        /* a chunk = one kernel; work-groups own hidden units */
} oclstm_strategy;

typedef enum oclstm_gemm {
  OCLSTM_GEMM_AUTO,
  OCLSTM_GEMM_CLBLAST, /* f32 */
  OCLSTM_GEMM_PLAIN,
  OCLSTM_GEMM_MMA, /* matrix instructions of NVIDIA GPUs of compute capability 8.0 and later; f16, bf16 */
  /* Matrix instructions of x86 processors, AMX_BF16, through PoCL. bf16: what AUTO takes for four rows or more. f32, by name
   * alone: each factor in three terms of bfloat16, exactly, and the six products that float32 can tell; infinite inputs give
   * NaN. Its sums are in another order than PLAIN's, the same in every strategy. */
  OCLSTM_GEMM_AMX
} oclstm_gemm;

/* Where the choices of OCLSTM_STRATEGY_AUTO come from; see docs/tuning.md. A strategy asked for by name is never measured.
 * Same device, driver, version, model, plan description and tuning answers: same bits. */
typedef enum oclstm_tuning {
  OCLSTM_TUNING_DEFAULT, /* what was measured before; what was not is measured now and kept */
  OCLSTM_TUNING_NONE,    /* a rule of thumb: nothing is measured or looked up */
  OCLSTM_TUNING_AGAIN    /* everything is measured anew, and replaces what was kept */
} oclstm_tuning;

typedef struct oclstm_plan_desc {
  size_t struct_size;
  size_t rows; /* B of every call; default 1 */
  /* Most steps of one call. Default: as many as fit the memory, at most 4096, and on devices only as many as keep the gates'
   * pre-activations below 32 MiB. */
  size_t steps;
  oclstm_precision precision;
  oclstm_strategy strategy;
  /* Who multiplies by weights. AUTO: f32 CLBlast, our own where it refuses or is slower; f16 and bf16 matrix instructions
   * where the device has them, otherwise our own. */
  oclstm_gemm gemm;
  int training; /* keep what a backward pass needs: E_UNSUPPORTED in this version */
  int cells;    /* oclstm_io.cells will be asked for; E_UNSUPPORTED where the last layer has no c */
  /* Device memory that the plan may take. Default: where steps are left to the library a quarter of the device's, at most
   * 1 GiB; where they are given, all of it. On the reference: host memory of the sequences between layers, by default 1 GiB
   * where steps are left to the library, otherwise as much as they take. */
  uint64_t memory_bytes;
  oclstm_tuning tuning;
} oclstm_plan_desc;
#define OCLSTM_PLAN_DESC_INIT                                                                              \
  {                                                                                                        \
    sizeof(oclstm_plan_desc), 0, 0, OCLSTM_PRECISION_F32, OCLSTM_STRATEGY_AUTO, OCLSTM_GEMM_AUTO, 0, 0, 0, \
        OCLSTM_TUNING_DEFAULT                                                                              \
  }

typedef struct oclstm_plan_info {
  size_t rows, steps;    /* as decided */
  uint64_t device_bytes; /* everything the plan holds on the device; states have their own */
  uint64_t host_bytes;   /* of its own structures; the reference's weights and sequences are there too */
  char strategy[32];     /* "fused-step"; "fused-step+rows" when layers differ */
  char precision[8];     /* "f32" */
  char gemm[32];         /* "clblast 1.5.3", "plain", "mma", "amx" or "reference" */
  char reason[256];      /* why these, and why not the others */
  size_t measured;       /* ways that were timed while this plan was made: 0 when every answer was known */
} oclstm_plan_info;

typedef struct oclstm_plan oclstm_plan;

/* Whether a plan can be made, as far as that does not depend on memory. desc may be NULL: all defaults. Strategy grid and
 * matrix instructions asked for by name are tried with a small kernel, the first time in a context.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED, the error naming the first thing that is not supported; of the trial of grid
 * E_MEMORY, E_DEVICE_MEMORY, E_BUILD, E_OPENCL, E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_supports(const oclstm_context *context, const oclstm_model *model,
                                         const oclstm_plan_desc *desc, oclstm_error *error);

/* Makes a plan: packs the weights onto the device, compiles, allocates, and runs each kernel once. With
 * OCLSTM_STRATEGY_AUTO it may measure as well, which takes seconds once for each kind of layer where the driver compiles
 * slowly. context and model are borrowed until the plan is destroyed.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED; E_LIMIT (a buffer would pass what the device allows, or rows * steps 2^30);
 * E_DEVICE_MEMORY (also when one step does not fit memory_bytes); E_MEMORY; E_BUILD; E_OPENCL; E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_plan_create(oclstm_context *context, const oclstm_model *model,
                                            const oclstm_plan_desc *desc, oclstm_plan **plan,
                                            oclstm_error *error);
OCLSTM_API void oclstm_plan_destroy(oclstm_plan **plan);
/* Borrowed until the plan is destroyed. */
OCLSTM_API const oclstm_plan_info *oclstm_plan_get_info(const oclstm_plan *plan);

/* What a plan decided for one direction of one layer, and why: what `oclstm info --plan` prints. */
typedef struct oclstm_plan_layer {
  size_t layer, direction;
  char strategy[32];
  size_t tile_rows; /* batch rows of a tile; 0: the strategy has no tiles */
  size_t groups;    /* work-groups that share the units of a layer; 0: the strategy does not divide them */
  size_t
      beside; /* directions, or layers behind each other, that run at the same time, this one among them; or 1 */
  size_t launches; /* kernels of a whole chunk, its input projection with them, as far as they are ours */
  double
      microseconds; /* a step of the recurrence, as it was measured; its share, of several at once; 0: not measured */
  char reason[160];
  size_t n_candidates; /* of oclstm_plan_get_candidate: 0 to n_candidates - 1 */
} oclstm_plan_layer;

typedef enum oclstm_verdict {
  OCLSTM_VERDICT_CHOSEN,
  OCLSTM_VERDICT_SLOWER, /* measured; not by enough faster than the rule of thumb's choice to replace it, or slower */
  OCLSTM_VERDICT_NOT_TRIED, /* could have run */
  OCLSTM_VERDICT_FAILED,    /* did not build, or found no memory */
  OCLSTM_VERDICT_REFUSED    /* the strategy does not serve this layer */
} oclstm_verdict;

/* One way of running it, chosen or not. */
typedef struct oclstm_plan_candidate {
  char strategy[32];
  size_t groups; /* as of oclstm_plan_layer */
  oclstm_verdict verdict;
  double microseconds; /* a step; 0: not measured */
  char why[160];
} oclstm_plan_candidate;

/* Device memory of a plan under the name of what it is for. */
typedef struct oclstm_plan_memory {
  char purpose[48];
  uint64_t bytes;
} oclstm_plan_memory;

/* Borrowed until the plan is destroyed; NULL for an index out of range, and always on the reference, which has nothing to
 * choose. direction: 0, or 1 in a bidirectional layer. */
OCLSTM_API const oclstm_plan_layer *oclstm_plan_get_layer(const oclstm_plan *plan, size_t layer,
                                                          size_t direction);
OCLSTM_API const oclstm_plan_candidate *oclstm_plan_get_candidate(const oclstm_plan *plan, size_t layer,
                                                                  size_t direction, size_t index);
OCLSTM_API const oclstm_plan_memory *oclstm_plan_get_memory(const oclstm_plan *plan, size_t index);

#ifdef __cplusplus
}
#endif

#endif
