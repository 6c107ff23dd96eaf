/* Which inline PTX the driver takes, and whether it computes what its description says.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "probe.h"

enum { WORDS = 256 };

typedef struct trial {
  const char *name, *options;
  void (*fill)(cl_uint *in); /* small integers, random halves and the like */
  /* The greatest error; 0 where the numbers must be equal. Negative: not what it should be at all. */
  double (*compare)(const cl_uint *in, const cl_uint *out);
  double tolerance;
} trial;

static cl_uint bits_of(float value) {
  cl_uint bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float float_of(cl_uint bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Integers -8 .. 7 are exact in all three formats, and so are their sums. */
static int small_integer(unsigned *state) {
  return (int)(probe_random(state) % 16) - 8;
}

static cl_uint half_of_integer(int value) {
  cl_uint magnitude = (cl_uint)(value < 0 ? -value : value);
  cl_uint exponent = 0;
  while (magnitude >> (exponent + 1) != 0) {
    ++exponent;
  }
  cl_uint bits = magnitude == 0 ? 0 : ((15 + exponent) << 10) | (((magnitude << 10) >> exponent) & 0x3ffU);
  return bits | (value < 0 ? 0x8000U : 0);
}

static int integers[WORDS * 2]; /* what `in` was made of; one trial runs at a time */

static void fill_integers(cl_uint *in, int format) {
  unsigned state = 7;
  for (size_t k = 0; k < WORDS; ++k) {
    int low = integers[2 * k] = small_integer(&state);
    int high = integers[2 * k + 1] = small_integer(&state);
    in[k] = format == 16   ? half_of_integer(low) | half_of_integer(high) << 16
            : format == 17 ? bits_of((float)low) >> 16 | (bits_of((float)high) >> 16) << 16
                           : bits_of((float)low);
  }
}

static void fill_half(cl_uint *in) {
  fill_integers(in, 16);
}
static void fill_bfloat(cl_uint *in) {
  fill_integers(in, 17);
}
static void fill_tf32(cl_uint *in) {
  fill_integers(in, 32);
}

static void fill_words(cl_uint *in) {
  unsigned state = 3;
  for (size_t k = 0; k < WORDS; ++k) {
    in[k] = probe_random(&state);
  }
}

static void fill_floats(cl_uint *in) {
  for (size_t k = 0; k < WORDS; ++k) {
    in[k] = bits_of(((float)k - 100.0F) * 0.0371F);
  }
}

static void fill_quarters(cl_uint *in) {
  for (size_t k = 0; k < WORDS; ++k) {
    in[k] = bits_of((float)(k % 32) * 0.25F - 4.0F);
  }
}

/* D of 16 rows and 8 columns; element (m, k) of A is integer A[m*K + k] times `step`, where a word has one or two. */
static double compare_mma(const cl_uint *out, int K, int step) {
  const int *A = integers;
  const int *B = integers + 2 * 16 * 8;
  double worst = 0.0;
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 8; ++n) {
      int sum = 0;
      for (int k = 0; k < K; ++k) {
        sum += A[(m * K + k) * step] * B[(n * K + k) * step];
      }
      worst = fmax(worst, fabs((double)float_of(out[m * 8 + n]) - sum));
    }
  }
  return worst;
}

static double compare_mma_16(const cl_uint *in, const cl_uint *out) {
  (void)in;
  return compare_mma(out, 16, 1);
}
static double compare_mma_tf32(const cl_uint *in, const cl_uint *out) {
  (void)in;
  return compare_mma(out, 8, 2);
}

static double compare_equal(const cl_uint *in, const cl_uint *out) {
  return memcmp(in, out, 128 * sizeof *in) == 0 ? 0.0 : -1.0;
}

static double compare_shfl(const cl_uint *in, const cl_uint *out) {
  bool equal = true;
  for (size_t k = 0; k < 32; ++k) {
    equal = equal && out[k] == in[k ^ 1];
  }
  return equal ? 0.0 : -1.0;
}

static double compare_red(const cl_uint *in, const cl_uint *out) {
  cl_uint sum = 0;
  bool equal = true;
  for (size_t k = 0; k < 32; ++k) {
    sum += in[k];
  }
  for (size_t k = 0; k <= 32; ++k) {
    equal = equal && out[k] == sum;
  }
  return equal ? 0.0 : -1.0;
}

static cl_uint bfloat_of(cl_uint bits) {
  return (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
}

static double compare_bf16x2(const cl_uint *in, const cl_uint *out) {
  bool equal = true;
  for (size_t k = 0; k < 32; ++k) {
    equal = equal && out[k] == (bfloat_of(in[2 * k]) | bfloat_of(in[2 * k + 1]) << 16);
  }
  return equal ? 0.0 : -1.0;
}

static double compare_f16x2(const cl_uint *in, const cl_uint *out) {
  bool equal = true;
  for (size_t k = 0; k < 64;
       ++k) { /* quarters: four times the half of value / 4 is two more in the exponent */
    cl_uint four = half_of_integer((int)(float_of(in[k]) * 4.0F));
    cl_uint expected = (four & 0x7fffU) == 0 ? four : four - (2U << 10);
    cl_uint got = (out[k / 2] >> (k % 2 * 16)) & 0xffffU;
    equal = equal && (got == expected || ((got | expected) & 0x7fffU) == 0);
  }
  return equal ? 0.0 : -1.0;
}

static double compare_function(const cl_uint *in, const cl_uint *out, double (*f)(double)) {
  double worst = 0.0;
  for (size_t k = 0; k < 32; ++k) {
    worst = fmax(worst, fabs((double)float_of(out[k]) / f((double)float_of(in[k])) - 1.0));
  }
  return worst;
}

static double compare_tanh(const cl_uint *in, const cl_uint *out) {
  return compare_function(in, out, tanh);
}
static double compare_exp2(const cl_uint *in, const cl_uint *out) {
  return compare_function(in, out, exp2);
}
static double square_and_1(double x) {
  return x * x + 1.0;
}
static double compare_square(const cl_uint *in, const cl_uint *out) {
  return compare_function(in, out, square_and_1);
}

static double compare_ones(const cl_uint *in, const cl_uint *out) {
  (void)in;
  bool ones = true;
  for (size_t k = 0; k < 32; ++k) {
    ones = ones && out[k] == 1;
  }
  return ones ? 0.0 : -1.0;
}

static const trial TRIALS[] = {
    {"mma.sync.m16n8k16.f32.f16", "-DPTX_MMA_F16", fill_half, compare_mma_16, 0.0},
    {"mma.sync.m16n8k16.f32.bf16", "-DPTX_MMA_BF16", fill_bfloat, compare_mma_16, 0.0},
    {"mma.sync.m16n8k8.f32.tf32", "-DPTX_MMA_TF32", fill_tf32, compare_mma_tf32, 0.0},
    {"ldmatrix.x4", "-DPTX_LDMATRIX", fill_words, compare_equal, 0.0},
    {"cp.async.cg.16", "-DPTX_CP_ASYNC", fill_words, compare_equal, 0.0},
    {"cvt.rn.bf16x2.f32", "-DPTX_CVT_BF16X2", fill_floats, compare_bf16x2, 0.0},
    {"cvt.rn.f16x2.f32", "-DPTX_CVT_F16X2", fill_quarters, compare_f16x2, 0.0},
    {"tanh.approx.f32", "-DPTX_TANH", fill_floats, compare_tanh, 1e-3},
    {"ex2.approx.ftz.f32", "-DPTX_EX2", fill_floats, compare_exp2, 1e-6},
    {"shfl.sync.bfly", "-DPTX_SHFL", fill_words, compare_shfl, 0.0},
    {"red.release.gpu + ld.acquire.gpu", "-DPTX_RED_ACQUIRE", fill_words, compare_red, 0.0},
    {"ld.global.nc.L1::no_allocate", "-DPTX_LOAD_NC_256", fill_words, compare_equal, 0.0},
    {"%globaltimer + nanosleep", "-DPTX_TIMER", fill_words, compare_ones, 0.0},
    {"cp.async.bulk + mbarrier (sm_90)", "-DPTX_BULK_COPY", fill_words, compare_equal, 0.0},
    {"wgmma.fence (sm_90a)", "-DPTX_WGMMA_SM90A", fill_words, compare_ones, 0.0},
    {"setmaxnreg (sm_90a)", "-DPTX_SETMAXNREG_SM90A", fill_words, compare_ones, 0.0},
    {"half arithmetic in OpenCL C", "-DCL_HALF_ARITHMETIC", fill_quarters, compare_square, 2e-3},
};

static void run_trial(probe *p, const trial *t, cl_kernel kernel, json_t *where) {
  cl_uint in[WORDS];
  cl_uint out[WORDS] = {0};
  t->fill(in);
  cl_mem from = probe_buffer(p, sizeof in, in);
  cl_mem to = probe_buffer(p, sizeof out, NULL);
  bool ran = from != NULL && to != NULL &&
             probe_arguments(p, kernel, (argument[]){{sizeof from, &from}, {sizeof to, &to}}, 2) &&
             probe_run(p, kernel, 1, 32) >= 0.0 && probe_read(p, to, sizeof out, out);
  double error = ran ? t->compare(in, out) : -1.0;
  bool right = error >= 0.0 && error <= t->tolerance;
  json_object_set_new(where, "ran", json_boolean(ran));
  json_object_set_new(where, "right", json_boolean(right));
  if (ran && isfinite(error)) {
    json_object_set_new(where, "error", json_real(error));
  }
  fprintf(stderr, "  %-34s %s\n", t->name, !ran ? "does not run" : right ? "right" : "WRONG");
  probe_release(from);
  probe_release(to);
}

static void try_one(probe *p, const trial *t, json_t *where) {
  cl_program program = probe_build(p, "ptx", t->options, where);
  cl_kernel kernel = program != NULL ? probe_kernel(p, program, "ptx") : NULL;
  if (kernel == NULL) {
    fprintf(stderr, "  %-34s does not build\n", t->name);
  } else {
    run_trial(p, t, kernel, where);
    probe_keep_binary(p, program, t->options + 2, where);
    clReleaseKernel(kernel);
  }
  if (program != NULL) {
    clReleaseProgram(program);
  }
}

void ask_ptx(probe *p) {
  json_t *trials = json_object();
  json_object_set_new(p->answer, "trials", trials);
  for (size_t k = 0; k < sizeof TRIALS / sizeof TRIALS[0]; ++k) {
    json_t *where = json_object();
    json_object_set_new(trials, TRIALS[k].name, where);
    if (p->nvidia) {
      try_one(p, &TRIALS[k], where);
    } else {
      json_object_set_new(where, "build", json_string("not NVIDIA"));
    }
  }
}
