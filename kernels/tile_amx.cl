/* A tile of 16 rows by the matrix instructions of x86 processors, AMX_BF16: with -DPAIRED=2 and 3, what DEFINE_TILE makes of
 * ROWS 16, which is what every tile has then.
 *
 * A tile register holds 16 rows of 64 bytes. TDPBF16PS multiplies 16 rows of 16 pairs of bfloat16 by 16 pairs of 16 columns,
 * and adds that to 16 by 16 sums in float32: registers 0 .. 3 are the sums of four vectors of columns. Panels are those of
 * pairs (tile.cl), K rounded up to AMX_DEPTH: 32 k of a vector are a register as they lie.
 *
 * PAIRED 2: bfloat16. Rows that lie at equal distances are loaded from where they lie. Others, where `order` permutes the
 * batch or the last row is repeated to fill a tile, and what is left of K behind the last whole step, go through a few KiB of
 * their own: rows that repeat the one before are left out, what lies behind K becomes 0, whatever it is.
 *
 * PAIRED 3: float32. Each factor is the sum of three bfloat16, of 8 bits each, exactly. Of the nine products of terms the
 * three smallest are left out: together they are less than 2^-23 of the whole, and of either sign. All rows go through memory
 * of their own, where they become terms; panels have all first terms of 32 k, then all second, then all third, and k and
 * k + 16 are a pair.
 *
 * Sums: of each 32 k (and each product of terms, the small ones first) the earlier ones of all pairs and the later ones apart,
 * then both together, then on top of those before. Another order than that of single products and pairs, but again one that
 * depends on nothing but k. Denormal numbers count as 0 here.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "common.cl"

#if defined(PAIRED) && PAIRED >= 2
#define AMX_ROWS 16
#define TWICE_16 /* tile.cl's own loop, which is not come to */
#define AMX_DEPTH 32 /* k of a step */
#define AMX_VECTORS 4 /* most vectors of columns of a tile */
#if PAIRED == 3
#define AMX_TERMS 3
#define AMX_FREE(tile) 7 /* 4 .. 6 are the rows' terms */
#define AMX_GATHERED 4 /* steps that are gathered at once: long enough that stores are over when they are loaded */
#else
#define AMX_TERMS 1
#define AMX_FREE(tile) tile /* 4 is the rows' */
#define AMX_GATHERED 8
#endif

typedef ushort amx_step[AMX_TERMS][AMX_ROWS][AMX_DEPTH] __attribute__((aligned(64)));

/* Of every launch that has tiles: each work-group loads the shapes into the thread that runs it, and gives them back, so that
 * the system has no tiles to keep for that thread. */
INLINE void begin_tiles(void) {
  const struct {
    uchar palette, start_row, reserved[14];
    ushort bytes[16];
    uchar rows[16];
  } shapes = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
  __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
}
INLINE void end_tiles(void) {
  __asm__ volatile("tilerelease" : : : "memory");
}

#define AMX_ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile : :)
#define AMX_LOAD(tile, from, stride) \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"(stride) : "memory")
#define AMX_STORE(tile, to, stride) \
  __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"(stride) : "memory")
#define AMX_MULTIPLY(sums, rows, weights) \
  __asm__ volatile("tdpbf16ps %%tmm" #weights ", %%tmm" #rows ", %%tmm" #sums : :)
/* DO(vector, free register, tile, term) for each of `vectors` vectors: of literal registers, for a literal number of them. */
#define AMX_EACH(vectors, DO, tile, term) \
  DO(0, AMX_FREE(5), tile, term);         \
  if ((vectors) > 1) {                    \
    DO(1, AMX_FREE(6), tile, term);       \
  }                                       \
  if ((vectors) > 2) {                    \
    DO(2, AMX_FREE(7), tile, term);       \
  }                                       \
  if ((vectors) > 3) {                    \
    DO(3, AMX_FREE(5), tile, term);       \
  }

/* The weights of a tile: where each vector begins, from pair to pair of k, and from the beginning to the term that is next; in
 * bytes. */
typedef struct amx_weights {
  size_t at[AMX_VECTORS], stride, next;
} amx_weights;

/* The rows in `tile` by a term of the weights, on top of the sums. The sums of a vector are not needed again before the others
 * had their turn: a product takes longer than until the next one may begin. */
#define AMX_ADD(vector, free, tile, term)                                                     \
  AMX_LOAD(free, w->at[vector] + w->next + (term) * (AMX_DEPTH / 2) * w->stride, w->stride);  \
  AMX_MULTIPLY(vector, tile, free)

/* Addresses in bytes, of rows `stride` apart, `ahead` from step to step. */
INLINE void amx_multiply(const int vectors, amx_weights *w, size_t rows, size_t stride, size_t ahead, int steps) {
  for (int k = 0; k < steps; ++k) {
    AMX_LOAD(4, rows + k * ahead, stride);
#if AMX_TERMS == 3
    AMX_LOAD(5, rows + k * ahead + AMX_ROWS * stride, stride);
    AMX_LOAD(6, rows + k * ahead + 2 * AMX_ROWS * stride, stride);
    AMX_EACH(vectors, AMX_ADD, 4, 2)
    AMX_EACH(vectors, AMX_ADD, 5, 1)
    AMX_EACH(vectors, AMX_ADD, 6, 0)
    AMX_EACH(vectors, AMX_ADD, 4, 1)
    AMX_EACH(vectors, AMX_ADD, 5, 0)
#endif
    AMX_EACH(vectors, AMX_ADD, 4, 0)
    w->next += AMX_TERMS * (AMX_DEPTH / 2) * w->stride;
  }
}

#if AMX_TERMS == 3
/* The first n of 16 elements, the others 0; nothing behind them is read. */
INLINE float16 amx_floats(__global const float *from, int n) {
  float16 v;
  uint mask = n >= 16 ? 0xffffu : n > 0 ? (1u << n) - 1u : 0u;
  __asm__ volatile("kmovd %2, %%k1\n\tvmovups (%1), %0%{%%k1%}%{z%}" : "=v"(v) : "r"(from), "r"(mask) : "k1", "memory");
  return v;
}

/* The terms of 32 elements of row r, the first n of which are there. A term is what is left, rounded to 8 bits; the last one
 * has no more, so that it is exact and a NaN stays one. A pair is an element of the first 16 and one of the last: no
 * shuffling. */
INLINE void amx_fill(amx_step *to, int r, __global const float *from, int n) {
  float16 early = amx_floats(from, n);
  float16 late = amx_floats(from + 16, n - 16);
#pragma unroll
  for (int term = 0; term < AMX_TERMS; ++term) {
    const uint half_unit = term < AMX_TERMS - 1 ? 0x8000u : 0u;
    uint16 low = (as_uint16(early) + half_unit) & 0xffff0000u;
    uint16 high = (as_uint16(late) + half_unit) & 0xffff0000u;
    early -= as_float16(low);
    late -= as_float16(high);
    *(uint16 *)(*to)[term][r] = low >> 16 | high;
  }
}
#else
/* The same of bfloat16 as they are. */
INLINE void amx_fill(amx_step *to, int r, __global const ushort *from, int n) {
  uint16 v;
  uint mask = n < AMX_DEPTH ? (1u << n) - 1u : ~0u;
  __asm__ volatile("kmovd %2, %%k1\n\tvmovdqu16 (%1), %0%{%%k1%}%{z%}" : "=v"(v) : "r"(from), "r"(mask) : "k1", "memory");
  *(uint16 *)(*to)[0][r] = v;
}
#endif

/* The steps from element k on, as many as there is room for or are left; how many. */
INLINE int amx_gather(amx_step *to, __global const stored *A, const size_t row[AMX_ROWS], int k, int K) {
  int steps = min((K - k + AMX_DEPTH - 1) / AMX_DEPTH, AMX_GATHERED);
  for (int r = 0; r < AMX_ROWS; ++r) {
    if (r > 0 && row[r] == row[r - 1]) {
      continue;
    }
    for (int n = 0; n < steps; ++n) {
      int first = k + n * AMX_DEPTH;
      amx_fill(to + n, r, A + row[r] + first, K - first);
    }
  }
  return steps;
}

/* Whether rows can be loaded from where they lie: at equal distances, be it none. */
INLINE bool amx_lie_ready(const size_t row[AMX_ROWS]) {
  bool regular = AMX_TERMS == 1;
#pragma unroll
  for (int r = 2; r < AMX_ROWS; ++r) {
    regular &= row[r] - row[r - 1] == row[1] - row[0];
  }
  return regular;
}

INLINE void amx_product(const int vectors, floatv *sums, __global const stored *A, const size_t row[AMX_ROWS], amx_weights w,
                        int K) {
  amx_step gathered[AMX_GATHERED];
  const int ready = amx_lie_ready(row) ? K / AMX_DEPTH : 0;
#define AMX_CLEAR(vector, free, tile, term) AMX_ZERO(vector)
  AMX_EACH(vectors, AMX_CLEAR, 0, 0)
  amx_multiply(vectors, &w, (size_t)(A + row[0]), (row[1] - row[0]) * sizeof(stored), AMX_DEPTH * sizeof(stored), ready);
  for (int k = ready * AMX_DEPTH; k < K; k += AMX_GATHERED * AMX_DEPTH) {
    int steps = amx_gather(gathered, A, row, k, K);
    amx_multiply(vectors, &w, (size_t)gathered, AMX_DEPTH * sizeof(ushort), sizeof(amx_step), steps);
  }
#define AMX_KEEP(vector, free, tile, term) AMX_STORE(vector, (size_t)(sums + (vector)), (size_t)vectors * sizeof(floatv))
  AMX_EACH(vectors, AMX_KEEP, 0, 0)
}

/* In DEFINE_TILE. What the weights of a panel take: in units of a vector of stored elements, or of pairs of them. */
#define PANEL_STEPS(K) \
  (((K) + AMX_DEPTH - 1) / AMX_DEPTH * (AMX_TERMS * AMX_DEPTH * (int)sizeof(ushort) / (PAIR * (int)sizeof(stored))))
/* w: where each panel begins. */
#define BY_AMX(ROWS, VECTORS, PANELS)                                                               \
  if ((ROWS) == AMX_ROWS) {                                                                         \
    amx_weights weights = {{0}, (VECTORS) * BLOCK * 2 * sizeof(ushort), 0};                         \
    _Pragma("unroll") for (int c = 0; c < (VECTORS) * (PANELS); ++c) {                              \
      weights.at[c] = (size_t)w[c / (VECTORS)] + (c % (VECTORS)) * BLOCK * 2 * sizeof(ushort);      \
    }                                                                                               \
    amx_product((VECTORS) * (PANELS), &acc[0][0], A, row, weights, K);                              \
    return;                                                                                         \
  }
/* Whether a tile's product comes to memory, not to registers. */
#define BY_MEMORY(ROWS) ((ROWS) == AMX_ROWS)
#define BEGIN_TILES() begin_tiles()
#define END_TILES() end_tiles()
#else
#define PANEL_STEPS(K) (((K) + PAIR - 1) / PAIR)
#define BY_AMX(ROWS, VECTORS, PANELS)
#define BY_MEMORY(ROWS) 0
#define BEGIN_TILES()
#define END_TILES()
#endif
