"""LSTM cases computed by PyTorch in float64, and the files that hold them (see README.md).

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


class Case:
    """One network with its input and what it must give.

    bias: 0, 1 or 2 vectors a gate. head: size of the dense layer behind, 0 for none. lengths: None, or one per row.
    scale: of the weights, against sqrt(size). gain: of x. h0, c0: whether they are other than zero. small: whether
    simulators of devices, which take a second for a few steps, run it too.
    """

    def __init__(self, name, seed, T=5, B=3, I=4, H=6, L=1, D=1, bias=2, head=0, head_bias=True, lengths=None,
                 batch_first=False, scale=1.3, gain=1.0, h0=True, c0=True,
                 small=False):
        self.name, self.T, self.B, self.I, self.H, self.L, self.D = name, T, B, I, H, L, D
        self.bias, self.head, self.lengths, self.batch_first, self.small = bias, head, lengths, batch_first, small
        self.random = np.random.RandomState(seed)
        self.weights = self.draw_weights(scale, head_bias)
        self.x = self.draw((T, B, I), gain)
        self.h0 = self.draw((L * D, B, H), 0.9 if h0 else 0.0)
        self.c0 = self.draw((L * D, B, H), 1.5 if c0 else 0.0)

    def draw(self, shape, size):
        """Float32 values, so that every precision starts from the same numbers."""
        return self.random.uniform(-size, size, shape).astype(np.float32)

    def draw_weights(self, scale, head_bias):
        weights, H = {}, self.H
        for layer in range(self.L):
            width = self.I if layer == 0 else self.D * H
            for end in ("", "_reverse")[:self.D]:
                weights["lstm.weight_ih_l%d%s" % (layer, end)] = self.draw((4 * H, width), scale / width ** 0.5)
                weights["lstm.weight_hh_l%d%s" % (layer, end)] = self.draw((4 * H, H), scale / H ** 0.5)
                for kind in ("ih", "hh")[:self.bias]:
                    weights["lstm.bias_%s_l%d%s" % (kind, layer, end)] = self.draw((4 * H,), 1.0)
        if self.head:
            weights["head.weight"] = self.draw((self.head, self.D * H), 1.0)
            if head_bias:
                weights["head.bias"] = self.draw((self.head,), 1.0)
        return weights

    def tensor(self, name, count):
        """A weight in float64; a bias that the case does not have is zero."""
        return torch.from_numpy(self.weights.get(name, np.zeros(count))).double()

    def module(self):
        lstm = torch.nn.LSTM(self.I, self.H, self.L, bias=self.bias > 0, bidirectional=self.D == 2).double()
        lstm.load_state_dict({name: self.tensor("lstm." + name, 4 * self.H) for name in lstm.state_dict()})
        return lstm

    def run_lstm(self):
        """y, hn, cn by nn.LSTM. Rows of length 0, which PyTorch does not take, keep h0 and c0 and give zeros."""
        x, h0, c0 = (torch.from_numpy(a).double() for a in (self.x, self.h0, self.c0))
        lstm = self.module()
        if self.lengths is None:
            y, (hn, cn) = lstm(x, (h0, c0))
            return y, hn, cn
        y, hn, cn = torch.zeros(self.T, self.B, self.D * self.H).double(), h0.clone(), c0.clone()
        rows = [b for b in range(self.B) if self.lengths[b] > 0]
        if rows:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x[:, rows], torch.tensor([self.lengths[b] for b in rows]), enforce_sorted=False)
            out, (hn[:, rows], cn[:, rows]) = lstm(packed, (h0[:, rows].contiguous(), c0[:, rows].contiguous()))
            y[:, rows] = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=self.T)[0]
        return y, hn, cn

    def run_cells(self):
        """y and c of every step of the last layer by nn.LSTMCell, one step of one row at a time."""
        sequence = torch.from_numpy(self.x).double()
        for layer in range(self.L):
            y, c = (torch.zeros(self.T, self.B, self.D * self.H).double() for _ in range(2))
            for d in range(self.D):
                self.run_direction(layer, d, sequence, y, c)
            sequence = y
        return y, c

    def run_direction(self, layer, d, sequence, y, c):
        cell = torch.nn.LSTMCell(sequence.shape[2], self.H, bias=self.bias > 0).double()
        end = "_l%d%s" % (layer, "_reverse" if d else "")
        cell.load_state_dict({name: self.tensor("lstm." + name + end, 4 * self.H) for name in cell.state_dict()})
        columns = slice(d * self.H, (d + 1) * self.H)
        for b in range(self.B):
            h_now = torch.from_numpy(self.h0[layer * self.D + d, b:b + 1]).double()
            c_now = torch.from_numpy(self.c0[layer * self.D + d, b:b + 1]).double()
            steps = range(self.T if self.lengths is None else self.lengths[b])
            for t in reversed(steps) if d else steps:
                h_now, c_now = cell(sequence[t, b:b + 1], (h_now, c_now))
                y[t, b, columns], c[t, b, columns] = h_now[0], c_now[0]

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
            y, hn, cn = self.run_lstm()
            y_cells, cells = self.run_cells()
            assert torch.allclose(y, y_cells, rtol=0, atol=1e-13), self.name
            y = self.run_head(y)
        x, y, cells = self.x, y.numpy(), cells.numpy()
        if self.batch_first:
            x, y, cells = (a.transpose(1, 0, 2) for a in (x, y, cells))
        tensors = {"x": x, "h0": self.h0, "c0": self.c0, "y": y, "hn": hn.numpy(), "cn": cn.numpy(), "cells": cells}
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
            save(os.path.join(folder, case.name + ".model.safetensors"), case.weights, {"format": "pt"})
            save(os.path.join(folder, case.name + ".io.safetensors"), case.tensors(), metadata)
            index.write(case.index_line())
