"""Cases computed by PyTorch in float64, and the files that hold them (see README.md).

SPDX-License-Identifier: MIT
"""
import hashlib
import json
import os
import struct

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}
# Of each kind: rows of a gate block, module, cell, arguments of both.
KINDS = {
    "lstm": (4, torch.nn.LSTM, torch.nn.LSTMCell, {}),
    "gru": (3, torch.nn.GRU, torch.nn.GRUCell, {}),
    "rnn": (1, torch.nn.RNN, torch.nn.RNNCell, {"nonlinearity": "tanh"}),
    "relu": (1, torch.nn.RNN, torch.nn.RNNCell, {"nonlinearity": "relu"}),
}


def script_hash():
    """SHA-256 over the two scripts that decide what the cases are."""
    digest = hashlib.sha256()
    for name in ("cases.py", "make_golden.py"):
        with open(os.path.join(HERE, name), "rb") as script:
            digest.update(script.read())
    return digest.hexdigest()


def save(path, tensors, metadata):
    """Writes a safetensors file: header length, JSON header padded to 8 bytes, data."""
    header, data = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        end = len(data) + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    """The tensors of a safetensors file that save wrote."""
    with open(path, "rb") as file:
        raw = file.read()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    names = {code: name for name, code in DTYPES.items()}
    return {
        name: np.frombuffer(raw[start + t["data_offsets"][0]:start + t["data_offsets"][1]], names[t["dtype"]])
        .reshape(t["shape"])
        for name, t in header.items()
    }


class ProjectedCell(torch.nn.Module):
    """One step of nn.LSTM with proj_size, for which PyTorch has no cell."""

    def __init__(self, I, H, P, bias):
        super().__init__()
        lstm = torch.nn.LSTM(I, H, bias=bias, proj_size=P)
        for name, parameter in lstm.named_parameters():
            self.register_parameter(name.replace("_l0", ""), parameter)

    def forward(self, x, state):
        parameters = dict(self.named_parameters())
        bias_ih, bias_hh = parameters.get("bias_ih"), parameters.get("bias_hh")
        gates = torch.nn.functional.linear(x, self.weight_ih, bias_ih) \
            + torch.nn.functional.linear(state[0], self.weight_hh, bias_hh)
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return (o.sigmoid() * c.tanh()) @ self.weight_hr.t(), c


class Case:
    """One network with its input and what it must give.

    kind: of KINDS. P: projection size, 0 for none. bias: 0, 1 or 2 vectors a gate. head: size of the dense layer behind, 0
    for none. lengths: None, or one per row. scale: of the weights, against sqrt(size). gain: of x. h0, c0: whether they are
    other than zero. small: whether simulators of devices, which take a second for a few steps, run it too.
    """

    def __init__(self, name, seed, kind="lstm", T=5, B=3, I=4, H=6, P=0, L=1, D=1, bias=2, head=0, head_bias=True,
                 lengths=None, batch_first=False, scale=1.3, gain=1.0, h0=True, c0=True, small=False):
        self.name, self.kind, self.T, self.B, self.I, self.H, self.L, self.D = name, kind, T, B, I, H, L, D
        self.P, self.R = P, P or H
        self.gates, self.module_class, self.cell_class, self.arguments = KINDS[kind]
        self.has_c = kind == "lstm"
        self.bias, self.head, self.lengths, self.batch_first, self.small = bias, head, lengths, batch_first, small
        self.random = np.random.RandomState(seed)
        self.weights = self.draw_weights(scale, head_bias)
        self.x = self.draw((T, B, I), gain)
        self.h0 = self.draw((L * D, B, self.R), 0.9 if h0 else 0.0)
        self.c0 = self.draw((L * D, B, H), 1.5 if c0 else 0.0)

    def draw(self, shape, size):
        """Float32 values, so that every precision starts from the same numbers."""
        return self.random.uniform(-size, size, shape).astype(np.float32)

    def draw_weights(self, scale, head_bias):
        weights, H, GH, R = {}, self.H, self.gates * self.H, self.R
        for layer in range(self.L):
            width = self.I if layer == 0 else self.D * R
            for end in ("", "_reverse")[:self.D]:
                weights["lstm.weight_ih_l%d%s" % (layer, end)] = self.draw((GH, width), scale / width ** 0.5)
                weights["lstm.weight_hh_l%d%s" % (layer, end)] = self.draw((GH, R), scale / R ** 0.5)
                for kind in ("ih", "hh")[:self.bias]:
                    weights["lstm.bias_%s_l%d%s" % (kind, layer, end)] = self.draw((GH,), 1.0)
                if self.P:
                    weights["lstm.weight_hr_l%d%s" % (layer, end)] = self.draw((self.P, H), scale / H ** 0.5)
        if self.head:
            weights["head.weight"] = self.draw((self.head, self.D * R), 1.0)
            if head_bias:
                weights["head.bias"] = self.draw((self.head,), 1.0)
        return weights

    def description(self):
        """The layers as oclstm's metadata has them, for what a state_dict cannot say; None where it says everything."""
        if self.kind != "relu":
            return None
        ends = ("forward", "reverse")[:self.D]
        layer = {"kind": "rnn", "hidden_size": self.H, "bias": ("none", "one", "two")[self.bias],
                 "direction": "bidirectional" if self.D == 2 else "forward",
                 "activation": {end: {"candidate": {"kind": "relu"}} for end in ends}}
        layers = [dict(layer, input_size=self.I if k == 0 else self.D * self.H) for k in range(self.L)]
        text = {"format": 1, "layers": layers}
        if self.head:
            text["head"] = {"size": self.head, "bias": "head.bias" in self.weights}
        return json.dumps(text)

    def tensor(self, name, count):
        """A weight in float64; a bias that the case does not have is zero."""
        return torch.from_numpy(self.weights.get(name, np.zeros(count))).double()

    def module(self):
        arguments = dict(self.arguments, proj_size=self.P) if self.P else self.arguments
        module = self.module_class(self.I, self.H, self.L, bias=self.bias > 0, bidirectional=self.D == 2, **arguments).double()
        module.load_state_dict({name: self.tensor("lstm." + name, self.gates * self.H) for name in module.state_dict()})
        return module

    def run_module(self):
        """y and the final states (h and, of an LSTM, c) by the module. Rows of length 0, which PyTorch does not take, keep
        the initial state and give zeros."""
        x = torch.from_numpy(self.x).double()
        states = [torch.from_numpy(a).double() for a in (self.h0, self.c0)[:1 + self.has_c]]
        if self.lengths is None:
            y, last = self.module()(x, tuple(states) if self.has_c else states[0])
            return y, list(last) if self.has_c else [last]
        y, last = torch.zeros(self.T, self.B, self.D * self.R).double(), [state.clone() for state in states]
        rows = [b for b in range(self.B) if self.lengths[b] > 0]
        if rows:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x[:, rows], torch.tensor([self.lengths[b] for b in rows]), enforce_sorted=False)
            first = [state[:, rows].contiguous() for state in states]
            out, some = self.module()(packed, tuple(first) if self.has_c else first[0])
            for whole, part in zip(last, some if self.has_c else [some]):
                whole[:, rows] = part
            y[:, rows] = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=self.T)[0]
        return y, last

    def run_cells(self):
        """y and c of every step of the last layer by PyTorch's cell, one step of one row at a time."""
        sequence = torch.from_numpy(self.x).double()
        for layer in range(self.L):
            y = torch.zeros(self.T, self.B, self.D * self.R).double()
            c = torch.zeros(self.T, self.B, self.D * self.H).double()
            for d in range(self.D):
                self.run_direction(layer, d, sequence, y, c)
            sequence = y
        return y, c

    def cell(self, layer, d, width):
        if self.P:
            cell = ProjectedCell(width, self.H, self.P, self.bias > 0).double()
        else:
            cell = self.cell_class(width, self.H, bias=self.bias > 0, **self.arguments).double()
        end = "_l%d%s" % (layer, "_reverse" if d else "")
        cell.load_state_dict({name: self.tensor("lstm." + name + end, self.gates * self.H) for name in cell.state_dict()})
        return cell

    def run_direction(self, layer, d, sequence, y, c):
        cell = self.cell(layer, d, sequence.shape[2])
        for b in range(self.B):
            h_now = torch.from_numpy(self.h0[layer * self.D + d, b:b + 1]).double()
            c_now = torch.from_numpy(self.c0[layer * self.D + d, b:b + 1]).double()
            steps = range(self.T if self.lengths is None else self.lengths[b])
            for t in reversed(steps) if d else steps:
                if self.has_c:
                    h_now, c_now = cell(sequence[t, b:b + 1], (h_now, c_now))
                else:
                    h_now = cell(sequence[t, b:b + 1], h_now)
                y[t, b, d * self.R:(d + 1) * self.R] = h_now[0]
                c[t, b, d * self.H:(d + 1) * self.H] = c_now[0]

    def run_head(self, y):
        if not self.head:
            return y
        y = torch.nn.functional.linear(y, self.tensor("head.weight", 0), self.tensor("head.bias", self.head))
        for b in range(self.B if self.lengths is not None else 0):
            y[self.lengths[b]:, b] = 0
        return y

    def tensors(self):
        """What the io file holds. Two ways through PyTorch must agree first."""
        with torch.no_grad():
            y, last = self.run_module()
            y_cells, cells = self.run_cells()
            assert torch.allclose(y, y_cells, rtol=0, atol=1e-13), self.name
            y = self.run_head(y)
        x, y, cells = self.x, y.numpy(), cells.numpy()
        if self.batch_first:
            x, y, cells = (a.transpose(1, 0, 2) for a in (x, y, cells))
        tensors = {"x": x, "h0": self.h0, "c0": self.c0, "y": y, "hn": last[0].numpy(), "cn": last[-1].numpy(), "cells": cells}
        if not self.has_c:
            tensors = {name: tensors[name] for name in ("x", "h0", "y", "hn")}
        if self.lengths is not None:
            tensors["lengths"] = np.array(self.lengths, np.int32)
        return tensors

    def index_line(self):
        """Name, layout, and whether simulators of devices run it too."""
        return "%s %s %s\n" % (self.name, "bti" if self.batch_first else "tbi", "small" if self.small else "full")


def write(folder, cases):
    """Writes all cases and their index into an existing folder."""
    metadata = {"torch": torch.__version__, "script": "tests/golden/make_golden.py", "script_sha256": script_hash()}
    with open(os.path.join(folder, "index.txt"), "w") as index:
        for case in cases:
            described = {"oclstm": case.description()} if case.description() else {"format": "pt"}
            save(os.path.join(folder, case.name + ".model.safetensors"), case.weights, described)
            save(os.path.join(folder, case.name + ".io.safetensors"), case.tensors(), metadata)
            index.write(case.index_line())
