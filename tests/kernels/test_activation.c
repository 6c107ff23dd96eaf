/* The activations on a device, against double precision: tanh and sigmoid over every float, all that have arithmetic of
 * their own over some of each binade, at every vector width.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/cl.h"
#include "opencl/kernel_sources.h"
#include "reference/reference.h"
#include "support.h"

#define BOUND 4e-7 /* docs/cells.md */
enum { CHUNK = 1 << 19 };

static const char KERNEL[] =
    "__kernel void activations(__global const float *x, __global float *y, int kind, float alpha, float "
    "beta) {\n"
    "  size_t at = get_global_id(0) * VW;\n"
    "  STOREV(activated(kind, alpha, beta, LOADV(x + at)), y + at);\n"
    "}\n";

/* ---- a program of one vector width ---- */

typedef struct activations {
  unsigned VW;
  cl_program program;
  cl_kernel kernel;
  cl_mem x, y;
} activations;

static const oclstm__kernel_source *source(const char *stem) {
  const oclstm__kernel_source *s = oclstm__kernel_sources;
  while (strcmp(s->stem, stem) != 0) {
    ++s;
  }
  return s;
}

static void good(cl_int code, const char *call) {
  if (code != CL_SUCCESS) {
    fail_msg("%s: %s", call, oclstm__cl_code_name(code));
  }
}

static activations open_activations(unsigned VW, size_t n) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  activations a = {.VW = VW};
  const char *texts[] = {source("common")->text, source("activation")->text, KERNEL};
  char flags[64];
  cl_int code = CL_SUCCESS;
  (void)snprintf(flags, sizeof flags, "-cl-std=CL1.2 -DVW=%u", VW);
  a.program = clCreateProgramWithSource(cl->context, 3, texts, NULL, &code);
  good(code, "clCreateProgramWithSource");
  good(clBuildProgram(a.program, 1, &cl->device, flags, NULL, NULL), "clBuildProgram");
  a.kernel = clCreateKernel(a.program, "activations", &code);
  good(code, "clCreateKernel");
  a.x = clCreateBuffer(cl->context, CL_MEM_READ_ONLY, n * sizeof(float), NULL, &code);
  good(code, "clCreateBuffer");
  a.y = clCreateBuffer(cl->context, CL_MEM_WRITE_ONLY, n * sizeof(float), NULL, &code);
  good(code, "clCreateBuffer");
  return a;
}

static void close_activations(activations *a) {
  (void)clReleaseMemObject(a->x);
  (void)clReleaseMemObject(a->y);
  (void)clReleaseKernel(a->kernel);
  (void)clReleaseProgram(a->program);
}

static void give(const activations *a, const float *x, size_t n) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  good(clEnqueueWriteBuffer(cl->queue, a->x, CL_FALSE, 0, n * sizeof *x, x, 0, NULL, NULL), "write");
}

/* y of the n values that were given, a multiple of 16. */
static void take(const activations *a, oclstm_activation f, float *y, size_t n) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  const cl_int kind = (cl_int)f.kind;
  const size_t items = n / a->VW;
  good(clSetKernelArg(a->kernel, 0, sizeof a->x, &a->x), "x");
  good(clSetKernelArg(a->kernel, 1, sizeof a->y, &a->y), "y");
  good(clSetKernelArg(a->kernel, 2, sizeof kind, &kind), "kind");
  good(clSetKernelArg(a->kernel, 3, sizeof f.alpha, &f.alpha), "alpha");
  good(clSetKernelArg(a->kernel, 4, sizeof f.beta, &f.beta), "beta");
  good(clEnqueueNDRangeKernel(cl->queue, a->kernel, 1, NULL, &items, NULL, 0, NULL, NULL), "launch");
  good(clEnqueueReadBuffer(cl->queue, a->y, CL_TRUE, 0, n * sizeof *y, y, 0, NULL, NULL), "read");
}

/* ---- floats by their bits ---- */

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* ---- every float ---- */

static const oclstm_activation TANH = {OCLSTM_ACT_TANH, 0, 0}, SIGMOID = {OCLSTM_ACT_SIGMOID, 0, 0};

/* A chunk of floats x >= 0 of one binade: tanh and sigmoid of x and of -x, and what is expected. */
static struct {
  float x[CHUNK], minus_x[CHUNK];
  float tanh_x[CHUNK], tanh_minus[CHUNK], sigmoid_x[CHUNK], sigmoid_minus[CHUNK];
} all;

/* tanh and sigmoid of x >= 0 in double precision; outside of 2^-12 .. 32 by what the series leaves and by the limits. */
static void expect(double x, double *t, double *s) {
  if (x >= 32.0) {
    *t = *s = 1.0;
  } else if (x >= 0x1p-12) {
    *t = tanh(x);
    *s = 1.0 / (1.0 + exp(-x));
  } else {
    *t = x - x * x * x / 3.0;
    *s = 0.5 + x / 4.0;
  }
}

typedef struct errors {
  double tanh_most, tanh_relative, sigmoid_most;
  float tanh_at, sigmoid_at;
} errors;

static void compare_one(size_t k, errors *e) {
  double t, s;
  const double x = (double)all.x[k];
  expect(x, &t, &s);
  const double of_tanh = fabs((double)all.tanh_x[k] - t);
  const double of_sigmoid =
      fmax(fabs((double)all.sigmoid_x[k] - s), fabs((double)all.sigmoid_minus[k] - (1.0 - s)));
  if (!(of_tanh <= e->tanh_most)) {
    e->tanh_most = of_tanh;
    e->tanh_at = all.x[k];
  }
  if (!(of_sigmoid <= e->sigmoid_most)) {
    e->sigmoid_most = of_sigmoid;
    e->sigmoid_at = all.x[k];
  }
  if (of_tanh > e->tanh_relative * t) {
    e->tanh_relative = of_tanh / t;
  }
}

static bool is_nan_bits(uint32_t bits) {
  return (bits & 0x7fffffffU) > 0x7f800000U;
}

/* What holds exactly: tanh is odd, nothing leaves its interval, limits are limits, NaN is NaN. The first violation or CHUNK. */
static size_t exact_violation(void) {
  for (size_t k = 0; k < CHUNK; ++k) {
    const uint32_t x = bits_of(all.x[k]);
    const uint32_t t = bits_of(all.tanh_x[k]), s = bits_of(all.sigmoid_x[k]),
                   m = bits_of(all.sigmoid_minus[k]);
    const uint32_t one = 0x3f800000U, half = 0x3f000000U;
    bool fine;
    if (x > 0x7f800000U) {
      fine = is_nan_bits(t) && is_nan_bits(s) && is_nan_bits(m) && is_nan_bits(bits_of(all.tanh_minus[k]));
    } else if (x >= 0x42000000U) {
      fine = t == one && s == one && m == 0 && bits_of(all.tanh_minus[k]) == (t | 0x80000000U);
    } else {
      fine =
          t <= one && s >= half && s <= one && m <= half && bits_of(all.tanh_minus[k]) == (t | 0x80000000U);
    }
    if (!fine) {
      return k;
    }
  }
  return CHUNK;
}

static void run_chunk(const activations *a, uint32_t first, errors *e) {
  for (uint32_t k = 0; k < CHUNK; ++k) {
    all.x[k] = float_of(first + k);
    all.minus_x[k] = float_of((first + k) | 0x80000000U);
  }
  give(a, all.minus_x, CHUNK);
  take(a, TANH, all.tanh_minus, CHUNK);
  take(a, SIGMOID, all.sigmoid_minus, CHUNK);
  give(a, all.x, CHUNK);
  take(a, TANH, all.tanh_x, CHUNK);
  take(a, SIGMOID, all.sigmoid_x, CHUNK);
  const size_t k = exact_violation();
  if (k != CHUNK) {
    fail_msg("x = %a: tanh %a and, at -x, %a; sigmoid %a and %a", (double)all.x[k], (double)all.tanh_x[k],
             (double)all.tanh_minus[k], (double)all.sigmoid_x[k], (double)all.sigmoid_minus[k]);
  }
  for (size_t at = 0; first < 0x7f800000U && at < CHUNK; ++at) {
    compare_one(at, e);
  }
}

static void every_float(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  activations a = open_activations(cl->vector_width, CHUNK);
  errors e = {0};
  (void)unused;
  for (uint32_t first = 0; first < 0x80000000U; first += CHUNK) {
    run_chunk(&a, first, &e);
  }
  close_activations(&a);
  print_message("over all floats: tanh %.3g at %.9g, relative %.3g; sigmoid %.3g at +-%.9g\n", e.tanh_most,
                (double)e.tanh_at, e.tanh_relative, e.sigmoid_most, (double)e.sigmoid_at);
  assert_true(e.tanh_most <= BOUND && e.tanh_relative <= BOUND && e.sigmoid_most <= BOUND);
}

/* ---- some of each binade ---- */

enum { BINADES = 256, MOST_EACH = 1024 };

/* n floats of either sign: the first three and the last two of each binade, and others between; the last binade is Inf and
 * NaN. */
static size_t make_some(float *x, size_t each) {
  uint64_t seed = options.seed;
  size_t n = 0;
  for (uint32_t binade = 0; binade < BINADES; ++binade) {
    for (uint32_t k = 0; k < each; ++k) {
      uint32_t fraction = k < 3 ? k : k < 5 ? 0x7fffffU - (k - 3) : (uint32_t)(next_random(&seed) >> 41);
      x[n++] = float_of((binade << 23) | fraction);
      x[n++] = float_of((binade << 23) | fraction | 0x80000000U);
    }
  }
  return n;
}

static void assert_some(oclstm_activation f, const float *x, const float *y, size_t n, double bound) {
  double most = 0.0;
  for (size_t k = 0; k < n; ++k) {
    const double expected = oclstm__activate(f, (double)x[k]);
    const double error = fabs((double)y[k] - expected);
    const bool finite = isfinite(expected);
    const bool same = finite            ? error <= bound * fmax(1.0, fabs(expected))
                      : isnan(expected) ? isnan(y[k])
                                        : (double)y[k] == expected;
    if (!same) {
      fail_msg("activation %d at %.9g (%a) is %.9g, expected %.9g", (int)f.kind, (double)x[k], (double)x[k],
               (double)y[k], expected);
    }
    if (finite) {
      most = fmax(most, error / fmax(1.0, fabs(expected)));
    }
  }
  print_message("activation %d: error at most %.3g\n", (int)f.kind, most);
}

static void assert_same(oclstm_activation f, const float *x, const float *expected, const float *got,
                        size_t n, unsigned VW) {
  for (size_t k = 0; k < n; ++k) {
    if (bits_of(expected[k]) != bits_of(got[k]) && !(isnan(expected[k]) && isnan(got[k]))) {
      fail_msg("activation %d at %a is %a, and %a in vectors of %u", (int)f.kind, (double)x[k],
               (double)expected[k], (double)got[k], VW);
    }
  }
}

static void some_of_each_binade(void **unused) {
  static const struct {
    oclstm_activation f;
    double bound; /* relative to values beyond 1 */
  } TABLE[] = {
      {{OCLSTM_ACT_TANH, 0, 0}, BOUND},     {{OCLSTM_ACT_SIGMOID, 0, 0}, BOUND},
      {{OCLSTM_ACT_ELU, 1.0F, 0}, BOUND},   {{OCLSTM_ACT_SCALED_TANH, 2.0F, 0.5F}, BOUND},
      {{OCLSTM_ACT_SOFTSIGN, 0, 0}, BOUND}, {{OCLSTM_ACT_SOFTPLUS, 0, 0}, BOUND},
  };
  enum { KINDS = sizeof TABLE / sizeof TABLE[0], MOST = BINADES * MOST_EACH * 2 };
  static float x[MOST], y[MOST], scalar[KINDS][MOST];
  (void)unused;
  const size_t n = make_some(x, options.small ? 8 : MOST_EACH);
  for (unsigned VW = 1; VW <= 16; VW *= VW == 1 ? 4 : 2) {
    activations a = open_activations(VW, n);
    give(&a, x, n);
    for (size_t k = 0; k < KINDS; ++k) {
      take(&a, TABLE[k].f, VW == 1 ? scalar[k] : y, n);
      if (VW == 1) {
        assert_some(TABLE[k].f, x, scalar[k], n, TABLE[k].bound);
      } else {
        assert_same(TABLE[k].f, x, scalar[k], y, n, VW);
      }
    }
    close_activations(&a);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_float), cmocka_unit_test(some_of_each_binade)};
  read_options(argc, argv);
  return run_device_tests("kernels.activation", tests, sizeof tests / sizeof tests[0]);
}
