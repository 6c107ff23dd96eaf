#!/bin/sh
# Runs one test of a bundle and prints "NAME STATUS SECONDS".
# SPDX-License-Identifier: MIT
#   one_test.sh NAME FOLDER LIST LOGS    FOLDER: where the bundle's tests/ was unpacked
set -u
set -f # patterns among the arguments are the test's own
name=$1
cd "$2" || exit 2
started=$(date +%s)
command=$(awk -F '\t' -v name="$name" '$1 == name { print $2 }' "$3")
# shellcheck disable=SC2086
timeout -k 5 60 $command >"$4/$name.log" 2>&1
status=$?
[ "$status" -ne 0 ] || rm -f "$4/$name.log"
printf '%s %d %d\n' "$name" "$status" "$(($(date +%s) - started))"
