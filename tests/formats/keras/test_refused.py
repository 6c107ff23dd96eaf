#!/usr/bin/env python3
"""Files of Keras with one thing changed: the converter names what it cannot keep, and writes nothing.

    test_refused.py CONVERTER CASES          CASES: the folder keras3; needs numpy and h5py
SPDX-License-Identifier: MIT
"""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import zipfile

CONVERTER, CASES = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(CONVERTER.parent))
import keras_to_safetensors


def layer(model, k):
    """Layer k of a Sequential, the input not counted."""
    return model["config"]["layers"][k + 1]


def change(k, **members):
    return lambda model, _: layer(model, k)["config"].update(members)


def insert(k, class_name, **config):
    return lambda model, _: model["config"]["layers"].insert(k + 1, {"class_name": class_name, "config": {"name": "new", **config}})


def replace_class(k, class_name):
    return lambda model, _: layer(model, k).update(class_name=class_name)


def version(text):
    return lambda _, metadata: metadata.update(keras_version=text)


def wrap_in(class_name, k):
    def apply(model, _):
        inner = layer(model, k)
        model["config"]["layers"][k + 1] = {"class_name": class_name, "config": {"name": "outer", "layer": inner}}
    return apply


def of_inner(k, which, **members):
    return lambda model, _: layer(model, k)["config"][which]["config"].update(members)


def branch(model, _):
    """The embedding's output goes to both recurrent layers."""
    layers = model["config"]["layers"]
    layers[3]["inbound_nodes"] = json.loads(json.dumps(layers[2]["inbound_nodes"]))


def second_input(model, _):
    model["config"]["layers"].append({"class_name": "InputLayer", "config": {"name": "more"}, "inbound_nodes": []})


def initial_state(model, _):
    node = model["config"]["layers"][3]["inbound_nodes"][0]
    node["kwargs"]["initial_state"] = node["args"][0]


LSTM, GRU, BOTH, CHAIN = "lstm.keras", "gru_reset_after.keras", "bidirectional_sum.keras", "embedding_functional.keras"
REFUSED = [
    (LSTM, change(0, activation="gelu"), 'activation "gelu"'),
    (LSTM, change(0, recurrent_activation="exponential"), 'recurrent_activation "exponential"'),
    (LSTM, change(0, activation={"class_name": "function", "config": "mine"}), "activation {"),
    (LSTM, change(0, activation={"class_name": "LeakyReLU", "config": {}}), "LeakyReLU"),
    (LSTM, change(0, return_state=True), "return_state"),
    (LSTM, change(0, units=5), "for 5 units"),
    (LSTM, change(0, use_bias=False), "3 weights, 2 expected"),
    (LSTM, change(0, lora_rank=2), "lora_rank"),
    (LSTM, replace_class(0, "GRU"), "weights"),
    (LSTM, replace_class(0, "ConvLSTM1D"), "ConvLSTM1D lstm"),
    (LSTM, replace_class(0, "RNN"), "RNN lstm: not a layer that oclstm has"),
    (LSTM, insert(0, "Masking", mask_value=0.0), "Masking new"),
    (LSTM, insert(0, "LayerNormalization"), "LayerNormalization new"),
    (LSTM, insert(1, "Activation", activation="softmax"), "Activation new"),
    (LSTM, insert(1, "Flatten"), "Flatten new"),
    (LSTM, insert(1, "Sequential", layers=[]), "Sequential new"),
    (LSTM, insert(0, "Dense", units=3), "Dense new"),
    (LSTM, insert(1, "Embedding", input_dim=3, output_dim=4), "Embedding new: not at the beginning"),
    (LSTM, wrap_in("TimeDistributed", 0), "TimeDistributed outer of a LSTM"),
    (LSTM, lambda model, _: model["config"]["layers"].pop(1), "no LSTM, GRU or SimpleRNN"),
    (LSTM, lambda model, _: model.update(class_name="MyModel"), "a MyModel"),
    (LSTM, version("1.2.2"), "Keras 1.2.2"),
    (LSTM, version(""), "unknown version"),
    (LSTM, version("4.0.0"), "Keras 4.0.0"),
    (GRU, change(0, reset_after=False), "bias (2, 12) for 4 units"),
    (GRU, change(0, return_sequences=True, reset_after="yes"), "reset_after yes"),
    (GRU, change(1, activation="softmax"), 'activation "softmax"'),
    (GRU, change(1, activation="relu"), "activation relu"),
    (GRU, change(1, use_bias=False), "Dense dense: weights"),
    (GRU, insert(2, "Dense", units=2), "Dense new: not the one behind"),
    (GRU, insert(2, "Dropout", rate=0.5), "Dropout new: behind the dense head"),
    (GRU, insert(2, "LSTM", units=2), "LSTM new"),
    (BOTH, change(0, merge_mode=None), "merge_mode None"),
    (BOTH, change(0, merge_mode="max"), "merge_mode max"),
    (BOTH, of_inner(0, "layer", go_backwards=True), "go_backwards of its two layers"),
    (BOTH, of_inner(0, "backward_layer", go_backwards=False), "go_backwards of its two layers"),
    (BOTH, of_inner(0, "backward_layer", dropout=0.5), "two layers that differ"),
    (BOTH, of_inner(0, "layer", return_sequences=False), "which has return_sequences false"),
    (BOTH, of_inner(2, "layer", return_sequences=False), "TimeDistributed"),
    (BOTH, lambda model, _: layer(model, 0)["config"]["layer"].update(class_name="ConvLSTM2D"), "of a ConvLSTM2D"),
    ("last_step.keras", change(0, return_sequences=False), "behind LSTM"),
    (CHAIN, lambda model, _: model["config"]["layers"][1]["config"].update(mask_zero=True), "mask_zero"),
    (CHAIN, lambda model, _: model["config"]["layers"][1]["config"].update(input_dim=10), "Embedding words: weights"),
    (CHAIN, branch, "only chains are read"),
    (CHAIN, second_input, "2 inputs"),
    (CHAIN, initial_state, "LSTM another: 2 inputs"),
]


def rewrite(source, target, edit):
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    model, metadata = json.loads(members["config.json"]), json.loads(members["metadata.json"])
    edit(model, metadata)
    members.update({"config.json": json.dumps(model), "metadata.json": json.dumps(metadata)})
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def convert(source, target, *options):
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = keras_to_safetensors.main([str(source), str(target), *options])
    return code, err.getvalue()


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        source, target = pathlib.Path(name) / "in.keras", pathlib.Path(name) / "out.safetensors"

        def expect(what, code_expected, words, *options):
            nonlocal failed
            code, err = convert(source, target, *options)
            good = code == code_expected and words in err and target.exists() == (code == 0)
            target.unlink(missing_ok=True)
            if not good:
                failed += 1
                print(f"{what}: exit code {code}, {err.strip()[-300:]}; expected {words}")

        for base, edit, words in REFUSED:
            rewrite(CASES / base, source, edit)
            expect(f"{base}, {words}", 1, words)
        rewrite(CASES / CHAIN, source, lambda model, _: model["config"]["layers"][1]["config"].update(mask_zero=True))
        expect("mask_zero with --lengths", 0, "give each row's length", "--lengths")
        rewrite(CASES / "last_step.keras", source, lambda *_: None)
        expect("return_sequences false", 0, "the last valid step of y")
        for bytes_, words in [(b"", "neither"), (b"PK\3\4 no archive", "neither"), (b"\x89HDF\r\n\x1a\n" + bytes(99), "neither")]:
            source.write_bytes(bytes_)
            expect(f"{bytes_[:9]}", 1, words)
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("config.json", "{}")
        expect("ZIP of something else", 1, "no metadata.json inside")
    print(f"{len(REFUSED) + 6} files, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
