/* The command line of every test that runs on a device.
 * SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

test_options options = {.device = "reference", .seed = 1};

static const char *const STRATEGIES[] = {"auto", "stepwise", "fused-step", "rows", "grid"};
static const char *const PRECISIONS[] = {"f32", "f16", "bf16"};
static const char *const GEMMS[] = {"auto", "clblast", "plain", "mma", "amx"};

static void usage(const char *program, const char *what, const char *value) {
  fprintf(stderr,
          "%s: %s %s\n"
          "  --device NAME    opencl:0:0, cpu, reference, ...; default reference\n"
          "  --strategy NAME  auto, stepwise, fused-step, rows, grid\n"
          "  --gemm NAME      auto, clblast, plain, mma, amx\n"
          "  --precision NAME f32, f16, bf16: of plans that do not say\n"
          "  --amx            AMX is there, emulated where the processor has none\n"
          "  --lanes N        the device is taken for a GPU; work-groups of N\n"
          "  --small          small shapes only\n"
          "  --seed N         of everything random; default 1\n"
          "  --cases FOLDER   of case files\n"
          "  --only PATTERN   of test or case names, * and ? stand for anything\n"
          "  --except PATTERN of those that are left out\n"
          "  --record FILE    what became of each case, for tests that read them\n",
          program, what, value);
  exit(2);
}

static unsigned choice(const char *program, const char *value, const char *const *names, unsigned n) {
  for (unsigned k = 0; k < n; ++k) {
    if (strcmp(value, names[k]) == 0) {
      return k;
    }
  }
  usage(program, "unknown choice", value);
  return 0;
}

static uint64_t number(const char *program, const char *value) {
  char *end = NULL;
  unsigned long long n = strtoull(value, &end, 10);
  if (end == value || *end != '\0') {
    usage(program, "not a number:", value);
  }
  return n;
}

void read_options(int argc, char **argv) {
  for (int k = 1; k < argc; ++k) {
    const char *name = argv[k];
    if (strcmp(name, "--small") == 0) {
      options.small = true;
      continue;
    }
    if (strcmp(name, "--amx") == 0) {
      options.amx = true;
      continue;
    }
    const char *value = k + 1 < argc ? argv[++k] : NULL;
    if (value == NULL) {
      usage(argv[0], "unknown, or without a value:", name);
    } else if (strcmp(name, "--device") == 0) {
      options.device = value;
    } else if (strcmp(name, "--strategy") == 0) {
      options.strategy = (oclstm_strategy)choice(argv[0], value, STRATEGIES, 5);
    } else if (strcmp(name, "--gemm") == 0) {
      options.gemm = (oclstm_gemm)choice(argv[0], value, GEMMS, 5);
    } else if (strcmp(name, "--lanes") == 0) {
      options.lanes = (size_t)number(argv[0], value);
    } else if (strcmp(name, "--precision") == 0) {
      options.precision = (oclstm_precision)choice(argv[0], value, PRECISIONS, 3);
    } else if (strcmp(name, "--seed") == 0) {
      options.seed = number(argv[0], value);
    } else if (strcmp(name, "--cases") == 0) {
      options.cases = value;
    } else if (strcmp(name, "--only") == 0) {
      options.only = value;
    } else if (strcmp(name, "--except") == 0) {
      options.except = value;
    } else if (strcmp(name, "--record") == 0) {
      options.record = value;
    } else {
      usage(argv[0], "unknown option", name);
    }
  }
  /* Narrower than what a registered test asks for: tests/mutation/run.py. */
  const char *one = getenv("OCLSTM_TEST_ONLY");
  options.only = one != NULL ? one : options.only;
  if (options.only != NULL) {
    cmocka_set_test_filter(options.only);
  }
  if (options.except != NULL) {
    cmocka_set_skip_filter(options.except);
  }
}

const char *option_text(void) {
  static char text[256];
  (void)snprintf(text, sizeof text, "--device %s --strategy %s --gemm %s --precision %s --seed %llu%s%s",
                 options.device, STRATEGIES[options.strategy], GEMMS[options.gemm],
                 PRECISIONS[options.precision], (unsigned long long)options.seed,
                 options.small ? " --small" : "", options.amx ? " --amx" : "");
  return text;
}

int run_device_tests(const char *group, const struct CMUnitTest *tests, size_t n) {
  size_t chosen = 0;
  for (size_t k = 0; k < n; ++k) {
    chosen += (options.only == NULL || fnmatch(options.only, tests[k].name, 0) == 0) &&
              (options.except == NULL || fnmatch(options.except, tests[k].name, 0) != 0);
  }
  if (chosen == 0) {
    print_error("%s: no test is named %s\n", group, options.only);
    return 1;
  }
  const struct CMUnitTest *wrapped = options.amx ? tests_under_amx(tests, n) : NULL;
  /* cmocka returns how many failed, and of a program's status only the lowest 8 bits arrive: 256 failures would pass. */
  int failed =
      _cmocka_run_group_tests(group, wrapped != NULL ? wrapped : tests, n, open_devices, close_devices);
  free((void *)wrapped);
  return failed != 0;
}
