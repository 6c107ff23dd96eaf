"""What a layer can be, one variant at a time, and sets of them in which every pair of variants meets.

SPDX-License-Identifier: MIT
"""
import itertools

# Kind, alpha, beta; none of them a default of ONNX.
ACTIVATIONS = [("relu", 0, 0), ("hard_sigmoid", 0.3, 0.45), ("affine", 0.7, 0.15), ("softsign", 0, 0), ("leaky_relu", 0.15, 0),
               ("sigmoid", 0, 0), ("thresholded_relu", 0.3, 0), ("scaled_tanh", 1.3, 0.6), ("softplus", 0, 0),
               ("elu", 0.7, 0), ("tanh", 0, 0)]
ROLES = {"lstm": ("gate", "candidate", "output"), "gru": ("gate", "candidate"), "rnn": ("candidate",)}


def activation(turn):
    kind, alpha, beta = ACTIVATIONS[turn % len(ACTIVATIONS)]
    found = {"kind": kind}
    if alpha:
        found["alpha"] = alpha
    if beta:
        found["beta"] = beta
    return found


def activations(kind, direction, turn):
    """For every role one that is not its default, in both directions when there are two; turns walk through all of them."""
    found = {}
    for d, name in enumerate(("forward", "reverse")[:2 if direction == "bidirectional" else 1]):
        found[name] = {role: activation(turn + 4 * k + 2 * d) for k, role in enumerate(ROLES[kind])}
    return found


# Variant: group (one of a group at a time), kinds of cell, members of a layer's description.
LAYER = {
    "bias_none": ("bias", "lstm gru rnn", {"bias": "none"}),
    "bias_one": ("bias", "lstm gru rnn", {"bias": "one"}),
    "peephole": ("peephole", "lstm", {"peephole": "diagonal"}),
    "forget_from_input": ("coupling", "lstm", {"coupling": "forget_from_input"}),
    "input_from_forget": ("coupling", "lstm", {"coupling": "input_from_forget"}),
    "projection": ("projection", "lstm", {"projection_size": 3}),
    "projection_clip": ("projection", "lstm", {"projection_size": 3, "clip_projection": 0.25}),
    "haste": ("norm", "lstm", {"layer_norm": "haste"}),
    "tflite": ("norm", "lstm", {"layer_norm": "tflite"}),
    "clip_preactivation": ("clip_preactivation", "lstm gru rnn", {"clip_preactivation": 0.4}),
    "clip_cell": ("clip_cell", "lstm", {"clip_cell": 0.3}),
    "linear_before_reset": ("reset", "gru", {"linear_before_reset": True}),
    "zoneout_h": ("zoneout_h", "lstm gru rnn", {"zoneout_h": 0.3}),
    "zoneout_c": ("zoneout_c", "lstm", {"zoneout_c": 0.2}),
    "reverse": ("direction", "lstm gru rnn", {"direction": "reverse"}),
    "go_backwards": ("direction", "lstm gru rnn", {"direction": "reverse", "go_backwards": True}),
    "bidirectional": ("direction", "lstm gru rnn", {"direction": "bidirectional"}),
    "sum": ("direction", "lstm gru rnn", {"direction": "bidirectional", "merge": "sum"}),
    "mul": ("direction", "lstm gru rnn", {"direction": "bidirectional", "merge": "mul"}),
    "average": ("direction", "lstm gru rnn", {"direction": "bidirectional", "merge": "average"}),
    "initial_state": ("state", "lstm gru rnn", {"initial_state": True}),
}
# Variants of the network and of the call, which features() of a case name too.
NETWORK = {"activations": "activations", "zero_state": "state", "embedding": "embedding", "head": "head", "stacked": "stacked",
           "ragged": "lengths", "batch_major": "layout"}


def of_kind(kind):
    """Every variant of a kind of cell, with its group."""
    found = {name: group for name, (group, kinds, _) in LAYER.items() if kind in kinds.split()}
    return {**found, **NETWORK}


def pairs(kind):
    """All pairs of variants that can stand together."""
    groups = of_kind(kind)
    return {frozenset(p) for p in itertools.combinations(groups, 2) if groups[p[0]] != groups[p[1]]}


def cover(kind, most=7):
    """Sets of at most `most` variants in which every pair occurs; greedy, in a fixed order."""
    groups, left = of_kind(kind), pairs(kind)
    while left:
        chosen = sorted(min(left, key=sorted))
        while len(chosen) < most:
            free = [v for v in groups if groups[v] not in {groups[c] for c in chosen}]
            gain = {v: sum(frozenset((v, c)) in left for c in chosen) for v in free}
            best = max(free, key=lambda v: (gain[v], v), default=None)
            if best is None or gain[best] == 0:
                break
            chosen.append(best)
        left -= {frozenset(p) for p in itertools.combinations(chosen, 2)}
        yield tuple(chosen)


def layer(kind, variants, I, H, turn=0):
    """The description of one layer."""
    found = {"kind": kind, "input_size": I, "hidden_size": H, "bias": "two"}
    for variant in variants:
        if variant in LAYER:
            found.update(LAYER[variant][2])
    if "activations" in variants:
        found["activation"] = activations(kind, found.get("direction"), turn)
    return found


def network(kind, variants, I=3, H=5, turn=0):
    """The description of a whole network with these variants, in each of its layers."""
    layers = [layer(kind, variants, I, H, turn)]
    if "stacked" in variants:
        layers.append(layer(kind, variants, I, H, turn + 3))
        layers[1]["input_size"] = 0  # networks.connected fills it in
    found = {"format": 1, "layers": layers}
    if "embedding" in variants:
        found["embedding"] = {"size": 7}
    if "head" in variants:
        found["head"] = {"size": 2, "bias": True}
    return found
