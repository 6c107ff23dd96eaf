#!/usr/bin/env python3
"""Makes the first inputs of the ONNX fuzz target: seeds_onnx.py FOLDER. Needs onnx and torch (with onnxscript); the inputs that were
chosen from them are stored in corpus/onnx.
SPDX-License-Identifier: MIT
"""
import io
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
I, H = 2, 2
numbers = np.random.default_rng(5)


def some(*shape):
    return numbers.uniform(-1, 1, shape).astype("float32")


def tensor(name, array, form):
    """raw_data, typed data, or half precision."""
    if form == "typed":
        return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel().tolist())
    return numpy_helper.from_array(array.astype({"raw": "float32", "half": "float16", "double": "float64"}[form]), name)


def node_model(op, form="raw", extra=(), constants=False, **attributes):
    D = 2 if attributes.get("direction") == "bidirectional" else 1
    G = GATES[op] * H
    arrays = {"W": some(D, G, I), "R": some(D, G, H), "B": some(D, 2 * G), "sequence_lens": np.full(1, 4, "int32"),
              "initial_h": some(D, 1, H), "initial_c": some(D, 1, H), "P": some(D, 3 * H)}
    names = ["W", "R", "B", "sequence_lens", "initial_h"] + (["initial_c", "P"] if op == "LSTM" else [])
    used = {"W", "R", *extra}
    inputs = ["X"] + [name if name in used else "" for name in names]
    while inputs[-1] == "":
        inputs.pop()
    stored = [tensor(name, arrays[name], form) if arrays[name].dtype == np.float32 else numpy_helper.from_array(arrays[name], name)
              for name in names if name in used]
    nodes = [helper.make_node(op, inputs, ["Y"], hidden_size=H, **attributes)]
    if constants:
        nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in stored] + nodes
        stored = []
    if attributes.get("layout"):
        nodes.append(helper.make_node("Identity", ["Y"], ["y"]))
    elif D == 1:
        stored.append(numpy_helper.from_array(np.array([1]), "axis"))
        nodes.append(helper.make_node("Squeeze", ["Y", "axis"], ["y"]))
    else:
        stored.append(numpy_helper.from_array(np.array([0, 0, -1]), "shape"))
        nodes += [helper.make_node("Transpose", ["Y"], ["t"], perm=[0, 2, 1, 3]), helper.make_node("Reshape", ["t", "shape"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [4, 1, I])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8).SerializeToString()


class Net(torch.nn.Module):
    def __init__(self, recurrent, embedding=None, head=None):
        super().__init__()
        self.front, self.middle, self.back = embedding, recurrent, head

    def forward(self, x):
        x = self.front(x) if self.front is not None else x
        y = self.middle(x)[0]
        return self.back(y) if self.back is not None else y


def torch_models():
    nn = torch.nn
    nets = {"lstm": Net(nn.LSTM(I, H)), "bi2": Net(nn.LSTM(I, H, 2, bidirectional=True), head=nn.Linear(2 * H, 1)),
            "gru": Net(nn.GRU(I, H, batch_first=True), nn.Embedding(5, I), nn.Linear(H, 3)), "rnn": Net(nn.RNN(I, H))}
    for name, net in nets.items():
        x = (torch.zeros(3, 1, dtype=torch.int64) if net.front is not None else torch.zeros(3, 1, I),)
        for dynamo in (False, True):
            out = io.BytesIO()
            try:
                if dynamo:
                    program = torch.onnx.export(net.eval(), x, dynamo=True, verbose=False)
                    model = program.model_proto
                    for node in model.graph.node:
                        del node.metadata_props[:]
                    yield f"torch_{name}_dynamo", model.SerializeToString()
                else:
                    torch.onnx.export(net.eval(), x, out, dynamo=False)
                    yield f"torch_{name}", out.getvalue()
            except Exception as error:  # an exporter that is not there gives no seed
                print(f"{name}: {error}", file=sys.stderr)


def node_models():
    everything = ("B", "sequence_lens", "initial_h", "initial_c", "P")
    yield "lstm", node_model("LSTM")
    yield "lstm_all", node_model("LSTM", extra=everything, clip=3.0, input_forget=1,
                                 activations=["HardSigmoid", "Tanh", "Elu"], activation_alpha=[0.2, 1.0], activation_beta=[0.5])
    yield "lstm_typed", node_model("LSTM", "typed", extra=("B",), direction="reverse")
    yield "lstm_both", node_model("LSTM", "double", extra=everything, direction="bidirectional")
    yield "lstm_layout", node_model("LSTM", layout=1)
    yield "gru", node_model("GRU", extra=("B", "initial_h"), linear_before_reset=1, constants=True)
    yield "gru_half", node_model("GRU", "half", extra=("B",), activations=["Softsign", "LeakyRelu"], activation_alpha=[0.1])
    yield "rnn", node_model("RNN", extra=("B",), activations=["Relu"], clip=1.0)
    yield "rnn_both", node_model("RNN", direction="bidirectional", activations=["Affine", "ThresholdedRelu"],
                                 activation_alpha=[1.0, 0.5], activation_beta=[0.25])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in [*node_models(), *torch_models()]:
        onnx.load_model_from_string(data)
        (folder / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


main()
