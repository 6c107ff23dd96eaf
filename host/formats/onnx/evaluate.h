/* The ONNX operators LSTM, GRU and RNN, computed in double precision from their own equations on their own tensors.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_EVALUATE_H
#define OCLSTM_FORMATS_ONNX_EVALUATE_H

#include "formats/onnx/import.h"

enum { OCLSTM__CHECK_STEPS = 3, OCLSTM__CHECK_ROWS = 2 };

/* One direction of one node. x [T][B][I] in the order in which this direction reads it, h and c [B][H] advanced,
 * y [T][B][H]; work holds oclstm__evaluate_work(node) doubles. */
void oclstm__evaluate(const oclstm__recurrent *node, size_t direction, const double *x, double *h, double *c,
                      double *y, double *work);
size_t oclstm__evaluate_work(const oclstm__recurrent *node);

#endif
