#!/usr/bin/env python3
"""Makes files/: small ONNX graphs with what onnxruntime (or the library they come from) computes on them.
SPDX-License-Identifier: MIT

make_files.py nodes     single nodes and hand-made graphs     needs onnx, onnxruntime, numpy
make_files.py torch     both exporters of PyTorch             needs torch, onnxscript as well
make_files.py keras     tf2onnx on Keras                      needs tensorflow, keras, tf2onnx, onnx
Each case is NAME.onnx and NAME.npz (x, y, and lengths, h0, c0, hn, cn where it has them, in the order of `oclstm run`), or,
where it must be refused, a line "NAME STATUS TEXT" in refused.txt. files.py checks them.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILES = pathlib.Path(__file__).parent / "files"
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
T, B, I, H = 5, 3, 3, 4
FLOAT = TensorProto.FLOAT
refused = []


def save(name, model, check=True, **arrays):
    if check:
        onnx.checker.check_model(model, full_check=True)
    FILES.mkdir(exist_ok=True)
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    del model.graph.value_info[:]
    del model.metadata_props[:]
    onnx.save(model, FILES / f"{name}.onnx")
    if arrays:
        np.savez(FILES / f"{name}.npz", **{key: np.ascontiguousarray(value) for key, value in arrays.items() if value is not None})


def refuse(name, model, status, text):
    save(name, model, check=False)
    refused.append(f"{name} {status} {text}\n")


def run(model, feeds):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def model_of(nodes, inputs, outputs, initializers, opset=14, name="g"):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def port(name, shape, element=FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def weights(op, directions, peephole=False, bias=True, width=I, hidden=H, seed=0, scale=0.6):
    """Every gate, direction and row has weights of its own: a wrong order shows."""
    random = np.random.default_rng(seed)
    gates = GATES[op]
    tensors = {"W": (directions, gates * hidden, width), "R": (directions, gates * hidden, hidden)}
    if bias:
        tensors["B"] = (directions, 2 * gates * hidden)
    if peephole:
        tensors["P"] = (directions, 3 * hidden)
    return {key: (random.standard_normal(shape) * scale).astype(np.float32) for key, shape in tensors.items()}


def tensor(name, array, how="raw"):
    element = helper.np_dtype_to_tensor_dtype(array.dtype)
    if how == "raw":
        return numpy_helper.from_array(array, name)
    return helper.make_tensor(name, element, array.shape, array.flatten().tolist())


def node_case(name, op="LSTM", direction="forward", peephole=False, bias=True, lengths=False, states=False, layout=0,
              opset=14, how="raw", dtype=np.float32, constants=False, seed=0, last_only=False, **attributes):
    directions = 2 if direction == "bidirectional" else 1
    tensors = weights(op, directions, peephole, bias, seed=seed)
    given = {key: value.astype(dtype) for key, value in tensors.items()}
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    names = ["X", "W", "R", "B" if bias else "", "lengths" if lengths else "", "h0" if states else ""]
    lstm = op == "LSTM"
    if lstm:
        names += ["c0" if states else "", "P" if peephole else ""]
    while names[-1] == "":
        names.pop()

    def build(layout, element):
        shape = ["T", "B", I] if layout == 0 else ["B", "T", I]
        state = [directions, "B", H] if layout == 0 else ["B", directions, H]
        inputs = [port("X", shape, element)]
        if lengths:
            inputs.append(port("lengths", ["B"], TensorProto.INT32))
        if states:
            inputs += [port(key, state, element) for key in ["h0", "c0"][: 2 if lstm else 1]]
        outputs = ["", "Y_h"] if last_only else ["Y", "Y_h", "Y_c"][: 3 if lstm else 2]
        node = helper.make_node(op, names, outputs, name="node", hidden_size=H, direction=direction,
                                **({"layout": layout} if layout else {}), **attributes)
        shapes = {"Y": ["T", directions, "B", H] if layout == 0 else ["B", "T", directions, H], "Y_h": state, "Y_c": state}
        values = given if element != FLOAT else tensors if dtype == np.float64 else {k: v.astype(np.float32) for k, v in given.items()}
        nodes = [node]
        initializers = []
        for key, value in values.items():
            if constants:
                nodes.insert(0, helper.make_node("Constant", [], [key], value=tensor(key, value, how)))
            else:
                initializers.append(tensor(key, value, how))
        return model_of(nodes, inputs, [port(key, shapes[key], element) for key in outputs if key], initializers, opset)

    random = np.random.default_rng(seed + 1)
    x = random.standard_normal((T, B, I)).astype(np.float32)
    feeds = {"X": x}
    if lengths:
        feeds["lengths"] = np.array([5, 2, 3], np.int32)
    if states:
        for key in ["h0", "c0"][: 2 if lstm else 1]:
            feeds[key] = random.standard_normal((directions, B, H)).astype(np.float32)
    results = dict(zip(["Y", "Y_h", "Y_c"], run(build(0, FLOAT), feeds))) if not last_only else {}
    y = results.get("Y")
    save(name, build(layout, element), x=x, y=None if y is None else y.transpose(0, 2, 1, 3).reshape(T, B, -1),
         lengths=feeds.get("lengths"), h0=feeds.get("h0"), c0=feeds.get("c0"), hn=results.get("Y_h"), cn=results.get("Y_c"))


def attribute_cases():
    for op in GATES:
        low = op.lower()
        for direction in ("forward", "reverse", "bidirectional"):
            node_case(f"{low}_{direction}", op, direction, lengths=True, states=True, seed=len(direction))
        node_case(f"{low}_no_bias", op, bias=False, opset=7)
        node_case(f"{low}_clip", op, "bidirectional", clip=0.4)
        node_case(f"{low}_layout1", op, "bidirectional", layout=1, states=True)
        node_case(f"{low}_opset22", op, opset=21)
    for coupled in (0, 1):
        node_case(f"lstm_peephole_{coupled}", "LSTM", "bidirectional", peephole=True, input_forget=coupled, states=True, clip=0.9)
    node_case("gru_linear", "GRU", "bidirectional", linear_before_reset=1, states=True)
    node_case("gru_linear_0", "GRU", "bidirectional", linear_before_reset=0, clip=0.5)
    node_case("lstm_typed", how="typed")
    node_case("lstm_f64", dtype=np.float64)
    node_case("lstm_f64_typed", dtype=np.float64, how="typed")
    node_case("lstm_f16", dtype=np.float16)
    node_case("lstm_f16_typed", dtype=np.float16, how="typed")
    node_case("lstm_constants", constants=True)
    node_case("lstm_constants_typed", constants=True, how="typed")


def activation_cases():
    """Numbers are handed out in order to the functions that take them; those that are left get the operator's own."""
    both = "bidirectional"
    node_case("act_lstm", activations=["HardSigmoid", "LeakyRelu", "Softsign"])
    node_case("act_lstm_numbers", activations=["HardSigmoid", "LeakyRelu", "ScaledTanh"], activation_alpha=[0.3, 0.2, 0.7],
              activation_beta=[0.4, 1.3])
    node_case("act_lstm_skips", direction=both, activations=["Sigmoid", "Elu", "Tanh", "HardSigmoid", "Affine", "Relu"],
              activation_alpha=[0.8, 0.25, 0.6], activation_beta=[0.45, 0.1])
    node_case("act_lstm_case", activations=["sigmoid", "TANH", "softPlus"])
    node_case("act_gru", "GRU", both, activations=["HardSigmoid", "Softsign", "Sigmoid", "Softplus"], linear_before_reset=1)
    node_case("act_gru_elu", "GRU", activations=["Sigmoid", "Elu"], activation_alpha=[0.5])
    for kind in ("Relu", "Sigmoid", "Softsign", "Softplus", "Elu", "LeakyRelu", "HardSigmoid"):
        node_case(f"act_rnn_{kind.lower()}", "RNN", activations=[kind])
    node_case("act_rnn_affine", "RNN", activations=["Affine"], activation_alpha=[0.4], activation_beta=[0.1])
    node_case("act_rnn_thresholded", "RNN", activations=["ThresholdedRelu"], activation_alpha=[0.2])
    node_case("act_rnn_both", "RNN", both, activations=["ScaledTanh", "LeakyRelu"], activation_alpha=[0.9, 0.15], activation_beta=[1.2])


def chain(nodes, tensors, outputs, opset=14, inputs=None):
    return model_of(nodes, inputs or [port("X", ["T", "B", I])], outputs, [tensor(k, v) for k, v in tensors.items()], opset)


def x_of(seed=3):
    return np.random.default_rng(seed).standard_normal((T, B, I)).astype(np.float32)


def lstm(x, y, prefix="", extra=(), **attributes):
    return helper.make_node("LSTM", [x, prefix + "W", prefix + "R", prefix + "B", *extra], y, name=f"lstm{prefix}", hidden_size=H,
                            **attributes)


def graph_cases():
    node = helper.make_node
    base = weights("LSTM", 1)
    y = port("Y", None)

    def three(tensors, nodes, name, opset=14, last=False, **arrays):
        model = chain(nodes, tensors, [port("Y", ["B", "F"] if last else ["T", "B", "F"])], opset)
        got = run(model, {"X": x_of()})[0]
        if last:
            save(name, model, x=x_of(), last=got)
        else:
            save(name, model, x=x_of(), y=got, **arrays)

    squeeze = node("Squeeze", ["s", "ax1"], ["q"])
    ax1 = {"ax1": np.array([1], np.int64)}
    # Weights behind the operators that exporters leave before them.
    folded = {"Wt": base["W"].transpose(0, 2, 1).copy(), "Ra": base["R"][:, :7].copy(), "Rb": base["R"][:, 7:].copy(), "Bf": base["B"].reshape(-1).copy(),
              "minus": np.array([1, -1], np.int64), "R2": np.concatenate([base["R"], base["R"]], 1), "zero": np.array([0], np.int64),
              "n16": np.array([16], np.int64), "W2": base["W"][0].astype(np.float64)}
    three({**base, **folded, **ax1}, [node("Transpose", ["Wt"], ["W_"], perm=[0, 2, 1]), node("Concat", ["Ra", "Rb"], ["R_"], axis=1),
                                      node("Reshape", ["Bf", "minus"], ["B_"]), node("LSTM", ["X", "W_", "R_", "B_"], ["s"], hidden_size=H), squeeze,
                                      node("Identity", ["q"], ["Y"])], "fold_a")
    three({**base, **folded, **ax1}, [node("Cast", ["W2"], ["W3"], to=FLOAT), node("Unsqueeze", ["W3", "zero"], ["W_"]),
                                      node("Slice", ["R2", "zero", "n16", "ax1"], ["R_"]), node("Squeeze", ["B", "zero"], ["b1"]),
                                      node("Unsqueeze", ["b1", "zero"], ["B_"]), node("LSTM", ["X", "W_", "R_", "B_"], ["s"], hidden_size=H), squeeze,
                                      node("Identity", ["q"], ["Y"])], "fold_b")
    # Axes in attributes, as before operator set 13, and the weights as inputs with initializers, as before IR 4.
    model = chain([lstm("X", ["s"]), node("Squeeze", ["s"], ["Y"], axes=[1])], base, [port("Y", ["T", "B", H])], 9,
                  [port("X", ["T", "B", I])] + [port(k, v.shape) for k, v in base.items()])
    save("opset9", model, x=x_of(), y=run(model, {"X": x_of()})[0])
    # Two nodes that are the directions of one layer.
    two = {**base, **{"r" + k: v for k, v in weights("LSTM", 1, seed=9).items()}, **ax1}
    ends = [lstm("X", ["f", "fh"]), lstm("X", ["b", "bh"], "r", direction="reverse"), node("Squeeze", ["f", "ax1"], ["f1"]),
            node("Squeeze", ["b", "ax1"], ["b1"])]
    three(two, ends + [node("Concat", ["f1", "b1"], ["Y"], axis=2)], "two_nodes")
    three(two, ends + [node("Add", ["f1", "b1"], ["Y"])], "two_nodes_sum")
    three(two, ends + [node("Mul", ["b1", "f1"], ["Y"])], "two_nodes_mul")
    model = chain(ends + [node("Concat", ["b1", "f1"], ["Y"], axis=2)], two, [port("Y", ["T", "B", "F"])])
    refuse("two_nodes_swapped", model, "E_UNSUPPORTED", "lstmr")
    model = chain(ends + [node("Concat", ["fh", "bh"], ["Y"], axis=2)], two, [port("Y", [1, "B", "F"])])
    refuse("two_last_h", model, "E_UNSUPPORTED", "the last h of both directions")
    # The last step: y's own last step is it.
    head = {**base, **ax1, "D": np.random.default_rng(5).standard_normal((H, 2)).astype(np.float32), "d": np.array([0.3, -0.2], np.float32),
            "minus1": np.array(-1, np.int64), "m1": np.array([-1], np.int64), "end": np.array([2**31 - 1], np.int64), "zero": np.array([0], np.int64),
            "flat": np.array([-1, H], np.int64), "t0": np.array(0, np.int64)}
    dense = [node("MatMul", ["l", "D"], ["m"]), node("Add", ["m", "d"], ["Y"])]
    three(head, [lstm("X", ["s"]), squeeze, node("Gather", ["q", "minus1"], ["l"], axis=0)] + dense, "last_gather", last=True)
    three(head, [lstm("X", ["s"]), squeeze, node("Slice", ["q", "m1", "end", "zero"], ["l1"]), node("Squeeze", ["l1", "zero"], ["l"])] + dense,
          "last_slice", last=True)
    three(head, [lstm("X", ["s", "h"]), node("Squeeze", ["h", "zero"], ["l"])] + dense, "last_h", last=True)
    three(head, [lstm("X", ["s", "h"], direction="reverse"), node("Squeeze", ["h", "zero"], ["l"])] + dense, "last_h_reverse", last=True)
    three(head, [lstm("X", ["s"], direction="reverse"), squeeze, node("Gather", ["q", "t0"], ["l"], axis=0)] + dense, "last_reverse_first", last=True)
    three(head, [lstm("X", ["s", "h"]), node("Squeeze", ["h", "zero"], ["l"]), node("Gemm", ["l", "D", "d"], ["Y"])], "last_gemm", last=True)
    model = chain([lstm("X", ["s"]), squeeze, node("Gather", ["q", "t0"], ["l"], axis=0)] + dense, head, [port("Y", ["B", 2])])
    refuse("first_step", model, "E_UNSUPPORTED", "step 0 is not the last")
    wide = {**{k: v for k, v in head.items() if k not in "WRB"}, **weights("LSTM", 2)}
    model = chain([lstm("X", ["s"], direction="bidirectional"), node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3]),
                   node("Reshape", ["t", "keep"], ["r"]), node("Gather", ["r", "minus1"], ["Y"], axis=0)], {**wide, "keep": np.array([0, 0, -1], np.int64)},
                  [port("Y", ["B", "F"])])
    refuse("last_bidirectional", model, "E_UNSUPPORTED", "one step of both directions")
    # A head over flattened steps.
    flat = model_of([lstm("X", ["s"]), squeeze, node("Reshape", ["q", "flat"], ["l"]), node("Gemm", ["l", "Dt", "d"], ["g"], transB=1),
                     node("Shape", ["X"], ["sx"]), node("Slice", ["sx", "zero", "two"], ["tb"]), node("Concat", ["tb", "o"], ["ys"], axis=0),
                     node("Reshape", ["g", "ys"], ["Y"])], [port("X", ["T", "B", I])], [port("Y", ["T", "B", 2])],
                    [tensor(k, v) for k, v in {**head, "Dt": head["D"].T.copy(), "two": np.array([2], np.int64), "o": np.array([2], np.int64)}.items()])
    save("head_flattened", flat, x=x_of(), y=run(flat, {"X": x_of()})[0])
    # Constant states: the same for every row, or not.
    rows = {**base, **ax1, "h0": np.repeat(np.random.default_rng(7).standard_normal((1, 1, H)), B, 1).astype(np.float32),
            "c0": np.repeat(np.random.default_rng(8).standard_normal((1, 1, H)), B, 1).astype(np.float32)}
    three(rows, [lstm("X", ["s"], extra=["", "h0", "c0"]), node("Squeeze", ["s", "ax1"], ["Y"])], "state_rows")
    rows["h0"] = rows["h0"] + np.arange(B, dtype=np.float32).reshape(1, B, 1)
    model = chain([lstm("X", ["s"], extra=["", "h0", "c0"]), node("Squeeze", ["s", "ax1"], ["Y"])], rows, [port("Y", ["T", B, H])])
    refuse("state_rows_differ", model, "E_UNSUPPORTED", "initial_h is a constant that differs")
    # Lengths that say nothing, and some that do.
    for name, lengths in (("lengths_whole", [T] * B), ("lengths_constant", [T, 2, 1])):
        model = chain([lstm("X", ["s"], extra=["len"]), node("Squeeze", ["s", "ax1"], ["Y"])], {**base, **ax1, "len": np.array(lengths, np.int32)},
                      [port("Y", [T, B, H])], inputs=[port("X", [T, B, I])])
        if name == "lengths_whole":
            save(name, model, x=x_of(), y=run(model, {"X": x_of()})[0])
        else:
            refuse(name, model, "E_UNSUPPORTED", "sequence_lens is a constant")
    refusals(base, ax1)


def refusals(base, ax1):
    node = helper.make_node
    q = [lstm("X", ["s"]), node("Squeeze", ["s", "ax1"], ["q"], name="squeeze")]
    out = [port("Y", ["T", "B", "F"])]

    def one(name, nodes, text, tensors=None, status="E_UNSUPPORTED", outputs=out, opset=14, inputs=None):
        refuse(name, chain(nodes, {**base, **ax1, **(tensors or {})}, outputs, opset, inputs), status, text)

    one("softmax", q + [node("Softmax", ["q"], ["Y"], name="soft")], "node soft (Softmax)")
    one("relu", q + [node("Relu", ["q"], ["Y"], name="act")], "node act (Relu)")
    one("features_turned", q + [node("Transpose", ["q"], ["t"], perm=[0, 2, 1]), node("Identity", ["t"], ["Y"])], "features")
    one("batch_as_time", q + [node("Transpose", ["q"], ["t"], perm=[1, 0, 2]), lstm("t", ["Y"], "2")], "layers before it run over other axes",
        {"2" + k: v for k, v in weights("LSTM", 1, width=H, seed=2).items()})
    one("reshape_mixes", q + [node("Reshape", ["q", "mix"], ["Y"], name="mixing")], "node mixing (Reshape)", {"mix": np.array([0, 2, -1], np.int64)})
    one("second_dense", q + [node("MatMul", ["q", "D1"], ["m"]), node("MatMul", ["m", "D2"], ["Y"], name="second")], "node second (MatMul): a second dense",
        {"D1": np.ones((H, 3), np.float32), "D2": np.ones((3, 2), np.float32)})
    one("residual", q + [node("Add", ["q", "X"], ["Y"], name="residual")], "node residual (Add)")
    one("scaled", q + [node("Mul", ["q", "two"], ["Y"], name="scale")], "node scale (Mul)", {"two": np.array(2, np.float32)})
    one("one_direction", [lstm("X", ["s"], "2", direction="bidirectional"), node("Gather", ["s", "zero"], ["Y"], axis=1)], "only one of its two directions",
        {**{"2" + k: v for k, v in weights("LSTM", 2).items()}, "zero": np.array(0, np.int64)})
    one("weights_computed", [node("Mul", ["W", "W"], ["W_"], name="product"), node("LSTM", ["X", "W_", "R"], ["s"], hidden_size=H),
                             node("Squeeze", ["s", "ax1"], ["Y"])], "node product (Mul)")
    one("weights_input", [node("LSTM", ["X", "W0", "R"], ["s"], hidden_size=H, name="l"), node("Squeeze", ["s", "ax1"], ["Y"])], "W is computed in the graph",
        inputs=[port("X", ["T", "B", I]), port("W0", [1, 4 * H, I])])
    one("unknown_attribute", [lstm("X", ["s"], output_sequence=1), node("Squeeze", ["s", "ax1"], ["Y"])], "attribute output_sequence")
    one("unknown_activation", [lstm("X", ["s"], activations=["Sigmoid", "Gelu", "Tanh"]), node("Squeeze", ["s", "ax1"], ["Y"])], "activation Gelu")
    one("affine_without_numbers", [lstm("X", ["s"], activations=["Sigmoid", "Affine", "Tanh"]), node("Squeeze", ["s", "ax1"], ["Y"])], "Affine needs")
    one("negative_clip", [lstm("X", ["s"], clip=-1.0), node("Squeeze", ["s", "ax1"], ["Y"])], "clip is -1")
    one("other_domain", [node("LSTM", ["X", "W", "R", "B"], ["s"], hidden_size=H, domain="com.example"), node("Squeeze", ["s", "ax1"], ["Y"])], "com.example.LSTM")
    one("training_dropout", q + [node("Dropout", ["q", "ratio", "yes"], ["Y"], name="drop")], "node drop (Dropout): training_mode",
        {"ratio": np.array(0.5, np.float32), "yes": np.array(True)})
    one("old_opset", q[:1] + [node("Squeeze", ["s"], ["Y"], axes=[1])], "operator set 6", opset=6)
    one("no_recurrent", [node("Identity", ["X"], ["Y"])], "no node of LSTM, GRU or RNN")
    one("beside_the_chain", q + [lstm("X", ["z"], "2"), node("Identity", ["q"], ["Y"])], "node lstm2 (LSTM) is beside", {"2" + k: v for k, v in base.items()})
    one("two_outputs", [lstm("X", ["s"]), node("Squeeze", ["s", "ax1"], ["Y1"]), lstm("Y1", ["s2"], "2"), node("Squeeze", ["s2", "ax1"], ["Y"])],
        "output Y1", {"2" + k: v for k, v in weights("LSTM", 1, width=H, seed=2).items()}, outputs=[port("Y1", ["T", "B", H])] + out)
    one("no_shape", q + [node("Identity", ["q"], ["Y"])], "input X of the graph has no shape", inputs=[helper.make_tensor_value_info("X", FLOAT, None)])
    one("wrong_W", [node("LSTM", ["X", "Wx", "R"], ["s"], hidden_size=H), node("Squeeze", ["s", "ax1"], ["Y"])], "W: expected rank 3",
        {"Wx": np.zeros((1, 4 * H - 1, I), np.float32)}, status="E_SHAPE")
    one("wrong_width", [lstm("X", ["s"]), node("Squeeze", ["s", "ax1"], ["Y"])], "X has 7 features", status="E_SHAPE", inputs=[port("X", ["T", "B", 7])])
    one("nan", q + [node("Identity", ["q"], ["Y"])], "W_ih", {"W": np.full((1, 4 * H, I), np.nan, np.float32)}, status="E_NONFINITE")
    one("integer_W", [node("LSTM", ["X", "Wi", "R"], ["s"], hidden_size=H), node("Squeeze", ["s", "ax1"], ["Y"])], "W cannot be I32",
        {"Wi": np.zeros((1, 4 * H, I), np.int32)}, status="E_DTYPE")
    states = {"2" + k: v for k, v in weights("LSTM", 1, width=H, seed=2).items()}
    order = [node("Slice", ["h0", "one", "two", "zero"], ["ha"]), node("Slice", ["h0", "zero", "one", "zero"], ["hb"]), lstm("X", ["s"], extra=["", "ha"]),
             node("Squeeze", ["s", "ax1"], ["q"]), lstm("q", ["s2"], "2", extra=["", "hb"]), node("Squeeze", ["s2", "ax1"], ["Y"])]
    one("states_swapped", order, "its initial state is row 1", {**states, "zero": np.array([0], np.int64), "one": np.array([1], np.int64), "two": np.array([2], np.int64)},
        inputs=[port("X", ["T", "B", I]), port("h0", [2, "B", H])])
    one("lengths_of_one", [lstm("X", ["s"], extra=["len"]), node("Squeeze", ["s", "ax1"], ["q"]), lstm("q", ["s2"], "2"), node("Squeeze", ["s2", "ax1"], ["Y"])],
        "its sequence_lens are not those", states, inputs=[port("X", ["T", "B", I]), port("len", ["B"], TensorProto.INT32)])
    ids = [port("ids", ["T", "B"], TensorProto.INT64)]
    table = {"E": np.ones((5, I), np.float32), "five": np.array(5, np.int64)}
    rows = [lstm("x", ["s"]), node("Squeeze", ["s", "ax1"], ["Y"])]
    one("ids_shifted", [node("Add", ["ids", "five"], ["i"]), node("Gather", ["E", "i"], ["x"], name="rows"), *rows], "node rows (Gather)", table, inputs=ids)
    one("ids_scaled", [node("Mul", ["ids", "five"], ["i"], name="times"), node("Gather", ["E", "i"], ["x"]), *rows], "node times (Mul)", table, inputs=ids)
    inner = helper.make_graph([node("Identity", ["X"], ["inner"])], "branch", [], [port("inner", None)])
    one("if", q + [node("If", ["yes"], ["Y"], name="choice", then_branch=inner, else_branch=inner)], "node choice (If)", {"yes": np.array(True)})


def torch_cases():
    import torch

    class Net(torch.nn.Module):
        def __init__(self, kind, head=0, embedding=0, last=False, **options):
            super().__init__()
            self.net = getattr(torch.nn, kind)(I, H, **options)
            self.embedding = torch.nn.Embedding(embedding, I) if embedding else None
            directions = 2 if options.get("bidirectional") else 1
            self.head = torch.nn.Linear(H * directions, head) if head else None
            self.last, self.kind, self.first = last, kind, options.get("batch_first", False)

        def forward(self, x, *states):
            x = self.embedding(x) if self.embedding is not None else x
            y, state = self.net(x, (states if len(states) == 2 else states[0]) if states else None)
            if self.last:
                y = y[:, -1] if self.first else y[-1]
            y = self.head(y) if self.head is not None else y
            return (y, *state) if self.kind == "LSTM" else (y, state)

    cases = {
        "lstm": ("LSTM", {}, {}), "lstm_l4": ("LSTM", {"num_layers": 4}, {}), "lstm_bi_l2": ("LSTM", {"num_layers": 2, "bidirectional": True}, {"head": 2}),
        "lstm_bf": ("LSTM", {"batch_first": True}, {"head": 2}), "lstm_states": ("LSTM", {"num_layers": 2}, {"states": True}),
        "lstm_bi_states": ("LSTM", {"num_layers": 3, "bidirectional": True, "batch_first": True}, {"states": True}), "lstm_nobias": ("LSTM", {"bias": False}, {}),
        "gru_l3": ("GRU", {"num_layers": 3}, {"head": 2}), "gru_bi_states": ("GRU", {"bidirectional": True}, {"states": True}),
        "gru_embedding": ("GRU", {"batch_first": True}, {"embedding": 7, "head": 2}), "rnn_bi": ("RNN", {"bidirectional": True, "num_layers": 2}, {}),
        "rnn_relu": ("RNN", {"nonlinearity": "relu"}, {"head": 3}), "lstm_dropout": ("LSTM", {"num_layers": 2, "dropout": 0.3}, {}),
        "lstm_last": ("LSTM", {"batch_first": True}, {"last": True, "head": 2}),
    }
    for name, (kind, options, about) in cases.items():
        torch.manual_seed(len(name))
        net = Net(kind, **options, **{k: v for k, v in about.items() if k != "states"}).eval()
        batch_first = options.get("batch_first", False)
        shape = (B, T) if batch_first else (T, B)
        x = torch.randint(0, 7, shape) if about.get("embedding") else torch.randn(*shape, I)
        directions = 2 if options.get("bidirectional") else 1
        count = (2 if kind == "LSTM" else 1) if about.get("states") else 0
        states = [torch.randn(directions * options.get("num_layers", 1), B, H) for _ in range(count)]
        with torch.no_grad():
            results = [r.numpy() for r in net(x, *states)]
        turn = (lambda a: a.swapaxes(0, 1)) if batch_first and not about.get("last") else lambda a: a
        given = x.numpy().swapaxes(0, 1) if batch_first else x.numpy()
        arrays = {"last" if about.get("last") else "y": turn(results[0]), "x": given.astype(np.int32) if about.get("embedding") else given, "hn": results[1],
                  "cn": results[2] if kind == "LSTM" else None}
        arrays.update({key: state.numpy() for key, state in zip(["h0", "c0"], states)})
        for exporter in ("script", "dynamo"):
            for sizes in ("fixed", "dynamic"):
                path = FILES / "torch.tmp"
                axes = {"x": {0: "b" if batch_first else "t", 1: "t" if batch_first else "b"}, "h0": {1: "b"}, "c0": {1: "b"}}
                try:
                    if exporter == "script":
                        torch.onnx.export(net, (x, *states), str(path), dynamo=False, input_names=["x", "h0", "c0"][: 1 + count],
                                          dynamic_axes={k: axes[k] for k in ["x", "h0", "c0"][: 1 + count]} if sizes == "dynamic" else None)
                    else:
                        b, t = torch.export.Dim("b", min=2, max=64), torch.export.Dim("t", min=2, max=64)
                        spec = ({0: b, 1: t} if batch_first else {0: t, 1: b},) + ((tuple({1: b} for _ in states),) if states else ())
                        torch.onnx.export(net, (x, *states), str(path), dynamo=True, external_data=False, verbose=False,
                                          dynamic_shapes=spec if sizes == "dynamic" else None)
                except Exception as problem:  # what an exporter cannot do is not ours to test
                    print(f"torch_{name}_{exporter}_{sizes}: not exported: {str(problem)[:200]}", file=sys.stderr)
                    continue
                if kind == "RNN" and exporter == "dynamo":  # it takes nn.RNN apart
                    refuse(f"torch_{name}_{exporter}_{sizes}", onnx.load(path), "E_UNSUPPORTED", "no node of LSTM, GRU or RNN")
                else:
                    save(f"torch_{name}_{exporter}_{sizes}", onnx.load(path), check=False, **arrays)
                path.unlink()


def keras_cases():
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    import tf2onnx

    layers = keras.layers
    keras.utils.set_random_seed(1)

    def distinct(net):  # Keras begins with biases of zero and one
        random = np.random.default_rng(2)
        net.set_weights([w + random.standard_normal(w.shape).astype(np.float32) * 0.2 for w in net.get_weights()])

    def case(name, *stack, shape=(T, I), last=False, refusal=None, ids=False):
        x = keras.Input(shape=shape, dtype="int32" if ids else "float32")
        y = x
        for layer in stack:
            y = layer(y)
        net = keras.Model(x, y)
        distinct(net)
        random = np.random.default_rng(3)
        given = random.integers(0, 7, (B, T)).astype(np.int32) if ids else random.standard_normal((B, T, I)).astype(np.float32)
        spec = (tf.TensorSpec((None, *shape), tf.int32 if ids else tf.float32, name="x"),)
        call = tf.function(lambda v: net(v, training=False), input_signature=spec)
        model, _ = tf2onnx.convert.from_function(call, input_signature=spec, opset=15)
        if refusal:
            refuse(f"keras_{name}", model, "E_UNSUPPORTED", refusal)
            return
        got = net(given, training=False).numpy()
        save(f"keras_{name}", model, check=False, x=given.swapaxes(0, 1), **({"last": got} if last else {"y": got.swapaxes(0, 1)}))

    sequence = {"return_sequences": True}
    case("sequence", layers.LSTM(H, **sequence))
    case("last", layers.LSTM(H), layers.Dense(2), last=True)
    case("dense", layers.LSTM(H, **sequence), layers.Dense(2), shape=(None, I))
    case("stack", layers.LSTM(H, **sequence), layers.Dropout(0.3), layers.Bidirectional(layers.LSTM(5, **sequence)), layers.LSTM(3, **sequence))
    for mode in ("concat", "sum", "mul", "ave"):
        case(f"bidirectional_{mode}", layers.Bidirectional(layers.LSTM(H, **sequence), merge_mode=mode))
    case("backwards", layers.LSTM(H, go_backwards=True, **sequence))
    case("embedding", layers.Embedding(7, I), layers.LSTM(H, **sequence), layers.Dense(2), shape=(T,), ids=True)
    case("embedding_mask", layers.Embedding(7, I, mask_zero=True), layers.LSTM(H, **sequence), shape=(T,), ids=True, refusal="no node of LSTM, GRU or RNN")
    case("bidirectional_last", layers.Bidirectional(layers.LSTM(H)), refusal="the last h of both directions")
    case("unrolled_dense", layers.LSTM(H, **sequence), layers.TimeDistributed(layers.Dense(2)), refusal="(Slice)")
    case("gru", layers.GRU(H, **sequence), refusal="no node of LSTM, GRU or RNN")
    case("masking", layers.Masking(), layers.LSTM(H, **sequence), refusal="no node of LSTM, GRU or RNN")


def main():
    what = sys.argv[1]
    {"nodes": lambda: (attribute_cases(), activation_cases(), graph_cases()), "torch": torch_cases, "keras": keras_cases}[what]()
    if refused:
        path = FILES / f"refused_{what}.txt"
        path.write_text("".join(refused))


if __name__ == "__main__":
    main()
