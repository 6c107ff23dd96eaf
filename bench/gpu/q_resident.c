/* Microseconds a step of the recurrence with resident weights, and whether its first steps are right.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

enum { WARPS = 8, LOOKS = 200 * 1000, LOOKS_CPU = 100 * 1000 * 1000, CHECKED = 2, MOST_STEPS = 1100 };

typedef struct shape {
  int mt, ks, nt;
  size_t units, groups, H, B, pairs, chunks;
} shape;

typedef struct network {
  float *W, *gx, *h; /* [4 H][H] and [B][H] as bf16 holds them; [CHECKED][4 H][B] */
} network;

static cl_ushort bfloat_bits(float value) {
  cl_uint bits;
  memcpy(&bits, &value, sizeof bits);
  return (cl_ushort)((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

static float bfloat_value(cl_ushort stored) {
  cl_uint bits = (cl_uint)stored << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static shape shape_of(int mt, int ks, int nt) {
  shape s = {.mt = mt, .ks = ks, .nt = nt};
  s.units = 4 * (size_t)mt;
  s.H = 256 * (size_t)ks;
  s.groups = s.H / s.units;
  s.B = 8 * (size_t)nt;
  s.pairs = s.units * 16;
  s.chunks = (size_t)nt / 2;
  return s;
}

static float *random_values(size_t n, float scale, bool stored, unsigned *state) {
  float *to = malloc(n * sizeof *to);
  for (size_t k = 0; to != NULL && k < n; ++k) {
    float value = ((float)(probe_random(state) % 65536) / 32768.0F - 1.0F) * scale;
    to[k] = stored ? bfloat_value(bfloat_bits(value)) : value;
  }
  return to;
}

/* ---- where things lie: resident.cl ---- */

static cl_ushort *pack_W(const shape *s, const float *W) {
  cl_ushort *packed = malloc(4 * s->H * s->H * sizeof *packed);
  size_t at = 0;
  for (size_t f = 0; packed != NULL && f < s->H * s->H / 2;
       f += 32) { /* a fragment of 32 lanes by 8 elements */
    size_t fragment = f / 32;
    size_t half = fragment % 2;
    size_t ks = fragment / 2 % (size_t)s->ks;
    size_t m = fragment / 2 / (size_t)s->ks % (size_t)s->mt;
    size_t warp = fragment / 2 / (size_t)(s->ks * s->mt) % WARPS;
    size_t group = fragment / 2 / (size_t)(s->ks * s->mt) / WARPS;
    for (size_t lane = 0; lane < 32; ++lane) {
      for (size_t e = 0; e < 8; ++e) {
        size_t row = m * 16 + lane / 4 + e / 2 % 2 * 8;
        size_t k = (warp * (size_t)s->ks + ks) * 32 + half * 16 + lane % 4 * 2 + e / 4 * 8 + e % 2;
        packed[at++] = bfloat_bits(W[(row / s->units * s->H + group * s->units + row % s->units) * s->H + k]);
      }
    }
  }
  return packed;
}

static size_t place_of_h(const shape *s, size_t b, size_t k) {
  return ((b / 8 * (8 * (size_t)s->ks) + k / 32) * 32 + b % 8 * 4 + k % 8 / 2) * 8 + k % 32 / 8 * 2 + k % 2;
}

/* Of gate 0 .. 3 (gx), or of 1 gate (y). */
static size_t place_of_row(const shape *s, size_t t, size_t gates, size_t gate, size_t unit, size_t b) {
  size_t chunk = (t * s->groups + unit / s->units) * s->chunks + b / 16;
  return (chunk * gates + gate) * s->pairs + unit % s->units * 16 + b % 16;
}

/* ---- the reference ---- */

/* One step of all rows; h becomes what the device stores. */
static void step(const shape *s, const network *net, size_t t, float *h, double *c) {
  float *next = malloc(s->B * s->H * sizeof *next);
  for (size_t b = 0; next != NULL && b < s->B; ++b) {
    for (size_t unit = 0; unit < s->H; ++unit) {
      double gate[4];
      for (size_t g = 0; g < 4; ++g) {
        const float *row = net->W + (g * s->H + unit) * s->H;
        double sum = (double)net->gx[((t * 4 + g) * s->H + unit) * s->B + b];
        for (size_t k = 0; k < s->H; ++k) {
          sum += (double)row[k] * (double)h[b * s->H + k];
        }
        gate[g] = g == 2 ? tanh(sum) : 1.0 / (1.0 + exp(-sum));
      }
      double *own = &c[b * s->H + unit];
      *own = gate[1] * *own + gate[0] * gate[2];
      next[b * s->H + unit] = bfloat_value(bfloat_bits((float)(gate[3] * tanh(*own))));
    }
  }
  if (next != NULL) {
    memcpy(h, next, s->B * s->H * sizeof *h);
  }
  free(next);
}

/* The greatest difference to what the device made of the first steps. */
static double difference(const shape *s, const network *net, const cl_ushort *y) {
  double worst = 0.0;
  double *c = calloc(s->B * s->H, sizeof *c);
  for (size_t t = 0; c != NULL && t < CHECKED; ++t) {
    step(s, net, t, net->h, c);
    for (size_t b = 0; b < s->B; ++b) {
      for (size_t unit = 0; unit < s->H; ++unit) {
        double got = (double)bfloat_value(y[place_of_row(s, t, 1, 0, unit, b)]);
        worst = fmax(worst, fabs(got - (double)net->h[b * s->H + unit]));
      }
    }
  }
  free(c);
  return worst;
}

/* ---- on the device ---- */

typedef struct buffers {
  cl_mem W, gx, h, y, flags, gave_up;
} buffers;

static double run(probe *p, cl_kernel kernel, const shape *s, const buffers *d, cl_int steps,
                  cl_uint *gave_up) {
  const cl_uint polls = p->cpu ? LOOKS_CPU : LOOKS;
  const cl_uint zeros[256] = {0};
  const argument arguments[] = {{sizeof d->W, &d->W},         {sizeof d->gx, &d->gx},
                                {sizeof d->h, &d->h},         {sizeof d->y, &d->y},
                                {sizeof d->flags, &d->flags}, {sizeof d->gave_up, &d->gave_up},
                                {sizeof steps, &steps},       {sizeof polls, &polls}};
  bool ready = probe_write(p, d->flags, s->groups * sizeof(cl_uint), zeros) &&
               probe_arguments(p, kernel, arguments, 8);
  double ms = ready ? probe_run(p, kernel, s->groups, 256) : -1.0;
  return ready && probe_read(p, d->gave_up, sizeof *gave_up, gave_up) ? ms : -1.0;
}

static void measure(probe *p, cl_kernel kernel, const shape *s, const network *net, const buffers *d,
                    json_t *row) {
  enum { RUNS = 5 };
  const cl_int few_steps = p->nvidia ? 100 : 1;
  const cl_int many_steps = p->nvidia ? MOST_STEPS : 3;
  const size_t n = CHECKED * s->B * s->H;
  cl_uint gave_up = 0;
  double us[RUNS];
  cl_ushort *y = calloc(n, sizeof *y);
  if (y == NULL || run(p, kernel, s, d, CHECKED, &gave_up) < 0.0 || !probe_read(p, d->y, n * sizeof *y, y)) {
    free(y);
    return;
  }
  json_object_set_new(row, "difference", json_real(gave_up == 0 ? difference(s, net, y) : -1.0));
  free(y);
  for (size_t k = 0; k < RUNS && gave_up == 0; ++k) {
    double few = run(p, kernel, s, d, few_steps, &gave_up);
    double many = run(p, kernel, s, d, many_steps, &gave_up);
    us[k] = (many - few) * 1e3 / (many_steps - few_steps);
  }
  json_object_set_new(row, "gave_up", json_integer(gave_up));
  if (gave_up == 0) {
    json_object_set_new(row, "us_per_step", json_real(probe_median(us, RUNS)));
    fprintf(stderr, "  H %4zu B %2zu groups %3zu %8.3f us a step, difference %.4f\n", s->H, s->B, s->groups,
            us[RUNS / 2], json_real_value(json_object_get(row, "difference")));
  }
}

static void with_buffers(probe *p, cl_kernel kernel, const shape *s, const network *net, json_t *row) {
  const size_t h_elements = s->B * s->H;
  const size_t steps = p->nvidia ? MOST_STEPS : 4;
  const size_t gx_elements = steps * 4 * h_elements;
  cl_ushort *W = pack_W(s, net->W);
  cl_ushort *h = calloc(2 * h_elements, sizeof *h);
  float *gx = calloc(gx_elements, sizeof *gx);
  for (size_t k = 0; h != NULL && k < h_elements; ++k) {
    h[place_of_h(s, k / s->H, k % s->H)] = bfloat_bits(net->h[k]);
  }
  for (size_t k = 0; gx != NULL && k < gx_elements; ++k) { /* the checked steps again and again */
    size_t t = k / (4 * h_elements);
    size_t rest = k % (4 * h_elements);
    size_t gate = rest / h_elements;
    size_t unit = rest % h_elements / s->B;
    gx[place_of_row(s, t, 4, gate, unit, rest % s->B)] = net->gx[t % CHECKED * 4 * h_elements + rest];
  }
  if (W != NULL && h != NULL && gx != NULL) {
    const buffers d = {probe_buffer(p, 8 * s->H * s->H, W),
                       probe_buffer(p, gx_elements * sizeof *gx, gx),
                       probe_buffer(p, 2 * h_elements * sizeof *h, h),
                       probe_buffer(p, steps * h_elements * sizeof *h, NULL),
                       probe_buffer(p, 256 * sizeof(cl_uint), NULL),
                       probe_buffer(p, sizeof(cl_uint), NULL)};
    const cl_mem all[] = {d.W, d.gx, d.h, d.y, d.flags, d.gave_up};
    if (d.W != NULL && d.gx != NULL && d.h != NULL && d.y != NULL && d.flags != NULL && d.gave_up != NULL) {
      measure(p, kernel, s, net, &d, row);
    }
    for (size_t k = 0; k < sizeof all / sizeof all[0]; ++k) {
      probe_release(all[k]);
    }
  }
  free(W);
  free(h);
  free(gx);
}

static void one_shape(probe *p, const shape *s, json_t *row) {
  char options[96];
  unsigned state = 21;
  snprintf(options, sizeof options, "-DPTX=%d -DMT=%d -DKS=%d -DNT=%d", p->nvidia, s->mt, s->ks, s->nt);
  cl_program program = probe_build(p, "resident", options, row);
  cl_kernel kernel = program != NULL ? probe_kernel(p, program, "resident") : NULL;
  const network net = {random_values(4 * s->H * s->H, 1.0F / sqrtf((float)s->H), true, &state),
                       random_values(CHECKED * 4 * s->H * s->B, 1.0F, false, &state),
                       random_values(s->B * s->H, 0.5F, true, &state)};
  if (kernel != NULL && net.W != NULL && net.gx != NULL && net.h != NULL) {
    with_buffers(p, kernel, s, &net, row);
  }
  free(net.W);
  free(net.gx);
  free(net.h);
  if (kernel != NULL) {
    clReleaseKernel(kernel);
  }
  if (program != NULL) {
    clReleaseProgram(program);
  }
}

void ask_resident(probe *p) {
  /* Groups are H / (4 MT): a CPU gets one large one, for the plain twin (docs/gpu.md says what two of them did). */
  static const int SHAPES[][3] = {{1, 1, 2}, {2, 2, 2}, {2, 2, 4}, {4, 2, 4}, {2, 4, 2},
                                  {2, 4, 4}, {2, 4, 8}, {4, 4, 4}, {3, 6, 4}};
  static const int TWINS[][3] = {{64, 1, 2}, {64, 1, 4}};
  const size_t n = p->nvidia ? sizeof SHAPES / sizeof SHAPES[0] : sizeof TWINS / sizeof TWINS[0];
  json_t *rows = json_array();
  json_object_set_new(p->answer, "shapes", rows);
  for (size_t k = 0; k < n; ++k) {
    const int *given = p->nvidia ? SHAPES[k] : TWINS[k];
    const shape s = shape_of(given[0], given[1], given[2]);
    json_t *row = json_pack("{s:I, s:I, s:I}", "H", (json_int_t)s.H, "B", (json_int_t)s.B, "groups",
                            (json_int_t)s.groups);
    json_array_append_new(rows, row);
    if (s.groups > p->units) {
      json_object_set_new(row, "build", json_string("more groups than compute units"));
    } else if (WARPS * s.units * 4 * 16 * sizeof(float) + WARPS * 32 * 7 * sizeof(float) > p->local_bytes) {
      json_object_set_new(row, "build", json_string("too little local memory"));
    } else {
      one_shape(p, &s, row);
    }
  }
}
