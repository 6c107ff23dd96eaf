/* Kernels that do nothing, and one that takes its time.
 *
 * SPDX-License-Identifier: MIT */
__kernel void nothing(__global float *x, int k) {
  if (k < 0) {
    x[get_global_id(0)] = 0.0f;
  }
}

/* Every item adds 1: what comes behind it must see it. */
__kernel void count(__global uint *x) {
  x[get_global_id(0)] += 1u;
}

/* A chain of dependent products and sums, `turns` long. Launch: any. */
__kernel void wait_a_while(__global float *x, int turns) {
  float v = x[get_global_id(0)];
  for (int k = 0; k < turns; ++k) {
    v = v * 0.999f + 0.5f;
  }
  x[get_global_id(0)] = v;
}
