#!/bin/sh
# The example's program ends with the right code, and names what was wrong: refuses.sh ECG RECORDING SHORT
# SPDX-License-Identifier: MIT
set -eu
ecg=$1
recording=$2
short=$3

# expect CODE WORD ARGUMENT...: runs ecg, which must end with CODE and say WORD on standard error.
expect() {
  code=$1
  word=$2
  shift 2
  found=0
  message=$("$ecg" "$@" 2>&1 >/dev/null) || found=$?
  if [ "$found" -ne "$code" ]; then
    echo "ecg $*: expected exit code $code, found $found: $message" >&2
    exit 1
  fi
  case $message in
    *"$word"*) ;;
    *)
      echo "ecg $*: expected '$word' in: $message" >&2
      exit 1
      ;;
  esac
}

expect 2 usage
expect 2 usage forecast
expect 2 usage report "$recording" "$recording" 0 .
expect 2 usage report "$recording" "$recording" 9x .
expect 2 usage report "$recording" "$recording" 361 .
expect 1 no-such-file.npy prepare no-such-file.npy .
expect 1 no-such-folder prepare "$recording" no-such-folder
expect 1 108000 report "$recording" "$short" 9 .
expect 1 minute report "$short" "$short" 9 .

# A flat line: 100 zeros behind a header of 128 bytes.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
{
  printf '\223NUMPY\001\000v\000'
  printf '%-117s\n' "{'descr': '<i2', 'fortran_order': False, 'shape': (100,), }"
  head -c 200 /dev/zero
} >"$dir/flat.npy"
expect 1 heartbeat prepare "$dir/flat.npy" "$dir"
