/* Named lists of shapes.
 *
 * DeepBench (baidu-research/DeepBench, code/kernels/rnn_problems.h) times the recurrence alone, with the input projection
 * skipped; here I = H and the projection is part of the work, so that figures are not comparable with its tables.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench.h"

/* Every combination of these, where a 0 ends a list of sizes. H = 0: as I. */
typedef struct family {
  uint64_t T[4];
  size_t H[6];
  size_t B[5];
  size_t layers, directions;
  oclstm_cell_kind cell;
  bench_rows rows;
} family;

#define LSTM(...) \
  { __VA_ARGS__, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM }

static const family QUICK[] = {
    LSTM(.T = {1000}, .H = {64, 256, 512}, .B = {1}),
    LSTM(.T = {100}, .H = {256}, .B = {8}),
    LSTM(.T = {100}, .H = {512}, .B = {16, 64}),
    {.T = {100}, .H = {256}, .B = {32}, .layers = 1, .directions = 1, .cell = OCLSTM_GRU},
    {.T = {100}, .H = {128}, .B = {16}, .layers = 2, .directions = 2, .cell = OCLSTM_LSTM},
};
static const family INFERENCE[] = {
    LSTM(.T = {25}, .H = {512, 1024, 2048}, .B = {1, 2, 4}),
    LSTM(.T = {50}, .H = {1536}, .B = {1, 2, 4}),
    LSTM(.T = {150}, .H = {256}, .B = {1, 2, 4}),
};
static const family TRAINING[] = {
    LSTM(.T = {25}, .H = {512, 1024, 2048, 4096}, .B = {16, 32, 64, 128}),
    LSTM(.T = {50}, .H = {1536}, .B = {8, 16, 32}),
    LSTM(.T = {150}, .H = {256}, .B = {16, 32, 64}),
};
static const family LONG[] = {
    LSTM(.T = {10000, 100000, 1000000}, .H = {64}, .B = {1, 4, 16}),
};
static const family STACKED[] = {
    {.T = {100}, .H = {128, 512}, .B = {1, 32}, .layers = 3, .directions = 1, .cell = OCLSTM_LSTM},
    {.T = {100}, .H = {128, 512}, .B = {1, 32}, .layers = 1, .directions = 2, .cell = OCLSTM_LSTM},
    {.T = {100}, .H = {128, 512}, .B = {1, 32}, .layers = 3, .directions = 2, .cell = OCLSTM_LSTM},
};
static const family RAGGED[] = {
    LSTM(.T = {200}, .H = {256, 512}, .B = {32}, .rows = BENCH_RAGGED),
    LSTM(.T = {200}, .H = {256, 512}, .B = {32}, .rows = BENCH_PADDED),
    LSTM(.T = {200}, .H = {256, 512}, .B = {32}, .rows = BENCH_EQUAL),
};
static const family CELLS[] = {
    {.T = {100}, .H = {64, 256, 512}, .B = {1, 32}, .layers = 1, .directions = 1, .cell = OCLSTM_LSTM},
    {.T = {100}, .H = {64, 256, 512}, .B = {1, 32}, .layers = 1, .directions = 1, .cell = OCLSTM_GRU},
    {.T = {100}, .H = {64, 256, 512}, .B = {1, 32}, .layers = 1, .directions = 1, .cell = OCLSTM_RNN},
};

typedef struct list {
  const char *name;
  const family *families;
  size_t n;
  const char *purpose;
} list;

#define LIST(name, families, purpose) \
  { name, families, sizeof(families) / sizeof(families)[0], purpose }
static const list LISTS[] = {
    LIST("quick", QUICK, "the default: one of each kind, at most 60 s in all"),
    LIST("deepbench-inference", INFERENCE,
         "DeepBench's inference LSTMs, forward, I = H, input projection included"),
    LIST("deepbench-training", TRAINING,
         "DeepBench's training LSTMs, forward, I = H, input projection included"),
    LIST("long", LONG, "long sequences through calls of one plan; memory must stay flat"),
    LIST("stacked", STACKED, "three layers, both directions, and three layers of both"),
    LIST("ragged", RAGGED, "lengths from T to T/10, against padding and against equal lengths"),
    LIST("cells", CELLS, "LSTM, GRU and RNN of equal H"),
};
enum { N_LISTS = sizeof LISTS / sizeof LISTS[0] };
/* "full" is all of them. */

size_t bench_list_count(void) {
  return N_LISTS + 1;
}

const char *bench_list_name(size_t index) {
  return index < N_LISTS ? LISTS[index].name : "full";
}

const char *bench_list_purpose(size_t index) {
  return index < N_LISTS ? LISTS[index].purpose : "all lists";
}

static bool add_shape(bench_shapes *shapes, const char *name, const family *f, uint64_t T, size_t H,
                      size_t B) {
  bench_shape shape = {.list = name,
                       .T = T,
                       .B = B,
                       .I = H,
                       .H = H,
                       .layers = f->layers,
                       .directions = f->directions,
                       .cell = f->cell,
                       .rows = f->rows};
  if (f->rows == BENCH_EQUAL) {
    shape.T = bench_equal_steps(&shape);
  }
  return bench_shapes_push(shapes, &shape);
}

static bool add_family(bench_shapes *shapes, const char *name, const family *f) {
  for (size_t t = 0; t < sizeof f->T / sizeof f->T[0] && f->T[t] != 0; ++t) {
    for (size_t h = 0; h < sizeof f->H / sizeof f->H[0] && f->H[h] != 0; ++h) {
      for (size_t b = 0; b < sizeof f->B / sizeof f->B[0] && f->B[b] != 0; ++b) {
        if (!add_shape(shapes, name, f, f->T[t], f->H[h], f->B[b])) {
          return false;
        }
      }
    }
  }
  return true;
}

bool bench_list_add(bench_shapes *shapes, const char *name, bool *known) {
  bool full = strcmp(name, "full") == 0;
  *known = full;
  for (size_t l = 0; l < N_LISTS; ++l) {
    if (full || strcmp(name, LISTS[l].name) == 0) {
      *known = true;
      for (size_t k = 0; k < LISTS[l].n; ++k) {
        if (!add_family(shapes, LISTS[l].name, &LISTS[l].families[k])) {
          return false;
        }
      }
    }
  }
  return true;
}
