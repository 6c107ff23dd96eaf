/* What one layer is: its description with the equations behind it, and the shapes of its weights.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_LAYER_H
#define OCLSTM_OCLSTM_LAYER_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum oclstm_dtype {
  OCLSTM_F32,
  OCLSTM_F64,
  OCLSTM_F16,
  OCLSTM_BF16,
  OCLSTM_I8,
  OCLSTM_I16,
  OCLSTM_I32,
  OCLSTM_I64
} oclstm_dtype;

typedef enum oclstm_cell_kind { OCLSTM_LSTM, OCLSTM_GRU, OCLSTM_RNN } oclstm_cell_kind;
typedef enum oclstm_bias { OCLSTM_BIAS_NONE, OCLSTM_BIAS_ONE, OCLSTM_BIAS_TWO } oclstm_bias;
typedef enum oclstm_peephole { OCLSTM_PEEPHOLE_NONE, OCLSTM_PEEPHOLE_DIAGONAL } oclstm_peephole;
typedef enum oclstm_coupling {
  OCLSTM_COUPLING_NONE,
  OCLSTM_COUPLING_FORGET_FROM_INPUT, /* f = 1 - i: ONNX input_forget */
  OCLSTM_COUPLING_INPUT_FROM_FORGET  /* i = 1 - f: TFLite CIFG */
} oclstm_coupling;
typedef enum oclstm_layer_norm { OCLSTM_NORM_NONE, OCLSTM_NORM_HASTE, OCLSTM_NORM_TFLITE } oclstm_layer_norm;
typedef enum oclstm_direction { OCLSTM_FORWARD, OCLSTM_REVERSE, OCLSTM_BIDIRECTIONAL } oclstm_direction;
typedef enum oclstm_merge { OCLSTM_CONCAT, OCLSTM_SUM, OCLSTM_MUL, OCLSTM_AVERAGE } oclstm_merge;
/* As ONNX defines them for its LSTM; v is the pre-activation. NaN stays NaN. */
typedef enum oclstm_activation_kind {
  OCLSTM_ACT_DEFAULT,          /* the role's own: sigmoid for gates, tanh for candidate and output */
  OCLSTM_ACT_SIGMOID,          /* 1 / (1 + e^-v) */
  OCLSTM_ACT_TANH,             /* tanh v */
  OCLSTM_ACT_RELU,             /* max(0, v) */
  OCLSTM_ACT_AFFINE,           /* alpha v + beta */
  OCLSTM_ACT_LEAKY_RELU,       /* v, or alpha v where v < 0 */
  OCLSTM_ACT_THRESHOLDED_RELU, /* v where v > alpha, otherwise 0 */
  OCLSTM_ACT_SCALED_TANH,      /* alpha tanh(beta v) */
  OCLSTM_ACT_HARD_SIGMOID,     /* alpha v + beta, clipped to 0 .. 1 */
  OCLSTM_ACT_ELU,              /* v, or alpha (e^v - 1) where v < 0 */
  OCLSTM_ACT_SOFTSIGN,         /* v / (1 + |v|) */
  OCLSTM_ACT_SOFTPLUS          /* log(1 + e^v) */
} oclstm_activation_kind;
typedef struct oclstm_activation {
  oclstm_activation_kind kind;
  float alpha,
      beta; /* finite; read only by the kinds that have them, and as they are: 0 is 0 here, no default */
} oclstm_activation;
/* gate(), candidate() and output() of the equations below. A GRU has no output(), an RNN no gate() either: DEFAULT there. */
enum { OCLSTM_ROLE_GATE, OCLSTM_ROLE_CANDIDATE, OCLSTM_ROLE_OUTPUT, OCLSTM_N_ROLES };

/* What one layer computes. Nothing is implied by the file a network came from: what two libraries mean
 * differently has two values here. All zero but kind, input_size and hidden_size is the LSTM of PyTorch's nn.LSTM
 * without biases. docs/cells.md has every equation with its source; in short:
 *
 *   LSTM   p = x W_ih^T + h W_hh^T + b_ih + b_hh                    rows i, f, g, o
 *          p_i += P_i c    p_f += P_f c    p_o += P_o c_new         peephole; c is the one before the step
 *          p = clip(p)                                              clip_preactivation; c behind output() is not clipped
 *          i, f, o = gate(p)    g = candidate(p)                    sigmoid and tanh
 *          f = 1 - i, or i = 1 - f                                  coupling; rows of the derived gate count in N of HASTE alone
 *          c_new = clip(f c + i g)                                  clip_cell
 *          m = o output(c_new)                                      tanh
 *          h_new = m, or clip(m W_hr^T)                             projection, clip_projection
 *          h' = zh h + (1 - zh) h_new    c' = zc c + (1 - zc) c_new zoneout, the expectation
 *   GRU    r, z = gate(x W_ih^T + h W_hh^T + b_ih + b_hh)           rows r, z, n
 *          n = candidate(x W_ih^T + b_ih + (r h) W_hh^T + b_hh)     or, with linear_before_reset,
 *          n = candidate(x W_ih^T + b_ih + r (h W_hh^T + b_hh))
 *          h_new = (1 - z) n + z h
 *   RNN    h_new = candidate(x W_ih^T + h W_hh^T + b_ih + b_hh)
 *
 *   layer_norm, LSTM only, with N(v) = (v - mean v) / sqrt(var v + eps):
 *     HASTE   p = norm_ih N(x W_ih^T) + norm_hh N(h W_hh^T) + b, over all 4H rows; m = o output(norm_c N(c_new) + norm_c_bias);
 *             eps 1e-5
 *     TFLITE  p = norm_gates N(x W_ih^T + h W_hh^T + P c) + b, over the H rows of each gate; eps 1e-8
 *
 * Dropout is a matter of training: what is left of it here, as in every library that scales while it trains, is nothing.
 * Sources: Hochreiter and Schmidhuber 1997 with the forget gate and peepholes of Gers et al. 2000 and 2002, as written in
 * PyTorch's nn.LSTM; ONNX LSTM-22, GRU-22 and RNN-22; Sak et al. 2014 (projection); Krueger et al. 2017 (zoneout).
 * What an engine or a strategy cannot run is refused by name when a plan is made; see oclstm_supports. What belongs to
 * another kind of cell or another direction is refused when the model is made, with E_ARGUMENT, and not ignored. */
typedef struct oclstm_layer {
  oclstm_cell_kind kind;
  size_t input_size;  /* I, 1 to limits.features; of layers after the first: the width of the layer before */
  size_t hidden_size; /* H, 1 to limits.features */
  size_t projection_size; /* P, 0 for none, otherwise 1 to H */
  oclstm_bias bias;       /* TWO: b_ih and b_hh, added together */
  oclstm_peephole peephole;
  oclstm_coupling coupling;
  oclstm_layer_norm layer_norm;
  float clip_preactivation; /* bounds b of -b .. b, 0 for none: pre-activations (ONNX clip) */
  float clip_cell;          /* c after each step (cuDNN, TFLite) */
  float clip_projection;    /* the projected h (TFLite); with a projection only */
  oclstm_activation activation[2][OCLSTM_N_ROLES]; /* of each direction */
  int linear_before_reset;                         /* GRU only: 1 as PyTorch, cuDNN and Keras (reset_after) */
  oclstm_direction direction;
  oclstm_merge merge; /* of the two directions, in y; CONCAT: forward before reverse */
  int go_backwards;   /* REVERSE only: y (and cells) of a row in the order of processing, as Keras gives it */
  float zoneout_h, zoneout_c; /* zh and zc, 0 to 1; 0 for none */
  float dropout_input, dropout_output, dropout_recurrent,
      dropout_weights; /* 0 to 1: kept, and without effect */
  int initial_state;   /* the weights hold the h and c that a new state begins with; 0: zeros */
} oclstm_layer;

/* Of a description, checked or not. Size of h: P or H. Directions: 1 or 2. Width of y: directions times size of h (CONCAT),
 * else size of h. */
OCLSTM_API size_t oclstm_layer_state_size(const oclstm_layer *layer);
OCLSTM_API size_t oclstm_layer_directions(const oclstm_layer *layer);
OCLSTM_API size_t oclstm_layer_output_size(const oclstm_layer *layer);
/* Elements of the arrays that it has, in all of its directions. Sizes over 2^28, which no model has, may wrap. */
OCLSTM_API uint64_t oclstm_layer_parameters(const oclstm_layer *layer);
/* Its description as model files hold it (docs/model_format.md): a JSON object of one line, in which members that have
 * their default are left out, all but kind, input_size and hidden_size. *needed receives the bytes of it with the closing
 * NUL; they are written to text when `room` is at least that. text may be NULL when room is 0.
 * Returns OK; E_ARGUMENT (a NULL, a description that makes no sense, or 0 < room < *needed); E_SHAPE and E_LIMIT (its
 * sizes); E_MEMORY. */
OCLSTM_API oclstm_status oclstm_layer_describe(const oclstm_layer *layer, char *text, size_t room,
                                               size_t *needed, oclstm_error *error);

/* A weight array: OCLSTM_F32, F64, F16 or BF16, dense, row-major, at any address. data NULL: absent. */
typedef struct oclstm_array {
  const void *data;
  oclstm_dtype dtype;
} oclstm_array;

/* Weights of one direction of one layer. G is 4 for LSTM (rows i, f, g, o), 3 for GRU (r, z, n), 1 for RNN. Arrays that the
 * layer's description does not call for are not looked at. */
typedef struct oclstm_weights {
  oclstm_array W_ih;                /* [G*H, I] */
  oclstm_array W_hh;                /* [G*H, R] */
  oclstm_array b_ih;                /* [G*H]    with bias ONE and TWO */
  oclstm_array b_hh;                /* [G*H]    with bias TWO */
  oclstm_array W_hr;                /* [P, H]   with a projection */
  oclstm_array peephole;            /* [3*H]    rows i, f, o */
  oclstm_array norm_ih, norm_hh;    /* [4*H]  HASTE */
  oclstm_array norm_c, norm_c_bias; /* [H]    HASTE */
  oclstm_array norm_gates;          /* [4*H]  TFLITE */
  oclstm_array initial_h;           /* [R]    with initial_state */
  oclstm_array initial_c;           /* [H]    with initial_state, LSTM */
} oclstm_weights;

#ifdef __cplusplus
}
#endif

#endif
