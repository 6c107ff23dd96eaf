"""Files that Keras 2 and 3 save, without Keras: the layers of a chain in order, and each layer's weights.

.keras  a ZIP of metadata.json, config.json and model.weights.h5; a layer's weights are under the name of its class, counted
.h5     the configuration as an attribute; a layer's weights are under the layer's name

SPDX-License-Identifier: MIT
"""
import io
import json
import re
import zipfile

import h5py
import numpy as np


class Refused(Exception):
    """The file is not one, or holds something that would not be the same network."""


MOST_BYTES = 1 << 32  # of a member of the ZIP, unpacked


def read_member(archive, name):
    try:
        if archive.getinfo(name).file_size > MOST_BYTES:
            raise Refused(f"{name} has {archive.getinfo(name).file_size} bytes")
        return archive.read(name)
    except KeyError:
        raise Refused(f"no {name} inside: not a file of Keras") from None


def text_of(attribute):
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def snake_case(name):
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def tensors_in(value):
    """[(layer, node, output), ...] of the tensors that a call of Keras 3, or an inbound node of Keras 2, takes."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [tuple(value["config"]["keras_history"])]
        return [found for part in value.values() for found in tensors_in(part)]
    if isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and all(isinstance(n, int) for n in value[1:3]):
            return [tuple(value[:3])] + tensors_in(value[3:])
        return [found for part in value for found in tensors_in(part)]
    return []


def chain_of(config):
    """The layers of a functional model in order. One input, one output, and each layer is called once with one tensor."""
    by_source, layers = {}, config["layers"]
    for layer in layers:
        if layer["class_name"] == "InputLayer":
            continue
        taken = tensors_in(layer.get("inbound_nodes", []))
        if len(taken) != 1 or taken[0][1:] != (0, 0):
            raise Refused(f"{layer['class_name']} {layer['config']['name']}: {len(taken)} inputs; only chains are read")
        if taken[0][0] in by_source:
            raise Refused(f"{taken[0][0]}: its output goes to two layers; only chains are read")
        by_source[taken[0][0]] = layer
    inputs = [layer for layer in layers if layer["class_name"] == "InputLayer"]
    if len(inputs) != 1:
        raise Refused(f"{len(inputs)} inputs; only chains are read")
    chain = [inputs[0]]
    while chain[-1]["config"]["name"] in by_source:
        chain.append(by_source[chain[-1]["config"]["name"]])
    outputs = tensors_in([config.get("output_layers", [])])
    if len(chain) != len(layers) or len(outputs) != 1 or outputs[0][0] != chain[-1]["config"]["name"]:
        raise Refused(f"outputs {outputs}: only chains are read")
    return chain


class KerasFile:
    def __init__(self, path):
        self._archive = None
        if zipfile.is_zipfile(path):
            self._archive = zipfile.ZipFile(path)
            version = json.loads(read_member(self._archive, "metadata.json")).get("keras_version", "")
            model = json.loads(read_member(self._archive, "config.json"))
            self._h5 = h5py.File(io.BytesIO(read_member(self._archive, "model.weights.h5")), "r")
        else:
            try:
                self._h5 = h5py.File(path, "r")
            except OSError as error:
                raise Refused(f"neither a .keras nor a .h5 file: {error}") from None
            if "model_config" not in self._h5.attrs:
                raise Refused("weights without a model: save the whole model, not its weights")
            version = text_of(self._h5.attrs.get("keras_version", ""))
            model = json.loads(text_of(self._h5.attrs["model_config"]))
        major = version.split(".")[0]
        if major not in ("2", "3"):
            raise Refused(f"written by Keras {version or 'of an unknown version'}; 2 and 3 are read")
        self.version = int(major)
        self.layers = self._layers_of(model)
        self._counted = self._names_by_class(model["config"]["layers"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._h5.close()
        if self._archive is not None:
            self._archive.close()

    @staticmethod
    def _layers_of(model):
        if model["class_name"] == "Sequential":
            return model["config"]["layers"]
        if model["class_name"] in ("Functional", "Model"):
            return chain_of(model["config"])
        raise Refused(f"a {model['class_name']}; Sequential and Functional models are read")

    @staticmethod
    def _names_by_class(layers):
        """Keras 3 counts layers of one class: lstm, lstm_1, ..."""
        counts, names = {}, {}
        for layer in layers:
            name = snake_case(layer["class_name"])
            k = counts.get(name, 0)
            counts[name] = k + 1
            names[layer["config"]["name"]] = name if k == 0 else f"{name}_{k}"
        return names

    def weights(self, layer):
        """A layer's arrays in Keras' order: kernel, recurrent_kernel, bias, a Bidirectional's forward ones first."""
        name = layer["config"].get("name")
        datasets = self._from_archive(name) if self._archive is not None else self._from_h5(name)
        arrays = [np.asarray(dataset) for dataset in datasets]
        for array in arrays:
            if array.dtype.name not in ("float16", "float32", "float64"):
                raise Refused(f"{name}: weights of type {array.dtype}")
        return arrays

    def _from_h5(self, name):
        group = self._h5["model_weights"].get(name)
        if group is None:
            return []
        return [group[text_of(weight)] for weight in group.attrs.get("weight_names", [])]

    def _from_archive(self, name):
        layers = self._h5.get("layers") or self._h5.get("_layer_checkpoint_dependencies")
        group = layers.get(self._counted[name]) if layers is not None else None
        if group is None:
            return []
        parts = [group[part] for part in ("forward_layer", "backward_layer") if part in group] or [group]
        found = []
        for part in parts:
            for inner in ("layer", "cell"):
                part = part[inner] if inner in part else part
            variables = part["vars"] if "vars" in part else {}
            found += [variables[key] for key in sorted(variables, key=int)]
        return found
