"""oclstm run: results against the equations, layouts, batches, states. SPDX-License-Identifier: MIT"""
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import numpy as np

from harness import PROGRAM, CliTest, expected


class Run(CliTest):
    def close(self, got, want):
        self.assertEqual(got.dtype, np.float32)
        self.assertEqual(got.shape, want.shape)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)

    def test_one_array_of_each_rank(self):
        model, tensors = self.model(I=1, L=2)
        x = self.normal(17, 4, 1)
        y = expected(tensors, x)[0]
        for name, array, want in [("a.npy", x, y), ("b.npy", x[:, 1], y[:, 1]), ("c.npy", x[:, 1, 0], y[:, 1])]:
            self.run_good("run", model, self.save(name, array), "-o", self.path("y-" + name))
            self.close(self.load("y-" + name), want)
        self.assertEqual(self.listing()[-1][0], "y-c.npy")

    def test_every_output_of_a_deep_bidirectional_network(self):
        model, tensors = self.model(L=2, bidirectional=True, head=4)
        x, lengths = self.normal(30, 4, 3), np.array([30, 0, 11, 29], np.int32)
        h0, c0 = self.normal(4, 4, 5), self.normal(4, 4, 5)
        want = dict(zip(["y", "hn", "cn", "cells"], expected(tensors, x, lengths, h0, c0)))
        arguments = ["run", model, self.save("x.npy", x), "--lengths", self.save("l.npy", lengths), "--h0",
                     self.save("h0.npy", h0), "--c0", self.save("c0.npy", c0), "--output"]
        for chunk in [[], ["--chunk", "7"], ["--chunk=1"]]:
            self.run_good(*arguments, self.path("y.npy"), "--hn", self.path("hn.npy"), "--cn", self.path("cn.npy"),
                          "--cells", self.path("cells.npy"), *chunk)
            for name, array in want.items():
                self.close(self.load(name + ".npy"), array)
        self.assertEqual(want["y"][29, 2].any(), False)  # behind its length

    def test_chunks_change_no_bit(self):
        model, _ = self.model(L=2)
        self.save("x.npy", self.normal(50, 3, 3))
        self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path("a.npy"))
        self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path("b.npy"), "--chunk", 9)
        self.assertEqual(self.load("a.npy").tobytes(), self.load("b.npy").tobytes())

    def test_batch_major_is_the_same_transposed(self):
        model, _ = self.model(bidirectional=True)
        x = self.normal(20, 3, 3)
        self.save("tbi.npy", x)
        self.save("bti.npy", np.ascontiguousarray(x.transpose(1, 0, 2)))
        self.run_good("run", model, pathlib.Path("tbi.npy"), "-o", self.path("a.npy"), "--cells", self.path("ca.npy"))
        self.run_good("run", model, pathlib.Path("bti.npy"), "-o", self.path("b.npy"), "--layout", "bti")
        self.run_good("run", model, pathlib.Path("tbi.npy"), "-o", self.path("c.npy"), "--layout", "tbi",
                      "--output-layout", "bti", "--cells", self.path("cc.npy"))
        self.assertEqual(self.load("a.npy").tobytes(), self.load("b.npy").tobytes())
        self.assertEqual(self.load("a.npy").transpose(1, 0, 2).tobytes(), self.load("c.npy").tobytes())
        self.assertEqual(self.load("ca.npy").transpose(1, 0, 2).tobytes(), self.load("cc.npy").tobytes())

    def test_other_element_types_are_read(self):
        model, _ = self.model()
        x = self.random.integers(-3, 4, (12, 2, 3))
        self.run_good("run", model, self.save("f4.npy", x.astype("f4")), "-o", self.path("y-f4.npy"))
        for kind in ["f2", "f8", "i1", "i2", "i4", "i8"]:
            self.run_good("run", model, self.save(kind + ".npy", x.astype(kind)), "-o", self.path(f"y-{kind}.npy"))
            self.assertEqual(self.load(f"y-{kind}.npy").tobytes(), self.load("y-f4.npy").tobytes())

    def test_no_steps(self):
        model, _ = self.model(bidirectional=True)
        h0 = self.normal(2, 3, 5)
        self.run_good("run", model, self.save("x.npy", self.normal(0, 3, 3)), "-o", self.path("y.npy"), "--h0",
                      self.save("h0.npy", h0), "--hn", self.path("hn.npy"))
        self.assertEqual(self.load("y.npy").shape, (0, 3, 10))
        self.assertEqual(self.load("hn.npy").tobytes(), h0.tobytes())

    def test_strategies_and_products_agree(self):
        if os.environ.get("OCLSTM_DEVICE") == "reference":
            self.skipTest("the reference has one way only")
        model, tensors = self.model(L=2)
        x = self.normal(9, 2, 3)
        self.save("x.npy", x)
        for strategy in ["auto", "stepwise", "fused-step"]:
            for gemm in ["auto", "clblast", "plain"]:
                self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path("y.npy"), "--strategy", strategy,
                              "--gemm", gemm, "--precision", "f32", "--memory", "64M")
                self.close(self.load("y.npy"), expected(tensors, x)[0])

    def test_an_output_replaces_what_was_there(self):
        model, tensors = self.model()
        x = self.normal(4, 2, 3)
        (self.folder / "y.npy").write_text("something else")
        self.run_good("run", model, self.save("x.npy", x), "-o", self.path("y.npy"))
        self.close(self.load("y.npy"), expected(tensors, x)[0])


class Batch(CliTest):
    """Several files: every one as if it were alone."""

    STEPS = [13, 1, 40, 0, 7, 40, 22]

    def make_files(self):
        for k, steps in enumerate(self.STEPS):
            self.save(f"in/{k}.npy", self.normal(steps, 3))
        (self.folder / "in" / "notes.txt").write_text("no array")
        (self.folder / "in" / ".hidden.npy").write_text("no array")

    def compare_with_single_runs(self, model, folder, *options):
        for k in range(len(self.STEPS)):
            self.run_good("run", model, pathlib.Path(f"in/{k}.npy"), "-o", self.path("one.npy"), *options)
            self.assertEqual(self.load(f"{folder}/{k}.npy").shape, (self.STEPS[k], 10))
            self.assertEqual(self.load(f"{folder}/{k}.npy").tobytes(), self.load("one.npy").tobytes())

    def test_a_folder_is_a_ragged_batch(self):
        self.make_files()
        model, _ = self.model(L=2, bidirectional=True)
        self.run_good("run", model, pathlib.Path("in"), "-o", self.path("a/b/out"))
        names = sorted(p.name for p in (self.folder / "a/b/out").iterdir())
        self.assertEqual(names, [f"{k}.npy" for k in range(len(self.STEPS))])
        self.compare_with_single_runs(model, "a/b/out")

    def test_small_batches_and_chunks_change_no_bit(self):
        self.make_files()
        model, _ = self.model(bidirectional=True)
        files = [pathlib.Path(f"in/{k}.npy") for k in range(len(self.STEPS))]
        self.run_good("run", model, *files, "-o", self.path("out"), "--batch", 3, "--chunk", 11, "--cells",
                      self.path("cells"))
        self.compare_with_single_runs(model, "out")
        self.assertEqual(self.load("cells/2.npy").shape, (40, 10))
        self.run_good("run", model, files[2], "-o", self.path("y.npy"), "--cells", self.path("c.npy"), "--chunk", 11)
        self.assertEqual(self.load("cells/2.npy").tobytes(), self.load("c.npy").tobytes())

    def test_states_and_lengths_have_the_rows_of_the_files(self):
        self.make_files()
        n = len(self.STEPS)
        model, _ = self.model(bidirectional=True)
        h0, c0 = self.normal(2, n, 5), self.normal(2, n, 5)
        lengths = np.array([13, 0, 33, 0, 7, 40, 5], np.int64)
        self.run_good("run", model, pathlib.Path("in"), "-o", self.path("out"), "--batch", 2, "--h0",
                      self.save("h0.npy", h0), "--c0", self.save("c0.npy", c0), "--hn", self.path("hn.npy"), "--cn",
                      self.path("cn.npy"), "--lengths", self.save("l.npy", lengths))
        for k in range(n):
            self.run_good("run", model, pathlib.Path(f"in/{k}.npy"), "-o", self.path("one.npy"), "--h0",
                          self.save("h.npy", h0[:, k:k + 1]), "--c0", self.save("c.npy", c0[:, k:k + 1]), "--hn",
                          self.path("hn1.npy"), "--cn", self.path("cn1.npy"), "--lengths",
                          self.save("l1.npy", lengths[k:k + 1]))
            self.assertEqual(self.load(f"out/{k}.npy").tobytes(), self.load("one.npy").tobytes())
            self.assertEqual(self.load("hn.npy")[:, k].tobytes(), self.load("hn1.npy").tobytes())
            self.assertEqual(self.load("cn.npy")[:, k].tobytes(), self.load("cn1.npy").tobytes())

    def test_a_folder_of_one_file_is_still_a_folder(self):
        model, _ = self.model()
        self.save("in/only.npy", self.normal(5, 1, 3))
        (self.folder / "out").mkdir()
        (self.folder / "out" / "other.npy").write_text("stays")
        self.run_good("run", model, pathlib.Path("in"), "-o", self.path("out"))
        self.assertEqual(self.load("out/only.npy").shape, (5, 5))
        self.assertEqual((self.folder / "out" / "other.npy").read_text(), "stays")


class Streams(CliTest):
    def test_summary_and_quiet(self):
        model, _ = self.model()
        self.save("x.npy", self.normal(6, 2, 3))
        result = self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path("y.npy"))
        for word in ["device", "plan", "2 rows", "6 steps", "12 of them valid", "start-up", "memory"]:
            self.assertIn(word, result.out)
        result = self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path("y.npy"), "--quiet")
        self.assertEqual(result.out, "")

    def test_json_holds_the_summary_and_nothing_else(self):
        model, _ = self.model()
        lengths = self.save("l.npy", np.array([6, 2], np.int32))
        self.save("x.npy", self.normal(6, 2, 3))
        for quiet in [[], ["-q"]]:
            result = self.run_good("run", model, pathlib.Path("x.npy"), "-o", self.path('y "1"\n.npy'), "--json",
                                   "--lengths", lengths, *quiet)
            report = json.loads(result.out)
            self.assertEqual(report["output"], self.path('y "1"\n.npy'))
            self.assertEqual((report["files"], report["rows"], report["steps"], report["valid_steps"]), (1, 2, 6, 8))
            self.assertEqual(report["precision"], "f32")
            self.assertGreater(report["seconds"], 0.0)
            self.assertAlmostEqual(report["steps_per_second"], 8 / report["seconds"], delta=1e-3 / report["seconds"])
            self.assertGreater(report["host_peak_bytes"], 1 << 20)
            self.assertGreater(report["startup_seconds"], 0.0)
            self.assertTrue(report["device"]["usable"])
            self.assertTrue(report["strategy"] and report["gemm"] and report["device"]["id"])

    def test_progress_is_for_terminals(self):
        model, _ = self.model()
        self.save("x.npy", self.normal(3000, 1, 3))
        for options, shown in [([], True), (["--quiet"], False)]:
            main, other = os.openpty()
            line = [PROGRAM, "run", self.path("net.safetensors"), self.path("x.npy"), "-o", self.path("y.npy"),
                    "--chunk", "10", *options]
            subprocess.run(line, stdout=subprocess.DEVNULL, stderr=other, check=True, timeout=300)
            os.close(other)
            try:
                text = os.read(main, 1 << 16).decode()
            except OSError:  # nothing was written
                text = ""
            os.close(main)
            self.assertEqual("/3000 steps" in text and "steps/s" in text and " left" in text, shown, text)


class Interrupt(CliTest):
    """A signal ends the job after its chunk: exit code 130, and no trace of the outputs."""

    def interrupt(self, number, outputs):
        self.model(L=2, bidirectional=True)
        if not (self.folder / "x.npy").exists():
            x = np.lib.format.open_memmap(self.folder / "x.npy", mode="w+", dtype=np.float32, shape=(4_000_000, 1, 3))
            del x  # a hole: no bytes on the disk
        before = self.listing()
        line = [PROGRAM, "run", self.path("net.safetensors"), self.path("x.npy"), "-o", self.path("y.npy"), "--chunk",
                "256", *outputs]
        environment = dict(os.environ, TMPDIR=str(self.folder))
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        deadline = time.monotonic() + 120
        while len(self.listing()) == len(before) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)  # until the first temporary file is there: the signals are caught by then
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        self.assertEqual((process.returncode, out, err), (130, b"", b"oclstm: E_STOPPED: interrupted\n"))
        self.assertEqual(self.listing(), before)

    def test_interrupt(self):
        self.interrupt(signal.SIGINT, [])

    def test_terminate(self):
        self.interrupt(signal.SIGTERM, ["--hn", self.path("hn.npy")])


if __name__ == "__main__":
    unittest.main()
