/* The OpenCL entry points that the layers of this folder stand in front of: once, for all of them.
 * SPDX-License-Identifier: MIT
 *
 * What OpenCL 1.2 has for buffers, programs and queues, with the two creators of later versions that implementations
 * of 3.0 are called through. Images, GL and SVM are left to the target.
 *
 *   STATUS(name, parameters, arguments)            returns a cl_int
 *   EVENT(name, parameters, arguments)             the same; its last parameter is `cl_event *event`
 *   OBJECT(type, kind, name, parameters, arguments)  returns a new object; its last parameter is `cl_int *code`
 *   RETAIN(type, kind, name) RELEASE(type, kind, name)
 *   MAP                                            clEnqueueMapBuffer, which is like none of them
 */
#ifndef OCLSTM_TESTS_LAYERS_ENTRIES_H
#define OCLSTM_TESTS_LAYERS_ENTRIES_H

/* Layers speak for every version of OpenCL, not for the one that the library confines itself to. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl_layer.h>

#define INFO_PARAMETERS cl_uint what, size_t size, void *value, size_t *size_ret
#define INFO what, size, value, size_ret
#define WAIT_PARAMETERS cl_uint n_wait, const cl_event *wait, cl_event *event
#define WAIT n_wait, wait, event
#define ORIGIN_PARAMETERS const size_t *first, const size_t *second, const size_t *region

#define ENTRIES_STATUS(STATUS)                                                                               \
  STATUS(clGetPlatformIDs, (cl_uint n, cl_platform_id * to, cl_uint * n_ret), (n, to, n_ret))                \
  STATUS(clGetPlatformInfo, (cl_platform_id of, INFO_PARAMETERS), (of, INFO))                                \
  STATUS(clGetDeviceIDs,                                                                                     \
         (cl_platform_id of, cl_device_type type, cl_uint n, cl_device_id * to, cl_uint * n_ret),            \
         (of, type, n, to, n_ret))                                                                           \
  STATUS(clGetDeviceInfo, (cl_device_id of, INFO_PARAMETERS), (of, INFO))                                    \
  STATUS(clGetContextInfo, (cl_context of, INFO_PARAMETERS), (of, INFO))                                     \
  STATUS(clGetCommandQueueInfo, (cl_command_queue of, INFO_PARAMETERS), (of, INFO))                          \
  STATUS(clGetMemObjectInfo, (cl_mem of, INFO_PARAMETERS), (of, INFO))                                       \
  STATUS(clGetProgramInfo, (cl_program of, INFO_PARAMETERS), (of, INFO))                                     \
  STATUS(clGetProgramBuildInfo, (cl_program of, cl_device_id device, INFO_PARAMETERS), (of, device, INFO))   \
  STATUS(clGetKernelInfo, (cl_kernel of, INFO_PARAMETERS), (of, INFO))                                       \
  STATUS(clGetKernelWorkGroupInfo, (cl_kernel of, cl_device_id device, INFO_PARAMETERS), (of, device, INFO)) \
  STATUS(clGetEventInfo, (cl_event of, INFO_PARAMETERS), (of, INFO))                                         \
  STATUS(clGetEventProfilingInfo, (cl_event of, INFO_PARAMETERS), (of, INFO))                                \
  STATUS(clBuildProgram,                                                                                     \
         (cl_program program, cl_uint n, const cl_device_id *devices, const char *options,                   \
          void(CL_CALLBACK * notify)(cl_program, void *), void *user),                                       \
         (program, n, devices, options, notify, user))                                                       \
  STATUS(clCompileProgram,                                                                                   \
         (cl_program program, cl_uint n, const cl_device_id *devices, const char *options,                   \
          cl_uint n_headers, const cl_program *headers, const char **names,                                  \
          void(CL_CALLBACK * notify)(cl_program, void *), void *user),                                       \
         (program, n, devices, options, n_headers, headers, names, notify, user))                            \
  STATUS(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value),                  \
         (kernel, index, size, value))                                                                       \
  STATUS(clWaitForEvents, (cl_uint n, const cl_event *events), (n, events))                                  \
  STATUS(clSetUserEventStatus, (cl_event of, cl_int to), (of, to))                                           \
  STATUS(clSetEventCallback,                                                                                 \
         (cl_event of, cl_int type, void(CL_CALLBACK * notify)(cl_event, cl_int, void *), void *user),       \
         (of, type, notify, user))                                                                           \
  STATUS(clFlush, (cl_command_queue queue), (queue))                                                         \
  STATUS(clFinish, (cl_command_queue queue), (queue))

#define ENTRIES_EVENT(EVENT)                                                                                 \
  EVENT(clEnqueueReadBuffer,                                                                                 \
        (cl_command_queue queue, cl_mem from, cl_bool blocking, size_t offset, size_t bytes, void *to,       \
         WAIT_PARAMETERS),                                                                                   \
        (queue, from, blocking, offset, bytes, to, WAIT))                                                    \
  EVENT(clEnqueueWriteBuffer,                                                                                \
        (cl_command_queue queue, cl_mem to, cl_bool blocking, size_t offset, size_t bytes, const void *from, \
         WAIT_PARAMETERS),                                                                                   \
        (queue, to, blocking, offset, bytes, from, WAIT))                                                    \
  EVENT(clEnqueueCopyBuffer,                                                                                 \
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset, size_t bytes, \
         WAIT_PARAMETERS),                                                                                   \
        (queue, from, to, from_offset, to_offset, bytes, WAIT))                                              \
  EVENT(clEnqueueReadBufferRect,                                                                             \
        (cl_command_queue queue, cl_mem from, cl_bool blocking, ORIGIN_PARAMETERS, size_t row, size_t slice, \
         size_t host_row, size_t host_slice, void *to, WAIT_PARAMETERS),                                     \
        (queue, from, blocking, first, second, region, row, slice, host_row, host_slice, to, WAIT))          \
  EVENT(clEnqueueWriteBufferRect,                                                                            \
        (cl_command_queue queue, cl_mem to, cl_bool blocking, ORIGIN_PARAMETERS, size_t row, size_t slice,   \
         size_t host_row, size_t host_slice, const void *from, WAIT_PARAMETERS),                             \
        (queue, to, blocking, first, second, region, row, slice, host_row, host_slice, from, WAIT))          \
  EVENT(clEnqueueCopyBufferRect,                                                                             \
        (cl_command_queue queue, cl_mem from, cl_mem to, ORIGIN_PARAMETERS, size_t row, size_t slice,        \
         size_t to_row, size_t to_slice, WAIT_PARAMETERS),                                                   \
        (queue, from, to, first, second, region, row, slice, to_row, to_slice, WAIT))                        \
  EVENT(clEnqueueFillBuffer,                                                                                 \
        (cl_command_queue queue, cl_mem to, const void *pattern, size_t size, size_t offset, size_t bytes,   \
         WAIT_PARAMETERS),                                                                                   \
        (queue, to, pattern, size, offset, bytes, WAIT))                                                     \
  EVENT(clEnqueueUnmapMemObject, (cl_command_queue queue, cl_mem of, void *mapped, WAIT_PARAMETERS),         \
        (queue, of, mapped, WAIT))                                                                           \
  EVENT(clEnqueueMigrateMemObjects,                                                                          \
        (cl_command_queue queue, cl_uint n, const cl_mem *objects, cl_mem_migration_flags flags,             \
         WAIT_PARAMETERS),                                                                                   \
        (queue, n, objects, flags, WAIT))                                                                    \
  EVENT(clEnqueueNDRangeKernel,                                                                              \
        (cl_command_queue queue, cl_kernel kernel, cl_uint n, const size_t *offset, const size_t *global,    \
         const size_t *local, WAIT_PARAMETERS),                                                              \
        (queue, kernel, n, offset, global, local, WAIT))                                                     \
  EVENT(clEnqueueTask, (cl_command_queue queue, cl_kernel kernel, WAIT_PARAMETERS), (queue, kernel, WAIT))   \
  EVENT(clEnqueueMarker, (cl_command_queue queue, cl_event * event), (queue, event))                         \
  EVENT(clEnqueueMarkerWithWaitList, (cl_command_queue queue, WAIT_PARAMETERS), (queue, WAIT))               \
  EVENT(clEnqueueBarrierWithWaitList, (cl_command_queue queue, WAIT_PARAMETERS), (queue, WAIT))

#define NOTIFY_PARAMETERS void(CL_CALLBACK * notify)(const char *, const void *, size_t, void *), void *user
#define ENTRIES_OBJECT(OBJECT)                                                                              \
  OBJECT(cl_context, CONTEXT, clCreateContext,                                                              \
         (const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,                  \
          NOTIFY_PARAMETERS, cl_int *code),                                                                 \
         (properties, n, devices, notify, user, code))                                                      \
  OBJECT(cl_context, CONTEXT, clCreateContextFromType,                                                      \
         (const cl_context_properties *properties, cl_device_type type, NOTIFY_PARAMETERS, cl_int *code),   \
         (properties, type, notify, user, code))                                                            \
  OBJECT(cl_command_queue, QUEUE, clCreateCommandQueue,                                                     \
         (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int * code),  \
         (context, device, properties, code))                                                               \
  OBJECT(cl_command_queue, QUEUE, clCreateCommandQueueWithProperties,                                       \
         (cl_context context, cl_device_id device, const cl_queue_properties *properties, cl_int *code),    \
         (context, device, properties, code))                                                               \
  OBJECT(cl_mem, MEM, clCreateBuffer,                                                                       \
         (cl_context context, cl_mem_flags flags, size_t bytes, void *from, cl_int *code),                  \
         (context, flags, bytes, from, code))                                                               \
  OBJECT(cl_mem, MEM, clCreateSubBuffer,                                                                    \
         (cl_mem of, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *code),     \
         (of, flags, type, region, code))                                                                   \
  OBJECT(cl_program, PROGRAM, clCreateProgramWithSource,                                                    \
         (cl_context context, cl_uint n, const char **texts, const size_t *lengths, cl_int *code),          \
         (context, n, texts, lengths, code))                                                                \
  OBJECT(cl_program, PROGRAM, clCreateProgramWithBinary,                                                    \
         (cl_context context, cl_uint n, const cl_device_id *devices, const size_t *lengths,                \
          const unsigned char **binaries, cl_int *codes, cl_int *code),                                     \
         (context, n, devices, lengths, binaries, codes, code))                                             \
  OBJECT(                                                                                                   \
      cl_program, PROGRAM, clLinkProgram,                                                                   \
      (cl_context context, cl_uint n, const cl_device_id *devices, const char *options, cl_uint n_inputs,   \
       const cl_program *inputs, void(CL_CALLBACK * notify)(cl_program, void *), void *user, cl_int *code), \
      (context, n, devices, options, n_inputs, inputs, notify, user, code))                                 \
  OBJECT(cl_kernel, KERNEL, clCreateKernel, (cl_program program, const char *name, cl_int *code),           \
         (program, name, code))                                                                             \
  OBJECT(cl_event, EVENT, clCreateUserEvent, (cl_context context, cl_int * code), (context, code))          \
  OBJECT(cl_sampler, SAMPLER, clCreateSampler,                                                              \
         (cl_context context, cl_bool normalized, cl_addressing_mode addressing, cl_filter_mode filter,     \
          cl_int * code),                                                                                   \
         (context, normalized, addressing, filter, code))

#define ENTRIES_COUNTED(RETAIN, RELEASE)                  \
  RETAIN(cl_context, CONTEXT, clRetainContext)            \
  RELEASE(cl_context, CONTEXT, clReleaseContext)          \
  RETAIN(cl_command_queue, QUEUE, clRetainCommandQueue)   \
  RELEASE(cl_command_queue, QUEUE, clReleaseCommandQueue) \
  RETAIN(cl_mem, MEM, clRetainMemObject)                  \
  RELEASE(cl_mem, MEM, clReleaseMemObject)                \
  RETAIN(cl_program, PROGRAM, clRetainProgram)            \
  RELEASE(cl_program, PROGRAM, clReleaseProgram)          \
  RETAIN(cl_kernel, KERNEL, clRetainKernel)               \
  RELEASE(cl_kernel, KERNEL, clReleaseKernel)             \
  RETAIN(cl_event, EVENT, clRetainEvent)                  \
  RELEASE(cl_event, EVENT, clReleaseEvent)                \
  RETAIN(cl_sampler, SAMPLER, clRetainSampler)            \
  RELEASE(cl_sampler, SAMPLER, clReleaseSampler)

#define MAP_PARAMETERS                                                                                   \
  (cl_command_queue queue, cl_mem of, cl_bool blocking, cl_map_flags flags, size_t offset, size_t bytes, \
   WAIT_PARAMETERS, cl_int * code)
#define MAP_ARGUMENTS (queue, of, blocking, flags, offset, bytes, WAIT, code)

#endif
