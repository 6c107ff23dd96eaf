/* Long sequences as jobs: .npy arrays, and networks run over them chunk by chunk.
 *
 * SPDX-License-Identifier: MIT
 *
 * A job reads a source of any length, runs it through a plan in chunks of the plan's steps, and writes to sinks.
 * Device and host memory do not grow with T. Networks with a reverse direction run too: the reverse direction takes
 * the chunks from the end, and what lies between layers waits in host memory or, past job_desc.memory_bytes, in a
 * file; the result is that of one long forward call.
 *
 * Threads: every object here belongs to one thread at a time.
 */
#ifndef OCLSTM_JOB_H
#define OCLSTM_JOB_H

#include "oclstm/oclstm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- .npy arrays -----------------------------------------------------------------------------
 * Format: NumPy's NEP 1, versions 1.0 to 3.0; little-endian f2, f4, f8, i1, i2, i4, i8; C order; rank 0 to 4.
 * Elements are read in place, wherever asked: the file is never held in memory. */

typedef struct oclstm_npy oclstm_npy;

typedef struct oclstm_npy_info {
  oclstm_dtype dtype;
  size_t rank;
  uint64_t shape[4]; /* unused places are 1 */
  uint64_t count;    /* elements */
} oclstm_npy_info;

/* Opens an array for reading; limits may be NULL. The size of the file must be exactly what its header says.
 * Returns OK; E_ARGUMENT; E_OPEN; E_READ; E_TRUNCATED; E_FORMAT; E_DTYPE; E_LIMIT; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_npy_open(const char *path, const oclstm_limits *limits, oclstm_npy **npy,
                                         oclstm_error *error);
OCLSTM_API const oclstm_npy_info *oclstm_npy_get_info(const oclstm_npy *npy);

/* Reads count elements from element `first` on, converted to float32 (from f64: rounded to nearest; from integers:
 * nearest) or, integer arrays only, to int64.
 * Returns OK; E_ARGUMENT (outside of the array, or opened for writing); E_READ; E_TRUNCATED (the file shrank);
 * E_DTYPE (i64 from a floating-point array). */
OCLSTM_API oclstm_status oclstm_npy_read_f32(oclstm_npy *npy, uint64_t first, size_t count, float *to,
                                             oclstm_error *error);
OCLSTM_API oclstm_status oclstm_npy_read_i64(oclstm_npy *npy, uint64_t first, size_t count, int64_t *to,
                                             oclstm_error *error);

/* Creates a float32 array of shape[rank] under a temporary name beside path. The file has its full size, zeros, from
 * the start, so that a full disk shows here and not at the end. A link at path is followed, the mode of a file that is
 * replaced is kept.
 * Returns OK; E_ARGUMENT; E_OPEN (the folder is missing or not writable, or path is no regular file or may not be
 * written); E_WRITE; E_FULL; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_npy_create(const char *path, size_t rank, const uint64_t *shape,
                                           oclstm_npy **npy, oclstm_error *error);
/* Writes count floats from element `first` on, in any order. Returns OK; E_ARGUMENT; E_WRITE; E_FULL. */
OCLSTM_API oclstm_status oclstm_npy_write_f32(oclstm_npy *npy, uint64_t first, size_t count,
                                              const float *from, oclstm_error *error);
/* Syncs the file and gives it its name, replacing what was there; *npy is destroyed either way, and on failure the
 * temporary file is removed. Returns OK; E_ARGUMENT; E_WRITE; E_FULL. */
OCLSTM_API oclstm_status oclstm_npy_commit(oclstm_npy **npy, oclstm_error *error);
/* Closes. An array being written and not committed is removed: path stays as it was. */
OCLSTM_API void oclstm_npy_close(oclstm_npy **npy);

/* ---- Sources and sinks ----------------------------------------------------------------------- */

/* B sequences, read by chunks, in any order of chunks and more than once. */
typedef struct oclstm_source {
  void *user;
  size_t rows;             /* B */
  uint64_t steps;          /* T of the longest */
  size_t features;         /* oclstm_model_input_size: I, or 1 with an embedding */
  const uint64_t *lengths; /* [B], each at most `steps`; NULL: all `steps` */
  /* Writes x of steps first .. first + n - 1 to `to`: float [n,B,I], or with an embedding int32_t [n,B]. Places past a
   * row's length may be left alone. */
  oclstm_status (*read)(void *user, uint64_t first, size_t n, void *to, oclstm_error *error);
} oclstm_source;

/* Receives results by chunks [n,B,features], each step once, in ascending or descending order of chunks. Results of a
 * go_backwards layer stand in the order of processing, as in oclstm_forward: step t of row b at place length_b - 1 - t. */
typedef struct oclstm_sink {
  void *user;
  oclstm_status (*write)(void *user, uint64_t first, size_t n, const float *from, oclstm_error *error);
} oclstm_sink;

/* A source over arrays, which are borrowed until oclstm_npy_source_destroy. One array: [T], [T,I] (one row) or
 * [T,B,I], with layout BATCH_MAJOR [B,T,I]. Several: each [T], [T,I] or of rank 3 with one row; rows have lengths of
 * their own. lengths [B], copied, or NULL: the arrays' own. features is what the network takes
 * (oclstm_model_input_size); an array [T] counts as [T,1].
 * Returns OK; E_ARGUMENT; E_SHAPE (rank, or I: both are named); E_LENGTHS (a negative length or one over T);
 * E_MEMORY. */
OCLSTM_API oclstm_status oclstm_npy_source_create(oclstm_npy *const *arrays, size_t n_arrays,
                                                  oclstm_layout layout, size_t features,
                                                  const int64_t *lengths, oclstm_source *source,
                                                  oclstm_error *error);
/* A source of ids, for a network with an embedding: integer arrays of any size that .npy files have. One array: [T] (one
 * row) or [T,B], with layout BATCH_MAJOR [B,T]. Several: each [T] or of rank 2 with one row. lengths as above.
 * Returns OK; E_ARGUMENT; E_SHAPE; E_DTYPE (a floating-point array); E_LENGTHS; E_MEMORY. Reading it returns E_INDEX, too:
 * an id of a valid step that is no int32. */
OCLSTM_API oclstm_status oclstm_npy_source_create_ids(oclstm_npy *const *arrays, size_t n_arrays,
                                                      oclstm_layout layout, const int64_t *lengths,
                                                      oclstm_source *source, oclstm_error *error);
OCLSTM_API void oclstm_npy_source_destroy(oclstm_source *source);

/* A sink over arrays being written, borrowed until oclstm_npy_sink_destroy: one of rank 3 ([T,B,F], or [B,T,F]), or
 * one per row ([T_b,F]; steps past T_b are dropped).
 * Returns OK; E_ARGUMENT; E_SHAPE; E_MEMORY. */
OCLSTM_API oclstm_status oclstm_npy_sink_create(oclstm_npy *const *arrays, size_t n_arrays,
                                                oclstm_layout layout, size_t rows, size_t features,
                                                oclstm_sink *sink, oclstm_error *error);
OCLSTM_API void oclstm_npy_sink_destroy(oclstm_sink *sink);

/* ---- Jobs ------------------------------------------------------------------------------------ */

typedef struct oclstm_job_progress {
  /* Time steps walked; a reverse direction adds a walk of T steps, and so does a go_backwards layer at the end when rows
   * differ in length. */
  uint64_t done, total;
  double seconds; /* since the job began */
} oclstm_job_progress;

typedef struct oclstm_job_desc {
  size_t struct_size;
  oclstm_plan *plan;   /* of at least source.rows rows; further rows have length 0 */
  oclstm_state *state; /* read as the initial state, left as the final one */
  const oclstm_source *source;
  const oclstm_sink *y;     /* or NULL */
  const oclstm_sink *cells; /* c of every step of the last layer, [n,B,D*H], or NULL; needs plan_desc.cells */
  uint64_t memory_bytes;    /* host memory for what lies between layers; default 256 MiB */
  const char *scratch_dir;  /* where it goes past that (a file without a name); NULL: E_MEMORY instead */
  /* Called after each chunk; nonzero stops the job with E_STOPPED. NULL: not called. */
  int (*progress)(void *user, const oclstm_job_progress *progress);
  void *user;
} oclstm_job_desc;
#define OCLSTM_JOB_DESC_INIT \
  { sizeof(oclstm_job_desc), NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }

/* Runs the source's sequences from beginning to end, as one oclstm_forward of all steps does. What lies between walks is
 * float32, as it is on devices; the reference, which keeps double within a call, is rounded there.
 * Returns OK; E_ARGUMENT; E_STATE; E_SHAPE (source.features is not oclstm_model_input_size); E_LENGTHS; E_INDEX (with the
 * step of the whole sequence); E_LIMIT; E_MEMORY; E_STOPPED; E_OPEN, E_WRITE, E_FULL, E_READ (the scratch file); what
 * source and sinks return; E_OPENCL; E_DEVICE_LOST. */
OCLSTM_API oclstm_status oclstm_job_run(const oclstm_job_desc *desc, oclstm_error *error);

/* ---- Verification ---------------------------------------------------------------------------- */

typedef struct oclstm_verify_desc {
  size_t struct_size;
  oclstm_plan_desc plan;  /* rows and steps are taken from below */
  size_t rows, steps;     /* B and T of x */
  const float *x;         /* [T,B,I]; NULL with an embedding */
  const int32_t *ids;     /* [T,B] in place of x with an embedding */
  const int32_t *lengths; /* [B], or NULL */
  /* Defaults by plan.precision:  f32 2e-6 and 1e-5   f16 2e-3 and 2e-3   bf16 1.6e-2 and 1.6e-2 */
  double max_relative_l2;
  double max_absolute;
} oclstm_verify_desc;
#define OCLSTM_VERIFY_DESC_INIT \
  { sizeof(oclstm_verify_desc), OCLSTM_PLAN_DESC_INIT, 0, 0, NULL, NULL, NULL, 0.0, 0.0 }

/* How far one layer (or the head) on the device is from the reference, both given the reference's input of it. */
typedef struct oclstm_verify_result {
  double relative_l2; /* of y: |device - reference| / |reference| in the Euclidean norm */
  double max_absolute;
  /* Where a layer's weights are chaotic, no float32 arithmetic stays close over many steps. A layer that is outside
   * the bounds is run again with the state set to the reference's before each step; 1 if the figures above are of that
   * run. */
  int resynchronised;
  int passed;
} oclstm_verify_result;

/* Runs every layer, then the head, on `context` and on the reference, and compares: in one call where T fits the
 * device, else in chunks. NaN and infinities agree with their like only. An embedding is a part of the first layer.
 * results [n_layers + (head ? 1 : 0)].
 * Returns OK; E_MISMATCH (a result is outside of the bounds; all results are filled in); E_ARGUMENT; E_LENGTHS; E_INDEX;
 * E_LIMIT; E_MEMORY; what making and running plans returns. */
OCLSTM_API oclstm_status oclstm_verify(oclstm_context *context, const oclstm_model *model,
                                       const oclstm_verify_desc *desc, oclstm_verify_result *results,
                                       oclstm_error *error);

#ifdef __cplusplus
}
#endif

#endif
