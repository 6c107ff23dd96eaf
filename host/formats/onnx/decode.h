/* What nanopb calls for each field: views and lists of numbers, taken where they lie.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_DECODE_H
#define OCLSTM_FORMATS_ONNX_DECODE_H

#include <pb_decode.h>

#include <onnx.pb.h>
#include "formats/onnx/wire.h"

/* Decodes one message. `what` is for the error; *cause, where it is not OK afterwards, says why a callback gave up. */
oclstm_status oclstm__decode(oclstm__view bytes, const pb_msgdesc_t *fields, void *message,
                             const oclstm_status *cause, const char *what, oclstm_error *error);

pb_callback_t oclstm__take_view(oclstm__view *to);    /* a string, bytes, or a message: the last one counts */
pb_callback_t oclstm__take_views(oclstm__list *to);   /* each of a repeated one */
pb_callback_t oclstm__take_fixed(oclstm__list *to);   /* float and double, packed or not */
pb_callback_t oclstm__take_varints(oclstm__list *to); /* int32 and int64, packed or not */
/* A stream over bytes; the view moves as it is read. */
pb_istream_t oclstm__stream(oclstm__view *bytes);

#endif
