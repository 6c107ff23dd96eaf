#!/bin/sh
# Runs a test program under oclgrind; fails when the program fails or oclgrind reports anything.
# SPDX-License-Identifier: MIT
#
# What kernels do wrong goes to oclgrind's log; what calls do wrong, and its own fatal errors, go to stderr.
# Version 21.10 takes a buffer of which the host writes a part for uninitialised, so what runs here writes whole ones.
# OCLGRIND_DEVICE holds further options, such as --max-wgsize 16 for a device with small work-groups.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
# shellcheck disable=SC2086
oclgrind --data-races --uninitialized --check-api --max-errors 20 ${OCLGRIND_DEVICE-} \
  --log "$folder/log" "$@" 2>"$folder/stderr"
status=$?
cat "$folder/stderr" >&2
if [ -s "$folder/log" ] || grep -qi '^oclgrind' "$folder/stderr"; then
  echo "oclgrind reports:" >&2
  head -n 200 "$folder/log" >&2
  exit 1
fi
exit "$status"
