/* Weights in files of their own, beside the model.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_FORMATS_ONNX_EXTERNAL_H
#define OCLSTM_FORMATS_ONNX_EXTERNAL_H

#include "formats/onnx/constant.h"

/* The folder of a model file, for reading external data. Returns OK; E_OPEN; E_MEMORY. */
oclstm_status oclstm__external_open(oclstm__onnx_folder *folder, const char *path,
                                    const oclstm_allocator *allocator, oclstm_error *error);
void oclstm__external_close(oclstm__onnx_folder *folder);
/* Reads `bytes` bytes of a tensor's data into *data, which is to be freed. The location is a relative path of plain
 * names; no link is followed. Returns OK; E_UNSUPPORTED (not allowed); E_FORMAT; E_OPEN; E_READ; E_TRUNCATED; E_MEMORY. */
oclstm_status oclstm__external_read(const oclstm__onnx_tensor *tensor, const oclstm__onnx_folder *folder,
                                    const oclstm_allocator *allocator, size_t bytes, unsigned char **data,
                                    oclstm_error *error);

#endif
