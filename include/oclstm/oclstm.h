/* oclstm: run LSTM networks on any OpenCL device, from C.
 *
 * SPDX-License-Identifier: MIT
 *
 * The stages, in the order in which a program meets them:
 *
 *   model    what the network is: layers, weights, head. Host memory, immutable, shared freely.
 *   context  one device (an OpenCL device, or the double-precision reference on the host).
 *   plan     model + context + limits. Everything is decided, compiled, packed and allocated here.
 *   state    h and c of one batch. Explicit, so that streams, chunks and resumed jobs are one thing.
 *   forward  x in, y out, state advanced. Allocates nothing, compiles nothing, prints nothing.
 *
 * A whole program, less its error handling:
 *
 *   oclstm_model *model;  oclstm_context *context;  oclstm_plan *plan;  oclstm_state *state;
 *   oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
 *   oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
 *   oclstm_io io = OCLSTM_IO_INIT;
 *
 *   limits.rows = B;
 *   limits.steps = T;
 *   oclstm_model_load("net.safetensors", NULL, &model, NULL);
 *   oclstm_context_create(&device, &context, NULL);
 *   oclstm_plan_create(context, model, &limits, &plan, NULL);
 *   oclstm_state_create(plan, &state, NULL);
 *   io.steps = T;
 *   io.x = x;                                   // [T,B,I]
 *   io.y = y;                                   // [T,B,oclstm_model_output_size(model)]
 *   while (read_signal(x)) {
 *     oclstm_forward(plan, state, &io, NULL);   // the next T steps of the same B streams
 *   }
 *   oclstm_state_destroy(&state);
 *   oclstm_plan_destroy(&plan);
 *   oclstm_context_destroy(&context);
 *   oclstm_model_destroy(&model);
 *
 * Words. T steps, B batch rows, I input size, H hidden size, P projection size, L layers, D directions (1 or 2).
 * R is the size of h: P with a projection, otherwise H. Arrays are dense and row-major, the last index fastest.
 * Gate rows are in the order i, f, g, o. c and every sum are float32 on devices, double in the reference.
 *
 * Errors. Every function that can fail returns an oclstm_status, OCLSTM_OK being 0, and takes an optional
 * oclstm_error as its last argument, which receives the status with the offending values in words; on success
 * it is left alone. Outputs through pointers are set to NULL on failure. A call that fails leaves the objects
 * it was given as they were, except that after OCLSTM_E_OPENCL, OCLSTM_E_DEVICE_LOST and OCLSTM_E_STOPPED the
 * contents of the state and of the outputs are unspecified.
 *
 * Descriptors. Structures that are passed in begin with struct_size and have an initialiser
 * (OCLSTM_..._INIT); fields are only ever appended. Zero means "default" everywhere.
 *
 * Threads. A model may be shared by any number of threads. A context may be used from several threads at once for
 * creating plans and states. One plan, and one state, belongs to one thread at a time.
 *
 * Other headers: oclstm_opencl.h (the caller's own OpenCL objects), oclstm_job.h (long sequences from files).
 */
#ifndef OCLSTM_H
#define OCLSTM_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_version.h"

#if defined(_WIN32) && defined(OCLSTM_SHARED)
#ifdef OCLSTM_BUILDING
#define OCLSTM_API __declspec(dllexport)
#else
#define OCLSTM_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define OCLSTM_API __attribute__((visibility("default")))
#else
#define OCLSTM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---------------------------------------------------------------------------------- */

/* Every status there is: name, value, text. Values never change; new ones are appended. */
#define OCLSTM_STATUS_MAP(XX)                                         \
  XX(OK, 0, "success")                                                \
  XX(E_ARGUMENT, -1, "invalid argument")                              \
  XX(E_SHAPE, -2, "shapes do not agree")                              \
  XX(E_STATE, -3, "object belongs to another model, plan or context") \
  XX(E_MEMORY, -4, "host memory exhausted")                           \
  XX(E_UNSUPPORTED, -5, "not supported")                              \
  XX(E_OPEN, -6, "file cannot be opened")                             \
  XX(E_READ, -7, "file cannot be read")                               \
  XX(E_WRITE, -8, "file cannot be written")                           \
  XX(E_FULL, -9, "no space left for the output")                      \
  XX(E_TRUNCATED, -10, "file ends too early")                         \
  XX(E_FORMAT, -11, "file is malformed")                              \
  XX(E_DTYPE, -12, "element type is unknown or not accepted here")    \
  XX(E_MISSING, -13, "a tensor of the network is missing")            \
  XX(E_LIMIT, -14, "a size is over its limit")                        \
  XX(E_LENGTHS, -15, "sequence lengths are not valid")                \
  XX(E_NONFINITE, -16, "a weight is not finite")                      \
  XX(E_CHECKSUM, -17, "weights do not match their checksum")          \
  XX(E_PLATFORM, -18, "no OpenCL platform")                           \
  XX(E_DEVICE, -19, "no such device, or it cannot be used")           \
  XX(E_DEVICE_MEMORY, -20, "device memory exhausted")                 \
  XX(E_BUILD, -21, "OpenCL program does not build")                   \
  XX(E_OPENCL, -22, "OpenCL call failed")                             \
  XX(E_DEVICE_LOST, -23, "device was lost")                           \
  XX(E_STOPPED, -24, "stopped by the caller")                         \
  XX(E_MISMATCH, -25, "result is outside its tolerance")              \
  XX(E_INDEX, -26, "an id is outside of the embedding")

typedef enum oclstm_status {
#define OCLSTM_STATUS_ENUM(name, value, text) OCLSTM_##name = (value),
  OCLSTM_STATUS_MAP(OCLSTM_STATUS_ENUM)
#undef OCLSTM_STATUS_ENUM
      OCLSTM_STATUS_FORCE_INT = 0x7fffffff
} oclstm_status;

/* What went wrong, with the values that were wrong. Zero-initialise; filled on failure only. */
typedef struct oclstm_error {
  oclstm_status status;
  int cl_code;    /* the OpenCL (or CLBlast) error code behind it, or 0 */
  int os_code;    /* the errno behind it, or 0 */
  char text[480]; /* one line, no newline: "W_hh of layer 1: expected [256,64], found [256,63]" */
} oclstm_error;

/* Name ("E_SHAPE") and text ("shapes do not agree") of a status; "unknown" for any other value. Static strings. */
OCLSTM_API const char *oclstm_status_name(oclstm_status status);
OCLSTM_API const char *oclstm_status_text(oclstm_status status);

/* Version of the library that is loaded, as "MAJOR.MINOR.PATCH". Static string. */
OCLSTM_API const char *oclstm_version(void);

/* ---- Hooks ----------------------------------------------------------------------------------- */

/* Memory of the library's own objects. Both functions or neither; alloc may return NULL, which becomes
 * OCLSTM_E_MEMORY. Called from the threads that call the library. Memory that OpenCL, CLBlast, the JSON parser
 * or the checksum take for themselves does not come through here. */
typedef struct oclstm_allocator {
  void *(*alloc)(void *user, size_t bytes);
  void (*free)(void *user, void *pointer);
  void *user;
} oclstm_allocator;

typedef enum oclstm_log_level {
  OCLSTM_LOG_ERROR,
  OCLSTM_LOG_WARNING,
  OCLSTM_LOG_INFO,
  OCLSTM_LOG_DEBUG
} oclstm_log_level;

/* One line without newline. The library itself never prints; without a hook, lines are dropped. */
typedef struct oclstm_log {
  void (*write)(void *user, oclstm_log_level level, const char *line);
  void *user;
} oclstm_log;

/* Upper bounds on what files may ask for, checked before anything is multiplied or allocated. 0 = the default. */
typedef struct oclstm_limits {
  size_t struct_size;
  uint64_t header_bytes; /* safetensors header; 16 MiB */
  uint64_t tensors;      /* in one file; 65,536 */
  uint64_t features;     /* I, H, P and the head's size, each; 65,536, never more than 2^28 */
  uint64_t layers;       /* 256 */
  uint64_t parameters;   /* in one model; 2^34 */
  uint64_t steps;        /* T of one array; 2^40 */
  uint64_t rows;         /* B of one array; 2^24 */
  uint64_t ids;          /* V, rows of an embedding; 2^24 */
  uint64_t nodes;        /* of one ONNX graph; 65,536 */
} oclstm_limits;
#define OCLSTM_LIMITS_INIT \
  { sizeof(oclstm_limits), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* ---- Model ----------------------------------------------------------------------------------- */

typedef struct oclstm_model oclstm_model;

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
typedef enum oclstm_activation_kind {
  OCLSTM_ACT_DEFAULT, /* the role's own: sigmoid for gates, tanh for candidate and output */
  OCLSTM_ACT_SIGMOID,
  OCLSTM_ACT_TANH,
  OCLSTM_ACT_RELU,
  OCLSTM_ACT_AFFINE,
  OCLSTM_ACT_LEAKY_RELU,
  OCLSTM_ACT_THRESHOLDED_RELU,
  OCLSTM_ACT_SCALED_TANH,
  OCLSTM_ACT_HARD_SIGMOID,
  OCLSTM_ACT_ELU,
  OCLSTM_ACT_SOFTSIGN,
  OCLSTM_ACT_SOFTPLUS
} oclstm_activation_kind;
typedef struct oclstm_activation {
  oclstm_activation_kind kind;
  float alpha, beta; /* read only by the kinds that have them */
} oclstm_activation;
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
 * What an engine or a strategy cannot run is refused by name when a plan is made; see oclstm_supports. */
typedef struct oclstm_layer {
  oclstm_cell_kind kind;
  size_t input_size;  /* I, 1 to limits.features; of layers after the first: the width of the layer before */
  size_t hidden_size; /* H, 1 to limits.features */
  size_t projection_size; /* P, 0 for none, otherwise 1 to H */
  oclstm_bias bias;       /* TWO: b_ih and b_hh, added together */
  oclstm_peephole peephole;
  oclstm_coupling coupling;
  oclstm_layer_norm layer_norm;
  float clip_preactivation;                        /* bounds, 0 for none: pre-activations (ONNX clip) */
  float clip_cell;                                 /* c after each step (cuDNN, TFLite) */
  float clip_projection;                           /* the projected h (TFLite) */
  oclstm_activation activation[2][OCLSTM_N_ROLES]; /* of each direction */
  int linear_before_reset;                         /* GRU only: 1 as PyTorch, cuDNN and Keras (reset_after) */
  oclstm_direction direction;
  oclstm_merge merge; /* of the two directions */
  int go_backwards;   /* REVERSE only: y (and cells) of a row in the order of processing, as Keras gives it */
  float zoneout_h, zoneout_c;
  float dropout_input, dropout_output, dropout_recurrent, dropout_weights;
  int initial_state; /* the weights hold the h and c that a new state begins with; 0: zeros */
} oclstm_layer;

/* Size of h: P or H. Directions: 1 or 2. Width of y: directions times size of h (CONCAT), else size of h. */
OCLSTM_API size_t oclstm_layer_state_size(const oclstm_layer *layer);
OCLSTM_API size_t oclstm_layer_directions(const oclstm_layer *layer);
OCLSTM_API size_t oclstm_layer_output_size(const oclstm_layer *layer);
/* Elements of the arrays that it has, in all of its directions. */
OCLSTM_API uint64_t oclstm_layer_parameters(const oclstm_layer *layer);
/* Its description as model files hold it (docs/model_format.md): a JSON object of one line, in which members that have
 * their default are left out, all but kind, input_size and hidden_size. *needed receives the bytes of it with the closing
 * NUL; they are written to text when `room` is at least that. text may be NULL when room is 0.
 * Returns OK; E_ARGUMENT (a NULL, a description that makes no sense, or 0 < room < *needed); E_SHAPE and E_LIMIT (its
 * sizes); E_MEMORY. */
OCLSTM_API oclstm_status oclstm_layer_describe(const oclstm_layer *layer, char *text, size_t room,
                                               size_t *needed, oclstm_error *error);

/* A weight array of the caller's: OCLSTM_F32, F64, F16 or BF16, dense, row-major. data NULL: absent. */
typedef struct oclstm_array {
  const void *data;
  oclstm_dtype dtype;
} oclstm_array;

/* Weights of one direction of one layer. G is 4 for LSTM (rows i, f, g, o), 3 for GRU (r, z, n), 1 for RNN. */
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

/* A network to be made from the caller's arrays. */
typedef struct oclstm_model_desc {
  size_t struct_size;
  size_t n_layers;
  const oclstm_layer *layers;    /* [n_layers] */
  const oclstm_weights *weights; /* [n_layers][2]; the second of a layer only when bidirectional */
  size_t head_size;              /* O of a dense head y = h W^T + b behind the last layer; 0 for none */
  oclstm_array head_W;           /* [O, width of the last layer] */
  oclstm_array head_b;           /* [O], or absent */
  const oclstm_limits *limits;   /* NULL: the defaults */
  oclstm_allocator allocator;    /* zero: malloc and free */
  size_t embedding_size;         /* V of an embedding in front of the first layer; 0 for none */
  oclstm_array embedding;        /* [V, I]: row v is the x of id v */
} oclstm_model_desc;
#define OCLSTM_MODEL_DESC_INIT                                                                 \
  {                                                                                            \
    sizeof(oclstm_model_desc), 0, NULL, NULL, 0, {NULL, OCLSTM_F32}, {NULL, OCLSTM_F32}, NULL, \
        {NULL, NULL, NULL}, 0, {                                                               \
      NULL, OCLSTM_F32                                                                         \
    }                                                                                          \
  }

/* Makes a model. The descriptor's arrays are copied (F64 stays double, for the reference; the others become
 * float32, exactly).
 * Returns OK; E_ARGUMENT (a NULL, a struct_size, an enumerator or a number out of range); E_SHAPE (sizes that do not fit
 * each other); E_LIMIT; E_MISSING (an array the layer's description needs); E_NONFINITE; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_model_create(const oclstm_model_desc *desc, oclstm_model **model,
                                             oclstm_error *error);

typedef enum oclstm_file_format {
  OCLSTM_FILE_AUTO, /* by its first bytes */
  OCLSTM_FILE_SAFETENSORS,
  OCLSTM_FILE_ONNX
} oclstm_file_format;

typedef struct oclstm_load_options {
  size_t struct_size;
  const oclstm_limits *limits;
  oclstm_allocator allocator;
  oclstm_file_format format;
  /* ONNX: weights in other files may be read, from the model's folder or below and never through a link. 0: they are
   * refused. */
  int external_data;
} oclstm_load_options;
#define OCLSTM_LOAD_OPTIONS_INIT \
  { sizeof(oclstm_load_options), NULL, {NULL, NULL, NULL}, OCLSTM_FILE_AUTO, 0 }

/* Reads a model file. options may be NULL. The file may come from anyone: nothing is allocated or multiplied before it
 * is checked.
 *   safetensors  With an "oclstm" entry in its metadata, that entry says what the network is; without one, the names of
 *                a PyTorch state_dict are read and the shapes say the rest.
 *   ONNX         A chain of LSTM, GRU and RNN nodes with the reshaping that exporters put round them, an embedding
 *                (Gather) in front and a dense head behind; everything else is refused by name. The result is checked
 *                against the nodes' own equations over one step before it is returned.
 * Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_TRUNCATED; E_FORMAT; E_DTYPE; E_MISSING; E_SHAPE; E_LIMIT;
 * E_NONFINITE; E_CHECKSUM; E_UNSUPPORTED (naming what: a node, an attribute, a description of a later version);
 * E_MISMATCH (the check after an import); E_MEMORY. docs/model_format.md says which is which. */
OCLSTM_API oclstm_status oclstm_model_load(const char *path, const oclstm_load_options *options,
                                           oclstm_model **model, oclstm_error *error);
/* The same from n bytes in memory, which are copied as far as needed. */
OCLSTM_API oclstm_status oclstm_model_load_memory(const void *bytes, size_t n,
                                                  const oclstm_load_options *options, oclstm_model **model,
                                                  oclstm_error *error);

/* Writes the model as safetensors with its description and a checksum. Written to a temporary name beside path,
 * then renamed: path is either the whole new file or untouched. A link at path is followed, the mode of a file that
 * is replaced is kept.
 * Returns OK; E_ARGUMENT; E_OPEN (the folder is missing or not writable, or path is no regular
 * file or may not be written); E_WRITE; E_FULL; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_model_save(const oclstm_model *model, const char *path, oclstm_error *error);
/* Writes the model as an ONNX graph (operator set 14) in the same way. Inputs are X [T,B,I], or ids [T,B] before an
 * embedding, lengths [B], and initial_h_N and initial_c_N [D,B,H] of each layer N that has no initial state of its own;
 * outputs Y, and Y_h_N and Y_c_N. With a head, Y behind a row's length is the head's bias. Dropout is left out: it is nothing
 * outside of training.
 * Returns what oclstm_model_save does; E_UNSUPPORTED naming what ONNX cannot say (a projection, layer norm, clip_cell, zoneout,
 * i = 1 - f); E_LIMIT (more than the 2 GiB of an ONNX file). */
OCLSTM_API oclstm_status oclstm_model_save_onnx(const oclstm_model *model, const char *path,
                                                oclstm_error *error);

/* Destroys *model and sets it to NULL; NULL and *model == NULL are fine. Plans and states of the model must be
 * destroyed before. */
OCLSTM_API void oclstm_model_destroy(oclstm_model **model);

/* What the model is. Pointers are borrowed until the model is destroyed. Sizes in floats, parameters in elements. */
OCLSTM_API size_t oclstm_model_n_layers(const oclstm_model *model);
OCLSTM_API const oclstm_layer *oclstm_model_layer(const oclstm_model *model,
                                                  size_t index); /* NULL if out of range */
/* I of the first layer; with an embedding 1: a step of a row is one id. */
OCLSTM_API size_t oclstm_model_input_size(const oclstm_model *model);
OCLSTM_API size_t oclstm_model_output_size(const oclstm_model *model); /* of the head, or of the last layer */
OCLSTM_API size_t oclstm_model_head_size(const oclstm_model *model);   /* 0 without one */
OCLSTM_API size_t oclstm_model_embedding_size(const oclstm_model *model); /* V; 0 without one */
OCLSTM_API uint64_t oclstm_model_parameters(const oclstm_model *model);
/* The arrays of one direction (0 or 1) of one layer, and of the head, F32 or F64 as they are kept. Absent ones have
 * data NULL, as has everything when an index is out of range. Borrowed until the model is destroyed. */
OCLSTM_API oclstm_weights oclstm_model_weights(const oclstm_model *model, size_t layer, size_t direction);
OCLSTM_API void oclstm_model_head(const oclstm_model *model, oclstm_array *W, oclstm_array *b);
OCLSTM_API oclstm_array oclstm_model_embedding(const oclstm_model *model); /* [V, I] */
/* Floats in h (or c) of one batch row, summed over layers and directions. GRU and RNN layers have no c. */
OCLSTM_API size_t oclstm_model_h_size(const oclstm_model *model);
OCLSTM_API size_t oclstm_model_c_size(const oclstm_model *model);

/* ---- Devices and context --------------------------------------------------------------------- */

typedef enum oclstm_device_type {
  OCLSTM_DEVICE_GPU,
  OCLSTM_DEVICE_CPU,
  OCLSTM_DEVICE_OTHER,
  OCLSTM_DEVICE_REFERENCE
} oclstm_device_type;

typedef struct oclstm_device_info {
  char id[32]; /* "opencl:0:1" or "reference": what oclstm_context_desc.device takes */
  oclstm_device_type type;
  char name[128];
  char platform[128];
  char version[128]; /* "OpenCL 3.0 ..." */
  char driver[128];
  unsigned compute_units;
  uint64_t memory_bytes;
  uint64_t max_allocation_bytes;
  uint64_t local_bytes;
  size_t max_work_group;
  int usable;
  char why_not[128]; /* why it cannot be used; empty when usable */
} oclstm_device_info;

/* Lists every device of every platform, the reference last. *count receives how many there are; the first
 * `capacity` of them are written to devices, which may be NULL when capacity is 0. No platform at all is not an
 * error here: the reference is always there.
 * Returns OK; E_ARGUMENT; E_OPENCL; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_list_devices(oclstm_device_info *devices, size_t capacity, size_t *count,
                                             oclstm_error *error);

typedef struct oclstm_context oclstm_context;

typedef struct oclstm_context_desc {
  size_t struct_size;
  /* NULL: the first GPU, else the first CPU device. Otherwise "gpu", "cpu", "reference", "opencl:PLATFORM:DEVICE"
   * (indices as listed), or part of a device's name, case ignored. A device asked for and absent is an error. */
  const char *device;
  /* Folder for compiled programs and for what the tuner measured; created with mode 0700. NULL: both are kept in the context
   * alone. A folder that others can write to, or that is not ours, is not used (and a warning is logged): its files would
   * run as native code. */
  const char *cache_dir;
  oclstm_allocator allocator;
  oclstm_log log;
  int profiling; /* 1: kernels are timed, see oclstm_counters; runs are slower for it */
} oclstm_context_desc;
#define OCLSTM_CONTEXT_DESC_INIT \
  { sizeof(oclstm_context_desc), NULL, NULL, {NULL, NULL, NULL}, {NULL, NULL}, 0 }

/* Opens a device. The descriptor's strings are copied. desc may be NULL: all defaults.
 * Returns OK; E_ARGUMENT; E_PLATFORM (an OpenCL device was wanted and there is no platform); E_DEVICE; E_OPENCL;
 * E_DEVICE_LOST; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                               oclstm_error *error);
/* Destroys *context and sets it to NULL. Its plans and states must be destroyed before. */
OCLSTM_API void oclstm_context_destroy(oclstm_context **context);

OCLSTM_API const oclstm_device_info *oclstm_context_device(const oclstm_context *context);
/* The compiler's messages of the last program that failed to build, "" if none did. Borrowed until the next plan. */
OCLSTM_API const char *oclstm_context_build_log(const oclstm_context *context);

typedef struct oclstm_cache_info {
  uint64_t bytes;
  size_t programs;     /* files of compiled programs */
  size_t tuning_files; /* one a device, driver and version of the kernels */
  size_t answers;      /* of the tuner, in the tuning files that are whole */
  size_t leftovers;    /* files of writers that were killed */
} oclstm_cache_info;

/* What a folder as in oclstm_context_desc.cache_dir holds of ours; other files are not looked at. A folder that is not
 * there holds nothing. Returns OK; E_ARGUMENT; E_OPEN; E_READ. */
OCLSTM_API oclstm_status oclstm_cache_examine(const char *cache_dir, oclstm_cache_info *info,
                                              oclstm_error *error);
/* Removes our files from it, and nothing else; contexts that use it meanwhile write theirs again. *removed receives what was
 * there. Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_WRITE. */
OCLSTM_API oclstm_status oclstm_cache_clear(const char *cache_dir, oclstm_cache_info *removed,
                                            oclstm_error *error);
/* What has been asked of a context's device since it was opened or its counters were reset, by all of its plans and states.
 * The reference counts nothing. */
typedef struct oclstm_counters {
  size_t struct_size;
  uint64_t launches; /* kernels enqueued; a call of CLBlast, which enqueues one to four, is one */
  uint64_t products; /* of these, calls of CLBlast */
  /* Host memory to the device and back, by commands of the library: weights and the zeros that fill new buffers included,
   * the caller's own buffers (oclstm_opencl.h) not, nor arrays that a device uses where they lie (see oclstm_forward), of
   * which nothing is copied. */
  uint64_t bytes_written, bytes_read;
  /* With oclstm_context_desc.profiling: launches whose time is known, and the sum of these times, from the device's own clock.
   * Of a call of CLBlast it is the time of the last kernel. Otherwise 0. */
  uint64_t timed_launches, kernel_nanoseconds;
} oclstm_counters;
#define OCLSTM_COUNTERS_INIT \
  { sizeof(oclstm_counters), 0, 0, 0, 0, 0, 0 }

/* Reads the counters, or sets them to zero; from any thread. With profiling, waits for the kernels that have been enqueued.
 * Returns OK; E_ARGUMENT; E_OPENCL, E_DEVICE_LOST, E_MEMORY and E_DEVICE_MEMORY (with profiling: events cannot be read, and
 * the times of those kept are lost). */
OCLSTM_API oclstm_status oclstm_context_counters(oclstm_context *context, oclstm_counters *counters,
                                                 oclstm_error *error);
OCLSTM_API oclstm_status oclstm_context_reset_counters(oclstm_context *context, oclstm_error *error);

/* What the device can do at most, measured with kernels of ours (kernels/peak.cl) in some tenths of a second: float32
 * operations a second in fused multiply-adds (each is two), and bytes a second that its compute units together read from
 * `bytes` of memory, each from its own part, again and again. Kernels are compiled where the cache does not hold them.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED (the reference); E_LIMIT; E_MEMORY; E_DEVICE_MEMORY; E_BUILD; E_OPENCL;
 * E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_context_peak_flops(oclstm_context *context, double *per_second,
                                                   oclstm_error *error);
OCLSTM_API oclstm_status oclstm_context_peak_read(oclstm_context *context, uint64_t bytes, double *per_second,
                                                  oclstm_error *error);

/* ---- Plan ------------------------------------------------------------------------------------ */

/* What weights, h, and the rows between layers are stored as on the device. Sums, pre-activations and c are float32 in all
 * three, and so are the caller's arrays. Rounding is to nearest even; docs/cells.md has the measured bounds. The reference
 * is double in all three. */
typedef enum oclstm_precision {
  OCLSTM_PRECISION_F32,
  OCLSTM_PRECISION_F16,
  OCLSTM_PRECISION_BF16
} oclstm_precision;

/* Ways through time; see docs/strategies.md. */
typedef enum oclstm_strategy {
  OCLSTM_STRATEGY_AUTO,
  OCLSTM_STRATEGY_STEPWISE,   /* a step = one GEMM and one kernel for the four gates */
  OCLSTM_STRATEGY_FUSED_STEP, /* a step = one kernel */
  OCLSTM_STRATEGY_ROWS,       /* a chunk = one kernel; work-groups own batch rows */
  OCLSTM_STRATEGY_GRID        /* a chunk = one kernel; work-groups own hidden units */
} oclstm_strategy;

typedef enum oclstm_gemm {
  OCLSTM_GEMM_AUTO,
  OCLSTM_GEMM_CLBLAST, /* f32 */
  OCLSTM_GEMM_PLAIN,
  OCLSTM_GEMM_MMA, /* matrix instructions of NVIDIA GPUs of compute capability 8.0 and later; f16, bf16 */
  /* Matrix instructions of x86 processors, AMX_BF16, through PoCL. bf16: what AUTO takes for four rows or more. f32, by name
   * alone: each factor in three terms of bfloat16, exactly, and the six products that float32 can tell; infinite inputs give
   * NaN. Its sums are in another order than PLAIN's, the same in every strategy. */
  OCLSTM_GEMM_AMX
} oclstm_gemm;

/* Where the choices of OCLSTM_STRATEGY_AUTO come from; see docs/tuning.md. A strategy asked for by name is never measured.
 * Same device, driver, version, model, plan description and tuning answers: same bits. */
typedef enum oclstm_tuning {
  OCLSTM_TUNING_DEFAULT, /* what was measured before; what was not is measured now and kept */
  OCLSTM_TUNING_NONE,    /* a rule of thumb: nothing is measured or looked up */
  OCLSTM_TUNING_AGAIN    /* everything is measured anew, and replaces what was kept */
} oclstm_tuning;

typedef struct oclstm_plan_desc {
  size_t struct_size;
  size_t rows;  /* B of every call; default 1 */
  size_t steps; /* most steps of one call; default: as many as fit the memory, at most 4096 */
  oclstm_precision precision;
  oclstm_strategy strategy;
  oclstm_gemm gemm; /* who multiplies by weights; AUTO: CLBlast, our own where it refuses or is slower */
  int training;     /* keep what a backward pass needs */
  int cells;        /* oclstm_io.cells will be asked for */
  uint64_t
      memory_bytes; /* device memory the plan may take; default: a quarter of the device's, at most 1 GiB */
  oclstm_tuning tuning;
} oclstm_plan_desc;
#define OCLSTM_PLAN_DESC_INIT                                                                              \
  {                                                                                                        \
    sizeof(oclstm_plan_desc), 0, 0, OCLSTM_PRECISION_F32, OCLSTM_STRATEGY_AUTO, OCLSTM_GEMM_AUTO, 0, 0, 0, \
        OCLSTM_TUNING_DEFAULT                                                                              \
  }

typedef struct oclstm_plan_info {
  size_t rows, steps;    /* as decided */
  uint64_t device_bytes; /* everything the plan holds on the device */
  uint64_t host_bytes;
  char strategy[32]; /* "fused-step"; "fused-step+rows" when layers differ */
  char precision[8]; /* "f32" */
  char gemm[32];     /* "clblast 1.5.3", "plain", "mma", "amx" or "reference" */
  char reason[256];  /* why these, and why not the others */
  size_t measured;   /* ways that were timed while this plan was made: 0 when every answer was known */
} oclstm_plan_info;

typedef struct oclstm_plan oclstm_plan;

/* Whether a plan can be made, without making it. desc may be NULL: all defaults.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED, the error naming the first thing that is not supported. */
OCLSTM_API oclstm_status oclstm_supports(const oclstm_context *context, const oclstm_model *model,
                                         const oclstm_plan_desc *desc, oclstm_error *error);

/* Makes a plan: packs the weights onto the device, compiles, allocates, and runs each kernel once. With
 * OCLSTM_STRATEGY_AUTO it may measure as well, which takes seconds once for each kind of layer where the driver compiles
 * slowly. context and model are borrowed until the plan is destroyed.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED; E_LIMIT (a buffer would pass what the device allows);
 * E_DEVICE_MEMORY (also when one step does not fit memory_bytes); E_MEMORY; E_BUILD; E_OPENCL; E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_plan_create(oclstm_context *context, const oclstm_model *model,
                                            const oclstm_plan_desc *desc, oclstm_plan **plan,
                                            oclstm_error *error);
OCLSTM_API void oclstm_plan_destroy(oclstm_plan **plan);
OCLSTM_API const oclstm_plan_info *oclstm_plan_get_info(const oclstm_plan *plan);

/* What a plan decided for one direction of one layer, and why: what `oclstm info --plan` prints. */
typedef struct oclstm_plan_layer {
  size_t layer, direction;
  char strategy[32];
  size_t tile_rows; /* batch rows of a tile; 0: the strategy has no tiles */
  size_t groups;    /* work-groups that share the units of a layer; 0: the strategy does not divide them */
  size_t
      beside; /* directions, or layers behind each other, that run at the same time, this one among them; or 1 */
  size_t launches; /* kernels of a whole chunk, its input projection with them, as far as they are ours */
  double
      microseconds; /* a step of the recurrence, as it was measured; its share, of several at once; 0: not measured */
  char reason[160];
  size_t n_candidates;
} oclstm_plan_layer;

typedef enum oclstm_verdict {
  OCLSTM_VERDICT_CHOSEN,
  OCLSTM_VERDICT_SLOWER, /* measured; not by enough faster than the rule of thumb's choice to replace it, or slower */
  OCLSTM_VERDICT_NOT_TRIED, /* could have run */
  OCLSTM_VERDICT_FAILED,    /* did not build, or found no memory */
  OCLSTM_VERDICT_REFUSED    /* the strategy does not serve this layer */
} oclstm_verdict;

/* One way of running it, chosen or not. */
typedef struct oclstm_plan_candidate {
  char strategy[32];
  size_t groups; /* as of oclstm_plan_layer */
  oclstm_verdict verdict;
  double microseconds; /* a step; 0: not measured */
  char why[160];
} oclstm_plan_candidate;

/* Device memory of a plan under the name of what it is for. */
typedef struct oclstm_plan_memory {
  char purpose[48];
  uint64_t bytes;
} oclstm_plan_memory;

/* Borrowed until the plan is destroyed; NULL for an index out of range, and always on the reference, which has nothing to
 * choose. */
OCLSTM_API const oclstm_plan_layer *oclstm_plan_get_layer(const oclstm_plan *plan, size_t layer,
                                                          size_t direction);
OCLSTM_API const oclstm_plan_candidate *oclstm_plan_get_candidate(const oclstm_plan *plan, size_t layer,
                                                                  size_t direction, size_t index);
OCLSTM_API const oclstm_plan_memory *oclstm_plan_get_memory(const oclstm_plan *plan, size_t index);

/* ---- State ----------------------------------------------------------------------------------- */

typedef struct oclstm_state oclstm_state;

/* Makes the state of plan's B rows: the model's initial state, or zeros. It may be used with every plan of the same
 * context, model, B and precision, and outlives the plan. Returns OK; E_ARGUMENT; E_MEMORY; E_DEVICE_MEMORY; E_OPENCL;
 * E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_state_create(const oclstm_plan *plan, oclstm_state **state,
                                             oclstm_error *error);
OCLSTM_API void oclstm_state_destroy(oclstm_state **state);

/* Sets or reads the state; a NULL array is the model's initial state, or zero, when setting, and skipped when reading.
 *   h  [L*D, B, R] f32   layers in order, a layer's forward direction before its reverse
 *   c  [L*D, B, H] f32
 * Where layers differ in size, the arrays are the layers' [D, B, R] (and [D, B, H]) one after another:
 * B * oclstm_model_h_size (and c_size) floats in all. Blocks until done. R = P or H.
 * Returns OK; E_ARGUMENT; E_OPENCL; E_DEVICE_LOST; E_MEMORY and E_DEVICE_MEMORY (drivers take memory when they need it).
 */
OCLSTM_API oclstm_status oclstm_state_set(oclstm_state *state, const float *h, const float *c,
                                          oclstm_error *error);
OCLSTM_API oclstm_status oclstm_state_get(oclstm_state *state, float *h, float *c, oclstm_error *error);

/* ---- Forward --------------------------------------------------------------------------------- */

typedef enum oclstm_layout { OCLSTM_TIME_MAJOR, OCLSTM_BATCH_MAJOR } oclstm_layout;

/* The arrays of a call. x, ids and lengths may lie in the memory of y, in all of it or in a part: the results are as if they had
 * been copied before. cells overlaps none of the others. */
typedef struct oclstm_io {
  size_t struct_size;
  size_t steps;         /* T of this call, 0 to the plan's */
  oclstm_layout layout; /* of x, y and cells: [T,B,...] or [B,T,...] */
  const float *x;       /* [T,B,I]; NULL with an embedding */
  /* [B], or NULL: all T. Row b is read and advanced for lengths[b] steps of this call, 0 to T; behind them x may be
   * anything, y and cells are 0, and the state stays. The reverse direction starts at a row's own last step. */
  const int32_t *lengths;
  float *y;     /* [T,B,output size], or NULL */
  float *cells; /* [T,B,D*H]: c of every step of the last layer, or NULL; needs plan_desc.cells */
  const int32_t
      *ids; /* [T,B], each 0 to V-1, in place of x when the model has an embedding; NULL otherwise */
} oclstm_io;
#define OCLSTM_IO_INIT \
  { sizeof(oclstm_io), 0, OCLSTM_TIME_MAJOR, NULL, NULL, NULL, NULL, NULL }

/* Runs T steps of B rows and advances the state. Host arrays, borrowed for the call: nothing touches them outside of it,
 * and behind it they may be freed. Blocks until y is written. CPU devices whose memory is the host's use x, ids and y where
 * they lie, and cells that are batch-major, and copy nothing, but for y of a head, time-major; see docs/strategies.md. They
 * keep a buffer object over each of the last call's arrays, so that the same arrays again cost nothing.
 * A sequence fed in pieces of any size gives, bit for bit, what it gives in one piece, as long as no layer has a
 * reverse direction: that one sees only this call's steps (oclstm_job.h runs it over longer sequences). A row's
 * results do not depend on other rows: NaN or Inf stays in its row.
 * Returns OK; E_ARGUMENT; E_STATE (state of another model, context, B or precision); E_LENGTHS; E_INDEX; E_OPENCL;
 * E_DEVICE_LOST; E_MEMORY and E_DEVICE_MEMORY (the driver's, when it takes memory only now). */
OCLSTM_API oclstm_status oclstm_forward(oclstm_plan *plan, oclstm_state *state, const oclstm_io *io,
                                        oclstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
