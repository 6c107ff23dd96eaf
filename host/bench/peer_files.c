/* What a peer is given and what it leaves: .npy files in a folder of its own.
 * SPDX-License-Identifier: MIT */
#include "peer_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "oclstm/oclstm_job.h"

enum { PATH_BYTES = 4096 };

static void path_of(const char *folder, const char *name, char path[PATH_BYTES]) {
  (void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
}

static void weight_name(const char *what, size_t layer, size_t direction, char name[64]) {
  (void)snprintf(name, 64, "%s_%zu_%zu.npy", what, layer, direction);
}

static oclstm_status write_array(const char *folder, const char *name, size_t rank, const uint64_t *shape,
                                 const float *values, oclstm_error *error) {
  char path[PATH_BYTES];
  oclstm_npy *npy = NULL;
  uint64_t count = 1;
  for (size_t k = 0; k < rank; ++k) {
    count *= shape[k];
  }
  path_of(folder, name, path);
  oclstm_status status = oclstm_npy_create(path, rank, shape, &npy, error);
  status = status == OCLSTM_OK ? oclstm_npy_write_f32(npy, 0, (size_t)count, values, error) : status;
  if (status == OCLSTM_OK) {
    return oclstm_npy_commit(&npy, error);
  }
  oclstm_npy_close(&npy);
  return status;
}

/* One array of one direction of one layer, and its path under `what` in the entry. */
static oclstm_status add_weights(const char *folder, const char *what, size_t layer, size_t direction,
                                 uint64_t rows, uint64_t columns, const float *values, json_t *entry,
                                 oclstm_error *error) {
  char name[64], path[PATH_BYTES];
  const uint64_t shape[] = {rows, columns};
  weight_name(what, layer, direction, name);
  path_of(folder, name, path);
  (void)json_object_set_new(entry, what, json_string(path));
  return write_array(folder, name, columns != 0 ? 2 : 1, shape, values, error);
}

static oclstm_status add_direction(const char *folder, const bench_data *data, size_t layer, size_t direction,
                                   json_t *list, oclstm_error *error) {
  const bench_shape *s = data->shape;
  const bench_weights *w = &data->weights[layer * BENCH_DIRECTIONS + direction];
  const uint64_t rows = bench_gates(s->cell) * s->H;
  json_t *entry = json_pack("{s:I,s:I}", "layer", (json_int_t)layer, "direction", (json_int_t)direction);
  oclstm_status status =
      add_weights(folder, "W_ih", layer, direction, rows, bench_layer_input(s, layer), w->W_ih, entry, error);
  status = status == OCLSTM_OK
               ? add_weights(folder, "W_hh", layer, direction, rows, s->H, w->W_hh, entry, error)
               : status;
  status = status == OCLSTM_OK ? add_weights(folder, "b_ih", layer, direction, rows, 0, w->b_ih, entry, error)
                               : status;
  status = status == OCLSTM_OK ? add_weights(folder, "b_hh", layer, direction, rows, 0, w->b_hh, entry, error)
                               : status;
  (void)json_array_append_new(list, entry);
  return status;
}

oclstm_status bench_peer_write(const char *folder, const bench_data *data, json_t *request,
                               oclstm_error *error) {
  const bench_shape *s = data->shape;
  const uint64_t shape[] = {s->T, s->B, s->I};
  char path[PATH_BYTES];
  json_t *list = json_array();
  oclstm_status status = write_array(folder, "x.npy", 3, shape, data->x, error);
  for (size_t l = 0; l < s->layers; ++l) {
    for (size_t d = 0; d < s->directions && status == OCLSTM_OK; ++d) {
      status = add_direction(folder, data, l, d, list, error);
    }
  }
  path_of(folder, "x.npy", path);
  (void)json_object_set_new(request, "x", json_string(path));
  path_of(folder, "y.npy", path);
  (void)json_object_set_new(request, "y", json_string(path));
  (void)json_object_set_new(request, "weights", list);
  (void)unlink(path);
  return status;
}

bool bench_peer_read(const char *folder, bench_data *data, char why[BENCH_TEXT]) {
  const bench_shape *s = data->shape;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_npy *npy = NULL;
  char path[PATH_BYTES];
  bool good = false;
  path_of(folder, "y.npy", path);
  if (oclstm_npy_open(path, NULL, &npy, &error) == OCLSTM_OK) {
    const oclstm_npy_info *info = oclstm_npy_get_info(npy);
    if (info->rank != 3 || info->shape[0] != s->T || info->shape[1] != s->B ||
        info->shape[2] != bench_width(s)) {
      (void)snprintf(why, BENCH_TEXT, "its y is not of the shape [%llu,%zu,%zu]", (unsigned long long)s->T,
                     s->B, bench_width(s));
      oclstm_npy_close(&npy);
      return false;
    }
    good = oclstm_npy_read_f32(npy, 0, (size_t)s->T * s->B * bench_width(s), data->y, &error) == OCLSTM_OK;
  }
  if (!good) {
    (void)snprintf(why, BENCH_TEXT, "its y: %.200s", error.text);
  }
  oclstm_npy_close(&npy);
  return good;
}

void bench_peer_remove(const char *folder, const bench_shape *shape) {
  static const char *const WEIGHTS[] = {"W_ih", "W_hh", "b_ih", "b_hh"};
  char name[64], path[PATH_BYTES];
  for (size_t k = 0; k < shape->layers * shape->directions * 4; ++k) {
    weight_name(WEIGHTS[k % 4], k / 4 / shape->directions, k / 4 % shape->directions, name);
    path_of(folder, name, path);
    (void)unlink(path);
  }
  path_of(folder, "x.npy", path);
  (void)unlink(path);
  path_of(folder, "y.npy", path);
  (void)unlink(path);
}
