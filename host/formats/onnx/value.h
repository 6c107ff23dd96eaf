/* What a value of an ONNX graph means: which axes it has, in which order, and of which layer it is the output. A chain of
 * recurrent layers is understood by following these meanings through the graph; nothing is computed but constants.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_VALUE_H
#define OCLSTM_FORMATS_ONNX_VALUE_H

#include "formats/onnx/constant.h"

enum {
  OCLSTM__TAG_FEATURE = -1,   /* I, H, 2H, or the head's size */
  OCLSTM__TAG_DIRECTION = -2, /* D */
  OCLSTM__TAG_LAYERS = -3,    /* L*D of final states that were joined */
  OCLSTM__PARTS = 3,
  OCLSTM__INPUT_AXES = 8 /* the tag of axis k of input n is OCLSTM__INPUT_AXES * n + k */
};

/* An axis is a product of parts, the outer first; without parts its size is 1. A size of -1 is not known. */
typedef struct oclstm__part {
  int tag;
  int64_t size;
} oclstm__part;
typedef struct oclstm__axis {
  size_t n;
  oclstm__part parts[OCLSTM__PARTS];
} oclstm__axis;

/* One entry of a shape that is computed in the graph: a number times an axis. */
typedef struct oclstm__extent {
  int64_t factor;
  oclstm__axis axis;
} oclstm__extent;

typedef enum oclstm__value_kind {
  OCLSTM__NOTHING,  /* an output nobody may use: the mask of a dropout */
  OCLSTM__CONSTANT, /* numbers of the file */
  OCLSTM__FILLED,   /* one constant repeated over axes the graph computes: a zero state */
  OCLSTM__EXTENTS,  /* a shape, or one entry of it */
  OCLSTM__INPUT,    /* an input of the graph, or a part of one: x, a state, lengths, ids */
  OCLSTM__EMBEDDED, /* rows of the embedding */
  OCLSTM__SEQUENCE, /* y of a layer */
  OCLSTM__FINAL_H,  /* h or c behind the last step */
  OCLSTM__FINAL_C,
  OCLSTM__HEAD /* behind the dense head */
} oclstm__value_kind;

/* One direction of one recurrent node. */
typedef struct oclstm__piece {
  size_t node; /* of import->recurrent */
  size_t direction;
} oclstm__piece;

/* What arithmetic has made of an input of ids; see ids.c. */
typedef enum oclstm__role {
  OCLSTM__ROLE_WHOLE, /* the input itself */
  OCLSTM__ROLE_NEGATIVE,
  OCLSTM__ROLE_NOT_NEGATIVE,
  OCLSTM__ROLE_SHIFTED,
  OCLSTM__ROLE_NEGATIVE_CASE,
  OCLSTM__ROLE_OTHER_CASE
} oclstm__role;

typedef struct oclstm__value {
  oclstm__value_kind kind;
  size_t constant; /* CONSTANT, FILLED: of import->constants */
  size_t rank;     /* EXTENTS: 0 or 1 */
  union {
    oclstm__axis axes[OCLSTM__ONNX_RANK];
    oclstm__extent extents[OCLSTM__ONNX_RANK];
  };
  size_t n_extents;
  size_t input;         /* INPUT, EMBEDDED: which */
  int64_t first, taken; /* INPUT: entries of the axis taken_tag that are left; taken 0: all */
  int taken_tag;
  oclstm__role role;
  int64_t wrap;  /* ids below 0 have this added; 0: they are as they came */
  bool reversed; /* time, the axis reversed_tag, runs backwards, against the order of the input */
  int reversed_tag;
  size_t joined, n_joined; /* FINAL: states of several layers, of import->joined; n_joined 0: of one */
  size_t n_pieces;         /* SEQUENCE, FINAL: what the features are made of */
  oclstm__piece pieces[2];
  oclstm_merge merge;
} oclstm__value;

/* Whether a value is an input of the graph that no arithmetic has touched. */
static inline bool oclstm__value_is_input(const oclstm__value *value) {
  return value->kind == OCLSTM__INPUT && value->role == OCLSTM__ROLE_WHOLE && value->wrap == 0;
}

/* Whether a value is what recurrent layers or the graph's input hold: it has axes. */
static inline bool oclstm__value_has_axes(const oclstm__value *value) {
  return value->kind >= OCLSTM__INPUT;
}

/* A number that is known, or -1: of an entry that is no factor alone, by the sizes of its axis. */
int64_t oclstm__extent_number(const oclstm__extent *extent);
static inline oclstm__axis oclstm__axis_of(int tag, int64_t size) {
  return (oclstm__axis){1, {{tag, size}}};
}
static inline bool oclstm__axis_same(const oclstm__axis *a, const oclstm__axis *b) {
  bool same = a->n == b->n;
  for (size_t k = 0; same && k < a->n; ++k) {
    same = a->parts[k].tag == b->parts[k].tag;
  }
  return same;
}
static inline bool oclstm__axis_is(const oclstm__axis *axis, int tag) {
  return axis->n == 1 && axis->parts[0].tag == tag;
}
/* The product of the parts; -1 where one is not known. */
int64_t oclstm__axis_size(const oclstm__axis *axis);
/* [T,B,F] for messages, in the words of the parts. */
enum { OCLSTM__AXES_TEXT = 128 };
const char *oclstm__axes_text(const oclstm__value *value, char text[OCLSTM__AXES_TEXT]);
#define OCLSTM__AXES(value) oclstm__axes_text((value), (char[OCLSTM__AXES_TEXT]){0})

#endif
