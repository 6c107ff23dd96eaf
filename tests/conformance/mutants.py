#!/usr/bin/env python3
"""Writes a folder of vectors with wrong orders of gates and peepholes: every one must be noticed by its results.

Each importer is given the project's own vectors with the blocks of its weights in every wrong order (23 for an LSTM, 5 for a GRU,
5 for peepholes), with the directions exchanged, and with the two biases of a GRU exchanged. With --nodes the same is done to the
ONNX project's cases of LSTM and GRU nodes, to say how many of those are blind. SPDX-License-Identifier: MIT
"""
import argparse
import io
import itertools
import os
import zipfile

import numpy as np

import keras_vectors
import make_vectors
import oracle
import pack

GATES = {"lstm": "ifgo", "gru": "rzn"}
PEEPHOLES = "ifo"
OWN = ["lstm", "lstm_bidirectional", "lstm_peephole", "gru", "gru_linear_before_reset"]
STATE_DICT = ["lstm", "lstm_bidirectional", "gru_linear_before_reset"]  # what a state_dict can say
KERAS = ["keras_45_lstm", "keras_19_gru"]


def wrong(n):
    return [order for order in itertools.permutations(range(n)) if order != tuple(range(n))]


def spelled(order, letters):
    return "".join(letters[k] for k in order)


def blocks(array, order, axis=0):
    """The blocks of an axis in another order."""
    parts = np.split(array, len(order), axis)
    return np.concatenate([parts[k] for k in order], axis)


def is_gated(name):
    return name.split(".")[-1].startswith(("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


def of_weights(case):
    """What to call it, and the weights, for every way to get those of one case wrong."""
    kind, weights = case.description["layers"][0]["kind"], case.weights
    for order in wrong(oracle.GATES[kind]):
        yield "gates_" + spelled(order, GATES[kind]), {
            name: blocks(a, order) if is_gated(name) else a for name, a in weights.items()}
    for order in wrong(3) if "lstm.weight_peephole_l0" in weights else ():
        yield "peepholes_" + spelled(order, PEEPHOLES), {
            name: blocks(a, order) if "peephole" in name else a for name, a in weights.items()}
    if "lstm.weight_ih_l0_reverse" in weights:
        yield "directions", {name: weights[name[:-8] if name.endswith("_reverse") else name + "_reverse"] for name in weights}
    if case.description["layers"][0].get("linear_before_reset"):
        other = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}
        yield "biases", {name: weights["lstm.%s_l0" % other.get(name[5:12], name[5:-3])] for name in weights}


def mutant(case, importer, what, **changes):
    """A copy under a name of its own, whose results must differ."""
    values = dict(description=case.description, weights=case.weights, onnx=None)
    values.update(changes)
    return pack.Case("%s_%s_%s" % (importer, case.name, what), inputs=case.inputs, results=case.results, layout=case.layout,
                     expect="differ", **values)


def of_own_files(vectors):
    for name in OWN:
        for what, weights in of_weights(vectors[name]):
            yield mutant(vectors[name], "own", what, weights=weights)


def of_state_dicts(vectors):
    for name in STATE_DICT:
        for what, weights in of_weights(vectors[name]):
            yield mutant(vectors[name], "state-dict", what, weights=weights, description=None)


def of_onnx(vectors):
    import onnx_model
    for name in OWN:
        case = vectors[name]
        layer, (T, B) = case.description["layers"][0], case.inputs["x"].shape[:2]
        for what, weights in of_weights(case):
            arrays = [oracle.layer_arrays(weights, 0, d) for d in range(oracle.directions(layer))]
            model = onnx_model.build(layer, arrays, dict(T=T, B=B, state="input", lengths="lengths" in case.inputs))
            yield mutant(case, "onnx", what, weights={}, description=None, onnx=model)


def keras_permuted(source, target, order):
    """A copy of a file of Keras with the columns of its kernels and biases in another order."""
    import h5py
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        def permute(_, item):
            if isinstance(item, h5py.Dataset) and item.ndim and "cell" in item.name:
                item[...] = blocks(item[...], order, item.ndim - 1)
        file.visititems(permute)
    members["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def of_keras(folder):
    for case in pack.read_all(keras_vectors.FOLDER):
        kind = case.name.split("_")[-1]
        for order in wrong(oracle.GATES[kind]) if case.name in KERAS else ():
            target = os.path.join(folder, "mutant.keras")
            keras_permuted(os.path.join(keras_vectors.FOLDER, case.name + ".keras"), target, order)
            weights, description = keras_vectors.converted(target, folder)
            letters = {"lstm": "ifgo", "gru": "zrn"}[kind]
            yield mutant(case, "keras", "gates_" + spelled(order, letters), weights=weights, description=description)


def onnx_permuted(model, order, peepholes):
    """A copy of an ONNX model of one node with its blocks in another order."""
    import onnx
    from onnx import numpy_helper
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inputs = copy.graph.node[0].input
    for tensor in copy.graph.initializer:
        place, a = list(inputs).index(tensor.name), numpy_helper.to_array(tensor)
        if peepholes and place == 7:
            tensor.CopyFrom(numpy_helper.from_array(blocks(a, order, 1), tensor.name))
        elif not peepholes and place in (1, 2):
            tensor.CopyFrom(numpy_helper.from_array(blocks(a, order, 1), tensor.name))
        elif not peepholes and place == 3:
            halves = [blocks(half, order, 1) for half in np.split(a, 2, 1)]
            tensor.CopyFrom(numpy_helper.from_array(np.concatenate(halves, 1), tensor.name))
    return copy


def of_nodes():
    import onnx
    import onnx_nodes
    for arrays in onnx_nodes.generated():
        case = onnx_nodes.make(*arrays)
        model, kind = onnx.ModelProto.FromString(case.onnx), case.name.split("_")[1]
        if kind not in GATES or case.expect != "run":
            continue
        ways = [(order, False) for order in wrong(oracle.GATES[kind])]
        ways += [(order, True) for order in wrong(3)] if "peephole" in case.name else []
        for order, peepholes in ways:
            what = "peepholes_" if peepholes else "gates_"
            found = mutant(case, "nodes", what + "".join(map(str, order)), float32=case.float32, float64=case.float64,
                           onnx=onnx_permuted(model, order, peepholes).SerializeToString())
            found.expect = "either"
            yield found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="FOLDER")
    parser.add_argument("--nodes", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.to, exist_ok=True)
    if options.nodes:
        cases = list(of_nodes())
    else:
        vectors = {case.name: case for case in pack.read_all(make_vectors.FOLDER)}
        cases = [*of_own_files(vectors), *of_state_dicts(vectors), *of_onnx(vectors), *of_keras(options.to)]
    pack.write(options.to, cases)
    print("%d mutants" % len(cases))
    return 0 if cases else 1


if __name__ == "__main__":
    raise SystemExit(main())
