#!/bin/sh
# The shared library exports what the public headers declare: all of it, and nothing else.
# SPDX-License-Identifier: MIT
#   exports.sh LIBRARY HEADER...
set -eu
library=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$library" | awk '{print $3}' | sort >"$work/exported"
cat "$@" | tr '\n' ' ' | grep -oE 'OCLSTM_API [a-z][^;(#]*\(' | grep -oE '[a-z0-9_]+\($' | tr -d '(' | sort >"$work/declared"
test -s "$work/declared"
if ! diff -u "$work/declared" "$work/exported"; then
  echo "- declared and not exported, + exported and not declared"
  exit 1
fi
if ! objdump -p "$library" | grep -q 'SONAME *liboclstm\.so\.[0-9]*$'; then
  objdump -p "$library" | grep SONAME || true
  echo "the name to load by should be liboclstm.so.MAJOR"
  exit 1
fi
