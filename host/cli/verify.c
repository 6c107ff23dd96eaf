/* oclstm verify: a device against the reference, layer by layer.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { DEFAULT_STEPS = 100, DEFAULT_ROWS = 4 };

/* The sequences to compare with. */
typedef struct trial {
  size_t rows, steps;
  float *x;         /* [T,B,I], or NULL */
  int32_t *ids;     /* [T,B] in place of x, of a network with an embedding */
  int32_t *lengths; /* [B], or NULL */
  oclstm_verify_result *results;
} trial;

/* Room for x or for ids, of the same size. */
static int alloc_input(trial *t, const oclstm_model *model) {
  size_t I = oclstm_model_input_size(model);
  size_t row = t->rows * I; /* both are below 2^32 */
  void *input = row <= SIZE_MAX / t->steps ? cli_calloc(t->steps * row, sizeof(float)) : NULL;
  if (input == NULL) {
    (void)cli_fail(OCLSTM_E_MEMORY, "%zu steps, %zu rows, %zu features", t->steps, t->rows, I);
    return CLI_MEMORY;
  }
  if (oclstm_model_embedding_size(model) != 0) {
    t->ids = input;
  } else {
    t->x = input;
  }
  return CLI_DONE;
}

/* ---- random input ---- */

/* Numbers of Knuth's MMIX generator, the upper bits: the same everywhere. */
static uint32_t next_bits(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 32);
}

static void fill_random(trial *t, const oclstm_model *model, uint64_t seed) {
  uint64_t V = oclstm_model_embedding_size(model);
  size_t n = t->steps * t->rows * oclstm_model_input_size(model);
  for (size_t k = 0; k < n; ++k) {
    uint32_t bits = next_bits(&seed);
    if (t->ids != NULL) {
      t->ids[k] = (int32_t)(bits * V >> 32);
    } else {
      t->x[k] = (float)(int32_t)bits * 0x1p-31F;
    }
  }
}

/* Row 0 has all steps, the others fewer, the last one none. */
static int make_random(trial *t, const cli_options *options, const oclstm_model *model) {
  int code = CLI_DONE;
  t->steps = options->steps != 0 ? (size_t)options->steps : DEFAULT_STEPS;
  t->rows = options->batch != 0 ? (size_t)options->batch : DEFAULT_ROWS;
  if (t->steps > INT32_MAX || t->rows > INT32_MAX) {
    return cli_usage("%zu steps of %zu rows are too many to compare", t->steps, t->rows);
  }
  CHECK(alloc_input(t, model));
  fill_random(t, model, options->seed);
  t->lengths = cli_calloc(t->rows, sizeof *t->lengths);
  if (t->lengths == NULL) {
    code = cli_fail(OCLSTM_E_MEMORY, "lengths of %zu rows", t->rows);
    goto done;
  }
  for (size_t b = 0; b < t->rows; ++b) {
    uint64_t parts = t->rows > 1 ? t->rows - 1 : 1;
    t->lengths[b] = (int32_t)(t->steps * (parts - b % (parts + 1)) / parts);
  }
done:
  return code;
}

/* ---- an input file ---- */

static int read_input(trial *t, const cli_options *options, const oclstm_model *model) {
  cli_inputs inputs = {0};
  oclstm_source source = {0};
  oclstm_npy *npy = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_status status = OCLSTM_OK;
  int code = CLI_DONE;
  CHECK(cli_open_inputs(&inputs, options, model));
  if (inputs.several) {
    code = cli_usage("verify takes one input file, %s is a folder", options->arguments[1]);
    goto done;
  }
  CHECK(cli_open_npy(inputs.files[0].path, &npy));
  if (inputs.steps == 0) {
    code = cli_fail(OCLSTM_E_SHAPE, "%s: no steps to compare", inputs.files[0].path);
    goto done;
  }
  uint64_t steps = options->steps != 0 && options->steps < inputs.steps ? options->steps : inputs.steps;
  t->steps = (size_t)steps;
  t->rows = inputs.rows;
  CHECK(cli_check_ids(&inputs, options, model));
  CHECK(alloc_input(t, model));
  status = cli_open_source(&npy, 1, options, model, NULL, &source, &error);
  if (status == OCLSTM_OK) {
    status = source.read(source.user, 0, t->steps, t->ids != NULL ? (void *)t->ids : t->x, &error);
  }
  if (status != OCLSTM_OK) {
    code = cli_report(&error, inputs.files[0].path);
  }
done:
  oclstm_npy_source_destroy(&source);
  oclstm_npy_close(&npy);
  cli_close_inputs(&inputs);
  return code;
}

/* ---- results ---- */

static const char *verdict(const oclstm_verify_result *r) {
  if (!r->passed) {
    return r->resynchronised ? "FAIL (resynchronised)" : "FAIL";
  }
  return r->resynchronised ? "PASS (resynchronised)" : "PASS";
}

static void print_text(const cli_session *s, const trial *t) {
  const oclstm_device_info *device = oclstm_context_device(s->context);
  size_t layers = oclstm_model_n_layers(s->model);
  size_t n = layers + (oclstm_model_head_size(s->model) != 0);
  (void)printf("device    %s (%s), %s, %zu rows, %zu steps\n", device->name, device->id,
               cli_precision_name(s->options->precision), t->rows, t->steps);
  (void)printf("%-9s %-12s %-12s %s\n", "", "relative L2", "max abs", "result");
  for (size_t k = 0; k < n; ++k) {
    char name[32];
    (void)snprintf(name, sizeof name, k < layers ? "layer %zu" : "head", k);
    (void)printf("%-9s %-12.3g %-12.3g %s\n", name, t->results[k].relative_l2, t->results[k].max_absolute,
                 verdict(&t->results[k]));
  }
}

static void print_json(const cli_session *s, const trial *t, bool passed) {
  size_t layers = oclstm_model_n_layers(s->model);
  size_t n = layers + (oclstm_model_head_size(s->model) != 0);
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "model", s->options->arguments[0]);
  cli_json_device(&json, "device", oclstm_context_device(s->context));
  cli_json_string(&json, "precision", cli_precision_name(s->options->precision));
  cli_json_integer(&json, "rows", t->rows);
  cli_json_integer(&json, "steps", t->steps);
  cli_json_bool(&json, "passed", passed);
  cli_json_begin(&json, "results", '[');
  for (size_t k = 0; k < n; ++k) {
    cli_json_begin(&json, NULL, '{');
    cli_json_string(&json, "part", k < layers ? "layer" : "head");
    cli_json_integer(&json, "index", k < layers ? k : 0);
    cli_json_number(&json, "relative_l2", t->results[k].relative_l2);
    cli_json_number(&json, "max_absolute", t->results[k].max_absolute);
    cli_json_bool(&json, "resynchronised", t->results[k].resynchronised);
    cli_json_bool(&json, "passed", t->results[k].passed);
    cli_json_end(&json, '}');
  }
  cli_json_end(&json, ']');
  cli_json_end(&json, '}');
}

static int compare(cli_session *s, trial *t) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_verify_desc desc = OCLSTM_VERIFY_DESC_INIT;
  desc.plan = cli_plan_desc(s->options);
  desc.rows = t->rows;
  desc.steps = t->steps;
  desc.x = t->x;
  desc.ids = t->ids;
  desc.lengths = t->lengths;
  t->results = cli_calloc(oclstm_model_n_layers(s->model) + 1, sizeof *t->results);
  if (t->results == NULL) {
    return cli_fail(OCLSTM_E_MEMORY, "%zu results", oclstm_model_n_layers(s->model) + 1);
  }
  oclstm_status status = oclstm_verify(s->context, s->model, &desc, t->results, &error);
  if (status != OCLSTM_OK && status != OCLSTM_E_MISMATCH) {
    return cli_report_plan(s, &error);
  }
  if (s->options->json) {
    print_json(s, t, status == OCLSTM_OK);
  } else if (!s->options->quiet) {
    print_text(s, t);
  }
  return status == OCLSTM_OK ? CLI_DONE : cli_report(&error, NULL);
}

int cli_verify(const cli_options *options) {
  cli_session session = {.options = options};
  trial t = {0};
  int code = CLI_DONE;
  if (options->n_arguments < 1 || options->n_arguments > 2) {
    return cli_usage("verify needs a model and at most one input: oclstm verify MODEL [INPUT]");
  }
  if (options->n_arguments == 2 && options->batch != 0) {
    return cli_usage("--batch is for random input: %s has its own rows", options->arguments[1]);
  }
  CHECK(cli_open_model(&session, options->arguments[0]));
  if (options->n_arguments == 2) {
    CHECK(read_input(&t, options, session.model));
  } else {
    CHECK(make_random(&t, options, session.model));
  }
  CHECK(cli_open_device(&session));
  CHECK(compare(&session, &t));
done:
  free(t.results);
  free(t.lengths);
  free(t.x);
  free(t.ids);
  cli_close(&session);
  return code;
}
