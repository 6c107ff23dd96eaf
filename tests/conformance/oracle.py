"""Every cell that oclstm can describe, in NumPy and in double precision, written from the equations in
include/oclstm/oclstm_layer.h (oclstm_layer) and from the documents it names, and from nothing else of this project.

A network is a description, the JSON object of docs/model_format.md, and a dictionary of arrays with the names of that page.
Arrays are time-major: x [T,B,I], y [T,B,W]. One row of a batch is computed with all others, a step at a time.

SPDX-License-Identifier: MIT
"""
import numpy as np

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
DEFAULT_ACTIVATION = {"gate": "sigmoid", "candidate": "tanh", "output": "tanh"}
HASTE_EPSILON, TFLITE_EPSILON = 1e-5, 1e-8


# ---- activations: ONNX LSTM-22, "activations" ----

def sigmoid(x):
    """1 / (1 + e^-x), from the side on which nothing overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


ACTIVATIONS = {
    "sigmoid": lambda x, a, b: sigmoid(x),
    "tanh": lambda x, a, b: np.tanh(x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "affine": lambda x, a, b: a * x + b,
    "leaky_relu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "thresholded_relu": lambda x, a, b: np.where(x > a, x, 0 * x),  # at a itself as onnxruntime has it
    "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
    "hard_sigmoid": lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1),
    "elu": lambda x, a, b: np.where(x >= 0, x, a * np.expm1(np.minimum(x, 0))),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "softplus": lambda x, a, b: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}


def activation(layer, direction, role):
    """The function of a role in direction 0 or 1. alpha and beta are float32 in a description."""
    given = layer.get("activation", {}).get(("forward", "reverse")[direction], {}).get(role, {"kind": "default"})
    kind = given["kind"] if given["kind"] != "default" else DEFAULT_ACTIVATION[role]
    a, b = float(np.float32(given.get("alpha", 0))), float(np.float32(given.get("beta", 0)))
    return lambda x: ACTIVATIONS[kind](x, a, b)


# ---- sizes ----

def directions(layer):
    return 2 if layer.get("direction") == "bidirectional" else 1


def state_size(layer):
    """R, of h: P with a projection, otherwise H."""
    return layer.get("projection_size", 0) or layer["hidden_size"]


def cell_size(layer):
    return layer["hidden_size"] if layer["kind"] == "lstm" else 0


def output_size(layer):
    concat = layer.get("merge", "concat") == "concat"
    return state_size(layer) * (directions(layer) if concat else 1)


# ---- one direction ----

def clip(x, bound):
    """bound 0: none. Bounds are float32 in a description."""
    bound = float(np.float32(bound))
    return x if bound == 0 else np.clip(x, -bound, bound)


def normalize(v, epsilon):
    """N(v) = (v - mean v) / sqrt(var v + epsilon) over the last axis; the variance is that of the whole population."""
    d = v - v.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + epsilon)


class Direction:
    """One direction of one layer: its arrays by name without layer and direction, and its activations."""

    def __init__(self, layer, arrays, direction, dtype):
        self.layer, self.kind, self.H = layer, layer["kind"], layer["hidden_size"]
        self.w = {name: np.asarray(a).astype(dtype) for name, a in arrays.items()}
        self.gate, self.candidate, self.output = (
            activation(layer, direction, role) for role in ("gate", "candidate", "output"))
        self.bound = layer.get("clip_preactivation", 0)
        self.b_ih = self.w.get("bias_ih", np.zeros(GATES[self.kind] * self.H, dtype))
        self.b_hh = self.w.get("bias_hh", np.zeros(GATES[self.kind] * self.H, dtype))

    def rows(self, v, k):
        """The rows of gate k."""
        return v[..., k * self.H:(k + 1) * self.H]

    def clipped(self, p):
        return clip(p, self.bound)

    def seen_by_output(self, c):
        """clip_preactivation is for the gates and the candidate; c is not clipped here."""
        return c

    def step(self, x, h, c):
        h_new, c_new = {"lstm": self.lstm, "gru": self.gru, "rnn": self.rnn}[self.kind](x, h, c)
        zh, zc = (float(np.float32(self.layer.get(z, 0))) for z in ("zoneout_h", "zoneout_c"))
        return zh * h + (1 - zh) * h_new, None if c is None else zc * c + (1 - zc) * c_new

    def rnn(self, x, h, c):
        w = self.w
        return self.candidate(self.clipped(x @ w["weight_ih"].T + h @ w["weight_hh"].T + self.b_ih + self.b_hh)), c

    def gru(self, x, h, c):
        w = self.w
        from_x = x @ w["weight_ih"].T + self.b_ih
        from_h = h @ w["weight_hh"].T + self.b_hh
        r, z = (self.gate(self.clipped(self.rows(from_x, k) + self.rows(from_h, k))) for k in (0, 1))
        if self.layer.get("linear_before_reset"):
            behind = r * self.rows(from_h, 2)
        else:
            behind = (r * h) @ w["weight_hh"][2 * self.H:].T + self.b_hh[2 * self.H:]
        n = self.candidate(self.clipped(self.rows(from_x, 2) + behind))
        return (1 - z) * n + z * h, c

    def lstm(self, x, h, c):
        layer, w = self.layer, self.w
        norm, coupling = layer.get("layer_norm", "none"), layer.get("coupling", "none")
        from_x, from_h = x @ w["weight_ih"].T, h @ w["weight_hh"].T
        if norm == "haste":
            from_x = w["norm_ih"] * normalize(from_x, HASTE_EPSILON)
            from_h = w["norm_hh"] * normalize(from_h, HASTE_EPSILON)
        bias = self.b_ih + self.b_hh
        diagonal = layer.get("peephole") == "diagonal"

        def preactivation(k, p_k, state):
            """Of gate k of i f g o. p_k: its part of the peephole weights times the state it sees."""
            p = self.rows(from_x, k) + self.rows(from_h, k)
            if diagonal and state is not None:
                p = p + self.rows(w["weight_peephole"], p_k) * state
            if norm == "tflite":
                p = self.rows(w["norm_gates"], k) * normalize(p, TFLITE_EPSILON)
            return self.clipped(p + self.rows(bias, k))

        i = self.gate(preactivation(0, 0, c))
        f = self.gate(preactivation(1, 1, c))
        g = self.candidate(preactivation(2, None, None))
        if coupling == "forget_from_input":
            f = 1 - i
        if coupling == "input_from_forget":
            i = 1 - f
        c_new = clip(f * c + i * g, layer.get("clip_cell", 0))
        o = self.gate(preactivation(3, 2, c_new))
        seen = c_new
        if norm == "haste":
            seen = w["norm_c"] * normalize(c_new, HASTE_EPSILON) + w["norm_c_bias"]
        m = o * self.output(self.seen_by_output(seen))
        if layer.get("projection_size", 0):
            m = clip(m @ w["weight_hr"].T, layer.get("clip_projection", 0))
        return m, c_new

    def run(self, x, lengths, h, c, backwards):
        """Rows past their length keep their state and give zeros. backwards: each row from its own last step to its first."""
        T, B, _ = x.shape
        y = np.zeros((T, B, h.shape[1]), x.dtype)
        cells = None if c is None else np.zeros((T, B, c.shape[1]), x.dtype)
        for s in range(T):
            live = np.nonzero(s < lengths)[0]
            t = lengths[live] - 1 - s if backwards else np.full(live.size, s)
            h_new, c_new = self.step(x[t, live], h[live], None if c is None else c[live])
            h[live] = y[t, live] = h_new
            if c is not None:
                c[live] = cells[t, live] = c_new
        return y, cells


# ---- networks ----

def layer_arrays(weights, index, direction):
    """The arrays of one direction, by their names without the ending."""
    end = "_l%d%s" % (index, "_reverse" if direction else "")
    return {name[len("lstm."):-len(end)]: array for name, array in weights.items()
            if name.startswith("lstm.") and name.endswith(end)}


def merge(parts, how):
    if len(parts) == 1 or how == "concat":
        return np.concatenate(parts, 2)
    a, b = parts
    return {"sum": a + b, "mul": a * b, "average": (a + b) / 2}[how]


def in_order_of_processing(y, lengths):
    """Row b's valid steps from the last to the first; zeros stay behind them."""
    turned = np.zeros_like(y)
    for b, n in enumerate(lengths):
        turned[:n, b] = y[:n, b][::-1]
    return turned


def run_layer(layer, weights, index, x, lengths, h, c):
    """h [D,B,R] and c [D,B,H] are advanced in place; c is None for a cell without one."""
    parts, cells = [], []
    for d in range(directions(layer)):
        direction = Direction(layer, layer_arrays(weights, index, d), d, x.dtype)
        backwards = d == 1 or layer.get("direction") == "reverse"
        y, of_c = direction.run(x, lengths, h[d], None if c is None else c[d], backwards)
        parts.append(y)
        cells.append(of_c)
    y = merge(parts, layer.get("merge", "concat"))
    cells = None if c is None else np.concatenate(cells, 2)
    if layer.get("go_backwards"):
        y, cells = (None if a is None else in_order_of_processing(a, lengths) for a in (y, cells))
    return y, cells


def first_state(layer, weights, index, name, size, B, given, dtype):
    """[D,B,size]: what is given, or the model's own initial state, or zeros."""
    D = directions(layer)
    if given is not None:
        return np.array(given, dtype).reshape(D, B, size)
    state = np.zeros((D, B, size), dtype)
    for d in range(D if layer.get("initial_state") else 0):
        state[d] = layer_arrays(weights, index, d)[name]
    return state


def split(flat, counts):
    """The parts of the layers' states, which lie one after another; counts of elements."""
    if flat is None:
        return [None] * len(counts)
    return np.split(np.asarray(flat).ravel(), np.cumsum(counts)[:-1])


def join(states):
    """[L*D,B,size] where all layers have one size, otherwise one after another without a shape; None without any."""
    states = [s for s in states if s is not None]
    if not states:
        return None
    if len({s.shape[1:] for s in states}) == 1:
        return np.concatenate(states)
    return np.concatenate([s.ravel() for s in states])


def run(description, weights, x=None, ids=None, lengths=None, h0=None, c0=None, dtype=np.float64):
    """Returns a dictionary: y, hn, and where the network has them cn and cells (of the last layer)."""
    sequence = np.asarray(weights["embedding.weight"])[np.asarray(ids)] if x is None else np.asarray(x)
    sequence = sequence.astype(dtype)
    T, B, _ = sequence.shape
    lengths = np.full(B, T) if lengths is None else np.asarray(lengths).astype(int)
    sequence[np.arange(T)[:, None] >= lengths] = 0
    layers = description["layers"]
    h0 = split(h0, [directions(l) * B * state_size(l) for l in layers])
    c0 = split(c0, [directions(l) * B * cell_size(l) for l in layers])
    hn, cn, cells = [], [], None
    for k, layer in enumerate(layers):
        h = first_state(layer, weights, k, "initial_h", state_size(layer), B, h0[k], dtype)
        c = first_state(layer, weights, k, "initial_c", cell_size(layer), B, c0[k], dtype) if cell_size(layer) else None
        sequence, cells = run_layer(layer, weights, k, sequence, lengths, h, c)
        hn.append(h)
        cn.append(c)
    if "head" in description:
        sequence = sequence @ np.asarray(weights["head.weight"]).astype(dtype).T
        if description["head"].get("bias"):
            sequence = sequence + np.asarray(weights["head.bias"]).astype(dtype)
        sequence[np.arange(T)[:, None] >= lengths] = 0
    found = {"y": sequence, "hn": join(hn), "cn": join(cn), "cells": cells}
    return {name: a for name, a in found.items() if a is not None}
