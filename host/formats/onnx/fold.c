/* Operators on constants: weights as exporters leave them, behind a transpose or in pieces.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/import.h"

/* Room for the elements of a shape. A small file must not become large: what all of these make has a limit. */
static oclstm_status make(oclstm__import *import, oclstm_dtype dtype, size_t rank, const size_t dims[],
                          oclstm__constant *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  *to = (oclstm__constant){.dtype = dtype, .rank = rank, .count = 1};
  for (size_t k = 0; k < rank; ++k) {
    to->dims[k] = dims[k];
    REQUIRE(oclstm__mul(to->count, dims[k], &to->count), OCLSTM_E_LIMIT, "a constant larger than memory");
  }
  REQUIRE(to->count <= import->limits->parameters, OCLSTM_E_LIMIT,
          "a constant of %zu elements, the limit is %llu", to->count,
          (unsigned long long)import->limits->parameters);
  uint64_t bytes = (uint64_t)to->count * oclstm__dtype_bytes(dtype); /* parameters stay far from 2^61 */
  REQUIRE(bytes <= import->fold_bytes, OCLSTM_E_LIMIT,
          "operators on constants make %llu bytes more than the limit of %d times the file",
          (unsigned long long)(bytes - import->fold_bytes), OCLSTM__FOLD_TIMES);
  import->fold_bytes -= bytes;
  if (to->count != 0) {
    to->owned = oclstm__alloc(&import->allocator, to->count, oclstm__dtype_bytes(dtype));
    REQUIRE(to->owned != NULL, OCLSTM_E_MEMORY, "a constant of %zu elements", to->count);
    to->data = to->owned;
  }
done:
  return status;
}

/* Floats to floats through double, which holds all of them; integers to integers through int64. */
static void convert(const oclstm__constant *from, size_t k, oclstm__constant *to) {
  size_t bytes = oclstm__dtype_bytes(to->dtype);
  unsigned char *at = to->owned + k * bytes;
  int64_t integer = 0;
  double wide = oclstm__constant_at(from, k);
  float narrow = (float)wide;
  uint16_t half = to->dtype == OCLSTM_F16 ? oclstm__half_bits(narrow) : oclstm__bfloat_bits(narrow);
  switch (to->dtype) {
    case OCLSTM_F64: memcpy(at, &wide, bytes); return;
    case OCLSTM_F32: memcpy(at, &narrow, bytes); return;
    case OCLSTM_F16:
    case OCLSTM_BF16: memcpy(at, &half, bytes); return;
    case OCLSTM_I8:
    case OCLSTM_I16:
    case OCLSTM_I32:
    case OCLSTM_I64: break;
  }
  if (!oclstm__constant_int(from, k, &integer)) {
    integer = wide > -9e18 && wide < 9e18 ? (int64_t)wide : 0;
  }
  memcpy(at, &integer, bytes);
}

oclstm_status oclstm__fold_cast(oclstm__import *import, const oclstm__constant *from, oclstm_dtype dtype,
                                oclstm__constant *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(make(import, dtype, from->rank, from->dims, to, error));
  for (size_t k = 0; k < from->count; ++k) {
    convert(from, k, to);
  }
done:
  return status;
}

/* to[i0,i1,...] = from[i0 * strides[0] + i1 * strides[1] + ...], strides in elements. */
static void gather(const oclstm__constant *from, size_t first, const size_t strides[], oclstm__constant *to) {
  size_t bytes = oclstm__dtype_bytes(from->dtype);
  size_t index[OCLSTM__ONNX_RANK] = {0};
  size_t at = first;
  for (size_t k = 0; k < to->count; ++k) {
    memcpy(to->owned + k * bytes, from->data + at * bytes, bytes);
    for (size_t a = to->rank; a-- > 0;) {
      at += strides[a];
      if (++index[a] < to->dims[a]) {
        break;
      }
      at -= strides[a] * to->dims[a];
      index[a] = 0;
    }
  }
}

static void find_strides(const oclstm__constant *of, size_t strides[OCLSTM__ONNX_RANK]) {
  size_t stride = 1;
  for (size_t a = of->rank; a-- > 0;) {
    strides[a] = stride;
    stride *= of->dims[a];
  }
}

oclstm_status oclstm__fold_transpose(oclstm__import *import, const oclstm__constant *from,
                                     const size_t order[], oclstm__constant *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t strides[OCLSTM__ONNX_RANK] = {0};
  size_t turned[OCLSTM__ONNX_RANK] = {0};
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  find_strides(from, strides);
  for (size_t a = 0; a < from->rank; ++a) {
    turned[a] = strides[order[a]];
    dims[a] = from->dims[order[a]];
  }
  TRY(make(import, from->dtype, from->rank, dims, to, error));
  gather(from, 0, turned, to);
done:
  return status;
}

void oclstm__fold_shape(const oclstm__constant *from, size_t rank, const size_t dims[],
                        oclstm__constant *to) {
  *to = *from;
  to->owned = NULL; /* the constant that owns the bytes lives as long */
  to->rank = rank;
  memset(to->dims, 0, sizeof to->dims);
  memcpy(to->dims, dims, rank * sizeof *dims);
}

oclstm_status oclstm__fold_slice(oclstm__import *import, const oclstm__constant *from, size_t axis,
                                 size_t first, size_t n, oclstm__constant *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t strides[OCLSTM__ONNX_RANK] = {0};
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  find_strides(from, strides);
  memcpy(dims, from->dims, sizeof dims);
  dims[axis] = n;
  TRY(make(import, from->dtype, from->rank, dims, to, error));
  gather(from, first * strides[axis], strides, to);
done:
  return status;
}

oclstm_status oclstm__fold_concat(oclstm__import *import, const oclstm__constant *const from[], size_t n,
                                  size_t axis, oclstm__constant *to, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t dims[OCLSTM__ONNX_RANK] = {0};
  size_t outer = 1;
  size_t done_bytes = 0;
  memcpy(dims, from[0]->dims, sizeof dims);
  for (size_t k = 1; k < n; ++k) {
    for (size_t a = 0; a < from[0]->rank; ++a) {
      REQUIRE(from[k]->rank == from[0]->rank && from[k]->dtype == from[0]->dtype &&
                  (a == axis || from[k]->dims[a] == dims[a]),
              OCLSTM_E_SHAPE, "constants that are joined do not agree in axis %zu", a);
    }
    REQUIRE(oclstm__add(dims[axis], from[k]->dims[axis], &dims[axis]), OCLSTM_E_LIMIT,
            "a constant larger than memory");
  }
  TRY(make(import, from[0]->dtype, from[0]->rank, dims, to, error));
  for (size_t a = 0; a < axis; ++a) {
    outer *= dims[a];
  }
  for (size_t o = 0; to->count != 0 && o < outer; ++o) {
    for (size_t k = 0; k < n; ++k) {
      size_t piece = from[k]->count / outer * oclstm__dtype_bytes(to->dtype);
      if (piece != 0) {
        memcpy(to->owned + done_bytes, from[k]->data + o * piece, piece);
      }
      done_bytes += piece;
    }
  }
done:
  return status;
}
