"""The files of docs/vectors.md: a network, an input and what must come out, in one safetensors file, and their index.

SPDX-License-Identifier: MIT
"""
import json
import os
import struct

import numpy as np

import oracle

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}
NAMES = {code: name for name, code in DTYPES.items()}
INPUTS, RESULTS = ("x", "ids", "lengths", "h0", "c0"), ("y", "hn", "cn", "cells")
BY_STEP = ("x", "ids", "y", "cells")  # what a layout turns
FLOAT32, FLOAT64 = 1e-6, 1e-12


def save(path, tensors, metadata):
    """Writes a safetensors file: header length, JSON header padded to 8 bytes, data in the order of `tensors`."""
    header, data = {"__metadata__": metadata}, []
    end = 0
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
        data.append(array.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def load(path):
    """The tensors and the metadata of a safetensors file that save wrote."""
    with open(path, "rb") as file:
        raw = file.read()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    metadata = header.pop("__metadata__", {})
    return {
        name: np.frombuffer(raw[start + t["data_offsets"][0]:start + t["data_offsets"][1]], NAMES[t["dtype"]])
        .reshape(t["shape"])
        for name, t in header.items()
    }, metadata


def is_weight(name):
    return "." in name


class Case:
    """One vector. Arrays are time-major here; the file's are as `layout` says.

    description: of the network, or None where the weights are a state_dict or `onnx` holds the bytes of an ONNX model.
    inputs: some of x, ids, lengths, h0, c0. results: some of y, hn, cn, cells, in float64.
    expect: "run", or "refuse:WORD": an importer or a plan answers E_UNSUPPORTED with WORD in its message.
    """

    def __init__(self, name, description, weights, inputs, results, layout="tbi", small=False, features=(),
                 float32=FLOAT32, float64=FLOAT64, onnx=None, expect="run"):
        self.name, self.description, self.weights, self.inputs, self.results = name, description, weights, inputs, results
        self.layout, self.small, self.features, self.onnx, self.expect = layout, small, tuple(features), onnx, expect
        self.float32, self.float64 = float32, float64

    def compute(self, dtype=np.float64, run=oracle.run):
        """What the oracle makes of it."""
        return run(self.description, self.weights, dtype=dtype, **self.inputs)

    def turned(self, tensors):
        """To the layout of the file, or back."""
        if self.layout == "tbi":
            return tensors
        return {name: a.swapaxes(0, 1) if name in BY_STEP else a for name, a in tensors.items()}

    def tensors(self):
        """Weights first: they are a prefix of the data."""
        return {**self.weights, **self.turned(self.inputs), **self.turned(self.results)}

    def metadata(self):
        about = {"format": 1, "layout": self.layout, "features": list(self.features),
                 "tolerance": {"float32": self.float32, "float64": self.float64}}
        metadata = {"vector": json.dumps(about)}
        if self.description is not None:
            metadata["oclstm"] = json.dumps(self.description)
        return metadata

    def index_line(self):
        return "%s %s %s %g %g %s\n" % (self.name, self.layout, "small" if self.small else "full", self.float32,
                                        self.float64, self.expect)

    def write(self, folder):
        save(os.path.join(folder, self.name + ".safetensors"), self.tensors(), self.metadata())
        if self.onnx is not None:
            with open(os.path.join(folder, self.name + ".onnx"), "wb") as file:
                file.write(self.onnx)


def write(folder, cases):
    """All cases and their index into a folder, which is made when it is not there; what was in it goes."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.endswith((".safetensors", ".onnx", "index.txt")):
            os.remove(os.path.join(folder, name))
    for case in cases:
        case.write(folder)
    with open(os.path.join(folder, "index.txt"), "w") as index:
        index.writelines(case.index_line() for case in cases)


def read(folder, name):
    """A case from its file; what only the index says (small, expect) is not filled in."""
    tensors, metadata = load(os.path.join(folder, name + ".safetensors"))
    about = json.loads(metadata["vector"])
    description = json.loads(metadata["oclstm"]) if "oclstm" in metadata else None
    weights = {name: a for name, a in tensors.items() if is_weight(name)}
    case = Case(name, description, weights, {}, {}, about["layout"], features=about["features"],
                float32=about["tolerance"]["float32"], float64=about["tolerance"]["float64"])
    case.inputs = case.turned({name: tensors[name] for name in INPUTS if name in tensors})
    case.results = case.turned({name: tensors[name] for name in RESULTS if name in tensors})
    return case


def read_all(folder):
    with open(os.path.join(folder, "index.txt")) as index:
        return [read(folder, line.split()[0]) for line in index]


def distance(got, expected):
    """Relative L2; infinite where something is not finite or stands where nothing should."""
    if got.shape != expected.shape or not np.isfinite(got).all():
        return np.inf
    error, norm = np.linalg.norm(got - expected), np.linalg.norm(expected)
    return 0.0 if error == 0 else np.inf if norm == 0 else error / norm


def worst(got, expected):
    """The largest distance over the results; infinite when they are not the same ones."""
    if got.keys() != expected.keys():
        return np.inf
    return max(distance(np.asarray(got[name], np.float64), expected[name]) for name in expected)
