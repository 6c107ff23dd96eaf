#!/usr/bin/env python3
"""Writes a folder of ONNX models with what onnxruntime computes for them now, in float32.

A model is one LSTM, GRU or RNN node with distinct random weights; together they have every attribute and every optional input.
onnxruntime leaves the specification in six places, which ort_deviations.py shows and docs/conformance.md lists; here a case
keeps clear of them, or the rule stands beside the result that is replaced. SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import random

import numpy as np
import onnx
import onnxruntime

import networks
import onnx_model
import oracle
import pack
import variants
from pack import Case

BOUND = 1e-5  # relative L2: what float32 leaves of agreement
MOST = 30.0   # larger values are of no use in float32
# Where the activation's operator has a default that onnxruntime has too; a node may leave it out.
DEFAULTED = {"leaky_relu": {"alpha": 0.01}, "hard_sigmoid": {"alpha": 0.2, "beta": 0.5}, "elu": {"alpha": 1.0}}


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def compute(layer, arrays, wish, inputs):
    """y, hn, cn by onnxruntime. It has no layout 1: the same node in layout 0 is asked."""
    model = onnx_model.build(layer, arrays, dict(wish, batch_first=False, all_outputs=True, constants=False))
    feeds = {"X": inputs["x"]}
    for name, tensor in (("sequence_lens", "lengths"), ("initial_h", "h0"), ("initial_c", "c0")):
        if tensor in inputs:
            feeds[name] = inputs[tensor]
    Y, *states = session(model).run(None, feeds)
    results = {"y": Y.transpose(0, 2, 1, 3).reshape(wish["T"], wish["B"], -1), **dict(zip(("hn", "cn"), states))}
    return {name: a.astype(np.float64) for name, a in results.items()}


def keep_states(results, wish, inputs, arrays):
    """A row of length 0 keeps its state, where onnxruntime gives zeros."""
    for b in range(wish["B"]):
        if "lengths" in inputs and inputs["lengths"][b] == 0:
            for name, given, own in (("hn", "h0", "initial_h"), ("cn", "c0", "initial_c")):
                for d, a in enumerate(arrays if name in results else ()):
                    results[name][d, b] = inputs[given][d, b] if given in inputs else a.get(own, 0)


# ---- configurations ----

def activations(draws, kind, direction):
    """Random ones for every role, or ones whose alpha and beta are left to their defaults."""
    found = {}
    for d in ("forward", "reverse")[:2 if direction == "bidirectional" else 1]:
        found[d] = {role: variants.activation(draws.randrange(len(variants.ACTIVATIONS))) for role in variants.ROLES[kind]}
    return found


def default_activations(draws, layer):
    for roles in layer["activation"].values():
        for role in roles:
            kind = draws.choice(sorted(DEFAULTED) + ["softsign", "tanh", "sigmoid"])
            roles[role] = {"kind": kind, **DEFAULTED.get(kind, {})}


def lengths_for(draws, T, B):
    choice = draws.randrange(6)
    if choice == 0:
        return [0] * B
    if choice < 3:
        return [draws.randint(1, T) for _ in range(B)]
    return [draws.randint(0, T) for _ in range(B)] if choice < 5 else None


def layer_for(k):
    """The layer, whether it goes without lists, and B. Kinds and directions in turn, everything else by chance. Devices make a
    program for each: so a configuration has one B, which is part of a program as its cell is."""
    draws = random.Random(k)
    kind, direction = ("lstm", "lstm", "gru", "rnn")[k % 4], ("forward", "reverse", "bidirectional")[k // 4 % 3]
    layer = dict(kind=kind, input_size=draws.choice([1, 3, 8]), hidden_size=draws.choice([5, 8]), direction=direction)
    if kind == "lstm" and draws.random() < 0.5:
        layer["peephole"] = "diagonal"
    if kind == "lstm" and draws.random() < 0.3:
        layer["coupling"] = "forget_from_input"
    if kind == "gru" and draws.random() < 0.5:
        layer["linear_before_reset"] = True
    if draws.random() < 0.3:
        layer["clip_preactivation"] = draws.choice([0.3, 0.8, 1.3])
    no_lists = False
    if draws.random() < 0.55:
        layer["activation"] = activations(draws, kind, direction)
        no_lists = draws.random() < 0.25
        if no_lists:
            default_activations(draws, layer)
    return layer, no_lists, draws.randint(1, 4)


def wish_for(draws, k):
    """Eight models of each configuration: layouts in turn, the rest by chance."""
    layer, no_lists, B = layer_for(k // 8)
    T = draws.randint(3, 7)
    state = draws.choice([None, "input", "input", "constant"])
    layer.update(initial_state=state == "constant", bias=draws.choice(["two", "two", "none"]))
    return layer, dict(T=T, B=B, lengths=lengths_for(draws, T, B), state=state, batch_first=k % 4 == 3, no_lists=no_lists,
                       constants=draws.random() < 0.2, all_outputs=draws.random() < 0.7)


def is_fit(layer, description, weights, inputs):
    """Whether a draw says something: values stay small, float32 can compute it, a clip is felt. The oracle decides, and
    onnxruntime is not asked."""
    results = oracle.run(description, weights, **inputs)
    if max(np.abs(a).max() for a in results.values()) > MOST or badly_conditioned(description, weights, inputs, results):
        return False
    if not layer.get("clip_preactivation"):
        return True
    free = oracle.run({"layers": [dict(layer, clip_preactivation=0)]}, weights, **inputs)
    return pack.distance(free["y"], results["y"]) > 1e-3 or not results["y"].any()


def badly_conditioned(description, weights, inputs, results):
    random_signs = np.random.RandomState(1)
    shaken = {name: a * (1 + random_signs.choice([-1, 1], a.shape) * 2.0 ** -22) for name, a in weights.items()}
    return pack.worst(oracle.run(description, shaken, **inputs), results) > 2e-6


def draw_case(draws, k):
    layer, wish = wish_for(draws, k)
    description = {"format": 1, "layers": [layer]}
    for _ in range(300):
        draw = networks.Draw(draws.randrange(2 ** 31))
        weights = networks.weights(description, draw)
        inputs = networks.inputs(description, draw, wish["T"], wish["B"], wish["lengths"], state=wish["state"] == "input")
        if is_fit(layer, description, weights, inputs):
            return layer, wish, weights, inputs
    return None


def features(layer, wish):
    return ["%s=%s" % item for item in sorted(layer.items()) if item[0] not in ("kind", "activation")] + sorted(
        name for name in ("batch_first", "constants", "state", "no_lists") if wish[name]) + ["activations"] * ("activation" in layer)


def make(draws, k):
    """A case, or None where the configuration has no fit draw."""
    drawn = draw_case(draws, k)
    if drawn is None:
        return None
    layer, wish, weights, inputs = drawn
    arrays = [oracle.layer_arrays(weights, 0, d) for d in range(oracle.directions(layer))]
    if wish["state"] == "constant":
        wish.update({name: np.stack([a[name] for a in arrays]) for name in ("initial_h", "initial_c") if name in arrays[0]})
    results = compute(layer, arrays, wish, inputs)
    if not all(np.isfinite(a).all() for a in results.values()):
        raise SystemExit("case %d: onnxruntime gives what is not finite for %s" % (k, layer))
    keep_states(results, wish, inputs, arrays)
    model = onnx_model.build(layer, arrays, wish)
    return Case("ort_%03d_%s" % (k, layer["kind"]), None, {}, inputs, results, "bti" if wish["batch_first"] else "tbi",
                features=features(layer, wish), float32=BOUND, float64=BOUND, onnx=model)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=368)
    parser.add_argument("--seed", type=int, default=14)
    options = parser.parse_args()
    draws = random.Random(options.seed)
    cases = [case for case in (make(draws, k) for k in range(options.count)) if case is not None]
    pack.write(options.to, cases)
    with open(os.path.join(options.to, "source.json"), "w") as file:
        json.dump({"version": "%s, onnx %s" % (onnxruntime.__version__, onnx.__version__)}, file)
    print("%d cases of %d configurations by onnxruntime %s, seed %d" % (len(cases), options.count, onnxruntime.__version__, options.seed))


if __name__ == "__main__":
    main()
