/* The members of a layer's description and the names of their values.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "formats/descriptor.h"

/* Enumerators are read and written as unsigned. */
_Static_assert(sizeof(oclstm_cell_kind) == sizeof(unsigned) && sizeof(oclstm_bias) == sizeof(unsigned) &&
                   sizeof(oclstm_activation_kind) == sizeof(unsigned) && sizeof(int) == sizeof(unsigned),
               "enumerators have the size of unsigned");

static const char *const KINDS[] = {"lstm", "gru", "rnn", NULL};
static const char *const BIASES[] = {"none", "one", "two", NULL};
static const char *const PEEPHOLES[] = {"none", "diagonal", NULL};
static const char *const COUPLINGS[] = {"none", "forget_from_input", "input_from_forget", NULL};
static const char *const NORMS[] = {"none", "haste", "tflite", NULL};
static const char *const DIRECTIONS[] = {"forward", "reverse", "bidirectional", NULL};
static const char *const MERGES[] = {"concat", "sum", "mul", "average", NULL};
static const char *const ACTIVATIONS[] = {
    "default",     "sigmoid",      "tanh", "relu",     "affine",   "leaky_relu", "thresholded_relu",
    "scaled_tanh", "hard_sigmoid", "elu",  "softsign", "softplus", NULL};

const oclstm__field OCLSTM__LAYER_FIELDS[] = {
    {"kind", OCLSTM__FIELD_ENUM, true, offsetof(oclstm_layer, kind), KINDS},
    {"input_size", OCLSTM__FIELD_SIZE, true, offsetof(oclstm_layer, input_size), NULL},
    {"hidden_size", OCLSTM__FIELD_SIZE, true, offsetof(oclstm_layer, hidden_size), NULL},
    {"projection_size", OCLSTM__FIELD_SIZE, false, offsetof(oclstm_layer, projection_size), NULL},
    {"bias", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, bias), BIASES},
    {"peephole", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, peephole), PEEPHOLES},
    {"coupling", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, coupling), COUPLINGS},
    {"layer_norm", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, layer_norm), NORMS},
    {"clip_preactivation", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, clip_preactivation), NULL},
    {"clip_cell", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, clip_cell), NULL},
    {"clip_projection", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, clip_projection), NULL},
    {"linear_before_reset", OCLSTM__FIELD_BOOL, false, offsetof(oclstm_layer, linear_before_reset), NULL},
    {"direction", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, direction), DIRECTIONS},
    {"merge", OCLSTM__FIELD_ENUM, false, offsetof(oclstm_layer, merge), MERGES},
    {"go_backwards", OCLSTM__FIELD_BOOL, false, offsetof(oclstm_layer, go_backwards), NULL},
    {"zoneout_h", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, zoneout_h), NULL},
    {"zoneout_c", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, zoneout_c), NULL},
    {"dropout_input", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, dropout_input), NULL},
    {"dropout_output", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, dropout_output), NULL},
    {"dropout_recurrent", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, dropout_recurrent), NULL},
    {"dropout_weights", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_layer, dropout_weights), NULL},
    {"initial_state", OCLSTM__FIELD_BOOL, false, offsetof(oclstm_layer, initial_state), NULL},
    {NULL, OCLSTM__FIELD_SIZE, false, 0, NULL},
};

const oclstm__field OCLSTM__ACTIVATION_FIELDS[] = {
    {"kind", OCLSTM__FIELD_ENUM, true, offsetof(oclstm_activation, kind), ACTIVATIONS},
    {"alpha", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_activation, alpha), NULL},
    {"beta", OCLSTM__FIELD_FLOAT, false, offsetof(oclstm_activation, beta), NULL},
    {NULL, OCLSTM__FIELD_SIZE, false, 0, NULL},
};

const char *const OCLSTM__DIRECTION_KEYS[2] = {"forward", "reverse"};
const char *const OCLSTM__ROLE_KEYS[OCLSTM_N_ROLES] = {"gate", "candidate", "output"};
