/* Finding OpenCL devices: the list, and the choice by name.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 }; /* a machine with more has its first ones listed */

/* ---- one device ---- */

static void trim(char *text) {
  size_t first = strspn(text, " ");
  memmove(text, text + first, strlen(text + first) + 1);
  for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; --n) {
    text[n - 1] = '\0';
  }
}

/* OpenCL returns CL_INVALID_VALUE when the text does not fit: it is then left out, names are for people. */
static void device_text(cl_device_id device, cl_device_info what, char *text, size_t bytes) {
  if (clGetDeviceInfo(device, what, bytes, text, NULL) != CL_SUCCESS) {
    (void)snprintf(text, bytes, "unknown");
  }
  text[bytes - 1] = '\0';
  trim(text);
}

static oclstm_device_type type_of(cl_device_type type) {
  if ((type & CL_DEVICE_TYPE_GPU) != 0) {
    return OCLSTM_DEVICE_GPU;
  }
  return (type & CL_DEVICE_TYPE_CPU) != 0 ? OCLSTM_DEVICE_CPU : OCLSTM_DEVICE_OTHER;
}

/* 12 for "OpenCL 1.2 ...", 0 for anything that is no version. */
static unsigned long version_number(const char *text) {
  static const char PREFIX[] = "OpenCL ";
  char *end = NULL;
  if (strncmp(text, PREFIX, strlen(PREFIX)) != 0) {
    return 0;
  }
  unsigned long major = strtoul(text + strlen(PREFIX), &end, 10);
  return *end == '.' ? major * 10 + strtoul(end + 1, NULL, 10) : 0;
}

static const char *why_not(cl_device_id device, const oclstm_device_info *info) {
  cl_bool available = CL_FALSE;
  cl_bool compiler = CL_FALSE;
  cl_bool little_endian = CL_FALSE;
  (void)clGetDeviceInfo(device, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
  (void)clGetDeviceInfo(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
  (void)clGetDeviceInfo(device, CL_DEVICE_ENDIAN_LITTLE, sizeof little_endian, &little_endian, NULL);
  if (!available) {
    return "the driver says it is not available";
  }
  if (!compiler) {
    return "it has no OpenCL C compiler";
  }
  if (!little_endian) {
    return "it is big-endian";
  }
  if (version_number(info->version) < 12) {
    return "it is older than OpenCL 1.2";
  }
  return "";
}

oclstm_status oclstm__cl_describe(cl_platform_id platform, cl_device_id device, oclstm_device_info *info,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_device_type type = 0;
  cl_uint units = 0;
  cl_ulong memory = 0;
  cl_ulong allocation = 0;
  cl_ulong local = 0;
  memset(info, 0, sizeof *info);
  CL(clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL));
  CL(clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL));
  CL(clGetDeviceInfo(device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL));
  CL(clGetDeviceInfo(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof allocation, &allocation, NULL));
  CL(clGetDeviceInfo(device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL));
  CL(clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof info->max_work_group,
                     &info->max_work_group, NULL));
  info->type = type_of(type);
  info->compute_units = units;
  info->memory_bytes = memory;
  info->max_allocation_bytes = allocation;
  info->local_bytes = local;
  device_text(device, CL_DEVICE_NAME, info->name, sizeof info->name);
  device_text(device, CL_DEVICE_VERSION, info->version, sizeof info->version);
  device_text(device, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
  if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof info->platform, info->platform, NULL) !=
      CL_SUCCESS) {
    (void)snprintf(info->platform, sizeof info->platform, "unknown");
  }
  (void)snprintf(info->why_not, sizeof info->why_not, "%s", why_not(device, info));
  info->usable = info->why_not[0] == '\0';
done:
  return status;
}

/* ---- all devices ---- */

typedef oclstm_status visit_fn(void *user, cl_platform_id platform, cl_device_id device,
                               const oclstm_device_info *info);

/* Calls visit for every device in the order of the list; stops when it returns something else than OK. */
static oclstm_status visit_devices(visit_fn *visit, void *user, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint n_platforms = 0;
  cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms);
  REQUIRE(code == CL_SUCCESS && n_platforms > 0, OCLSTM_E_PLATFORM,
          "no OpenCL platform is installed (the loader said %s); on Debian and Ubuntu: apt install "
          "pocl-opencl-icd",
          oclstm__cl_code_name(code));
  for (cl_uint p = 0; p < n_platforms && p < MAX_PLATFORMS; ++p) {
    cl_device_id devices[MAX_DEVICES];
    cl_uint n_devices = 0;
    if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices) != CL_SUCCESS) {
      continue; /* a platform without devices */
    }
    for (cl_uint d = 0; d < n_devices && d < MAX_DEVICES; ++d) {
      oclstm_device_info info;
      TRY(oclstm__cl_describe(platforms[p], devices[d], &info, error));
      (void)snprintf(info.id, sizeof info.id, "opencl:%u:%u", (unsigned)p, (unsigned)d);
      TRY(visit(user, platforms[p], devices[d], &info));
    }
  }
done:
  return status;
}

typedef struct list {
  oclstm_device_info *devices;
  size_t capacity;
  size_t *count;
} list;

static oclstm_status append(void *user, cl_platform_id platform, cl_device_id device,
                            const oclstm_device_info *info) {
  list *l = user;
  (void)platform;
  (void)device;
  if (*l->count < l->capacity) {
    l->devices[*l->count] = *info;
  }
  ++*l->count;
  return OCLSTM_OK;
}

oclstm_status oclstm__opencl_list_devices(oclstm_device_info *devices, size_t capacity, size_t *count,
                                          oclstm_error *error) {
  list all = {devices, capacity, count};
  oclstm_error ignored;
  oclstm_status status = visit_devices(append, &all, &ignored);
  if (status == OCLSTM_E_PLATFORM) {
    return OCLSTM_OK;
  }
  if (status != OCLSTM_OK && error != NULL) {
    *error = ignored;
  }
  return status;
}

/* ---- the choice ---- */

typedef struct choice {
  const char *name; /* NULL: by rank alone */
  int rank;         /* of the device found so far; 0: none */
  cl_platform_id platform;
  cl_device_id device;
  oclstm_device_info info;
} choice;

/* Whether `part` stands somewhere in `text`, case ignored. */
static bool contains(const char *text, const char *part) {
  for (; *text != '\0'; ++text) {
    size_t k = 0;
    while (part[k] != '\0' && tolower((unsigned char)text[k]) == tolower((unsigned char)part[k])) {
      ++k;
    }
    if (part[k] == '\0') {
      return true;
    }
  }
  return false;
}

/* How well a device answers to a name: 0 not at all; the first of the highest rank is taken. A device that cannot be
 * used answers only when nothing better does, so that its reason can be told. */
static int rank_of(const char *name, const oclstm_device_info *info) {
  int rank = 0;
  if (name == NULL) {
    rank = info->type == OCLSTM_DEVICE_GPU ? 4 : info->type == OCLSTM_DEVICE_CPU ? 3 : 2;
  } else if (strcmp(name, "gpu") == 0) {
    rank = info->type == OCLSTM_DEVICE_GPU ? 2 : 0;
  } else if (strcmp(name, "cpu") == 0) {
    rank = info->type == OCLSTM_DEVICE_CPU ? 2 : 0;
  } else if (strncmp(name, "opencl:", 7) == 0) {
    rank = strcmp(name, info->id) == 0 ? 2 : 0;
  } else {
    rank = contains(info->name, name) ? 2 : 0;
  }
  return rank > 0 && !info->usable ? 1 : rank;
}

static oclstm_status consider(void *user, cl_platform_id platform, cl_device_id device,
                              const oclstm_device_info *info) {
  choice *best = user;
  int rank = rank_of(best->name, info);
  if (rank > best->rank) {
    best->rank = rank;
    best->platform = platform;
    best->device = device;
    best->info = *info;
  }
  return OCLSTM_OK;
}

oclstm_status oclstm__cl_choose(const char *name, cl_platform_id *platform, cl_device_id *device,
                                oclstm_device_info *info, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  choice best = {.name = name};
  REQUIRE(name == NULL || name[0] != '\0', OCLSTM_E_DEVICE, "the device name is empty");
  TRY(visit_devices(consider, &best, error));
  REQUIRE(best.rank > 0, OCLSTM_E_DEVICE,
          "no device answers to \"%s\"; the list of devices names those there are",
          name != NULL ? name : "any");
  REQUIRE(best.info.usable, OCLSTM_E_DEVICE, "%s (%s) cannot be used: %s", best.info.id, best.info.name,
          best.info.why_not);
  *platform = best.platform;
  *device = best.device;
  *info = best.info;
done:
  return status;
}
