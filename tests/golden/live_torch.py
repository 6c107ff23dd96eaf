#!/usr/bin/env python3
"""Makes fresh random cases with PyTorch and runs them through test_golden. Arguments after -- go to test_golden.

SPDX-License-Identifier: MIT
"""
import argparse
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile

import cases


def draw(draws, name):
    """One case; bounds keep the whole set within seconds."""
    T, B, D = draws.choice([1, 2, 5, 17, 60]), draws.randint(1, 9), draws.choice([1, 2])
    H = draws.choice([1, 2, 5, 8, 16, 31, 33, 48])
    cell = draws.choice(["lstm", "lstm", "proj", "gru", "gru", "rnn", "relu"]) if H > 1 else "lstm"
    case = dict(
        name="live_%s_%s" % (cell, name), kind="lstm" if cell == "proj" else cell, seed=draws.randrange(2 ** 31),
        P=draws.randint(1, H - 1) if cell == "proj" else 0, T=T, B=B, D=D, H=H, I=draws.choice([1, 2, 3, 7, 16, 33, 64]),
        L=draws.randint(1, 3), bias=draws.randint(0, 2),
        head=draws.choice([0, 0, 1, 6]), head_bias=draws.random() < 0.5, batch_first=draws.random() < 0.3,
        h0=draws.random() < 0.8, c0=draws.random() < 0.8, scale=draws.choice([0.5, 1.0, 0.9 if cell == "relu" else 1.5]))
    if cell == "relu" and H < 8:
        case["scale"] = 0.5  # few weights may all be large and of one sign: 60 steps made 1.5e4 of 1
    if draws.random() < 0.5:
        case["lengths"] = [draws.randint(0, T) for _ in range(B)]
    return cases.Case(**case)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", required=True, help="the program test_golden")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time; it is printed")
    parser.add_argument("--keep", metavar="FOLDER", help="write the cases to this folder and leave them there; without it, cases "
                        "that fail are left in live-failed-SEED-PROCESS below the working directory")
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(2 ** 31) if options.seed is None else options.seed
    print("seed %d: repeat with --seed %d --count %d" % (seed, seed, options.count), flush=True)
    draws = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        os.makedirs(folder, exist_ok=True)
        cases.write(folder, [draw(draws, "%d_%d" % (seed, k)) for k in range(options.count)])
        code = subprocess.run([options.runner, "--cases", folder] + options.rest).returncode
        if code != 0 and not options.keep:
            folder = os.path.abspath("live-failed-%d-%d" % (seed, os.getpid()))
            shutil.copytree(temporary, folder)
        if code != 0:
            print("seed %d failed: the cases are in %s; once more: %s" % (
                seed, folder, shlex.join([options.runner, "--cases", folder] + options.rest)), flush=True)
        return code


if __name__ == "__main__":
    sys.exit(main())
