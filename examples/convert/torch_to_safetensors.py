#!/usr/bin/env python3
"""Turns a state_dict that torch.save wrote into a model file of oclstm.

    torch_to_safetensors.py IN.pt OUT.safetensors [--key NAME] [--relu] [--embedding NAME] [--head NAME] [--drop NAME]...

The file is read with weights_only=True: nothing in it is run. oclstm reads PyTorch's own names, so that most files need no
option. What a state_dict does not say:

  --relu        nn.RNN was made with nonlinearity="relu"; without it, tanh is meant
  --embedding   module that is the nn.Embedding in front   } where neither names nor shapes say it; oclstm refuses such files
  --head        module that is the nn.Linear behind        } and names the tensor
  --drop        module that is no part of the network (one that training alone needs), also several times
  --key         entry of the file that holds the state_dict, where the file holds more: {"model": ..., "optimizer": ...}

batch_first is not in a state_dict either and need not be: it is the layout of the input (oclstm run --layout bti).

SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import pickle
import re
import sys

import torch

import safetensors_writer

STEM = re.compile(r"(.*?)((?:weight_(?:ih|hh|hr)|bias_(?:ih|hh))_l(\d+)(_reverse)?)$")
KINDS = {4: "lstm", 3: "gru", 1: "rnn"}


class Refused(Exception):
    """The file does not hold one network that can be described."""


def read(path, key):
    """{name: tensor} in the order of the file."""
    found = torch.load(path, map_location="cpu", weights_only=True)
    if key is not None:
        if not isinstance(found, dict) or key not in found:
            raise Refused(f"no entry {key}; there are {', '.join(map(str, found)) if isinstance(found, dict) else 'none'}")
        found = found[key]
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise Refused("not a state_dict; name the entry that is one with --key")
    return {str(name): value for name, value in found.items()}


def as_array(tensor):
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()  # bfloat16 is exact in float32


def describe_layer(arrays, index, relu):
    """The description of layer `index` from its arrays by PyTorch's names without their prefix."""
    def shape(stem):
        name = f"{stem}_l{index}"
        if name not in arrays:
            raise Refused(f"{name} is missing")
        return arrays[name].shape

    rows, R = shape("weight_hh")
    projected = f"weight_hr_l{index}" in arrays
    H = shape("weight_hr")[1] if projected else R
    kind = KINDS.get(rows // H) if rows % H == 0 else None
    if kind is None:
        raise Refused(f"weight_hh_l{index} of shape [{rows},{R}]")
    layer = {"kind": kind, "input_size": shape("weight_ih")[1], "hidden_size": H}
    if projected:
        layer["projection_size"] = R
    if f"bias_ih_l{index}" in arrays:
        layer["bias"] = "two"
    if kind == "gru":
        layer["linear_before_reset"] = True
    if f"weight_ih_l{index}_reverse" in arrays:
        layer["direction"] = "bidirectional"
    if relu and kind != "rnn":
        raise Refused(f"--relu: layer {index} is a {kind}, not an nn.RNN")
    if relu:
        roles = {"candidate": {"kind": "relu"}}
        layer["activation"] = {"forward": roles, "reverse": roles} if "direction" in layer else {"forward": roles}
    return layer


def take_module(tensors, name, own, vector):
    """Takes NAME.weight (and NAME.bias) out of tensors, as own names."""
    if f"{name}.weight" not in tensors:
        raise Refused(f"no tensor {name}.weight")
    taken = {f"{own}.weight": tensors.pop(f"{name}.weight")}
    if vector and f"{name}.bias" in tensors:
        taken[f"{own}.bias"] = tensors.pop(f"{name}.bias")
    return taken


def describe(tensors, options):
    """(description, tensors under the names that go with it). tensors is emptied."""
    named = {}
    described = {}
    if options.embedding is not None:
        named.update(take_module(tensors, options.embedding, "embedding", vector=False))
        described["embedding"] = {"size": named["embedding.weight"].shape[0]}
    if options.head is not None:
        named.update(take_module(tensors, options.head, "head", vector=True))
        described["head"] = {"size": named["head.weight"].shape[0], "bias": "head.bias" in named}
    matches = {name: STEM.match(name) for name in tensors}
    left = [name for name, match in matches.items() if match is None]
    prefixes = sorted({match[1] for match in matches.values() if match is not None})
    if left:
        raise Refused(f"tensor {left[0]}: not a part of the network; --embedding, --head or --drop says what it is")
    if len(prefixes) != 1:
        raise Refused(f"{len(prefixes)} recurrent modules: {', '.join(prefixes)}")
    arrays = {matches[name][2]: array for name, array in tensors.items()}
    n_layers = 1 + max(int(match[3]) for match in matches.values())
    described["layers"] = [describe_layer(arrays, index, options.relu) for index in range(n_layers)]
    named.update({f"lstm.{name}": array for name, array in arrays.items()})
    return described, named


def drop(tensors, modules):
    for module in modules:
        names = [name for name in tensors if name == module or name.startswith(module + ".")]
        if not names:
            raise Refused(f"--drop {module}: no such module or tensor")
        for name in names:
            del tensors[name]


def convert(options):
    tensors = {name: as_array(tensor) for name, tensor in read(options.source, options.key).items()}
    drop(tensors, options.drop)
    description = None
    if options.relu or options.embedding is not None or options.head is not None:
        description, tensors = describe(tensors, options)
    for name, array in tensors.items():
        if array.dtype.name not in safetensors_writer.DTYPES:
            raise Refused(f"tensor {name}: {array.dtype}; --drop leaves it out")
    safetensors_writer.write(options.target, tensors, description)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--key")
    parser.add_argument("--relu", action="store_true")
    parser.add_argument("--embedding", metavar="NAME")
    parser.add_argument("--head", metavar="NAME")
    parser.add_argument("--drop", metavar="NAME", action="append", default=[])
    options = parser.parse_args(arguments)
    try:
        convert(options)
    except (Refused, OSError, pickle.UnpicklingError, RuntimeError, TypeError, EOFError) as error:
        print(f"{options.source}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
