"""One layer as an ONNX model: what docs/model_format.md calls a layer, in the order, shapes and names of LSTM-22, GRU-22, RNN-22.

SPDX-License-Identifier: MIT
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import oracle

# Where the gates stand in ONNX, by their places in i f g o and in r z n; and the peepholes, by their places in i f o.
GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
PEEPHOLES = (0, 2, 1)
OPS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
ROLES = {"lstm": ("gate", "candidate", "output"), "gru": ("gate", "candidate"), "rnn": ("candidate",)}
NAMES = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "affine": "Affine", "leaky_relu": "LeakyRelu",
         "thresholded_relu": "ThresholdedRelu", "scaled_tanh": "ScaledTanh", "hard_sigmoid": "HardSigmoid", "elu": "Elu",
         "softsign": "Softsign", "softplus": "Softplus"}
# Which of alpha and beta an activation has. Values of the lists are taken in the order of the activations that have them.
HAS_ALPHA = {"affine", "leaky_relu", "thresholded_relu", "scaled_tanh", "hard_sigmoid", "elu"}
HAS_BETA = {"affine", "scaled_tanh", "hard_sigmoid"}
# LSTM-22 and its like came with opset 22, IR 10; runtimes of today read both.
OPSET, IR = 22, 10


def can_say(layer):
    """Whether one ONNX node says all of it."""
    silent = ("projection_size", "clip_cell", "zoneout_h", "zoneout_c", "go_backwards")
    return (not any(layer.get(member) for member in silent) and layer.get("layer_norm", "none") == "none"
            and layer.get("merge", "concat") == "concat" and layer.get("coupling", "none") != "input_from_forget")


def blocks(array, order, H):
    """Blocks of H rows in another order."""
    return np.concatenate([array[k * H:(k + 1) * H] for k in order])


def stacked(layer, arrays, name, order):
    """[D, ...] of one array of all directions, or None when the layer has none."""
    found = [a[name] for a in arrays if name in a]
    return np.stack([blocks(a, order, layer["hidden_size"]) for a in found]) if found else None


def bias(layer, arrays, order):
    """[D,2*G*H]: Wb and Rb one behind the other."""
    ih, hh = (stacked(layer, arrays, "bias_" + kind, order) for kind in ("ih", "hh"))
    return None if ih is None else np.concatenate([ih, np.zeros_like(ih) if hh is None else hh], 1)


def activation_attributes(layer):
    """activations, activation_alpha and activation_beta: of each direction in turn, the roles in turn."""
    names, alpha, beta = [], [], []
    for d in ("forward", "reverse")[:oracle.directions(layer)]:
        for role in ROLES[layer["kind"]]:
            given = layer.get("activation", {}).get(d, {}).get(role, {"kind": oracle.DEFAULT_ACTIVATION[role]})
            names.append(NAMES[given["kind"]])
            alpha += [given.get("alpha", 0.0)] * (given["kind"] in HAS_ALPHA)
            beta += [given.get("beta", 0.0)] * (given["kind"] in HAS_BETA)
    found = {"activations": names}
    if alpha:
        found["activation_alpha"] = alpha
    if beta:
        found["activation_beta"] = beta
    return found


def attributes(layer, no_lists=False):
    """no_lists: activations without alpha and beta, which are their defaults."""
    found = {"hidden_size": layer["hidden_size"], "direction": layer.get("direction", "forward")}
    if layer.get("clip_preactivation"):
        found["clip"] = layer["clip_preactivation"]
    if layer.get("linear_before_reset"):
        found["linear_before_reset"] = 1
    if layer.get("coupling") == "forget_from_input":
        found["input_forget"] = 1
    if "activation" in layer:
        found.update(activation_attributes(layer))
    if no_lists:
        found = {name: value for name, value in found.items() if name not in ("activation_alpha", "activation_beta")}
    return found


class Graph:
    """A model under construction; `constants` as Constant nodes in place of initialisers."""

    def __init__(self, constants=False):
        self.constants, self.nodes, self.initializers, self.inputs, self.outputs = constants, [], [], [], []

    def constant(self, name, array):
        """The name of a tensor that is in the model; "" for None."""
        if array is None:
            return ""
        tensor = numpy_helper.from_array(np.ascontiguousarray(array), name)
        if self.constants:
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.initializers.append(tensor)
        return name

    def input(self, name, dims, kind=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims))
        return name

    def output(self, name, rank):
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank))
        return name

    def bytes(self):
        graph = helper.make_graph(self.nodes, "conformance", self.inputs, self.outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        onnx.checker.check_model(model)
        return model.SerializeToString()


def state_input(graph, layer, name, size, wish):
    """initial_h or initial_c: an input, a tensor in the model whose rows are equal, or none."""
    D, B, state = oracle.directions(layer), wish["B"], wish.get("state")
    dims = [B, D, size] if wish.get("batch_first") else [D, B, size]
    if state == "input":
        return graph.input(name, dims)
    if state == "constant":
        rows = np.repeat(wish[name][:, None], B, 1)
        return graph.constant(name, rows.swapaxes(0, 1) if wish.get("batch_first") else rows)
    return ""


def build(layer, arrays, wish, gates=None, peepholes=PEEPHOLES):
    """The bytes of a model of one node.

    arrays: of each direction, by name without ending. wish: T, B; batch_first (layout 1); state: "input", "constant" (then
    initial_h [D,H] and initial_c too) or None; lengths: whether sequence_lens is an input; constants; all_outputs; no_lists.
    gates and peepholes: orders, wrong ones on purpose.
    """
    kind, gates = layer["kind"], gates or GATES[layer["kind"]]
    graph, T, B, I = Graph(wish.get("constants", False)), wish["T"], wish["B"], layer["input_size"]
    batch_first = wish.get("batch_first")
    inputs = [graph.input("X", [B, T, I] if batch_first else [T, B, I]),
              graph.constant("W", stacked(layer, arrays, "weight_ih", gates)),
              graph.constant("R", stacked(layer, arrays, "weight_hh", gates)),
              graph.constant("B", bias(layer, arrays, gates)),
              graph.input("sequence_lens", [B], TensorProto.INT32) if wish.get("lengths") else "",
              state_input(graph, layer, "initial_h", layer["hidden_size"], wish)]
    outputs = [graph.output("Y", 4)] + ([graph.output("Y_h", 3)] if wish.get("all_outputs", True) else [])
    if kind == "lstm":
        inputs += [state_input(graph, layer, "initial_c", layer["hidden_size"], wish),
                   graph.constant("P", stacked(layer, arrays, "weight_peephole", peepholes))]
        outputs += [graph.output("Y_c", 3)] if wish.get("all_outputs", True) else []
    while inputs[-1] == "":
        inputs.pop()
    layout = {"layout": 1} if batch_first else {}
    graph.nodes.append(helper.make_node(OPS[kind], inputs, outputs, **attributes(layer, wish.get("no_lists")), **layout))
    return graph.bytes()
