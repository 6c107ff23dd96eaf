#!/bin/sh
# expect.sh STATUS TEXT COMMAND...: the command must exit with STATUS and say TEXT somewhere.
# SPDX-License-Identifier: MIT
set -eu
status=$1
text=$2
shift 2
found=0
said=$("$@" 2>&1) || found=$?
printf '%s\n' "$said"
if [ "$found" -ne "$status" ]; then
  echo "exit status $found, expected $status"
  exit 1
fi
case $said in
  *"$text"*) ;;
  *)
    echo "expected to read: $text"
    exit 1
    ;;
esac
