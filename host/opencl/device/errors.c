/* OpenCL's codes in words, and the statuses they stand for.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"

const char *oclstm__cl_code_name(cl_int code) {
  static const struct {
    cl_int code;
    const char *name;
  } NAMES[] = {
      {-1, "CL_DEVICE_NOT_FOUND"},
      {-2, "CL_DEVICE_NOT_AVAILABLE"},
      {-3, "CL_COMPILER_NOT_AVAILABLE"},
      {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
      {-5, "CL_OUT_OF_RESOURCES"},
      {-6, "CL_OUT_OF_HOST_MEMORY"},
      {-11, "CL_BUILD_PROGRAM_FAILURE"},
      {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
      {-30, "CL_INVALID_VALUE"},
      {-33, "CL_INVALID_DEVICE"},
      {-34, "CL_INVALID_CONTEXT"},
      {-36, "CL_INVALID_COMMAND_QUEUE"},
      {-38, "CL_INVALID_MEM_OBJECT"},
      {-42, "CL_INVALID_BINARY"},
      {-43, "CL_INVALID_BUILD_OPTIONS"},
      {-44, "CL_INVALID_PROGRAM"},
      {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
      {-46, "CL_INVALID_KERNEL_NAME"},
      {-48, "CL_INVALID_KERNEL"},
      {-49, "CL_INVALID_ARG_INDEX"},
      {-50, "CL_INVALID_ARG_VALUE"},
      {-51, "CL_INVALID_ARG_SIZE"},
      {-52, "CL_INVALID_KERNEL_ARGS"},
      {-54, "CL_INVALID_WORK_GROUP_SIZE"},
      {-55, "CL_INVALID_WORK_ITEM_SIZE"},
      {-57, "CL_INVALID_EVENT_WAIT_LIST"},
      {-58, "CL_INVALID_EVENT"},
      {-59, "CL_INVALID_OPERATION"},
      {-61, "CL_INVALID_BUFFER_SIZE"},
      {-63, "CL_INVALID_GLOBAL_WORK_SIZE"},
      {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
      {-1121, "CL_CONTEXT_TERMINATED_KHR"},
  };
  for (size_t k = 0; k < sizeof NAMES / sizeof NAMES[0]; ++k) {
    if (NAMES[k].code == code) {
      return NAMES[k].name;
    }
  }
  return "OpenCL error";
}

/* There is no code for a device that is gone. Drivers say -2 or -1121 where it is certain; NVIDIA's -9999 is its own. */
static oclstm_status status_of(cl_int code) {
  switch (code) {
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_INVALID_BUFFER_SIZE: return OCLSTM_E_DEVICE_MEMORY;
    case CL_OUT_OF_HOST_MEMORY: return OCLSTM_E_MEMORY;
    case CL_BUILD_PROGRAM_FAILURE: return OCLSTM_E_BUILD;
    case CL_DEVICE_NOT_AVAILABLE:
    case -1121:
    case -9999: return OCLSTM_E_DEVICE_LOST;
    default: return OCLSTM_E_OPENCL;
  }
}

oclstm_status oclstm__cl_error(oclstm_error *error, cl_int code, const char *call) {
  return oclstm__fail_cl(error, status_of(code), code, "%.*s: %s (%d)", (int)strcspn(call, "("), call,
                         oclstm__cl_code_name(code), (int)code);
}
