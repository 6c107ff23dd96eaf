#!/usr/bin/env python3
"""Shows where onnxruntime leaves the ONNX specification, and fails when it no longer does so, or does so elsewhere.

Each line of DEVIATIONS is a sentence of docs/conformance.md and a function that is true while the sentence is.
SPDX-License-Identifier: MIT
"""
import argparse
import sys

import numpy as np
import onnxruntime

import live_onnx
import networks
import onnx_model
import oracle
import pack

T, B = 4, 3
AGREES, DIFFERS = 1e-5, 1e-2


def lstm(**members):
    return dict(dict(kind="lstm", input_size=3, hidden_size=5, bias="two"), **members)


def rnn(**activation):
    return dict(kind="rnn", input_size=1, hidden_size=1, bias="none", activation={"forward": {"candidate": activation}})


def drawn(layer, lengths=None):
    draw, description = networks.Draw(7), {"format": 1, "layers": [layer]}
    weights = networks.weights(description, draw)
    return description, weights, networks.inputs(description, draw, T, B, lengths)


def theirs(layer, weights, inputs, **wish):
    arrays = [oracle.layer_arrays(weights, 0, d) for d in range(oracle.directions(layer))]
    return live_onnx.compute(layer, arrays, dict(wish, T=inputs["x"].shape[0], B=inputs["x"].shape[1], state="input",
                                                 lengths="lengths" in inputs), inputs)


def of_one_number(layer, value, **wish):
    """What an RNN of one unit makes of one number: its activation."""
    weights = {"lstm.weight_ih_l0": np.ones((1, 1), np.float32), "lstm.weight_hh_l0": np.zeros((1, 1), np.float32)}
    inputs = {"x": np.full((1, 1, 1), value, np.float32), "h0": np.zeros((1, 1, 1), np.float32)}
    return theirs(layer, weights, inputs, **wish)["y"].item()


def output_is_not_clipped():
    """The specification clips "the input of activations", and c is the input of h."""
    layer = lstm(clip_preactivation=0.4, peephole="diagonal")
    description, weights, inputs = drawn(layer)
    got = theirs(layer, weights, inputs)
    gates_alone = oracle.run(description, weights, **inputs)
    seen, oracle.Direction.seen_by_output = oracle.Direction.seen_by_output, oracle.Direction.clipped
    try:
        whole = oracle.run(description, weights, **inputs)
    finally:
        oracle.Direction.seen_by_output = seen
    return pack.distance(got["y"], gates_alone["y"]) < AGREES and pack.distance(got["y"], whole["y"]) > DIFFERS


def empty_rows_end_at_zero():
    description, weights, inputs = drawn(lstm(), [4, 0, 2])
    got = theirs(lstm(), weights, inputs)
    kept = oracle.run(description, weights, **inputs)
    return all(not got[name][:, 1].any() and kept[name][:, 1].any() and
               pack.distance(got[name][:, [0, 2]], kept[name][:, [0, 2]]) < AGREES for name in ("hn", "cn"))


def has_no_layout_1():
    arrays = [oracle.layer_arrays(drawn(lstm())[1], 0, 0)]
    try:
        live_onnx.session(onnx_model.build(lstm(), arrays, dict(T=T, B=B, batch_first=True)))
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        return "layout_" in str(error)
    return False


def defaults_are_zero():
    """The operator ThresholdedRelu has alpha = 1; Affine and ScaledTanh without numbers give nothing but zeros."""
    kinds = {"thresholded_relu": 0.5, "affine": 0.0, "scaled_tanh": 0.0}
    return all(abs(of_one_number(rnn(kind=kind), 0.5, no_lists=True) - value) < 1e-6 for kind, value in kinds.items())


def softplus_overflows():
    return np.isinf(of_one_number(rnn(kind="softplus"), 89.0)) and abs(of_one_number(rnn(kind="softplus"), 88.0) - 88) < 1e-4


def threshold_is_reached():
    """Clipping makes it easy to reach: 0.3 here, of the bound and of the threshold."""
    layer = rnn(kind="thresholded_relu", alpha=0.3)
    return of_one_number(dict(layer, clip_preactivation=0.3), 5.0) == 0 and of_one_number(layer, 0.31) > 0.3


DEVIATIONS = [
    ("LSTM with `clip`: LSTM-22 says \"applied to the input of activations\", but what the output activation is given, c, is not "
     "clipped; here neither", output_is_not_clipped),
    ("`sequence_lens` 0: Y_h and Y_c of the row are 0; here they are the initial state", empty_rows_end_at_zero),
    ("`layout` 1 is refused by onnxruntime; the same node with layout 0 gives the expected values", has_no_layout_1),
    ("ThresholdedRelu of alpha itself is 0, where LSTM-22 says \"x if x >= alpha\" and the operator ThresholdedRelu \"x > alpha\"; "
     "here 0 too", threshold_is_reached),
    ("ThresholdedRelu without `activation_alpha` has alpha 0, and Affine and ScaledTanh have alpha = beta = 0; the ONNX operator "
     "ThresholdedRelu has 1, and the other two are refused here without their numbers", defaults_are_zero),
    ("Softplus of more than 88.7 is infinite; here it is its argument", softplus_overflows),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--document", help="that has every sentence as a line of its own")
    document = parser.parse_args().document
    if document:
        with open(document) as file:
            lines = file.read().split("\n")
        missing = [sentence for sentence, _ in DEVIATIONS if "- " + sentence + "." not in lines]
        if missing:
            raise SystemExit("%s does not say: %s" % (document, missing[0]))
    gone = [sentence for sentence, holds in DEVIATIONS if not holds()]
    for sentence in gone:
        print("no longer so in onnxruntime %s: %s" % (onnxruntime.__version__, sentence), file=sys.stderr)
    print("%d of %d deviations are as they are written down" % (len(DEVIATIONS) - len(gone), len(DEVIATIONS)))
    return 1 if gone or not DEVIATIONS else 0


if __name__ == "__main__":
    sys.exit(main())
