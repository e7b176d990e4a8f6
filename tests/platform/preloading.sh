#!/usr/bin/env bash
# preloading.sh VARIABLE PROGRAM [ARGUMENT]...: runs the program with the shared object that the variable names (set by
# tools/peers.sh) preloaded. Fails when it is not loaded: the loader only warns.
set -euo pipefail
object=${!1:-}
shift
[[ -e $object ]] || { echo "SKIPPED: the allocator is not unpacked: tools/peers.sh" && exit 77; }
LD_PRELOAD=$object bash -c 'grep -qF "$1" /proc/self/maps' bash "$object" || { echo "$object is not loaded" && exit 1; }
LD_PRELOAD=$object exec "$@"
