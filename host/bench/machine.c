/* What the figures were measured on.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

double bench_now(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The first line of a small file, without its newline; empty when there is none. */
static void read_line(const char *path, char *line, size_t bytes) {
  FILE *file = fopen(path, "r");
  line[0] = '\0';
  if (file != NULL) {
    if (fgets(line, (int)bytes, file) == NULL) {
      line[0] = '\0';
    }
    (void)fclose(file);
  }
  line[strcspn(line, "\n")] = '\0';
}

/* What /proc/cpuinfo says of the first processor. */
static void read_cpu(bench_machine *machine) {
  char line[4096];
  FILE *file = fopen("/proc/cpuinfo", "r");
  (void)snprintf(machine->cpu, sizeof machine->cpu, "unknown");
  while (file != NULL && fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
    const char *value = strchr(line, ':');
    line[strcspn(line, "\n")] = '\0';
    if (value != NULL && strncmp(line, "model name", 10) == 0) {
      (void)snprintf(machine->cpu, sizeof machine->cpu, "%.200s", value + 1 + (value[1] == ' '));
    }
    if (value != NULL && strncmp(line, "flags", 5) == 0) {
      machine->amx = strstr(value, "amx_bf16") != NULL;
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

/* The data caches that the first processor sees; a virtual machine's may be shared with others. */
static void read_caches(bench_machine *machine) {
  for (int index = 0; index < 8; ++index) {
    char path[96], level[16], type[16], size[16];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
    read_line(path, level, sizeof level);
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", index);
    read_line(path, type, sizeof type);
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    read_line(path, size, sizeof size);
    long of_level = strtol(level, NULL, 10);
    if (of_level >= 1 && of_level <= 3 && strcmp(type, "Instruction") != 0) {
      char *unit = size;
      uint64_t bytes = strtoull(size, &unit, 10);
      machine->cache_bytes[of_level - 1] = bytes << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
    }
  }
}

bench_machine bench_machine_here(void) {
  bench_machine machine = {.processors = 1};
  struct utsname system;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  machine.processors = processors > 0 ? (unsigned)processors : 1;
  read_cpu(&machine);
  read_caches(&machine);
  if (uname(&system) == 0) {
    (void)snprintf(machine.system, sizeof machine.system, "%.60s %.100s %.40s", system.sysname,
                   system.release, system.machine);
  }
#if defined(__clang__)
  (void)snprintf(machine.compiler, sizeof machine.compiler, "%s", __VERSION__);
#elif defined(__GNUC__)
  (void)snprintf(machine.compiler, sizeof machine.compiler, "gcc %s", __VERSION__);
#endif
  return machine;
}

uint64_t bench_resident_bytes(void) {
  char line[128];
  char *end = line;
  read_line("/proc/self/statm", line, sizeof line);
  (void)strtoull(line, &end, 10);
  long page = sysconf(_SC_PAGESIZE);
  return page > 0 ? strtoull(end, NULL, 10) * (uint64_t)page : 0;
}
