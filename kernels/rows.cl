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
 * Launch: global = [T*B*F, or T*B with VW > 1, rounded up], one dimension, because some devices allow few groups in the others.
 *
 * SPDX-License-Identifier: MIT
 */
#include "common.cl"

#define PACK 1
#define GATHER 2
#define UNPACK 4
#define HEAD 8
#ifndef KERNELS
#define KERNELS (PACK | GATHER | UNPACK | HEAD)
#endif

/* What a work-item moves: elements f .. end - 1 of a row. One element where a work-item is a lane, so that neighbours are
 * neighbours in memory; a whole row, in vectors, where it fills a core. */
typedef struct place {
  int t, b, f, end;
  size_t row;
} place;

INLINE place place_of(size_t item, int B, int F) {
  place p;
#if VW == 1
  p.row = item / F;
  p.f = (int)(item - p.row * F);
  p.end = p.f + 1;
#else
  p.row = item;
  p.f = 0;
  p.end = F;
#endif
  p.t = (int)(p.row / B);
  p.b = (int)(p.row - (size_t)p.t * B);
  return p;
}

#if VW == 1
#define ITEMS(T, B, F) ((size_t)(T) * (B) * (F))
#else
#define ITEMS(T, B, F) ((size_t)(T) * (B))
#endif
#define FOR_ELEMENTS(f, p) for (int f = (p).f; f < (p).end; f += VW)

/* Row of the caller's array that holds a place. */
INLINE size_t caller_row(place p, int batch_major, int T, int B) {
  return batch_major ? (size_t)p.b * T + p.t : p.row;
}

#if KERNELS & PACK
__kernel void pack_rows(__global const float *from, ulong from_first, __global stored *to, int to_ld, int to_column,
                        int merge, __global const int *lengths, int batch_major, int T, int B, int F) {
  size_t item = get_global_id(0);
  if (item >= ITEMS(T, B, F)) {
    return;
  }
  place p = place_of(item, B, F);
  bool valid = p.t < lengths[p.b];
  to += p.row * to_ld + to_column;
  from += from_first + caller_row(p, batch_major, T, B) * F;
  FOR_ELEMENTS(f, p) {
    floatv x = (floatv)(0.0f);
    if (valid) {
      x = load_partial(p.end - f, from + f);
      x = merge == MERGE_CONCAT ? x : MERGED(merge, load_partial_stored(p.end - f, to + f), x);
    }
    store_partial_stored(x, p.end - f, to + f);
  }
}
#endif

#if KERNELS & GATHER
/* Ids in host memory are checked before they come here. Ids in the caller's buffers are not: one that is outside of the
 * embedding gives NaN, in its row alone. */
__kernel void gather_rows(__global const int *ids, ulong ids_first, __global const stored *embedding, int V,
                          __global stored *to, __global const int *lengths, int batch_major, int T, int B, int F) {
  size_t item = get_global_id(0);
  if (item >= ITEMS(T, B, F)) {
    return;
  }
  place p = place_of(item, B, F);
  bool valid = p.t < lengths[p.b];
  int id = valid ? ids[ids_first + caller_row(p, batch_major, T, B)] : 0;
  to += p.row * F;
  FOR_ELEMENTS(f, p) {
    floatv x = (floatv)(valid ? NAN : 0.0f);
    if (valid && id >= 0 && id < V) {
      x = load_partial_stored(p.end - f, embedding + (size_t)id * F + f);
    }
    store_partial_stored(x, p.end - f, to + f);
  }
}
#endif

#if KERNELS & UNPACK
__kernel void unpack_rows(__global const stored *from, __global float *to, ulong to_first, int batch_major, int T, int B,
                          int F) {
  size_t item = get_global_id(0);
  if (item >= ITEMS(T, B, F)) {
    return;
  }
  place p = place_of(item, B, F);
  from += p.row * F;
  to += to_first + caller_row(p, batch_major, T, B) * F;
  FOR_ELEMENTS(f, p) {
    store_partial(load_partial_stored(p.end - f, from + f), p.end - f, to + f);
  }
}
#endif

#if KERNELS & HEAD
__kernel void head_bias(__global float *y, __global const float *bias, __global const int *lengths, int T, int B, int F) {
  size_t item = get_global_id(0);
  if (item >= ITEMS(T, B, F)) {
    return;
  }
  place p = place_of(item, B, F);
  bool valid = p.t < lengths[p.b];
  y += p.row * F;
  FOR_ELEMENTS(f, p) {
    floatv sum = load_partial(p.end - f, y + f) + load_partial(p.end - f, bias + f);
    store_partial(valid ? sum : (floatv)(0.0f), p.end - f, y + f);
  }
}
#endif
