/* Decodes the VEX forms of LDTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED and TDPBF16PS, and does what the manual of
 * the instruction set says of them. Tiles belong to a thread, as registers do.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "amx_emulator.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <string.h>

amx_counts amx_executed;

#if defined(__x86_64__) && defined(__linux__)
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, BYTES = 64 };

typedef struct tile {
  unsigned rows, bytes; /* as configured; 0: not */
  uint8_t at[ROWS][BYTES];
} tile;

static _Thread_local tile tiles[TILES];

/* ---- decoding ---- */

typedef struct instruction {
  uint8_t opcode;
  unsigned prefix;         /* pp: none, 66, F3, F2 */
  unsigned reg, rm, third; /* third: VEX.vvvv */
  bool memory;
  uint64_t address; /* of an operand in memory, without its index */
  uint64_t index;   /* index * scale: the stride */
  size_t length;
} instruction;

static uint64_t register_of(const ucontext_t *context, unsigned number) {
  static const int PLACES[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                               REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return (uint64_t)context->uc_mcontext.gregs[PLACES[number]];
}

static uint64_t displacement(const uint8_t *code, size_t bytes) {
  int8_t small;
  int32_t large;
  if (bytes == 1) {
    memcpy(&small, code, sizeof small);
    return (uint64_t)(int64_t)small;
  }
  memcpy(&large, code, sizeof large);
  return (uint64_t)(int64_t)large;
}

/* ModRM and what follows it; code is at ModRM, x and b are the register bits of VEX. */
static void decode_operand(const uint8_t *code, const ucontext_t *context, unsigned x, unsigned b,
                           instruction *i) {
  unsigned mod = code[0] >> 6;
  unsigned base = code[0] & 7U;
  bool sib = base == 4;
  const uint8_t *rest = code + (sib ? 2 : 1);
  i->memory = mod != 3;
  i->rm = base | b;
  if (!i->memory) {
    i->length += 1;
    return;
  }
  if (sib) {
    unsigned number = (code[1] >> 3 & 7U) | x;
    base = code[1] & 7U;
    i->index = number == 4 ? 0 : register_of(context, number) << (code[1] >> 6);
  }
  size_t bytes = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
  i->length += (size_t)(rest - code) + bytes;
  bool relative = mod == 0 && base == 5; /* to the next instruction, or to nothing behind a SIB */
  uint64_t next = (uint64_t)context->uc_mcontext.gregs[REG_RIP] + i->length;
  i->address = relative ? (sib ? 0 : next) : register_of(context, base | b);
  i->address += bytes > 0 ? displacement(rest, bytes) : 0;
}

/* VEX of three bytes in map 0F38, 128 bits, W 0. */
static bool decode(const ucontext_t *context, instruction *i) {
  const uint8_t *code = (const uint8_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
  if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x84) != 0) {
    return false;
  }
  *i = (instruction){
      .opcode = code[3], .prefix = code[2] & 3U, .third = (~(unsigned)code[2] >> 3) & 15U, .length = 4};
  i->reg = (code[4] >> 3 & 7U) | ((code[1] & 0x80) != 0 ? 0 : 8U);
  decode_operand(code + 4, context, (code[1] & 0x40) != 0 ? 0 : 8U, (code[1] & 0x20) != 0 ? 0 : 8U, i);
  return true;
}

/* ---- executing; false: the processor would refuse it too ---- */

static bool is_configured(unsigned number) {
  return number < TILES && tiles[number].rows > 0;
}

static bool load_config(const instruction *i) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } shapes;
  memcpy(&shapes, (const void *)(uintptr_t)(i->address + i->index), sizeof shapes);
  bool valid = shapes.palette == 1 && shapes.start == 0;
  for (size_t k = 0; k < 16; ++k) {
    valid &= shapes.bytes[k] <= BYTES && shapes.rows[k] <= ROWS &&
             (shapes.bytes[k] == 0) == (shapes.rows[k] == 0) && (k < TILES || shapes.rows[k] == 0);
  }
  memset(tiles, 0, sizeof tiles);
  for (size_t k = 0; valid && k < TILES; ++k) {
    tiles[k].rows = shapes.rows[k];
    tiles[k].bytes = shapes.bytes[k];
  }
  atomic_fetch_add(&amx_executed.configured, 1);
  return valid;
}

static bool release(void) {
  memset(tiles, 0, sizeof tiles);
  atomic_fetch_add(&amx_executed.released, 1);
  return true;
}

static bool clear(unsigned number) {
  if (!is_configured(number)) {
    return false;
  }
  memset(tiles[number].at, 0, sizeof tiles[number].at);
  return true;
}

static bool load(const instruction *i) {
  if (!i->memory || !clear(i->reg)) {
    return false;
  }
  for (unsigned r = 0; r < tiles[i->reg].rows; ++r) {
    memcpy(tiles[i->reg].at[r], (const void *)(uintptr_t)(i->address + r * i->index), tiles[i->reg].bytes);
  }
  atomic_fetch_add(&amx_executed.loaded, 1);
  return true;
}

static bool store(const instruction *i) {
  if (!i->memory || !is_configured(i->reg)) {
    return false;
  }
  for (unsigned r = 0; r < tiles[i->reg].rows; ++r) {
    memcpy((void *)(uintptr_t)(i->address + r * i->index), tiles[i->reg].at[r], tiles[i->reg].bytes);
  }
  atomic_fetch_add(&amx_executed.stored, 1);
  return true;
}

/* Denormal numbers are 0, in and out. */
static float flushed(float v) {
  return v * (float)!(fabsf(v) < FLT_MIN);
}

static float bfloat_at(const uint8_t *row, unsigned n) {
  uint16_t half;
  float value;
  memcpy(&half, row + 2 * n, sizeof half);
  uint32_t bits = (uint32_t)half << 16;
  memcpy(&value, &bits, sizeof value);
  return flushed(value);
}

/* One row of sums. Even and odd products of all pairs apart, from 0; then together; then on top of what was there. Each is one
 * rounding: a product of two bfloat16 is exact in float32, unless it leaves its range, which no test's does. */
static void multiply_row(float *sums, unsigned columns, const uint8_t *a, unsigned pairs, const tile *b) {
  float apart[2][ROWS] = {{0.0F}};
  for (unsigned k = 0; k < pairs; ++k) {
    float from[2][ROWS];
    for (unsigned n = 0; n < 2 * columns; ++n) {
      from[n % 2][n / 2] = bfloat_at(b->at[k], n);
    }
    for (unsigned half = 0; half < 2; ++half) {
      float factor = bfloat_at(a, 2 * k + half);
      for (unsigned n = 0; n < columns; ++n) {
        apart[half][n] = flushed(apart[half][n] + factor * from[half][n]);
      }
    }
  }
  for (unsigned n = 0; n < columns; ++n) {
    sums[n] = flushed(flushed(sums[n]) + flushed(apart[0][n] + apart[1][n]));
  }
}

static bool multiply(const instruction *i) {
  if (i->memory || !is_configured(i->reg) || !is_configured(i->rm) || !is_configured(i->third) ||
      i->reg == i->rm || i->reg == i->third || i->rm == i->third) {
    return false;
  }
  tile *sums = &tiles[i->reg];
  const tile *a = &tiles[i->rm];
  const tile *b = &tiles[i->third];
  if (a->rows != sums->rows || b->bytes != sums->bytes || a->bytes / 4 != b->rows || sums->bytes % 4 != 0) {
    return false;
  }
  for (unsigned r = 0; r < sums->rows; ++r) {
    float row[BYTES / 4];
    memcpy(row, sums->at[r], sizeof row);
    multiply_row(row, sums->bytes / 4, a->at[r], a->bytes / 4, b);
    memcpy(sums->at[r], row, sizeof row);
  }
  atomic_fetch_add(&amx_executed.multiplied, 1);
  return true;
}

static bool execute(const instruction *i) {
  enum { NONE, F3 = 2, F2 = 3 };
  switch (i->opcode << 2 | (int)i->prefix) {
    case 0x49 << 2 | NONE: return i->memory ? load_config(i) : release();
    case 0x49 << 2 | F2: return !i->memory && clear(i->reg);
    case 0x4B << 2 | F2: return load(i);
    case 0x4B << 2 | F3: return store(i);
    case 0x5C << 2 | F3: return multiply(i);
    default: return false;
  }
}

/* ---- the handler ---- */

static void on_refused(int number, siginfo_t *info, void *context) {
  ucontext_t *machine = context;
  instruction i;
  (void)info;
  if (decode(machine, &i) && execute(&i)) {
    machine->uc_mcontext.gregs[REG_RIP] += (greg_t)i.length;
  } else {
    (void)signal(number, SIG_DFL); /* it is met again, and ends the process */
  }
}

bool amx_emulate(void) {
  struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
  (void)sigemptyset(&action.sa_mask);
  return sigaction(SIGILL, &action, NULL) == 0;
}
#else
bool amx_emulate(void) {
  return false;
}
#endif
