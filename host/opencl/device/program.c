/* Building programs from the embedded sources.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/program.h"
#include "opencl/device/cl.h"
#include "opencl/device/kernel_sources.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

enum { OPTIONS_BYTES = 1024, KEY_BYTES = 2048 };

struct oclstm__program {
  oclstm__program *next;
  cl_program program;
  bool on_disk;
  bool has_binary;     /* that may be asked for: assembly.c */
  char key[KEY_BYTES]; /* everything that decides the binary */
};

/* ---- options, key ---- */

/* The one place that writes options. Without -cl-fast-relaxed-math and its kind: results must not drift. */
static void write_options(const oclstm__cl *cl, const oclstm__build *build, char *options, size_t bytes) {
  const struct {
    const char *name;
    unsigned value;
  } defines[] = {{"VW", build->VW},
                 {"ROWS", build->ROWS},
                 {"LANES", build->LANES},
                 {"VECTORS", build->VECTORS},
                 {"PANELS", build->PANELS},
                 {"PAIRED", build->PAIRED},
                 {"STORAGE", build->STORAGE},
                 {"CELLS", build->CELLS},
                 {"SECOND", build->SECOND},
                 {"SECOND_VECTORS", build->SECOND_VECTORS},
                 {"SECOND_PANELS", build->SECOND_PANELS},
                 {"INPUT", build->INPUT},
                 {"INPUT_ROWS", build->INPUT_ROWS},
                 {"INPUT_PANELS", build->INPUT_PANELS},
                 {"LOW_ROWS", build->LOW_ROWS}};
  const bool assembly = build->LANES <= 1 || cl->loops_take_assembly;
  size_t used = (size_t)snprintf(options, bytes, "-cl-std=CL1.2 -w%s%s", assembly ? "" : " -DASSEMBLY=0",
                                 build->cell != NULL ? build->cell : "");
  for (size_t k = 0; k < sizeof defines / sizeof defines[0] && used < bytes; ++k) {
    if (defines[k].value != 0) {
      used += (size_t)snprintf(options + used, bytes - used, " -D%s=%u", defines[k].name, defines[k].value);
    }
  }
}

static void write_key(const oclstm__cl *cl, const char *stem, const char *options, char *key) {
  const oclstm__kernel_source *source = oclstm__find_kernel_source(stem);
  const oclstm_device_info *d = &cl->base.device;
  XXH64_hash_t hash = 0;
  for (unsigned k = 0; k < source->n_texts; ++k) {
    hash = XXH3_64bits_withSeed(source->texts[k], strlen(source->texts[k]), hash);
  }
  (void)snprintf(key, KEY_BYTES, "oclstm %s\n%s\n%s\n%s\n%s\n%s %016llx\n%s", OCLSTM_VERSION_STRING,
                 d->platform, d->name, d->version, d->driver, stem, (unsigned long long)hash, options);
}

/* ---- building ---- */

static void keep_build_log(oclstm__cl *cl, cl_program program) {
  size_t bytes = 0;
  if (clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS ||
      bytes == 0) {
    return;
  }
  char *text = oclstm__alloc(&cl->base.allocator, bytes + 1, 1);
  if (text != NULL &&
      clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, bytes, text, NULL) == CL_SUCCESS) {
    oclstm__free(&cl->base.allocator, cl->build_log);
    cl->build_log = text;
  }
}

static oclstm_status compile(oclstm__cl *cl, const char *stem, const char *options, cl_program *program,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int cl_code = CL_SUCCESS;
  const oclstm__kernel_source *source = oclstm__find_kernel_source(stem);
  CL_OUT(*program, clCreateProgramWithSource(cl->context, source->n_texts, (const char **)source->texts, NULL,
                                             &cl_code));
  cl_code = clBuildProgram(*program, 1, &cl->device, options, NULL, NULL);
  if (cl_code != CL_SUCCESS) {
    keep_build_log(cl, *program);
    status = oclstm__fail_cl(error, OCLSTM_E_BUILD, cl_code, "kernels/%s.cl with %s: %s (%d)", stem, options,
                             oclstm__cl_code_name(cl_code), (int)cl_code);
    oclstm__log(&cl->base.log, OCLSTM_LOG_ERROR, "kernels/%s.cl does not build", stem);
  }
done:
  if (status != OCLSTM_OK && *program != NULL) {
    (void)clReleaseProgram(*program);
    *program = NULL;
  }
  return status;
}

/* A binary that the driver does not take any more is no failure: the sources are compiled instead. */
static cl_program from_disk(oclstm__cl *cl, const char *key, const char *options) {
  size_t bytes = 0;
  cl_int taken = CL_SUCCESS;
  cl_int code = CL_SUCCESS;
  unsigned char *binary = oclstm__cache_load(cl, key, &bytes);
  if (binary == NULL) {
    return NULL;
  }
  const unsigned char *binaries[] = {binary};
  cl_program program =
      clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, binaries, &taken, &code);
  oclstm__free(&cl->base.allocator, binary);
  if (code != CL_SUCCESS) {
    return NULL;
  }
  if (taken != CL_SUCCESS || clBuildProgram(program, 1, &cl->device, options, NULL, NULL) != CL_SUCCESS) {
    (void)clReleaseProgram(program);
    return NULL;
  }
  return program;
}

/* ---- the programs of a context; these run with the lock held ---- */

static oclstm__program *find_program(const oclstm__cl *cl, const char *key) {
  oclstm__program *p = cl->programs;
  while (p != NULL && strcmp(p->key, key) != 0) {
    p = p->next;
  }
  return p;
}

static oclstm_status add_program(oclstm__cl *cl, const oclstm__build *build, const char *options,
                                 const char *key, oclstm__program **added, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__program *p = oclstm__alloc(&cl->base.allocator, 1, sizeof *p);
  REQUIRE(p != NULL, OCLSTM_E_MEMORY, "program: %zu bytes", sizeof *p);
  (void)snprintf(p->key, sizeof p->key, "%s", key);
  p->program = from_disk(cl, key, options);
  p->on_disk = p->program != NULL;
  p->has_binary = cl->loops_take_assembly || !oclstm__has_assembly(build);
  if (p->program == NULL) {
    TRY(compile(cl, build->stem, options, &p->program, error));
  }
  oclstm__log(&cl->base.log, OCLSTM_LOG_DEBUG, "program %s [%s] %s", build->stem, options,
              p->on_disk ? "read from the cache" : "compiled");
  p->next = cl->programs;
  cl->programs = p;
  *added = p;
  p = NULL;
done:
  oclstm__free(&cl->base.allocator, p);
  return status;
}

/* ---- for the plan ---- */

oclstm_status oclstm__kernel_create(oclstm__cl *cl, const oclstm__build *build, const char *name,
                                    cl_kernel *kernel, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  cl_int cl_code = CL_SUCCESS;
  char options[OPTIONS_BYTES];
  char key[KEY_BYTES];
  write_options(cl, build, options, sizeof options);
  write_key(cl, build->stem, options, key);
  (void)pthread_mutex_lock(&cl->lock);
  oclstm__program *p = find_program(cl, key);
  if (p == NULL) {
    TRY(add_program(cl, build, options, key, &p, error));
  }
  CL_OUT(*kernel, clCreateKernel(p->program, name, &cl_code));
done:
  (void)pthread_mutex_unlock(&cl->lock);
  return status;
}

void oclstm__kernel_release(cl_kernel *kernel) {
  if (*kernel != NULL) {
    (void)clReleaseKernel(*kernel);
    *kernel = NULL;
  }
}

static bool save(const oclstm__cl *cl, const oclstm__program *p) {
  size_t bytes = 0;
  bool saved = false;
  if (clGetProgramInfo(p->program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) != CL_SUCCESS ||
      bytes == 0) {
    return false;
  }
  unsigned char *binary = oclstm__alloc(&cl->base.allocator, bytes, 1);
  if (binary != NULL &&
      clGetProgramInfo(p->program, CL_PROGRAM_BINARIES, sizeof binary, (void *)&binary, NULL) == CL_SUCCESS) {
    saved = oclstm__cache_store(cl, p->key, binary, bytes);
  }
  oclstm__free(&cl->base.allocator, binary);
  return saved;
}

void oclstm__programs_save(oclstm__cl *cl) {
  if (cl->cache_dir == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&cl->lock);
  for (oclstm__program *p = cl->programs; p != NULL; p = p->next) {
    p->on_disk = p->on_disk || (p->has_binary && save(cl, p));
  }
  (void)pthread_mutex_unlock(&cl->lock);
}

void oclstm__programs_release(oclstm__cl *cl) {
  while (cl->programs != NULL) {
    oclstm__program *p = cl->programs;
    cl->programs = p->next;
    (void)clReleaseProgram(p->program);
    oclstm__free(&cl->base.allocator, p);
  }
}
