/* Names of an ONNX graph and what they stand for.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/import.h"

/* ---- axes ---- */

int64_t oclstm__axis_size(const oclstm__axis *axis) {
  int64_t size = 1;
  for (size_t k = 0; k < axis->n; ++k) {
    if (axis->parts[k].size < 0 || __builtin_mul_overflow(size, axis->parts[k].size, &size)) {
      return -1;
    }
  }
  return size;
}

int64_t oclstm__extent_number(const oclstm__extent *extent) {
  int64_t size = oclstm__axis_size(&extent->axis);
  int64_t number = extent->factor;
  return extent->axis.n != 0 && (size < 0 || __builtin_mul_overflow(number, size, &number)) ? -1 : number;
}

const char *oclstm__axes_text(const oclstm__value *value, char text[OCLSTM__AXES_TEXT]) {
  size_t n = 0;
  text[n++] = '[';
  for (size_t k = 0; k < value->rank; ++k) {
    n += (size_t)snprintf(text + n, OCLSTM__AXES_TEXT - n, k == 0 ? "" : ",");
    for (size_t p = 0; p < value->axes[k].n; ++p) {
      int tag = value->axes[k].parts[p].tag;
      const char *mark = p == 0 ? "" : "*";
      static const char *const WORDS[] = {"", "features", "directions", "layers"};
      n += tag < 0 ? (size_t)snprintf(text + n, OCLSTM__AXES_TEXT - n, "%s%s", mark, WORDS[-tag])
                   : (size_t)snprintf(text + n, OCLSTM__AXES_TEXT - n, "%saxis %d", mark,
                                      tag % OCLSTM__INPUT_AXES);
      if (n > OCLSTM__AXES_TEXT - 32) { /* no axis is longer, and the rest does not matter */
        return text;
      }
    }
    n += value->axes[k].n == 0 ? (size_t)snprintf(text + n, OCLSTM__AXES_TEXT - n, "1") : 0;
  }
  (void)snprintf(text + n, OCLSTM__AXES_TEXT - n, "]");
  return text;
}

/* ---- room ---- */

oclstm_status oclstm__values_create(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_graph *graph = &import->graph;
  uint64_t limit = import->limits->tensors + import->limits->nodes;
  import->most_constants = graph->initializers.n + graph->n_nodes;
  import->most_values = graph->initializers.n + graph->inputs.n + graph->node_outputs.n;
  REQUIRE(import->most_values <= limit, OCLSTM_E_LIMIT, "%zu values in the graph, the limit is %llu",
          import->most_values, (unsigned long long)limit);
  for (import->table_size = 16; import->table_size < 2 * import->most_values; import->table_size *= 2) {
  }
  import->values = oclstm__alloc(&import->allocator, import->most_values, sizeof *import->values);
  import->value_names = oclstm__alloc(&import->allocator, import->most_values, sizeof *import->value_names);
  import->constants = oclstm__alloc(&import->allocator, import->most_constants, sizeof *import->constants);
  import->inputs = oclstm__alloc(&import->allocator, oclstm__max(graph->inputs.n, 1), sizeof *import->inputs);
  import->table = oclstm__alloc(&import->allocator, import->table_size, sizeof *import->table);
  REQUIRE((import->values != NULL && import->value_names != NULL) || import->most_values == 0,
          OCLSTM_E_MEMORY, "%zu values", import->most_values);
  import->joined = (oclstm__list){.allocator = &import->allocator,
                                  .element = sizeof(oclstm__piece),
                                  .most = 64 * import->n_recurrent_most,
                                  .status = &import->graph.status};
  REQUIRE(import->constants != NULL && import->inputs != NULL && import->table != NULL, OCLSTM_E_MEMORY,
          "%zu constants", import->most_constants);
done:
  return status;
}

void oclstm__values_destroy(oclstm__import *import) {
  for (size_t k = 0; k < import->n_constants; ++k) {
    oclstm__constant_free(&import->constants[k], &import->allocator);
  }
  oclstm__list_free(&import->joined);
  oclstm__free(&import->allocator, import->values);
  oclstm__free(&import->allocator, import->value_names);
  oclstm__free(&import->allocator, import->constants);
  oclstm__free(&import->allocator, import->inputs);
  oclstm__free(&import->allocator, import->table);
}

/* ---- names ---- */

/* The slot that a name has or would have. The table is at most half full. */
static size_t *find_slot(const oclstm__import *import, oclstm__view name) {
  size_t at = (size_t)XXH3_64bits(name.at, name.n) & (import->table_size - 1);
  while (import->table[at] != 0 && !oclstm__view_equal(import->value_names[import->table[at] - 1], name)) {
    at = (at + 1) & (import->table_size - 1);
  }
  return &import->table[at];
}

const oclstm__value *oclstm__value_find(const oclstm__import *import, oclstm__view name) {
  size_t index = name.n != 0 ? *find_slot(import, name) : 0;
  return index != 0 ? &import->values[index - 1] : NULL;
}

oclstm_status oclstm__value_define(oclstm__import *import, oclstm__view name, const oclstm__value *value,
                                   oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  if (name.n == 0) {
    return OCLSTM_OK;
  }
  size_t *slot = find_slot(import, name);
  REQUIRE(*slot == 0, OCLSTM_E_FORMAT, "the name %.*s is defined twice", OCLSTM__TEXT(name));
  import->values[import->n_values] = *value;
  import->value_names[import->n_values] = name;
  *slot = ++import->n_values;
done:
  return status;
}

/* ---- of nodes ---- */

oclstm_status oclstm__node_input(const oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                 const oclstm__value **value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view name = oclstm__onnx_input(&import->graph, node, k);
  *value = oclstm__value_find(import, name);
  REQUIRE(name.n == 0 || *value != NULL, OCLSTM_E_FORMAT, "%s: nothing before it is called %.*s",
          OCLSTM__LABEL(&import->graph, node), OCLSTM__TEXT(name));
done:
  return status;
}

oclstm_status oclstm__node_operand(const oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                   const oclstm__value **value, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(oclstm__node_input(import, node, k, value, error));
  REQUIRE(*value != NULL, OCLSTM_E_FORMAT, "%s: input %zu is missing", OCLSTM__LABEL(&import->graph, node),
          k);
done:
  return status;
}

oclstm_status oclstm__node_define(oclstm__import *import, const oclstm__onnx_node *node, size_t k,
                                  const oclstm__value *value, oclstm_error *error) {
  return oclstm__value_define(import, oclstm__onnx_output(&import->graph, node, k), value, error);
}

oclstm_status oclstm__node_define_constant(oclstm__import *import, const oclstm__onnx_node *node,
                                           oclstm__constant *constant, oclstm_error *error) {
  oclstm__value value = {.kind = OCLSTM__CONSTANT, .constant = import->n_constants};
  import->constants[import->n_constants++] = *constant;
  return oclstm__node_define(import, node, 0, &value, error);
}
