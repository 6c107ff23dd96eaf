#!/usr/bin/env python3
"""ONNX Runtime as a peer of `oclstm bench`: LSTM, GRU and RNN nodes on its CPU provider, with every optimisation.

    oclstm bench --peer 'python3 bench/peers/onnx_runtime.py'
    python3 bench/peers/onnx_runtime.py --shapes 100,64,512,512 --json

Weights are constants of the graph, which a session packs when it is made; x and y stay in place between runs. This file cannot have
the name of the module that it needs.

SPDX-License-Identifier: MIT
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import alone
import common
from common import Refused

# Where the gates stand in ONNX, by their places in PyTorch: i f g o and r z n.
ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
OPSET, IR = 14, 8


def reordered(array, order):
    """Blocks of gates in another order."""
    blocks = np.split(array, len(order))
    return np.concatenate([blocks[k] for k in order])


class Graph:
    """Layers one behind the other: x [T,B,I] and lengths [B] give y [T,D,B,H] of the last."""

    def __init__(self, shape, weights, is_ragged):
        self.shape, self.weights, self.is_ragged = shape, weights, is_ragged
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def stacked(self, name, k):
        """[D, ...] of one array of all directions."""
        suffixes = ("", "_reverse")[:self.shape.directions]
        return np.stack([reordered(self.weights[f"{name}_l{k}{suffix}"], ORDER[self.shape.cell]) for suffix in suffixes])

    def layer(self, k, x):
        bias = np.concatenate([self.stacked("bias_ih", k), self.stacked("bias_hh", k)], axis=1)
        inputs = [x, self.constant(f"W{k}", self.stacked("weight_ih", k)), self.constant(f"R{k}", self.stacked("weight_hh", k)),
                  self.constant(f"B{k}", bias)] + ["lengths"] * self.is_ragged
        attributes = {"hidden_size": self.shape.H, "direction": ("forward", "bidirectional")[self.shape.directions - 1]}
        if self.shape.cell == "gru":
            attributes["linear_before_reset"] = 1
        return self.node(self.shape.cell.upper(), inputs, f"y{k}", **attributes)

    def joined(self, k, y):
        """[T,D,B,H] as the next layer wants it: [T,B,D*H]."""
        shape = self.shape
        if shape.directions == 2:
            y = self.node("Transpose", [y], f"transposed{k}", perm=[0, 2, 1, 3])
        size = self.constant(f"size{k}", np.array([shape.T, shape.B, shape.directions * shape.H], np.int64))
        return self.node("Reshape", [y, size], f"x{k + 1}")

    def model(self):
        shape, x = self.shape, "x"
        for k in range(shape.layers):
            y = self.layer(k, x)
            x = self.joined(k, y) if k + 1 < shape.layers else x
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [shape.T, shape.B, shape.I])]
        inputs += [helper.make_tensor_value_info("lengths", TensorProto.INT32, [shape.B])] * self.is_ragged
        output = helper.make_tensor_value_info(y, TensorProto.FLOAT, [shape.T, shape.directions, shape.B, shape.H])
        graph = helper.make_graph(self.nodes, "peer", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def make_session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # Its threads wait busily within a run and stop when it ends: other columns are measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Network:
    """A session whose input and output are bound to arrays."""

    way, kernel_seconds = "CPUExecutionProvider", None

    def __init__(self, shape, weights, x, lengths, threads):
        self.shape = shape
        model = Graph(shape, weights, lengths is not None).model()
        if model.ByteSize() >= 2 ** 31:
            raise Refused(f"a model of {model.ByteSize()} bytes; one file holds less than 2 GiB")
        self.session = make_session(model, threads)
        self.binding = self.session.io_binding()
        inputs = {"x": x} if lengths is None else {"x": x, "lengths": lengths.astype(np.int32)}
        self.inputs = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in inputs.items()}
        for name, value in self.inputs.items():
            self.binding.bind_ortvalue_input(name, value)
        self.result = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((shape.T, shape.directions, shape.B, shape.H), np.float32))
        self.binding.bind_ortvalue_output(self.session.get_outputs()[0].name, self.result)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def y(self):
        return self.result.numpy().transpose(0, 2, 1, 3).reshape(self.shape.T, self.shape.B, -1)


class Peer:
    NAME = "onnxruntime"

    def __init__(self, threads):
        self.threads = threads

    def version(self):
        return onnxruntime.__version__

    def details(self):
        return f"{common.processor()}, {self.threads} threads, onnx {onnx.__version__}"

    def let_go(self):
        pass

    def network(self, shape, weights, x, lengths):
        if shape.precision != "f32":
            raise Refused(f"no {shape.precision}: recurrent nodes are float32 on its CPU provider")
        if shape.training:
            raise Refused("no training")
        return Network(shape, weights, x, lengths, self.threads)


def main():
    options = alone.parser(__doc__).parse_args()
    common.limit_memory()
    return alone.main(Peer, options)


if __name__ == "__main__":
    sys.exit(main())
