/* One walk over the chunks of a job: read, sweep, write.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/memory.h"
#include "job/job.h"

/* A chunk of steps first .. first + n - 1. */
typedef struct chunk {
  uint64_t first;
  size_t n;
} chunk;

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

static void set_lengths(oclstm__job *job, chunk at) {
  const uint64_t *lengths = job->desc->source->lengths;
  for (size_t b = 0; b < job->rows; ++b) {
    uint64_t length = lengths != NULL ? lengths[b] : job->steps;
    uint64_t left = length > at.first ? length - at.first : 0;
    job->lengths[b] = (int32_t)(left < at.n ? left : at.n);
  }
}

/* A callback that fails without saying why is named here. */
static oclstm_status from_callback(oclstm_status status, const char *who, chunk at, oclstm_error *error) {
  if (status != OCLSTM_OK && error != NULL && error->status != status) {
    uint64_t end = at.first + at.n;
    return oclstm__fail(error, status, "the %s failed at steps %llu to %llu", who,
                        (unsigned long long)at.first, (unsigned long long)end);
  }
  return status;
}

static oclstm_status read_input(oclstm__job *job, const oclstm__walk *walk, chunk at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_source *source = job->desc->source;
  if (walk->input == OCLSTM__NO_WALK) {
    TRY(from_callback(source->read(source->user, at.first, at.n, job->input, error), "source", at, error));
  } else {
    TRY(oclstm__store_read(&job->stores[walk->input], at.first, at.n, job->input, error));
  }
  spread(job, job->input, at.n, walk->width_in);
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

static oclstm_status sweep(oclstm__job *job, const oclstm__walk *walk, chunk at, oclstm_error *error) {
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
      .output = is_last(job, walk) && job->desc->y == NULL ? NULL : job->output,
      .cells = cells_of(job, walk),
  };
  return oclstm__sweep_run(job->desc->plan, job->desc->state, &pass, error);
}

static oclstm_status write_output(oclstm__job *job, const oclstm__walk *walk, chunk at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_sink *y = job->desc->y;
  if (!is_last(job, walk)) {
    compact(job, job->output, at.n, walk->width_out);
    TRY(oclstm__store_write(&job->stores[walk - job->walks], at.first, at.n, job->output, error));
  } else if (y != NULL) {
    compact(job, job->output, at.n, walk->width_out);
    TRY(from_callback(y->write(y->user, at.first, at.n, job->output, error), "sink of y", at, error));
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

static oclstm_status write_cells(oclstm__job *job, const oclstm__walk *walk, chunk at, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_sink *cells = job->desc->cells;
  const oclstm_layer *layer = &job->model->layers[job->model->n_layers - 1];
  size_t H = layer->hidden_size;
  if (cells == NULL || !walk->last_layer) {
    goto done;
  }
  if (walk->part == OCLSTM__REVERSE_HALF) {
    compact(job, job->cells_half[1], at.n, H);
    TRY(oclstm__store_write(&job->cells_store, at.first, at.n, job->cells_half[1], error));
    goto done;
  }
  if (walk->part == OCLSTM__FORWARD_HALF && job->cells_half[0] != NULL) {
    compact(job, job->cells_half[0], at.n, H);
    TRY(oclstm__store_read(&job->cells_store, at.first, at.n, job->cells_half[1], error));
    merge_cells(job, at.n, H);
  } else {
    compact(job, job->cells, at.n, oclstm_layer_directions(layer) * H);
  }
  TRY(from_callback(cells->write(cells->user, at.first, at.n, job->cells, error), "sink of cells", at,
                    error));
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
    chunk at = {.first = (walk->descending ? chunks - 1 - k : k) * job->chunk};
    uint64_t left = job->steps - at.first;
    at.n = left < job->chunk ? (size_t)left : job->chunk;
    set_lengths(job, at);
    TRY(read_input(job, walk, at, error));
    TRY(sweep(job, walk, at, error));
    TRY(write_output(job, walk, at, error));
    TRY(write_cells(job, walk, at, error));
    TRY(report(job, at.n, error));
  }
done:
  return status;
}
