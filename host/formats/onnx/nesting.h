/* How deep graphs lie in graphs, counted before anything else is read.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_NESTING_H
#define OCLSTM_FORMATS_ONNX_NESTING_H

#include "formats/onnx/wire.h"

/* Counts the nodes of a graph and of all graphs in their attributes. Never deeper than OCLSTM__ONNX_DEPTH.
 * Returns OK; E_LIMIT (nodes, depth); E_FORMAT. */
oclstm_status oclstm__nesting_check(oclstm__view graph, const oclstm_limits *limits, oclstm_error *error);

#endif
