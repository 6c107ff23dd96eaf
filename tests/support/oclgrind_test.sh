#!/bin/sh
# Runs a test program under oclgrind; fails when the program fails or oclgrind reports anything.
# SPDX-License-Identifier: MIT
set -u
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
oclgrind --data-races --uninitialized --check-api --max-errors 20 --log "$log" "$@"
status=$?
if [ -s "$log" ]; then
  echo "oclgrind reports:" >&2
  cat "$log" >&2
  exit 1
fi
exit $status
