/* gpu_probe QUESTION [OPTION...]: chooses the device, asks, and writes the answer.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "probe.h"

static const struct question {
  const char *name, *what;
  void (*ask)(probe *p);
} QUESTIONS[] = {
    {"device", "what the device says about itself", ask_device},
    {"coresidency", "how many work-groups run at the same time", ask_coresidency},
    {"barrier", "what a barrier between work-groups costs, and whether it is one", ask_barrier},
    {"ptx", "which inline PTX compiles and computes what it should", ask_ptx},
    {"launch", "what an enqueue costs, and whether queues overlap", ask_launch},
    {"clblast", "CLBlast's product on the shapes of input projections", ask_clblast},
    {"peaks", "arithmetic and memory peaks of kernels of ours", ask_peaks},
};
enum { N_QUESTIONS = sizeof QUESTIONS / sizeof QUESTIONS[0] };

typedef struct options {
  const struct question *question;
  const char *json;
  unsigned platform, device;
} options;

static int usage(void) {
  fprintf(stderr,
          "gpu_probe QUESTION [--device PLATFORM:DEVICE] [--quick] [--json FILE] [--folder FOLDER]\n"
          "  --quick   small sizes: is every part there, rather than how fast\n"
          "  --json    the answer; without it, to the standard output\n"
          "  --folder  for program binaries\n");
  for (size_t k = 0; k < N_QUESTIONS; ++k) {
    fprintf(stderr, "  %-12s %s\n", QUESTIONS[k].name, QUESTIONS[k].what);
  }
  return 2;
}

static bool read_options(int argc, char **argv, options *o, probe *p) {
  for (size_t k = 0; argc > 1 && k < N_QUESTIONS; ++k) {
    o->question = strcmp(argv[1], QUESTIONS[k].name) == 0 ? &QUESTIONS[k] : o->question;
  }
  for (int k = 2; k < argc; ++k) {
    const char *value = k + 1 < argc ? argv[k + 1] : NULL;
    if (strcmp(argv[k], "--quick") == 0) {
      p->quick = true;
    } else if (value != NULL && strcmp(argv[k], "--json") == 0) {
      o->json = argv[++k];
    } else if (value != NULL && strcmp(argv[k], "--folder") == 0) {
      p->folder = argv[++k];
    } else if (value == NULL || strcmp(argv[k], "--device") != 0 ||
               sscanf(argv[++k], "%u:%u", &o->platform, &o->device) != 2) {
      return false;
    }
  }
  return o->question != NULL;
}

static bool pick_device(probe *p, const options *o) {
  enum { MOST = 32 };
  cl_platform_id platforms[MOST];
  cl_device_id devices[MOST];
  cl_uint n = 0;
  cl_int code = clGetPlatformIDs(MOST, platforms, &n);
  if (code != CL_SUCCESS || o->platform >= n) {
    return probe_ok(p, code != CL_SUCCESS ? code : CL_INVALID_PLATFORM, "clGetPlatformIDs");
  }
  p->platform = platforms[o->platform];
  code = clGetDeviceIDs(p->platform, CL_DEVICE_TYPE_ALL, MOST, devices, &n);
  if (code != CL_SUCCESS || o->device >= n) {
    return probe_ok(p, code != CL_SUCCESS ? code : CL_INVALID_DEVICE, "clGetDeviceIDs");
  }
  p->device = devices[o->device];
  return true;
}

static bool open_device(probe *p) {
  char vendor[256] = "";
  cl_device_type type = 0;
  cl_int code = CL_SUCCESS;
  bool known =
      OK(clGetDeviceInfo(p->device, CL_DEVICE_VENDOR, sizeof vendor, vendor, NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_TYPE, sizeof type, &type, NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof p->units, &p->units, NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof p->most_items, &p->most_items,
                         NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof p->local_bytes, &p->local_bytes,
                         NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof p->memory_bytes, &p->memory_bytes,
                         NULL)) &&
      OK(clGetDeviceInfo(p->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof p->most_allocation,
                         &p->most_allocation, NULL));
  p->nvidia = strstr(vendor, "NVIDIA") != NULL;
  p->cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)p->platform, 0};
  p->context = known ? clCreateContext(properties, 1, &p->device, NULL, NULL, &code) : NULL;
  if (!known || !probe_ok(p, code, "clCreateContext")) {
    return false;
  }
  p->queue = clCreateCommandQueue(p->context, p->device, CL_QUEUE_PROFILING_ENABLE, &code);
  return probe_ok(p, code, "clCreateCommandQueue");
}

int main(int argc, char **argv) {
  probe p = {.answer = json_object()};
  options o = {0};
  if (!read_options(argc, argv, &o, &p)) {
    return usage();
  }
  double start = probe_now();
  json_object_set_new(p.answer, "question", json_string(o.question->name));
  bool opened = pick_device(&p, &o) && open_device(&p);
  if (opened) {
    o.question->ask(&p);
    clFinish(p.queue);
    clReleaseCommandQueue(p.queue);
    clReleaseContext(p.context);
  }
  json_object_set_new(p.answer, "seconds", json_real(probe_now() - start));
  const size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(6);
  int written =
      o.json != NULL ? json_dump_file(p.answer, o.json, flags) : json_dumpf(p.answer, stdout, flags);
  json_decref(p.answer);
  return opened && written == 0 ? 0 : 1;
}
