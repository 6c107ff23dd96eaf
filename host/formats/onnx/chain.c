/* From what the graph gives out back to what it takes in: the layers of the chain.
 * SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "formats/onnx/import.h"

/* ---- one layer ---- */

static bool same_source(const oclstm__value *a, const oclstm__value *b) {
  bool same = a->kind == b->kind && a->n_pieces == b->n_pieces && a->merge == b->merge;
  if (a->kind == OCLSTM__INPUT || a->kind == OCLSTM__EMBEDDED) {
    return same && a->input == b->input;
  }
  for (size_t k = 0; same && k < a->n_pieces; ++k) {
    same = a->pieces[k].node == b->pieces[k].node && a->pieces[k].direction == b->pieces[k].direction;
  }
  return same;
}

/* Whether two nodes can be the two directions of one layer. */
static oclstm_status check_pair(const oclstm__import *import, const oclstm__recurrent *a,
                                const oclstm__recurrent *b, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__onnx_graph *graph = &import->graph;
  REQUIRE(a->D == 1 && b->D == 1 && !a->backwards && b->backwards, OCLSTM_E_UNSUPPORTED,
          "%s: its output is joined with that of a node that does not run the other way",
          OCLSTM__LABEL(graph, a->node));
  REQUIRE(same_source(&a->input, &b->input), OCLSTM_E_UNSUPPORTED,
          "%s: the two directions of a layer do not read the same", OCLSTM__LABEL(graph, b->node));
  bool same = a->kind == b->kind && a->H == b->H && a->linear_before_reset == b->linear_before_reset &&
              a->input_forget == b->input_forget && a->clip == b->clip && (a->B == NULL) == (b->B == NULL) &&
              (a->P == NULL) == (b->P == NULL);
  REQUIRE(same, OCLSTM_E_UNSUPPORTED, "%s: the two directions of a layer are cells of two descriptions",
          OCLSTM__LABEL(graph, b->node));
done:
  return status;
}

static oclstm_status add_layer(oclstm__import *import, const oclstm__value *output, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__chain_layer *layer = &import->chain[import->n_layers];
  const oclstm__recurrent *first = &import->recurrent[output->pieces[0].node];
  layer->nodes[0] = output->pieces[0].node;
  layer->n_nodes = 1;
  layer->merge = output->merge;
  if (output->n_pieces == 1) {
    REQUIRE(first->D == 1, OCLSTM_E_UNSUPPORTED, "%s: only one of its two directions is used",
            OCLSTM__LABEL(&import->graph, first->node));
  } else if (output->pieces[0].node == output->pieces[1].node) {
    REQUIRE(output->pieces[0].direction == 0 && output->pieces[1].direction == 1, OCLSTM_E_UNSUPPORTED,
            "%s: its directions change places", OCLSTM__LABEL(&import->graph, first->node));
    REQUIRE(!first->input.reversed, OCLSTM_E_UNSUPPORTED, "%s: both directions of a reversed sequence",
            OCLSTM__LABEL(&import->graph, first->node));
  } else {
    layer->nodes[1] = output->pieces[1].node;
    layer->n_nodes = 2;
    TRY(check_pair(import, first, &import->recurrent[layer->nodes[1]], error));
  }
  ++import->n_layers;
done:
  return status;
}

/* ---- what all layers must share ---- */

/* The state of a layer that is a part of one input of the graph lies where ours does: behind the layers before it. */
static oclstm_status check_state(const oclstm__import *import, size_t l, size_t node, size_t which,
                                 oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__recurrent *recurrent = &import->recurrent[node];
  const oclstm__value *state = &recurrent->states[which];
  int64_t expected = 0;
  if (state->kind != OCLSTM__INPUT) {
    return OCLSTM_OK;
  }
  for (size_t k = 0; k <= l; ++k) {
    for (size_t n = 0; n < import->chain[k].n_nodes && (k < l || import->chain[k].nodes[n] != node); ++n) {
      const oclstm__recurrent *before = &import->recurrent[import->chain[k].nodes[n]];
      bool shared =
          before->states[which].kind == OCLSTM__INPUT && before->states[which].input == state->input;
      expected += shared ? (int64_t)before->D : 0;
    }
  }
  REQUIRE(state->first == expected, OCLSTM_E_UNSUPPORTED,
          "%s: its initial state is row %lld of input %.*s, where its place in the chain makes it row %lld",
          OCLSTM__LABEL(&import->graph, recurrent->node), (long long)state->first,
          OCLSTM__TEXT(import->inputs[state->input].name), (long long)expected);
done:
  return status;
}

static oclstm_status check_layers(const oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  int lengths = import->recurrent[import->chain[0].nodes[0]].lengths;
  for (size_t l = 0; l < import->n_layers; ++l) {
    for (size_t n = 0; n < import->chain[l].n_nodes; ++n) {
      const oclstm__recurrent *recurrent = &import->recurrent[import->chain[l].nodes[n]];
      REQUIRE(recurrent->lengths == lengths, OCLSTM_E_UNSUPPORTED,
              "%s: its sequence_lens are not those of the first layer",
              OCLSTM__LABEL(&import->graph, recurrent->node));
      TRY(check_state(import, l, import->chain[l].nodes[n], 0, error));
      TRY(check_state(import, l, import->chain[l].nodes[n], 1, error));
    }
  }
done:
  return status;
}

static void turn_round(oclstm__import *import) {
  for (size_t k = 0; k < import->n_layers / 2; ++k) {
    oclstm__chain_layer swap = import->chain[k];
    import->chain[k] = import->chain[import->n_layers - 1 - k];
    import->chain[import->n_layers - 1 - k] = swap;
  }
}

/* ---- what the graph gives out ---- */

static int rank_of(oclstm__value_kind kind) {
  return kind == OCLSTM__HEAD ? 3 : kind == OCLSTM__SEQUENCE ? 2 : kind == OCLSTM__FINAL_H ? 1 : 0;
}

/* The chain ends with the head, else with a sequence, else with the last h; of several, with the latest node's. */
static oclstm_status choose_output(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *chosen = NULL;
  REQUIRE(import->graph.outputs.n != 0, OCLSTM_E_FORMAT, "the graph has no outputs");
  for (size_t k = 0; k < import->graph.outputs.n; ++k) {
    oclstm__onnx_port port;
    TRY(oclstm__onnx_port_read(&port, oclstm__list_view(&import->graph.outputs, k), error));
    const oclstm__value *value = oclstm__value_find(import, port.name);
    REQUIRE(value != NULL, OCLSTM_E_FORMAT, "output %.*s of the graph is made by no node",
            OCLSTM__TEXT(port.name));
    int rank = rank_of(value->kind);
    REQUIRE(rank != 0 || value->kind == OCLSTM__FINAL_C, OCLSTM_E_UNSUPPORTED,
            "output %.*s of the graph is no output of a recurrent network", OCLSTM__TEXT(port.name));
    bool later =
        chosen != NULL && rank == rank_of(chosen->kind) && value->pieces[0].node > chosen->pieces[0].node;
    if (rank != 0 && value->n_joined == 0 && (chosen == NULL || rank > rank_of(chosen->kind) || later)) {
      chosen = value;
    }
  }
  REQUIRE(chosen != NULL, OCLSTM_E_UNSUPPORTED, "no output of the graph is the y of its last layer");
  import->output = *chosen;
done:
  return status;
}

static bool in_chain(const oclstm__import *import, size_t node) {
  for (size_t l = 0; l < import->n_layers; ++l) {
    for (size_t n = 0; n < import->chain[l].n_nodes; ++n) {
      if (import->chain[l].nodes[n] == node) {
        return true;
      }
    }
  }
  return false;
}

/* Every node has its place in the chain, and every other output is a final state, or the same once more: anything else
 * would be lost. */
static oclstm_status check_outputs(const oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__value *main = &import->output;
  for (size_t k = 0; k < import->n_recurrent; ++k) {
    REQUIRE(in_chain(import, k), OCLSTM_E_UNSUPPORTED, "%s is beside the chain that makes the output",
            OCLSTM__LABEL(&import->graph, import->recurrent[k].node));
  }
  for (size_t k = 0; k < import->graph.outputs.n; ++k) {
    oclstm__onnx_port port;
    TRY(oclstm__onnx_port_read(&port, oclstm__list_view(&import->graph.outputs, k), error));
    const oclstm__value *value = oclstm__value_find(import, port.name);
    bool is_state = value->kind == OCLSTM__FINAL_H || value->kind == OCLSTM__FINAL_C;
    bool is_main = value->kind == main->kind && same_source(value, main) && value->reversed == main->reversed;
    const oclstm__axis *features = value->rank != 0 ? &value->axes[value->rank - 1] : NULL;
    REQUIRE(
        features != NULL && features->n != 0 && features->parts[features->n - 1].tag == OCLSTM__TAG_FEATURE,
        OCLSTM_E_UNSUPPORTED, "output %.*s of the graph is %s: its last axis is not the features",
        OCLSTM__TEXT(port.name), OCLSTM__AXES(value));
    REQUIRE(is_state || is_main, OCLSTM_E_UNSUPPORTED,
            "output %.*s of the graph is neither the last layer's nor a final state of the chain",
            OCLSTM__TEXT(port.name));
  }
done:
  return status;
}

/* Where only the last h is given out, y's last step must be it. */
static oclstm_status decide_order(oclstm__import *import, const oclstm__value *last, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__chain_layer *layer = &import->chain[import->n_layers - 1];
  const oclstm__recurrent *recurrent = &import->recurrent[layer->nodes[0]];
  const char *label = OCLSTM__LABEL(&import->graph, recurrent->node);
  bool alone = last->n_pieces == 1;
  if (last->kind == OCLSTM__FINAL_H) {
    REQUIRE(alone, OCLSTM_E_UNSUPPORTED, "%s: the last h of both directions: no step of y holds both", label);
    layer->go_backwards = recurrent->backwards;
  } else {
    REQUIRE(!last->reversed || (alone && recurrent->backwards), OCLSTM_E_UNSUPPORTED,
            "%s: its output is turned round in time", label);
    layer->go_backwards = last->reversed;
  }
done:
  return status;
}

oclstm_status oclstm__chain_find(oclstm__import *import, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(choose_output(import, error));
  const oclstm__value *last = import->output.kind == OCLSTM__HEAD ? &import->head.input : &import->output;
  for (const oclstm__value *at = last; at->n_pieces != 0;
       at = &import->recurrent[import->chain[import->n_layers - 1].nodes[0]].input) {
    TRY(add_layer(import, at, error));
  }
  REQUIRE(import->n_layers <= import->limits->layers, OCLSTM_E_LIMIT, "%zu layers, the limit is %llu",
          import->n_layers, (unsigned long long)import->limits->layers);
  turn_round(import);
  TRY(check_layers(import, error));
  TRY(check_outputs(import, error));
  TRY(decide_order(import, last, error));
done:
  return status;
}
