#!/usr/bin/env python3
"""Networks that Keras 2 or 3 makes, saves and runs, for test_keras.py:  make_cases.py FOLDER [--random N] [--seed S]

Needs keras (3: KERAS_BACKEND says which backend; 2: TensorFlow). Without --random it writes the cases of the tree, with it
N others. A case NAME is NAME.keras or NAME.h5, NAME.x.npy and NAME.y.npy; index.json says what each y is. Weights are float32, y is
computed in float64 by the same network.
SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import pathlib
import random
import zipfile

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
from keras import layers as L

T, B = 5, 3
ACTIVATIONS = ["tanh", "sigmoid", "relu", "linear", "elu", "softsign", "softplus", "leaky_relu", "hard_sigmoid"]


def sequence(*members, features=3):
    """A Sequential whose first layer takes features, or ids with an Embedding."""
    ids = isinstance(members[0], L.Embedding)
    return [L.Input((None,) if ids else (None, features)), *members]


def seq(kind, units, **options):
    return kind(units, return_sequences=True, **options)


# Each makes its layers anew: once for float32, which is saved, and once for float64, which is run.
CASES = {
    "lstm.keras": lambda: sequence(seq(L.LSTM, 4)),
    "lstm_no_bias.h5": lambda: sequence(seq(L.LSTM, 4, use_bias=False, activation="relu", recurrent_activation="hard_sigmoid")),
    "gru_reset_after.keras": lambda: sequence(seq(L.GRU, 4), L.Dense(2)),
    "gru_reset_before.h5": lambda: sequence(seq(L.GRU, 4, reset_after=False, recurrent_activation="hard_sigmoid"), L.Dense(2)),
    "rnn_backwards.keras": lambda: sequence(seq(L.SimpleRNN, 4, go_backwards=True, activation="softsign")),
    "bidirectional_sum.keras": lambda: sequence(
        L.Bidirectional(seq(L.LSTM, 3, dropout=0.25, recurrent_dropout=0.5), merge_mode="sum"),
        L.Dropout(0.5), L.Bidirectional(seq(L.GRU, 2), merge_mode="concat"), L.TimeDistributed(L.Dense(2, use_bias=False))),
    "bidirectional_twin.h5": lambda: sequence(L.Bidirectional(
        seq(L.LSTM, 3, activation="elu"), backward_layer=seq(L.LSTM, 3, activation="softplus", go_backwards=True), merge_mode="ave")),
    "embedding_functional.keras": lambda: "functional",
    "last_step.keras": lambda: sequence(seq(L.LSTM, 3), L.GRU(3), L.Dense(2)),
}


def random_layer(draw):
    kind = draw.choice([L.LSTM, L.GRU, L.SimpleRNN])
    options = {"use_bias": draw.random() < 0.8, "activation": draw.choice(ACTIVATIONS), "dropout": draw.choice([0.0, 0.3])}
    if kind is not L.SimpleRNN:
        options["recurrent_activation"] = draw.choice(ACTIVATIONS)
    if kind is L.GRU:
        options["reset_after"] = draw.random() < 0.5
    units, way = draw.randint(1, 6), draw.random()
    if way < 0.5:
        return lambda: L.Bidirectional(seq(kind, units, **options), merge_mode=merge)
    return lambda: seq(kind, units, go_backwards=way < 0.7, **options)


def random_case(draw):
    global merge
    makers = []
    embedding = draw.random() < 0.3
    if embedding:
        makers.append(lambda: L.Embedding(11, 4))
    for _ in range(draw.randint(1, 3)):
        chosen = draw.choice(["concat", "sum", "mul", "ave"])
        makers.append(with_merge(random_layer(draw), chosen))
    if draw.random() < 0.5:
        bias = draw.random() < 0.5
        makers.append(draw.choice([lambda: L.Dense(3, use_bias=bias), lambda: L.TimeDistributed(L.Dense(3, use_bias=bias))]))
    return lambda: sequence(*[make() for make in makers])


def with_merge(make, chosen):
    def made():
        global merge
        merge = chosen
        return make()
    return made


def functional():
    """Layers with names of the user's own, the second of its class among them."""
    ids = keras.Input((None,), dtype="int32", name="tokens")
    h = L.Embedding(9, 3, name="words")(ids)
    h = L.LSTM(3, return_sequences=True, name="first")(h)
    h = L.LSTM(2, return_sequences=True, name="another")(h)
    return keras.Model(ids, L.Dense(4, name="result")(h))


def build(made):
    return functional() if made == "functional" else keras.Sequential(made)


def pack(path):
    """A .keras file is a ZIP without compression; most of it is zeros."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def write_case(folder, name, make, seed):
    numbers = np.random.default_rng(seed)
    keras.backend.set_floatx("float32")
    keras.backend.clear_session()
    model = build(make())
    model.set_weights([numbers.uniform(-0.6, 0.6, w.shape).astype("float32") for w in model.get_weights()])
    model.save(folder / name)
    if name.endswith(".keras"):
        pack(folder / name)
    ids = any(isinstance(layer, L.Embedding) for layer in model.layers)
    x = numbers.integers(0, 9, (B, T)).astype("int32") if ids else numbers.uniform(-1, 1, (B, T, 3)).astype("float32")
    weights = model.get_weights()
    keras.backend.set_floatx("float64")
    wide = build(make())
    wide.set_weights([w.astype("float64") for w in weights])
    y = wide(x if ids else x.astype("float64"), training=False)
    y = y.detach().cpu().numpy() if hasattr(y, "detach") else np.asarray(y)  # torch's, or another backend's
    np.save(folder / f"{name}.x.npy", x)
    np.save(folder / f"{name}.y.npy", y)
    return {"file": name, "ids": ids, "last": y.ndim == 2}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(options.seed)
    cases = CASES
    if options.random:
        cases = {f"case{k}.{draw.choice(['keras', 'h5'])}": random_case(draw) for k in range(options.random)}
    index = {"keras": keras.__version__, "cases": []}
    for k, (name, make) in enumerate(cases.items()):
        index["cases"].append(write_case(options.folder, name, make, options.seed * 1000 + k))
    (options.folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")


main()
