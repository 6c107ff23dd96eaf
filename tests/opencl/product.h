/* A product of random matrices by one provider, for tests of providers.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_PRODUCT_H
#define OCLSTM_TESTS_PRODUCT_H

#include "opencl/gemm/gemm.h"

typedef struct product {
  oclstm__gemm_shape shape;
  size_t rows; /* that A and C have room for */
  oclstm__gemm *gemm;
  cl_mem A, C;
  float *W, *host_A, *host_C; /* W and A as they are stored */
} product;

/* For up to most_rows, unless the shape has a fixed number of rows. What lies behind column K of A is NaN: it must not count. */
product make_product(const oclstm__gemm_provider *provider, oclstm__gemm_shape shape, size_t most_rows);
void free_product(product *p);
/* C of the first M rows, read back to host_C. */
void multiply(product *p, size_t M);
/* The first M rows of host_C against sums in double precision. bound: how far one of K terms may be from it, whose
 * absolute values have the sum `magnitude`. */
void assert_product(const product *p, size_t M, double (*bound)(size_t K, double magnitude));
/* Rows have the same bits whatever number up to `most` is multiplied with them: 1, then `factor` times as many and one more. */
void assert_rows_keep_their_bits(product *p, size_t most, size_t factor);
/* Some rows out of the middle give what all of `most` rows give there, and leave those in front of them alone. */
void assert_parts_keep_their_bits(product *p, size_t most);

#endif
