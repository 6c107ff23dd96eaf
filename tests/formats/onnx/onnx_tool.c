/* For the tests in Python:
 *   onnx_tool convert FROM TO...   loads a model and saves it, as ONNX where TO ends with .onnx; then from there to the next TO
 *   onnx_tool status FILE...       a line for each: the status of loading it, and the message
 *   onnx_tool orders FILE          a line: how many wrong orders of gates were tried, and how many the check let through
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "formats/onnx/onnx.h"
#include "model/model.h"

static int convert(const char *from, const char *to) {
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  size_t n = strlen(to);
  bool onnx = n > 5 && strcmp(to + n - 5, ".onnx") == 0;
  oclstm_status status = oclstm_model_load(from, NULL, &model, &error);
  if (status == OCLSTM_OK) {
    status = onnx ? oclstm_model_save_onnx(model, to, &error) : oclstm_model_save(model, to, &error);
  }
  (void)printf("%s to %s: %s %s\n", from, to, oclstm_status_name(status), error.text);
  oclstm_model_destroy(&model);
  return status != OCLSTM_OK;
}

static int convert_all(int n, char **paths) {
  int failed = 0;
  for (int k = 1; k < n && !failed; ++k) {
    failed = convert(paths[k - 1], paths[k]);
  }
  return failed;
}

static int print_status(int n, char **paths) {
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  options.format = OCLSTM_FILE_ONNX;
  options.external_data = getenv("ONNX_TOOL_EXTERNAL") != NULL;
  for (int k = 0; k < n; ++k) {
    oclstm_model *model = NULL;
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    oclstm_status status = oclstm_model_load(paths[k], &options, &model, &error);
    (void)printf("%s %s\n", oclstm_status_name(status), error.text);
    oclstm_model_destroy(&model);
  }
  return 0;
}

/* ---- wrong orders ---- */

static unsigned char *read_all(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  unsigned char *bytes = malloc(1 << 24);
  if (file == NULL || bytes == NULL) {
    free(bytes);
    return NULL;
  }
  *n = fread(bytes, 1, 1 << 24, file);
  (void)fclose(file);
  return bytes;
}

typedef struct trial {
  const unsigned char *bytes;
  size_t n;
  unsigned tried, missed;
} trial;

/* Another order must be found wrong by the check, and by nothing else. */
static void try_orders(trial *t, const oclstm__onnx_orders *orders) {
  oclstm_limits limits = oclstm__limits(NULL);
  oclstm_allocator allocator = {NULL, NULL, NULL};
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (memcmp(orders, &OCLSTM__ONNX_ORDERS, sizeof *orders) == 0) {
    return;
  }
  ++t->tried;
  oclstm_status status = oclstm__onnx_load(t->bytes, t->n, NULL, 0, &limits, oclstm__allocator(allocator),
                                           orders, &model, &error);
  t->missed += status != OCLSTM_E_MISMATCH;
  oclstm_model_destroy(&model);
}

/* All permutations of the first n entries, in place. */
static void permute(trial *t, oclstm__onnx_orders *orders, unsigned *order, size_t n) {
  if (n == 1) {
    try_orders(t, orders);
    return;
  }
  for (size_t k = 0; k < n; ++k) {
    unsigned swap = order[k];
    order[k] = order[n - 1];
    order[n - 1] = swap;
    permute(t, orders, order, n - 1);
    order[n - 1] = order[k];
    order[k] = swap;
  }
}

static int try_all(const char *path) {
  oclstm_model *model = NULL;
  trial t = {.n = 0};
  unsigned char *bytes = read_all(path, &t.n);
  oclstm__onnx_orders orders = OCLSTM__ONNX_ORDERS;
  t.bytes = bytes;
  if (bytes == NULL || oclstm_model_load(path, NULL, &model, NULL) != OCLSTM_OK) {
    free(bytes);
    return 1;
  }
  const oclstm_layer *layer = oclstm_model_layer(model, 0);
  if (layer->kind == OCLSTM_LSTM) {
    permute(&t, &orders, orders.lstm, 4);
  } else if (layer->kind == OCLSTM_GRU) {
    permute(&t, &orders, orders.gru, 3);
  }
  if (layer->peephole != OCLSTM_PEEPHOLE_NONE) {
    permute(&t, &orders, orders.peephole, 3);
  }
  (void)printf("%u %u\n", t.tried, t.missed);
  oclstm_model_destroy(&model);
  free(bytes);
  return t.missed != 0;
}

int main(int argc, char **argv) {
  if (argc >= 4 && strcmp(argv[1], "convert") == 0) {
    return convert_all(argc - 2, argv + 2);
  }
  if (argc >= 3 && strcmp(argv[1], "status") == 0) {
    return print_status(argc - 2, argv + 2);
  }
  return argc == 3 && strcmp(argv[1], "orders") == 0 ? try_all(argv[2]) : 2;
}
