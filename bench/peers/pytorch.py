#!/usr/bin/env python3
"""PyTorch as a peer of `oclstm bench`: nn.LSTM, nn.GRU and nn.RNN, on the CPU or through CUDA.

    oclstm bench --peer 'python3 bench/peers/pytorch.py'
    python3 bench/peers/pytorch.py --shapes 100,64,512,512 --json

Where PyTorch has several ways, `prepare` tries them and keeps the fastest; --ways chooses. On a CPU: oneDNN, which gets dense LSTMs
only; PyTorch's own loop (native, tried where oneDNN is not); torch.compile with constant weights, packed once (compiled). Rows of
different lengths: packed, or the whole rectangle and zeros over the padding (padded). On CUDA f32 is without TF32; the precision
tf32 is with it.

SPDX-License-Identifier: MIT
"""
import contextlib
import sys
import warnings

import torch

import alone
import common
from common import Refused

MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
TYPES = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
WAYS = ("oneDNN", "native", "compiled", "packed", "padded")


@contextlib.contextmanager
def without_onednn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the switch also touches a setting of other devices, and says so
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def onednn_takes(kind):
    """Whether oneDNN computes LSTMs of this type here."""
    if not torch.backends.mkldnn.is_available():
        return False
    asked = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}.get(kind)
    return asked is None or bool(getattr(torch.ops.mkldnn, asked, lambda: False)())


def make_module(shape, weights, device):
    module = MODULES[shape.cell](shape.I, shape.H, num_layers=shape.layers, bidirectional=shape.directions == 2)
    module.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return module.to(device=device, dtype=TYPES[shape.precision])


def packed(module, x, lengths, T):
    y, _ = module(torch.nn.utils.rnn.pack_padded_sequence(x, lengths))
    return torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)[0]


def forget_compiled():
    """Lets go of what torch.compile made, whose modules would keep every packed weight until the process ends."""
    if "torch._inductor.codecache" in sys.modules:
        torch._dynamo.reset()
        cache = sys.modules["torch._inductor.codecache"].PyCodeCache
        for module in list(getattr(cache, "modules", [])):
            sys.modules.pop(module.__name__, None)
        cache.cache_clear()


def compiled(module, x):
    """A function of x; None where torch.compile is missing, or a compiler of C++, or its support of this module."""
    try:
        import torch._dynamo
        import torch._inductor.config
        torch._dynamo.config.allow_rnn = True
        torch._inductor.config.freezing = True
        function = torch.compile(module, dynamic=False)
        with torch.no_grad():
            function(x)
    except Exception:
        return None

    def run(given):
        with torch.no_grad():
            return function(given)[0]
    return run


class OnCPU:
    """Forward on the CPU."""

    kernel_seconds = None

    def __init__(self, shape, weights, x, lengths, wanted):
        self.shape, self.type = shape, TYPES[shape.precision]
        self.x = torch.from_numpy(x).to(self.type, copy=True)  # where PyTorch allocates: NumPy's arrays begin within lines of the cache
        self.module = make_module(shape, weights, "cpu").eval()
        ways = self.dense(wanted) if lengths is None else self.ragged(torch.from_numpy(lengths), wanted)
        if not ways:
            raise Refused(f"this network goes no way of {', '.join(wanted)}")
        self.way = common.fastest({name: (lambda way=way: self.forward(way)) for name, way in ways.items()})
        self.chosen = ways[self.way]

    def dense(self, wanted):
        """torch.compile is for what oneDNN takes as one operation; it unrolls the steps of everything else, for minutes."""
        if self.shape.cell != "lstm" or not onednn_takes(self.type):
            return {"native": self.native} if not wanted or "native" in wanted else {}
        ways = {"oneDNN": self.plain, "native": self.native}
        if not wanted or "compiled" in wanted:
            ways["compiled"] = compiled(self.module, self.x)
        return {name: way for name, way in ways.items() if way and name in (wanted or ("oneDNN", "compiled"))}

    def ragged(self, lengths, wanted):
        ways = {"packed": lambda x: packed(self.module, x, lengths, self.shape.T)}
        if self.shape.directions == 1:
            mask = (torch.arange(self.shape.T)[:, None] < lengths).unsqueeze(2).to(self.type)
            ways["padded"] = lambda x: self.plain(x).mul_(mask)
        return {name: way for name, way in ways.items() if not wanted or name in wanted}

    def plain(self, x):
        return self.module(x)[0]

    def native(self, x):
        with without_onednn():
            return self.module(x)[0]

    def forward(self, way):
        with torch.inference_mode():
            return way(self.x)

    def run(self):
        self.result = self.forward(self.chosen)

    def y(self):
        return self.result.float().numpy()


class OnCUDA:
    """Forward on a GPU: from pinned memory to pinned memory, and the network between two events."""

    way = "cuDNN"

    def __init__(self, shape, weights, x, lengths, device):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = shape.precision == "tf32"
        self.shape, self.device, self.type = shape, device, TYPES[shape.precision]
        self.lengths = None if lengths is None else torch.from_numpy(lengths)
        self.x = torch.from_numpy(x).pin_memory()
        self.module = make_module(shape, weights, device).eval()
        self.begin, self.end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self.result = torch.empty((shape.T, shape.B, shape.directions * shape.H), dtype=self.type, pin_memory=True)

    @torch.inference_mode()
    def run(self):
        x = self.x.to(self.device, non_blocking=True).to(self.type)
        self.begin.record()
        y = self.module(x)[0] if self.lengths is None else packed(self.module, x, self.lengths, self.shape.T)
        self.end.record()
        self.result.copy_(y, non_blocking=True)
        torch.cuda.synchronize()
        self.kernel_seconds = self.begin.elapsed_time(self.end) * 1e-3

    def y(self):
        return self.result.float().numpy()


class Training:
    """A step of training: forward, and backward to weights and x from a gradient of ones. x and y stay on the device."""

    way, kernel_seconds = "forward and backward", None

    def __init__(self, shape, weights, x, lengths, device):
        if lengths is not None:
            raise Refused("training is measured at equal lengths")
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = shape.precision == "tf32"
        self.device = device
        self.module = make_module(shape, weights, device).train()
        self.x = torch.from_numpy(x).to(device=device, dtype=TYPES[shape.precision]).requires_grad_()
        self.gradient = torch.ones_like(self.module(self.x)[0])

    def run(self):
        self.module.zero_grad(set_to_none=True)
        self.x.grad = None
        self.result = self.module(self.x)[0]
        self.result.backward(self.gradient)
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()

    def y(self):
        return self.result.detach().float().cpu().numpy()


class Peer:
    NAME = "pytorch"

    def __init__(self, threads, options):
        self.threads, self.device, self.wanted = threads, options.device, options.ways
        torch.set_num_threads(threads)
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise Refused("PyTorch sees no CUDA device")

    def version(self):
        return torch.__version__

    def details(self):
        if self.device.startswith("cuda"):
            version = torch.backends.cudnn.version()
            return f"{torch.cuda.get_device_name(self.device)}, CUDA {torch.version.cuda}, cuDNN {version}"
        vector = getattr(torch.backends.cpu, "get_cpu_capability", lambda: "")() if hasattr(torch.backends, "cpu") else ""
        return f"{common.processor()}, {self.threads} threads{', ' + vector if vector else ''}"

    def let_go(self):
        forget_compiled()

    def network(self, shape, weights, x, lengths):
        if shape.precision not in TYPES or shape.precision == "tf32" and not self.device.startswith("cuda"):
            raise Refused(f"no {shape.precision} on {self.device}")
        if shape.training:
            return Training(shape, weights, x, lengths, self.device)
        if self.device.startswith("cuda"):
            return OnCUDA(shape, weights, x, lengths, self.device)
        return OnCPU(shape, weights, x, lengths, self.wanted)


def main():
    parser = alone.parser(__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--ways", nargs="+", default=(), choices=WAYS, help="instead of the fastest of all")
    options = parser.parse_args()
    if options.device == "cpu":
        common.limit_memory()
    return alone.main(lambda threads: Peer(threads, options), options)


if __name__ == "__main__":
    sys.exit(main())
