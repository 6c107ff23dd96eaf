/* One vector of docs/vectors.md, read: a network, an input, and what must come out.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_VECTOR_FILE_H
#define OCLSTM_TEST_VECTOR_FILE_H

#include "case_file.h"

/* What must become of a case. */
typedef enum expectation {
  EXPECT_RUN,    /* it runs, and the results are close */
  EXPECT_REFUSE, /* the file or the plan answers E_UNSUPPORTED, and names it */
  EXPECT_DIFFER, /* it runs, and the results are not close: a mutant */
  EXPECT_EITHER  /* it runs */
} expectation;

enum { MAX_CASES = 4096, MAX_NAME = 120, MAX_PATH = 700 };

/* One line of an index: NAME LAYOUT SIZE FLOAT32 FLOAT64 EXPECT. */
typedef struct vector_line {
  char name[MAX_NAME];
  oclstm_layout layout;
  bool small;
  double float32, float64; /* bounds of relative L2: of a device, and of the reference's double values */
  expectation expect;
  char word[64]; /* that a refusal must contain */
} vector_line;

/* The lines of FOLDER/index.txt, only small ones if so asked. Exits when there is no such file or a line is not one. */
size_t read_vector_index(const char *folder, bool only_small, vector_line lines[MAX_CASES]);

/* The network of a case: NAME.onnx where there is one, otherwise the weights in NAME.safetensors, with their description or
 * as a state_dict. */
oclstm_status load_vector_model(const char *folder, const char *name, const case_file *file,
                                oclstm_model **model, oclstm_error *error);

/* Elements of a tensor, 0 when it is not there. */
size_t vector_count(const case_file *file, const char *name);
/* A copy of a tensor of 4-byte elements, to be freed; NULL when it is not there. */
void *vector_copy(const case_file *file, const char *name, const char *dtype, size_t count);

#endif
