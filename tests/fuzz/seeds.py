#!/usr/bin/env python3
"""Makes the first inputs of the fuzz targets: seeds.py FOLDER, which gets a folder for each target.

Small files from the tree (golden cases, ONNX models of the tests) and small ones made here, a description member each.
SPDX-License-Identifier: MIT
"""
import json
import pathlib
import struct
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
MOST_BYTES = 6000


def safetensors(tensors, description=None, dtype="F32"):
    size = {"F32": 4, "F64": 8, "F16": 2, "BF16": 2}[dtype]
    header, end = {}, 0
    if description is not None:
        header["__metadata__"] = {"oclstm": json.dumps(description, separators=(",", ":"))}
    for name, shape in tensors.items():
        count = 1
        for n in shape:
            count *= n
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + count * size]}
        end += count * size
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + bytes(k % 48 for k in range(end))


def arrays_of(layer, index, kinds={"lstm": 4, "gru": 3, "rnn": 1}):
    I, H = layer["input_size"], layer["hidden_size"]
    P = layer.get("projection_size", 0)
    G, R = kinds[layer["kind"]] * H, P or H
    arrays = {"weight_ih": (G, I), "weight_hh": (G, R)}
    if layer.get("bias", "none") != "none":
        arrays["bias_ih"] = (G,)
    if layer.get("bias") == "two":
        arrays["bias_hh"] = (G,)
    if P:
        arrays["weight_hr"] = (P, H)
    if "peephole" in layer:
        arrays["weight_peephole"] = (3 * H,)
    if layer.get("layer_norm") == "haste":
        arrays.update(norm_ih=(G,), norm_hh=(G,), norm_c=(H,), norm_c_bias=(H,))
    if layer.get("layer_norm") == "tflite":
        arrays["norm_gates"] = (G,)
    if layer.get("initial_state"):
        arrays["initial_h"] = (R,)
        if layer["kind"] == "lstm":
            arrays["initial_c"] = (H,)
    both = ["", "_reverse"] if layer.get("direction") == "bidirectional" else [""]
    return {f"lstm.{name}_l{index}{back}": shape for back in both for name, shape in arrays.items()}


ROLE = {"kind": "leaky_relu", "alpha": 0.25, "beta": 1.0}
LAYERS = [
    {}, {"bias": "one"}, {"bias": "two"}, {"projection_size": 1, "clip_projection": 1.5}, {"peephole": "diagonal"},
    {"coupling": "forget_from_input"}, {"coupling": "input_from_forget"}, {"layer_norm": "haste", "bias": "one"},
    {"layer_norm": "tflite"}, {"clip_preactivation": 3.0, "clip_cell": 50.0}, {"direction": "reverse", "go_backwards": True},
    {"direction": "bidirectional", "merge": "sum"}, {"direction": "bidirectional", "merge": "mul"},
    {"direction": "bidirectional", "merge": "average", "initial_state": True}, {"zoneout_h": 0.5, "zoneout_c": 0.25},
    {"dropout_input": 0.1, "dropout_output": 0.2, "dropout_recurrent": 0.3, "dropout_weights": 0.4},
    {"activation": {"forward": {"gate": {"kind": "hard_sigmoid", "alpha": 0.2, "beta": 0.5}, "candidate": ROLE,
                                "output": {"kind": "softplus"}}}},
    {"kind": "gru", "linear_before_reset": True, "bias": "two"}, {"kind": "gru", "initial_state": True},
    {"kind": "rnn", "activation": {"forward": {"candidate": {"kind": "relu"}}}, "clip_preactivation": 1.0},
]
SUM = {"checksum": "xxh3-128:00000000000000000000000000000000"}


def model_files():
    for k, members in enumerate(LAYERS):
        layer = {"kind": "lstm", "input_size": 2, "hidden_size": 2, **members}
        yield f"layer{k}", safetensors(arrays_of(layer, 0), {"format": 1, "layers": [layer]})
    first = {"kind": "lstm", "input_size": 3, "hidden_size": 2, "direction": "bidirectional"}
    second = {"kind": "gru", "input_size": 4, "hidden_size": 1}
    ends = {"embedding.weight": (5, 3), "head.weight": (2, 1), "head.bias": (2,)}
    around = {"format": 1, "embedding": {"size": 5}, "layers": [first, second], "head": {"size": 2, "bias": True}}
    arrays = {**ends, **arrays_of(first, 0), **arrays_of(second, 1)}
    yield "around", safetensors(arrays, around)
    yield "around_sum", safetensors(arrays, {**around, **SUM})
    for dtype in ("F16", "BF16", "F64"):
        yield f"torch_{dtype}", safetensors({"rnn.weight_ih_l0": (4, 2), "rnn.weight_hh_l0": (4, 1),
                                             "rnn.weight_ih_l0_reverse": (4, 2), "rnn.weight_hh_l0_reverse": (4, 1),
                                             "emb.weight": (3, 2), "fc.weight": (2, 2), "fc.bias": (2,)}, None, dtype)
    yield "torch_projection", safetensors({"weight_ih_l0": (8, 2), "weight_hh_l0": (8, 1), "weight_hr_l0": (1, 2),
                                           "bias_ih_l0": (8,), "bias_hh_l0": (8,)})
    yield "torch_gru", safetensors({"weight_ih_l0": (6, 2), "weight_hh_l0": (6, 2), "weight_ih_l1": (6, 2),
                                    "weight_hh_l1": (6, 2)})
    yield "empty", struct.pack("<Q", 2) + b"{}"


def npy_files():
    shapes = {"scalar": ("()", 1), "empty": ("(0,)", 0), "row": ("(7,)", 7), "two": ("(2, 3)", 6), "four": ("(1, 2, 1, 3)", 6)}
    for descr, size in {"<f2": 2, "<f4": 4, "<f8": 8, "|i1": 1, "<i2": 2, "<i4": 4, "<i8": 8}.items():
        for name, (shape, count) in shapes.items():
            for version in (1, 2, 3):
                text = f"{{'descr': '{descr}', 'fortran_order': {name == 'row'}, 'shape': {shape}, }}".encode()
                text += b" " * (-(len(text) + 11) % 16) + b"\n"
                length = struct.pack("<H" if version == 1 else "<I", len(text))
                data = bytes(k * 7 % 251 for k in range(count * size))
                yield f"{descr[1:]}_{name}_{version}", b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def tree_files(folder, suffix):
    for path in sorted((TREE / folder).rglob("*" + suffix)):
        if "fuzz" not in path.parts and path.stat().st_size <= MOST_BYTES:
            yield path.stem, path.read_bytes()


def main():
    out = pathlib.Path(sys.argv[1])
    targets = {"safetensors": [*model_files(), *tree_files("tests", ".model.safetensors"), *tree_files("tests", ".oclstm")],
               "npy": [*npy_files(), *tree_files("tests", ".npy")], "onnx": list(tree_files("tests", ".onnx"))}
    for target, found in targets.items():
        (out / target).mkdir(parents=True, exist_ok=True)
        for name, data in found:
            (out / target / name).write_bytes(data)
        print(f"{target}: {len(found)} files")


main()
