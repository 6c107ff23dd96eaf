#!/bin/sh
# Packs what first.sh needs on a machine that has NVIDIA's driver and nothing else: programs, tests and their data,
# and the libraries they load.
# SPDX-License-Identifier: MIT
#
#   sh bundle.sh OUT [BUILD]    OUT: a new folder; BUILD: a finished build tree, build/ by default
#
# There: sh OUT/first.sh RESULTS. Nothing of glibc travels: the other machine's must not be older than this one's.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:?bundle.sh OUT [BUILD]}
build=$(cd "${2:-$source/build}" && pwd)
[ ! -e "$out" ] || { echo "bundle.sh: $out is there already" >&2; exit 1; }
mkdir -p "$out/bin" "$out/lib/cxx" "$out/tests"
out=$(cd "$out" && pwd)

cp "$source/bench/gpu/first.sh" "$source/bench/gpu/one_test.sh" "$source/bench/gpu/torch_lstm.py" "$out"
cp "$build/bench/gpu/gpu_probe" "$build/host/cli/oclstm" "$out/bin"
if command -v clinfo >/dev/null; then
  cp "$(command -v clinfo)" "$out/bin"
fi

# Tests that are one program of C with one device: every other needs the tree around it.
ctest --test-dir "$build" --show-only=json-v1 >"$out/ctest.json"
python3 - "$out" "$source" <<'END'
import json, pathlib, shutil, sys
out, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lines, copied = [], {}


def packed(word):
    """A path of this machine, as one of the bundle."""
    path = pathlib.Path(word)
    if not path.is_absolute():
        return word
    if word not in copied:
        copied[word] = "tests/" + path.name if path.is_file() else "tests/" + "-".join(path.relative_to(source).parts[1:])
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, out / copied[word])
    return copied[word]


for test in json.load(open(out / "ctest.json"))["tests"]:
    labels = next((p["value"] for p in test["properties"] if p["name"] == "LABELS"), [])
    command = test.get("command", [])
    if "pocl" not in labels or not command or not pathlib.Path(command[0]).name.startswith("test_"):
        continue
    if "--record" in command:
        at = command.index("--record")
        del command[at:at + 2]
    absolute = [pathlib.Path(word) for word in command[1:] if word.startswith("/")]
    if any(not path.is_relative_to(source / "tests") for path in absolute) or "onednn" in command[0]:
        continue
    lines.append(test["name"].replace(".pocl", ".gpu") + "\t" + " ".join(packed(word) for word in command) + "\n")
if not lines:
    sys.exit("bundle.sh: no test was found in the build tree")
(out / "tests.list").write_text("".join(lines))
(out / "ctest.json").unlink()
END

# Libraries: what the loader takes here, without glibc.
for program in "$out"/bin/* "$out"/tests/test_*; do
  LD_LIBRARY_PATH=$build ldd "$program"
done | awk '$3 ~ /^\// { print $3 }' | sort -u | while read -r library; do
  case $(basename "$library") in
    libc.so* | libm.so* | libdl.so* | libpthread.so* | librt.so* | ld-linux*) ;;
    libstdc++* | libgcc_s*) cp -L "$library" "$out/lib/cxx" ;;
    *) cp -L "$library" "$out/lib" ;;
  esac
done
find "$out/bin" "$out/lib" "$out/tests" -type f \( -name 'test_*' -o -name '*.so*' -o -path '*/bin/*' \) -exec strip -s {} + 2>/dev/null || true
# What is large travels packed, and first.sh unpacks it: oneDNN has 38 MiB, a quarter of that packed, and each test the library in it.
find "$out/lib" -type f -size +8M -exec gzip -9 {} +
tar -C "$out" -czf "$out/tests.tar.gz" tests
rm -r "$out/tests"
du -sk "$out" | awk '{ printf "bundle.sh: %.1f MiB\n", $1 / 1024 }'
