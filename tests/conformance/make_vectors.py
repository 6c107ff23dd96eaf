#!/usr/bin/env python3
"""Writes tests/conformance/vectors, or with --check says whether what is there is what would be written.

Every case is a network with distinct weights and three steps or more. Before a case is taken, each of its variants is taken
out of it once: the results must change. SPDX-License-Identifier: MIT
"""
import argparse
import os
import sys
import tempfile

import numpy as np

import networks
import oracle
import pack
import variants
from pack import Case

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")
FELT = 1e-3          # relative L2 by which a variant must change the results
ROUNDED = 1e-6       # and one by which a relative change of 2^-22 in every input and weight may
MOST_BYTES = 3000000
RAGGED = [4, 0, 1, 3]
# What simulators of devices run too.
SMALL = {"lstm", "lstm_peephole_ragged_reverse_state", "lstm_forget_from_input", "lstm_input_from_forget",
         "lstm_projection_clip", "lstm_haste", "lstm_tflite", "lstm_clip_preactivation", "lstm_clip_cell",
         "lstm_zoneout_c", "lstm_sum", "lstm_go_backwards", "lstm_embedding", "gru", "gru_linear_before_reset",
         "rnn", "lstm_activations_0", "lstm_activations_6", "gru_activations_1", "lstm_stacked"}


# ---- what there is ----

def alone():
    """Every kind of cell as it is, and with every one of its variants."""
    for kind in oracle.GATES:
        yield dict(name=kind, kind=kind, chosen=())
        for variant in variants.of_kind(kind):
            if variant != "activations":
                yield dict(name="%s_%s" % (kind, variant), kind=kind, chosen=(variant,))


def every_activation():
    """Each one in each role; the turns walk through them."""
    for kind in oracle.GATES:
        for turn in range(len(variants.ACTIVATIONS)):
            if kind != "rnn" or turn % 4 in (0, 1):  # two directions: turns two apart share nothing
                yield dict(name="%s_activations_%d" % (kind, turn), kind=kind, chosen=("activations", "bidirectional"), turn=turn)


def in_pairs():
    for kind in oracle.GATES:
        for k, chosen in enumerate(variants.cover(kind)):
            yield dict(name="%s_pairs_%02d" % (kind, k), kind=kind, chosen=chosen, turn=k)


def together():
    """What other collections of vectors leave out: ragged rows, both ways, a state and peepholes in one case."""
    for direction in ("reverse", "bidirectional"):
        base = ("peephole", "ragged", direction)
        for more in ((), ("projection",), ("forget_from_input", "clip_preactivation"), ("tflite", "stacked"),
                     ("haste", "zoneout_c", "head")):
            for state in ("state", "initial_state"):
                name = "_".join(("lstm", "peephole_ragged", direction) + more + (state,))
                yield dict(name=name, kind="lstm", chosen=base + more + ((state,) if state in variants.LAYER else ()))


def described(layers, head=None, embedding=None, activation=None, clip=None):
    found = {"format": 1, "layers": networks.connected(layers)}
    if activation:
        layers[0].update(activation={"forward": activation}, clip_preactivation=clip)
    if embedding:
        found["embedding"] = {"size": embedding}
    if head:
        found["head"] = {"size": head, "bias": False}
    return found


def uneven():
    """Layers of several sizes, kinds and directions in one network; sizes of one; NaN behind the lengths."""
    one = variants.layer
    yield dict(name="lstm_uneven_sizes", lengths=RAGGED, description=described(
        [one("lstm", ("bidirectional",), 2, 3), one("lstm", ("peephole", "reverse"), 0, 6), one("lstm", (), 0, 2)], head=3))
    yield dict(name="lstm_uneven_kinds", description=described(
        [one("gru", ("linear_before_reset",), 2, 4), one("lstm", ("projection",), 0, 5), one("rnn", ("reverse",), 0, 3)]))
    yield dict(name="lstm_uneven_merges", lengths=RAGGED, description=described(
        [one("lstm", (merge,), 4, 4) for merge in ("sum", "mul", "average", "bidirectional")], embedding=6))
    yield dict(name="lstm_threshold_is_reached", description=described(
        [one("lstm", ("peephole",), 3, 4)], activation={"candidate": {"kind": "thresholded_relu", "alpha": 0.3}}, clip=0.3))
    for kind in oracle.GATES:
        yield dict(name=kind + "_sizes_1", B=1, description=described([one(kind, ("bidirectional",), 1, 1)]))
        yield dict(name=kind + "_sizes_odd", B=2, description=described([one(kind, ("linear_before_reset",)[:kind == "gru"], 17, 19)]))
        yield dict(name=kind + "_padding_is_nan", lengths=[2, 4, 0], nan=True,
                   description=described([one(kind, ("bidirectional",), 3, 4)]))


# ---- one case ----

def make(name, kind=None, chosen=(), turn=0, description=None, T=4, B=3, lengths=None, nan=False, attempt=0):
    draw = networks.Draw("%s %d" % (name, attempt))
    if description is None:
        description = variants.network(kind, chosen, turn=turn)
        networks.connected(description["layers"])
    lengths = RAGGED if "ragged" in chosen else lengths
    weights = networks.weights(description, draw)
    inputs = networks.inputs(description, draw, T, len(lengths) if lengths else B, lengths,
                             state=not {"initial_state", "zero_state"} & set(chosen))
    case = Case(name, description, weights, inputs, {}, "bti" if "batch_major" in chosen else "tbi", name in SMALL, chosen)
    case.results = case.compute()
    if nan:
        inputs["x"][np.arange(T)[:, None] >= np.array(lengths)] = np.nan
    return case


def without(case, variant):
    """The results of the same network and input when one variant is not there; None where that is another network."""
    if variant in ("head", "embedding", "stacked", "batch_major", "zero_state"):
        return None
    description = {**case.description, "layers": [dict(layer) for layer in case.description["layers"]]}
    inputs, weights = dict(case.inputs), case.weights
    if variant == "ragged":
        del inputs["lengths"]
    for layer in description["layers"]:
        change_back(layer, variant)
    if variant in ("sum", "mul", "average", "bidirectional") and len(description["layers"]) > 1:
        return None
    if variant in ("haste", "tflite", "bias_none", "bias_one", "projection", "bidirectional", "initial_state"):
        return without_arrays(case, variant)
    return oracle.run(description, weights, **inputs)


def change_back(layer, variant):
    if variant == "activations":
        del layer["activation"]
    for member in variants.LAYER[variant][2] if variant in variants.LAYER else ():
        if member not in ("projection_size", "bias") and not (variant in ("sum", "mul", "average") and member == "direction"):
            layer.pop(member)
    if variant in ("sum", "mul", "average"):
        layer["merge"] = {"sum": "mul", "mul": "average", "average": "sum"}[variant]


def without_arrays(case, variant):
    """The same for variants that are arrays: one of their elements is another."""
    stem = {"haste": "norm_ih", "tflite": "norm_gates", "bias_none": "weight_hh", "bias_one": "bias_ih",
            "projection": "weight_hr", "bidirectional": "weight_ih", "initial_state": "initial_h"}[variant]
    weights = dict(case.weights)
    for name in [n for n in weights if n.startswith("lstm.%s_l" % stem)]:
        weights[name] = weights[name].copy()
        weights[name].flat[-1] += 0.5
    return oracle.run(case.description, weights, **case.inputs)


def change(case, results):
    """How much results differ from the case's; results of another shape differ entirely."""
    return pack.worst(results, case.results)


def unfelt(case):
    """The variants of a case that do not change what comes out of it."""
    found = []
    for variant in case.features:
        results = without(case, variant)
        if results is not None and change(case, results) < FELT:
            found.append(variant)
    return found


def shaken(case):
    """How much small changes of all its numbers change the results: a case for float32 amplifies them little. In double
    precision, so that every build of NumPy says the same."""
    random = np.random.RandomState(1)

    def shake(a):
        return a if a.dtype == np.int32 else a * (1 + random.choice([-1, 1], a.shape) * 2.0 ** -22)

    weights = {name: shake(a.astype(np.float64)) for name, a in case.weights.items()}
    inputs = {name: np.nan_to_num(shake(a)) for name, a in case.inputs.items()}
    return change(case, oracle.run(case.description, weights, **inputs))


def accepted(**wish):
    """The first draw in which every variant is felt and which float32 can compute."""
    for attempt in range(200):
        case = make(attempt=attempt, **wish)
        if shaken(case) < ROUNDED and not unfelt(case):
            return case
    raise SystemExit("%s: no draw in which %s are felt, and rounding is not (%g)" % (wish["name"], unfelt(case), shaken(case)))


def all_cases():
    groups = (alone, every_activation, in_pairs, together, uneven)
    return [accepted(**wish) for group in groups for wish in group()]


# ---- the folder ----

def same(new, old):
    """Inputs and weights to the bit, metadata to the letter; results as far as two builds of NumPy agree."""
    (a, about_a), (b, about_b) = pack.load(new), pack.load(old)
    return about_a == about_b and list(a) == list(b) and all(
        a[name].dtype == b[name].dtype and a[name].shape == b[name].shape
        and (np.allclose(a[name], b[name], rtol=1e-13, atol=1e-13) if name in pack.RESULTS else a[name].tobytes() == b[name].tobytes())
        for name in a)


def check(cases):
    with tempfile.TemporaryDirectory() as folder:
        pack.write(folder, cases)
        names = set(os.listdir(folder))
        wrong = sorted(names ^ set(os.listdir(FOLDER)))
        for name in sorted(names - set(wrong)):
            new, old = os.path.join(folder, name), os.path.join(FOLDER, name)
            if name.endswith(".txt"):
                with open(new) as a, open(old) as b:
                    right = a.read() == b.read()
            else:
                right = same(new, old)
            if not right:
                wrong.append(name)
    bytes_there = sum(os.path.getsize(os.path.join(FOLDER, name)) for name in os.listdir(FOLDER))
    for name in wrong:
        print("%s is not what this script writes" % name, file=sys.stderr)
    print("%d vectors, %d bytes (at most %d), %d files wrong" % (len(cases), bytes_there, MOST_BYTES, len(wrong)))
    return 1 if wrong or not cases or bytes_there > MOST_BYTES else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    checking = parser.parse_args().check
    cases = all_cases()
    missing = SMALL - {case.name for case in cases}
    if missing:
        raise SystemExit("no such cases: %s" % ", ".join(sorted(missing)))
    if checking:
        return check(cases)
    pack.write(FOLDER, cases)
    return check(cases)


if __name__ == "__main__":
    sys.exit(main())
