/* Layer-normalised LSTM: what needs all units of a batch row between the product and the gates.
 *
 *   norm_input  HASTE: gx = norm_ih N(x W_ih^T), in place, once a chunk
 *   norm_cell   stepwise: the step_cell of a normalised layer
 *
 *   N(v) = (v - mean v) / sqrt(var v + eps)
 *
 * over all 4H gate rows (HASTE, eps 1e-5) or the H rows of one gate (TFLITE, eps 1e-8). Sources: docs/cells.md.
 *
 * A work-group of LANES work-items owns one batch row; each item takes every LANES-th vector of units. Sums are made in
 * one order, so that they are the same in every run: an item adds its own, then every item adds all items' in order.
 *
 * Launch: global = [LANES * rows], local = [LANES].
 *
 * SPDX-License-Identifier: MIT
 */
#include "cell.cl"
#include "common.cl"
#include "stage.cl"

#define NORM_EPSILON (NORM == NORM_TFLITE ? 1e-8f : 1e-5f)

typedef struct moments {
  float mean, scale; /* scale: 1 / sqrt(var + eps) */
} moments;

INLINE floatv normal(floatv v, moments m) {
  return (v - m.mean) * m.scale;
}

/* The sum of the first n elements: those behind H are no units. */
INLINE float sum_of(floatv v, int n) {
  float sum = 0.0f;
#if VW == 1
  sum = n > 0 ? v : 0.0f;
#else
  float part[VW];
  PASTE(vstore, VW)(v, 0, part);
  for (int k = 0; k < VW && k < n; ++k) {
    sum += part[k];
  }
#endif
  return sum;
}

/* The same sum in every work-item of the group. */
INLINE float sum_of_group(float value, __local float *shared) {
  barrier(CLK_LOCAL_MEM_FENCE);
  shared[get_local_id(0)] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  float sum = 0.0f;
  for (int k = 0; k < LANES; ++k) {
    sum += shared[k];
  }
  return sum;
}

#define FOR_UNITS(j, HP) for (int j = (int)get_local_id(0) * VW; j < (HP); j += LANES * VW)

/* Moments of `vectors` rows of H values each, HP apart. */
INLINE moments moments_of(__global const float *values, int vectors, int H, int HP, __local float *shared) {
  moments m;
  float sum = 0.0f;
  for (int v = 0; v < vectors; ++v) {
    FOR_UNITS(j, HP) {
      sum += sum_of(LOADV(values + v * HP + j), H - j);
    }
  }
  float count = (float)vectors * (float)H;
  m.mean = sum_of_group(sum, shared) / count;
  sum = 0.0f;
  for (int v = 0; v < vectors; ++v) {
    FOR_UNITS(j, HP) {
      floatv difference = LOADV(values + v * HP + j) - m.mean;
      sum += sum_of(difference * difference, H - j);
    }
  }
  m.scale = 1.0f / sqrt(sum_of_group(sum, shared) / count + NORM_EPSILON);
  return m;
}

#if NORM != NORM_TFLITE /* which has no norm of the input */
__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void norm_input(__global float *gx,
                                                                            __global const float *params, int H,
                                                                            int HP) {
  __local float shared[LANES];
  __global float *row = gx + (size_t)get_group_id(0) * 4 * HP;
  moments m = moments_of(row, 4, H, HP, shared);
  barrier(CLK_GLOBAL_MEM_FENCE);
  for (int gate = 0; gate < 4; ++gate) {
    FOR_UNITS(j, HP) {
      __global float *at = row + gate * HP + j;
      STOREV(LOADV(params + NORM_IH(gate) * HP + j) * normal(LOADV(at), m), at);
    }
  }
}
#endif

#if KIND == LSTM && NORM != 0
/* The pre-activation of a gate from its place in the product, where norm_cell has left what is to be normalised. */
INLINE floatv normed_preactivation(const stage *p, __global const float *product, const moments m[4], int gate,
                                          int b, int j, floatv c) {
  unit_input in = INPUT_OF(p, b, b, j);
  floatv value = normal(LOADV(product + gate * p->s.HP + j), m[gate]);
#if NORM == NORM_HASTE
  value = FMA(param(in, NORM_HH(gate)), value, x_of(in, gate) + param(in, BIAS(gate)));
  return with_peephole(value, in, gate, c);
#else
  return FMA(param(in, NORM_GATES(gate)), value, param(in, BIAS(gate)));
#endif
}

/* TFLITE: product = x W_ih^T + h W_hh^T + P c of one gate, in place, and its moments. */
INLINE moments sum_gate(const stage *p, __global float *product, int gate, int b, __global const float *c,
                               __local float *shared) {
  FOR_UNITS(j, p->s.HP) {
    unit_input in = INPUT_OF(p, b, b, j);
    __global float *at = product + gate * p->s.HP + j;
    STOREV(with_peephole(LOADV(at) + x_of(in, gate), in, gate, LOADV(c + j)), at);
  }
  barrier(CLK_GLOBAL_MEM_FENCE);
  return moments_of(product + gate * p->s.HP, 1, p->s.H, p->s.HP, shared);
}

INLINE void norm_step(const stage *p, __global float *product, int b, __local float *shared) {
  __global const float *c = p->c_in + (size_t)b * p->s.HP;
  __global float *c_new = p->extra + (size_t)b * p->s.HP;
  moments m[4];
#if NORM == NORM_HASTE
  m[0] = moments_of(product, 4, p->s.H, p->s.HP, shared);
  m[1] = m[2] = m[3] = m[0];
#else
  for (int gate = GATE_I; gate <= GATE_G; ++gate) {
    m[gate] = sum_gate(p, product, gate, b, c, shared);
  }
#endif
  FOR_UNITS(j, p->s.HP) {
    floatv before = LOADV(c + j);
    STOREV(lstm_c(normed_preactivation(p, product, m, GATE_I, b, j, before),
                  normed_preactivation(p, product, m, GATE_F, b, j, before),
                  normed_preactivation(p, product, m, GATE_G, b, j, before), before),
           c_new + j);
  }
  barrier(CLK_GLOBAL_MEM_FENCE);
#if NORM == NORM_HASTE
  moments of_c = moments_of(c_new, 1, p->s.H, p->s.HP, shared);
#else
  m[GATE_O] = sum_gate(p, product, GATE_O, b, c_new, shared);
#endif
  FOR_UNITS(j, p->s.HP) {
    floatv c_seen = LOADV(c_new + j);
    floatv p_o = normed_preactivation(p, product, m, GATE_O, b, j, c_seen);
    floatv kept = lstm_kept_c(LOADV(c + j), c_seen);
#if NORM == NORM_HASTE
    c_seen = FMA(LOADV(p->params + NORM_C * p->s.HP + j), normal(c_seen, of_c),
                 LOADV(p->params + NORM_C_BIAS * p->s.HP + j));
#endif
    store_lstm(p, lstm_m(p_o, c_seen), kept, true, b, j);
  }
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void norm_cell(
    __global const float *gx, __global float *product, __global const float *params, __global const int *lengths,
    __global const int *order, __global const stored *h_in, __global stored *h_out, __global const float *c_in,
    __global float *c_out, __global stored *middle, __global float *extra, __global stored *y, __global float *cells,
    const step_shape s, int t) {
  __local float shared[LANES];
  int b = (int)get_group_id(0);
  stage p = {s, t, gx, params, lengths, order, h_in, h_out, c_in, c_out, middle, extra, y, cells};
  if (is_active(&p, b)) {
    norm_step(&p, product + (size_t)b * 4 * s.HP, b, shared);
    return;
  }
  FOR_UNITS(j, s.HP) {
    store_lstm(&p, (floatv)(0.0f), LOADV(c_in + (size_t)b * s.HP + j), false, b, j);
  }
}
#endif
