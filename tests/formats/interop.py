#!/usr/bin/env python3
"""Files exchanged with NumPy and with PyTorch's modules, in both directions.

Usage: interop.py NPY_TOOL MODEL_TOOL.  Exit code 77 (skipped) without NumPy.
SPDX-License-Identifier: MIT
"""
import io
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("no NumPy")
    sys.exit(77)
try:
    import torch
except ImportError:
    torch = None

NPY_TOOL, MODEL_TOOL = sys.argv[1:3]
DTYPES = {"<f2": "F16", "<f4": "F32", "<f8": "F64", "|i1": "I8", "<i2": "I16", "<i4": "I32", "<i8": "I64"}
SHAPES = [(), (0,), (1,), (7,), (3, 4), (0, 5), (2, 3, 4), (2, 1, 3, 2)]
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"failed: {what}")


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def numbers(shape, dtype):
    random = np.random.default_rng(1)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)
    return (random.standard_normal(shape) * 100).astype(dtype)


def test_npy(folder):
    """NumPy writes every type, shape and version; the C reader must see the same, and NumPy what C writes."""
    source, target = folder / "in.npy", folder / "out.npy"
    for descr, name in DTYPES.items():
        for shape in SHAPES:
            for version in [(1, 0), (2, 0), (3, 0)]:
                array = np.asarray(numbers(shape, np.dtype(descr)))
                with open(source, "wb") as file:
                    np.lib.format.write_array(file, array, version=version)
                what = f"{descr} {shape} {version}"
                code, out, err = run(NPY_TOOL, "show", source)
                check(code == 0, f"{what}: {err}")
                first, *lines = out.splitlines()
                check(first == " ".join([name, str(len(shape)), *map(str, shape)]), f"{what}: {first}")
                if name[0] == "I":
                    got = np.array([int(line) for line in lines], dtype=array.dtype)
                    expected = array.ravel()
                else:
                    got = np.array([np.float32(line) for line in lines], dtype=np.float32)
                    expected = array.ravel().astype(np.float32)
                check(np.array_equal(got, expected), what)
                if version == (1, 0):
                    code, out, err = run(NPY_TOOL, "copy", source, target)
                    check(code == 0, f"{what}: {err}")
                    copied = np.load(target, allow_pickle=False)
                    check(copied.dtype == np.float32 and copied.shape == shape, f"{what}: copy")
                    check(np.array_equal(copied, array.astype(np.float32)), f"{what}: copy")
                    np.save(folder / "again.npy", copied)
                    same = (folder / "again.npy").read_bytes() == target.read_bytes()
                    check(same, f"{what}: the bytes that NumPy writes")
                    mapped = np.load(target, mmap_mode="r") if copied.size else None
                    check(mapped is None or mapped.offset % 64 == 0, f"{what}: alignment")


def test_refused_npy(folder):
    path = folder / "refused.npy"
    arrays = {
        "E_DTYPE": [np.zeros(3, ">f4"), np.zeros(3, "u1"), np.zeros(3, bool), np.zeros(3, "c8"), np.zeros(3, "S3"),
                    np.zeros(3, [("a", "<f4")]), np.zeros(3, ">i8"), np.zeros(3, "M8[s]"), np.zeros(3, "U1")],
        "E_FORMAT": [np.asfortranarray(np.zeros((2, 3), "<f4"))],
        "E_LIMIT": [np.zeros((1, 1, 1, 1, 1), "<f4")],
    }
    for status, group in arrays.items():
        for array in group:
            np.save(path, array)
            code, _, err = run(NPY_TOOL, "show", path)
            check(code == 1 and err.startswith(status), f"{array.dtype} {array.shape}: {err}")
    np.save(path, np.array([None], dtype=object), allow_pickle=True)
    code, _, err = run(NPY_TOOL, "show", path)
    check(code == 1 and err.startswith("E_DTYPE"), f"object: {err}")
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    path.write_bytes(buffer.getvalue())
    code, _, err = run(NPY_TOOL, "show", path)
    check(code == 1 and err.startswith("E_FORMAT"), f"npz: {err}")


def write_safetensors(path, arrays, dtypes=None):
    names = {"float32": "F32", "float64": "F64", "float16": "F16"}
    header, blobs, end = {"__metadata__": {"format": "pt"}}, [], 0
    for name, array in arrays.items():
        blob = array.tobytes()
        header[name] = {"dtype": (dtypes or {}).get(name, names.get(array.dtype.name)), "shape": list(array.shape),
                        "data_offsets": [end, end + len(blob)]}
        blobs.append(blob)
        end += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    body, types = data[8 + length:], {"F32": "<f4", "F64": "<f8"}
    metadata = header.pop("__metadata__")
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(body[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return arrays, json.loads(metadata["oclstm"])


def test_models(folder):
    """state_dicts of PyTorch's modules through the loader and the writer: the same numbers under the same names."""
    source, target = folder / "in.safetensors", folder / "out.safetensors"
    nn, cases = torch.nn, []
    for kind, module in [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)]:
        for layers in (1, 3):
            for both in (False, True):
                for bias in (False, True):
                    cases.append((kind, module(5, 7, layers, bias=bias, bidirectional=both), 0))
    cases.append(("lstm", nn.LSTM(5, 7, 2, bidirectional=True, proj_size=3), 3))
    for kind, module, P in cases:
        for embedding, head in [(False, False), (False, True), (True, False), (True, True)]:
            net = nn.ModuleDict({"lstm": module})
            if embedding:
                net["embedding"] = nn.Embedding(11, 5)
            directions = 2 if module.bidirectional else 1
            width = directions * (P or 7)
            if head:
                net["head"] = nn.Linear(width, 4)
            arrays = {name: value.detach().numpy() for name, value in net.state_dict().items()}
            write_safetensors(source, arrays)
            what = f"{module} embedding {embedding} head {head}"
            code, out, _ = run(MODEL_TOOL, source, target)
            check(code == 0, f"{what}: {out}")
            lines = [f"{kind} I={5 if l == 0 else width} H=7 P={P} bias={2 if module.bias else 0} "
                     f"directions={directions}" for l in range(module.num_layers)]
            check(out.splitlines() == lines + [f"embedding {11 if embedding else 0} head {4 if head else 0}"], f"{what}: {out}")
            saved, description = read_safetensors(target)
            check(saved.keys() == arrays.keys(), f"{what}: {sorted(saved)}")
            for name, array in arrays.items():
                check(np.array_equal(saved[name], array), f"{what}: {name}")
            check(description["format"] == 1 and len(description["layers"]) == module.num_layers, what)
            check(description.get("embedding") == ({"size": 11} if embedding else None), what)
            check(all(layer.get("linear_before_reset", False) == (kind == "gru") for layer in description["layers"]),
                  what)
            code, again, _ = run(MODEL_TOOL, target, folder / "again.safetensors")
            check(code == 0 and again == out, f"{what}: own file: {again}")
            check((folder / "again.safetensors").read_bytes() == target.read_bytes(), f"{what}: bytes")


def test_weight_types(folder):
    """Half types are widened exactly, as NumPy and PyTorch do."""
    source, target = folder / "in.safetensors", folder / "out.safetensors"
    values = {"weight_ih_l0": (8, 3), "weight_hh_l0": (8, 2)}
    full = {name: numbers(shape, np.dtype("<f4")) for name, shape in values.items()}
    half = {name: array.astype("<f2") for name, array in full.items()}
    upper = {name: (array.view("<u4") >> 16).astype("<u2") for name, array in full.items()}
    bfloat = {name: (array.astype("<u4") << 16).view("<f4") for name, array in upper.items()}
    double = {name: array.astype("<f8") / 3 for name, array in full.items()}
    for arrays, dtypes, expected in [(half, None, {n: a.astype("<f4") for n, a in half.items()}),
                                     (upper, {n: "BF16" for n in upper}, bfloat), (double, None, double)]:
        write_safetensors(source, arrays, dtypes)
        code, out, _ = run(MODEL_TOOL, source, target)
        check(code == 0, out)
        saved, _ = read_safetensors(target)
        for name, array in expected.items():
            check(saved["lstm." + name].dtype == array.dtype, f"{name}: {saved['lstm.' + name].dtype}")
            check(np.array_equal(saved["lstm." + name], array), name)


def main():
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        test_npy(folder)
        test_refused_npy(folder)
        test_weight_types(folder)
        if torch is None:
            print("no PyTorch: its modules were not tried")
        else:
            test_models(folder)
    print(f"{checks} checks passed")


main()
