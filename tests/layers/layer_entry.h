/* The two functions by which a loader takes a layer in. The including file has `target`, `dispatch` and `fill_dispatch`.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TESTS_LAYERS_LAYER_ENTRY_H
#define OCLSTM_TESTS_LAYERS_LAYER_ENTRY_H

#include <CL/cl_layer.h>

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size,
                                                                         void *value, size_t *size_ret) {
  static const cl_layer_api_version VERSION = CL_LAYER_API_VERSION_100;
  if (what != CL_LAYER_API_VERSION || (value != NULL && size < sizeof VERSION)) {
    return CL_INVALID_VALUE;
  }
  if (value != NULL) {
    *(cl_layer_api_version *)value = VERSION;
  }
  if (size_ret != NULL) {
    *size_ret = sizeof VERSION;
  }
  return CL_SUCCESS;
}

__attribute__((visibility("default"))) cl_int CL_API_CALL
clInitLayer(cl_uint n_entries, const cl_icd_dispatch *target_dispatch, cl_uint *n_entries_ret,
            const cl_icd_dispatch **layer_dispatch_ret) {
  if (n_entries_ret == NULL || layer_dispatch_ret == NULL || target_dispatch == NULL ||
      n_entries < sizeof dispatch / sizeof dispatch.clGetPlatformIDs) {
    return CL_INVALID_VALUE;
  }
  target = target_dispatch;
  fill_dispatch();
  *n_entries_ret = sizeof dispatch / sizeof dispatch.clGetPlatformIDs;
  *layer_dispatch_ret = &dispatch;
  return CL_SUCCESS;
}

#endif
