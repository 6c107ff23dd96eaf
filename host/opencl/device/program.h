/* Programs: compiled once per set of options and context, kept on disk between processes.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_OPENCL_PROGRAM_H
#define OCLSTM_OPENCL_PROGRAM_H

#include <stdio.h>

#include "opencl/device/cl.h"

/* What a kernel file is specialised by; see kernels/common.cl and tile.cl for the meanings. 0: the file's default. */
typedef struct oclstm__build {
  const char *stem; /* "gemm": kernels/gemm.cl */
  unsigned VW, ROWS, LANES, VECTORS, PANELS, PAIRED, STORAGE, CELLS;
  unsigned SECOND, SECOND_VECTORS, SECOND_PANELS, INPUT, INPUT_ROWS, INPUT_PANELS, LOW_ROWS;
  const char *cell; /* more options: those of opencl/cell.h, KERNELS of kernels/rows.cl; NULL for none */
} oclstm__build;

/* A kernel of a program, which is compiled, taken from disk or from this context. Kernels hold arguments: each belongs
 * to one plan. */
oclstm_status oclstm__kernel_create(oclstm__cl *cl, const oclstm__build *build, const char *name,
                                    cl_kernel *kernel, oclstm_error *error);
void oclstm__kernel_release(cl_kernel *kernel);
/* Writes programs that are new to the folder. Called when every kernel of a plan has run once: some drivers finish
 * compiling only then. Failing is no error: the program is compiled again next time. Without those whose
 * binary must not be asked for. */
void oclstm__programs_save(oclstm__cl *cl);
void oclstm__programs_release(oclstm__cl *cl);

/* ---- assembly.c ---- */

/* Whether kernels of several work-items may have inline assembly, and programs with it be asked for their binaries. */
bool oclstm__loops_take_assembly(const oclstm_device_info *device);
bool oclstm__has_assembly(const oclstm__build *build);

/* ---- program_cache.c: one file a program ---- */

/* The folder is ours alone, made if it is not there (its parent must be). Says why not to the log. */
bool oclstm__cache_dir_usable(const char *dir, const oclstm_log *log);
/* The binary kept for key, or NULL; *bytes receives its size. Freed with oclstm__free. */
unsigned char *oclstm__cache_load(const oclstm__cl *cl, const char *key, size_t *bytes);
/* A file of the folder for reading, or NULL. What is no file, like a pipe that nobody writes to, does not make anybody wait. */
FILE *oclstm__cache_open(const char *path);
bool oclstm__cache_store(const oclstm__cl *cl, const char *key, const unsigned char *binary, size_t bytes);

#endif
