"""What is wrong with a command line: exit code 2, and what was meant. SPDX-License-Identifier: MIT"""
import pathlib
import unittest

from harness import CliTest


class Usage(CliTest):
    def setUp(self):
        super().setUp()
        self.net, _ = self.model()
        self.x = self.save("x.npy", self.normal(5, 2, 3))

    def refuse(self, text, *arguments, **options):
        self.fails(2, None, text, *arguments, **options)

    def refuse_run(self, text, *options):
        self.refuse(text, "run", self.net, self.x, "-o", self.path("y.npy"), *options)

    def test_no_command(self):
        result = self.run_cli()
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn("usage: oclstm", result.err)

    def test_commands(self):
        self.refuse("unknown command 'rnu'; did you mean 'run'?", "rnu")
        self.refuse("unknown command 'verfy'; did you mean 'verify'?", "verfy")
        self.refuse("unknown command 'dance'; see", "dance")
        self.refuse("unknown option '--verison'", "--verison")
        for name in ["train", "inspect"]:
            self.refuse(f"'{name}' is not available in this version", name, "anything", "--at-all")

    def test_options(self):
        self.refuse_run("unknown option '--chnk'; did you mean '--chunk'?", "--chnk", "3")
        self.refuse_run("unknown option '--strategie'; did you mean '--strategy'?", "--strategie=rows")
        self.refuse_run("unknown option '--zzzzzz'; see 'oclstm run --help'", "--zzzzzz")
        self.refuse_run("unknown option '-z'", "-z")
        self.refuse_run("unknown option '--seed'", "--seed", "1")  # of another command
        self.refuse_run("--chunk needs a value: STEPS", "--chunk")
        self.refuse_run("--json takes no value", "--json=yes")
        self.refuse_run("--resume is not available in this version", "--resume")
        self.refuse_run("--hn: the value is empty", "--hn", "")

    def test_values(self):
        for value in ["0", "-1", "1.5", "ten", "", " 3", "99999999999999999999"]:
            self.refuse_run(f"--chunk: '{value}' is not a whole number from 1 on", "--chunk", value)
            self.refuse_run(f"--batch: '{value}' is not a whole number", "--batch", value)
        for value in ["0", "-1K", "5T", "5KB", "K", "99999999999999G", "18446744073709551616"]:
            self.refuse_run(f"--memory: '{value}' is not a size", "--memory", value)
        self.refuse_run("--strategy: unknown value 'fused-stop'; did you mean 'fused-step'?", "--strategy", "fused-stop")
        self.refuse_run("--gemm: unknown value 'mkl'; expected auto|clblast|plain", "--gemm", "mkl")
        self.refuse_run("--precision: unknown value 'double'; expected f32|f16|bf16", "--precision", "double")
        self.refuse_run("--precision: unknown value 'fp16'; did you mean 'f16'?", "--precision", "fp16")
        self.refuse_run("--layout: unknown value 'btt'; did you mean 'bti'?", "--layout", "btt")
        self.refuse_run("--log-level: unknown value 'loud'", "--log-level", "loud")

    def test_arguments(self):
        self.refuse("run needs a model and an input", "run", self.net, "-o", self.path("y.npy"))
        self.refuse("run needs an output: -o OUT", "run", self.net, self.x)
        self.refuse("info needs one model", "info")
        self.refuse("info needs one model", "info", self.net, self.net)
        self.refuse("verify needs a model", "verify")
        self.refuse("verify needs a model", "verify", self.net, self.x, self.x)
        self.refuse("devices takes no argument", "devices", "gpu")
        self.refuse("outputs are files", "run", self.net, self.x, "-o", "-")

    def test_what_does_not_go_together(self):
        self.refuse_run("--batch is for several inputs", "--batch", "4")
        self.refuse_run("are the same file", "--hn", self.path("y.npy"))
        self.refuse_run("are the same file", "--cells", self.path("c.npy"), "--cn", self.path("c.npy"))
        self.refuse("--batch is for random input", "verify", self.net, self.x, "--batch", "2")
        (self.folder / "out").mkdir()
        self.refuse("is a folder: the output of one input is a file", "run", self.net, self.x, "-o", self.path("out"))
        flat = self.save("flat.npy", self.normal(5, 3))
        self.refuse("--output-layout is for inputs with an axis of rows", "run", self.net, flat, "-o", self.path("y.npy"),
                    "--output-layout", "bti")
        self.refuse("--output-layout is for one input with rows", "run", self.net, flat, self.save("other.npy", self.normal(5, 3)),
                    "-o", self.path("o"), "--output-layout", "bti")
        a, b = self.save("a/one.npy", self.normal(5, 3)), self.save("b/one.npy", self.normal(5, 3))
        self.refuse("would have the same output", "run", self.net, a, b, "-o", self.path("out"))
        self.refuse("is a folder", "verify", self.net, pathlib.Path("a"))

    def test_what_is_not_built_is_refused_by_name(self):
        for strategy in ["rows", "grid"]:
            self.fails(2, "E_UNSUPPORTED", f"strategy {strategy}", "run", self.net, self.x, "-o", self.path("y.npy"),
                       "--strategy", strategy)
        self.fails(2, "E_UNSUPPORTED", "strategy rows", "info", self.net, "--plan", "--strategy", "rows")


if __name__ == "__main__":
    unittest.main()
