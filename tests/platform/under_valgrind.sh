#!/usr/bin/env bash
# under_valgrind.sh PROGRAM [ARGUMENT]...: fails when the program does, or when Valgrind's memcheck finds an error.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
command -v valgrind >/dev/null || { echo "SKIPPED: there is no valgrind here" && exit 77; }
exec valgrind --quiet --error-exitcode=9 --suppressions="$here/valgrind.supp" "$@"
