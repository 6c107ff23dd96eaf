"""What goes wrong with files, models, devices and disks: each has its status, message and exit code, and nothing is
written. SPDX-License-Identifier: MIT"""
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import unittest

import numpy as np

from harness import CliTest, safetensors


class Models(CliTest):
    def setUp(self):
        super().setUp()
        self.net, self.tensors = self.model()
        self.x = self.save("x.npy", self.normal(5, 2, 3))
        self.bytes = (self.folder / self.net).read_bytes()

    def refuse(self, code, status, text, content):
        (self.folder / "bad.safetensors").write_bytes(content)
        self.fails(code, status, text, "run", pathlib.Path("bad.safetensors"), self.x, "-o", self.path("y.npy"))

    def test_absent(self):
        self.fails(3, "E_OPEN", "absent.safetensors", "run", pathlib.Path("absent.safetensors"), self.x, "-o",
                   self.path("y.npy"))
        self.fails(3, "E_OPEN", "absent.safetensors", "info", pathlib.Path("absent.safetensors"))
        self.fails(3, "E_OPEN", "absent.safetensors", "verify", pathlib.Path("absent.safetensors"))

    def test_truncated_anywhere(self):
        for length in [0, 7, 8, 100, len(self.bytes) // 2, len(self.bytes) - 1]:
            self.refuse(3, "E_TRUNCATED", "bad.safetensors", self.bytes[:length])

    def test_header_sizes(self):
        for size, status in [(1 << 63, "E_LIMIT"), ((1 << 64) - 1, "E_LIMIT"), ((16 << 20) + 8, "E_LIMIT"),
                             (1 << 20, "E_TRUNCATED"), (0, "E_FORMAT")]:
            self.refuse(3, status, "bad.safetensors", safetensors(self.tensors, header_size=size))

    def test_broken_header(self):
        content = bytearray(self.bytes)
        content[8] = ord("[")
        self.refuse(3, "E_FORMAT", "bad.safetensors", bytes(content))
        self.refuse(3, "E_DTYPE", "F99", safetensors(self.tensors, dtype="F99"))

    def test_flipped_bits_of_the_header_never_crash(self):
        end = 8 + struct.unpack("<Q", self.bytes[:8])[0]
        flips = self.random.choice(end * 8, 60, replace=False)
        for bit in flips:
            content = bytearray(self.bytes)
            content[bit // 8] ^= 1 << (bit % 8)
            (self.folder / "bad.safetensors").write_bytes(bytes(content))
            result = self.run_cli("info", pathlib.Path("bad.safetensors"))
            self.assertIn(result.code, (0, 3), f"bit {bit}: {result.err}")  # 0: a letter of a name that is not ours
            if result.code == 3:
                self.assertEqual((result.out, result.err.count("\n")), ("", 1))

    def test_missing_tensor(self):
        del self.tensors["lstm.weight_hh_l0"]
        self.refuse(3, "E_MISSING", "weight_hh_l0", safetensors(self.tensors))

    def test_wrong_shape(self):
        self.tensors["lstm.weight_hh_l0"] = self.normal(20, 4)
        self.refuse(3, "E_SHAPE", "weight_hh_l0", safetensors(self.tensors))

    def test_weights_that_are_no_numbers(self):
        for value in [np.nan, np.inf]:
            self.tensors["lstm.weight_ih_l0"][3, 1] = value
            self.refuse(3, "E_NONFINITE", "layer 0", safetensors(self.tensors))


class Arrays(CliTest):
    def setUp(self):
        super().setUp()
        self.net, _ = self.model(bidirectional=True)
        self.x = self.save("x.npy", self.normal(6, 2, 3))

    def refuse(self, code, status, text, *options, x=None):
        self.fails(code, status, text, "run", self.net, x or self.x, "-o", self.path("y.npy"), *options)

    def test_absent(self):
        self.refuse(3, "E_OPEN", "absent.npy", x=pathlib.Path("absent.npy"))
        (self.folder / "empty").mkdir()
        self.refuse(3, "E_OPEN", "no .npy file", x=pathlib.Path("empty"))

    def test_shapes(self):
        for name, shape, found in [("rank0", (), "found []"), ("rank1", (6,), "found [6]"),
                                   ("rank4", (6, 2, 3, 1), "found [6,2,3,1]"), ("wide", (6, 2, 4), "found [6,2,4]"),
                                   ("no-rows", (6, 0, 3), "found [6,0,3]")]:
            self.refuse(3, "E_SHAPE", f"{name}.npy: expected [T,3] or [T,B,3], {found}",
                        x=self.save(name + ".npy", self.normal(*shape)))

    def test_shapes_of_several(self):
        self.save("in/a.npy", self.normal(4, 3))
        self.save("in/b.npy", self.normal(4, 2, 3))
        self.refuse(3, "E_SHAPE", "b.npy: expected [T,3] or [T,1,3], found [4,2,3]", x=pathlib.Path("in"))

    def test_contents(self):
        content = (self.folder / self.x).read_bytes()
        for n in [0, 5, 9, 60, 128, len(content) - 1]:
            (self.folder / "bad.npy").write_bytes(content[:n])
            self.refuse(3, "E_TRUNCATED", "bad.npy", x=pathlib.Path("bad.npy"))
        for at, status in [(0, "E_FORMAT"), (6, "E_FORMAT"), (10, "E_FORMAT")]:
            bad = bytearray(content)
            bad[at] ^= 0x40
            (self.folder / "bad.npy").write_bytes(bytes(bad))
            self.refuse(3, status, "bad.npy", x=pathlib.Path("bad.npy"))
        (self.folder / "bad.npy").write_bytes(content + b"more")
        self.refuse(3, "E_FORMAT", "bad.npy", x=pathlib.Path("bad.npy"))

    def test_element_types(self):
        for kind in ["<c8", ">f4", "<U3", "?"]:
            self.refuse(3, "E_DTYPE", "bad.npy", x=self.save("bad.npy", np.zeros((6, 2, 3), kind)))
        self.refuse(3, "E_FORMAT", "bad.npy", x=self.save("bad.npy", np.asfortranarray(self.normal(6, 2, 3))))

    def lengths(self, status, text, array):
        self.refuse(3, status, text, "--lengths", self.save("l.npy", array))

    def test_lengths(self):
        self.lengths("E_DTYPE", "l.npy: lengths are int32 or int64", np.array([1.0, np.nan]))
        self.lengths("E_DTYPE", "lengths are int32 or int64", np.array([1, 2], np.int16))
        self.lengths("E_LENGTHS", "length of row 1 is 7, outside of 0 to 6", np.array([6, 7]))
        self.lengths("E_LENGTHS", "length of row 0 is -1, outside of 0 to 6", np.array([-1, 6], np.int32))
        self.lengths("E_SHAPE", "expected [2], found [3]", np.array([1, 2, 3]))
        self.lengths("E_SHAPE", "expected [2], found [2,1]", np.array([[1], [2]]))
        self.refuse(3, "E_OPEN", "none.npy", "--lengths", self.path("none.npy"))

    def test_states(self):
        for option in ["--h0", "--c0"]:
            self.refuse(3, "E_SHAPE", "expected [2,2,5], found rank 3, [1,2,5]", option,
                        self.save("s.npy", self.normal(1, 2, 5)))
            self.refuse(3, "E_SHAPE", "expected [2,2,5], found rank 2", option, self.save("s.npy", self.normal(2, 10)))
            self.refuse(3, "E_OPEN", "none.npy", option, self.path("none.npy"))


class Outputs(CliTest):
    def setUp(self):
        super().setUp()
        self.net, _ = self.model()
        self.x = self.save("x.npy", self.normal(20000, 2, 3))
        self.save("in/a.npy", self.normal(20000, 3))
        self.save("in/b.npy", self.normal(30, 3))

    def test_where_nothing_can_be_written(self):
        (self.folder / "file").write_text("no folder")
        for place in [self.path("file/y.npy"), self.path("missing/y.npy"), "/proc/y.npy"]:
            self.fails(1, "E_OPEN", place, "run", self.net, self.x, "-o", place)
            self.fails(1, "E_OPEN", place, "run", self.net, self.x, "-o", self.path("y.npy"), "--hn", place)
        for place in [self.path("file/out"), "/proc/out"]:
            self.fails(1, "E_OPEN", place, "run", self.net, pathlib.Path("in"), "-o", place)
            self.fails(1, "E_OPEN", place, "run", self.net, pathlib.Path("in"), "-o", self.path("o"), "--cells", place)

    def test_disk_full(self):
        """No file may grow past 64 KiB; y takes 800,000 bytes."""
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        self.fails(1, "E_FULL", "y.npy", "run", self.net, self.x, "-o", self.path("y.npy"), "--quiet",
                   environment={"OCLSTM_CACHE_DIR": "off"}, preexec_fn=small_files)
        self.fails(1, "E_FULL", "a.npy", "run", self.net, pathlib.Path("in"), "-o", self.path("out"),
                   environment={"OCLSTM_CACHE_DIR": "off"}, preexec_fn=small_files)

    def test_a_late_failure_removes_earlier_batches(self):
        """By its length, a.npy is last; by its size, it is too large."""
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        lengths = self.save("l.npy", np.array([0, 30]))
        self.fails(1, "E_FULL", "a.npy", "run", self.net, pathlib.Path("in"), "-o", self.path("out"), "--batch", 1,
                   "--lengths", lengths, "--cells", self.path("cells"), environment={"OCLSTM_CACHE_DIR": "off"},
                   preexec_fn=small_files)

    def test_a_full_small_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if shutil.which("mount") is None or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no disk can be mounted here; test_disk_full has the same case by a limit")
        try:
            self.fails(1, "E_FULL", "y.npy", "run", self.net, self.x, "-o", str(disk / "y.npy"))
            self.fails(1, "E_FULL", "a.npy", "run", self.net, pathlib.Path("in"), "-o", str(disk / "out"))
            small = self.save("small.npy", self.normal(100, 2, 3))
            self.run_good("run", self.net, small, "-o", str(disk / "y.npy"))
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_a_late_failure_leaves_nothing_of_the_others(self):
        """hn cannot be written at the end: its folder is there when the job begins, and y is not."""
        self.fails(1, "E_OPEN", "none/hn.npy", "run", self.net, pathlib.Path("in"), "-o", self.path("out"), "--hn",
                   self.path("none/hn.npy"))

    def test_stdout_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            line = [os.environ["OCLSTM_PROGRAM"], "info", self.path("net.safetensors")]
            process = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"oclstm: E_WRITE: standard output", process.stderr)


class DevicesAndMemory(CliTest):
    def setUp(self):
        super().setUp()
        self.net, _ = self.model()
        self.x = self.save("x.npy", self.normal(6, 2, 3))

    def refuse(self, code, status, text, *options, **more):
        self.fails(code, status, text, "run", self.net, self.x, "-o", self.path("y.npy"), *options, **more)

    def test_no_platform(self):
        self.refuse(4, "E_PLATFORM", "platform", "--device", "gpu", environment={"OCL_ICD_VENDORS": "/nonexistent"})
        nowhere = {"OCL_ICD_VENDORS": "/nonexistent", "OCLSTM_DEVICE": ""}
        self.refuse(4, "E_PLATFORM", "platform", environment=nowhere)

    def test_no_such_device(self):
        self.refuse(4, "E_DEVICE", "no-such-device", "--device", "no-such-device")
        self.refuse(4, "E_DEVICE", "opencl:7:0", "--device", "opencl:7:0")
        self.refuse(4, "E_DEVICE", "elsewhere", environment={"OCLSTM_DEVICE": "elsewhere"})

    def test_the_option_goes_before_the_environment(self):
        self.run_good("run", self.net, self.x, "-o", self.path("y.npy"), "--device", "reference",
                      environment={"OCLSTM_DEVICE": "elsewhere"})

    def test_memory(self):
        self.refuse(5, "E_DEVICE_MEMORY", "", "--memory", "16")
        self.refuse(5, "E_DEVICE_MEMORY", "", "--memory", "64K", "--chunk", "1000000")

    def test_cache_folders(self):
        """Compiled programs go where the environment says, folders included; with off, nowhere."""
        # What PoCL itself keeps stays where it is, or it would compile everything four times.
        own = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        pocl = {"POCL_CACHE_DIR": os.environ.get("POCL_CACHE_DIR") or os.path.join(own, "pocl", "kcache")}
        for name, variables in [("a", {"OCLSTM_CACHE_DIR": self.path("a/b/c")}),
                                ("x/oclstm", {"OCLSTM_CACHE_DIR": "", "XDG_CACHE_HOME": self.path("x")}),
                                ("h/.cache/oclstm", {"OCLSTM_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": self.path("h")}),
                                (None, {"OCLSTM_CACHE_DIR": "off", "HOME": self.path("off")})]:
            self.run_good("run", self.net, self.x, "-o", self.path("y.npy"), "--device", "cpu",
                          environment=dict(variables, **pocl))
            if name is not None:
                kept = [p for p in (self.folder / name).rglob("*") if p.is_file()]
                self.assertTrue(kept, name)
        self.assertEqual([p for p in (self.folder / "off").rglob("oclstm")], [])  # a driver may have a cache there


if __name__ == "__main__":
    unittest.main()
