"""What the peers of `oclstm bench` share: the protocol of docs/bench.md, a measurement without bench, the clock, the machine.

A peer module has a class Peer with NAME, version(), details(), network(shape, weights, x, lengths), and let_go() behind the networks
of a shape. A network has run(), which ends when y is in memory; y(), float32 [T,B,D*H]; way, a word for how it computes; and
kernel_seconds, of the last run, or None.

SPDX-License-Identifier: MIT
"""
import dataclasses
import gc
import json
import os
import platform
import resource
import sys
import time

import numpy as np

PROTOCOL = 1
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class Refused(Exception):
    """What a peer cannot do, in words for the table."""


@dataclasses.dataclass
class Shape:
    """A network of `layers` layers of H units over I features, for T steps of B rows."""
    cell: str
    T: int
    B: int
    I: int
    H: int
    layers: int = 1
    directions: int = 1
    precision: str = "f32"
    training: bool = False

    def parameters(self):
        """Names and shapes as PyTorch has them."""
        found = {}
        for k in range(self.layers):
            features, rows = self.H * self.directions if k else self.I, GATES[self.cell] * self.H
            for suffix in ("", "_reverse")[:self.directions]:
                found.update({f"weight_ih_l{k}{suffix}": (rows, features), f"weight_hh_l{k}{suffix}": (rows, self.H),
                              f"bias_ih_l{k}{suffix}": (rows,), f"bias_hh_l{k}{suffix}": (rows,)})
        return found

    def flops(self, steps):
        """Of the products over so many steps of one row: a multiplication and an addition each, three times that in training."""
        matrices = sum(np.prod(size) for size in self.parameters().values() if len(size) == 2)
        return int(2 * matrices * steps * (3 if self.training else 1))


def random_network(shape, seed=1):
    """Weights U(-1/sqrt(H), 1/sqrt(H)), as PyTorch begins, and x U(-1, 1)."""
    random, bound = np.random.default_rng(seed), np.float32(shape.H ** -0.5)
    weights = {name: (random.random(size, np.float32) * 2 - 1) * bound for name, size in shape.parameters().items()}
    return weights, random.random((shape.T, shape.B, shape.I), np.float32) * 2 - 1


# ---- the clock ----

def seconds(run):
    begin = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - begin) * 1e-9


def fastest(ways, at_most=2.0):
    """The name of the way whose best run is shortest: 3 runs each behind one that is not counted, fewer of long ones."""
    best = {}
    for name, way in ways.items():
        found = [seconds(way)]
        if found[0] < 3 * min(best.values(), default=found[0]):
            found = []
            while len(found) < 3 and sum(found) < at_most:
                found.append(seconds(way))
        best[name] = min(found)
    return min(best, key=best.get)


# ---- the machine ----

def cores():
    return len(os.sched_getaffinity(0))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def limit_memory():
    """Lets an allocation fail where the system would otherwise choose a process to end."""
    found = {}
    for path in ("/proc/meminfo", "/proc/self/status"):
        with open(path, encoding="ascii") as file:
            found.update((line.split()[0].rstrip(":"), int(line.split()[1]) * 1024) for line in file if line.rstrip().endswith(" kB"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = found["VmData"] + int(found["MemAvailable"] * 0.95)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def reason(error):
    text = (str(error).strip().splitlines() or ["no reason given"])[0]
    return (text if isinstance(error, Refused) else f"{type(error).__name__}: {text}")[:200]


# ---- the protocol ----

class Server:
    """Answers requests one by one. What is prepared stays until another shape is, or the same one in the same precision."""

    def __init__(self, make_peer):
        self.make_peer, self.peer = make_peer, None
        self.prepared_shape, self.networks = None, {}  # by precision: id and network, the newest last

    def answer(self, request):
        asked = {"hello": self.hello, "prepare": self.prepare, "time": self.time, "quit": lambda request: {}}.get(request["op"])
        if asked is None:
            raise Refused(f"unknown request {request['op']!r}")
        return asked(request)

    def hello(self, request):
        if request["protocol"] != PROTOCOL:
            raise Refused(f"protocol {request['protocol']}, and this peer has {PROTOCOL}")
        self.peer = self.make_peer(request["threads"])
        return {"name": self.peer.NAME, "version": self.peer.version(), "details": self.peer.details()}

    def prepare(self, request):
        self.let_go(request)
        if not request.get("linear_before_reset", True):
            raise Refused("a GRU whose reset comes before the product")
        shape = Shape(**{name: request[name] for name in ("cell", "T", "B", "I", "H", "layers", "directions", "precision")})
        weights, x = read_weights(request["weights"]), np.load(request["x"])
        lengths = None if request["lengths"] is None else np.array(request["lengths"], np.int64)
        begin = time.perf_counter_ns()
        network = self.peer.network(shape, weights, x, lengths)
        took = time.perf_counter_ns() - begin
        network.run()
        np.save(request["y"], np.ascontiguousarray(network.y(), np.float32))
        self.networks[shape.precision] = request["id"], network
        return {"prepare_ns": took, "way": network.way}

    def let_go(self, request):
        shape = [request[name] for name in ("cell", "T", "B", "I", "H", "layers", "directions", "lengths")]
        if shape != self.prepared_shape:
            self.networks.clear()
            self.peer.let_go()
        self.prepared_shape = shape
        self.networks.pop(request["precision"], None)
        gc.collect()

    def time(self, request):
        """Of the network whose id the request has; without one, of the last."""
        networks = dict(self.networks.values())
        wanted = request.get("id", next(reversed(networks), None))
        if wanted not in networks:
            raise Refused("it is not prepared")
        network = networks[wanted]
        for _ in range(request["warm_up"]):
            network.run()
        walls, kernels = measure(network, request["repeats"])
        return {"ns": walls, **({"kernel_ns": kernels} if kernels else {})}


def read_weights(entries):
    found = {}
    for entry in entries:
        suffix = f"_l{entry['layer']}" + ("_reverse" if entry["direction"] else "")
        for name, member in (("weight_ih", "W_ih"), ("weight_hh", "W_hh"), ("bias_ih", "b_ih"), ("bias_hh", "b_hh")):
            found[name + suffix] = np.load(entry[member])
    return found


def measure(network, repeats):
    """Nanoseconds of each run, and of its kernels where the network knows them."""
    walls, kernels = [], []
    for _ in range(repeats):
        walls.append(round(seconds(network.run) * 1e9))
        if network.kernel_seconds is not None:
            kernels.append(round(network.kernel_seconds * 1e9))
    return walls, kernels


def serve(make_peer):
    """One answer a line until quit, or the end of the requests. Whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    server = Server(make_peer)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": True, **server.answer(request)}
        except Exception as error:  # whatever a library throws is its reason
            answer = {"ok": False, "why": reason(error)}
        answers.write(json.dumps(answer) + "\n")
        if request["op"] == "quit":
            return
