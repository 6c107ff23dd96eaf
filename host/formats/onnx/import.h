/* The import of one ONNX graph: from messages to a chain of layers, and from the chain to a model.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_IMPORT_H
#define OCLSTM_FORMATS_ONNX_IMPORT_H

#include "formats/onnx/onnx.h"
#include "formats/onnx/value.h"

/* A recurrent node, its attributes read; tensors in ONNX's own order and shape. */
typedef struct oclstm__recurrent {
  const oclstm__onnx_node *node;
  oclstm_cell_kind kind;
  size_t H, I, D;
  bool reverse; /* direction="reverse" */
  bool batch_first;
  bool linear_before_reset, input_forget;
  float clip;
  oclstm_activation activation[2][OCLSTM_N_ROLES];
  const oclstm__constant *W, *R, *B, *P; /* [D,G*H,I] [D,G*H,H] [D,2*G*H] [D,3*H]; B and P or NULL */
  const oclstm__constant *initial_h,
      *initial_c; /* [D,B,H] with equal rows; NULL: zero, or an input of the graph */
  oclstm__value input;
  oclstm__value states[2]; /* the inputs of the graph that are initial_h and initial_c; kind NOTHING: none */
  int lengths;             /* the input of the graph that is sequence_lens; -1: none */
  bool backwards;          /* runs from the last step of the graph's input to the first */
} oclstm__recurrent;

typedef struct oclstm__head {
  bool present;
  const oclstm__constant *W, *b; /* b NULL: none */
  bool transposed;               /* W is [width, O], as MatMul has it; otherwise [O, width] */
  oclstm__value input;
} oclstm__head;

/* A layer of the chain: one recurrent node, or two that are the directions of one layer. */
typedef struct oclstm__chain_layer {
  size_t n_nodes;
  size_t nodes[2];
  oclstm_merge merge;
  bool go_backwards;
} oclstm__chain_layer;

enum { OCLSTM__FOLD_TIMES = 16 }; /* what operators on constants make, in bytes of the file */

typedef struct oclstm__import {
  oclstm_allocator allocator;
  const oclstm_limits *limits;
  const oclstm__onnx_orders *orders;
  oclstm__onnx_folder folder;
  oclstm__onnx_graph graph;
  size_t n_values, n_constants, n_recurrent, n_inputs;
  size_t n_recurrent_most, most_values, most_constants;
  oclstm__list joined; /* pieces of final states that were joined */
  oclstm__value *values;
  oclstm__constant *constants;
  oclstm__onnx_port *inputs;
  oclstm__recurrent *recurrent;
  uint64_t fold_bytes; /* how much operators on constants may still make */
  const oclstm__constant *embedding;
  oclstm__head head;
  size_t *table; /* of names: open addressing, indices into values from 1 on; table_size is a power of 2 */
  size_t table_size;
  oclstm__view *value_names;
  bool has_axes; /* the first recurrent node has said which axes are time and batch */
  oclstm__axis time, batch;
  size_t n_layers; /* the chain, first layer first */
  oclstm__chain_layer *chain;
  oclstm__value output; /* what the chain ends with: SEQUENCE, FINAL_H, or HEAD */
} oclstm__import;

/* ---- values.c: names and what they stand for ---- */

/* Room for everything the graph can define. */
oclstm_status oclstm__values_create(oclstm__import *import, oclstm_error *error);
void oclstm__values_destroy(oclstm__import *import);
/* NULL when nothing has the name. */
const oclstm__value *oclstm__value_find(const oclstm__import *import, oclstm__view name);
/* E_FORMAT when the name is taken. An empty name is nobody's. */
oclstm_status oclstm__value_define(oclstm__import *import, oclstm__view name, const oclstm__value *value,
                                   oclstm_error *error);
/* Input k of a node; *value NULL where it is left out. E_FORMAT when nothing has its name. */
oclstm_status oclstm__node_input(const oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                 const oclstm__value **value, oclstm_error *error);
/* The same, E_FORMAT where it is left out. */
oclstm_status oclstm__node_operand(const oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                   const oclstm__value **value, oclstm_error *error);
oclstm_status oclstm__node_define(oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                  const oclstm__value *value, oclstm_error *error);
/* Keeps a constant, which becomes the import's own also on failure, as the output of a node. */
oclstm_status oclstm__node_define_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                           oclstm__constant *constant, oclstm_error *error);

static inline const oclstm__constant *oclstm__value_constant(const oclstm__import *import,
                                                             const oclstm__value *value) {
  return value != NULL && value->kind == OCLSTM__CONSTANT ? &import->constants[value->constant] : NULL;
}

/* ---- attributes.c ---- */

enum { OCLSTM__MOST_INTS = 16 };
oclstm_status oclstm__node_int(const oclstm__import *import, const oclstm__onnx_node *node, const char *name,
                               int64_t fallback, int64_t *value, oclstm_error *error);
oclstm_status oclstm__node_ints(const oclstm__import *import, const oclstm__onnx_node *node, const char *name,
                                int64_t values[OCLSTM__MOST_INTS], size_t *n, bool *found,
                                oclstm_error *error);
/* The entries of a constant of integers, of rank 0 or 1. E_UNSUPPORTED where the value is no such constant. */
oclstm_status oclstm__value_ints(const oclstm__import *import, const oclstm__onnx_node *node,
                                 const oclstm__value *value, const char *what,
                                 int64_t values[OCLSTM__MOST_INTS], size_t *n, oclstm_error *error);

/* ---- the operators ---- */

typedef oclstm_status oclstm__operator(oclstm__import *import, const oclstm__onnx_node *node,
                                       oclstm_error *error);
/* Gives a node's outputs their meaning. E_UNSUPPORTED naming the node and its operator. */
oclstm__operator oclstm__operate;           /* operators.c: whichever it is */
oclstm__operator oclstm__operate_recurrent; /* recurrent.c: LSTM, GRU, RNN */
/* ids.c: Less, Not, and Add and Mul of an input */
oclstm__operator oclstm__operate_less, oclstm__operate_not;
oclstm_status oclstm__combine_ids(oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__value *a, const oclstm__value *b, bool product,
                                  oclstm_error *error);
/* glue.c: axes in another order, and what changes nothing */
oclstm__operator oclstm__operate_identity, oclstm__operate_cast, oclstm__operate_dropout;
oclstm__operator oclstm__operate_transpose;
/* squeeze.c, reshape.c */
oclstm__operator oclstm__operate_squeeze, oclstm__operate_unsqueeze;
oclstm__operator oclstm__operate_reshape, oclstm__operate_flatten;
oclstm__operator oclstm__operate_slice, oclstm__operate_gather; /* slice.c, gather.c: a part of an axis */
oclstm__operator oclstm__operate_reverse_sequence;              /* select.c */
/* join.c: directions and states put together */
oclstm__operator oclstm__operate_concat, oclstm__operate_add, oclstm__operate_mul, oclstm__operate_div;
/* shapes.c: shapes computed in the graph, and constants filled into them */
oclstm__operator oclstm__operate_shape, oclstm__operate_constant_of_shape, oclstm__operate_expand;
/* dense.c: the head */
oclstm__operator oclstm__operate_matmul, oclstm__operate_gemm;
/* Add of a constant to the head; E_UNSUPPORTED where the head has one already. */
oclstm_status oclstm__head_bias(oclstm__import *import, const oclstm__onnx_node *node,
                                const oclstm__value *head, const oclstm__constant *bias, oclstm_error *error);

/* ---- fold.c: operators on constants; the result is the import's to free ---- */

oclstm_status oclstm__fold_cast(oclstm__import *import, const oclstm__constant *from, oclstm_dtype dtype,
                                oclstm__constant *to, oclstm_error *error);
oclstm_status oclstm__fold_transpose(oclstm__import *import, const oclstm__constant *from,
                                     const size_t order[], oclstm__constant *to, oclstm_error *error);
/* The same elements with another shape, whose count was checked. The bytes stay where they are. */
void oclstm__fold_shape(const oclstm__constant *from, size_t rank, const size_t dims[], oclstm__constant *to);
/* n entries of an axis, from `first` on. */
oclstm_status oclstm__fold_slice(oclstm__import *import, const oclstm__constant *from, size_t axis,
                                 size_t first, size_t n, oclstm__constant *to, oclstm_error *error);
/* E_SHAPE where the others are not as the first but for the axis. */
oclstm_status oclstm__fold_concat(oclstm__import *import, const oclstm__constant *const from[], size_t n,
                                  size_t axis, oclstm__constant *to, oclstm_error *error);

/* ---- what the operators share ---- */

/* An axis of a value of this rank, counted from the end where it is negative. E_FORMAT when there is no such axis. */
oclstm_status oclstm__node_axis(const oclstm__import *import, const oclstm__onnx_node *node, int64_t given,
                                size_t rank, size_t *axis, oclstm_error *error);
/* E_UNSUPPORTED: the operator cannot be understood on this value. */
oclstm_status oclstm__node_refuse(const oclstm__import *import, const oclstm__onnx_node *node,
                                  const oclstm__value *value, oclstm_error *error);
/* A shape as extents, from the graph or from a constant. */
oclstm_status oclstm__value_extents(const oclstm__import *import, const oclstm__onnx_node *node,
                                    const oclstm__value *value, oclstm__extent extents[OCLSTM__ONNX_RANK],
                                    size_t *n, oclstm_error *error);
/* A filled constant whose elements are all zero: no shape changes what it is. */
bool oclstm__value_is_zeros(const oclstm__import *import, const oclstm__value *value);
/* Entries of an axis: n from `first` on, which counts from the end where it is negative; step -1: all, turned round. */
typedef struct oclstm__range {
  size_t axis;
  int64_t first, n, step;
  bool whole; /* everything */
} oclstm__range;
/* What is left of a value that has axes. E_UNSUPPORTED where that has no name here. select.c */
oclstm_status oclstm__select(const oclstm__import *import, const oclstm__onnx_node *node,
                             const oclstm__range *r, oclstm__value *value, oclstm_error *error);
/* The inputs of a recurrent node that are no weights: X, sequence_lens, initial_h and initial_c. sequence.c */
oclstm_status oclstm__take_sequence(oclstm__import *import, oclstm__recurrent *recurrent,
                                    oclstm_error *error);
oclstm_status oclstm__take_lengths(oclstm__import *import, oclstm__recurrent *recurrent, oclstm_error *error);
oclstm_status oclstm__take_states(oclstm__import *import, oclstm__recurrent *recurrent, oclstm_error *error);
/* Whether lengths are all steps of a sequence whose time is this axis: they say nothing then. */
bool oclstm__lengths_are_whole(const oclstm__import *import, const oclstm__value *lengths,
                               const oclstm__axis *time);
/* Reads activations, activation_alpha and activation_beta. activations.c */
oclstm_status oclstm__read_activations(const oclstm__import *import, oclstm__recurrent *recurrent,
                                       oclstm_error *error);

/* ---- from the chain to a model ---- */

/* Follows the graph's outputs back to its input: which layers, in which order. chain.c */
oclstm_status oclstm__chain_find(oclstm__import *import, oclstm_error *error);
/* Makes the model of the chain, rows in our order. build.c */
oclstm_status oclstm__chain_build(const oclstm__import *import, oclstm_model **model, oclstm_error *error);
/* Runs a few steps of the chain by the operators' own equations, and the model by the reference. check.c
 * Returns OK; E_MISMATCH; what making a plan may return. */
oclstm_status oclstm__chain_check(const oclstm__import *import, const oclstm_model *model,
                                  oclstm_error *error);

#endif
