/* Products by the matrix instructions of NVIDIA GPUs, kernels/gemm_mma.cl: elements of 16 bits, sums in float32.
 *
 * Any other device runs the kernel's plain twin, which does the same in many more steps: for tests.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"

/* What the driver says of NVIDIA's devices, cl_nv_device_attribute_query. */
enum { COMPUTE_CAPABILITY_MAJOR_NV = 0x4000 };
/* Of kernels/gemm_mma.cl: K of a step; rows of W that a tile has; TILES_N. */
enum { DEPTH = 32, TILE_COLUMNS = 8, TILES_OF_WARP = 4, LANES_OF_WARP = 32, ELEMENTS_OF_LANE = 8 };

/* Warps of a group and tiles of a warp, by rows of A and by columns of C. */
typedef struct tiling {
  unsigned warps_m, warps_n, tiles_m;
} tiling;

typedef struct mma {
  oclstm__gemm base;
  tiling tiles;
  cl_mem W;
  cl_kernel kernel;
} mma;

static mma *mma_of(oclstm__gemm *gemm) {
  return (mma *)(void *)gemm;
}

static size_t items_of(const tiling *t) {
  return (size_t)LANES_OF_WARP * t->warps_m * t->warps_n;
}
static size_t rows_of(const tiling *t) {
  return (size_t)16 * t->warps_m * t->tiles_m;
}
static size_t columns_of(const tiling *t) {
  return (size_t)TILE_COLUMNS * t->warps_n * TILES_OF_WARP;
}

static void release(oclstm__gemm *gemm) {
  mma *g = mma_of(gemm);
  oclstm__buffer_release(&g->W);
  oclstm__kernel_release(&g->kernel);
}

/* Few rows fill one row of tiles; many give a warp 64 by 32 elements, whose 64 sums a lane are half of its registers. */
static tiling choose_tiles(const oclstm__gemm_shape *shape) {
  const size_t rows = shape->fixed_rows;
  if (rows != 0 && rows <= 16) {
    return (tiling){1, 4, 1};
  }
  if (rows != 0 && rows <= 64) {
    return (tiling){2, 4, 2};
  }
  return (tiling){2, 4, 4};
}

/* ---- what a device can do ---- */

bool oclstm__mma_device(const oclstm__cl *cl, char *text, size_t bytes) {
  char vendor[64] = "";
  cl_uint major = 0;
  (void)clGetDeviceInfo(cl->device, CL_DEVICE_VENDOR, sizeof vendor - 1, vendor, NULL);
  if (strstr(vendor, "NVIDIA") == NULL) {
    (void)snprintf(text, bytes, "mma needs an NVIDIA GPU, this device is from \"%.60s\"", vendor);
    return false;
  }
  cl_int code = clGetDeviceInfo(cl->device, COMPUTE_CAPABILITY_MAJOR_NV, sizeof major, &major, NULL);
  if (code != CL_SUCCESS || major < 8) {
    (void)snprintf(text, bytes, "mma needs compute capability 8.0, this device has %u", (unsigned)major);
    return false;
  }
  return true;
}

/* ---- weights ---- */

/* Where element (n, k) lies: gemm_mma.cl, "a fragment product". A warp's tiles lie side by side in each step of 32 of K.
 * Per tile of 8 rows of W, lane 4 g + t has two words for each half of the step: columns 2 t, 2 t + 1 of row g, then those 8
 * further on. */
size_t oclstm__mma_place(size_t depths, size_t n, size_t k) {
  size_t warp = n / (TILE_COLUMNS * TILES_OF_WARP);
  size_t tile = n / TILE_COLUMNS % TILES_OF_WARP;
  size_t lane = n % TILE_COLUMNS * 4 + k % 8 / 2;
  size_t word = k % DEPTH / 8;
  size_t step = warp * depths + k / DEPTH;
  return ((step * TILES_OF_WARP + tile) * LANES_OF_WARP + lane) * ELEMENTS_OF_LANE + word * 2 + k % 2;
}

static oclstm_status upload(mma *g, const float *W, uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = g->base.cl;
  const size_t N = g->base.shape.N;
  const size_t K = g->base.shape.K;
  const size_t depths = oclstm__round_up(K, DEPTH) / DEPTH;
  const size_t count = oclstm__round_up(N, columns_of(&g->tiles)) * depths * DEPTH;
  float *packed = oclstm__alloc(&cl->base.allocator, count, sizeof *packed);
  REQUIRE(packed != NULL, OCLSTM_E_MEMORY, "weights [%zu,%zu], packed", N, K);
  for (size_t n = 0; n < N; ++n) {
    for (size_t k = 0; k < K; ++k) {
      packed[oclstm__mma_place(depths, n, k)] = W[n * K + k];
    }
  }
  TRY(oclstm__buffer_stored(cl, g->base.shape.precision, packed, count, "weights", &g->W, device_bytes,
                            error));
done:
  oclstm__free(&cl->base.allocator, packed);
  return status;
}

/* ---- the product ---- */

static oclstm_status make_kernel(mma *g, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  char options[160];
  char why_not[160];
  (void)snprintf(options, sizeof options,
                 " -DPTX=%d -DALIGNED=%d -DWARPS_M=%u -DWARPS_N=%u -DTILES_M=%u -DTILES_N=%u",
                 oclstm__mma_device(g->base.cl, why_not, sizeof why_not), g->base.shape.lda % 8 == 0,
                 g->tiles.warps_m, g->tiles.warps_n, g->tiles.tiles_m, (unsigned)TILES_OF_WARP);
  const oclstm__build build = {
      .stem = "gemm_mma", .STORAGE = (unsigned)g->base.shape.precision, .cell = options};
  TRY(oclstm__kernel_create(g->base.cl, &build, "gemm_mma", &g->kernel, error));
done:
  return status;
}

static oclstm_status prepare(oclstm__gemm *gemm, const float *W, uint64_t *device_bytes,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  mma *g = mma_of(gemm);
  const oclstm__gemm_shape *shape = &gemm->shape;
  g->tiles = choose_tiles(shape);
  REQUIRE(shape->precision != OCLSTM_PRECISION_F32, OCLSTM_E_UNSUPPORTED,
          "mma multiplies f16 and bf16, not f32");
  REQUIRE(shape->N <= INT_MAX / 4 && shape->K <= INT_MAX - DEPTH, OCLSTM_E_LIMIT, "weights [%zu,%zu]",
          shape->N, shape->K);
  TRY(upload(g, W, device_bytes, error));
  TRY(make_kernel(g, error));
  TRY(oclstm__gemm_weights(gemm, g->kernel, g->W, error));
done:
  return status;
}

static oclstm_status enqueue(oclstm__gemm *gemm, size_t lane, oclstm__gemm_rows rows, cl_mem A, cl_mem C,
                             oclstm_error *error) {
  mma *g = mma_of(gemm);
  const size_t local[2] = {items_of(&g->tiles), 1};
  const size_t rows_of_group = rows_of(&g->tiles);
  const size_t columns = columns_of(&g->tiles);
  const size_t global[2] = {local[0] * ((rows.n + rows_of_group - 1) / rows_of_group),
                            (gemm->shape.N + columns - 1) / columns};
  return oclstm__gemm_launch(gemm, lane, g->kernel, rows, A, C, global, local, error);
}

const oclstm__gemm_provider oclstm__gemm_mma = {"mma", true, sizeof(mma), prepare, enqueue, release};

bool oclstm__mma_serves(oclstm__cl *cl, oclstm_precision precision, char *text, size_t bytes) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (precision == OCLSTM_PRECISION_F32) {
    (void)snprintf(text, bytes, "mma multiplies f16 and bf16, not f32");
    return false;
  }
  if (!oclstm__mma_device(cl, text, bytes) && !cl->twins) {
    return false;
  }
  if (oclstm__gemm_trial(cl, &oclstm__gemm_mma, precision, &error) != OCLSTM_OK) {
    (void)snprintf(text, bytes, "mma fails its trial: %.140s", error.text);
    return false;
  }
  return true;
}
