/* oclstm info: what a model is, and what a device would do with it.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

/* What is known of the device: none, an answer, or a plan. */
typedef struct answer {
  bool supported;
  oclstm_error error;                      /* why not */
  oclstm_error strategies[CLI_STRATEGIES]; /* the same of each strategy by its number; OK where it runs */
} answer;

/* ---- text ---- */

/* Which arrays there are besides the layers' own, and what goes in and out. */
static void print_ends(const oclstm_model *m) {
  size_t V = oclstm_model_embedding_size(m);
  if (V != 0) {
    (void)printf("embedding %zu ids of %zu features\n", V, oclstm_model_layer(m, 0)->input_size);
  }
  if (oclstm_model_head_size(m) != 0) {
    oclstm_array W, b;
    oclstm_model_head(m, &W, &b);
    (void)printf("head      dense %zu%s\n", oclstm_model_head_size(m), b.data != NULL ? "" : ", no bias");
  }
  if (V != 0) {
    (void)printf("input     ids [T,B], 0 to %zu\n", V - 1);
  } else {
    (void)printf("input     x [T,B,%zu]\n", oclstm_model_input_size(m));
  }
  (void)printf("output    y [T,B,%zu]\n", oclstm_model_output_size(m));
}

static bool has_strategies(const cli_session *s) {
  return oclstm_context_device(s->context)->type != OCLSTM_DEVICE_REFERENCE;
}

static void print_device(const cli_session *s, const answer *a) {
  const oclstm_device_info *device = oclstm_context_device(s->context);
  (void)printf("device    %s (%s): %s%s\n", device->name, device->id,
               a->supported ? "supported" : "not supported: ", a->supported ? "" : a->error.text);
  for (int k = OCLSTM_STRATEGY_STEPWISE; has_strategies(s) && k < CLI_STRATEGIES; ++k) {
    bool runs = a->strategies[k].status == OCLSTM_OK;
    (void)printf("          %s: %s\n", cli_strategy_name(k), runs ? "supported" : a->strategies[k].text);
  }
}

static int print_text(const cli_session *s, const answer *a) {
  const oclstm_model *m = s->model;
  uint64_t parameters = oclstm_model_parameters(m);
  int code = CLI_DONE;
  for (size_t l = 0; l < oclstm_model_n_layers(m); ++l) {
    CHECK(cli_print_layer(l, oclstm_model_layer(m, l)));
  }
  print_ends(m);
  (void)printf("state     %zu floats of h and %zu of c a row\n", oclstm_model_h_size(m),
               oclstm_model_c_size(m));
  (void)printf("weights   %" PRIu64 " parameters, %s as float32\n", parameters,
               cli_bytes(4 * parameters).text);
  if (s->context == NULL) {
    (void)printf("device    none: %s\n", a->error.text);
    goto done;
  }
  print_device(s, a);
  if (s->plan != NULL) {
    cli_print_plan(s->plan, m);
  }
done:
  return code;
}

/* ---- JSON ---- */

/* As in model files: absent when there is none. */
static void json_ends(cli_json *json, const oclstm_model *m) {
  if (oclstm_model_embedding_size(m) != 0) {
    cli_json_begin(json, "embedding", '{');
    cli_json_integer(json, "size", oclstm_model_embedding_size(m));
    cli_json_end(json, '}');
  }
  if (oclstm_model_head_size(m) != 0) {
    oclstm_array W, b;
    oclstm_model_head(m, &W, &b);
    cli_json_begin(json, "head", '{');
    cli_json_integer(json, "size", oclstm_model_head_size(m));
    cli_json_bool(json, "bias", b.data != NULL);
    cli_json_end(json, '}');
  }
  cli_json_integer(json, "embedding_size", oclstm_model_embedding_size(m));
  cli_json_integer(json, "head_size", oclstm_model_head_size(m));
  cli_json_integer(json, "input_size", oclstm_model_input_size(m));
  cli_json_integer(json, "output_size", oclstm_model_output_size(m));
  cli_json_integer(json, "h_size", oclstm_model_h_size(m));
  cli_json_integer(json, "c_size", oclstm_model_c_size(m));
  cli_json_integer(json, "parameters", oclstm_model_parameters(m));
}

static void json_support(cli_json *json, const cli_session *s, const answer *a) {
  if (s->context != NULL) {
    cli_json_device(json, "device", oclstm_context_device(s->context));
  } else {
    cli_json_string(json, "device", NULL);
  }
  cli_json_bool(json, "supported", a->supported);
  cli_json_string(json, "why_not", a->supported ? NULL : a->error.text);
  cli_json_begin(json, "strategies", '[');
  for (int k = OCLSTM_STRATEGY_STEPWISE; s->context != NULL && has_strategies(s) && k < CLI_STRATEGIES; ++k) {
    bool runs = a->strategies[k].status == OCLSTM_OK;
    cli_json_begin(json, NULL, '{');
    cli_json_string(json, "strategy", cli_strategy_name(k));
    cli_json_bool(json, "supported", runs);
    cli_json_string(json, "why_not", runs ? NULL : a->strategies[k].text);
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
}

static int print_json(const cli_session *s, const answer *a) {
  const oclstm_model *m = s->model;
  cli_json json = {.to = stdout};
  int code = CLI_DONE;
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "model", s->options->arguments[0]);
  cli_json_begin(&json, "layers", '[');
  for (size_t l = 0; l < oclstm_model_n_layers(m); ++l) {
    CHECK(cli_json_layer(&json, oclstm_model_layer(m, l)));
  }
  cli_json_end(&json, ']');
  json_ends(&json, m);
  json_support(&json, s, a);
  if (s->plan != NULL) {
    cli_json_plan(&json, "plan", s->plan, m);
  }
  cli_json_end(&json, '}');
done:
  return code;
}

/* ---- the whole ---- */

/* Without a device the model is described all the same, unless one was asked for. */
static int ask_device(cli_session *s, answer *a) {
  const cli_options *o = s->options;
  int code = CLI_DONE;
  if (o->device != NULL || o->plan) {
    CHECK(cli_open_device(s));
  } else if (cli_try_device(s, &a->error) != OCLSTM_OK) {
    return CLI_DONE;
  }
  oclstm_plan_desc desc = cli_plan_desc(o);
  desc.rows = (size_t)o->batch;
  a->supported = oclstm_supports(s->context, s->model, &desc, &a->error) == OCLSTM_OK;
  for (int k = OCLSTM_STRATEGY_STEPWISE; k < CLI_STRATEGIES; ++k) {
    desc.strategy = (oclstm_strategy)k;
    (void)oclstm_supports(s->context, s->model, &desc, &a->strategies[k]);
  }
  if (o->plan) {
    CHECK(cli_open_plan(s, o->batch, false));
  }
done:
  return code;
}

int cli_info(const cli_options *options) {
  cli_session session = {.options = options};
  answer a = {.supported = false};
  int code = CLI_DONE;
  if (options->n_arguments != 1) {
    return cli_usage("info needs one model: oclstm info MODEL");
  }
  CHECK(cli_open_model(&session, options->arguments[0]));
  CHECK(ask_device(&session, &a));
  CHECK(options->json ? print_json(&session, &a) : print_text(&session, &a));
done:
  cli_close(&session);
  return code;
}
