/* oclstm info: what a model is, and what a device would do with it.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

/* ---- layers ---- */

static const char *kind_name(const oclstm_layer *layer) {
  static const char *const NAMES[] = {"lstm", "gru", "rnn"};
  return NAMES[layer->kind];
}

static const char *direction_name(const oclstm_layer *layer) {
  static const char *const NAMES[] = {"forward", "reverse", "bidirectional"};
  return NAMES[layer->direction];
}

static const char *bias_name(const oclstm_layer *layer) {
  static const char *const NAMES[] = {"none", "one", "two"};
  return NAMES[layer->bias];
}

/* What sets a layer apart from a plain one, as words. */
typedef struct extra {
  const char *name;
  bool present;
  double value; /* 0: none to show */
} extra;
enum { MAX_EXTRAS = 15 };

static bool own_activations(const oclstm_layer *layer) {
  for (size_t d = 0; d < oclstm_layer_directions(layer); ++d) {
    for (size_t role = 0; role < OCLSTM_N_ROLES; ++role) {
      if (layer->activation[d][role].kind != OCLSTM_ACT_DEFAULT) {
        return true;
      }
    }
  }
  return false;
}

static size_t list_extras(const oclstm_layer *l, extra extras[MAX_EXTRAS]) {
  const extra all[MAX_EXTRAS] = {
      {"peephole", l->peephole != OCLSTM_PEEPHOLE_NONE, 0.0},
      {"coupled gates", l->coupling != OCLSTM_COUPLING_NONE, 0.0},
      {"layer norm", l->layer_norm != OCLSTM_NORM_NONE, 0.0},
      {"clip of pre-activations", l->clip_preactivation > 0.0F, (double)l->clip_preactivation},
      {"clip of c", l->clip_cell > 0.0F, (double)l->clip_cell},
      {"clip of the projection", l->clip_projection > 0.0F, (double)l->clip_projection},
      {"other activations", own_activations(l), 0.0},
      {"linear before reset", l->linear_before_reset != 0, 0.0},
      {"merge other than concat", l->merge != OCLSTM_CONCAT, 0.0},
      {"go backwards", l->go_backwards != 0, 0.0},
      {"zoneout", l->zoneout_h > 0.0F || l->zoneout_c > 0.0F, 0.0},
      {"dropout of the input", l->dropout_input > 0.0F, (double)l->dropout_input},
      {"dropout of the output", l->dropout_output > 0.0F, (double)l->dropout_output},
      {"recurrent dropout", l->dropout_recurrent > 0.0F, (double)l->dropout_recurrent},
      {"dropout of weights", l->dropout_weights > 0.0F, (double)l->dropout_weights},
  };
  size_t n = 0;
  for (size_t k = 0; k < MAX_EXTRAS; ++k) {
    if (all[k].present) {
      extras[n++] = all[k];
    }
  }
  return n;
}

static uint64_t count_parameters(const oclstm_layer *l) {
  static const uint64_t GATES[] = {4, 3, 1};
  static const uint64_t BIASES[] = {0, 1, 2};
  uint64_t H = l->hidden_size, R = oclstm_layer_state_size(l), P = l->projection_size;
  uint64_t GH = GATES[l->kind] * H;
  uint64_t one =
      GH * (l->input_size + R + BIASES[l->bias]) + P * H + (l->peephole != OCLSTM_PEEPHOLE_NONE ? 3 * H : 0);
  return one * oclstm_layer_directions(l);
}

static void print_layer(size_t index, const oclstm_layer *l) {
  extra extras[MAX_EXTRAS];
  size_t n = list_extras(l, extras);
  (void)printf("layer %-3zu %-4s %-13s I %-6zu H %-6zu", index, kind_name(l), direction_name(l),
               l->input_size, l->hidden_size);
  if (l->projection_size != 0) {
    (void)printf(" P %-6zu", l->projection_size);
  }
  (void)printf(" bias %-4s  %" PRIu64 " parameters\n", bias_name(l), count_parameters(l));
  for (size_t k = 0; k < n; ++k) {
    (void)printf("          %s", extras[k].name);
    if (extras[k].value != 0.0) {
      (void)printf(" %g", extras[k].value);
    }
    (void)printf("\n");
  }
}

static void json_layer(cli_json *json, const oclstm_layer *l) {
  extra extras[MAX_EXTRAS];
  size_t n = list_extras(l, extras);
  cli_json_begin(json, NULL, '{');
  cli_json_string(json, "kind", kind_name(l));
  cli_json_string(json, "direction", direction_name(l));
  cli_json_integer(json, "input_size", l->input_size);
  cli_json_integer(json, "hidden_size", l->hidden_size);
  cli_json_integer(json, "projection_size", l->projection_size);
  cli_json_integer(json, "output_size", oclstm_layer_output_size(l));
  cli_json_string(json, "bias", bias_name(l));
  cli_json_integer(json, "parameters", count_parameters(l));
  cli_json_begin(json, "extras", '[');
  for (size_t k = 0; k < n; ++k) {
    cli_json_string(json, NULL, extras[k].name);
  }
  cli_json_end(json, ']');
  cli_json_end(json, '}');
}

/* ---- the whole ---- */

/* What is known of the device: none, an answer, or a plan. */
typedef struct answer {
  bool supported;
  oclstm_error error; /* why not */
} answer;

static void print_text(const cli_session *s, const answer *a) {
  const oclstm_model *m = s->model;
  uint64_t parameters = oclstm_model_parameters(m);
  for (size_t l = 0; l < oclstm_model_n_layers(m); ++l) {
    print_layer(l, oclstm_model_layer(m, l));
  }
  if (oclstm_model_head_size(m) != 0) {
    (void)printf("head      dense %zu\n", oclstm_model_head_size(m));
  }
  (void)printf("input     x [T,B,%zu]\noutput    y [T,B,%zu]\n", oclstm_model_input_size(m),
               oclstm_model_output_size(m));
  (void)printf("state     %zu floats of h and %zu of c a row\n", oclstm_model_h_size(m),
               oclstm_model_c_size(m));
  (void)printf("weights   %" PRIu64 " parameters, %s as float32\n", parameters,
               cli_bytes(4 * parameters).text);
  if (s->context == NULL) {
    (void)printf("device    none: %s\n", a->error.text);
    return;
  }
  const oclstm_device_info *device = oclstm_context_device(s->context);
  (void)printf("device    %s (%s): %s%s\n", device->name, device->id,
               a->supported ? "supported" : "not supported: ", a->supported ? "" : a->error.text);
  if (s->plan != NULL) {
    const oclstm_plan_info *plan = oclstm_plan_get_info(s->plan);
    (void)printf("plan      %s, gemm %s, %zu rows, %zu steps a call\n", plan->strategy, plan->gemm,
                 plan->rows, plan->steps);
    (void)printf("          memory: device %s, host %s\n", cli_bytes(plan->device_bytes).text,
                 cli_bytes(plan->host_bytes).text);
    (void)printf("          %s\n", plan->reason);
  }
}

static void json_plan(cli_json *json, const oclstm_plan_info *plan) {
  cli_json_begin(json, "plan", '{');
  cli_json_string(json, "strategy", plan->strategy);
  cli_json_string(json, "gemm", plan->gemm);
  cli_json_string(json, "reason", plan->reason);
  cli_json_integer(json, "rows", plan->rows);
  cli_json_integer(json, "steps", plan->steps);
  cli_json_integer(json, "device_bytes", plan->device_bytes);
  cli_json_integer(json, "host_bytes", plan->host_bytes);
  cli_json_end(json, '}');
}

static void print_json(const cli_session *s, const answer *a) {
  const oclstm_model *m = s->model;
  cli_json json = {.to = stdout};
  cli_json_begin(&json, NULL, '{');
  cli_json_string(&json, "version", oclstm_version());
  cli_json_string(&json, "model", s->options->arguments[0]);
  cli_json_begin(&json, "layers", '[');
  for (size_t l = 0; l < oclstm_model_n_layers(m); ++l) {
    json_layer(&json, oclstm_model_layer(m, l));
  }
  cli_json_end(&json, ']');
  cli_json_integer(&json, "head_size", oclstm_model_head_size(m));
  cli_json_integer(&json, "input_size", oclstm_model_input_size(m));
  cli_json_integer(&json, "output_size", oclstm_model_output_size(m));
  cli_json_integer(&json, "h_size", oclstm_model_h_size(m));
  cli_json_integer(&json, "c_size", oclstm_model_c_size(m));
  cli_json_integer(&json, "parameters", oclstm_model_parameters(m));
  if (s->context != NULL) {
    cli_json_device(&json, "device", oclstm_context_device(s->context));
  } else {
    cli_json_string(&json, "device", NULL);
  }
  cli_json_bool(&json, "supported", a->supported);
  cli_json_string(&json, "why_not", a->supported ? NULL : a->error.text);
  if (s->plan != NULL) {
    json_plan(&json, oclstm_plan_get_info(s->plan));
  }
  cli_json_end(&json, '}');
}

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
  if (o->plan) {
    CHECK(cli_open_plan(s, o->batch, false));
  }
done:
  return code;
}

int cli_info(const cli_options *options) {
  cli_session session = {.options = options};
  answer a = {false, {OCLSTM_OK, 0, 0, ""}};
  int code = CLI_DONE;
  if (options->n_arguments != 1) {
    return cli_usage("info needs one model: oclstm info MODEL");
  }
  CHECK(cli_open_model(&session, options->arguments[0]));
  CHECK(ask_device(&session, &a));
  if (options->json) {
    print_json(&session, &a);
  } else {
    print_text(&session, &a);
  }
done:
  cli_close(&session);
  return code;
}
