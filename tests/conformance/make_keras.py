#!/usr/bin/env python3
"""Writes tests/conformance/keras: networks as Keras saves them, and what Keras computes for them in float32.

Keras on its NumPy backend wants JAX and SciPy too, half a gigabyte: this script is run by hand, and keras_vectors.py works with
what it wrote. A case is NAME.keras and NAME.safetensors, the latter as in docs/vectors.md but without a network. Results come
from the layers of the model, one after another, with a mask for ragged rows and an initial state. Where Keras and oclstm order
things differently the rules are these: Keras repeats the last output at masked steps, here they are 0; a layer with go_backwards
gives a row's valid steps behind the masked ones, here they come first. SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import random
import zipfile

os.environ["KERAS_BACKEND"] = "numpy"

import keras  # noqa: E402, the backend is chosen first
import numpy as np  # noqa: E402

import pack  # noqa: E402
from pack import Case  # noqa: E402

BOUND = 1e-6  # relative L2: what float32 leaves of agreement
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras")
CLASSES = {"LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU, "SimpleRNN": keras.layers.SimpleRNN}
ACTIVATIONS = ["relu", "hard_sigmoid", "elu", "softsign", "softplus", "linear", "leaky_relu", "sigmoid"]
MERGES = ["concat", "sum", "mul", "ave"]


def draw_layer(draws, name, k, last):
    """A recurrent layer; a bidirectional one for more than half."""
    options = dict(use_bias=draws.random() < 0.8, return_sequences=True, dropout=draws.choice([0.0, 0.0, 0.3]))
    if draws.random() < 0.5:
        options["activation"] = draws.choice(ACTIVATIONS[:-3] if name == "SimpleRNN" else ACTIVATIONS)
    if name != "SimpleRNN" and draws.random() < 0.5:
        options["recurrent_activation"] = draws.choice(["hard_sigmoid", "softsign", "relu"])
    if name == "GRU":
        options["reset_after"] = k % 2 == 0
    kind = draws.randrange(3)
    if kind == 0 and last:
        options["go_backwards"] = True
    layer = CLASSES[name](draws.choice([1, 4, 6]), **options)
    return keras.layers.Bidirectional(layer, merge_mode=MERGES[k % 4]) if kind else layer


def build(draws, k, I):
    """A chain: an embedding or none, one to three layers of one class, a dense layer or none."""
    name = tuple(CLASSES)[k % 3]
    n = k // 3 % 3 + 1
    layers = [draw_layer(draws, name, k // 3 + j, j == n - 1) for j in range(n)]
    V = draws.choice([0, 0, 0, 7])
    first = keras.layers.Input((None,), dtype="int32") if V else keras.layers.Input((None, I))
    x = keras.layers.Embedding(V, I)(first) if V else first
    for layer in layers:
        x = layer(x)
    if draws.random() < 0.3:
        x = keras.layers.Dense(2)(x)
    return keras.Model(first, x), layers, V


def draw_weights(model, values):
    """Activations without bounds want small ones."""
    for layer in model.layers:
        layer.set_weights([values.uniform(-1, 1, w.shape).astype(np.float32) * (0.5 if w.ndim == 1 else w.shape[0] ** -0.5)
                           for w in layer.get_weights()])


def with_states(layer):
    """The same layer, which gives its last state too."""
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    twin = type(inner).from_config({**inner.get_config(), "return_state": True})
    if inner is not layer:
        twin = keras.layers.Bidirectional(twin, merge_mode=layer.merge_mode)
    return twin


def run_layer(layer, x, mask, states):
    """y [B,T,W], and h and c (None for cells without one) as [D,B,H]."""
    twin = with_states(layer)
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    y, *last = twin(x, mask=mask, initial_state=states)
    last, D = [np.asarray(s) for s in last], 2 if isinstance(layer, keras.layers.Bidirectional) else 1
    per = len(last) // D
    h = np.stack([last[d * per] for d in range(D)])
    return np.asarray(y), h, np.stack([last[d * per + 1] for d in range(D)]) if per == 2 else None


def state_sizes(layer):
    inner = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    return 2 if inner is not layer else 1, inner.units, isinstance(inner, keras.layers.LSTM)


def draw_states(layers, B, values):
    """Of each layer [D,B,H], and with an LSTM as many for c."""
    found = []
    for layer in layers:
        D, H, has_c = state_sizes(layer)
        found.append([values.uniform(-0.9, 0.9, (D, B, H)).astype(np.float32) for _ in range(1 + has_c)])
    return found


def in_our_order(y, layer, lengths, T):
    """y [T,B,W] with zeros behind each row, and go_backwards from the front."""
    ours = np.zeros_like(y)
    for b, n in enumerate(lengths):
        first = T - n if getattr(layer, "go_backwards", False) else 0
        ours[:n, b] = y[first:first + n, b]
    return ours


def run(model, layers, inputs, states, T, B):
    lengths = inputs.get("lengths", np.full(B, T))
    mask = np.arange(T)[None] < lengths[:, None] if "lengths" in inputs else None
    y, hs, cs = inputs["x" if "x" in inputs else "ids"].swapaxes(0, 1), [], []
    for layer in model.layers[1:]:
        if layer in layers:
            given = states[layers.index(layer)]
            D = len(given[0])
            flat = [a[d] for d in range(D) for a in given]
            y, h, c = run_layer(layer, y, mask, flat)
            hs.append(h)
            cs += [] if c is None else [c]
        else:
            y = np.asarray(layer(y))
    y = in_our_order(y.swapaxes(0, 1), layers[-1], lengths, T)
    return {"y": y, "hn": together(hs), **({"cn": together(cs)} if cs else {})}


def together(states):
    sizes = {s.shape[2] for s in states}
    return np.concatenate(states) if len(sizes) == 1 else np.concatenate([s.ravel() for s in states])


def save(model, path):
    """As Keras does it, but deflated: HDF5 leaves much room."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def make(draws, k):
    keras.utils.clear_session()  # names of layers begin anew
    I, T, B = draws.choice([1, 3, 5]), draws.randint(3, 5), draws.randint(1, 3)
    values = np.random.RandomState(draws.randrange(2 ** 31))
    model, layers, V = build(draws, k, I)
    draw_weights(model, values)
    inputs = {"ids": values.randint(0, V, (T, B)).astype(np.int32)} if V else \
        {"x": values.uniform(-1.2, 1.2, (T, B, I)).astype(np.float32)}
    if draws.random() < 0.6:
        inputs["lengths"] = np.array([draws.randint(0, T) for _ in range(B)], np.int32)
    states = draw_states(layers, B, values)
    results = run(model, layers, inputs, states, T, B)
    inputs["h0"] = together([s[0] for s in states])
    if len(states[0]) == 2:
        inputs["c0"] = together([s[1] for s in states])
    name = "keras_%02d_%s" % (k, tuple(CLASSES)[k % 3].lower())
    save(model, os.path.join(FOLDER, name + ".keras"))
    return Case(name, None, {}, inputs, {key: a.astype(np.float64) for key, a in results.items()}, float64=BOUND)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=72)
    parser.add_argument("--seed", type=int, default=9)
    options = parser.parse_args()
    draws = random.Random(options.seed)
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.remove(os.path.join(FOLDER, name))
    cases = [make(draws, k) for k in range(options.count)]
    pack.write(FOLDER, cases)
    with open(os.path.join(FOLDER, "source.json"), "w") as file:
        json.dump({"version": keras.__version__}, file)
        file.write("\n")
    print("%d cases by Keras %s on NumPy, seed %d" % (len(cases), keras.__version__, options.seed))


if __name__ == "__main__":
    main()
