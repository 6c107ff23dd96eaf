/* A network found in a safetensors file: its layers, and which tensor is which array.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_NETWORK_H
#define OCLSTM_FORMATS_NETWORK_H

#include "formats/safetensors.h"
#include "model/model.h"

enum { OCLSTM__CHECKSUM_BYTES = 16, OCLSTM__CHECKSUM_TEXT = 2 * OCLSTM__CHECKSUM_BYTES + 1 };

/* The tensor that is an array of the network; NULL where the network has none. */
typedef struct oclstm__slot {
  const oclstm__tensor *tensor;
} oclstm__slot;

typedef struct oclstm__network {
  oclstm_allocator allocator;
  size_t n_layers;
  oclstm_layer *layers;
  size_t head_size; /* 0: none */
  bool head_bias;
  char checksum[OCLSTM__CHECKSUM_TEXT]; /* of the data, hexadecimal; "" when the file has none */
  oclstm__slot *arrays;    /* [n_layers][2][OCLSTM__MAX_ARRAYS], in the order of oclstm__layer_arrays */
  oclstm_weights *weights; /* [n_layers][2], after attach */
  const oclstm__tensor *head_W, *head_b;
  size_t embedding_size; /* V; 0: none */
  const oclstm__tensor *embedding;
} oclstm__network;

/* Room for n_layers layers, all zero. Returns OK; E_FORMAT (no layer); E_LIMIT; E_MEMORY. */
oclstm_status oclstm__network_create(oclstm__network *network, size_t n_layers, const oclstm_limits *limits,
                                     oclstm_allocator allocator, oclstm_error *error);
/* Reads the description in a file's metadata. Returns OK; E_FORMAT; E_UNSUPPORTED (its version); E_LIMIT; E_MEMORY. */
oclstm_status oclstm__descriptor_read(oclstm__network *network, const char *description,
                                      const oclstm_limits *limits, oclstm_allocator allocator,
                                      oclstm_error *error);
/* Reads a file without description: PyTorch's names and the shapes, and binds the tensors.
 * Returns OK; E_FORMAT; E_MISSING; E_SHAPE; E_DTYPE; E_LIMIT; E_UNSUPPORTED (a dense layer in front); E_MEMORY. */
oclstm_status oclstm__state_dict_read(oclstm__network *network, oclstm__safetensors *index,
                                      const oclstm_limits *limits, oclstm_allocator allocator,
                                      oclstm_error *error);
/* What a file says about layer `index`, checked like a caller's, but as the file's fault. */
oclstm_status oclstm__network_check_layer(const oclstm__network *network, size_t index,
                                          const oclstm_limits *limits, oclstm_error *error);
/* Finds the tensors of all layers by name, with the shapes that the layers demand.
 * Returns OK; E_MISSING; E_SHAPE; E_DTYPE. */
oclstm_status oclstm__network_bind(oclstm__network *network, oclstm__safetensors *index, const char *prefix,
                                   size_t prefix_bytes, oclstm_error *error);
/* The same for the head, by full names. b_name is not read without head_bias. */
oclstm_status oclstm__network_bind_head(oclstm__network *network, oclstm__safetensors *index,
                                        const char *W_name, const char *b_name, oclstm_error *error);
/* The same for the embedding in front, [embedding_size, I of layer 0]. Returns OK; E_MISSING; E_SHAPE; E_DTYPE; E_LIMIT. */
oclstm_status oclstm__network_bind_embedding(oclstm__network *network, oclstm__safetensors *index,
                                             const char *name, const oclstm_limits *limits,
                                             oclstm_error *error);
/* state_dict_ends.c: finds and binds what PyTorch modules have in front of and behind the recurrent layers.
 * Returns OK; E_FORMAT; E_SHAPE; E_DTYPE; E_LIMIT; E_UNSUPPORTED. */
oclstm_status oclstm__state_dict_ends(oclstm__network *network, oclstm__safetensors *index,
                                      const oclstm_limits *limits, oclstm_error *error);
/* E_FORMAT naming the first tensor that no one has bound. */
oclstm_status oclstm__network_check_leftovers(const oclstm__safetensors *index, oclstm_error *error);
/* Describes the network for oclstm_model_create; arrays point into data, the bytes behind the header. */
oclstm_model_desc oclstm__network_attach(oclstm__network *network, const unsigned char *data);
void oclstm__network_destroy(oclstm__network *network);

#endif
