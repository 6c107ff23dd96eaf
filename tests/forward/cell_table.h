/* Descriptions of cells for the tests: every value of every field, and every pair of values, in few descriptions.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_CELL_TABLE_H
#define OCLSTM_TEST_CELL_TABLE_H

#include "support.h"

enum { MAX_CELL_CASES = 1024, MAX_CELL_LAYERS = 2, MAX_FACTORS = 18 };

/* One network to be tried. */
typedef struct cell_case {
  char name[40]; /* "lstm_017", "stack_03" */
  size_t n_layers;
  oclstm_layer layers[MAX_CELL_LAYERS];
  size_t V;    /* ids of the embedding in front, 0 for none */
  size_t head; /* 0 for none */
  size_t T, B;
  uint64_t seed;
  unsigned char levels[MAX_CELL_LAYERS][MAX_FACTORS]; /* of each layer: which value of each field */
} cell_case;

/* Writes the cases, at most MAX_CELL_CASES; returns how many. For each kind of cell, every two values of two fields stand
 * together in some description; with few, every single value stands in one. Then stacks of two layers of different kinds.
 * The same seed gives the same cases. */
size_t make_cell_cases(cell_case *cases, bool few, uint64_t seed);

/* Few descriptions with many options each, called tour_...; returns how many. */
size_t make_cell_tour(cell_case *cases, uint64_t seed);

/* The text that the refusal by the strategy under test must contain, or NULL when the case must run. */
const char *expected_refusal(const cell_case *c);

/* "lstm peephole=diagonal direction=reverse ...", the fields that are not the default. */
void describe_cell(const cell_case *c, char *text, size_t bytes);

/* Fields of a layer of this kind: how many, the name of one, how many values it has, and the name of a value. */
size_t n_factors(oclstm_cell_kind kind);
const char *factor_name(oclstm_cell_kind kind, size_t factor);
size_t n_levels(oclstm_cell_kind kind, size_t factor);
const char *level_name(oclstm_cell_kind kind, size_t factor, size_t level);

#endif
