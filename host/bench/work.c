/* What a shape costs at least: operations and bytes.
 * SPDX-License-Identifier: MIT */
#include "bench.h"

size_t bench_gates(oclstm_cell_kind cell) {
  return cell == OCLSTM_LSTM ? 4 : cell == OCLSTM_GRU ? 3 : 1;
}

size_t bench_width(const bench_shape *s) {
  return s->directions * s->H;
}

size_t bench_layer_input(const bench_shape *s, size_t layer) {
  return layer == 0 ? s->I : bench_width(s);
}

/* The last row has a tenth of the first one's steps, and those between lie on a line. */
uint64_t bench_length(const bench_shape *s, size_t row) {
  if ((s->rows != BENCH_RAGGED && s->rows != BENCH_PADDED) || s->B < 2) {
    return s->T;
  }
  uint64_t least = s->T / 10 > 0 ? s->T / 10 : 1;
  return s->T - (s->T - least) * row / (s->B - 1);
}

uint64_t bench_valid_steps(const bench_shape *s) {
  uint64_t sum = 0;
  for (size_t b = 0; b < s->B; ++b) {
    sum += bench_length(s, b);
  }
  return sum;
}

uint64_t bench_equal_steps(const bench_shape *s) {
  bench_shape ragged = *s;
  ragged.rows = BENCH_RAGGED;
  return (bench_valid_steps(&ragged) + s->B / 2) / s->B;
}

double bench_flops(const bench_shape *s) {
  double a_step = 0.0;
  for (size_t l = 0; l < s->layers; ++l) {
    a_step += 2.0 * (double)(s->directions * bench_gates(s->cell) * s->H) *
              (double)(bench_layer_input(s, l) + s->H);
  }
  return a_step * (double)bench_valid_steps(s);
}

double bench_stored_bytes(oclstm_precision precision) {
  return precision == OCLSTM_PRECISION_F32 ? 4.0 : 2.0;
}

double bench_recurrent_bytes(const bench_shape *s, oclstm_precision precision) {
  return bench_stored_bytes(precision) * (double)(s->layers * s->directions * bench_gates(s->cell)) *
         (double)s->H * (double)s->H;
}

double bench_weight_traffic(const bench_shape *s, oclstm_precision precision) {
  double bytes = bench_recurrent_bytes(s, precision) * (double)s->T;
  for (size_t l = 0; l < s->layers; ++l) {
    bytes += bench_stored_bytes(precision) * (double)(s->directions * bench_gates(s->cell) * s->H) *
             (double)bench_layer_input(s, l);
  }
  return bytes;
}
