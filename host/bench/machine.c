/* What the figures were measured on.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
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

/* Takes a number off *text; false where there is none. */
static bool take_number(const char **text, unsigned long *number) {
  char *end = NULL;
  if (!isdigit((unsigned char)**text)) {
    return false;
  }
  *number = strtoul(*text, &end, 10);
  *text = end;
  return true;
}

size_t bench_count_processors(const char *list) {
  size_t count = 0;
  for (;; ++list) {
    unsigned long first = 0, last = 0;
    if (!take_number(&list, &first)) {
      return 0;
    }
    last = first;
    if (*list == '-') {
      ++list;
      if (!take_number(&list, &last) || last < first) {
        return 0;
      }
    }
    count += last - first + 1;
    if (*list != ',') {
      return *list == '\0' ? count : 0;
    }
  }
}

/* Those that this process may run on, which `taskset` and the like restrict; without /proc, those there are. */
static unsigned read_processors(void) {
  static const char NAME[] = "Cpus_allowed_list:";
  char line[1024] = "";
  size_t allowed = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && allowed == 0 && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, NAME, sizeof NAME - 1) == 0) {
      line[strcspn(line, "\n")] = '\0';
      allowed = bench_count_processors(line + sizeof NAME - 1 + strspn(line + sizeof NAME - 1, " \t"));
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  const long there = sysconf(_SC_NPROCESSORS_ONLN);
  return allowed > 0 ? (unsigned)allowed : there > 0 ? (unsigned)there : 1;
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

static void read_cache(int index, const char *what, char *line, size_t bytes) {
  char path[96];
  (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, what);
  read_line(path, line, bytes);
}

/* The data caches that the first processor sees; a virtual machine's may be shared with others. */
static void read_caches(bench_machine *machine) {
  for (int index = 0; index < 8; ++index) {
    char level[16], type[16], size[16], shared[256];
    read_cache(index, "level", level, sizeof level);
    read_cache(index, "type", type, sizeof type);
    read_cache(index, "size", size, sizeof size);
    read_cache(index, "shared_cpu_list", shared, sizeof shared);
    long of_level = strtol(level, NULL, 10);
    if (of_level >= 1 && of_level <= 3 && strcmp(type, "Instruction") != 0) {
      char *unit = size;
      uint64_t bytes = strtoull(size, &unit, 10);
      machine->cache_bytes[of_level - 1] = bytes << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
      machine->cache_shared[of_level - 1] = bench_count_processors(shared);
    }
  }
}

bench_machine bench_machine_here(void) {
  bench_machine machine = {.processors = read_processors()};
  struct utsname system;
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

uint64_t bench_all_caches(const bench_machine *machine, size_t level) {
  const size_t shared = machine->cache_shared[level] > 0 ? machine->cache_shared[level] : 1;
  return machine->cache_bytes[level] * ((machine->processors + shared - 1) / shared);
}

uint64_t bench_resident_bytes(void) {
  char line[128];
  char *end = line;
  read_line("/proc/self/statm", line, sizeof line);
  (void)strtoull(line, &end, 10);
  long page = sysconf(_SC_PAGESIZE);
  return page > 0 ? strtoull(end, NULL, 10) * (uint64_t)page : 0;
}
