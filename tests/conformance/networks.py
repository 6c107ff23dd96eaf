"""Random networks and inputs from a description: arrays of the names and shapes of docs/model_format.md.

SPDX-License-Identifier: MIT
"""
import zlib

import numpy as np

import oracle

GIVEN = np.float32


class Draw:
    """Float32 values from a seed, so that every precision starts from the same numbers."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed if isinstance(seed, int) else zlib.crc32(seed.encode()))

    def uniform(self, shape, low, high):
        return self.random.uniform(low, high, shape).astype(GIVEN)

    def around_zero(self, shape, size):
        return self.uniform(shape, -size, size)


def shapes(layer):
    """Name, shape, and range of values of every array of one direction. Ranges keep cells where all parts of them are felt."""
    I, H, R, kind = layer["input_size"], layer["hidden_size"], oracle.state_size(layer), layer["kind"]
    GH = oracle.GATES[kind] * H
    yield "weight_ih", (GH, I), 1.6 / I ** 0.5
    yield "weight_hh", (GH, R), 1.6 / R ** 0.5
    if layer.get("bias", "none") != "none":
        yield "bias_ih", (GH,), 0.8
    if layer.get("bias") == "two":
        yield "bias_hh", (GH,), 0.8
    if layer.get("projection_size"):
        yield "weight_hr", (R, H), 1.6 / H ** 0.5
    if layer.get("peephole") == "diagonal":
        yield "weight_peephole", (3 * H,), 1.2
    norm = layer.get("layer_norm")
    for name, n in {"haste": [("norm_ih", GH), ("norm_hh", GH), ("norm_c", H)], "tflite": [("norm_gates", GH)]}.get(norm, []):
        yield name, (n,), (0.4, 1.4)
    if norm == "haste":
        yield "norm_c_bias", (H,), 0.5
    if layer.get("initial_state"):
        yield "initial_h", (R,), 0.9
    if layer.get("initial_state") and kind == "lstm":
        yield "initial_c", (H,), 1.2


def weights(description, draw):
    """Every element distinct, whatever the gate, the layer or the direction."""
    found = {}
    if "embedding" in description:
        found["embedding.weight"] = draw.around_zero(
            (description["embedding"]["size"], description["layers"][0]["input_size"]), 1.0)
    for k, layer in enumerate(description["layers"]):
        for end in ("", "_reverse")[:oracle.directions(layer)]:
            for name, shape, size in shapes(layer):
                low, high = size if isinstance(size, tuple) else (-size, size)
                found["lstm.%s_l%d%s" % (name, k, end)] = draw.uniform(shape, low, high)
    if "head" in description:
        width = oracle.output_size(description["layers"][-1])
        found["head.weight"] = draw.around_zero((description["head"]["size"], width), 1.0)
        if description["head"].get("bias"):
            found["head.bias"] = draw.around_zero((description["head"]["size"],), 1.0)
    return found


def inputs(description, draw, T, B, lengths=None, state=True):
    """x or ids, and h0 and c0 unless the state is to be the model's own. What lies behind a row's length is not zero."""
    layers, found = description["layers"], {}
    if "embedding" in description:
        found["ids"] = draw.random.randint(0, description["embedding"]["size"], (T, B)).astype(np.int32)
    else:
        found["x"] = draw.around_zero((T, B, layers[0]["input_size"]), 1.2)
    if lengths is not None:
        found["lengths"] = np.array(lengths, np.int32)
    if state:
        found["h0"] = oracle.join([draw.around_zero((oracle.directions(l), B, oracle.state_size(l)), 0.9) for l in layers])
        c0 = [draw.around_zero((oracle.directions(l), B, oracle.cell_size(l)), 1.2) for l in layers if oracle.cell_size(l)]
        if c0:
            found["c0"] = oracle.join(c0)
    return found


def connected(layers):
    """Gives the layers after the first the input size that the one before them makes."""
    for before, layer in zip(layers, layers[1:]):
        layer["input_size"] = oracle.output_size(before)
    return layers
