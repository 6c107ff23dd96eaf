#!/usr/bin/env python3
"""Turns a recurrent network that Keras 2 or 3 saved into a model file of oclstm.

    keras_to_safetensors.py IN.keras|IN.h5 OUT.safetensors [--lengths]

A chain of one Embedding at most, LSTM, GRU and SimpleRNN layers, each also in Bidirectional, with Dropout between them, and
one linear Dense at the end, also in TimeDistributed. Everything else is refused by name, because it would compute something
else. Keras itself is not needed; numpy and h5py are.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import pathlib
import sys

import safetensors_writer
from keras_file import KerasFile, Refused

# What ends a chain of calls of no consequence for the result. unroll, implementation: how Keras computes. stateful: who
# keeps the state. Initialisers, regularisers, constraints and unit_forget_bias: how the weights came to be.
RECURRENT = {"LSTM": ("lstm", 4), "GRU": ("gru", 3), "SimpleRNN": ("rnn", 1)}
DROPOUTS = {"Dropout", "SpatialDropout1D"}
MERGES = {"concat": "concat", "sum": "sum", "mul": "mul", "ave": "average"}
# alpha and beta are always written: a description's default is 0.
ACTIVATIONS = {
    "tanh": {"kind": "tanh"},
    "sigmoid": {"kind": "sigmoid"},
    "relu": {"kind": "relu"},
    "linear": {"kind": "affine", "alpha": 1.0, "beta": 0.0},
    "elu": {"kind": "elu", "alpha": 1.0},
    "softsign": {"kind": "softsign"},
    "softplus": {"kind": "softplus"},
    "leaky_relu": {"kind": "leaky_relu", "alpha": 0.2},
}
HARD_SIGMOID = {2: {"kind": "hard_sigmoid", "alpha": 0.2, "beta": 0.5}, 3: {"kind": "hard_sigmoid", "alpha": 1 / 6, "beta": 0.5}}


def activation(config, key, version, where):
    name = config.get(key, "linear")
    name = "linear" if name is None else name
    known = HARD_SIGMOID[version] if name == "hard_sigmoid" else ACTIVATIONS.get(name) if isinstance(name, str) else None
    if known is None:
        raise Refused(f"{where}: {key} {json.dumps(name)[:80]}")
    return known


def roles(class_name, config, version, where):
    """Activations by role; those that the cell has anyway are left out."""
    candidate = activation(config, "activation", version, where)
    found = {"candidate": candidate}
    if class_name == "LSTM":
        found["output"] = candidate
    if class_name != "SimpleRNN":
        found["gate"] = activation(config, "recurrent_activation", version, where)
    usual = {"gate": "sigmoid", "candidate": "tanh", "output": "tanh"}
    return {role: value for role, value in found.items() if value["kind"] != usual[role]}


def check_direction(config, where):
    for key in ("return_state", "lora_enabled", "lora_rank", "quantization_config"):
        if config.get(key):
            raise Refused(f"{where}: {key} {json.dumps(config[key])[:80]}")
    for key in ("kernel_size", "cell", "proj_units"):
        if key in config:
            raise Refused(f"{where}: {key}")
    if config.get("reset_after") not in (None, True, False):
        raise Refused(f"{where}: reset_after {config['reset_after']}")


def row_order(H):
    """Keras has a GRU's rows as z, r, n; here they are r, z, n."""
    return [*range(H, 2 * H), *range(H), *range(2 * H, 3 * H)]


def direction_arrays(class_name, config, weights, where):
    """(input size, bias form, {stem: array}) of one direction, from Keras' kernel, recurrent_kernel and bias."""
    gates, H = RECURRENT[class_name][1], config["units"]
    n = 3 if config.get("use_bias", True) else 2
    if len(weights) != n:
        raise Refused(f"{where}: {len(weights)} weights, {n} expected")
    kernel, recurrent = weights[0], weights[1]
    if kernel.ndim != 2 or kernel.shape[1] != gates * H or recurrent.shape != (H, gates * H):
        raise Refused(f"{where}: kernels {kernel.shape} and {recurrent.shape} for {H} units")
    arrays = {"weight_ih": kernel.T, "weight_hh": recurrent.T}
    bias = "none"
    if n == 3:
        two = class_name == "GRU" and config.get("reset_after", False)
        bias = "two" if two else "one"
        if weights[2].shape != ((2, gates * H) if two else (gates * H,)):
            raise Refused(f"{where}: bias {weights[2].shape} for {H} units")
        if two:
            arrays.update(bias_ih=weights[2][0], bias_hh=weights[2][1])
        else:
            arrays["bias_ih"] = weights[2]
    if class_name == "GRU":
        arrays = {stem: array[row_order(H)] for stem, array in arrays.items()}
    return kernel.shape[0], bias, arrays


def recurrent(layer, version, weights):
    """(description, [arrays of a direction, ...]) of a LSTM, GRU or SimpleRNN."""
    class_name, config = layer["class_name"], layer["config"]
    where = f"{class_name} {config['name']}"
    check_direction(config, where)
    input_size, bias, arrays = direction_arrays(class_name, config, weights, where)
    described = {"kind": RECURRENT[class_name][0], "input_size": input_size, "hidden_size": config["units"], "bias": bias}
    if class_name == "GRU" and config.get("reset_after", False):
        described["linear_before_reset"] = True
    if config.get("go_backwards", False):
        described.update(direction="reverse", go_backwards=True)
    for key, member in (("dropout", "dropout_input"), ("recurrent_dropout", "dropout_recurrent")):
        if config.get(key):
            described[member] = config[key]
    found = roles(class_name, config, version, where)
    if found:
        described["activation"] = {"forward": found}
    return described, [arrays]


def bidirectional(layer, version, weights):
    """The same of a Bidirectional: the layer forwards, its twin backwards and turned round again."""
    config = layer["config"]
    where = f"Bidirectional {config['name']}"
    inner = config["layer"]
    if inner["class_name"] not in RECURRENT:
        raise Refused(f"{where}: of a {inner['class_name']}")
    if config.get("merge_mode") not in MERGES:
        raise Refused(f"{where}: merge_mode {config.get('merge_mode')}")
    other = config.get("backward_layer", {"class_name": inner["class_name"], "config": {**inner["config"], "go_backwards": True}})
    if inner["config"].get("go_backwards", False) or not other["config"].get("go_backwards", False):
        raise Refused(f"{where}: go_backwards of its two layers")
    forward, first = recurrent(inner, version, weights[:len(weights) // 2])
    backward, second = recurrent(other, version, weights[len(weights) // 2:])
    found = {"forward": forward.pop("activation", {}).get("forward"), "reverse": backward.pop("activation", {}).get("forward")}
    found = {direction: by_role for direction, by_role in found.items() if by_role}
    for member in ("direction", "go_backwards"):
        backward.pop(member)
    if forward != backward or inner["class_name"] != other["class_name"]:
        raise Refused(f"{where}: two layers that differ")
    forward.update(direction="bidirectional", merge=MERGES[config["merge_mode"]])
    if found:
        forward["activation"] = found
    return forward, first + second


class Network:
    """What has been read of the chain so far."""

    def __init__(self, lengths):
        self.lengths, self.notes = lengths, []
        self.layers, self.tensors = [], {}
        self.embedding = self.head = None
        self.dropout = 0.0  # in front of the next layer
        self.last = None  # (where, is bidirectional) of a layer that gives its last step alone

    def add_embedding(self, config, weights):
        where = f"Embedding {config['name']}"
        if self.embedding or self.layers:
            raise Refused(f"{where}: not at the beginning")
        if config.get("mask_zero") and not self.lengths:
            raise Refused(f"{where}: mask_zero; if id 0 only fills rows up, convert with --lengths and give each row's length")
        if config.get("mask_zero"):
            self.notes.append(f"{where}: id 0 does not mask: give each row's length (oclstm run --lengths)")
        if config.get("lora_rank") or config.get("quantization_config"):
            raise Refused(f"{where}: lora_rank or quantization_config")
        if [w.shape for w in weights] != [(config["input_dim"], config["output_dim"])]:
            raise Refused(f"{where}: weights {[w.shape for w in weights]}")
        self.embedding = {"size": config["input_dim"]}
        self.tensors["embedding.weight"] = weights[0]

    def add_recurrent(self, described, directions, config, where):
        if self.head:
            raise Refused(f"{where}: behind the dense head")
        if self.last:
            raise Refused(f"{where}: behind {self.last[0]}, which has return_sequences false")
        if self.dropout:
            kept = (1 - self.dropout) * (1 - described.get("dropout_input", 0.0))
            described["dropout_input"] = 1 - kept
            self.dropout = 0.0
        for direction, arrays in enumerate(directions):
            for stem, array in arrays.items():
                self.tensors[f"lstm.{stem}_l{len(self.layers)}{'_reverse' if direction else ''}"] = array
        self.layers.append(described)
        if not config.get("return_sequences", False):
            self.last = (where, len(directions) == 2)
        if config.get("time_major"):
            self.notes.append(f"{where}: time_major is the layout [T,B,I] of its input (oclstm run --layout tbi)")
        if config.get("stateful"):
            self.notes.append(f"{where}: stateful: keep the state yourself (oclstm run --h0 --hn)")

    def add_dense(self, config, weights, where):
        if not self.layers or self.head:
            raise Refused(f"{where}: not the one behind the recurrent layers")
        if self.last and self.last[1]:
            raise Refused(f"{where}: behind {self.last[0]} with return_sequences false: the last steps of both directions are "
                          "not one step of y")
        if activation(config, "activation", 3, where) != ACTIVATIONS["linear"]:
            raise Refused(f"{where}: activation {config['activation']}; a head is linear")
        if config.get("lora_rank") or config.get("quantization_config"):
            raise Refused(f"{where}: lora_rank or quantization_config")
        bias = config.get("use_bias", True)
        if len(weights) != 1 + bias or weights[0].shape[1] != config["units"]:
            raise Refused(f"{where}: weights {[w.shape for w in weights]}")
        self.head = {"size": config["units"], "bias": bool(bias)}
        self.tensors["head.weight"] = weights[0].T
        if bias:
            self.tensors["head.bias"] = weights[1]

    def add_dropout(self, config, where):
        rate = config.get("rate", 0.0)
        if self.head:
            raise Refused(f"{where}: behind the dense head")
        if self.layers:
            kept = (1 - rate) * (1 - self.layers[-1].get("dropout_output", 0.0))
            self.layers[-1]["dropout_output"] = 1 - kept
        else:
            self.dropout = 1 - (1 - rate) * (1 - self.dropout)

    def description(self):
        if not self.layers:
            raise Refused("no LSTM, GRU or SimpleRNN layer")
        if self.last and self.last[1]:
            self.notes.append(f"{self.last[0]}: return_sequences is false: Keras' output is the final state (oclstm run --hn), its "
                              "two directions merged")
        elif self.last:
            self.notes.append(f"{self.last[0]}: return_sequences is false: Keras' output is the last valid step of y")
        described = {"layers": self.layers}
        if self.embedding:
            described["embedding"] = self.embedding
        if self.head:
            described["head"] = self.head
        return described


def add_layer(network, layer, weights, version):
    class_name, config = layer["class_name"], layer["config"]
    where = f"{class_name} {config.get('name', '')}"
    if class_name == "InputLayer":
        return
    if class_name == "Embedding":
        network.add_embedding(config, weights)
    elif class_name in RECURRENT:
        network.add_recurrent(*recurrent(layer, version, weights), config, where)
    elif class_name == "Bidirectional":
        network.add_recurrent(*bidirectional(layer, version, weights), config["layer"]["config"], where)
    elif class_name == "Dense":
        network.add_dense(config, weights, where)
    elif class_name == "TimeDistributed" and config["layer"]["class_name"] == "Dense" and not network.last:
        network.add_dense(config["layer"]["config"], weights, where)
    elif class_name in DROPOUTS:
        network.add_dropout(config, where)
    else:
        inner = f" of a {config['layer']['class_name']}" if "layer" in config else ""
        raise Refused(f"{where}{inner}: not a layer that oclstm has")


def convert(source, target, lengths=False):
    """Returns notes for the user; raises Refused."""
    with KerasFile(source) as file:
        network = Network(lengths)
        for layer in file.layers:
            add_layer(network, layer, file.weights(layer), file.version)
        safetensors_writer.write(target, network.tensors, network.description())
    return network.notes


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--lengths", action="store_true", help="an Embedding's mask_zero only fills rows up at their ends")
    options = parser.parse_args(arguments)
    try:
        for note in convert(options.source, options.target, options.lengths):
            print(f"note: {note}", file=sys.stderr)
    except (Refused, OSError) as error:
        print(f"{options.source}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
