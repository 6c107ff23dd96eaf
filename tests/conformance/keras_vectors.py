#!/usr/bin/env python3
"""Turns tests/conformance/keras into a folder of vectors: the networks come through examples/convert, the results as they are.

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

import pack

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "keras")
sys.path.insert(0, os.path.join(HERE, "..", "..", "examples", "convert"))
import keras_to_safetensors  # noqa: E402, found in the folder above


def converted(source, folder):
    """Weights and description of a model of Keras, after its way through a file."""
    target = os.path.join(folder, "model.safetensors")
    keras_to_safetensors.convert(source, target)
    weights, metadata = pack.load(target)
    return weights, json.loads(metadata["oclstm"])


def all_cases():
    cases = pack.read_all(FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            case.weights, case.description = converted(os.path.join(FOLDER, case.name + ".keras"), folder)
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="FOLDER")
    folder = parser.parse_args().to
    cases = all_cases()
    pack.write(folder, cases)
    shutil.copy(os.path.join(FOLDER, "source.json"), folder)
    print("%d cases" % len(cases))
    return 0 if cases else 1


if __name__ == "__main__":
    sys.exit(main())
