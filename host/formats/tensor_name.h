/* Names of tensors in model files, PyTorch's: PREFIX.weight_ih_l0_reverse.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_TENSOR_NAME_H
#define OCLSTM_FORMATS_TENSOR_NAME_H

#include <stdbool.h>

#include "oclstm/oclstm.h"

#define OCLSTM__OWN_PREFIX "lstm."
#define OCLSTM__OWN_HEAD_W "head.weight"
#define OCLSTM__OWN_HEAD_B "head.bias"
#define OCLSTM__OWN_EMBEDDING "embedding.weight"

enum {
  OCLSTM__NAME_BUFFER = 1024 + 64
}; /* a prefix of the longest name, and what this room puts behind it */

/* Writes the name of one array of a direction of a layer. `member` is its offset in oclstm_weights; the prefix is
 * prefix_bytes long and ends in '.', or is empty. */
void oclstm__tensor_name(char name[OCLSTM__NAME_BUFFER], const char *prefix, size_t prefix_bytes,
                         size_t member, size_t layer, bool reverse);

typedef struct oclstm__parsed_name {
  size_t prefix_bytes; /* up to and with the last '.' */
  size_t layer;
} oclstm__parsed_name;

/* Whether name is one that PyTorch gives to a weight of a recurrent layer. Layer numbers beyond SIZE_MAX are cut
 * to it. */
bool oclstm__parse_tensor_name(const char *name, oclstm__parsed_name *parsed);

#endif
