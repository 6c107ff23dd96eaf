#!/usr/bin/env python3
"""Writes a folder of vectors whose results PyTorch computes now, in float64: LSTM with and without proj_size, GRU, RNN.

Weights go into the files as the module's state_dict, without a description, wherever that says all. Rows of length 0, which
PyTorch does not take, are left out of its batch: they give y = 0 and keep their state. SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import random

import numpy as np
import torch

import pack
from pack import Case

MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


class Network(torch.nn.Module):
    """An embedding or none, a recurrent module under some name, a dense head or none."""

    def __init__(self, wish):
        super().__init__()
        options = dict(num_layers=wish["L"], bias=wish["bias"], bidirectional=wish["D"] == 2, batch_first=wish["batch_first"])
        if wish["kind"] == "lstm":
            options["proj_size"] = wish["P"]
        if wish["kind"] == "rnn":
            options["nonlinearity"] = wish["nonlinearity"]
        self.embedding = torch.nn.Embedding(wish["V"], wish["I"]) if wish["V"] else None
        self.rnn = MODULES[wish["kind"]](wish["I"], wish["H"], **options)
        width = (wish["P"] or wish["H"]) * wish["D"]
        self.head = torch.nn.Linear(width, wish["O"]) if wish["O"] else None

    def forward(self, x, lengths, sort, state):
        """y padded, and the state behind the last step. x: rows of length 1 or more."""
        x = self.embedding(x) if self.embedding is not None else x
        first = self.rnn.batch_first
        if lengths is not None:
            x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=sort)
        y, state = self.rnn(x, state)
        if lengths is not None:
            y = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=first, total_length=int(max(lengths)))[0]
        return self.head(y) if self.head is not None else y, state


def draw_weights(network, draws):
    """Float32 values in a float64 module, so that every precision starts from the same numbers."""
    values = np.random.RandomState(draws.randrange(2 ** 31))
    state = {}
    for name, tensor in network.state_dict().items():
        size = 0.8 if tensor.dim() == 1 else 1.5 / tensor.shape[1] ** 0.5
        state[name] = torch.from_numpy(values.uniform(-size, size, tensor.shape).astype(np.float32))
    network.double().load_state_dict(state)
    return {name: tensor.numpy() for name, tensor in state.items()}, values


def wish_for(draws, k):
    """One configuration: all numbers of layers and both of directions of every kind come up in turn."""
    kind, T = ("lstm", "lstm", "gru", "rnn")[k % 4], draws.choice([1, 2, 3, 6, 14])
    H = draws.choice([1, 5, 8, 16, 21])
    wish = dict(kind=kind, L=k // 4 % 4 + 1, D=k // 16 % 2 + 1, P=draws.randint(1, H - 1) if kind == "lstm" and k % 4 and H > 1 else 0,
                H=H, I=draws.choice([1, 3, 8, 17]), T=T, B=draws.randint(1, 5), bias=draws.random() < 0.75,
                batch_first=draws.random() < 0.5, nonlinearity=draws.choice(["tanh", "relu"]), sort=draws.random() < 0.5,
                V=draws.choice([0, 0, 0, 9]), O=draws.choice([0, 0, 3]), state=draws.random() < 0.7, lengths=None)
    if draws.random() < 0.6:
        wish["lengths"] = [draws.randint(0, T) for _ in range(wish["B"])]
        if wish["sort"]:
            wish["lengths"].sort(reverse=True)
    if wish["O"] == wish["I"] or wish["V"] and wish["O"] == wish["V"]:
        wish["O"] = 0  # a state_dict does not say which matrix is in front
    return wish


def compute(network, wish, x, h0, c0):
    """What PyTorch makes of it, time-major; rows of length 0 keep their state."""
    lengths, first = wish["lengths"], wish["batch_first"]
    rows = [b for b in range(wish["B"]) if lengths is None or lengths[b] > 0]
    width = wish["O"] or (wish["P"] or wish["H"]) * wish["D"]
    y, hn, cn = torch.zeros(wish["T"], wish["B"], width).double(), h0.clone(), None if c0 is None else c0.clone()
    if rows:
        state = h0[:, rows].contiguous() if c0 is None else (h0[:, rows].contiguous(), c0[:, rows].contiguous())
        given = x[:, rows].transpose(0, 1) if first else x[:, rows]
        some = None if lengths is None else torch.tensor([lengths[b] for b in rows])
        out, state = network(given, some, wish["sort"], state if wish["state"] else None)
        out = out.transpose(0, 1) if first else out
        for k, b in enumerate(rows):
            n = wish["T"] if lengths is None else lengths[b]
            y[:n, b] = out[:n, k]
        hn[:, rows] = state if c0 is None else state[0]
        if c0 is not None:
            cn[:, rows] = state[1]
    return {"y": y, "hn": hn, **({} if cn is None else {"cn": cn})}


def describe_relu(wish):
    """What no state_dict says."""
    layer = dict(kind="rnn", hidden_size=wish["H"], bias="two" if wish["bias"] else "none",
                 direction=("forward", "bidirectional")[wish["D"] - 1])
    layer["activation"] = {d: {"candidate": {"kind": "relu"}} for d in ("forward", "reverse")[:wish["D"]]}
    description = {"format": 1, "layers": [dict(layer, input_size=wish["H"] * wish["D"] if k else wish["I"]) for k in range(wish["L"])]}
    if wish["V"]:
        description["embedding"] = {"size": wish["V"]}
    if wish["O"]:
        description["head"] = {"size": wish["O"], "bias": True}
    return description


def make(draws, k):
    wish = wish_for(draws, k)
    network = Network(wish)
    weights, values = draw_weights(network, draws)
    T, B, LD = wish["T"], wish["B"], wish["L"] * wish["D"]
    if wish["V"]:
        inputs = {"ids": values.randint(0, wish["V"], (T, B)).astype(np.int32)}
    else:
        inputs = {"x": values.uniform(-1.2, 1.2, (T, B, wish["I"])).astype(np.float32)}
    states = [values.uniform(-0.9, 0.9, (LD, B, size)).astype(np.float32) * wish["state"] for size in
              (wish["P"] or wish["H"], wish["H"])][:2 if wish["kind"] == "lstm" else 1]
    x = torch.from_numpy(inputs["ids"]).long() if wish["V"] else torch.from_numpy(inputs["x"]).double()
    h0, c0 = ([torch.from_numpy(s).double() for s in states] + [None])[:2]
    with torch.no_grad():
        results = {name: a.numpy() for name, a in compute(network, wish, x, h0, c0).items()}
    if wish["state"]:
        inputs.update(zip(("h0", "c0"), states))
    if wish["lengths"] is not None:
        inputs["lengths"] = np.array(wish["lengths"], np.int32)
    description = None
    if wish["kind"] == "rnn" and wish["nonlinearity"] == "relu":
        description = describe_relu(wish)
        weights = {name.replace("rnn.", "lstm."): a for name, a in weights.items()}
    features = sorted("%s=%s" % item for item in wish.items() if item[0] not in ("T", "B", "lengths"))
    return Case("torch_%03d_%s" % (k, wish["kind"]), description, weights, inputs, results,
                "bti" if wish["batch_first"] else "tbi", features=features)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=320)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    draws = random.Random(options.seed)
    pack.write(options.to, [make(draws, k) for k in range(options.count)])
    with open(os.path.join(options.to, "source.json"), "w") as file:
        json.dump({"version": torch.__version__}, file)
    print("%d cases by PyTorch %s, seed %d" % (options.count, torch.__version__, options.seed))


if __name__ == "__main__":
    main()
