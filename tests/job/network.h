/* Small random networks and random input for the tests of this room.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_JOB_NETWORK_H
#define TESTS_JOB_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_job.h"

enum { MAX_LAYERS = 6 };

/* A network in short: one letter a layer, hidden sizes 5, 6, 7, ... Plain LSTM layers are f forward, r reverse and b
 * bidirectional; the others stand in network.c, CELLS. */
typedef struct network_desc {
  const char *layers;
  size_t input_size; /* of the first layer; with an embedding its width */
  size_t head_size;
  float scale; /* weights are uniform in -scale .. scale; 0: 1/sqrt(H), which is contractive enough */
  uint32_t seed;
  size_t embedding_size; /* V; 0 for none */
} network_desc;

oclstm_model *network_create(const network_desc *desc);

/* Uniform in -1 .. 1, the same for the same seed everywhere. */
void random_fill(float *to, size_t n, uint32_t seed);

/* malloc that counts, as an oclstm_allocator. */
typedef struct counted_memory {
  size_t now, peak, calls;
} counted_memory;
oclstm_allocator counting_allocator(counted_memory *count);

#endif
