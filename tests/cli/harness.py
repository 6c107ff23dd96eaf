"""Runs the program, makes models and arrays for it, and says what it must leave behind. SPDX-License-Identifier: MIT

Environment: OCLSTM_PROGRAM (the program under test), OCLSTM_DEVICE and OCLSTM_CACHE_DIR as the program itself reads them.
"""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

import numpy as np

PROGRAM = os.environ["OCLSTM_PROGRAM"]


class Result:
    """What a run of the program left: exit code, both streams as text."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()


class CliTest(unittest.TestCase):
    """Each test works in a folder of its own, with a small model in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.random = np.random.default_rng(5)

    def path(self, name):
        return str(self.folder / name)

    def run_cli(self, *arguments, environment=None, **options):
        """Arguments are strings or paths within the folder (pathlib.Path)."""
        line = [PROGRAM] + [str(self.folder / a) if isinstance(a, pathlib.Path) else str(a) for a in arguments]
        variables = dict(os.environ)
        variables.update(environment or {})
        return Result(subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=variables, timeout=300, **options))

    def run_good(self, *arguments, **options):
        result = self.run_cli(*arguments, **options)
        self.assertEqual((result.code, result.err), (0, ""))
        return result

    def listing(self):
        return sorted((str(p.relative_to(self.folder)), p.stat().st_size) for p in self.folder.rglob("*"))

    def fails(self, code, status, text, *arguments, **options):
        """One line on stderr that names the status and the values, nothing on stdout, nothing written."""
        before = self.listing()
        result = self.run_cli(*arguments, **options)
        self.assertEqual(result.out, "")
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, result.err)
        self.assertIn(text, lines[0])
        self.assertTrue(lines[0].startswith(f"oclstm: {status}: " if status else "oclstm: "), lines[0])
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(self.listing(), before)
        return result

    # ---- arrays and models ----

    def save(self, name, array):
        (self.folder / name).parent.mkdir(exist_ok=True)
        np.save(self.folder / name, array)
        return pathlib.Path(name)

    def load(self, name):
        return np.load(self.folder / name)

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def model(self, name="net.safetensors", **options):
        tensors = make_lstm(self.random, **options)
        (self.folder / name).write_bytes(safetensors(tensors))
        return pathlib.Path(name), tensors

    def described(self, layers, name="net.safetensors", **options):
        tensors, description = make_described(self.random, layers, **options)
        (self.folder / name).write_bytes(safetensors(tensors, metadata={"oclstm": json.dumps(description)}))
        return pathlib.Path(name), tensors


def safetensors(tensors, header_size=None, dtype="F32", metadata=None):
    """The bytes of a safetensors file; header_size replaces the true one."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, array in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text) if header_size is None else header_size) + text + data


def make_lstm(random, I=3, H=5, L=1, bidirectional=False, head=0):
    """A state_dict in PyTorch's names."""
    tensors, width = {}, I
    for layer in range(L):
        for suffix in ["", "_reverse"][:1 + bidirectional]:
            for name, shape in [("weight_ih", (4 * H, width)), ("weight_hh", (4 * H, H)), ("bias_ih", (4 * H,)),
                                ("bias_hh", (4 * H,))]:
                tensors[f"lstm.{name}_l{layer}{suffix}"] = random.uniform(-0.4, 0.4, shape).astype(np.float32)
        width = H * (1 + bidirectional)
    if head:
        tensors["fc.weight"] = random.uniform(-0.4, 0.4, (head, width)).astype(np.float32)
        tensors["fc.bias"] = random.uniform(-0.4, 0.4, head).astype(np.float32)
    return tensors


def arrays_of(layer):
    """Names and shapes of one direction's arrays, by the layer's description: docs/model_format.md."""
    H, I = layer["hidden_size"], layer["input_size"]
    P = layer.get("projection_size", 0)
    R, GH = P or H, {"lstm": 4, "gru": 3, "rnn": 1}[layer["kind"]] * H
    lstm, bias, norm = layer["kind"] == "lstm", layer.get("bias", "none"), layer.get("layer_norm", "none")
    arrays = [("weight_ih", (GH, I), True), ("weight_hh", (GH, R), True), ("bias_ih", (GH,), bias != "none"),
              ("bias_hh", (GH,), bias == "two"), ("weight_hr", (P, H), P > 0),
              ("weight_peephole", (3 * H,), layer.get("peephole") == "diagonal"), ("norm_ih", (4 * H,), norm == "haste"),
              ("norm_hh", (4 * H,), norm == "haste"), ("norm_c", (H,), norm == "haste"),
              ("norm_c_bias", (H,), norm == "haste"), ("norm_gates", (4 * H,), norm == "tflite"),
              ("initial_h", (R,), "initial_state" in layer), ("initial_c", (H,), "initial_state" in layer and lstm)]
    return [(name, shape) for name, shape, present in arrays if present]


def make_described(random, layers, embedding=0, head=0):
    """A network by its description; each layer's input_size is filled in, the first one's is 3 unless given."""
    tensors, width = {}, layers[0].get("input_size", 3)
    layers = [dict(layer) for layer in layers]
    uniform = lambda shape: random.uniform(-0.4, 0.4, shape).astype(np.float32)
    for k, layer in enumerate(layers):
        layer["input_size"] = width
        both = layer.get("direction") == "bidirectional"
        for suffix in ["", "_reverse"][:1 + both]:
            for name, shape in arrays_of(layer):
                tensors[f"lstm.{name}_l{k}{suffix}"] = uniform(shape)
        width = layer.get("projection_size", 0) or layer["hidden_size"]
        width *= 1 + (both and layer.get("merge", "concat") == "concat")
    description = {"format": 1, "layers": layers}
    if embedding:
        description["embedding"] = {"size": embedding}
        tensors["embedding.weight"] = uniform((embedding, layers[0]["input_size"]))
    if head:
        description["head"] = {"size": head, "bias": True}
        tensors["head.weight"], tensors["head.bias"] = uniform((head, width)), uniform(head)
    return tensors, description


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def expected(tensors, x, lengths=None, h0=None, c0=None):
    """y, hn, cn and cells of the last layer for x [T,B,I], in double precision: the equations, written once more."""
    T, B = x.shape[:2]
    lengths = np.full(B, T) if lengths is None else lengths
    names = [n for n in tensors if "weight_ih" in n]
    H = tensors[names[0]].shape[0] // 4
    x = x.astype(np.float64)
    hn, cn = np.zeros((len(names), B, H)), np.zeros((len(names), B, H))
    layer, k = 0, 0
    while f"lstm.weight_ih_l{layer}" in tensors:
        halves, cells = [], []
        for suffix in ["", "_reverse"]:
            if f"lstm.weight_ih_l{layer}{suffix}" not in tensors:
                continue
            W_ih, W_hh, b_ih, b_hh = (tensors[f"lstm.{n}_l{layer}{suffix}"].astype(np.float64)
                                      for n in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
            y, c_all = np.zeros((T, B, H)), np.zeros((T, B, H))
            for b in range(B):
                h = np.zeros(H) if h0 is None else h0[k, b].astype(np.float64)
                c = np.zeros(H) if c0 is None else c0[k, b].astype(np.float64)
                steps = range(lengths[b])
                for t in reversed(steps) if suffix else steps:
                    i, f, g, o = np.split(W_ih @ x[t, b] + W_hh @ h + b_ih + b_hh, 4)
                    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                    h = sigmoid(o) * np.tanh(c)
                    y[t, b], c_all[t, b] = h, c
                hn[k, b], cn[k, b] = h, c
            halves.append(y)
            cells.append(c_all)
            k += 1
        x, cells = np.concatenate(halves, 2), np.concatenate(cells, 2)
        layer += 1
    if "fc.weight" in tensors:
        valid = np.arange(T)[:, None] < np.asarray(lengths)[None]
        x = (x @ tensors["fc.weight"].T + tensors["fc.bias"]) * valid[..., None]
    return x, hn, cn, cells
