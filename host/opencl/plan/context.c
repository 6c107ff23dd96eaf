/* Contexts on OpenCL devices: by name, or around the caller's own objects.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/lanes.h"
#include "opencl/device/program.h"
#include "opencl/plan/calls.h"
#include "opencl/strategies/strategy.h"
#include "opencl/tuning/tuning.h"

/* The widest vectors the device has registers for. A GPU's work-item is a lane of its own. */
static unsigned vector_width(cl_device_id device, const oclstm_device_info *info) {
  cl_uint width = 1;
  if (info->type != OCLSTM_DEVICE_CPU) {
    return 1;
  }
  (void)clGetDeviceInfo(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL);
  return width >= 16 ? 16 : width >= 8 ? 8 : 4;
}

static size_t max_lanes(const oclstm_device_info *info) {
  size_t lanes = info->type == OCLSTM_DEVICE_CPU ? 1 : 64;
  while (lanes > info->max_work_group) {
    lanes /= 2;
  }
  return lanes;
}

static oclstm_status check_cache_dir(oclstm__cl *cl, const char *cache_dir, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (cache_dir != NULL && oclstm__cache_dir_usable(cache_dir, &cl->base.log)) {
    cl->cache_dir = oclstm__strdup(&cl->base.allocator, cache_dir);
    REQUIRE(cl->cache_dir != NULL, OCLSTM_E_MEMORY, "cache folder name");
  }
done:
  return status;
}

oclstm_status oclstm__cl_wrap(cl_context context, cl_device_id device, cl_command_queue queue,
                              const char *cache_dir, const oclstm_allocator *allocator, const oclstm_log *log,
                              const oclstm_device_info *info, oclstm_context **out, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_context *base = NULL;
  cl_command_queue_properties properties = 0;
  oclstm_allocator hooks = oclstm__allocator(*allocator);
  oclstm__cl *cl = oclstm__alloc(&hooks, 1, sizeof *cl);
  REQUIRE(cl != NULL, OCLSTM_E_MEMORY, "context: %zu bytes", sizeof *cl);
  base = &cl->base;
  base->engine = &oclstm__opencl_engine;
  base->allocator = hooks;
  base->log = *log;
  base->device = *info;
  (void)pthread_mutex_init(&cl->asking, NULL); /* does not fail with default attributes on Linux */
  (void)pthread_mutex_init(&cl->lock, NULL);
  (void)pthread_mutex_init(&cl->tuning, NULL);
  TRY(oclstm__meter_create(cl, error));
  CL(clRetainContext(context));
  cl->context = context;
  CL(clRetainCommandQueue(queue));
  cl->queue = queue;
  cl->device = device;
  CL(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL));
  cl->out_of_order = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
  cl->vector_width = vector_width(device, info);
  cl->max_lanes = max_lanes(info);
  cl->most_turns = oclstm__most_turns(info);
  cl->loops_take_assembly = oclstm__loops_take_assembly(info);
  TRY(check_cache_dir(cl, cache_dir, error));
  oclstm__log(log, OCLSTM_LOG_INFO, "device %s: %s (%s)", info->id, info->name, info->platform);
  *out = base;
  base = NULL;
done:
  oclstm_context_destroy(&base);
  return status;
}

oclstm_status oclstm__opencl_context_create(const oclstm_context_desc *desc, oclstm_context **context,
                                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int cl_code = CL_SUCCESS;
  cl_platform_id platform = NULL;
  cl_device_id device = NULL;
  cl_context cl_ctx = NULL;
  cl_command_queue queue = NULL;
  const cl_command_queue_properties profiling = desc->profiling != 0 ? CL_QUEUE_PROFILING_ENABLE : 0;
  oclstm_device_info info;
  TRY(oclstm__cl_choose(desc->device, &platform, &device, &info, error));
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0};
  CL_OUT(cl_ctx, clCreateContext(properties, 1, &device, NULL, NULL, &cl_code));
  CL_OUT(queue, clCreateCommandQueue(cl_ctx, device, profiling, &cl_code));
  TRY(oclstm__cl_wrap(cl_ctx, device, queue, desc->cache_dir, &desc->allocator, &desc->log, &info, context,
                      error));
  if (profiling != 0) {
    TRY(oclstm__meter_profile(oclstm__cl_of(*context), error));
  }
done:
  if (status != OCLSTM_OK) {
    oclstm_context_destroy(context);
  }
  if (queue != NULL) {
    (void)clReleaseCommandQueue(queue);
  }
  if (cl_ctx != NULL) {
    (void)clReleaseContext(cl_ctx);
  }
  return status;
}

void oclstm__cl_context_destroy(oclstm_context *context) {
  oclstm__cl *cl = oclstm__cl_of(context);
  oclstm_allocator allocator = context->allocator;
  oclstm__programs_release(cl);
  oclstm__answers_release(cl);
  oclstm__meter_destroy(cl);
  oclstm__lanes_release(cl);
  if (cl->queue != NULL) {
    (void)clReleaseCommandQueue(cl->queue);
  }
  if (cl->context != NULL) {
    (void)clReleaseContext(cl->context);
  }
  (void)pthread_mutex_destroy(&cl->asking);
  (void)pthread_mutex_destroy(&cl->lock);
  (void)pthread_mutex_destroy(&cl->tuning);
  oclstm__free(&allocator, cl->cache_dir);
  oclstm__free(&allocator, cl->build_log);
  oclstm__free(&allocator, cl);
}
