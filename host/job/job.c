/* Jobs: what a run needs is checked and allocated here, then the walks follow each other.
 * SPDX-License-Identifier: MIT */
#include "job/job.h"

#include "core/error.h"
#include "core/memory.h"

/* ---- checks ---- */

static oclstm_status check_source(const oclstm_source *source, const oclstm_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t I = oclstm_model_input_size(plan->model);
  REQUIRE(source->read != NULL, OCLSTM_E_ARGUMENT, "source without a read function");
  REQUIRE(source->rows > 0 && source->rows <= plan->desc.rows, OCLSTM_E_ARGUMENT,
          "source of %zu rows, the plan takes 1 to %zu", source->rows, plan->desc.rows);
  REQUIRE(source->features == I, OCLSTM_E_SHAPE, "source of %zu features, the network takes %zu",
          source->features, I);
  for (size_t b = 0; source->lengths != NULL && b < source->rows; ++b) {
    REQUIRE(source->lengths[b] <= source->steps, OCLSTM_E_LENGTHS,
            "length of row %zu is %llu, over %llu steps", b, (unsigned long long)source->lengths[b],
            (unsigned long long)source->steps);
  }
done:
  return status;
}

static oclstm_status check_desc(const oclstm_job_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(desc != NULL && desc->struct_size == sizeof *desc, OCLSTM_E_ARGUMENT,
          "job descriptor is NULL or of another version");
  REQUIRE(desc->plan != NULL && desc->state != NULL && desc->source != NULL, OCLSTM_E_ARGUMENT,
          "plan, state or source is NULL");
  REQUIRE((desc->y == NULL || desc->y->write != NULL) && (desc->cells == NULL || desc->cells->write != NULL),
          OCLSTM_E_ARGUMENT, "sink without a write function");
  const oclstm_plan *plan = desc->plan;
  const oclstm_state *state = desc->state;
  REQUIRE(desc->cells == NULL || plan->desc.cells, OCLSTM_E_ARGUMENT,
          "cells wanted from a plan made without them");
  REQUIRE(state->context == plan->context && state->model == plan->model && state->rows == plan->desc.rows &&
              state->precision == plan->desc.precision,
          OCLSTM_E_STATE,
          "state of %zu rows given to a plan of %zu rows, or of another context, model or precision",
          state->rows, plan->desc.rows);
  TRY(check_source(desc->source, plan, error));
done:
  return status;
}

/* ---- what a job holds ---- */

static void job_close(oclstm__job *job) {
  const oclstm_allocator *allocator = &job->allocator;
  for (size_t w = 0; job->stores != NULL && w < job->n_walks; ++w) {
    oclstm__store_close(&job->stores[w]);
  }
  oclstm__store_close(&job->cells_store);
  oclstm__free(allocator, job->lengths);
  oclstm__free(allocator, job->row);
  oclstm__free(allocator, job->cells_half[1]);
  oclstm__free(allocator, job->cells_half[0]);
  oclstm__free(allocator, job->cells);
  oclstm__free(allocator, job->output);
  oclstm__free(allocator, job->other);
  oclstm__free(allocator, job->input);
  oclstm__free(allocator, job->stores);
  oclstm__free(allocator, job->walks);
}

/* [chunk, rows, width]. */
static oclstm_status rows_buffer(const oclstm__job *job, size_t rows, size_t width, float **buffer,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t count = 0;
  REQUIRE(oclstm__mul(job->chunk, rows, &count) && oclstm__mul(count, width, &count), OCLSTM_E_LIMIT,
          "chunk of %zu steps, %zu rows, %zu features", job->chunk, rows, width);
  *buffer = oclstm__alloc(&job->allocator, count, sizeof **buffer);
  REQUIRE(*buffer != NULL, OCLSTM_E_MEMORY, "chunk of %zu steps, %zu rows, %zu features", job->chunk, rows,
          width);
done:
  return status;
}

static oclstm_status chunk_buffer(const oclstm__job *job, size_t width, float **buffer, oclstm_error *error) {
  return rows_buffer(job, job->plan_rows, width, buffer, error);
}

static oclstm_status alloc_cells(oclstm__job *job, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_layer *last = &job->model->layers[job->model->n_layers - 1];
  size_t H = last->hidden_size;
  TRY(chunk_buffer(job, oclstm_layer_directions(last) * H, &job->cells, error));
  if (job->n_walks > 1 && last->direction == OCLSTM_BIDIRECTIONAL) {
    TRY(chunk_buffer(job, H, &job->cells_half[0], error));
    TRY(chunk_buffer(job, H, &job->cells_half[1], error));
  }
done:
  return status;
}

static oclstm_status alloc_buffers(oclstm__job *job, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t input = 0, output = 0, other = 0, row = 0;
  for (size_t w = 0; w < job->n_walks; ++w) {
    const oclstm__walk *walk = &job->walks[w];
    input = oclstm__max(input, walk->width_in);
    output = oclstm__max(output, walk->width_out);
    other = oclstm__max(other, walk->part == OCLSTM__REVERSE_HALF ? walk->width_out : 0);
    if (walk->order == OCLSTM__ORDER_ROWS) {
      row = oclstm__max(row, oclstm__max(walk->width_out, job->model->layers[walk->first_layer].hidden_size));
    }
  }
  TRY(chunk_buffer(job, input, &job->input, error));
  TRY(chunk_buffer(job, output, &job->output, error));
  if (other > 0) {
    TRY(chunk_buffer(job, other, &job->other, error));
  }
  if (row > 0) {
    TRY(rows_buffer(job, 1, row, &job->row, error));
  }
  if (job->desc->cells != NULL) {
    TRY(alloc_cells(job, error));
  }
  job->lengths = oclstm__alloc(&job->allocator, job->plan_rows, sizeof *job->lengths);
  REQUIRE(job->lengths != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", job->plan_rows);
done:
  return status;
}

/* Whether a row is shorter than T. */
static bool is_ragged(const oclstm_source *source) {
  for (size_t b = 0; source->lengths != NULL && b < source->rows; ++b) {
    if (source->lengths[b] != source->steps) {
      return true;
    }
  }
  return false;
}

static oclstm_status job_open(oclstm__job *job, const oclstm_job_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_plan *plan = desc->plan;
  size_t room = oclstm__max_walks(plan->model->n_layers);
  *job = (oclstm__job){.desc = desc,
                       .model = plan->model,
                       .allocator = oclstm__allocator(plan->context->allocator),
                       .plan_rows = plan->desc.rows,
                       .rows = desc->source->rows,
                       .steps = desc->source->steps,
                       .began = oclstm__seconds()};
  job->budget = (oclstm__store_budget){
      .allocator = &job->allocator,
      .memory_left = desc->memory_bytes != 0 ? desc->memory_bytes : UINT64_C(256) << 20,
      .scratch_dir = desc->scratch_dir,
  };
  job->chunk = oclstm__min(plan->desc.steps, INT32_MAX); /* lengths of a chunk are int32 */
  bool one_chunk = job->steps <= job->chunk;
  job->chunk = one_chunk ? oclstm__max((size_t)job->steps, 1) : job->chunk;
  job->walks = oclstm__alloc(&job->allocator, room, sizeof *job->walks);
  job->stores = oclstm__alloc(&job->allocator, room, sizeof *job->stores);
  REQUIRE(job->walks != NULL && job->stores != NULL, OCLSTM_E_MEMORY, "%zu walks", room);
  job->n_walks = oclstm__schedule(job->model, one_chunk, is_ragged(desc->source), job->walks);
  REQUIRE(oclstm__mul64(job->steps, job->n_walks, &job->total), OCLSTM_E_LIMIT, "%llu steps, %zu walks",
          (unsigned long long)job->steps, job->n_walks);
  TRY(alloc_buffers(job, error));
done:
  return status;
}

/* ---- the run ---- */

/* Room for the results of a walk: [T, rows, width], or [rows, T, width]. */
static oclstm_status open_store(oclstm__job *job, const oclstm__walk *walk, size_t width,
                                oclstm__store *store, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t floats = 0;
  uint64_t row_steps = 0;
  REQUIRE(oclstm__mul(job->rows, width, &floats) && oclstm__mul64(job->steps, job->rows, &row_steps),
          OCLSTM_E_LIMIT, "%llu steps of %zu rows of %zu features", (unsigned long long)job->steps, job->rows,
          width);
  if (walk->order == OCLSTM__ORDER_ROWS) {
    TRY(oclstm__store_open(store, &job->budget, row_steps, width, error));
  } else {
    TRY(oclstm__store_open(store, &job->budget, job->steps, floats, error));
  }
done:
  return status;
}

/* The store that a walk fills, and the one of cells beside it. */
static oclstm_status open_stores(oclstm__job *job, size_t index, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__walk *walk = &job->walks[index];
  if (index + 1 < job->n_walks && oclstm__job_wants_output(job, walk)) {
    TRY(open_store(job, walk, walk->width_out, &job->stores[index], error));
  }
  bool waits = walk->part == OCLSTM__REVERSE_HALF || walk->order == OCLSTM__ORDER_ROWS;
  if (waits && walk->last_layer && job->desc->cells != NULL) {
    TRY(open_store(job, walk, job->model->layers[walk->first_layer].hidden_size, &job->cells_store, error));
  }
done:
  return status;
}

static void close_stores_after(oclstm__job *job, size_t index) {
  for (size_t w = 0; w < index; ++w) {
    if (job->walks[w].last_use == index) {
      oclstm__store_close(&job->stores[w]);
    }
  }
}

oclstm_status oclstm_job_run(const oclstm_job_desc *desc, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__job job = {0};
  TRY(check_desc(desc, error));
  TRY(job_open(&job, desc, error));
  for (size_t w = 0; w < job.n_walks; ++w) {
    TRY(open_stores(&job, w, error));
    TRY(oclstm__job_walk(&job, w, error));
    close_stores_after(&job, w);
  }
done:
  job_close(&job);
  return status;
}
