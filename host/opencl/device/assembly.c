/* Devices whose compiler cannot have inline assembly everywhere.
 *
 * PoCL 4 to 6 compare what a call calls with functions of their own. Those are NULL where a program does not mention them, and
 * so is the callee of inline assembly, which is then taken for one of them: an assertion in LLVM ends the process. Seen with 6.0,
 * not with 3.1 and 7.1. That happens where loops over the work-items of a group are made. So kernels of several work-items do
 * without assembly there; those of one keep it, but their binaries, which are made for any number of items, must not be asked
 * for. PoCL's own cache has the programs all the same.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/kernel_sources.h"
#include "opencl/device/program.h"

bool oclstm__loops_take_assembly(const oclstm_device_info *device) {
  const bool pocl = strcmp(device->platform, "Portable Computing Language") == 0;
  const long version = pocl ? strtol(device->driver, NULL, 10) : 0;
  return version < 4 || version > 6;
}

/* kernels/system.cl has it, and tiles of pairs. */
bool oclstm__has_assembly(const oclstm__build *build) {
  const oclstm__kernel_source *source = oclstm__find_kernel_source(build->stem);
  const oclstm__kernel_source *system = oclstm__find_kernel_source("system");
  bool found = build->PAIRED != 0;
  for (unsigned k = 0; k < source->n_texts; ++k) {
    found |= source->texts[k] == system->texts[system->n_texts - 1];
  }
  return found;
}
