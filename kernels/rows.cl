/* Moving whole rows: between the caller's layout and ours, out of an embedding, and out of the dense head.
 *
 * Inside, everything is time-major, row t*B + b, and what lies behind a row's length is 0.
 *
 *   pack_rows    caller's f32 [T,B,F] or [B,T,F] to columns to_column .. of stored [T,B,to_ld]; padding is written as 0,
 *                not read; merge: as oclstm_merge, with what is there
 *   gather_rows  the same of an embedding's rows, stored [V,F], by the caller's ids [T,B] or [B,T]
 *   unpack_rows  stored [T,B,F] to the caller's f32 [T,B,F] or [B,T,F]
 *   head_bias    y = C + b on valid rows, 0 on padding, in place
 *
 * KERNELS is the set of those that are compiled, by default all.
 *
 * Remainders are written as differences: compilers turn a division beside its remainder into instructions that not
 * every OpenCL checker knows.
 *
 * Launch: global = [T*B*F rounded up], one dimension, because some devices allow few groups in the others.
 *
 * SPDX-License-Identifier: MIT
 */

#define PACK 1
#define GATHER 2
#define UNPACK 4
#define HEAD 8
#ifndef KERNELS
#define KERNELS (PACK | GATHER | UNPACK | HEAD)
#endif

/* Element `at` of rows of F: which step, which batch row, which feature. */
typedef struct place {
  int t, b;
  size_t row, f;
} place;

static inline place place_of(size_t at, int B, int F) {
  place p;
  p.row = at / F;
  p.t = (int)(p.row / B);
  p.b = (int)(p.row - (size_t)p.t * B);
  p.f = at - p.row * F;
  return p;
}

/* Row of the caller's array that holds a place. */
static inline size_t caller_row(place p, int batch_major, int T, int B) {
  return batch_major ? (size_t)p.b * T + p.t : p.row;
}

#if KERNELS & PACK
__kernel void pack_rows(__global const float *from, ulong from_first, __global stored *to, int to_ld, int to_column,
                        int merge, __global const int *lengths, int batch_major, int T, int B, int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  place p = place_of(at, B, F);
  __global stored *place_of_x = to + p.row * to_ld + to_column + p.f;
  float x = 0.0f;
  if (p.t < lengths[p.b]) {
    x = from[from_first + caller_row(p, batch_major, T, B) * F + p.f];
    x = merge == MERGE_CONCAT ? x : MERGED(merge, LOAD_ONE(place_of_x), x);
  }
  STORE_ONE(x, place_of_x);
}
#endif

#if KERNELS & GATHER
/* Ids in host memory are checked before they come here. Ids in the caller's buffers are not: one that is outside of the
 * embedding gives NaN, in its row alone. */
__kernel void gather_rows(__global const int *ids, ulong ids_first, __global const stored *embedding, int V,
                          __global stored *to, __global const int *lengths, int batch_major, int T, int B, int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  place p = place_of(at, B, F);
  float x = 0.0f;
  if (p.t < lengths[p.b]) {
    int id = ids[ids_first + caller_row(p, batch_major, T, B)];
    x = NAN;
    if (id >= 0 && id < V) {
      x = LOAD_ONE(embedding + (size_t)id * F + p.f);
    }
  }
  STORE_ONE(x, to + at);
}
#endif

#if KERNELS & UNPACK
__kernel void unpack_rows(__global const stored *from, __global float *to, ulong to_first, int batch_major, int T, int B,
                          int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  place p = place_of(at, B, F);
  to[to_first + caller_row(p, batch_major, T, B) * F + p.f] = LOAD_ONE(from + at);
}
#endif

#if KERNELS & HEAD
__kernel void head_bias(__global float *y, __global const float *bias, __global const int *lengths, int T, int B, int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  place p = place_of(at, B, F);
  y[at] = p.t < lengths[p.b] ? y[at] + bias[p.f] : 0.0f;
}
#endif
