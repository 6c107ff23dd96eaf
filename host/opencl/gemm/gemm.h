/* Products with fixed weights: C [M, ldc] = A [M, lda] W^T, W [N, K].
 *
 * Four providers make them: CLBlast, float32 only; kernels/gemm.cl, and the same with AMX, f32 and bf16; and
 * kernels/gemm_mma.cl, f16 and bf16 only.
 * A row of C has the same bits whatever M is and wherever in A
 * the row stands: providers that choose kernels by size are always called with the same number of rows.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_GEMM_H
#define OCLSTM_OPENCL_GEMM_H

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"

typedef struct oclstm__gemm_shape {
  size_t N, K;
  size_t lda, ldc;
  /* Rows of a call, when it is always the same number (the B rows of a step). 0: any number; then A and C have room for
   * M rounded up to OCLSTM__ROW_BLOCK rows, and rows behind M of C may be overwritten. */
  size_t fixed_rows;
  oclstm_precision precision; /* of A and W as they are stored; C is float32 */
} oclstm__gemm_shape;

typedef struct oclstm__gemm oclstm__gemm;

/* Rows of A that are multiplied, and of C that are written. */
typedef struct oclstm__gemm_rows {
  size_t first, n;
} oclstm__gemm_rows;

typedef struct oclstm__gemm_provider {
  const char *name; /* "clblast 1.5.3", "plain", "mma", "amx" */
  bool pads;        /* reads A and writes C up to a multiple of ROW_BLOCK rows */
  size_t bytes;     /* of its object, which begins with an oclstm__gemm */
  /* Makes what the object has besides, 0 before. W: float32, rounded here to what is stored. */
  oclstm_status (*prepare)(oclstm__gemm *gemm, const float *W, uint64_t *device_bytes, oclstm_error *error);
  oclstm_status (*enqueue)(oclstm__gemm *gemm, size_t lane, oclstm__gemm_rows rows, cl_mem A, cl_mem C,
                           oclstm_error *error);
  /* Of what prepare made, or had made when it failed. */
  void (*release)(oclstm__gemm *gemm);
} oclstm__gemm_provider;

struct oclstm__gemm {
  const oclstm__gemm_provider *provider;
  oclstm__cl *cl;
  oclstm__gemm_shape shape;
};

extern const oclstm__gemm_provider oclstm__gemm_clblast;
extern const oclstm__gemm_provider oclstm__gemm_plain;
extern const oclstm__gemm_provider oclstm__gemm_mma;
extern const oclstm__gemm_provider oclstm__gemm_amx;

/* ---- gemm.c ---- */

/* E_MEMORY, or what the provider returns. */
oclstm_status oclstm__gemm_create(const oclstm__gemm_provider *provider, oclstm__cl *cl,
                                  const oclstm__gemm_shape *shape, const float *W, oclstm__gemm **gemm,
                                  uint64_t *device_bytes, oclstm_error *error);
void oclstm__gemm_destroy(oclstm__gemm **gemm);

/* ---- choose.c ---- */

/* The provider of products for a plan, with the reason in words. desc is supported.
 * E_UNSUPPORTED when CLBlast was asked for by name and refuses. */
oclstm_status oclstm__choose_gemm(oclstm__cl *cl, const oclstm_plan_desc *desc,
                                  const oclstm__gemm_provider **gemm, char *why, size_t bytes,
                                  oclstm_error *error);

/* ---- the providers ---- */

/* Whether CLBlast serves this device; why_not otherwise (a static text, or one written to `text`). The first question
 * compiles CLBlast's kernels, later ones are answered from the driver's cache. */
bool oclstm__clblast_serves(oclstm__cl *cl, char *text, size_t bytes);

/* The same of the matrix instructions: they are there, the kernel compiles, and a product of integers comes out exact. On
 * other devices the provider works too, by its kernel's plain twin, and is for tests alone. */
bool oclstm__mma_serves(oclstm__cl *cl, oclstm_precision precision, char *text, size_t bytes);
/* Whether the device has the instructions; why not otherwise. */
bool oclstm__mma_device(const oclstm__cl *cl, char *text, size_t bytes);
/* Where element (n, k) of W lies in its packed form, of K in `depths` steps of 32. */
size_t oclstm__mma_place(size_t depths, size_t n, size_t k);

/* gemm_kernel.c: sets the arguments that are the same in every call of a kernel of ours, and launches it with the others. */
oclstm_status oclstm__gemm_weights(const oclstm__gemm *gemm, cl_kernel kernel, cl_mem W, oclstm_error *error);
oclstm_status oclstm__gemm_launch(const oclstm__gemm *gemm, size_t lane, cl_kernel kernel,
                                  oclstm__gemm_rows rows, cl_mem A, cl_mem C, const size_t global[2],
                                  const size_t local[2], oclstm_error *error);

/* A product with small integers, exact in every precision, is what it should be. E_OPENCL when it is not, and whatever
 * making it returns. */
oclstm_status oclstm__gemm_trial(oclstm__cl *cl, const oclstm__gemm_provider *provider,
                                 oclstm_precision precision, oclstm_error *error);

/* pairs.c: whether our plain product of bfloat16 takes two k at once, because the processor was seen to add two products in one
 * instruction. Who makes anything of that precision asks before; the device is asked once a context. */
void oclstm__ask_pairs(oclstm__cl *cl);
/* -DPAIRED of the kernels whose products a provider makes, or is the name of: 0 for all but plain and amx. */
unsigned oclstm__paired(const oclstm__cl *cl, const oclstm__gemm_provider *provider,
                        oclstm_precision precision);
/* What explanations add to the provider's name: "" or ", ...". */
const char *oclstm__pairing_text(const oclstm__cl *cl, const oclstm__gemm_provider *provider,
                                 oclstm_precision precision);

/* amx.c: the matrix instructions of x86 processors, rows of a tile: f32 and bf16. why_not as above. */
enum { OCLSTM__AMX_ROWS = 16 };
bool oclstm__amx_serves(oclstm__cl *cl, oclstm_precision precision, char *text, size_t bytes);
/* Whether the device, whatever this processor says, can and may use them: OK, or E_UNSUPPORTED with the reason. */
oclstm_status oclstm__probe_amx(oclstm__cl *cl, oclstm_error *error);

/* Packs W, rounds it to what is stored, and writes it to a new buffer. */
oclstm_status oclstm__upload_panels(const oclstm__cl *cl, const oclstm__panels *panels,
                                    oclstm_precision precision, const float *W, cl_mem *buffer,
                                    uint64_t *device_bytes, oclstm_error *error);

/* Rows of A to the same rows of C, in a lane (lanes.c). */
static inline oclstm_status oclstm__gemm_enqueue_rows(oclstm__gemm *gemm, size_t lane, oclstm__gemm_rows rows,
                                                      cl_mem A, cl_mem C, oclstm_error *error) {
  return gemm->provider->enqueue(gemm, lane, rows, A, C, error);
}
/* The first M rows, in order with everything else. */
static inline oclstm_status oclstm__gemm_enqueue(oclstm__gemm *gemm, cl_mem A, size_t M, cl_mem C,
                                                 oclstm_error *error) {
  return oclstm__gemm_enqueue_rows(gemm, 0, (oclstm__gemm_rows){0, M}, A, C, error);
}

#endif
