/* What a step costs that exchanges words between all groups.
 * SPDX-License-Identifier: MIT */
#include "probe.h"

static const char *const KINDS[] = {"counter", "flags", "flag in the data"};
static const char *const ACCESSES[] = {"volatile", "atomic", "ptx"};

typedef struct course {
  cl_kernel kernel;
  int kind, access;
  cl_uint groups, words;
  size_t items;
} course;

/* Milliseconds of a launch of so many steps; report: groups that gave up, words that were wrong. */
static double run_steps(probe *p, const course *c, cl_uint steps, cl_uint report[2]) {
  /* Tenths of a second: a look is a way to the memory and back, or less on a CPU, which has it in its cache. */
  const cl_uint polls = !p->cpu ? 200u * 1000 : c->access == 1 ? 100u * 1000 * 1000 : 1000u * 1000 * 1000;
  const size_t word = c->kind == 2 ? sizeof(cl_ulong) : sizeof(cl_uint);
  cl_mem sync = probe_buffer(p, (64 + c->groups) * sizeof(cl_uint), NULL);
  cl_mem words = probe_buffer(p, 2 * word * c->groups * c->words, NULL);
  cl_mem told = probe_buffer(p, 2 * sizeof(cl_uint), NULL);
  const argument arguments[] = {{sizeof sync, &sync},   {sizeof words, &words}, {sizeof c->words, &c->words},
                                {sizeof steps, &steps}, {sizeof polls, &polls}, {sizeof told, &told}};
  double ms = -1.0;
  if (sync != NULL && words != NULL && told != NULL && probe_arguments(p, c->kernel, arguments, 6)) {
    ms = probe_run(p, c->kernel, c->groups, c->items);
    ms = probe_read(p, told, 2 * sizeof(cl_uint), report) ? ms : -1.0;
  }
  probe_release(sync);
  probe_release(words);
  probe_release(told);
  return ms;
}

/* Nanoseconds a step: what more steps take more, so that the launch itself does not count. The median of five. */
static void measure(probe *p, const course *c, json_t *row) {
  enum { RUNS = 5 };
  const cl_uint few = p->quick ? 10 : 200;
  const cl_uint many = p->quick ? 60 : 2200;
  double ns[RUNS];
  cl_uint gave_up = 0;
  cl_uint wrong = 0;
  const size_t runs = p->quick ? 1 : RUNS;
  for (size_t k = 0; k < runs; ++k) {
    cl_uint reports[2][2] = {{0}};
    double short_ms = run_steps(p, c, few, reports[0]);
    double long_ms = short_ms >= 0.0 && reports[0][0] == 0 ? run_steps(p, c, many, reports[1]) : -1.0;
    gave_up += reports[0][0] + reports[1][0];
    wrong += reports[0][1] + reports[1][1];
    if (long_ms < 0.0 || gave_up > 0) {
      json_object_set_new(row, "gave_up", json_integer(gave_up));
      fprintf(stderr, " gave up: %u groups\n", gave_up);
      return;
    }
    ns[k] = (long_ms - short_ms) * 1e6 / (many - few);
  }
  double median = probe_median(ns, runs);
  json_object_set_new(row, "gave_up", json_integer(0));
  json_object_set_new(row, "wrong_words", json_integer(wrong));
  json_object_set_new(row, "ns_per_step", json_real(median));
  json_object_set_new(row, "ns_least", json_real(ns[0])); /* sorted by now */
  fprintf(stderr, " %8.0f ns a step, wrong words %u\n", median, wrong);
}

static void over_sizes(probe *p, course *c, const json_t *build, json_t *rows) {
  static const cl_uint GROUPS[] = {16, 33, 66, 132, 264};
  static const cl_uint WORDS[] = {1, 32};
  const size_t n_groups = p->quick || p->cpu ? 1 : sizeof GROUPS / sizeof GROUPS[0];
  for (size_t g = 0; g < n_groups; ++g) {
    for (size_t w = 0; w < 2; ++w) {
      c->groups = p->quick || p->cpu ? (p->units > 1 ? 2 : 1) : GROUPS[g];
      c->words = WORDS[w];
      c->items = p->cpu ? 1 : 256;
      json_t *row =
          json_pack("{s:s, s:s, s:i, s:i, s:i}", "kind", KINDS[c->kind], "access", ACCESSES[c->access],
                    "groups", (int)c->groups, "items", (int)c->items, "words_a_group", (int)c->words);
      json_object_update(row, (json_t *)build);
      json_array_append_new(rows, row);
      fprintf(stderr, "  %-16s %-8s groups %3u words %2u ", KINDS[c->kind], ACCESSES[c->access], c->groups,
              c->words);
      if (c->kernel != NULL) {
        measure(p, c, row);
      } else {
        fprintf(stderr, " not measured\n");
      }
    }
  }
}

static void one_way(probe *p, int kind, int access, json_t *rows) {
  char options[96];
  json_t *build = json_object();
  course c = {.kind = kind, .access = access};
  cl_program program = NULL;
  snprintf(options, sizeof options, "-DKIND=%d -DACCESS=%d", kind, access);
  if (access == 2 && !p->nvidia) {
    json_object_set_new(build, "build", json_string("not NVIDIA"));
  } else {
    program = probe_build(p, "barrier", options, build);
    c.kernel = program != NULL ? probe_kernel(p, program, "barrier_steps") : NULL;
  }
  over_sizes(p, &c, build, rows);
  json_decref(build);
  if (c.kernel != NULL) {
    clReleaseKernel(c.kernel);
  }
  if (program != NULL) {
    clReleaseProgram(program);
  }
}

void ask_barrier(probe *p) {
  json_t *rows = json_array();
  json_object_set_new(p->answer, "steps", rows);
  for (int kind = 0; kind < 3; ++kind) {
    for (int access = 0; access < 3; ++access) {
      one_way(p, kind, access, rows);
    }
  }
}
