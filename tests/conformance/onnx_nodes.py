#!/usr/bin/env python3
"""Writes a folder of vectors from the ONNX project's own cases of LSTM, GRU and RNN nodes.

Either from the files of --stored (Debian's libonnx-testdata), or by the generator in the onnx package, which has reverse and
bidirectional cases too. Their models take weights as inputs of the graph; here they become initialisers, with the data of the
case, since a model without weights is none. SPDX-License-Identifier: MIT
"""
import argparse
import glob
import json
import os

import numpy as np
import onnx
from onnx import numpy_helper

import live_onnx
import pack
from pack import Case

FAMILIES = ("test_lstm_", "test_gru_", "test_simple_rnn_", "test_rnn_")
INPUTS = {"X": "x", "sequence_lens": "lengths", "initial_h": "h0", "initial_c": "c0"}
PLACES = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("y", "hn", "cn")


def stored(folder):
    """Name, model, arrays in, arrays out."""
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        name = os.path.basename(path)
        if name.startswith(FAMILIES):
            yield name, onnx.load(os.path.join(path, "model.onnx")), *(
                [array_of(file) for file in sorted(glob.glob(os.path.join(path, "test_data_set_0", kind + "_*.pb")))]
                for kind in ("input", "output"))


def array_of(path):
    tensor = onnx.TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    return numpy_helper.to_array(tensor)


def generated():
    from onnx.backend.test.case import node
    from onnx.backend.test.case.node import gru, lstm, rnn  # noqa: F401, importing them makes the cases
    for case in node._NodeTestCases:
        inputs, outputs = case.data_sets[0]
        yield case.name, case.model, inputs, outputs


def make(name, model, arrays_in, arrays_out):
    node, graph = model.graph.node[0], model.graph
    given = dict(zip((i for i in node.input if i), arrays_in))
    inputs = {}
    for place, tensor in zip(PLACES, node.input):
        if tensor and place in INPUTS:
            inputs[INPUTS[place]] = given[tensor]
        elif tensor:
            graph.initializer.append(numpy_helper.from_array(given[tensor], tensor))
            graph.input.remove(next(i for i in graph.input if i.name == tensor))
    # The last h of both directions without Y: no step of y has both.
    is_both = any(a.name == "direction" and a.s == b"bidirectional" for a in node.attribute)
    expect = "refuse:both" if is_both and not node.output[0] else "run"
    batch_first = any(a.name == "layout" and a.i == 1 for a in node.attribute)
    results = dict(zip((to for to, tensor in zip(OUTPUTS, node.output) if tensor), arrays_out))
    if batch_first:
        inputs = {k: a.swapaxes(0, 1) if k in ("x", "h0", "c0") else a for k, a in inputs.items()}
        results = {k: a.transpose(1, 2, 0, 3) if k == "y" else a.swapaxes(0, 1) for k, a in results.items()}
    if "y" in results:
        T, D, B, H = results["y"].shape
        results["y"] = results["y"].transpose(0, 2, 1, 3).reshape(T, B, D * H)
    results = {k: a.astype(np.float64) for k, a in results.items()}
    inputs = {k: a.astype(np.int32 if k == "lengths" else np.float32) for k, a in inputs.items()}
    return Case(name, None, {}, inputs, results, "bti" if batch_first else "tbi", float32=live_onnx.BOUND,
                float64=live_onnx.BOUND, onnx=model.SerializeToString(), expect=expect)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="FOLDER")
    parser.add_argument("--stored", metavar="FOLDER", help="of test_lstm_defaults and so on; otherwise the generator's")
    options = parser.parse_args()
    cases = [make(*case) for case in (stored(options.stored) if options.stored else generated())]
    pack.write(options.to, cases)
    with open(os.path.join(options.to, "source.json"), "w") as file:
        json.dump({"version": "Debian libonnx-testdata" if options.stored else onnx.__version__}, file)
    print("%d cases" % len(cases))
    return 0 if cases else 1


if __name__ == "__main__":
    raise SystemExit(main())
