/* One walk over the chunks of a job: read, sweep, write.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

double oclstm__seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- between the source's rows and the plan's ---- */

/* [n, rows, width] becomes [n, plan_rows, width] in place; the further rows have length 0 and are never read. */
static void spread(const oclstm__job *job, float *at, size_t n, size_t width) {
  size_t from = job->rows * width, to = job->plan_rows * width;
  for (size_t t = from == to ? 0 : n; t > 1; --t) {
    memmove(at + (t - 1) * to, at + (t - 1) * from, from * sizeof *at);
  }
}

/* And back. */
static void compact(const oclstm__job *job, float *at, size_t n, size_t width) {
  size_t to = job->rows * width, from = job->plan_rows * width;
  for (size_t t = 1; from != to && t < n; ++t) {
    memmove(at + t * to, at + t * from, to * sizeof *at);
  }
}

/* ---- one chunk ---- */

static void set_lengths(oclstm__job *job, oclstm__chunk at) {
  const uint64_t *lengths = job->desc->source->lengths;
  for (size_t b = 0; b < job->rows; ++b) {
    uint64_t length = lengths != NULL ? lengths[b] : job->steps;
    uint64_t left = length > at.first ? length - at.first : 0;
    job->lengths[b] = (int32_t)(left < at.n ? left : at.n);
  }
}

/* A callback that fails without saying why is named here. */
static oclstm_status from_callback(oclstm_status status, const char *who, oclstm__chunk at,
                                   oclstm_error *error) {
  if (status != OCLSTM_OK && error != NULL && error->status != status) {
    uint64_t end = at.first + at.n;
    return oclstm__fail(error, status, "the %s failed at steps %llu to %llu", who,
                        (unsigned long long)at.first, (unsigned long long)end);
  }
  return status;
}

/* Ids of valid steps, named by their place in the whole sequence. */
static oclstm_status check_ids(const oclstm__job *job, oclstm__chunk at, oclstm_error *error) {
  const int32_t *ids = (const void *)job->input;
  size_t V = job->model->embedding_size;
  for (size_t t = 0; t < at.n; ++t) {
    for (size_t b = 0; b < job->rows; ++b) {
      int32_t id = ids[t * job->rows + b];
      if (t < (size_t)job->lengths[b] && (id < 0 || (size_t)id >= V)) {
        return oclstm__fail(error, OCLSTM_E_INDEX,
                            "id %ld at step %llu of row %zu, the embedding has %zu rows", (long)id,
                            (unsigned long long)(at.first + t), b, V);
      }
    }
  }
  return OCLSTM_OK;
}

static oclstm_status read_source(oclstm__job *job, oclstm__chunk at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_source *source = job->desc->source;
  TRY(from_callback(source->read(source->user, at.first, at.n, job->input, error), "source", at, error));
  if (job->model->embedding_size != 0) {
    TRY(check_ids(job, at, error));
  }
done:
  return status;
}

static oclstm_status read_input(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (walk->input == OCLSTM__NO_WALK) {
    TRY(read_source(job, at, error));
    spread(job, job->input, at.n, walk->width_in);
  } else if (job->walks[walk->input].order == OCLSTM__ORDER_ROWS) {
    TRY(oclstm__rows_read(job, &job->stores[walk->input], at, job->input, job->plan_rows, walk->width_in,
                          error));
  } else {
    TRY(oclstm__store_read(&job->stores[walk->input], at.first, at.n, job->input, error));
    spread(job, job->input, at.n, walk->width_in);
  }
  if (walk->other != OCLSTM__NO_WALK) {
    TRY(oclstm__store_read(&job->stores[walk->other], at.first, at.n, job->other, error));
    spread(job, job->other, at.n, job->walks[walk->other].width_out);
  }
done:
  return status;
}

static bool is_last(const oclstm__job *job, const oclstm__walk *walk) {
  return walk == &job->walks[job->n_walks - 1];
}

bool oclstm__job_wants_output(const oclstm__job *job, const oclstm__walk *walk) {
  bool for_sinks = is_last(job, walk) || (walk + 1)->n_layers == 0;
  return !for_sinks || job->desc->y != NULL;
}

/* Where the sweep is to leave cells, if anywhere. */
static float *cells_of(const oclstm__job *job, const oclstm__walk *walk) {
  if (job->desc->cells == NULL || !walk->last_layer) {
    return NULL;
  }
  if (job->cells_half[0] == NULL) {
    return job->cells;
  }
  return job->cells_half[walk->part == OCLSTM__REVERSE_HALF];
}

static oclstm_status sweep(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                           oclstm_error *error) {
  const oclstm__sweep pass = {
      .steps = at.n,
      .layout = OCLSTM_TIME_MAJOR,
      .first_layer = walk->first_layer,
      .n_layers = walk->n_layers,
      .head = walk->head,
      .part = walk->part,
      .input = job->input,
      .lengths = job->lengths,
      .other = walk->other != OCLSTM__NO_WALK ? job->other : NULL,
      .output = oclstm__job_wants_output(job, walk) ? job->output : NULL,
      .cells = cells_of(job, walk),
  };
  return oclstm__sweep_run(job->desc->plan, job->desc->state, &pass, error);
}

/* Where a chunk's results have their places. */
static oclstm__chunk places(const oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at) {
  return walk->order == OCLSTM__ORDER_MIRROR ? (oclstm__chunk){job->steps - at.first - at.n, at.n} : at;
}

static oclstm_status write_output(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                                  oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_sink *y = job->desc->y;
  oclstm__store *store = &job->stores[walk - job->walks];
  oclstm__chunk to = places(job, walk, at);
  if (!oclstm__job_wants_output(job, walk)) {
    goto done;
  }
  if (walk->order == OCLSTM__ORDER_ROWS) {
    TRY(oclstm__rows_write(job, store, at, job->output, walk->width_out, error));
    goto done;
  }
  compact(job, job->output, at.n, walk->width_out);
  if (is_last(job, walk)) {
    TRY(from_callback(y->write(y->user, to.first, to.n, job->output, error), "sink of y", to, error));
  } else {
    TRY(oclstm__store_write(store, to.first, to.n, job->output, error));
  }
done:
  return status;
}

/* [n, rows, H] of each direction, side by side. */
static void merge_cells(oclstm__job *job, size_t n, size_t H) {
  for (size_t k = 0; k < n * job->rows; ++k) {
    for (size_t d = 0; d < 2; ++d) {
      memcpy(job->cells + (2 * k + d) * H, job->cells_half[d] + k * H, H * sizeof(float));
    }
  }
}

/* Cells that wait for a later walk. */
static oclstm_status keep_cells(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at, size_t H,
                                oclstm_error *error) {
  if (walk->order == OCLSTM__ORDER_ROWS) {
    return oclstm__rows_write(job, &job->cells_store, at, job->cells, H, error);
  }
  compact(job, job->cells_half[1], at.n, H);
  return oclstm__store_write(&job->cells_store, at.first, at.n, job->cells_half[1], error);
}

static oclstm_status write_cells(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_sink *cells = job->desc->cells;
  const oclstm_layer *layer = &job->model->layers[job->model->n_layers - 1];
  size_t H = layer->hidden_size;
  oclstm__chunk to = places(job, walk, at);
  if (cells == NULL || !walk->last_layer) {
    goto done;
  }
  if (walk->part == OCLSTM__REVERSE_HALF || walk->order == OCLSTM__ORDER_ROWS) {
    TRY(keep_cells(job, walk, at, H, error));
    goto done;
  }
  if (walk->part == OCLSTM__FORWARD_HALF && job->cells_half[0] != NULL) {
    compact(job, job->cells_half[0], at.n, H);
    TRY(oclstm__store_read(&job->cells_store, at.first, at.n, job->cells_half[1], error));
    merge_cells(job, at.n, H);
  } else {
    compact(job, job->cells, at.n, oclstm_layer_directions(layer) * H);
  }
  TRY(from_callback(cells->write(cells->user, to.first, to.n, job->cells, error), "sink of cells", to,
                    error));
done:
  return status;
}

/* A chunk of what was kept row by row to the sink, zeros behind each row's length. */
static oclstm_status deliver(oclstm__job *job, const oclstm__store *store, oclstm__chunk at,
                             const oclstm_sink *sink, const char *name, size_t width, float *buffer,
                             oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (sink == NULL) {
    goto done;
  }
  memset(buffer, 0, at.n * job->rows * width * sizeof *buffer);
  TRY(oclstm__rows_read(job, store, at, buffer, job->rows, width, error));
  TRY(from_callback(sink->write(sink->user, at.first, at.n, buffer, error), name, at, error));
done:
  return status;
}

static oclstm_status deliver_chunk(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t H = job->model->layers[job->model->n_layers - 1].hidden_size;
  TRY(deliver(job, &job->stores[walk->input], at, job->desc->y, "sink of y", walk->width_out, job->output,
              error));
  TRY(deliver(job, &job->cells_store, at, job->desc->cells, "sink of cells", H, job->cells, error));
done:
  return status;
}

static oclstm_status run_chunk(oclstm__job *job, const oclstm__walk *walk, oclstm__chunk at,
                               oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  set_lengths(job, at);
  if (walk->n_layers == 0) {
    TRY(deliver_chunk(job, walk, at, error));
    goto done;
  }
  TRY(read_input(job, walk, at, error));
  TRY(sweep(job, walk, at, error));
  TRY(write_output(job, walk, at, error));
  TRY(write_cells(job, walk, at, error));
done:
  return status;
}

static oclstm_status report(oclstm__job *job, size_t n, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  job->done += n;
  const oclstm_job_progress progress = {job->done, job->total, oclstm__seconds() - job->began};
  if (job->desc->progress != NULL) {
    REQUIRE(job->desc->progress(job->desc->user, &progress) == 0, OCLSTM_E_STOPPED,
            "stopped after %llu of %llu steps", (unsigned long long)job->done,
            (unsigned long long)job->total);
  }
done:
  return status;
}

oclstm_status oclstm__job_walk(oclstm__job *job, size_t index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__walk *walk = &job->walks[index];
  uint64_t chunks = job->steps / job->chunk + (job->steps % job->chunk != 0);
  for (uint64_t k = 0; k < chunks; ++k) {
    oclstm__chunk at = {.first = (walk->descending ? chunks - 1 - k : k) * job->chunk};
    uint64_t left = job->steps - at.first;
    at.n = left < job->chunk ? (size_t)left : job->chunk;
    TRY(run_chunk(job, walk, at, error));
    TRY(report(job, at.n, error));
  }
done:
  return status;
}
