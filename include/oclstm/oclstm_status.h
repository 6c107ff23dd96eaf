/* What every call returns: a status, and an error that says in words which values were wrong.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_STATUS_H
#define OCLSTM_OCLSTM_STATUS_H

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

/* What went wrong, with the values that were wrong. Filled on failure only, and then as a whole. */
typedef struct oclstm_error {
  oclstm_status status;
  int cl_code;    /* the OpenCL (or CLBlast) error code behind it, or 0 */
  int os_code;    /* the errno behind it, or 0 */
  char text[480]; /* one line, no newline: "W_hh of layer 1: expected [256,64], found [256,63]" */
} oclstm_error;

/* Name ("E_SHAPE") and text ("shapes do not agree") of a status; "unknown" for any other value. Static strings. */
OCLSTM_API const char *oclstm_status_name(oclstm_status status);
OCLSTM_API const char *oclstm_status_text(oclstm_status status);

/* Version of the library that is loaded, as "MAJOR.MINOR.PATCH"; OCLSTM_VERSION_STRING is that of the headers. Static
 * string. */
OCLSTM_API const char *oclstm_version(void);

#ifdef __cplusplus
}
#endif

#endif
