/* What the device says about itself, in the words of clinfo: for machines that have no clinfo.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "probe.h"

typedef enum kind { TEXT, UINT, ULONG, SIZE } kind;

#define OF(what, as) \
  { #what, what, as }
static const struct fact {
  const char *name;
  cl_device_info what;
  kind as;
} FACTS[] = {
    OF(CL_DEVICE_NAME, TEXT),
    OF(CL_DEVICE_VENDOR, TEXT),
    OF(CL_DEVICE_VERSION, TEXT),
    OF(CL_DRIVER_VERSION, TEXT),
    OF(CL_DEVICE_OPENCL_C_VERSION, TEXT),
    OF(CL_DEVICE_EXTENSIONS, TEXT),
    OF(CL_DEVICE_TYPE, ULONG),
    OF(CL_DEVICE_MAX_COMPUTE_UNITS, UINT),
    OF(CL_DEVICE_MAX_CLOCK_FREQUENCY, UINT),
    OF(CL_DEVICE_MAX_WORK_GROUP_SIZE, SIZE),
    OF(CL_DEVICE_LOCAL_MEM_SIZE, ULONG),
    OF(CL_DEVICE_GLOBAL_MEM_SIZE, ULONG),
    OF(CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, ULONG),
    OF(CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE, UINT),
    OF(CL_DEVICE_MAX_MEM_ALLOC_SIZE, ULONG),
    OF(CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE, ULONG),
    OF(CL_DEVICE_MEM_BASE_ADDR_ALIGN, UINT),
    OF(CL_DEVICE_QUEUE_PROPERTIES, ULONG),
    OF(CL_DEVICE_PROFILING_TIMER_RESOLUTION, SIZE),
    OF(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, UINT),
    OF(CL_DEVICE_HOST_UNIFIED_MEMORY, UINT),
    OF(CL_DEVICE_ADDRESS_BITS, UINT),
    {"CL_DEVICE_SVM_CAPABILITIES", 0x1053, ULONG},
    {"CL_DEVICE_MAX_NUM_SUB_GROUPS", 0x105C, UINT},
    {"CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV", 0x4000, UINT},
    {"CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV", 0x4001, UINT},
    {"CL_DEVICE_REGISTERS_PER_BLOCK_NV", 0x4002, UINT},
    {"CL_DEVICE_WARP_SIZE_NV", 0x4003, UINT},
};

static json_t *text_of(probe *p, cl_device_info what) {
  size_t bytes = 0;
  if (clGetDeviceInfo(p->device, what, 0, NULL, &bytes) != CL_SUCCESS) {
    return json_null();
  }
  char *text = calloc(bytes + 1, 1);
  bool got = text != NULL && clGetDeviceInfo(p->device, what, bytes, text, NULL) == CL_SUCCESS;
  json_t *value = got ? json_string(text) : json_null();
  free(text);
  return value;
}

static json_t *number_of(probe *p, const struct fact *fact) {
  union {
    cl_uint u;
    cl_ulong ul;
    size_t size;
  } value = {0};
  const size_t bytes = fact->as == UINT    ? sizeof value.u
                       : fact->as == ULONG ? sizeof value.ul
                                           : sizeof value.size;
  bool of_nvidia = fact->what >= 0x4000 && fact->what < 0x4010;
  if ((of_nvidia && !p->nvidia) ||
      clGetDeviceInfo(p->device, fact->what, bytes, &value, NULL) != CL_SUCCESS) {
    return json_null();
  }
  return json_integer((json_int_t)(fact->as == UINT ? value.u : fact->as == ULONG ? value.ul : value.size));
}

void ask_device(probe *p) {
  for (size_t k = 0; k < sizeof FACTS / sizeof FACTS[0]; ++k) {
    json_t *value = FACTS[k].as == TEXT ? text_of(p, FACTS[k].what) : number_of(p, &FACTS[k]);
    char *shown = json_dumps(value, JSON_ENCODE_ANY);
    fprintf(stderr, "  %-42s %s\n", FACTS[k].name, shown != NULL ? shown : "?");
    free(shown);
    json_object_set_new(p->answer, FACTS[k].name, value);
  }
}
