#!/bin/sh
# The first questions to a GPU, in order, each with a time limit; whatever happens is an answer and is written down.
# SPDX-License-Identifier: MIT
#
#   sh first.sh OUT [--quick] [--seconds N] [--only "QUESTION..."] [--bin FOLDER] [--device PLATFORM:DEVICE]
#
# Run from a bundle (bundle.sh) it finds programs and libraries beside itself; --bin names the folder of gpu_probe in a
# build tree. OUT receives summary.txt, results.json and raw.tar.gz. --seconds is for everything together: questions that
# would begin behind it are left out by name. Where OCL_ICD_VENDORS is not set, NVIDIA's driver is looked for.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=$here/bin
quick=
seconds=540
device=0:0
questions="machine clinfo device ptx coresidency barrier resident launch peaks clblast torch tests bench"
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$1
shift
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=--quick ;;
    --seconds) seconds=$2; shift ;;
    --only) questions=$2; shift ;;
    --bin) bin=$2; shift ;;
    --device) device=$2; shift ;;
    *) echo "first.sh: $1?" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
raw=$out/raw
mkdir -p "$raw"
started=$(date +%s)
summary=$out/summary.txt
[ -n "${OCLSTM_FIRST_QUESTION-}" ] || : >"$summary"

say() {
  printf '%s\n' "$*" | tee -a "$summary" >&2
}

# ---- finding the driver and our libraries ----

libraries=$here/lib
# The C++ library of the build machine serves where there is none, and only there: an older one would get in the way.
[ ! -d "$here/lib/cxx" ] || ldconfig -p 2>/dev/null | grep -q 'libstdc++\.so\.6' || libraries=$libraries:$here/lib/cxx

# Large ones travel packed.
for packed in "$here"/lib/*.gz; do
  [ -f "$packed" ] || continue
  unpacked=$out/lib/$(basename "$packed" .gz)
  mkdir -p "$out/lib"
  [ -f "$unpacked" ] || { gunzip -c "$packed" >"$unpacked.part" && mv "$unpacked.part" "$unpacked"; }
  libraries=$here/lib:$out/lib${libraries#"$here/lib"}
done

find_driver() {
  find /usr /opt /lib /lib64 /run -xdev -name 'libnvidia-opencl.so*' 2>/dev/null
  find /usr/local/nvidia -name 'libnvidia-opencl.so*' 2>/dev/null # often a mount of its own
}

if [ -z "${OCL_ICD_VENDORS-}" ]; then
  driver=$(find_driver | sort -u | head -n 1)
  if [ -n "$driver" ]; then
    mkdir -p "$out/vendors"
    printf '%s\n' "$driver" >"$out/vendors/nvidia.icd"
    OCLSTM_FIRST_DRIVER=$(dirname "$driver")
    export OCL_ICD_VENDORS="$out/vendors" OCLSTM_FIRST_DRIVER
    say "driver: $driver"
  else
    say "driver: no libnvidia-opencl.so anywhere; OpenCL questions will say so"
  fi
fi

libraries=$libraries${OCLSTM_FIRST_DRIVER:+:$OCLSTM_FIRST_DRIVER}

# Programs of ours see our libraries, others do not: an older libstdc++ in front would break Python.
ours() {
  LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}

# ---- the questions ----

# The libraries that the driver's compiler needs too, and what else tells machines apart.
ask_machine() {
  uname -a
  grep -m 1 'model name' /proc/cpuinfo
  nvidia-smi 2>&1
  nvidia-smi -q 2>&1 | grep -E 'Product Name|Driver Version|CUDA Version|Clocks|SM  |Graphics  |Memory  |Persistence' | head -n 40
  cat /proc/driver/nvidia/version 2>&1
  find_driver
  find /usr /opt /lib64 -xdev \( -name 'libnvidia-nvvm*' -o -name 'libnvidia-ptxjitcompiler*' -o -name 'libOpenCL.so*' \) 2>/dev/null
  find /etc/OpenCL/vendors /usr/local/nvidia -maxdepth 2 2>&1 | head -n 120
  for tool in clinfo cmake ninja gcc nvcc ptxas cuobjdump python3; do
    printf '%s: %s\n' "$tool" "$(command -v "$tool" || echo none)"
  done
}

ask_clinfo() {
  clinfo=$bin/clinfo
  [ -x "$clinfo" ] || clinfo=$(command -v clinfo) || { echo "no clinfo here"; return 1; }
  ours "$clinfo"
}

ask_torch() {
  # shellcheck disable=SC2086
  python3 "$here/torch_lstm.py" --json "$raw/torch.json" $quick
}

# One line a test: NAME<TAB>COMMAND, from bundle.sh; words of a command have no blanks in them, paths are those in tests.tar.gz.
ask_tests() {
  [ -f "$here/tests.list" ] || { echo "no tests in this bundle"; return 1; }
  mkdir -p "$raw/tests"
  tar -C "$out" -xzf "$here/tests.tar.gz" || return 1
  list=$here/tests.list
  if [ -n "$quick" ]; then
    grep -E '^(opencl\.gemm|forward\.calls)\.' "$list" >"$raw/quick.list"
    list=$raw/quick.list
  fi
  cut -f 1 "$list" | LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} xargs -P "$(jobs_at_once)" -I NAME \
    sh "$here/one_test.sh" NAME "$out" "$list" "$raw/tests" >"$raw/tests.txt"
  rm -r "$out/tests"
  sort -o "$raw/tests.txt" "$raw/tests.txt"
  failed=$(grep -vc ' 0 ' "$raw/tests.txt")
  echo "$(wc -l <"$list") tests, $(wc -l <"$raw/tests.txt") ended, $failed failed"
  grep -v ' 0 ' "$raw/tests.txt" | head -n 30
  printf '{"question": "tests", "listed": %d, "ended": %d, "failed": %d}\n' "$(wc -l <"$list")" "$(wc -l <"$raw/tests.txt")" \
    "$failed" >"$raw/tests.json"
  [ -s "$raw/tests.txt" ] && [ "$failed" -eq 0 ]
}

jobs_at_once() {
  n=$(nproc 2>/dev/null || echo 1)
  [ "$n" -le 8 ] && echo "$n" || echo 8
}

ask_bench() {
  [ -x "$bin/oclstm" ] || { echo "no oclstm in this bundle"; return 1; }
  list=quick
  [ -z "$quick" ] || list="20,4,32,64 --repeats 3 --onednn off --no-peaks"
  # shellcheck disable=SC2086
  ours "$bin/oclstm" bench $list --device "opencl:$device" --json >"$raw/bench.json"
}

# Strategy grid with W_hh in registers, against a launch a step: right first, then microseconds. Shapes: docs/gpu.md.
ask_resident() {
  [ -x "$bin/oclstm" ] || { echo "no oclstm in this bundle"; return 1; }
  if [ -n "$quick" ]; then
    set -- 4,2,8,32 --strategy grid --seconds 1
  else
    set -- 512,1,256,256 512,32,512,512 512,64,512,512 512,1,1024,1024 512,32,1024,1024 512,64,1024,1024 512,32,1536,1536 \
      --strategy grid --strategy fused-step --precision bf16 --precision f32 --seconds 1
  fi
  ours "$bin/oclstm" bench "$@" --no-peaks --device "opencl:$device" --json >"$raw/resident.json"
}

ask_probe() {
  # shellcheck disable=SC2086
  ours "$bin/gpu_probe" "$1" --device "$device" --json "$raw/$1.json" --folder "$raw" $quick
}

limit_of() {
  case $1 in
    tests) echo 150 ;;
    torch) echo 100 ;;
    bench) echo 90 ;; # its quick list takes a minute, plans and peaks beside it
    clblast | coresidency | resident) echo 60 ;;
    *) echo 40 ;;
  esac
}

# A shell function cannot be given to timeout: this script calls itself for one question.
if [ -n "${OCLSTM_FIRST_QUESTION-}" ]; then
  case $OCLSTM_FIRST_QUESTION in
    machine | clinfo | resident | torch | tests | bench) "ask_$OCLSTM_FIRST_QUESTION" ;;
    *) ask_probe "$OCLSTM_FIRST_QUESTION" ;;
  esac
  exit
fi

results=
for question in $questions; do
  now=$(date +%s)
  left=$((seconds - (now - started)))
  limit=$(limit_of "$question")
  [ "$limit" -le "$left" ] || limit=$left
  say ""
  say "== $question"
  if [ "$left" -lt 5 ]; then
    say "left out: the time is over"
    continue
  fi
  OCLSTM_FIRST_QUESTION=$question timeout -k 5 "$limit" sh "$0" "$out" --bin "$bin" --device "$device" $quick \
    >"$raw/$question.txt" 2>&1
  status=$?
  head -c 6000 "$raw/$question.txt" | head -n 90 >>"$summary"
  say "-- $question: status $status, $(($(date +%s) - now)) s"
  [ -s "$raw/$question.json" ] || printf 'null\n' >"$raw/$question.json"
  results="$results $question"
  printf '%d\n' "$status" >"$raw/$question.status"
done

{
  echo '{'
  for question in $results; do
    printf '"%s": {"status": %s, "answer":\n' "$question" "$(cat "$raw/$question.status")"
    cat "$raw/$question.json"
    echo '},'
  done
  printf '"seconds": %d\n}\n' "$(($(date +%s) - started))"
} >"$out/results.json"
tar -C "$out" -czf "$out/raw.tar.gz" raw
say ""
say "== $(($(date +%s) - started)) s; $out: summary.txt, results.json, raw.tar.gz"
