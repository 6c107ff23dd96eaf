/* Products by our own kernel, kernels/gemm.cl; with AMX in its tiles, another provider.
 * SPDX-License-Identifier: MIT */
#include <limits.h>

#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"

typedef struct plain {
  oclstm__gemm base;
  cl_mem W;
  cl_kernel kernel;
  size_t rows, lanes; /* of a tile, of a work-group */
  size_t n_panels;
} plain;

static plain *plain_of(oclstm__gemm *gemm) {
  return (plain *)(void *)gemm;
}

static void release(oclstm__gemm *gemm) {
  plain *g = plain_of(gemm);
  oclstm__buffer_release(&g->W);
  oclstm__kernel_release(&g->kernel);
}

/* A tile's accumulators fill the registers, and are no more than the rows there are. */
static size_t tile_rows(const oclstm__cl *cl, const oclstm__gemm_shape *shape) {
  size_t most = cl->vector_width == 1 ? 8 : cl->vector_width == 16 ? 6 : 2;
  return shape->fixed_rows != 0 ? oclstm__min(most, shape->fixed_rows) : most;
}

static oclstm_status upload(plain *g, const float *W, uint64_t *device_bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = g->base.cl;
  size_t block = g->lanes * cl->vector_width;
  const oclstm__panels panels = {
      g->base.shape.N, g->base.shape.K,
      g->n_panels,     4,
      block,           4 * block,
      block,           oclstm__paired(cl, g->base.provider, g->base.shape.precision)};
  TRY(oclstm__upload_panels(cl, &panels, g->base.shape.precision, W, &g->W, device_bytes, error));
done:
  return status;
}

static oclstm_status prepare(oclstm__gemm *gemm, const float *W, uint64_t *device_bytes,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  plain *g = plain_of(gemm);
  oclstm__cl *cl = gemm->cl;
  const oclstm__gemm_shape *shape = &gemm->shape;
  REQUIRE(shape->N <= INT_MAX / 4 && shape->K <= INT_MAX, OCLSTM_E_LIMIT, "weights [%zu,%zu]", shape->N,
          shape->K);
  g->rows = gemm->provider == &oclstm__gemm_amx ? OCLSTM__AMX_ROWS : tile_rows(cl, shape);
  g->lanes = cl->max_lanes;
  g->n_panels =
      oclstm__round_up(shape->N, 4 * g->lanes * cl->vector_width) / (4 * g->lanes * cl->vector_width);
  TRY(upload(g, W, device_bytes, error));
  const oclstm__build build = {.stem = "gemm",
                               .VW = cl->vector_width,
                               .ROWS = (unsigned)g->rows,
                               .LANES = (unsigned)g->lanes,
                               .PAIRED = oclstm__paired(cl, gemm->provider, shape->precision),
                               .STORAGE = (unsigned)shape->precision};
  TRY(oclstm__kernel_create(cl, &build, "gemm", &g->kernel, error));
  TRY(oclstm__gemm_weights(gemm, g->kernel, g->W, error));
done:
  return status;
}

static oclstm_status enqueue(oclstm__gemm *gemm, size_t lane, oclstm__gemm_rows rows, cl_mem A, cl_mem C,
                             oclstm_error *error) {
  plain *g = plain_of(gemm);
  const size_t global[2] = {g->lanes * ((rows.n + g->rows - 1) / g->rows), g->n_panels};
  const size_t local[2] = {g->lanes, 1};
  return oclstm__gemm_launch(gemm, lane, g->kernel, rows, A, C, global, local, error);
}

const oclstm__gemm_provider oclstm__gemm_plain = {"plain", false, sizeof(plain), prepare, enqueue, release};
const oclstm__gemm_provider oclstm__gemm_amx = {"amx", false, sizeof(plain), prepare, enqueue, release};
