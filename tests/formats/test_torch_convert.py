#!/usr/bin/env python3
"""state_dicts of PyTorch through examples/convert/torch_to_safetensors.py and the program, compared with PyTorch's own results.

    test_torch_convert.py OCLSTM CONVERTER          needs PyTorch and NumPy
SPDX-License-Identifier: MIT
"""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

OCLSTM, CONVERTER = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(CONVERTER.parent))
import torch_to_safetensors

T, B = 6, 3
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"failed: {what}")


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return done.returncode, done.stderr


def convert(*arguments):
    """In this process: PyTorch takes long to start."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = torch_to_safetensors.main([str(part) for part in arguments])
    return code, err.getvalue()


class Net(nn.Module):
    def __init__(self, recurrent, embedding=None, head=None):
        super().__init__()
        self.front, self.middle, self.back = embedding, recurrent, head

    def forward(self, x):
        x = self.front(x) if self.front is not None else x
        y = self.middle(x)[0]
        return self.back(y) if self.back is not None else y


# What is made, and the options without which it is another network or none.
CASES = [
    (lambda: Net(nn.LSTM(4, 5, 2, bidirectional=True)), []),
    (lambda: Net(nn.LSTM(4, 5, proj_size=2)), []),
    (lambda: Net(nn.GRU(4, 5), head=nn.Linear(5, 3)), []),
    (lambda: Net(nn.RNN(4, 5)), []),
    (lambda: Net(nn.RNN(4, 5, 2, bidirectional=True, nonlinearity="relu")), ["--relu"]),
    (lambda: Net(nn.RNN(4, 5, nonlinearity="relu", bias=False), head=nn.Linear(5, 2)), ["--relu", "--head", "back"]),
    (lambda: Net(nn.GRU(4, 5, bidirectional=True), head=nn.Linear(10, 2)), ["--head", "back"]),
    (lambda: Net(nn.LSTM(4, 5), nn.Embedding(9, 4), nn.Linear(5, 3)), []),
    (lambda: Net(nn.LSTM(4, 4), nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)), ["--embedding", "front", "--head", "back"]),
    (lambda: Net(nn.LSTM(4, 4), nn.Embedding(4, 4), nn.Linear(4, 4)), ["--embedding", "front", "--head", "back"]),
    (lambda: Net(nn.LSTM(4, 4, 2, proj_size=3, bidirectional=True), head=nn.Linear(6, 2)), ["--head", "back"]),
]


def compare(folder, make, options, dtype):
    torch.manual_seed(3)
    net = make().to(dtype)
    source, target, x, y = (folder / name for name in ("net.pt", "net.safetensors", "x.npy", "y.npy"))
    torch.save({"model": net.state_dict(), "epoch": 3}, source)
    what = f"{net} {options} {dtype}"
    code, err = convert(source, target, "--key", "model", *options)
    check(code == 0, f"{what}: {err}")
    given = torch.randint(0, 4, (T, B)) if net.front is not None else torch.randn(T, B, 4)
    np.save(x, given.numpy())
    code, err = run(OCLSTM, "run", target, x, "-o", y, "--device", "reference")
    check(code == 0, f"{what}: {err}")
    net = net.double()
    expected = net(given if net.front is not None else given.double()).detach().numpy()
    distance = np.linalg.norm(np.load(y) - expected) / np.linalg.norm(expected)
    check(distance <= 1e-6, f"{what}: relative distance {distance:.3g}")
    if options:  # without them the program must refuse the file, or the network is another one
        code, err = convert(source, target, "--key", "model")
        code = code or run(OCLSTM, "run", target, x, "-o", y, "--device", "reference")[0]
        distance = 0.0 if code else np.linalg.norm(np.load(y) - expected) / np.linalg.norm(expected)
        check(code != 0 or distance > 1e-3 or options[0] == "--head", f"{what}: the same without options")


def refuse(folder, saved, words, *options):
    torch.save(saved, folder / "refused.pt")
    code, err = convert(folder / "refused.pt", folder / "refused.safetensors", *options)
    check(code == 1 and words in err, f"{words}: {code} {err}")
    check(not list(folder.glob("refused.safetensors*")), f"{words}: a file is left")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for make, options in CASES:
            for dtype in (torch.float32, torch.bfloat16, torch.float64):
                compare(folder, make, options, dtype)
        lstm = Net(nn.LSTM(4, 5), head=nn.Linear(5, 3)).state_dict()
        refuse(folder, {"model": lstm}, "--key")
        refuse(folder, {"model": lstm}, "no entry net", "--key", "net")
        refuse(folder, lstm, "no tensor side.weight", "--head", "side")
        refuse(folder, lstm, "is a lstm", "--relu", "--head", "back")
        refuse(folder, Net(nn.RNN(4, 5), head=nn.Linear(5, 3)).state_dict(), "back.weight: not a part", "--relu")
        refuse(folder, {**lstm, "other.weight_ih_l0": torch.zeros(20, 4)}, "2 recurrent modules", "--head", "back")
        refuse(folder, {**lstm, "steps": torch.tensor(3)}, "tensor steps: int64")
        refuse(folder, lstm, "no such module", "--drop", "side")
        refuse(folder, nn.LSTM(4, 5), "refused.pt: ")  # a whole module: code, which is not run
        torch.save({**lstm, "steps": torch.tensor(3)}, folder / "kept.pt")
        code, err = convert(folder / "kept.pt", folder / "kept.safetensors", "--drop", "steps")
        check(code == 0, err)
        code, err = run(sys.executable, "-B", CONVERTER, folder / "kept.pt", folder / "kept.safetensors", "--drop", "steps")
        check(code == 0, f"as a program: {err}")
    print(f"{checks} checks passed")


main()
