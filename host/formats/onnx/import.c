/* Loading an ONNX graph: read, understand, build, check.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/import.h"

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/external.h"

/* LSTM: ONNX has i, o, f, c; peepholes i, o, f. GRU: z, r, h. */
const oclstm__onnx_orders OCLSTM__ONNX_ORDERS = {{0, 2, 3, 1}, {1, 0, 2}, {0, 2, 1}};

static oclstm_status define_initializers(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < import->graph.initializers.n; ++k) {
    oclstm__constant constant;
    oclstm__view name = {NULL, 0};
    oclstm__value value = {.kind = OCLSTM__CONSTANT, .constant = import->n_constants};
    status = oclstm__constant_read(&constant, &import->allocator,
                                   oclstm__list_view(&import->graph.initializers, k), import->limits,
                                   &import->folder, &name, error);
    import->constants[import->n_constants++] = constant;
    TRY(status);
    TRY(oclstm__value_define(import, name, &value, error));
  }
done:
  return status;
}

/* Inputs that have an initializer of their name are constants: that is how old files name their weights. */
static oclstm_status define_inputs(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < import->graph.inputs.n; ++k) {
    oclstm__onnx_port *port = &import->inputs[import->n_inputs];
    oclstm__value value = {.kind = OCLSTM__INPUT, .input = import->n_inputs};
    TRY(oclstm__onnx_port_read(port, oclstm__list_view(&import->graph.inputs, k), error));
    REQUIRE(port->name.n != 0 && port->name.n <= OCLSTM__ONNX_NAME, OCLSTM_E_FORMAT,
            "input %zu of the graph has a name of %zu bytes", k, port->name.n);
    if (oclstm__value_find(import, port->name) != NULL) {
      continue;
    }
    REQUIRE(port->rank != SIZE_MAX, OCLSTM_E_UNSUPPORTED, "input %.*s of the graph has no shape",
            OCLSTM__TEXT(port->name));
    value.rank = port->rank;
    for (size_t a = 0; a < port->rank; ++a) {
      value.axes[a] = oclstm__axis_of((int)(OCLSTM__INPUT_AXES * import->n_inputs + a), port->dims[a]);
    }
    ++import->n_inputs;
    TRY(oclstm__value_define(import, port->name, &value, error));
  }
done:
  return status;
}

static oclstm_status make_room(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t n = 0;
  for (size_t k = 0; k < import->graph.n_nodes; ++k) {
    oclstm__view op = import->graph.nodes[k].op;
    n += oclstm__view_is(op, "LSTM") || oclstm__view_is(op, "GRU") || oclstm__view_is(op, "RNN") ? 1 : 0;
  }
  REQUIRE(n != 0, OCLSTM_E_UNSUPPORTED, "the graph has no node of LSTM, GRU or RNN");
  REQUIRE(n <= 2 * import->limits->layers, OCLSTM_E_LIMIT, "%zu recurrent nodes, the limit is %llu layers", n,
          (unsigned long long)import->limits->layers);
  import->n_recurrent_most = n;
  import->recurrent = oclstm__alloc(&import->allocator, n, sizeof *import->recurrent);
  import->chain = oclstm__alloc(&import->allocator, n, sizeof *import->chain);
  REQUIRE(import->recurrent != NULL && import->chain != NULL, OCLSTM_E_MEMORY, "%zu recurrent nodes", n);
  TRY(oclstm__values_create(import, error));
done:
  return status;
}

static oclstm_status understand(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(make_room(import, error));
  TRY(define_initializers(import, error));
  TRY(define_inputs(import, error));
  for (size_t k = 0; k < import->graph.n_nodes; ++k) {
    TRY(oclstm__operate(import, &import->graph.nodes[k], error));
  }
  TRY(oclstm__chain_find(import, error));
done:
  return status;
}

oclstm_status oclstm__onnx_load(const unsigned char *bytes, size_t n, const char *path, int external_data,
                                const oclstm_limits *limits, oclstm_allocator allocator,
                                const oclstm__onnx_orders *orders, oclstm_model **model,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm_model *made = NULL;
  oclstm__import import = {.allocator = allocator,
                           .limits = limits,
                           .orders = orders,
                           .folder = {external_data, -1},
                           .fold_bytes = (uint64_t)n * OCLSTM__FOLD_TIMES};
  if (path != NULL && external_data) {
    TRY(oclstm__external_open(&import.folder, path, &allocator, error));
  }
  TRY(oclstm__onnx_read(&import.graph, bytes, n, limits, allocator, error));
  TRY(understand(&import, error));
  TRY(oclstm__chain_build(&import, &made, error));
  TRY(oclstm__chain_check(&import, made, error));
  *model = made;
  made = NULL;
done:
  oclstm_model_destroy(&made);
  oclstm__external_close(&import.folder);
  oclstm__values_destroy(&import);
  oclstm__free(&allocator, import.recurrent);
  oclstm__free(&allocator, import.chain);
  oclstm__onnx_free(&import.graph);
  return status;
}
