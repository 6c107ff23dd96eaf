/* Moving whole rows: between the caller's layout and ours, and out of the dense head.
 *
 * Inside, everything is time-major, row t*B + b, and what lies behind a row's length is 0.
 *
 *   pack_rows    caller's [T,B,F] or [B,T,F] to columns to_column .. of [T,B,to_ld]; padding is written as 0, not read
 *   unpack_rows  [T,B,F] to the caller's [T,B,F] or [B,T,F]
 *   head_bias    y = C + b on valid rows, 0 on padding, in place
 *
 * Remainders are written as differences: compilers turn a division beside its remainder into instructions that not
 * every OpenCL checker knows.
 *
 * Launch: global = [T*B*F rounded up], one dimension, because some devices allow few groups in the others.
 *
 * SPDX-License-Identifier: MIT
 */

/* Row of the caller's array that holds step t of batch row b. */
static inline size_t caller_row(int batch_major, int t, int b, int T, int B) {
  return batch_major ? (size_t)b * T + t : (size_t)t * B + b;
}

__kernel void pack_rows(__global const float *from, ulong from_first, __global float *to, int to_ld, int to_column,
                        __global const int *lengths, int batch_major, int T, int B, int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  int row = (int)(at / F);
  int t = row / B;
  int b = row - t * B;
  size_t f = at - (size_t)row * F;
  float x = 0.0f;
  if (t < lengths[b]) {
    x = from[from_first + caller_row(batch_major, t, b, T, B) * F + f];
  }
  to[(size_t)row * to_ld + to_column + f] = x;
}

__kernel void unpack_rows(__global const float *from, __global float *to, ulong to_first, int batch_major, int T, int B,
                          int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  int row = (int)(at / F);
  int t = row / B;
  int b = row - t * B;
  to[to_first + caller_row(batch_major, t, b, T, B) * F + (at - (size_t)row * F)] = from[at];
}

__kernel void head_bias(__global float *y, __global const float *bias, __global const int *lengths, int T, int B, int F) {
  size_t at = get_global_id(0);
  if (at >= (size_t)T * B * F) {
    return;
  }
  int row = (int)(at / F);
  int t = row / B;
  int b = row - t * B;
  y[at] = t < lengths[b] ? y[at] + bias[at - (size_t)row * F] : 0.0f;
}
