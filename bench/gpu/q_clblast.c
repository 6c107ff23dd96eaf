/* CLBlast's product on the shapes of input projections, as delivered and with parameters of other GPUs.
 *
 * The library is opened at run time: a machine without it answers the other questions.
 * SPDX-License-Identifier: MIT */
#include <clblast_c.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

static struct {
  __typeof__(&CLBlastSgemm) sgemm;
  __typeof__(&CLBlastOverrideParameters) override_parameters;
} clblast;

enum { N_PARAMETERS = 16 };
static const char *PARAMETERS[N_PARAMETERS] = {"GEMMK", "KREG",  "KWG",   "KWI", "MDIMA", "MDIMC",
                                               "MWG",   "NDIMB", "NDIMC", "NWG", "SA",    "SB",
                                               "STRM",  "STRN",  "VWM",   "VWN"};
/* Of CLBlast's own table for other NVIDIA GPUs; the first row stands for no parameters. */
static const struct tuning {
  const char *name;
  size_t values[N_PARAMETERS];
} TUNINGS[] = {
    {"as delivered", {0}},
    {"a100", {0, 1, 32, 2, 8, 8, 32, 16, 16, 64, 1, 1, 0, 0, 4, 4}},
    {"rtx 4090", {0, 1, 32, 2, 32, 32, 128, 8, 8, 64, 0, 1, 1, 1, 4, 4}},
    {"sm 12.0", {0, 1, 32, 2, 16, 16, 64, 8, 8, 64, 1, 1, 0, 0, 4, 4}},
    {"128 by 128", {0, 1, 16, 2, 16, 16, 128, 16, 16, 128, 1, 1, 0, 0, 4, 4}},
};

static bool open_library(probe *p) {
  void *library = dlopen("libclblast.so.1", RTLD_NOW);
  if (library == NULL) {
    json_object_set_new(p->answer, "clblast", json_sprintf("not here: %s", dlerror()));
    return false;
  }
  *(void **)(&clblast.sgemm) = dlsym(library, "CLBlastSgemm");
  *(void **)(&clblast.override_parameters) = dlsym(library, "CLBlastOverrideParameters");
  return clblast.sgemm != NULL && clblast.override_parameters != NULL;
}

typedef struct product {
  size_t M, N, K;
  cl_mem A, W, C;
  float *a, *w;
} product;

static bool make_product(probe *p, product *x) {
  unsigned state = 5;
  x->a = malloc(x->M * x->K * sizeof *x->a);
  x->w = malloc(x->N * x->K * sizeof *x->w);
  for (size_t k = 0; x->a != NULL && k < x->M * x->K; ++k) {
    x->a[k] = (float)(probe_random(&state) % 2001) * 1e-3F - 1.0F;
  }
  for (size_t k = 0; x->w != NULL && k < x->N * x->K; ++k) {
    x->w[k] = (float)(probe_random(&state) % 2001) * 1e-3F - 1.0F;
  }
  x->A = x->a != NULL ? probe_buffer(p, x->M * x->K * sizeof *x->a, x->a) : NULL;
  x->W = x->w != NULL ? probe_buffer(p, x->N * x->K * sizeof *x->w, x->w) : NULL;
  x->C = probe_buffer(p, x->M * x->N * sizeof(float), NULL);
  return x->A != NULL && x->W != NULL && x->C != NULL;
}

static void free_product(product *x) {
  probe_release(x->A);
  probe_release(x->W);
  probe_release(x->C);
  free(x->a);
  free(x->w);
}

/* Milliseconds of one call within a row of calls; negative: the code it returned. */
static double time_product(probe *p, product *x) {
  const int calls = p->quick ? 1 : 10;
  double best = 0.0;
  for (int run = 0; run < (p->quick ? 2 : 4); ++run) { /* the first compiles */
    double start = probe_now();
    for (int k = 0; k < calls; ++k) {
      CLBlastStatusCode code =
          clblast.sgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, x->M, x->N, x->K,
                        1.0F, x->A, 0, x->K, x->W, 0, x->K, 0.0F, x->C, 0, x->N, &p->queue, NULL);
      if (code != CLBlastSuccess) {
        return (double)code;
      }
    }
    if (!OK(clFinish(p->queue))) {
      return -1.0;
    }
    double ms = (probe_now() - start) * 1e3 / calls;
    best = run == 0 || ms < best ? ms : best;
  }
  return best;
}

/* The greatest error of some elements, over the sum of what was added up. */
static double error_of(probe *p, const product *x) {
  unsigned state = 9;
  double worst = 0.0;
  float *c = malloc(x->M * x->N * sizeof *c);
  if (c == NULL || !probe_read(p, x->C, x->M * x->N * sizeof *c, c)) {
    free(c);
    return -1.0;
  }
  for (int trial = 0; trial < 64; ++trial) {
    size_t m = probe_random(&state) % x->M;
    size_t n = probe_random(&state) % x->N;
    double sum = 0.0;
    double magnitude = 1e-30;
    for (size_t k = 0; k < x->K; ++k) {
      double term = (double)x->a[m * x->K + k] * (double)x->w[n * x->K + k];
      sum += term;
      magnitude += fabs(term);
    }
    worst = fmax(worst, fabs((double)c[m * x->N + n] - sum) / magnitude);
  }
  free(c);
  return worst;
}

static void measure(probe *p, const char *tuning, size_t M, size_t H, json_t *rows) {
  product x = {.M = M, .N = 4 * H, .K = H};
  if (make_product(p, &x)) {
    double ms = time_product(p, &x);
    json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:f}", "parameters", tuning, "M", (json_int_t)x.M, "N",
                            (json_int_t)x.N, "K", (json_int_t)x.K, "ms", ms);
    json_array_append_new(rows, row);
    if (ms > 0.0) {
      double gflops = 2.0 * (double)x.M * (double)x.N * (double)x.K / ms * 1e-6;
      json_object_set_new(row, "gflops", json_real(gflops));
      json_object_set_new(row, "error", json_real(error_of(p, &x)));
      fprintf(stderr, "  %-14s M %5zu N %5zu K %5zu %9.3f ms %9.1f GFLOP/s\n", tuning, x.M, x.N, x.K, ms,
              gflops);
    }
  }
  free_product(&x);
}

void ask_clblast(probe *p) {
  static const size_t ROWS[] = {256, 2048, 16384};
  static const size_t UNITS[] = {256, 512, 1024};
  json_t *rows = json_array();
  json_object_set_new(p->answer, "products", rows);
  if (!open_library(p)) {
    return;
  }
  const size_t n_tunings = p->quick || p->cpu ? 1 : sizeof TUNINGS / sizeof TUNINGS[0];
  for (size_t t = 0; t < n_tunings; ++t) {
    CLBlastStatusCode code = t == 0
                                 ? CLBlastSuccess
                                 : clblast.override_parameters(p->device, "Xgemm", CLBlastPrecisionSingle,
                                                               N_PARAMETERS, PARAMETERS, TUNINGS[t].values);
    if (code != CLBlastSuccess) {
      json_array_append_new(rows,
                            json_pack("{s:s, s:i}", "parameters", TUNINGS[t].name, "override", (int)code));
      continue;
    }
    for (size_t h = 0; h < (p->quick ? 1 : 3); ++h) {
      for (size_t m = 0; m < (p->quick || p->cpu ? 1 : 3); ++m) {
        measure(p, TUNINGS[t].name, p->quick ? 64 : ROWS[m], p->quick ? 16 : UNITS[h], rows);
      }
    }
  }
}
