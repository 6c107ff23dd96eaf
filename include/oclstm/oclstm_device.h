/* Devices and contexts: what there is to compute on, one of them opened, its cache and what it is measured to do.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OCLSTM_DEVICE_H
#define OCLSTM_OCLSTM_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "oclstm/oclstm_hooks.h"
#include "oclstm/oclstm_status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum oclstm_device_type {
  OCLSTM_DEVICE_GPU,
  OCLSTM_DEVICE_CPU,
  OCLSTM_DEVICE_OTHER,
  OCLSTM_DEVICE_REFERENCE
} oclstm_device_type;

typedef struct oclstm_device_info {
  char id[32]; /* "opencl:0:1" or "reference": what oclstm_context_desc.device takes */
  oclstm_device_type type;
  char name[128];
  char platform[128];
  char version[128]; /* "OpenCL 3.0 ..." */
  char driver[128];
  unsigned compute_units;
  uint64_t memory_bytes;         /* of the device; 0 for the reference, whose memory is the host's */
  uint64_t max_allocation_bytes; /* of one buffer */
  uint64_t local_bytes;          /* of a work-group */
  size_t max_work_group;         /* work-items */
  int usable;
  char why_not[128]; /* why it cannot be used; empty when usable */
} oclstm_device_info;

/* Lists every device of every platform, the reference last. *count receives how many there are; the first
 * `capacity` of them are written to devices, which may be NULL when capacity is 0. No platform at all is not an
 * error here: the reference is always there.
 * Returns OK; E_ARGUMENT; E_OPENCL, E_DEVICE_LOST and E_MEMORY (a driver does not say what its device is). */
OCLSTM_API oclstm_status oclstm_list_devices(oclstm_device_info *devices, size_t capacity, size_t *count,
                                             oclstm_error *error);

typedef struct oclstm_context oclstm_context;

typedef struct oclstm_context_desc {
  size_t struct_size;
  /* NULL: the first usable GPU, else the first CPU device, else any other; never the reference. Otherwise "gpu", "cpu",
   * "reference", "opencl:PLATFORM:DEVICE" (indices as listed), or part of a device's name, case ignored. A device asked for
   * and absent is an error. */
  const char *device;
  /* Folder for compiled programs and for what the tuner measured; created with mode 0700 in a folder that is there. NULL:
   * both are kept in the context alone. A folder that cannot be made, that others can write to, or that is not ours, is not
   * used (and a warning is logged): its files would run as native code. Processes and threads may share one. */
  const char *cache_dir;
  oclstm_allocator allocator; /* of the context, its plans and its states; zero: malloc and free */
  oclstm_log log;             /* zero: lines are dropped */
  int profiling;              /* 1: kernels are timed, see oclstm_counters; runs are slower for it */
} oclstm_context_desc;
#define OCLSTM_CONTEXT_DESC_INIT \
  { sizeof(oclstm_context_desc), NULL, NULL, {NULL, NULL, NULL}, {NULL, NULL}, 0 }

/* Opens a device. The descriptor's strings are copied. desc may be NULL: all defaults.
 * Returns OK; E_ARGUMENT; E_PLATFORM (an OpenCL device was wanted and there is no platform); E_DEVICE (no device answers to
 * the name, or the one that does cannot be used, see why_not); E_OPENCL; E_DEVICE_LOST; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                               oclstm_error *error);
/* Destroys *context and sets it to NULL. Its plans and states must be destroyed before. */
OCLSTM_API void oclstm_context_destroy(oclstm_context **context);

/* The device that was opened. Borrowed until the context is destroyed. */
OCLSTM_API const oclstm_device_info *oclstm_context_device(const oclstm_context *context);
/* The compiler's messages of the last program that failed to build, "" if none did. Borrowed until the context's next plan
 * is made, by whatever thread. */
OCLSTM_API const char *oclstm_context_build_log(const oclstm_context *context);

typedef struct oclstm_cache_info {
  uint64_t bytes;
  size_t programs;     /* files of compiled programs */
  size_t tuning_files; /* one a device, driver and version of the kernels */
  size_t answers;      /* of the tuner, in the tuning files that are whole */
  size_t leftovers;    /* files of writers that were killed */
} oclstm_cache_info;

/* What a folder as in oclstm_context_desc.cache_dir holds of ours; other files are not looked at. A folder that is not
 * there holds nothing. Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_MEMORY. On failure *info is all zeros. */
OCLSTM_API oclstm_status oclstm_cache_examine(const char *cache_dir, oclstm_cache_info *info,
                                              oclstm_error *error);
/* Removes our files from it, and nothing else; contexts that use it meanwhile write theirs again. *removed receives what was
 * there. Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_WRITE (a file cannot be removed); E_MEMORY. On failure *removed is all
 * zeros, and files in front of the one that failed are gone. */
OCLSTM_API oclstm_status oclstm_cache_clear(const char *cache_dir, oclstm_cache_info *removed,
                                            oclstm_error *error);

/* What has been asked of a context's device since it was opened or its counters were reset, by all of its plans and states.
 * The reference counts nothing. */
typedef struct oclstm_counters {
  size_t struct_size;
  uint64_t launches; /* kernels enqueued; a call of CLBlast, which enqueues one to four, is one */
  uint64_t products; /* of these, calls of CLBlast */
  /* Host memory to the device and back, by commands of the library: weights and the zeros that fill new buffers included,
   * the caller's own buffers (oclstm_opencl.h) not, nor arrays that a device uses where they lie (see oclstm_forward), of
   * which nothing is copied. */
  uint64_t bytes_written, bytes_read;
  /* With oclstm_context_desc.profiling: launches whose time is known, and the sum of these times, from the device's own clock.
   * Of a call of CLBlast it is the time of the last kernel. Otherwise 0. */
  uint64_t timed_launches, kernel_nanoseconds;
} oclstm_counters;
#define OCLSTM_COUNTERS_INIT \
  { sizeof(oclstm_counters), 0, 0, 0, 0, 0, 0 }

/* Reads the counters (struct_size set, as OCLSTM_COUNTERS_INIT does), or sets them to zero; from any thread. With profiling,
 * waits for the kernels that have been enqueued.
 * Returns OK; E_ARGUMENT; E_OPENCL, E_DEVICE_LOST, E_MEMORY and E_DEVICE_MEMORY (with profiling: events cannot be read, and
 * the times of those kept are lost). */
OCLSTM_API oclstm_status oclstm_context_counters(oclstm_context *context, oclstm_counters *counters,
                                                 oclstm_error *error);
OCLSTM_API oclstm_status oclstm_context_reset_counters(oclstm_context *context, oclstm_error *error);

/* What the device can do at most, measured with kernels of ours (kernels/peak.cl) in some tenths of a second: float32
 * operations a second in fused multiply-adds (each is two), and bytes a second that its compute units together read from
 * `bytes` of memory, each from its own part, again and again; less than one block of each unit counts as that. Kernels are
 * compiled where the cache does not hold them. What else runs on the device meanwhile makes the figures smaller.
 * Returns OK; E_ARGUMENT; E_UNSUPPORTED (the reference, and llvmpipe, which ends loops behind 65,535 turns); E_LIMIT
 * (`bytes` are over what one buffer may have); E_MEMORY; E_DEVICE_MEMORY; E_BUILD; E_OPENCL; E_DEVICE_LOST. *per_second is 0
 * on failure. */
OCLSTM_API oclstm_status oclstm_context_peak_flops(oclstm_context *context, double *per_second,
                                                   oclstm_error *error);
OCLSTM_API oclstm_status oclstm_context_peak_read(oclstm_context *context, uint64_t bytes, double *per_second,
                                                  oclstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
