#!/usr/bin/env python3
"""The program in the README is examples/embed/embed.c, to the letter.

SPDX-License-Identifier: MIT
"""
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
program = (root / "examples/embed/embed.c").read_text().split("\n", 1)[1]
sys.exit(0 if f"```c\n{program}```" in (root / "README.md").read_text() else "the README shows another program")
