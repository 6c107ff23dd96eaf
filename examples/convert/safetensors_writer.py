"""Writes model files of oclstm: safetensors with a description. docs/model_format.md is the format. SPDX-License-Identifier: MIT"""
import json
import os
import struct

import numpy as np

DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}


def write(path, tensors, description=None):
    """tensors: {name: array}; description: what docs/model_format.md says, or None to leave it to PyTorch's names.

    A whole file or none: it is written beside path and renamed.
    """
    header = {}
    if description is not None:
        header["__metadata__"] = {"oclstm": json.dumps({"format": 1, **description})}
    blobs, end = [], 0
    for name, array in sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize):  # wide ones first: aligned
        blob = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [end, end + len(blob)]}
        blobs.append(blob)
        end += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
