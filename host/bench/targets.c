/* The figures this project wants to reach, as time ratios, and whether a run reached them.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

typedef enum judged {
  EACH,     /* the worst of the shapes decides */
  GEOMETRIC /* the geometric mean of the list's shapes */
} judged;

enum { MOST_SHAPES = 6 };

/* The numerator is our column of `precision`, the denominator the column that `against` and `peer_precision` name: "ours",
 * "onednn", or the name that a peer gave itself; or, with `other`, our own column at another shape, per valid step. */
typedef struct target {
  const char *text;
  double wanted;
  judged judged;
  oclstm_precision precision;
  const char *against;
  oclstm_precision peer_precision;
  const char *list;
  bool amx;         /* wants a processor that has it */
  oclstm_gemm gemm; /* of ours, where it is not AUTO's choice */
  bool flat;        /* memory must not grow */
  struct {
    uint64_t T;
    size_t B, H;
    bench_rows rows;
    uint64_t other_T; /* 0: none */
    bench_rows other_rows;
  } shapes[MOST_SHAPES];
} target;

#define AT(T_, B_, H_) \
  { .T = (T_), .B = (B_), .H = (H_) }
/* The last two: the other shape. */
#define PAIR(T_, B_, H_, rows_, other_T_, other_rows_) \
  { .T = (T_), .B = (B_), .H = (H_), .rows = (rows_), .other_T = (other_T_), .other_rows = (other_rows_) }
#define ON_AMX \
  { AT(100, 32, 512), AT(100, 64, 512), AT(100, 32, 1024), AT(100, 64, 1024) }
#define LIST(name, peer, text_, wanted_) \
  { .text = (text_), .wanted = (wanted_), .judged = GEOMETRIC, .against = (peer), .list = (name) }

static const target TARGETS[] = {
    {.text = "T 100: B 64, H 512 and 1024; B 128 and 32, H 256; oneDNN f32",
     .wanted = 1.05,
     .against = "onednn",
     .shapes = {AT(100, 64, 512), AT(100, 64, 1024), AT(100, 128, 256), AT(100, 32, 256)}},
    {.text = "T 100: B 8 and 16, H 256 and 512; oneDNN f32",
     .wanted = 0.85,
     .against = "onednn",
     .shapes = {AT(100, 8, 256), AT(100, 8, 512), AT(100, 16, 256), AT(100, 16, 512)}},
    {.text = "B 1, T 1000: H 512 and 1024; oneDNN f32",
     .wanted = 0.5,
     .against = "onednn",
     .shapes = {AT(1000, 1, 512), AT(1000, 1, 1024)}},
    {.text = "B 1, T 1000: H 512 and 1024, f16 storage; oneDNN f32",
     .wanted = 0.3,
     .precision = OCLSTM_PRECISION_F16,
     .against = "onednn",
     .shapes = {AT(1000, 1, 512), AT(1000, 1, 1024)}},
    {.text = "B 1, T 1000: H 64, 128 and 256; oneDNN f32",
     .wanted = 0.7,
     .against = "onednn",
     .shapes = {AT(1000, 1, 64), AT(1000, 1, 128), AT(1000, 1, 256)}},
    LIST("deepbench-inference", "onednn", "deepbench-inference, geometric mean; oneDNN f32", 0.6),
    LIST("deepbench-training", "onednn", "deepbench-training, geometric mean; oneDNN f32", 1.0),
    LIST("deepbench-inference", "pytorch", "deepbench-inference, geometric mean; PyTorch", 0.6),
    LIST("deepbench-training", "pytorch", "deepbench-training, geometric mean; PyTorch", 0.8),
    LIST("deepbench-inference", "onnxruntime", "deepbench-inference, geometric mean; ONNX Runtime", 0.6),
    LIST("deepbench-training", "onnxruntime", "deepbench-training, geometric mean; ONNX Runtime", 0.8),
    {.text = "AMX, T 100: B 32 and 64, H 512 and 1024, bf16; ours in f32",
     .wanted = 0.35,
     .precision = OCLSTM_PRECISION_BF16,
     .against = "ours",
     .amx = true,
     .shapes = ON_AMX},
    {.text = "AMX, T 100: B 32 and 64, H 512 and 1024, bf16; oneDNN bf16",
     .wanted = 1.0,
     .precision = OCLSTM_PRECISION_BF16,
     .against = "onednn",
     .peer_precision = OCLSTM_PRECISION_BF16,
     .amx = true,
     .shapes = ON_AMX},
    {.text = "AMX, T 100: B 32 and 64, H 512 and 1024, f32 accuracy; oneDNN f32",
     .wanted = 0.6,
     .against = "onednn",
     .amx = true,
     .gemm = OCLSTM_GEMM_AMX,
     .shapes = ON_AMX},
    {.text = "ragged 10:1, T 200, B 32, H 256 and 512, a valid step; equal lengths",
     .wanted = 1.15,
     .shapes = {PAIR(200, 32, 256, BENCH_RAGGED, 200, BENCH_EQUAL),
                PAIR(200, 32, 512, BENCH_RAGGED, 200, BENCH_EQUAL)}},
    {.text = "a step at T 1000000, H 64, B 1, 4 and 16, memory flat; ours at T 1000",
     .wanted = 1.05,
     .flat = true,
     .shapes = {PAIR(1000000, 1, 64, BENCH_WHOLE, 1000, BENCH_WHOLE),
                PAIR(1000000, 4, 64, BENCH_WHOLE, 1000, BENCH_WHOLE),
                PAIR(1000000, 16, 64, BENCH_WHOLE, 1000, BENCH_WHOLE)}},
};
enum { N_TARGETS = sizeof TARGETS / sizeof TARGETS[0] };
/* What a process may grow by and be called flat: less than the smallest plan of these. */
static const uint64_t FLAT_BYTES = 4 << 20;

size_t bench_target_count(void) {
  return N_TARGETS;
}

/* ---- shapes ---- */

static bench_shape shape_of(uint64_t T, size_t B, size_t H, bench_rows rows, unsigned precisions) {
  bench_shape shape = {.list = "targets",
                       .T = T,
                       .B = B,
                       .I = H,
                       .H = H,
                       .layers = 1,
                       .directions = 1,
                       .cell = OCLSTM_LSTM,
                       .rows = rows,
                       .precisions = precisions};
  if (rows == BENCH_EQUAL) {
    shape.T = bench_equal_steps(&shape);
  }
  return shape;
}

static unsigned precisions_of(const target *t) {
  return 1U << t->precision | 1U << t->peer_precision;
}

static bool push_list(bench_shapes *shapes, const target *t) {
  bench_shapes list = {0, 0, NULL};
  bool known = false;
  bool good = bench_list_add(&list, t->list, &known);
  for (size_t k = 0; k < list.n && good; ++k) {
    list.items[k].precisions = precisions_of(t);
    good = bench_shapes_push(shapes, &list.items[k]);
  }
  bench_shapes_free(&list);
  return good;
}

/* The shape and, where there is one, the other. */
static size_t shapes_of(const target *t, size_t index, bench_shape shapes[2]) {
  if (index >= MOST_SHAPES || t->shapes[index].T == 0) {
    return 0;
  }
  const size_t B = t->shapes[index].B, H = t->shapes[index].H;
  shapes[0] = shape_of(t->shapes[index].T, B, H, t->shapes[index].rows, precisions_of(t));
  shapes[1] = shape_of(t->shapes[index].other_T, B, H, t->shapes[index].other_rows, precisions_of(t));
  return t->shapes[index].other_T != 0 ? 2 : 1;
}

bool bench_targets_push(bench_shapes *shapes) {
  for (size_t k = 0; k < N_TARGETS; ++k) {
    if (TARGETS[k].list != NULL && !push_list(shapes, &TARGETS[k])) {
      return false;
    }
    bench_shape pair[2];
    for (size_t index = 0, n = 0; (n = shapes_of(&TARGETS[k], index, pair)) > 0; ++index) {
      for (size_t p = 0; p < n; ++p) {
        if (!bench_shapes_push(shapes, &pair[p])) {
          return false;
        }
      }
    }
  }
  return true;
}

/* ---- evaluation ---- */

static bool is_peer(const bench_column *column, const char *name) {
  const size_t n = strlen(name);
  return strcmp(name, "ours") == 0 ? column->ours
                                   : !column->ours && strncmp(column->name, name, n) == 0 &&
                                         (column->name[n] == ' ' || column->name[n] == '\0');
}

/* The first column of that name, precision and, but for AUTO, gemm; columns.n when there is none. */
static size_t find_column(const bench_results *r, const char *name, oclstm_precision precision,
                          oclstm_gemm gemm) {
  for (size_t k = 0; k < r->columns.n; ++k) {
    const bench_column *c = &r->columns.items[k];
    if (is_peer(c, name) && c->precision == precision && (gemm == OCLSTM_GEMM_AUTO || c->gemm == gemm)) {
      return k;
    }
  }
  return r->columns.n;
}

static const bench_outcome *find_outcome(const bench_results *r, const bench_shape *shape, const char *name,
                                         oclstm_precision precision, oclstm_gemm gemm, char why[BENCH_TEXT]) {
  char text[BENCH_TEXT];
  const bench_record *record = bench_results_find(r, shape);
  const size_t column = find_column(r, name, precision, gemm);
  bench_shape_text(shape, text);
  if (column == r->columns.n) {
    (void)snprintf(why, BENCH_TEXT, "there is no column %s %s%s%s", name, cli_precision_name((int)precision),
                   gemm != OCLSTM_GEMM_AUTO ? " --gemm " : "",
                   gemm != OCLSTM_GEMM_AUTO ? cli_gemm_name((int)gemm) : "");
    return NULL;
  }
  if (record == NULL || record->outcomes[column].state != BENCH_DONE || record->outcomes[column].n == 0) {
    (void)snprintf(why, BENCH_TEXT, "no figure of %.60s for %.120s", r->columns.items[column].name, text);
    return NULL;
  }
  return &record->outcomes[column];
}

/* Whether what they have is a figure; the ratio of one shape, per valid step when there are two. */
static bool ratio_of(const bench_results *r, const target *t, const bench_shape shapes[2], size_t n,
                     double *ratio, char why[BENCH_TEXT]) {
  const bench_outcome *ours = find_outcome(r, &shapes[0], "ours", t->precision, t->gemm, why);
  const bench_outcome *other = ours != NULL ? find_outcome(r, &shapes[n - 1], n == 2 ? "ours" : t->against,
                                                           t->peer_precision, OCLSTM_GEMM_AUTO, why)
                                            : NULL;
  if (other == NULL) {
    return false;
  }
  *ratio = ours->seconds.median / other->seconds.median;
  if (n == 2) {
    *ratio *= (double)bench_valid_steps(&shapes[1]) / (double)bench_valid_steps(&shapes[0]);
  }
  if (t->flat && ours->resident_after > ours->resident_before + FLAT_BYTES) {
    (void)snprintf(why, BENCH_TEXT, "memory grew from %s to %s", cli_bytes(ours->resident_before).text,
                   cli_bytes(ours->resident_after).text);
    *ratio = INFINITY;
  }
  return true;
}

static bool evaluate_each(const bench_results *r, const target *t, bench_target_result *result) {
  bench_shape shapes[2];
  result->measured = 0.0;
  for (size_t index = 0, n = 0; (n = shapes_of(t, index, shapes)) > 0; ++index) {
    double ratio = 0.0;
    char why[BENCH_TEXT] = "";
    if (!ratio_of(r, t, shapes, n, &ratio, why)) {
      (void)snprintf(result->why, sizeof result->why, "%s", why);
      return false;
    }
    if (ratio > result->measured) {
      char text[BENCH_TEXT];
      bench_shape_text(&shapes[0], text);
      result->measured = ratio;
      (void)snprintf(result->why, sizeof result->why, "%s", why[0] != '\0' ? why : text);
    }
  }
  return true;
}

static bool evaluate_mean(const bench_results *r, const target *t, bench_target_result *result) {
  enum { MOST = 64 };
  double ratios[MOST];
  bench_shapes list = {0, 0, NULL};
  bool known = false;
  bool good = bench_list_add(&list, t->list, &known) && list.n <= MOST;
  for (size_t k = 0; k < list.n && good; ++k) {
    good = ratio_of(r, t, &list.items[k], 1, &ratios[k], result->why);
  }
  result->measured = good ? bench_geometric_mean(ratios, list.n) : NAN;
  bench_shapes_free(&list);
  return good;
}

bench_target_result bench_target_evaluate(const bench_results *r, size_t index) {
  const target *t = &TARGETS[index];
  bench_target_result result = {
      .text = t->text, .wanted = t->wanted, .measured = NAN, .reach = BENCH_NOT_MEASURED};
  if (t->amx && !r->machine.amx) {
    (void)snprintf(result.why, sizeof result.why, "this processor has no AMX");
    return result;
  }
  if (t->judged == EACH ? !evaluate_each(r, t, &result) : !evaluate_mean(r, t, &result)) {
    result.measured = NAN;
    return result;
  }
  result.reach = result.measured <= t->wanted ? BENCH_REACHED : BENCH_NOT_REACHED;
  return result;
}
