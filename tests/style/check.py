#!/usr/bin/env python3
"""Rules of the tree that no compiler knows. SPDX-License-Identifier: MIT

check.py RULE SOURCE    RULE: rooms, calls, text, sizes, inlining, statuses, or self-test
Prints FILE:LINE: WHAT for everything found; exits with 1 if there was anything, and if there was nothing to look at.
"""
import pathlib
import re
import sys
import tempfile

# Which rooms of host/ a room may include from: DESIGN.md, "Rooms". Public headers are open to all.
ROOMS = {
    "core": {"core"},
    "model": {"model", "core"},
    "engine": {"engine", "model", "core"},
    "formats": {"formats", "model", "core"},
    "reference": {"reference", "engine", "model", "core"},
    "opencl": {"opencl", "engine", "model", "core"},
    "job": {"job", "engine", "model", "core"},
    # The program: it includes public headers only.
    "cli": {"cli", "bench"},
    "bench": {"bench", "cli"},
}
PROGRAM = {"cli", "bench"}
# Folders of host/opencl, "." for those files that are in none: includes go from later ones to earlier ones.
OPENCL = ["device", "gemm", ".", "strategies", "tuning", "plan"]
OPENCL_HEADER = re.compile(r"^(CL/|clblast|oclstm/oclstm_opencl\.h)")
# Words of the language of calls: what, where it may stand.
CALLS = [
    ("OpenCL call", re.compile(r"\bcl[A-Z]\w*\s*\("), lambda path: path.parts[1] == "opencl"),
    ("CLBlast call", re.compile(r"\bCLBlast\w*\s*\("), lambda path: path.as_posix() == "host/opencl/gemm/gemm_clblast.c"),
    (
        "output, end of the process or environment",
        re.compile(r"\b(v?f?printf|puts|fputs|putchar|putc|fputc|perror|_?exit|_Exit|quick_exit|abort|(secure_)?getenv|"
                   r"setenv|putenv)\s*\("),
        lambda path: path.parts[1] in PROGRAM,
    ),
    ("allocation that the caller's hooks do not see", re.compile(r"\b(malloc|calloc|realloc|strdup|free)\s*\("),
     lambda path: path.as_posix() == "host/core/memory.c" or path.parts[1] in PROGRAM),
]
SOURCES = {".c", ".h", ".cl"}
TEXTS = SOURCES | {".py", ".sh", ".cmake", ".in", ".txt", ".md", ".json", ".gp"}
FOLDERS = ["host", "include", "kernels", "tests", "bench", "examples", "cmake", "docs"]
WITHOUT_SPDX = {".md", ".json", ".txt", ".in"}
MOST_LINES, MOST_LINES_OF_FUNCTION = 300, 60


def strip(text, strings=True):
    """The text without comments (and strings), line for line."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        if not strings and match.group()[0] in "\"'":
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())

    return token.sub(blank, text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def files(source, folders, suffixes):
    found = []
    for folder in folders:
        for path in sorted((source / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes:
                found.append(path.relative_to(source))
    return found


def check_folders(path, header):
    """Of host/opencl: what is wrong with a header of its own, or None."""
    folders = [place.parts[-2] if len(place.parts) == 3 else "." for place in (path.relative_to("host"), pathlib.Path(header))]
    for folder in folders:
        if folder not in OPENCL:
            return f"folder {folder} is not in the list of folders in tests/style/check.py"
    return f"{folders[0]} includes {header}" if OPENCL.index(folders[1]) > OPENCL.index(folders[0]) else None


def check_rooms(source, paths):
    """Includes follow the arrows between rooms, and OpenCL headers stay in theirs."""
    for path in paths:
        room = path.parts[1]
        text = strip((source / path).read_text(), strings=False)
        if room not in ROOMS:
            yield path, 1, f"room {room} is not in the list of rooms in tests/style/check.py"
            continue
        for match in re.finditer(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text, re.M):
            quote, header = match.groups()
            line = line_of(text, match.start(2))
            if OPENCL_HEADER.match(header) and room != "opencl":
                yield path, line, f"{header} outside of host/opencl"
            elif quote == '"' and "/" in header and not header.startswith("oclstm/"):
                if header.split("/")[0] not in ROOMS[room]:
                    yield path, line, f"{room} includes {header}"
                elif header.startswith("opencl/") and check_folders(path, header):
                    yield path, line, check_folders(path, header)
            elif quote == '"' and "/" not in header and not (source / path.parent / header).exists():
                yield path, line, f"{header} is not in {path.parent}: includes name the room"


def check_calls(source, paths):
    """What only one room may call."""
    for path in paths:
        text = strip((source / path).read_text())
        for what, pattern, allowed in CALLS:
            if not allowed(path):
                for match in pattern.finditer(text):
                    yield path, line_of(text, match.start()), f"{what}: {match.group().rstrip('( ')}"


def check_text(source, paths):
    """Blanks, ends of files, licences, and words that have no place in a finished tree."""
    for path in paths:
        text = (source / path).read_text()
        if "data" in path.parts or "golden" in path.parts:
            continue
        if path.suffix not in WITHOUT_SPDX and "SPDX-License-Identifier: MIT" not in text[:2000]:
            yield path, 1, "no SPDX-License-Identifier: MIT"
        if text and not text.endswith("\n"):
            yield path, line_of(text, len(text)), "no newline at the end"
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield path, number, "tab"
            if line != line.rstrip():
                yield path, number, "blank at the end of the line"
            if path.suffix in SOURCES and len(line) > 130:  # code keeps to the 110 of .clang-format
                yield path, number, f"{len(line)} columns"
            if path.name != "check.py" and re.search(r"\b(TODO|FIXME|HACK)\b|(?<![\w./])/(work|home|root)/", line):
                yield path, number, "unfinished business, or a folder of one machine"


def check_inlining(source, paths):
    """Functions of kernels are INLINE: what PoCL makes of others that get local arrays, docs/gpu.md."""
    for path in paths:
        for number, line in enumerate((source / path).read_text().split("\n"), 1):
            if line.startswith("static inline "):
                yield path, number, "static inline, not INLINE"


def check_sizes(source, paths):
    """Files and functions that one can take in. Functions end where clang-format puts a brace into the first column."""
    for path in paths:
        lines = (source / path).read_text().split("\n")[:-1]
        if len(lines) > MOST_LINES:
            yield path, len(lines), f"{len(lines)} lines, at most {MOST_LINES}"
        start, opened = None, False
        for number, line in enumerate(lines, 1):
            if re.match(r"[A-Za-z_].*[({,]$", line) and not re.match(r"(typedef|struct|enum|union|static const)\b", line):
                start = number if start is None else start
            opened = start is not None and (opened or line.endswith("{"))
            if not opened and line.endswith(";"):  # a prototype
                start = None
            elif line.startswith("}") or line == "":
                if line == "}" and start is not None and number - start + 1 > MOST_LINES_OF_FUNCTION:
                    yield path, start, f"function of {number - start + 1} lines, at most {MOST_LINES_OF_FUNCTION}"
                start = None if line.startswith("}") else start


def check_statuses(source, paths):
    """Every status of the list is expected by a test somewhere: one that nothing triggers promises too much."""
    header = pathlib.Path("include/oclstm/oclstm_status.h")
    text = (source / header).read_text() if (source / header).exists() else ""
    tests = "\n".join((source / path).read_text() for path in paths if path.name != "test_status.c")
    for match in re.finditer(r"^ *XX\((E_\w+),", text, re.M):
        if not re.search(rf"\b(OCLSTM_)?{match.group(1)}\b", tests):
            yield header, line_of(text, match.start(1)), f"no test expects {match.group(1)}"


RULES = {
    "rooms": (check_rooms, ["host"], {".c", ".h"}),
    "calls": (check_calls, ["host"], {".c", ".h"}),
    "text": (check_text, FOLDERS, TEXTS),
    "inlining": (check_inlining, ["kernels"], {".cl"}),
    "statuses": (check_statuses, ["tests"], {".c", ".py"}),
    "sizes": (check_sizes, ["host", "include", "kernels"], SOURCES),
}


def apply(rule, source):
    function, folders, suffixes = RULES[rule]
    paths = files(source, folders, suffixes)
    findings = list(function(source, paths))
    for path, line, what in findings:
        print(f"{path}:{line}: {what}")
    return len(paths), len(findings)


# Breaks of the rules that must be found: path, text, rule, number of findings.
SPDX = "/* SPDX-License-Identifier: MIT */\n"
BROKEN = [
    ("host/job/a.c", '#include "opencl/plan.h"\n', "rooms", 1),
    ("host/job/a.c", '#include <CL/cl.h>\n', "rooms", 1),
    ("host/cli/a.c", '#include "core/error.h"\n', "rooms", 1),
    ("host/model/a.c", '#include "engine/engine.h"\n', "rooms", 1),
    ("host/reference/a.c", '#include "oclstm/oclstm_opencl.h"\n', "rooms", 1),
    ("host/attic/a.c", "", "rooms", 1),
    ("host/job/a.c", '#include "core/error.h"\n/* "opencl/plan.h" */\n#include "oclstm/oclstm.h"\n', "rooms", 0),
    ("host/opencl/device/a.c", '#include "opencl/device/b.h"\n#include "opencl/plan.h"\n', "rooms", 1),
    ("host/opencl/tuning/a.c", '#include "opencl/plan.h"\n#include "opencl/gemm/b.h"\n', "rooms", 0),
    ("host/opencl/b.h", '#include "opencl/gemm/b.h"\n#include "opencl/strategies/b.h"\n', "rooms", 1),
    ("host/opencl/attic/a.c", '#include "opencl/plan.h"\n', "rooms", 1),
    ("host/job/a.c", "void f(void) { clFinish(q); }\n", "calls", 1),
    ("host/opencl/a.c", "void f(void) { clFinish(q); CLBlastSgemm(); }\n", "calls", 1),
    ("host/opencl/gemm/gemm_clblast.c", "void f(void) { clFinish(q); CLBlastSgemm(); }\n", "calls", 0),
    ("host/core/a.c", "void f(void) { printf(1); exit(1); getenv(x); abort(); }\n", "calls", 4),
    ("host/core/a.c", 'void f(void) { snprintf(1); /* printf( */ g("exit(1)"); }\n', "calls", 0),
    ("host/core/a.c", "void f(void) { free(malloc(1)); }\n", "calls", 2),
    ("host/cli/a.c", "void f(void) { printf(1); exit(1); }\n", "calls", 0),
    ("host/core/a.c", "int a;\n", "text", 1),
    ("host/core/a.c", SPDX + "int a; \n\tint b;\nint c;", "text", 3),
    ("host/core/a.c", SPDX + "/* TODO */\n/* see /home/me */\n", "text", 2),
    ("host/core/a.c", SPDX + "int f(void) {\n" + "  g();\n" * 58 + "}\n", "sizes", 0),
    ("host/core/a.c", SPDX + "int f(void) {\n" + "  g();\n" * 29 + "\n" + "  g();\n" * 29 + "}\n", "sizes", 1),
    ("host/core/a.c", SPDX + "int f(int a,\n      int b) {\n" + "  g();\n" * 59 + "}\n", "sizes", 1),
    ("host/core/a.h", SPDX + "int f(int a,\n      int b);\n" + "int g(void);\n" * 60 + "static inline int h(void) {\n}\n", "sizes", 0),
    ("host/core/a.c", SPDX + "\n" * 300, "sizes", 1),
    ("kernels/a.cl", "INLINE int f(void) {\n}\nstatic inline int g(void) {\n}\n", "inlining", 1),
    ("include/oclstm/oclstm_status.h", '  XX(OK, 0, "")\n  XX(E_ODD, -1, "")\n', "statuses", 1),
]


def self_test():
    wrong = 0
    for path, text, rule, expected in BROKEN:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            found = apply(rule, pathlib.Path(folder))[1]
            if found != expected:
                print(f"rule {rule} found {found}, expected {expected}, in:\n{text}")
                wrong += 1
    return wrong


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "self-test":
        return 1 if self_test() else 0
    if len(sys.argv) != 3 or sys.argv[1] not in RULES:
        print(__doc__, file=sys.stderr)
        return 2
    looked_at, found = apply(sys.argv[1], pathlib.Path(sys.argv[2]))
    print(f"{looked_at} files, {found} findings")
    return 1 if found or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main())
