/* Models in fuzz targets: read, written, read again, and run for one step.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "model/model.h"

enum { MOST_PARAMETERS_TO_RUN = 1 << 12, MOST_WIDTH = 1 << 12 };

_Noreturn void fuzz_fail(const char *what, const oclstm_error *error) {
  (void)fprintf(stderr, "fuzz: %s: %s: %s\n", what, oclstm_status_name(error->status), error->text);
  abort();
}

oclstm_limits fuzz_limits(void) {
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  limits.header_bytes = 1 << 16;
  limits.tensors = 256;
  limits.features = 1 << 12;
  limits.layers = 16;
  limits.parameters = 1 << 18;
  limits.ids = 1 << 12;
  limits.nodes = 1 << 10;
  limits.steps = 1 << 20;
  limits.rows = 1 << 10;
  return limits;
}

/* ---- memory ---- */

/* Live bytes of one load; what it may take is a multiple of the file and a constant. */
typedef struct budget {
  size_t live, most;
} budget;

/* The size lies in front of each block, which keeps the alignment of malloc. */
enum { BEFORE = 16 };

static void *budget_alloc(void *user, size_t bytes) {
  budget *b = user;
  if (bytes > b->most - b->live) {
    (void)fprintf(stderr, "fuzz: %zu bytes on top of %zu, at most %zu\n", bytes, b->live, b->most);
    abort();
  }
  unsigned char *block = malloc(bytes + BEFORE);
  if (block == NULL) {
    return NULL;
  }
  memcpy(block, &bytes, sizeof bytes);
  b->live += bytes;
  return block + BEFORE;
}

static void budget_free(void *user, void *memory) {
  budget *b = user;
  unsigned char *block = (unsigned char *)memory - BEFORE;
  size_t bytes;
  memcpy(&bytes, block, sizeof bytes);
  b->live -= bytes;
  free(block);
}

/* ---- what must hold ---- */

static int is_status_of_file(oclstm_status status) {
  switch (status) {
    case OCLSTM_E_TRUNCATED:
    case OCLSTM_E_FORMAT:
    case OCLSTM_E_DTYPE:
    case OCLSTM_E_MISSING:
    case OCLSTM_E_SHAPE:
    case OCLSTM_E_LIMIT:
    case OCLSTM_E_NONFINITE:
    case OCLSTM_E_CHECKSUM:
    case OCLSTM_E_UNSUPPORTED:
    case OCLSTM_E_MISMATCH: return 1;
    default: return 0;
  }
}

static int same_array(const oclstm_array *a, const oclstm_array *b, size_t count) {
  return (a->data == NULL) == (b->data == NULL) &&
         (a->data == NULL ||
          (a->dtype == b->dtype && memcmp(a->data, b->data, count * oclstm__dtype_bytes(a->dtype)) == 0));
}

static int same_direction(const oclstm_layer *layer, oclstm_weights *a, oclstm_weights *b) {
  oclstm__array_spec specs[OCLSTM__MAX_ARRAYS];
  size_t n = oclstm__layer_arrays(layer, specs);
  for (size_t s = 0; s < n; ++s) {
    if (!same_array(oclstm__spec_array(&specs[s], a), oclstm__spec_array(&specs[s], b),
                    oclstm__spec_count(&specs[s]))) {
      return 0;
    }
  }
  return 1;
}

static int same_model(const oclstm_model *a, const oclstm_model *b) {
  if (a->n_layers != b->n_layers || a->head_size != b->head_size || a->embedding_size != b->embedding_size ||
      memcmp(a->layers, b->layers, a->n_layers * sizeof *a->layers) != 0) {
    return 0;
  }
  for (size_t k = 0; k < 2 * a->n_layers; ++k) {
    if (!same_direction(&a->layers[k / 2], &a->weights[k], &b->weights[k])) {
      return 0;
    }
  }
  size_t width = oclstm_layer_output_size(&a->layers[a->n_layers - 1]);
  return same_array(&a->head_W, &b->head_W, a->head_size * width) &&
         same_array(&a->head_b, &b->head_b, a->head_size) &&
         same_array(&a->embedding, &b->embedding, a->embedding_size * a->layers[0].input_size);
}

/* ---- a file of this process ---- */

static char own_folder[64], own_file[96];

static void remove_own_file(void) {
  (void)unlink(own_file);
  (void)rmdir(own_folder);
}

/* In memory where the system has such a folder: every save syncs. */
static const char *file_of_process(void) {
  if (own_file[0] == '\0') {
    struct stat about;
    int shm = stat("/dev/shm", &about) == 0 && S_ISDIR(about.st_mode);
    (void)snprintf(own_folder, sizeof own_folder, "%s/oclstm-fuzz-%ld", shm ? "/dev/shm" : ".",
                   (long)getpid());
    if (mkdir(own_folder, 0700) != 0) {
      perror(own_folder);
      exit(1);
    }
    (void)snprintf(own_file, sizeof own_file, "%s/model", own_folder);
    (void)atexit(remove_own_file);
  }
  return own_file;
}

static void check_round_trip(const oclstm_model *model) {
  const char *path = file_of_process();
  oclstm_model *again = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (oclstm_model_save(model, path, &error) != OCLSTM_OK) {
    fuzz_fail("a model that was read is not written", &error);
  }
  if (oclstm_model_load(path, NULL, &again, &error) != OCLSTM_OK) {
    fuzz_fail("the saved file is not read", &error);
  }
  if (!same_model(model, again)) {
    fuzz_fail("the saved file holds another model", &error);
  }
  oclstm_model_destroy(&again);
}

/* ---- one step ---- */

static oclstm_context *reference(void) {
  static oclstm_context *context;
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  desc.device = "reference";
  if (context == NULL && oclstm_context_create(&desc, &context, &error) != OCLSTM_OK) {
    fuzz_fail("no reference", &error);
  }
  return context;
}

static void run_one_step(const oclstm_model *model) {
  static float x[MOST_WIDTH], y[MOST_WIDTH];
  static const int32_t ID;
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_io io = OCLSTM_IO_INIT;
  oclstm_plan *plan = NULL;
  oclstm_state *state = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  desc.rows = desc.steps = io.steps = 1;
  x[0] = 0.5F;
  if (model->embedding_size != 0) {
    io.ids = &ID;
  } else {
    io.x = x;
  }
  io.y = y;
  if (oclstm_plan_create(reference(), model, &desc, &plan, &error) == OCLSTM_E_UNSUPPORTED) {
    return; /* by name: a description may say more than an engine can run */
  }
  if (plan == NULL || oclstm_state_create(plan, &state, &error) != OCLSTM_OK ||
      oclstm_forward(plan, state, &io, &error) != OCLSTM_OK) {
    fuzz_fail("a model that was read does not run", &error);
  }
  oclstm_state_destroy(&state);
  oclstm_plan_destroy(&plan);
}

void fuzz_model(const uint8_t *bytes, size_t n, oclstm_file_format format) {
  oclstm_limits limits = fuzz_limits();
  oclstm_load_options options = OCLSTM_LOAD_OPTIONS_INIT;
  budget memory = {0, ((size_t)1 << 20) + 64 * n};
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  options.limits = &limits;
  options.format = format;
  options.allocator = (oclstm_allocator){budget_alloc, budget_free, &memory};
  oclstm_status status = oclstm_model_load_memory(bytes, n, &options, &model, &error);
  if (status != OCLSTM_OK) {
    if (model != NULL || !is_status_of_file(status) || error.status != status || error.text[0] == '\0') {
      fuzz_fail("refused otherwise than promised", &error);
    }
  } else {
    check_round_trip(model);
    if (model->parameters <= MOST_PARAMETERS_TO_RUN && oclstm_model_input_size(model) <= MOST_WIDTH &&
        oclstm_model_output_size(model) <= MOST_WIDTH) {
      run_one_step(model);
    }
    oclstm_model_destroy(&model);
  }
  if (memory.live != 0) {
    fuzz_fail("memory is left", &error);
  }
}
