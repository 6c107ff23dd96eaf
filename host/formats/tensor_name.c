/* Names of tensors in model files, PyTorch's: PREFIX.weight_ih_l0_reverse.
 * SPDX-License-Identifier: MIT */
#include "formats/tensor_name.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* PyTorch's own come first; it has no peepholes. */
enum { N_PYTORCH_STEMS = 5 };
static const struct {
  const char *stem;
  size_t member;
} STEMS[] = {
    {"weight_ih", offsetof(oclstm_weights, W_ih)},
    {"weight_hh", offsetof(oclstm_weights, W_hh)},
    {"bias_ih", offsetof(oclstm_weights, b_ih)},
    {"bias_hh", offsetof(oclstm_weights, b_hh)},
    {"weight_hr", offsetof(oclstm_weights, W_hr)},
    {"weight_peephole", offsetof(oclstm_weights, peephole)},
    {"norm_ih", offsetof(oclstm_weights, norm_ih)},
    {"norm_hh", offsetof(oclstm_weights, norm_hh)},
    {"norm_c", offsetof(oclstm_weights, norm_c)},
    {"norm_c_bias", offsetof(oclstm_weights, norm_c_bias)},
    {"norm_gates", offsetof(oclstm_weights, norm_gates)},
    {"initial_h", offsetof(oclstm_weights, initial_h)},
    {"initial_c", offsetof(oclstm_weights, initial_c)},
};

void oclstm__tensor_name(char name[OCLSTM__NAME_BUFFER], const char *prefix, size_t prefix_bytes,
                         size_t member, size_t layer, bool reverse) {
  const char *stem = "";
  for (size_t k = 0; k < sizeof STEMS / sizeof STEMS[0]; ++k) {
    if (STEMS[k].member == member) {
      stem = STEMS[k].stem;
    }
  }
  (void)snprintf(name, OCLSTM__NAME_BUFFER, "%.*s%s_l%zu%s", (int)prefix_bytes, prefix, stem, layer,
                 reverse ? "_reverse" : "");
}

/* Decimal, without leading zeros. NULL when there is no number at text. */
static const char *parse_number(const char *text, size_t *number) {
  const char *at = text;
  *number = 0;
  while (isdigit((unsigned char)*at)) {
    size_t digit = (size_t)(*at++ - '0');
    *number = *number > (SIZE_MAX - digit) / 10 ? SIZE_MAX : *number * 10 + digit;
  }
  return at == text || (*text == '0' && at != text + 1) ? NULL : at;
}

bool oclstm__parse_tensor_name(const char *name, oclstm__parsed_name *parsed) {
  const char *dot = strrchr(name, '.');
  const char *tail = dot == NULL ? name : dot + 1;
  parsed->prefix_bytes = (size_t)(tail - name);
  for (size_t k = 0; k < N_PYTORCH_STEMS; ++k) {
    size_t n = strlen(STEMS[k].stem);
    if (strncmp(tail, STEMS[k].stem, n) == 0 && strncmp(tail + n, "_l", 2) == 0) {
      const char *end = parse_number(tail + n + 2, &parsed->layer);
      return end != NULL && (*end == '\0' || strcmp(end, "_reverse") == 0);
    }
  }
  return false;
}
