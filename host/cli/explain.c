/* What a plan decided, and why: for info and tune.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "cli.h"

static const char *const VERDICTS[] = {"chosen", "slower", "not tried", "failed", "refused"};

/* ---- text ---- */

/* "rows, tile 6", "grid, tile 4, groups 2"; the tile of a candidate is not decided before it is made. */
static cli_size way_text(const char *strategy, size_t tile_rows, size_t groups) {
  cli_size size;
  int used = snprintf(size.text, sizeof size.text, "%s", strategy);
  if (tile_rows != 0 && used > 0 && (size_t)used < sizeof size.text) {
    used += snprintf(size.text + used, sizeof size.text - (size_t)used, ", tile %zu", tile_rows);
  }
  if (groups != 0 && used > 0 && (size_t)used < sizeof size.text) {
    (void)snprintf(size.text + used, sizeof size.text - (size_t)used, ", groups %zu", groups);
  }
  return size;
}

static void print_candidate(const oclstm_plan_candidate *c) {
  char time[32] = "";
  if (c->microseconds > 0.0) {
    (void)snprintf(time, sizeof time, "%.2f us", c->microseconds);
  }
  (void)printf("            %-24s %12s  %s: %s\n", way_text(c->strategy, 0, c->groups).text, time,
               VERDICTS[c->verdict], c->why);
}

static void print_layer(const oclstm_plan *plan, size_t l, size_t d, bool both) {
  const oclstm_plan_layer *layer = oclstm_plan_get_layer(plan, l, d);
  const oclstm_plan_candidate *c = NULL;
  if (layer == NULL) {
    return;
  }
  char beside[48] = "";
  if (layer->beside > 1) {
    (void)snprintf(beside, sizeof beside, ", %zu %s side by side", layer->beside,
                   both ? "directions" : "layers");
  }
  (void)printf("          layer %zu%s: %s, %zu launches a call%s\n", l,
               !both    ? ""
               : d == 0 ? ", forward"
                        : ", reverse",
               way_text(layer->strategy, layer->tile_rows, layer->groups).text, layer->launches, beside);
  for (size_t k = 0; (c = oclstm_plan_get_candidate(plan, l, d, k)) != NULL; ++k) {
    print_candidate(c);
  }
}

void cli_print_plan(const oclstm_plan *plan, const oclstm_model *model) {
  const oclstm_plan_info *info = oclstm_plan_get_info(plan);
  const oclstm_plan_memory *memory = NULL;
  (void)printf("plan      %s, %s, gemm %s, %zu rows, %zu steps a call\n", info->strategy, info->precision,
               info->gemm, info->rows, info->steps);
  (void)printf("          %s\n", info->reason);
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    size_t directions = oclstm_layer_directions(oclstm_model_layer(model, l));
    for (size_t d = 0; d < directions; ++d) {
      print_layer(plan, l, d, directions > 1);
    }
  }
  (void)printf("          memory: device %s, host %s\n", cli_bytes(info->device_bytes).text,
               cli_bytes(info->host_bytes).text);
  for (size_t k = 0; (memory = oclstm_plan_get_memory(plan, k)) != NULL; ++k) {
    (void)printf("            %-28s %s\n", memory->purpose, cli_bytes(memory->bytes).text);
  }
}

/* ---- JSON ---- */

static void json_way(cli_json *json, const char *strategy, size_t groups, double microseconds) {
  cli_json_string(json, "strategy", strategy);
  cli_json_integer(json, "groups", groups);
  cli_json_number(json, "microseconds", microseconds > 0.0 ? microseconds : (double)NAN);
}

static void json_layer(cli_json *json, const oclstm_plan *plan, size_t l, size_t d) {
  const oclstm_plan_layer *layer = oclstm_plan_get_layer(plan, l, d);
  const oclstm_plan_candidate *c = NULL;
  if (layer == NULL) {
    return;
  }
  cli_json_begin(json, NULL, '{');
  cli_json_integer(json, "layer", l);
  cli_json_integer(json, "direction", d);
  json_way(json, layer->strategy, layer->groups, layer->microseconds);
  cli_json_integer(json, "tile_rows", layer->tile_rows);
  cli_json_integer(json, "beside", layer->beside);
  cli_json_integer(json, "launches", layer->launches);
  cli_json_string(json, "reason", layer->reason);
  cli_json_begin(json, "candidates", '[');
  for (size_t k = 0; (c = oclstm_plan_get_candidate(plan, l, d, k)) != NULL; ++k) {
    cli_json_begin(json, NULL, '{');
    json_way(json, c->strategy, c->groups, c->microseconds);
    cli_json_string(json, "verdict", VERDICTS[c->verdict]);
    cli_json_string(json, "why", c->why);
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
  cli_json_end(json, '}');
}

static void json_memory(cli_json *json, const oclstm_plan *plan) {
  const oclstm_plan_memory *memory = NULL;
  cli_json_begin(json, "memory", '[');
  for (size_t k = 0; (memory = oclstm_plan_get_memory(plan, k)) != NULL; ++k) {
    cli_json_begin(json, NULL, '{');
    cli_json_string(json, "purpose", memory->purpose);
    cli_json_integer(json, "bytes", memory->bytes);
    cli_json_end(json, '}');
  }
  cli_json_end(json, ']');
}

void cli_json_plan(cli_json *json, const char *name, const oclstm_plan *plan, const oclstm_model *model) {
  const oclstm_plan_info *info = oclstm_plan_get_info(plan);
  cli_json_begin(json, name, '{');
  cli_json_string(json, "strategy", info->strategy);
  cli_json_string(json, "precision", info->precision);
  cli_json_string(json, "gemm", info->gemm);
  cli_json_string(json, "reason", info->reason);
  cli_json_integer(json, "rows", info->rows);
  cli_json_integer(json, "steps", info->steps);
  cli_json_integer(json, "measured", info->measured);
  cli_json_integer(json, "device_bytes", info->device_bytes);
  cli_json_integer(json, "host_bytes", info->host_bytes);
  json_memory(json, plan);
  cli_json_begin(json, "layers", '[');
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    for (size_t d = 0; d < oclstm_layer_directions(oclstm_model_layer(model, l)); ++d) {
      json_layer(json, plan, l, d);
    }
  }
  cli_json_end(json, ']');
  cli_json_end(json, '}');
}
