#!/usr/bin/env python3
"""Writes tests/golden/cases, or with --check compares what is there with what would be written.

SPDX-License-Identifier: MIT
"""
import argparse
import filecmp
import os
import sys
import tempfile

import numpy as np

import cases
from cases import Case

FOLDER = os.path.join(cases.HERE, "cases")
SMALL = {"size_h1_i1", "size_h4_i5", "size_h8_i9", "size_h17_i31", "steps_3", "rows_5", "small_all", "input_large",
         "stack_l1_d1_b0", "stack_l1_d1_b1_ragged", "stack_l1_d2_b2_ragged", "head_l1_d1_o1_ragged", "head_l1_d1_o3",
         "gru_l1_d2", "gru_l1_d1_ragged", "rnn_l1_d1_ragged", "relu_l1_d2", "proj_l1_d1", "proj_l1_d2_ragged"}


def sizes():
    inputs = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 2, 64, 1, 63]
    for k, H in enumerate([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]):
        yield dict(name="size_h%d_i%d" % (H, inputs[k]), H=H, I=inputs[k], T=4, B=2)
    for H, I in [(1, 128), (8, 127), (3, 129), (128, 64), (127, 1), (129, 3)]:
        yield dict(name="size_h%d_i%d" % (H, I), H=H, I=I, T=6, B=3)


def steps():
    for T in [1, 2, 3, 10, 50, 100, 200]:
        yield dict(name="steps_%d" % T, T=T, B=2, I=3, H=5)
    yield dict(name="steps_200_stacked_both", T=200, B=2, I=3, H=4, L=2, D=2, lengths=[173, 200])


def rows():
    for B in [1, 2, 4, 5, 8, 16, 17, 33]:
        yield dict(name="rows_%d" % B, T=3, B=B, I=3, H=4)
    yield dict(name="small_all", T=3, B=3, I=2, H=3, L=2, D=2, head=2, lengths=[2, 0, 3], batch_first=True)


def stacks():
    for L in [1, 2, 3]:
        for D in [1, 2]:
            for bias in [0, 1, 2]:
                name = "stack_l%d_d%d_b%d" % (L, D, bias)
                yield dict(name=name, L=L, D=D, bias=bias, T=7)
                yield dict(name=name + "_ragged", L=L, D=D, bias=bias, T=7, B=4, lengths=[5, 0, 7, 1])


def heads():
    for L in [1, 2]:
        for D in [1, 2]:
            for head, head_bias in [(1, True), (3, False)]:
                name = "head_l%d_d%d_o%d" % (L, D, head)
                yield dict(name=name, L=L, D=D, head=head, head_bias=head_bias)
                yield dict(name=name + "_ragged", L=L, D=D, head=head, head_bias=head_bias, lengths=[2, 5, 0])
    yield dict(name="head_wide", head=17, H=3, bias=0)


def layouts():
    for L in [1, 2]:
        for D in [1, 2]:
            name = "batch_first_l%d_d%d" % (L, D)
            yield dict(name=name, L=L, D=D, batch_first=True, T=6)
            yield dict(name=name + "_ragged", L=L, D=D, batch_first=True, T=6, lengths=[0, 6, 3])
    yield dict(name="batch_first_head", batch_first=True, head=2, T=6, lengths=[4, 0, 6])


def states():
    for h0, c0 in [(False, False), (True, False), (False, True)]:
        for D in [1, 2]:
            yield dict(name="state_h%d_c%d_d%d" % (h0, c0, D), h0=h0, c0=c0, L=2, D=D)


def lengths():
    patterns = {"none": [0, 0, 0, 0], "full": [6, 6, 6, 6], "falling": [6, 5, 2, 1], "rising": [1, 2, 5, 6],
                "zero_first": [0, 6, 3, 2], "zero_last": [4, 3, 6, 0], "short": [1, 0, 2, 1], "one": [0, 0, 6, 0]}
    for name, pattern in patterns.items():
        yield dict(name="lengths_" + name, T=6, B=4, L=2, D=2, H=3, lengths=pattern)


def magnitudes():
    yield dict(name="weights_large", scale=10.0, T=2)
    yield dict(name="weights_large_both", scale=10.0, T=2, D=2)
    yield dict(name="weights_small", scale=1e-4)
    yield dict(name="input_large", gain=1e4, T=3)
    yield dict(name="input_tiny", gain=1e-38)
    yield dict(name="weights_zero", scale=0.0)


CELLS = {"gru": dict(kind="gru"), "rnn": dict(kind="rnn"), "relu": dict(kind="relu", scale=0.9), "proj": dict(P=3)}


def other_cells():
    for cell, arguments in CELLS.items():
        for k, (L, D) in enumerate([(1, 1), (1, 2), (2, 1), (2, 2)]):
            name = "%s_l%d_d%d" % (cell, L, D)
            yield dict(arguments, name=name, L=L, D=D, bias=(2 + k) % 3)
            yield dict(arguments, name=name + "_ragged", L=L, D=D, B=4, bias=(1 + k) % 3, lengths=[2, 0, 5, 1])
        for bias in [0, 1, 2]:
            yield dict(arguments, name="%s_b%d" % (cell, bias), bias=bias, T=7)
        yield dict(arguments, name=cell + "_zero_state", D=2, L=2, h0=False, c0=False)
        yield dict(arguments, name=cell + "_batch_first", D=2, lengths=[4, 0, 5], batch_first=True)
        yield dict(arguments, name=cell + "_head", D=2, head=2, lengths=[5, 1, 0])


def other_cell_sizes():
    for cell, arguments in CELLS.items():
        for H, I in [(1, 1), (16, 3), (17, 16), (33, 31), (65, 17)]:
            if "P" in arguments and H == 1:
                continue  # PyTorch wants P < H
            more = dict(P=(H + 1) // 2) if "P" in arguments else {}
            yield {**arguments, "name": "%s_h%d_i%d" % (cell, H, I), "H": H, "I": I, "T": 4, "B": 2, **more}
    yield dict(name="proj_p5_h6", P=5)
    yield dict(name="proj_p1_h6", P=1, L=2, D=2)
    yield dict(name="gru_steps_100", kind="gru", T=100, B=2)


def all_cases():
    groups = [sizes, steps, rows, stacks, heads, layouts, states, lengths, magnitudes, other_cells, other_cell_sizes]
    described = [case for group in groups for case in group()]
    return [Case(seed=1000 + k, small=case["name"] in SMALL, **case) for k, case in enumerate(described)]


def same_tensors(a, b):
    """Inputs and weights to the bit; results as far as two builds of PyTorch agree."""
    a, b = cases.load(a), cases.load(b)
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and a[name].shape == b[name].shape
        and (np.allclose(a[name], b[name], rtol=0, atol=1e-12) if a[name].dtype == np.float64
             else a[name].tobytes() == b[name].tobytes())
        for name in a)


def metadata_names_scripts(path):
    with open(path, "rb") as file:
        return cases.script_hash().encode() in file.read()


def check():
    with tempfile.TemporaryDirectory() as folder:
        cases.write(folder, all_cases())
        names = sorted(os.listdir(folder))
        wrong = sorted(set(names) ^ set(os.listdir(FOLDER)))
        for name in set(names) - set(wrong):
            new, old = os.path.join(folder, name), os.path.join(FOLDER, name)
            if name.endswith(".io.safetensors"):
                same = same_tensors(new, old) and metadata_names_scripts(old)
            else:
                same = filecmp.cmp(new, old, shallow=False)
            if not same:
                wrong.append(name)
    for name in wrong:
        print("%s is not what this script writes" % name, file=sys.stderr)
    print("%d files, %d wrong" % (len(names), len(wrong)))
    return 1 if wrong or not names else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return check()
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.remove(os.path.join(FOLDER, name))
    cases.write(FOLDER, all_cases())
    print("%d cases" % len(all_cases()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
